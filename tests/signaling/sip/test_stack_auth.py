"""Passwords asked and given, phones registered here, and ourselves registered elsewhere."""

from __future__ import annotations

import gc
import weakref

import pytest

from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.config import StackConfig
from signaling.sip.errors import NoSuchCall, WrongState
from signaling.sip.events import Registered, RegistrationChanged, Rejected, Unregistered
from signaling.sip.registration import Registration
from signaling.sip.stack import Stack
from signaling.sip.uri import Uri
from tests.signaling.sip.pair import ANSWER, BOB, PASSWORDS, Pair, hexes
from tests.signaling.sip.peer import Peer

ALICE = Credentials("alice", "wonder")
REALM = 'Digest realm="pbx", nonce="{}", algorithm=MD5, qop="auth"'


def challenged(transport="udp", **options):
    return Pair(b={"challenge": True} | options, transport=transport)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_caller_with_the_right_password(transport):
    pair = challenged(transport)
    pair.talk(credentials=ALICE)
    pair = challenged(transport)
    call = pair.call(credentials=ALICE)
    pair.run(0.2)
    (invited,) = pair.events["b"]
    assert invited.user == "alice"
    assert pair.sent("a") == ["INVITE", "ACK", "INVITE"]
    assert pair.sent("b") == ["401", "100"]
    pair.b.answer(invited.call, ANSWER, pair.now)
    pair.run(0.1)
    pair.a.bye(call, pair.now)
    pair.run()
    pair.assert_empty()


def test_a_second_call_brings_its_answer_along():
    pair = challenged()
    pair.ring(credentials=ALICE)
    pair.forget()
    pair.ring(credentials=ALICE)
    assert pair.sent("a") == ["INVITE"]


def test_a_wrong_password_is_told():
    pair = challenged()
    call = pair.call(credentials=Credentials("alice", "wrong"))
    pair.run()
    (rejected,) = pair.events["a"]
    assert (rejected.call, rejected.status) == (call, 401)
    assert pair.kinds("b") == ["MessageRefused"]
    assert "wrong password for 'alice'" in pair.last("b").why
    pair.assert_empty()


def test_without_a_password():
    pair = challenged()
    pair.call()
    pair.run()
    assert isinstance(pair.last("a"), Rejected)
    assert pair.events["b"] == [], "a first challenge is no news"


def test_trusted_networks_are_not_asked():
    pair = challenged(trusted=("192.0.2.0/28",))
    pair.ring()
    assert pair.events["b"][0].user is None


def test_a_guesser_is_shut_out():
    pair = challenged()
    for number in range(25):
        pair.call(credentials=Credentials("alice", f"guess-{number}"))
        pair.run(0.5)
    assert pair.last("a").status == 403


def test_challenges_to_our_requests_within_a_call():
    """A PBX that asks for the password at each request, with a new nonce and with a stale one."""
    peer = Peer()
    call, invite = peer.invited(credentials=ALICE)
    peer.answer(invite, 407, headers=[("Proxy-Authenticate", REALM.format("n1"))])
    ack, again = peer.take()
    assert (ack.method, str(again.cseq)) == ("ACK", "2 INVITE")
    assert 'nonce="n1"' in again.headers.get("Proxy-Authorization")
    assert again.via.branch != invite.via.branch
    peer.answer(again, 407, headers=[("Proxy-Authenticate", REALM.format("n2") + ", stale=true")])
    _, third = peer.take()
    peer.answer(third, 200, body=b"v=0")
    ack = peer.one()
    assert (str(ack.cseq), ack.headers.get("Proxy-Authorization")) == (
        "3 ACK",
        third.headers.get("Proxy-Authorization"),
    )  # 22.1
    for verb, method in (
        (lambda: peer.stack.reinvite(call, b"v=0", 0), "INVITE"),
        (lambda: peer.stack.bye(call, 0), "BYE"),
    ):
        verb()
        request = peer.one()
        assert (request.method, "nc=0000000" in request.headers.get("Proxy-Authorization")) == (method, True)
        peer.answer(request, 407, headers=[("Proxy-Authenticate", REALM.format(method) + ", stale=true")])
        again = peer.take()[-1]
        assert (again.method, again.cseq.number) == (method, request.cseq.number + 1)
        peer.answer(again, 200, body=b"v=0")
        peer.take()
    assert peer.stack.calls() == 0


def test_a_challenge_is_answered_once():
    peer = Peer()
    call, invite = peer.invited(credentials=ALICE)
    peer.answer(invite, 401, headers=[("WWW-Authenticate", REALM.format("n1"))])
    _, again = peer.take()
    peer.answer(again, 401, headers=[("WWW-Authenticate", REALM.format("n2"))])
    assert peer.starts() == ["ACK"]
    (rejected,) = peer.events()
    assert (rejected.call, rejected.status) == (call, 401)


def test_a_challenge_after_our_cancel_is_not_answered():
    peer = Peer()
    call, invite = peer.invited(credentials=ALICE)
    peer.stack.cancel(call, 0)
    peer.answer(invite, 401, headers=[("WWW-Authenticate", REALM.format("n1"))])
    assert peer.starts() == ["ACK"]
    assert peer.kinds() == ["Rejected"]


def registration(stack_random, **options):
    options = {"credentials": ALICE, "expires": 120} | options
    uri = Uri.parse("sip:alice@192.0.2.2")
    return Registration(
        uri, Uri.parse("sip:192.0.2.2"), Uri.parse("sip:alice@192.0.2.1:5060"), random=stack_random, **options
    )


def test_we_register_stay_registered_and_leave():
    pair = Pair()
    id = pair.a.register(registration(hexes(5)), [pair.at_b], pair.now)
    pair.run(1)
    assert [event.state for event in pair.events["a"]] == ["registering", "registered"]
    assert pair.events["b"] == [Registered("alice", Uri.parse("sip:alice@192.0.2.1:5060"), 120)]
    (binding,) = pair.b.registrar.bindings("alice")
    assert binding.source == pair.at_a
    pair.run(1000)
    assert pair.b.registrar.bindings("alice")
    pair.forget()
    pair.a.unregister(id, pair.now)
    pair.run(40)
    assert isinstance(pair.last("a"), RegistrationChanged)
    assert pair.last("a").state == "unregistered"
    assert isinstance(pair.last("b"), Unregistered)
    pair.run()
    pair.assert_empty()
    with pytest.raises(NoSuchCall):
        pair.a.unregister(id, pair.now)


def test_a_registrar_that_is_silent_gives_way_to_the_next():
    pair = Pair()
    silent = Address("udp", "192.0.2.50", 5060)
    pair.a.register(registration(hexes(5)), [silent, pair.at_b], pair.now)
    pair.run(60)
    assert [event.state for event in pair.events["a"]] == ["registering", "failed", "registering", "registered"] or [
        event.state for event in pair.events["a"]
    ] == ["registering", "failed", "registered"]
    with pytest.raises(WrongState):
        pair.a.register(registration(hexes(6)), [pair.at_b], pair.now)
    with pytest.raises(WrongState):
        pair.a.register(registration(hexes(6), id="second"), [], pair.now)


def test_a_forgotten_phone_expires():
    pair = Pair()
    pair.a.register(registration(hexes(5), expires=60), [pair.at_b], pair.now)
    pair.run(1)
    pair.network.drop = lambda data, source, to: True
    pair.run(120)
    assert pair.last("b") == Unregistered("alice", Uri.parse("sip:alice@192.0.2.1:5060"), "expired")


def test_a_registered_phone_is_called_where_it_came_from():
    """Behind a NAT: the Contact is a private address, the binding remembers the public one."""
    peer = Peer()
    nat = Address("udp", "203.0.113.9", 40123)
    call = peer.stack.invite(
        Uri.parse("sip:bob@192.168.7.7:5062"), targets=[nat], from_=peer_alice(), body=b"v=0", now=0
    )
    invite = peer.one()
    peer.answer(invite, 200, contact="<sip:bob@192.168.7.7:5062>", body=b"v=0")
    assert (str(peer.one().uri), peer.addresses) == ("sip:bob@192.168.7.7:5062", [nat])
    peer.stack.bye(call, 0)
    peer.take()
    assert peer.addresses == [nat]


def peer_alice():
    from tests.signaling.sip.pair import ALICE as NAMED

    return NAMED


def test_a_dead_connection_drops_its_binding():
    pair = Pair(transport="tcp")
    pair.a.register(registration(hexes(5)), [pair.at_b], pair.now)
    pair.run(1)
    assert pair.b.registrar.bindings("alice")
    pair.b.transport_failed(Address("tcp", "192.0.2.1", 5060, connection=1), pair.now, "closed")
    assert pair.b.registrar.bindings("alice"), "another connection's end is no news"


def test_a_phone_with_a_wrong_password_is_told_of():
    pair = Pair()
    pair.a.register(registration(hexes(5), credentials=Credentials("alice", "wrong")), [pair.at_b], pair.now)
    pair.run(1)
    assert pair.last("a").state == "failed"
    assert "sip:alice@192.0.2.2" in pair.last("b").why


def test_without_a_registrar_register_is_not_allowed():
    peer = Peer(registrar=None)
    peer.give(peer.request("REGISTER"))
    assert peer.starts() == ["405"]


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("required", [(), [("Require", "100rel")]])
def test_nothing_waits_for_the_garbage_collector(timed, required):
    """A collection stops every call for tens of milliseconds: what is over must go by reference counts alone."""
    pair = Pair(a={"session_timer": timed}, b={"session_timer": timed})
    outgoing, incoming = pair.talk(headers=required)
    pair.run(1000)
    pair.a.refer(outgoing, BOB, pair.now)
    pair.run(0.1)
    pair.b.accept_refer(incoming, pair.now)
    pair.run(0.1)
    pair.a.reinvite(outgoing, b"v=0", pair.now)
    pair.run(0.1)
    pair.b.answer_reinvite(incoming, b"v=0", pair.now)
    pair.run(0.1)
    refs = [weakref.ref(stack._core.calls[call]) for stack, call in ((pair.a, outgoing), (pair.b, incoming))]
    gc.collect()
    gc.disable()
    try:
        pair.a.bye(outgoing, pair.now)
        pair.run()
        assert "Ended" in pair.kinds("b")
        pair.forget()
        assert [ref() for ref in refs] == [None, None]
    finally:
        gc.enable()


def test_a_caller_is_named_by_account_whatever_the_phone_calls_itself():
    config = StackConfig(contact_host={"udp": ("192.0.2.2", 5060)})
    pair = Pair()
    pair.b = pair.parties[pair.at_b] = Stack(config, hexes(2), PASSWORDS.get, lambda name: {"101": "alice"}.get(name))
    pair.call(credentials=Credentials("101", "wonder"))
    pair.run(0.2)
    assert pair.last("b").user == "alice"


def test_unless_told_otherwise_only_md5_is_asked_for():
    peer = Peer(challenge=True)
    peer.give(peer.request("INVITE"))
    (challenge,) = peer.one().headers.all("WWW-Authenticate")
    assert "algorithm=MD5" in challenge
