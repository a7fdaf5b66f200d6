"""Provisional responses with PRACK: theirs acknowledged once and told once, ours repeated until they arrive."""

from __future__ import annotations

import pytest

from signaling.sip.errors import WrongState
from signaling.sip.events import Answered, Cancelled, Progressed
from signaling.sip.reliable_states import RELIABLE, Do, On, State
from tests.kit.network import BadNetwork
from tests.signaling.sip.pair import ANSWER, Pair
from tests.signaling.sip.peer import Peer

REQUIRED = [("Require", "100rel")]


def test_the_table():
    assert {on for row in RELIABLE.values() for on in row} == set(On)
    assert {do for row in RELIABLE.values() for _, actions in row.values() for do in actions} == set(Do)
    for state in set(State) - {State.OVER}:
        assert RELIABLE[state][On.CLOSE][0] is State.OVER


# theirs


@pytest.fixture
def peer():
    return Peer()


def rings(peer, invite, number, status=180, tag="b1", body=b"", require="100rel"):
    headers = (("Require", require), ("RSeq", str(number)))
    peer.answer(invite, status, tag=tag, headers=headers, body=body)


def test_a_reliable_ringing_is_acknowledged_once_and_told_once(peer):
    call, invite = peer.invited()
    assert "100rel" in invite.headers.all("Supported") and "Require" not in invite.headers
    rings(peer, invite, 4711)
    rings(peer, invite, 4711)
    prack = peer.one()
    assert (prack.method, prack.headers.get("RAck")) == ("PRACK", "4711 1 INVITE")
    assert (prack.to.tag, prack.cseq.number, prack.uri.user) == ("b1", 2, "bob")
    assert peer.events() == [Progressed(call, 180, "Ringing")]
    peer.answer(prack, 200, contact="")
    rings(peer, invite, 4711)
    rings(peer, invite, 4713)  # 4712 is still to come
    assert (peer.take(), peer.events()) == ([], [])
    rings(peer, invite, 4712, 183, body=b"v=0 early")
    assert peer.one().headers.get("RAck") == "4712 1 INVITE"
    assert peer.events() == [Progressed(call, 183, "Session Progress", b"v=0 early")]
    peer.answer(invite, 200)
    ack = peer.one()
    assert (ack.method, ack.cseq.number) == ("ACK", 1)
    assert peer.events() == [Answered(call, b"v=0 early")]  # the 200 need not repeat it
    peer.stack.bye(call, peer.now)
    assert peer.one().cseq.number == 4  # both PRACKs have counted


def test_each_phone_that_rings_has_numbers_of_its_own(peer):
    call, invite = peer.invited()
    rings(peer, invite, 1, tag="x")
    rings(peer, invite, 1, tag="y")
    first, second = peer.take()
    assert [(each.to.tag, each.cseq.number) for each in (first, second)] == [("x", 2), ("y", 2)]
    assert len(peer.events()) == 2


@pytest.mark.parametrize("number", ["", "x", "-1", "99999999999"])
def test_a_number_that_is_none(peer, number):
    call, invite = peer.invited()
    rings(peer, invite, number)
    assert (peer.take(), peer.kinds()) == ([], ["Progressed"])


def test_without_an_offer_of_ours_we_do_not_speak_of_it(peer):
    _, invite = peer.invited(body=b"")
    assert "100rel" not in invite.headers.all("Supported")


# ours


def test_two_stacks_of_which_one_requires_it():
    pair = Pair()
    outgoing, incoming = pair.ring(headers=REQUIRED)
    pair.b.progress(incoming, 183, pair.now, body=ANSWER)
    pair.b.answer(incoming, ANSWER, pair.now)  # waits for the PRACK
    with pytest.raises(WrongState):
        pair.b.answer(incoming, ANSWER, pair.now)
    pair.run(0.2)
    assert pair.sent("a") == ["INVITE", "PRACK", "PRACK", "ACK"]
    assert pair.sent("b") == ["100", "180", "200", "183", "200", "200"]
    assert pair.events["a"][-2:] == [
        Progressed(outgoing, 183, "Session Progress", ANSWER),
        Answered(outgoing, ANSWER),
    ]
    pair.a.bye(outgoing, pair.now)
    pair.run()
    pair.assert_empty()


def test_it_is_repeated_and_given_up(peer):
    call = peer.calls(headers="Require: 100rel\n")
    peer.stack.progress(call, 180, peer.now)
    ringing = peer.one()
    assert (ringing.headers.get("Require"), int(ringing.headers.get("RSeq")) > 0) == ("100rel", True)
    peer.stack.progress(call, 183, peer.now)
    sent = peer.wait(40)
    assert [start for _, start in sent[:6]] == ["180"] * 6
    assert [when for when, _ in sent[:6]] == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert sent[6][1] == "504"
    assert peer.events() == [Cancelled(call, "it asked for PRACK and sent none")]


def prack(peer, call, ringing, number=None, cseq=2, **more):
    number = int(ringing.headers.get("RSeq")) if number is None else number
    peer.give(peer.request("PRACK", to_tag=call, cseq=cseq, headers=f"RAck: {number} 1 INVITE\n", **more))


def test_pracks_good_and_bad(peer):
    call = peer.calls(headers="Require: 100rel\n")
    peer.stack.progress(call, 180, peer.now)
    ringing = peer.one()
    peer.stack.progress(call, 183, peer.now, body=b"v=0")
    prack(peer, call, ringing, number=7)
    assert peer.starts() == ["481"]
    prack(peer, call, ringing, cseq=3)
    accepted, progress = peer.take()
    assert (accepted.status, progress.status, progress.body) == (200, 183, b"v=0")
    assert int(progress.headers.get("RSeq")) == int(ringing.headers.get("RSeq")) + 1
    prack(peer, call, progress, cseq=4, body="v=0 offer")
    assert peer.starts() == ["488"]
    prack(peer, call, progress, cseq=5)
    assert peer.starts() == ["481"]
    peer.stack.answer(call, b"v=0", peer.now)
    assert peer.one().body == b""  # they have it
    assert peer.wait(0.1) == []


def test_a_ringing_phone_that_is_asked_again_repeats_no_answer(peer):
    call = peer.calls(headers="Require: 100rel\n")
    peer.stack.progress(call, 183, peer.now, body=b"v=0")
    prack(peer, call, peer.one())
    peer.take()
    assert [start for _, start in peer.wait(60)] == ["183"]
    assert peer.stack.calls() == 1


def test_a_caller_without_an_offer_that_requires_it_hears_only_the_answer(peer):
    peer.give(peer.request("INVITE", headers="Require: 100rel\n"))
    (invited,) = peer.events()
    assert peer.starts() == ["100"]
    peer.stack.progress(invited.call, 180, peer.now)
    assert peer.take() == []
    peer.stack.answer(invited.call, b"v=0 offer", peer.now)
    assert peer.one().body == b"v=0 offer"


def test_who_only_supports_it_gets_plain_ringing(peer):
    call = peer.calls(headers="Supported: 100rel\n")
    peer.stack.progress(call, 180, peer.now)
    assert "RSeq" not in peer.one().headers


def test_a_prack_for_nothing_is_481(peer):
    call = peer.talks()
    prack(peer, call, None, number=1)
    peer.give(peer.request("PRACK", headers="RAck: 1 1 INVITE\n"))
    assert peer.starts() == ["481", "481"]


def test_switched_off():
    peer = Peer(reliable=False)
    _, invite = peer.invited()
    assert "100rel" not in invite.headers.all("Supported")
    peer.give(peer.request("INVITE", headers="Require: 100rel\n"))
    assert peer.starts() == ["420"]


@pytest.mark.parametrize("seed", range(25))
def test_over_a_bad_network(seed):
    pair = Pair(BadNetwork(seed, loss=0.2, delay=0.02, jitter=0.05, duplicate=0.1, reorder=0.2))

    def on_b(event):
        if type(event).__name__ == "Invited":
            pair.b.progress(event.call, 180, pair.now)
            pair.b.progress(event.call, 183, pair.now, body=ANSWER)
            pair.b.answer(event.call, ANSWER, pair.now)

    pair.on_b = on_b
    outgoing = pair.call(headers=REQUIRED)
    pair.run(100)
    if pair.a.calls():
        assert pair.last("a") == Answered(outgoing, ANSWER)
        assert [each.status for each in pair.events["a"][:-1]] == [180, 183]
        pair.a.bye(outgoing, pair.now)
    pair.run()
    pair.assert_empty()
