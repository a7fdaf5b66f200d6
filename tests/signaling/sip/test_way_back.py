"""Responses go where the phone listens (RFC 3261 section 18.2.2, RFC 3581)."""

from __future__ import annotations

import pytest

from signaling.sip.address import Address
from signaling.sip.auth import Credentials, DigestClient
from signaling.sip.message import Request, parse_message
from signaling.sip.registrar import Registered
from signaling.sip.way_back import way_back
from tests.signaling.sip.peer import Peer

HIGH = Address("udp", "192.0.2.2", 40001)  # the peer sends from here
LISTENS = Address("udp", "192.0.2.2", 5062)
NAT = Address("udp", "203.0.113.9", 31337)


def asked(via: str) -> Request:
    text = f"OPTIONS sip:a@h SIP/2.0\nVia: {via};branch=z9hG4bK1\nFrom: <sip:b@h>;tag=1\nTo: <sip:a@h>\n"
    request = parse_message(f"{text}Call-ID: 1\nCSeq: 1 OPTIONS\n\n".replace("\n", "\r\n").encode())
    assert isinstance(request, Request)
    return request


@pytest.mark.parametrize(
    ("via", "source", "to"),
    [
        ("SIP/2.0/UDP 192.0.2.2:5062;rport", HIGH, HIGH),
        ("SIP/2.0/UDP 192.0.2.2:5062", HIGH, LISTENS),
        ("SIP/2.0/UDP 192.0.2.2", HIGH, Address("udp", "192.0.2.2", 5060)),
        ("SIP/2.0/UDP 192.0.2.2:0", HIGH, Address("udp", "192.0.2.2", 5060)),
        ("SIP/2.0/UDP phone.example.com:5062", HIGH, LISTENS),
        ("SIP/2.0/UDP 192.168.1.7:5062", NAT, NAT),
        ("SIP/2.0/UDP 192.168.1.7:5062;rport", NAT, NAT),
        ("SIP/2.0/UDP 192.0.2.2:5062;maddr=198.51.100.1", HIGH, LISTENS),
        ("SIP/2.0/UDP [2001:db8:0::2]:5062", Address("udp", "2001:db8::2", 9), Address("udp", "2001:db8::2", 5062)),
        ("SIP/2.0/UDP 192.0.2.2:5062", Address("udp", "::ffff:192.0.2.2", 9), Address("udp", "::ffff:192.0.2.2", 5062)),
        ("SIP/2.0/TCP 192.0.2.2:5062", Address("tcp", "192.0.2.2", 40001, 7), Address("tcp", "192.0.2.2", 40001, 7)),
    ],
)
def test_the_way_back(via, source, to):
    assert way_back(asked(via), source) == to


def old_phone(peer: Peer, message: str) -> str:
    return message.replace("192.0.2.2:5060;", "192.0.2.2:5062;").replace(";rport", "")


@pytest.mark.parametrize("method", ["OPTIONS", "MESSAGE", "REGISTER", "BYE", "CANCEL"])
def test_a_phone_that_sends_from_a_high_port_and_listens_on_its_own_hears_every_answer(method):
    peer = Peer(challenge=True)
    peer.give(old_phone(peer, peer.request(method)), HIGH)
    peer.take()
    assert peer.addresses == [LISTENS]


def test_it_hears_the_answers_to_its_call_and_our_requests_go_by_its_contact():
    peer = Peer()
    contact = "<sip:bob@192.0.2.2:5062>"
    peer.give(old_phone(peer, peer.request("INVITE", body="v=0", contact=contact)), HIGH)
    (invited,) = peer.events()
    assert invited.source == HIGH
    peer.stack.answer(invited.call, b"v=0 answer", peer.now)
    assert peer.starts() == ["100", "200"]
    assert peer.addresses == [LISTENS] * 2
    peer.give(old_phone(peer, peer.request("ACK", to_tag=invited.call)), HIGH)
    peer.stack.bye(invited.call, peer.now)
    peer.take()
    assert peer.addresses == [LISTENS]


def test_broken_requests_are_answered_there_as_well():
    peer = Peer()
    peer.give(old_phone(peer, peer.request("OPTIONS")).replace(" SIP/2.0\n", " SIP/9.0\n", 1), HIGH)
    assert peer.starts() == ["505"]
    assert peer.addresses == [LISTENS]


def test_when_it_is_registered_it_is_called_where_it_listens():
    peer = Peer()
    client = DigestClient(Credentials("alice", "wonder"), lambda digits: "a" * digits)
    text = old_phone(peer, peer.request("REGISTER", from_tag="r"))
    register = parse_message(text.replace("\n", "\r\n").encode())
    peer.give(register, HIGH)
    again = client.answer(peer.one(), register)
    peer.give(bytes(again).replace(b"branch=z9hG4bK-1", b"branch=z9hG4bK-2"), HIGH)
    assert peer.starts() == ["200"]
    assert [type(event) for event in peer.events()] == [Registered]
    assert peer.stack.registrar.bindings("alice")[0].source == LISTENS
