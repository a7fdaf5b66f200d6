"""Identifiers, CSeq, route sets and targets (RFC 3261 section 12), and the way to the next hop."""

from __future__ import annotations

import pytest

from signaling.sip.address import Address
from signaling.sip.dialog import Dialog
from signaling.sip.hop import next_hops
from signaling.sip.message import Request, parse_message, reply
from signaling.sip.uri import Uri
from tests.signaling.sip.peer import Peer

HERE = Address("udp", "198.51.100.9", 5060)
LOOSE = "<sip:p1.example.com;lr>,<sip:p2.example.com;lr>"


def invite(*headers: str) -> Request:
    lines = (
        "INVITE sip:bob@example.com SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK-1",
        "From: <sip:alice@example.com>;tag=a1",
        "To: <sip:bob@example.com>",
        "Call-ID: c1",
        "CSeq: 7 INVITE",
        "Contact: <sip:alice@192.0.2.2:5070>",
        *headers,
        "",
        "",
    )
    return parse_message("\r\n".join(lines).encode())


def callers(record_route: str = LOOSE) -> Dialog:
    request = invite()
    headers = (("Contact", "<sip:bob@203.0.113.5>"), ("Record-Route", record_route))
    return Dialog.of_caller(request, reply(request, 200, to_tag="b1", headers=headers), HERE)


def test_the_caller_reads_record_route_backwards():
    request = callers().request("BYE")
    assert str(request.uri) == "sip:bob@203.0.113.5"
    assert request.headers.all("Route") == ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]
    assert (request.from_.tag, request.to.tag, request.call_id) == ("a1", "b1", "c1")
    assert str(request.cseq) == "8 BYE"
    assert str(callers().next_hop) == "sip:p2.example.com;lr"


def test_the_callee_reads_it_forwards_and_has_its_own_numbers():
    dialog = Dialog.of_callee(invite(f"Record-Route: {LOOSE}"), "b1", HERE)
    first, second = dialog.request("INFO"), dialog.request("BYE")
    assert first.headers.all("Route") == ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    assert str(first.uri) == "sip:alice@192.0.2.2:5070"
    assert (first.from_.tag, first.to.tag) == ("b1", "a1")
    assert (str(first.cseq), str(second.cseq)) == ("1 INFO", "2 BYE")


def test_a_strict_router_gets_the_request_uri():
    dialog = callers("<sip:p1.example.com;lr>,<sip:strict.example.com;method=INVITE;x=y>")
    request = dialog.request("BYE")
    assert str(request.uri) == "sip:strict.example.com;x=y"
    assert request.headers.all("Route") == ["<sip:p1.example.com;lr>", "<sip:bob@203.0.113.5>"]


def test_without_routes_the_target_is_all():
    dialog = Dialog.of_callee(invite(), "b1", HERE)
    assert dialog.request("BYE").headers.all("Route") == []
    assert dialog.next_hop == dialog.target


def test_an_ack_has_the_number_and_the_credentials_of_its_invite():
    dialog, request = callers(), invite("Authorization: Digest realm=x", "Proxy-Authorization: Digest realm=y")
    ack = dialog.ack(request, 7, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-2")
    assert (str(ack.cseq), ack.via.branch) == ("7 ACK", "z9hG4bK-2")
    assert (ack.headers.get("Authorization"), ack.headers.get("Proxy-Authorization")) == (
        "Digest realm=x",
        "Digest realm=y",
    )
    assert dialog.local_sequence == 7


def test_a_lower_cseq_is_out_of_order():
    dialog = Dialog.of_callee(invite(), "b1", HERE)
    later, earlier = invite(), invite()
    later.headers.set("CSeq", "9 INVITE")
    earlier.headers.set("CSeq", "8 INVITE")
    assert dialog.in_order(later)
    assert not dialog.in_order(earlier)
    assert dialog.remote_sequence == 9


def test_a_refresh_moves_target_and_peer():
    dialog, moved = callers(), Address("udp", "198.51.100.10", 5060)
    request = invite()
    dialog.refresh(request, moved)
    assert (str(dialog.target), dialog.peer) == ("sip:alice@192.0.2.2:5070", moved)


def test_a_message_without_contact_leaves_the_target():
    dialog, request = callers(), invite()
    request.headers.remove("Contact")
    dialog.refresh(request, HERE)
    assert str(dialog.target) == "sip:bob@203.0.113.5"


PUBLIC = Address("udp", "198.51.100.9", 49152)
STREAM = Address("tcp", "198.51.100.9", 49152, connection=3)


@pytest.mark.parametrize(
    ("uri", "peer", "expected"),
    [
        ("sip:bob@203.0.113.5", PUBLIC, [Address("udp", "203.0.113.5", 5060)]),
        ("sip:bob@203.0.113.5:5070;transport=tcp", PUBLIC, [Address("tcp", "203.0.113.5", 5070)]),
        ("sips:bob@203.0.113.5", PUBLIC, [Address("tls", "203.0.113.5", 5061)]),
        ("sip:bob@[2001:db8::5]:5070", PUBLIC, [Address("udp", "2001:db8::5", 5070)]),
        ("sip:p;lr;maddr=203.0.113.6", PUBLIC, [Address("udp", "203.0.113.6", 5060)]),
        ("sip:bob@example.com", PUBLIC, [PUBLIC]),  # a name
        ("sip:bob@192.168.1.20:5062", PUBLIC, [PUBLIC]),  # behind a NAT
        ("sip:bob@127.0.0.1", Address("udp", "10.0.0.2", 9), [Address("udp", "10.0.0.2", 9)]),  # means itself
        ("sip:bob@10.0.0.1", Address("udp", "10.0.0.2", 5060), [Address("udp", "10.0.0.1", 5060)]),  # both inside
        ("sip:bob@127.0.0.53", Address("udp", "127.0.0.1", 5060), [Address("udp", "127.0.0.53", 5060)]),
        ("sip:bob@198.51.100.9;transport=tcp", STREAM, [STREAM, Address("tcp", "198.51.100.9", 5060)]),
        ("sip:bob@198.51.100.9", STREAM, [STREAM, Address("tcp", "198.51.100.9", 5060)]),
        ("sip:bob@198.51.100.9;transport=udp", STREAM, [Address("udp", "198.51.100.9", 5060)]),
    ],
)
def test_next_hops(uri, peer, expected):
    assert next_hops(Uri.parse(uri), peer) == expected


def test_a_uri_that_was_overruled_at_the_beginning_stays_overruled():
    """A registered phone: its contact is called, at the address its REGISTER came from."""
    contact = Uri.parse("sip:bob@203.0.113.5:5062")
    assert next_hops(contact, PUBLIC, called=contact) == [PUBLIC]
    assert next_hops(Uri.parse("sip:bob@203.0.113.7"), PUBLIC, called=contact)[0].host == "203.0.113.7"


# on the wire


def test_a_whole_call_follows_its_route_set():
    peer = Peer()
    _, request = peer.invited()
    routes = [("Record-Route", "<sip:192.0.2.8;lr>, <sip:192.0.2.9:5080;lr>")]
    peer.answer(request, 200, headers=routes, contact="<sip:bob@203.0.113.5>", body=b"v=0")
    ack = peer.one()
    assert (ack.method, str(ack.uri)) == ("ACK", "sip:bob@203.0.113.5")
    assert ack.headers.all("Route") == ["<sip:192.0.2.9:5080;lr>", "<sip:192.0.2.8;lr>"]
    assert peer.addresses == [Address("udp", "192.0.2.9", 5080)]


def test_a_phone_whose_nat_forgets_is_followed():
    peer = Peer()
    call = peer.talks(contact="<sip:bob@192.168.1.9>")
    elsewhere = Address("udp", peer.there.host, 40999)
    peer.give(peer.request("INFO", to_tag=call, cseq=2), elsewhere)
    peer.take()
    peer.stack.bye(call, peer.now)
    peer.take()
    assert peer.addresses == [elsewhere]


def test_a_preloaded_route_is_used():
    peer = Peer()
    _, request = peer.invited(route=[parse_message(bytes(invite())).to])
    assert request.headers.all("Route") == ["<sip:bob@example.com>"]
