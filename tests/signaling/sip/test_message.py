from __future__ import annotations

import timeit

import pytest

from signaling.sip import headers as headers_module
from signaling.sip import uri as uri_module
from signaling.sip.errors import BadMessage
from signaling.sip.headers import Headers
from signaling.sip.message import REASONS, Request, Response, parse_message, reply
from signaling.sip.reasons import reason_of
from signaling.sip.uri import Uri
from tests.signaling.sip.samples import (
    BAD,
    CHALLENGED,
    COMPACT,
    FOLDED,
    GOOD,
    INVITE,
    LATIN1,
    LF_ONLY,
    NO_LENGTH,
    RINGING,
)


def test_what_is_sent_is_what_was_read():
    assert bytes(parse_message(INVITE)) == INVITE
    assert bytes(parse_message(RINGING)) == RINGING


@pytest.mark.parametrize("name", GOOD)
def test_real_messages_are_understood(name):
    message = parse_message(GOOD[name])
    again = parse_message(bytes(message))
    assert bytes(again) == bytes(message)
    assert (again.from_, again.to, again.contacts) == (message.from_, message.to, message.contacts)


@pytest.mark.parametrize("name", BAD)
def test_and_their_broken_twins_refused(name):
    with pytest.raises(BadMessage) as caught:
        parse_message(BAD[name])
    assert str(caught.value)
    assert 400 <= caught.value.status <= 513


def test_typed_headers():
    message = parse_message(INVITE)
    assert isinstance(message, Request)
    assert (message.method, message.uri.user, message.uri.transport) == ("INVITE", "600", "udp")
    assert (message.via.branch, message.via.wants_rport) == ("z9hG4bKPj1234", True)
    assert (message.from_.display, message.from_.tag, message.to.tag) == ("Alice", "a1", None)
    assert (message.call_id, message.cseq.number, message.max_forwards) == ("7f3c@192.0.2.1", 20711, 70)
    assert message.contacts[0].param("+sip.instance") == "<urn:uuid:1>"
    assert message.headers.all("Supported") == ["replaces", "100rel", "timer"]
    assert (message.content_type, message.body) == ("application/sdp", b"v=0\r\n")


def test_what_phones_do():
    assert parse_message(FOLDED).headers.get("Subject") == "a long one"
    assert parse_message(FOLDED).max_forwards == 70
    assert parse_message(LATIN1).from_.display == "André"
    assert b"Andr\xe9" in bytes(parse_message(LATIN1))
    assert parse_message(LF_ONLY).body == b"v=0\n"
    assert parse_message(NO_LENGTH).body == b"v=0\r\n"
    assert [c.uri.host for c in parse_message(COMPACT).contacts] == ["10.0.0.2", "10.0.0.3"]
    assert len(parse_message(CHALLENGED).headers.all("WWW-Authenticate")) == 2
    assert (
        parse_message(
            COMPACT.replace(b"m: <sip:101@10.0.0.2;transport=tcp>;expires=60, <sip:101@10.0.0.3>;q=0.5", b"m: *")
        ).contacts
        == []
    )


def test_a_broken_request_that_can_be_answered_says_so():
    with pytest.raises(BadMessage) as caught:
        parse_message(BAD["max-forwards"])
    assert caught.value.request is not None
    answer = bytes(reply(caught.value.request, caught.value.status))
    assert answer.startswith(
        b"SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKPj1234\r\n"
    )


@pytest.mark.parametrize("name", ["no-via", "no-to", "via-host", "status", "cut"])
def test_what_cannot_be_answered_says_so_too(name):
    with pytest.raises(BadMessage) as caught:
        parse_message(BAD[name])
    assert caught.value.request is None


def test_nobody_answers_an_ack():
    with pytest.raises(BadMessage) as caught:
        parse_message(BAD["max-forwards"].replace(b"INVITE", b"ACK"))
    assert caught.value.request is None


def test_content_length_is_ours_and_right():
    message = Request("MESSAGE", Uri.parse("sip:a@h"), Headers([("Content-Length", "99"), ("To", "x")]), b"hello")
    assert bytes(message) == b"MESSAGE sip:a@h SIP/2.0\r\nTo: x\r\nContent-Length: 5\r\n\r\nhello"


def test_no_value_can_forge_a_header():
    message = Response(200, "OK\r\nEvil: 1", Headers([("Subject", "a\r\nEvil: 2"), ("X-Any", "a\nb")]))
    assert bytes(message) == b"SIP/2.0 200 OK Evil: 1\r\nSubject: a Evil: 2\r\nX-Any: a b\r\nContent-Length: 0\r\n\r\n"


def test_a_reply_repeats_what_it_must():
    request = parse_message(INVITE)
    assert isinstance(request, Request)
    answer = parse_message(bytes(reply(request, 200, to_tag="t", headers=[("Contact", "<sip:us@h>")], body=b"v=0")))
    assert isinstance(answer, Response)
    assert (answer.status, answer.reason, answer.to.tag, answer.from_.tag) == (200, "OK", "t", "a1")
    assert answer.headers.all("Record-Route") == ["<sip:192.0.2.7;lr>"]  # 12.1.1
    assert answer.headers.get("Content-Type") == "application/sdp"
    assert "Record-Route" not in reply(request, 404).headers
    assert reply(request, 100, to_tag="t").to.tag is None  # 8.2.6.2
    assert reply(request, 486, "Busy, Really").reason == "Busy, Really"
    assert "Content-Type" not in reply(request, 180, to_tag="t").headers


def test_a_to_that_has_a_tag_keeps_it():
    request = parse_message(INVITE.replace(b"To: <sip:600@192.0.2.10>", b"To: <sip:600@192.0.2.10>;tag=theirs"))
    assert isinstance(request, Request)
    assert reply(request, 481, to_tag="ours").to.tag == "theirs"


def test_every_status_has_words():
    assert all(100 <= status < 700 and text for status, text in REASONS.items())
    assert (reason_of(486), reason_of(499), reason_of(299)) == ("Busy Here", "Bad Request", "OK")


def test_it_is_fast_enough():
    """Generous for a busy machine: about 50 us to parse, with every cache cold, and 4 us to build."""

    def cold() -> None:
        uri_module._cached_uri.cache_clear()
        uri_module._cached_name_addr.cache_clear()
        headers_module._parse_via.cache_clear()
        bytes(parse_message(INVITE))

    best = min(timeit.repeat(cold, number=200, repeat=5)) / 200
    assert best < 400e-6
