from __future__ import annotations

import random

import pytest

from signaling.sip.errors import BadMessage
from signaling.sip.framing import Framer
from tests.signaling.sip.samples import COMPACT, FOLDED, INVITE, LF_ONLY, RINGING

STREAM = INVITE + RINGING + b"\r\n\r\n" + COMPACT + b"\r\n" + FOLDED + LF_ONLY + INVITE
MESSAGES = [INVITE, RINGING, COMPACT, FOLDED, LF_ONLY, INVITE]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 1000, 100_000])
def test_messages_come_out_whole_however_they_came(size):
    framer = Framer()
    got = [m for at in range(0, len(STREAM), size) for m in framer.feed(STREAM[at : at + size])]
    assert got == MESSAGES
    assert (framer.pongs, framer.pending) == (1, 0)


def test_at_random_cuts():
    for seed in range(50):
        chance, framer, got, at = random.Random(seed), Framer(), [], 0
        while at < len(STREAM):
            step = chance.randint(1, 300)
            got += framer.feed(STREAM[at : at + step])
            at += step
        assert got == MESSAGES


def test_pings_are_owed_a_pong_each_but_a_flood_is_not():
    framer = Framer()
    assert framer.feed(b"\r\n\r\n") == []
    assert framer.pongs == 1
    framer.feed(b"\r\n\r")
    framer.feed(b"\n")
    assert framer.pongs == 2
    framer.feed(b"\r\n" * 10_000)
    assert framer.pongs == 16
    assert framer.feed(INVITE) == [INVITE]


def test_a_pong_is_no_ping_and_no_message_begun():
    framer = Framer()
    framer.feed(b"\r\n")
    assert (framer.pongs, framer.pending) == (0, 0)
    assert framer.feed(INVITE) == [INVITE]


def test_a_folded_or_compact_length_counts():
    for spelling in (b"Content-Length:\r\n 5", b"l: 5", b"content-length \t:  5 "):
        message = INVITE.replace(b"Content-Length: 5", spelling)
        assert Framer().feed(message + message) == [message, message]


def test_without_a_length_there_is_no_body():
    assert Framer().feed(COMPACT.replace(b"l: 0\r\n", b"")) == [COMPACT.replace(b"l: 0\r\n", b"")]


@pytest.mark.parametrize("length", [b"-1", b"x", b"1 2", b"", b"5\r\nContent-Length: 6", b"1048577", b"99999999999"])
def test_a_length_that_cannot_be_ends_the_stream(length):
    framer = Framer()
    with pytest.raises(BadMessage):
        framer.feed(INVITE.replace(b"Length: 5", b"Length: " + length))
    with pytest.raises(BadMessage):
        framer.feed(INVITE)


def test_what_was_whole_before_the_damage_is_given_first():
    framer = Framer()
    assert framer.feed(INVITE + RINGING + INVITE.replace(b"Length: 5", b"Length: x")) == [INVITE, RINGING]
    assert framer.broken is not None
    with pytest.raises(BadMessage):
        framer.feed(b"")


def test_limits():
    with pytest.raises(BadMessage) as caught:
        Framer(max_head=1000).feed(b"INVITE sip:a@h SIP/2.0\r\n" + b"X: y\r\n" * 300)
    assert caught.value.status == 513
    with pytest.raises(BadMessage):
        Framer(max_body=4).feed(INVITE)
    framer = Framer(max_head=1000)
    with pytest.raises(BadMessage):
        for _ in range(2000):
            framer.feed(b"x")
    assert framer.pending == 0
