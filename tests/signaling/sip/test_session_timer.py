"""Session timers: who refreshes by RFC 4028's table 2, 422 both ways, refreshes that nobody is told of, dead peers."""

from __future__ import annotations

import pytest

from signaling.sip.auth import Credentials
from signaling.sip.events import Ended, Reinvited
from signaling.sip.session_timer_states import REFRESHER, TIMER, Do, On, State
from tests.kit.network import BadNetwork
from tests.signaling.sip.pair import OFFER, Pair
from tests.signaling.sip.peer import Peer

ON = {"session_timer": True}


def timed(a=None, b=None, network=None):
    return Pair(network, a=ON | (a or {}), b=ON | (b or {}))


# the tables


def test_every_state_is_reachable_and_can_end():
    seen, todo = {State.OFF}, [State.OFF]
    while todo:
        for state, _ in TIMER[todo.pop()].values():
            if state not in seen:
                seen.add(state)
                todo.append(state)
    assert seen == set(TIMER) == set(State)
    assert all(On.CLOSE in row for state, row in TIMER.items() if state is not State.OVER)


def test_every_input_and_action_is_used():
    assert {on for row in TIMER.values() for on in row} == set(On)
    assert {do for row in TIMER.values() for _, actions in row.values() for do in actions} == set(Do)


def test_whoever_cannot_refresh_is_not_asked_to():
    assert all(who == "uas" for (spoken, _), who in REFRESHER.items() if not spoken)
    assert all(who == asked for (spoken, asked), who in REFRESHER.items() if spoken and asked)


# two stacks


def test_the_caller_refreshes_by_update_and_nobody_is_told():
    pair = timed()
    outgoing, incoming = pair.talk()
    pair.run(4000)
    assert pair.sent("a") == ["UPDATE"] * 4
    assert pair.sent("b") == ["200"] * 4
    assert pair.events == {"a": [], "b": []}
    pair.a.bye(outgoing, pair.now)
    pair.run()
    pair.assert_empty()


def test_without_update_the_same_offer_goes_out_again():
    bare = ("INVITE", "ACK", "CANCEL", "BYE", "INFO")
    pair = timed(b={"allow": bare})
    offers = []

    def on_b(event):
        if isinstance(event, Reinvited):
            offers.append(event.body)
            pair.b.answer_reinvite(event.call, b"v=0 again", pair.now)

    outgoing, _ = pair.talk()
    pair.on_b = on_b
    pair.run(1000)
    assert (offers, pair.events["a"]) == ([OFFER], [])
    assert pair.sent("a") == ["INVITE", "ACK"]
    pair.a.reinvite(outgoing, b"v=0 other", pair.now)
    pair.run(1000)
    assert offers == [OFFER, b"v=0 other", b"v=0 other"]  # the description in force, not the first one
    assert pair.kinds("a") == ["ReinviteAnswered"]


def test_an_offer_made_while_a_refresh_is_out_waits_for_it():
    pair = timed(b={"allow": ("INVITE", "ACK", "CANCEL", "BYE")})
    outgoing, incoming = pair.talk()
    pair.run(900.005)  # the refresh has left and has not come back
    assert pair.sent("a")[-1:] == ["INVITE"]
    pair.a.reinvite(outgoing, b"v=0 hold", pair.now)
    pair.run(0.05)
    pair.b.answer_reinvite(incoming, b"v=0 1", pair.now)
    pair.run(0.1)
    pair.b.answer_reinvite(incoming, b"v=0 2", pair.now)
    pair.run(0.1)
    assert [each.body for each in pair.events["b"]] == [OFFER, b"v=0 hold"]
    assert [each.body for each in pair.events["a"]] == [b"v=0 2"]


@pytest.mark.parametrize("side", ["a", "b"])
def test_a_side_without_timers_is_refreshed_by_the_other(side):
    pair = Pair(a=ON if side == "b" else {}, b=ON if side == "a" else {})
    other = "b" if side == "a" else "a"
    pair.talk()
    pair.run(2000)
    assert (pair.sent(other, "UPDATE"), pair.sent(side, "UPDATE")) == (["UPDATE"] * 2, [])
    assert pair.events == {"a": [], "b": []}


def test_a_peer_that_is_gone_ends_the_call_on_both_sides():
    pair = timed()
    outgoing, incoming = pair.talk()
    pair.network.drop = lambda data, source, to: True
    pair.run()
    (mine,), (theirs,) = pair.events["a"], pair.events["b"]
    assert isinstance(mine, Ended) and mine.call == outgoing  # its UPDATE was never answered
    assert isinstance(theirs, Ended) and theirs.call == incoming
    assert all(
        each.reason.startswith("session timer: no answer to UPDATE from udp:192.0.2.") for each in (mine, theirs)
    )
    assert 1350 < pair.now < 1420
    pair.assert_empty()


def test_an_interval_that_is_too_short_is_lengthened():
    """422 and back: the caller asks again with what the callee wants, password and all."""
    pair = timed(a={"session_expires": 120}, b={"min_se": 600, "challenge": True})
    outgoing = pair.call(credentials=Credentials("alice", "wonder"))
    pair.run(0.3)
    assert pair.sent("b") == ["401", "422", "100"]
    pair.b.answer(pair.last("b").call, b"v=0", pair.now)
    pair.run(0.1)
    pair.forget()
    pair.run(301)
    assert pair.sent("a") == ["UPDATE"]
    pair.a.bye(outgoing, pair.now)
    pair.run()
    pair.assert_empty()


@pytest.mark.parametrize("seed", range(12))
def test_calls_outlive_a_bad_network(seed):
    """Ten hours with refreshes; only a transaction that is lost altogether may end the call, and then on both sides."""
    pair = timed(network=BadNetwork(seed, loss=0.15, delay=0.02, jitter=0.05, duplicate=0.1, reorder=0.1))
    pair.call()
    pair.run(40)
    if "Invited" in pair.kinds("b"):
        pair.b.answer(pair.events["b"][0].call, b"v=0", pair.now)
    pair.run(36_000)
    assert pair.a.calls() == pair.b.calls()
    assert all(type(event) is not Reinvited for event in pair.events["b"])
    for side, stack in (("a", pair.a), ("b", pair.b)):
        if stack.calls():
            stack.bye(next(e.call for e in pair.events[side] if type(e).__name__ in ("Answered", "Invited")), pair.now)
            break
    pair.run()
    pair.assert_empty()


# from a peer written by hand


@pytest.fixture
def peer():
    return Peer(**ON)


@pytest.mark.parametrize(
    ("headers", "session", "required"),
    [
        ("", "1800;refresher=uas", None),
        ("Supported: timer\n", "1800;refresher=uac", "timer"),
        ("Supported: timer\nSession-Expires: 600\n", "600;refresher=uac", "timer"),
        ("Supported: timer\nx: 600;refresher=uas\n", "600;refresher=uas", "timer"),
        ("Supported: timer\nSession-Expires: 7200 ;refresher=UAC\n", "1800;refresher=uac", "timer"),
        ("Supported: timer\nSession-Expires: 7200\nMin-SE: 3600\n", "3600;refresher=uac", "timer"),
        ("Session-Expires: 5;refresher=uac\n", "90;refresher=uas", None),
        ("Supported: timer\nSession-Expires: nonsense\n", "1800;refresher=uac", "timer"),
    ],
)
def test_what_a_callee_agrees_to(peer, headers, session, required):
    call = peer.calls(headers=headers)
    peer.stack.answer(call, b"v=0", peer.now)
    answer = peer.one()
    assert (answer.headers.get("Session-Expires"), answer.headers.get("Require")) == (session, required)


def test_where_the_caller_forgets_to_refresh_the_callee_does(peer):
    call = peer.talks(headers="Allow: UPDATE\nSupported: timer\nSession-Expires: 600\n")
    assert peer.wait(449) == []
    peer.now = 450.0
    peer.stack.wake(450.0)
    update = peer.one()
    assert (update.method, update.headers.get("Session-Expires")) == ("UPDATE", "600;refresher=uac")
    peer.answer(update, 200)
    assert peer.wait(299) == []
    (when, what), *_ = peer.wait(2)
    assert (when, what) == (750.0, "UPDATE")  # from now on it is ours
    assert peer.stack.calls() == 1 and call


def test_a_call_that_is_not_refreshed_ends(peer):
    """Whatever is tried: RFC 4028 section 10, 32 seconds before the end of the interval."""
    call = peer.talks(headers="Allow: UPDATE\nSupported: timer\nSession-Expires: 600\n")
    while peer.now < 566:
        peer.now += 1
        peer.stack.wake(peer.now)
        for request in peer.take():
            assert request.method == "UPDATE"
            peer.answer(request, 500)
    assert peer.events() == []
    assert (568.0, "BYE") in peer.wait(3)
    (event,) = peer.events()
    assert event == Ended(call, "session timer: no sign of life in 600 seconds")


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_a_refresh_of_theirs_begins_the_interval_anew(peer, method):
    call = peer.talks(headers="Supported: timer\nSession-Expires: 600\n")
    peer.wait(300)
    refresh = "Supported: timer\nSession-Expires: 600;refresher=uac\n"
    body = "v=0 offer" if method == "INVITE" else ""
    peer.give(peer.request(method, to_tag=call, cseq=2, headers=refresh, body=body))
    if method == "INVITE":
        peer.stack.answer_reinvite(call, b"v=0", peer.now)
    answer = peer.take()[-1]
    assert answer.headers.get("Session-Expires") == "600;refresher=uac"
    peer.give(peer.request("ACK", to_tag=call, cseq=2))
    peer.events()
    assert "INVITE" not in [what for _, what in peer.wait(449)]
    assert (750.0, "INVITE") in peer.wait(2)  # three quarters from now; they have never spoken of UPDATE


def test_too_short_for_us(peer):
    short = "Supported: timer\nSession-Expires: 60\n"
    peer.give(peer.request("INVITE", headers=short))
    refusal = peer.one()
    assert (refusal.status, refusal.headers.get("Min-SE")) == (422, "90")
    call = peer.talks()
    peer.give(peer.request("UPDATE", to_tag=call, cseq=2, headers=short))
    assert peer.one().status == 422


def test_a_422_that_asks_for_nothing_is_a_refusal(peer):
    for headers in ((), (("Min-SE", "x"),), (("Min-SE", "90"),), (("Min-SE", "999999999"),)):
        _, invite = peer.invited()
        peer.answer(invite, 422, headers=headers)
        assert (peer.starts(), peer.kinds()) == (["ACK"], ["Rejected"])


def test_a_422_without_end_is_a_refusal(peer):
    _, invite = peer.invited()
    for least in (2000, 3000, 4000):
        peer.answer(invite, 422, headers=(("Min-SE", str(least)),))
        _, invite = peer.take()
        assert invite.headers.get("Session-Expires") == invite.headers.get("Min-SE") == str(least)
    peer.answer(invite, 422, headers=(("Min-SE", "5000"),))
    assert (peer.starts(), peer.kinds()) == (["ACK"], ["Rejected"])
    assert invite.cseq.number == 4


def answered(peer, headers=()):
    call, invite = peer.invited()
    assert invite.headers.get("Session-Expires") == "1800" and "timer" in invite.headers.all("Supported")
    peer.answer(invite, 200, headers=(("Allow", "INVITE, UPDATE"), *headers), body=b"v=0")
    peer.take(), peer.events()
    return call


def test_they_refresh_where_they_say_so(peer):
    answered(peer, (("Session-Expires", "300;refresher=uas"), ("Require", "timer")))
    assert peer.wait(224) == []
    assert (225.0, "UPDATE") in peer.wait(2)  # three quarters: they have forgotten


def test_we_refresh_where_they_say_nothing(peer):
    answered(peer)
    (when, what), *_ = peer.wait(901)
    assert (when, what) == (900.0, "UPDATE")


def test_a_refused_update_becomes_an_invite_and_a_refused_invite_no_end(peer):
    answered(peer, (("Session-Expires", "200;refresher=uac"),))
    peer.now = 100.0
    peer.stack.wake(100.0)
    update = peer.one()
    assert update.headers.get("Session-Expires") == "200;refresher=uac"
    peer.answer(update, 501)
    peer.now = 110.0
    peer.stack.wake(110.0)
    invite = peer.one()
    assert (invite.method, invite.body) == ("INVITE", OFFER)
    peer.answer(invite, 488)
    assert (peer.starts(), peer.events()) == (["ACK"], [])
    peer.now = 120.0
    peer.stack.wake(120.0)
    again = peer.one()
    peer.answer(again, 200, headers=(("Session-Expires", "200;refresher=uac"),), body=b"v=0")
    assert (peer.starts(), peer.events()) == (["ACK"], [])
    peer.now = 219.0
    peer.stack.wake(219.0)
    assert peer.take() == []


def test_switched_off_nothing_is_said_and_a_required_timer_is_refused():
    peer = Peer()
    _, invite = peer.invited()
    assert "Session-Expires" not in invite.headers and "timer" not in invite.headers.all("Supported")
    peer.give(peer.request("INVITE", headers="Require: timer\nSession-Expires: 600\n"))
    refusal = peer.one()
    assert (refusal.status, refusal.headers.get("Unsupported")) == (420, "timer")
