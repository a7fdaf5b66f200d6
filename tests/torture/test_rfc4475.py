"""RFC 4475: what is well-formed is understood, what is not is refused, and nothing else ever happens."""

from __future__ import annotations

import pytest

from signaling.sip.errors import BadMessage
from signaling.sip.framing import Framer
from signaling.sip.message import Request, parse_message, reply
from tests.torture.messages import APPLICATION, INVALID, TOLERATED, VALID

UNDERSTOOD = VALID | APPLICATION | {name: data for name, (data, _) in TOLERATED.items()}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_well_formed_messages_are_understood_and_survive_a_round_trip(name):
    message = parse_message(UNDERSTOOD[name])
    again = parse_message(bytes(message))
    assert again.body == message.body
    assert [each for each in again.headers.items() if each[0] != "Content-Length"] == [
        each for each in message.headers.items() if each[0] != "Content-Length"
    ]
    assert (again.via, again.from_, again.to, again.cseq) == (message.via, message.from_, message.to, message.cseq)
    assert bytes(again) == bytes(message)


@pytest.mark.parametrize("name", [name for name, data in UNDERSTOOD.items() if not data.startswith(b"SIP/")])
def test_well_formed_requests_can_be_answered(name):
    request = parse_message(UNDERSTOOD[name])
    answer = parse_message(bytes(reply(request, 404, to_tag="ours")))
    assert answer.status == 404
    assert answer.to.tag == (request.to.tag or "ours")
    assert answer.headers.all("Via") == request.headers.all("Via")


@pytest.mark.parametrize("name", INVALID)
def test_malformed_messages_are_refused_with_the_right_status(name):
    data, status, answerable = INVALID[name]
    with pytest.raises(BadMessage) as caught:
        parse_message(data)
    assert caught.value.status == status
    assert (caught.value.request is not None) == answerable
    if caught.value.request is not None:
        assert bytes(reply(caught.value.request, status, to_tag="ours")).startswith(f"SIP/2.0 {status} ".encode())


@pytest.mark.parametrize("name", [name for name in VALID | APPLICATION if name not in ("dblreq", "inv2543", "wsinv")])
def test_a_stream_of_them_is_cut_where_they_end(name):
    data = (VALID | APPLICATION)[name]
    assert Framer().feed(data + data) == [data, data]


def test_wsinv_means_what_it_says_in_spite_of_its_spaces():
    message = parse_message(VALID["wsinv"])
    assert isinstance(message, Request)
    assert message.uri.param("unknownparam") == ""
    assert message.to.tag == "1918181833n"
    assert (message.from_.display, message.from_.tag) == ('J Rosenberg \\"', "98asjd8")
    assert (message.max_forwards, message.cseq.number, message.cseq.method) == (68, 9, "INVITE")
    vias = [str(via) for via in map(type(message.via).parse, message.headers.all("Via"))]
    assert vias == [
        "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
        "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8",
        "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
    ]
    assert message.headers.get("Subject") == ""
    assert message.headers.get("newfangledheader") == "newfangled value continued newfangled value"
    assert message.headers.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
    (contact,) = message.contacts
    assert contact.display == 'Quoted string ""'
    assert (contact.param("newparam"), contact.param("secondparam"), contact.param("q")) == ("newvalue", "", "0.33")
    assert len(message.body) == 150


def test_intmeth_keeps_every_odd_character():
    message = parse_message(VALID["intmeth"])
    assert message.method.startswith("!interesting-Method")
    assert message.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert message.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert message.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert message.from_.param("fromparam''~+*_!.-%") == "работающий"
    assert message.from_.tag == "_token~1'+`*%!-."
    assert message.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"


def test_escapes_are_undone_in_users_and_nowhere_else():
    message = parse_message(VALID["esc01"])
    assert message.uri.user == "sips:user@example.com"
    assert (message.to.uri.user, message.from_.uri.user) == ("user", "I have spaces")
    assert str(message.uri) == "sip:sips%3Auser%40example.com@example.net"
    assert len(parse_message(VALID["esc02"]).contacts) == 2  # C%6Fntact is another header
    assert [contact.uri.user for contact in parse_message(VALID["escnull"]).contacts] == ["\0", "\0\0"]
    assert parse_message(VALID["semiuri"]).uri.user == "user;par=u@example.net"


def test_what_follows_a_message_in_its_datagram_is_dropped():
    assert parse_message(VALID["dblreq"]).body == b""


def test_bodies_are_left_alone():
    assert b"\x30\x82\x01\x52" in parse_message(VALID["mpart01"]).body
    assert parse_message(VALID["unreason"]).reason.endswith("простое")
    assert parse_message(VALID["noreason"]).reason == ""


def test_addresses_that_the_rfc_lets_be_tolerated():
    assert parse_message(TOLERATED["badaspec"][0]).to.uri.user == "t.watson"
    assert parse_message(TOLERATED["baddn"][0]).from_.display == "Bell, Alexander"
    assert parse_message(APPLICATION["cparam01"]).contacts[0].param("unknownparam") == ""
    assert parse_message(APPLICATION["cparam02"]).contacts[0].uri.param("unknownparam") == ""
