"""Two stacks and a wire: calls as they should go."""

from __future__ import annotations

import pytest

from signaling.sip.auth import Credentials
from signaling.sip.errors import NoSuchCall, WrongState
from signaling.sip.events import Acked, Answered, Cancelled, Ended, Invited, Progressed, Rejected
from tests.signaling.sip.pair import ALICE, ANSWER, BOB, OFFER, Pair
from tests.signaling.sip.peer import Peer


@pytest.fixture(params=["udp", "tcp"])
def pair(request):
    return Pair(transport=request.param)


def test_a_call_from_invite_to_bye(pair):
    outgoing = pair.call()
    pair.run(0.1)
    (invited,) = pair.events["b"]
    assert isinstance(invited, Invited)
    assert (invited.uri, invited.from_.uri, invited.from_.display) == (BOB, ALICE.uri, "Alice")
    assert (invited.body, invited.content_type, invited.user) == (OFFER, "application/sdp", None)
    assert invited.source == pair.at_a
    pair.b.progress(invited.call, 180, pair.now)
    pair.b.progress(invited.call, 183, pair.now, body=b"early")
    pair.run(0.1)
    assert pair.events["a"] == [
        Progressed(outgoing, 180, "Ringing"),
        Progressed(outgoing, 183, "Session Progress", b"early"),
    ]
    pair.b.answer(invited.call, ANSWER, pair.now)
    pair.run(0.1)
    assert pair.last("a") == Answered(outgoing, ANSWER)
    assert pair.last("b") == Acked(invited.call)
    assert (pair.a.calls(), pair.b.calls()) == (1, 1)
    pair.a.bye(outgoing, pair.now, "enough said")
    pair.run(0.1)
    assert pair.last("b") == Ended(invited.call, "enough said")
    pair.run()
    pair.assert_empty()
    assert pair.sent("a") == ["INVITE", "ACK", "BYE"]
    assert pair.sent("b") == ["100", "180", "183", "200", "200"]


def test_the_callee_hangs_up(pair):
    outgoing, incoming = pair.talk()
    pair.b.bye(incoming, pair.now)
    pair.run()
    assert pair.events["a"] == [Ended(outgoing, "the other side hung up")]
    assert pair.events["b"] == []
    pair.assert_empty()


def test_a_refusal(pair):
    outgoing = pair.call()
    pair.run(0.1)
    pair.b.reject(pair.last("b").call, 486, pair.now, headers=[("Retry-After", "30 (in a meeting)")])
    pair.run()
    assert pair.events["a"] == [Rejected(outgoing, 486, "Busy Here", retry_after=30)]
    assert pair.sent("a") == ["INVITE", "ACK"]
    pair.assert_empty()


def test_cancel_while_it_rings(pair):
    outgoing, incoming = pair.ring()
    pair.a.cancel(outgoing, pair.now, 'SIP;cause=200;text="Call completed elsewhere"')
    pair.run()
    assert pair.last("b") == Cancelled(incoming, "Call completed elsewhere")
    assert pair.last("a") == Rejected(outgoing, 487, "Request Terminated")
    assert pair.sent("a") == ["INVITE", "CANCEL", "ACK"]
    pair.assert_empty()


def test_verbs_in_the_wrong_state_say_so(pair):
    outgoing, incoming = pair.ring()
    for verb in (
        lambda: pair.a.bye(outgoing, pair.now),
        lambda: pair.a.answer(outgoing, b"", pair.now),
        lambda: pair.b.cancel(incoming, pair.now),
        lambda: pair.b.bye(incoming, pair.now),
        lambda: pair.b.reject(incoming, 200, pair.now),
        lambda: pair.b.progress(incoming, 200, pair.now),
        lambda: pair.b.info(incoming, "a/b", b"", pair.now),
        lambda: pair.b.reinvite(incoming, b"", pair.now),
        lambda: pair.b.answer_reinvite(incoming, b"", pair.now),
        lambda: pair.a.invite(BOB, targets=[], from_=ALICE, body=b"", now=pair.now),
    ):
        with pytest.raises(WrongState) as error:
            verb()
        assert len(str(error.value)) > 10
    with pytest.raises(NoSuchCall):
        pair.a.bye("nobody", pair.now)
    pair.b.answer(incoming, ANSWER, pair.now)
    with pytest.raises(WrongState):
        pair.b.answer(incoming, ANSWER, pair.now)


@pytest.mark.parametrize(
    ("headers", "hops"), [((), 70), ((("Max-Forwards", "12"),), 12), ((("max-forwards", "0"),), 0)]
)
def test_hops_that_are_left_are_told_and_carried_on(headers, hops):
    peer = Peer()
    _, invite = peer.invited(headers=headers)
    assert bytes(invite).lower().count(b"max-forwards") == 1
    assert invite.max_forwards == hops


@pytest.mark.parametrize(("said", "hops"), [("Max-Forwards: 9\n", 9), ("", 70)])
def test_an_invitation_says_how_many_hops_are_left(said, hops):
    peer = Peer()
    peer.give(peer.request("INVITE").replace("Max-Forwards: 70\n", said))
    (invited,) = peer.events()
    assert invited.max_forwards == hops


def test_hops_survive_a_challenge():
    pair = Pair(b={"challenge": True})
    pair.call(headers=[("Max-Forwards", "12")], credentials=Credentials("alice", "wonder"))
    pair.run(0.2)
    assert pair.last("b").max_forwards == 12
