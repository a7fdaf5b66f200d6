"""New offers in mid-call: re-INVITE and UPDATE, both ways, crossing, unanswered (RFC 3261 section 14, RFC 3311)."""

from __future__ import annotations

import pytest

from signaling.sip.errors import WrongState
from signaling.sip.events import Acked, Ended, InfoReceived, ReinviteAnswered, Reinvited, ReinviteRejected
from signaling.sip.offer_states import OFFER, Do, On, State
from tests.kit.network import BadNetwork
from tests.signaling.sip.pair import Pair
from tests.signaling.sip.peer import Peer


@pytest.fixture
def pair():
    return Pair()


def test_the_table():
    seen, todo = {State.CALLING, State.CALLED}, [State.CALLING, State.CALLED]
    while todo:
        for state, _ in OFFER[todo.pop()].values():
            if state not in seen:
                seen.add(state)
                todo.append(state)
    assert seen == set(OFFER) == set(State)
    rows = OFFER.values()
    assert {on for row in rows for on in row} == set(On)
    assert {do for row in rows for _, actions in row.values() for do in actions} == set(Do)
    assert all(On.CLOSE in row for state, row in OFFER.items() if state is not State.CLOSED)


def test_reinvite_from_either_side(pair):
    outgoing, incoming = pair.talk()
    for stack, mine, other, yours in ((pair.a, outgoing, pair.b, incoming), (pair.b, incoming, pair.a, outgoing)):
        here, there = ("a", "b") if stack is pair.a else ("b", "a")
        pair.forget()
        stack.reinvite(mine, b"v=0 hold", pair.now)
        pair.run(0.1)
        assert pair.events[there] == [Reinvited(yours, b"v=0 hold")]
        other.answer_reinvite(yours, b"v=0 held", pair.now)
        pair.run(0.1)
        assert pair.events[here] == [ReinviteAnswered(mine, b"v=0 held")]
        assert pair.sent(here) == ["INVITE", "ACK"]
    pair.a.bye(outgoing, pair.now)
    pair.run()
    pair.assert_empty()


def test_a_refused_offer_changes_nothing(pair):
    outgoing, incoming = pair.talk()
    pair.a.reinvite(outgoing, b"v=0 video", pair.now)
    pair.run(0.1)
    pair.b.reject_reinvite(incoming, 488, pair.now)
    pair.run(0.1)
    assert pair.last("a") == ReinviteRejected(outgoing, 488, "Not Acceptable Here")
    assert (pair.a.calls(), pair.b.calls()) == (1, 1)
    pair.a.reinvite(outgoing, b"v=0", pair.now)
    pair.run(0.1)
    assert pair.kinds("b")[-1] == "Reinvited"


@pytest.mark.parametrize("seed", range(5))
def test_glare_both_are_refused_and_both_get_through_later(seed):
    pair = Pair(BadNetwork(seed, delay=0.01))
    outgoing, incoming = pair.talk()
    pair.on_a = lambda event: answer(pair.a, event, pair)
    pair.on_b = lambda event: answer(pair.b, event, pair)
    pair.a.reinvite(outgoing, b"v=0 a", pair.now)
    pair.b.reinvite(incoming, b"v=0 b", pair.now)
    pair.run(10)
    assert pair.sent("a", "491") == ["491"]
    assert pair.sent("b", "491") == ["491"]
    assert [each for each in pair.events["a"] if isinstance(each, ReinviteAnswered)] == [
        ReinviteAnswered(outgoing, b"v=0 agreed")
    ]
    assert ReinviteAnswered(incoming, b"v=0 agreed") in pair.events["b"]
    pair.b.bye(incoming, pair.now)
    pair.run()
    pair.assert_empty()


def answer(stack, event, pair):
    if isinstance(event, Reinvited):
        stack.answer_reinvite(event.call, b"v=0 agreed", pair.now)


def test_glare_has_an_end():
    peer = Peer()
    call = peer.talks()
    peer.stack.reinvite(call, b"v=0", peer.now)
    for _ in range(9):
        (invite,) = [each for each in peer.take() if each.method == "INVITE"]
        peer.answer(invite, 491)
        peer.take()
        pauses = peer.now
        while (
            peer.stack.wake_at() is not None and peer.now - pauses < 2.0 and not peer.stack._core.transactions.outgoing
        ):
            peer.now = peer.stack.wake_at()
            peer.stack.wake(peer.now)
    assert peer.events() == [ReinviteRejected(call, 491, "Request Pending")]


def test_an_offer_right_after_the_answer_waits_for_the_ack():
    peer = Peer()
    call = peer.calls()
    peer.stack.answer(call, b"v=0", peer.now)
    peer.stack.reinvite(call, b"v=0 hold", peer.now)
    assert peer.starts() == ["200"]
    peer.give(peer.request("ACK", to_tag=call))
    invite = peer.one()
    assert (invite.method, invite.body) == ("INVITE", b"v=0 hold")


def test_a_second_offer_while_one_is_open_is_a_mistake():
    peer = Peer()
    call = peer.talks()
    peer.stack.reinvite(call, b"v=0", peer.now)
    with pytest.raises(WrongState, match="our new offer is out"):
        peer.stack.reinvite(call, b"v=0", peer.now)


def test_two_invites_of_theirs_at_once():
    peer = Peer()
    call = peer.talks()
    peer.give(peer.request("INVITE", to_tag=call, cseq=2, body="v=0"))
    peer.give(peer.request("INVITE", to_tag=call, cseq=3, body="v=0"))
    refused = peer.one()
    assert refused.status == 500  # 14.2
    assert 0 <= int(refused.headers.get("Retry-After")) <= 10
    assert peer.kinds() == ["Reinvited"]


def test_an_invite_before_ours_is_answered_gets_491():
    peer = Peer()
    call, invite = peer.invited()
    peer.answer(invite, 180)
    peer.give(peer.request("INVITE", to_tag=call, call_id=invite.call_id, body="v=0"))
    assert peer.starts() == ["491"]


def test_a_new_offer_proves_that_our_2xx_has_arrived():
    peer = Peer()
    call = peer.calls()
    peer.stack.answer(call, b"v=0", peer.now)
    peer.take()
    peer.give(peer.request("INVITE", to_tag=call, cseq=2, body="v=0 new"))
    assert peer.events() == [Acked(call), Reinvited(call, b"v=0 new")]
    assert peer.wait(5) == [], "nothing to repeat"


def test_an_update_that_crosses_our_2xx_proves_nothing():
    peer = Peer()
    call = peer.calls()
    peer.stack.answer(call, b"v=0", peer.now)
    peer.give(peer.request("UPDATE", to_tag=call, cseq=2, body="v=0 new"))
    assert peer.events() == [Reinvited(call, b"v=0 new")]
    peer.take()
    assert peer.wait(0.6) == [(0.5, "200")], "the 2xx to the INVITE is still repeated"
    peer.stack.answer_reinvite(call, b"v=0", peer.now)
    peer.give(peer.request("ACK", to_tag=call))
    assert peer.kinds() == ["Acked"]
    peer.take()
    assert peer.wait(30) == []


def test_a_cancelled_reinvite_of_theirs():
    peer = Peer()
    call = peer.talks()
    peer.give(peer.request("INVITE", to_tag=call, cseq=2, body="v=0", branch="z9hG4bK-again"))
    peer.give(peer.request("CANCEL", to_tag=call, cseq=2, branch="z9hG4bK-again"))
    assert peer.starts() == ["200", "487"]
    with pytest.raises(WrongState):
        peer.stack.answer_reinvite(call, b"v=0", peer.now)
    assert peer.stack.calls() == 1


def test_hanging_up_with_their_offer_open():
    peer = Peer()
    call = peer.talks()
    peer.give(peer.request("INVITE", to_tag=call, cseq=2, body="v=0"))
    peer.stack.bye(call, peer.now)
    assert peer.starts() == ["BYE", "487"]


def test_an_answer_to_our_offer_after_the_end_is_still_acknowledged():
    peer = Peer()
    call = peer.talks()
    peer.stack.reinvite(call, b"v=0", peer.now)
    invite = peer.one()
    peer.stack.bye(call, peer.now)
    peer.take()
    for _ in range(2):
        peer.answer(invite, 200)
        assert peer.starts() == ["ACK"]
    assert peer.events() == []


def test_a_dialog_that_the_other_side_has_lost_is_over():
    for status in (481, 408):
        peer = Peer()
        call = peer.talks()
        peer.stack.reinvite(call, b"v=0", peer.now)
        peer.answer(peer.one(), status)
        assert peer.starts() == ["ACK", "BYE"]
        (ended,) = peer.events()
        assert isinstance(ended, Ended)
        assert str(status) in ended.reason


def test_silence_to_our_offer_ends_the_call():
    peer = Peer()
    call = peer.talks()
    peer.stack.reinvite(call, b"v=0", peer.now)
    assert peer.wait(32)[-1][1] == "BYE"
    assert peer.kinds() == ["Ended"]
    peer.stack.transport_failed(peer.there, peer.now)


def test_our_offer_does_not_stay_open_for_ever():
    peer = Peer(ring_limit=30)
    call = peer.talks()
    peer.stack.reinvite(call, b"v=0", peer.now)
    invite = peer.one()
    peer.answer(invite, 100)
    assert peer.wait(30.1) == [(30, "CANCEL")]
    peer.answer(invite, 487)
    assert peer.events() == [ReinviteRejected(call, 487, "Request Terminated")]


def test_a_2xx_to_a_reinvite_without_ack_ends_the_call():
    peer = Peer()
    call = peer.talks()
    peer.give(peer.request("INVITE", to_tag=call, cseq=2, body="v=0"))
    peer.stack.answer_reinvite(call, b"v=0", peer.now)
    assert peer.wait(32)[-1] == (32, "BYE")
    assert peer.kinds() == ["Reinvited", "Ended"]


def test_an_offer_of_ours_in_their_reinvite_is_answered_in_the_ack():
    peer = Peer()
    call = peer.talks()
    peer.give(peer.request("INVITE", to_tag=call, cseq=2))
    assert peer.events() == [Reinvited(call, b"")]
    peer.stack.answer_reinvite(call, b"v=0 our offer", peer.now)
    peer.give(peer.request("ACK", to_tag=call, cseq=2, body="v=0 their answer"))
    assert peer.events() == [Acked(call, b"v=0 their answer")]


def test_update_without_body_refreshes_the_target():
    peer = Peer()
    call = peer.talks()
    peer.give(peer.request("UPDATE", to_tag=call, cseq=2, contact="<sip:bob@192.0.2.77>"))
    assert peer.starts() == ["200"]
    assert peer.events() == []
    peer.stack.bye(call, peer.now)
    assert str(peer.one().uri) == "sip:bob@192.0.2.77"
    assert peer.addresses[0].host == "192.0.2.77"


def test_update_with_a_body_is_an_offer_that_needs_no_ack():
    peer = Peer()
    call = peer.talks()
    peer.give(peer.request("UPDATE", to_tag=call, cseq=2, body="v=0 new"))
    assert peer.events() == [Reinvited(call, b"v=0 new")]
    peer.stack.answer_reinvite(call, b"v=0 answer", peer.now)
    answer = peer.one()
    assert (answer.status, answer.body, str(answer.cseq)) == (200, b"v=0 answer", "2 UPDATE")
    assert peer.wait(60) == []
    peer.stack.reinvite(call, b"v=0", peer.now)
    assert peer.starts() == ["INVITE"]


def test_reinvite_moves_the_target_both_ways():
    peer = Peer()
    call = peer.talks()
    peer.give(peer.request("INVITE", to_tag=call, cseq=2, body="v=0", contact="<sip:bob@192.0.2.78>"))
    peer.stack.answer_reinvite(call, b"v=0", peer.now)
    peer.give(peer.request("ACK", to_tag=call, cseq=2))
    peer.take()
    peer.stack.reinvite(call, b"v=0", peer.now)
    invite = peer.one()
    assert str(invite.uri) == "sip:bob@192.0.2.78"
    assert invite.contacts[0].uri.host == "192.0.2.1"
    peer.answer(invite, 200, contact="<sip:bob@192.0.2.79>")
    assert str(peer.one().uri) == "sip:bob@192.0.2.79"


def test_info_both_ways(pair):
    outgoing, incoming = pair.talk()
    pair.a.info(outgoing, "application/dtmf-relay", b"Signal=5\r\n", pair.now)
    pair.run(0.1)
    assert pair.events["b"] == [InfoReceived(incoming, "application/dtmf-relay", b"Signal=5\r\n")]
    pair.b.info(incoming, "application/dtmf", b"5", pair.now)
    pair.run(0.1)
    assert pair.events["a"] == [InfoReceived(outgoing, "application/dtmf", b"5")]


def test_an_info_that_finds_no_dialog_ends_the_call():
    peer = Peer()
    call = peer.talks()
    peer.stack.info(call, "application/dtmf", b"5", peer.now)
    peer.answer(peer.one(), 481)
    assert peer.starts() == ["BYE"]
    assert peer.kinds() == ["Ended"]


def test_a_refused_info_ends_nothing():
    peer = Peer()
    call = peer.talks()
    peer.stack.info(call, "application/dtmf", b"5", peer.now)
    peer.answer(peer.one(), 415)
    assert (peer.events(), peer.stack.calls()) == ([], 1)


def test_options_within_a_call():
    peer = Peer()
    call = peer.talks()
    peer.give(peer.request("OPTIONS", to_tag=call, cseq=2))
    answer = peer.one()
    assert answer.status == 200
    assert "UPDATE" in answer.headers.all("Allow")
