"""Strictness: what is not exactly a message of the protocol is refused with words that name the field."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.browser import messages
from signaling.browser.errors import BadField, BadMessage, NotJson, TooLong, UnknownType
from signaling.browser.messages import FROM_GATEWAY, FROM_PAGE
from signaling.browser.schema import build, encode, load

SDP = "v=0\r\na=x\r\n"
GOOD = [
    {"type": "hello", "version": 1, "token": "abc"},
    {"type": "resume", "version": 1, "session": "s1", "resume": "k", "ack": 0},
    {"type": "resume", "version": 1, "session": "s1", "resume": "k", "ack": 7, "reloaded": True},
    {"type": "ping", "ack": 3},
    {"type": "pong"},
    {"type": "refresh"},
    {"type": "bye"},
    {"type": "call", "call": "c-1", "to": "600", "sdp": SDP, "seq": 1},
    {"type": "call", "call": "c-Ab_9-", "to": "sip:bob@example.com", "sdp": SDP},
    {"type": "answer", "call": "gw/1", "sdp": SDP},
    {"type": "decline", "call": "c-1"},
    {"type": "decline", "call": "c-1", "busy": True},
    {"type": "hangup", "call": "c-1", "seq": 9007199254740991},
    {"type": "mute", "call": "c-1", "on": True},
    {"type": "hold", "call": "c-1", "on": False},
    {"type": "digits", "call": "c-1", "digits": "123*#ABCD"},
    {"type": "offer", "call": "c-1", "sdp": SDP},
    {"type": "offer_answer", "call": "c-1", "sdp": SDP},
    {"type": "candidate", "call": "c-1", "candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host"},
    {"type": "candidate", "call": "c-1", "candidate": None},
    {"type": "transfer", "call": "c-1", "to": "103"},
    {"type": "connect", "call": "c-1", "other": "gw/1"},
    {"type": "report", "call": "c-1", "code": "microphone-denied"},
    {"type": "report", "call": "c-1", "code": "turn-unreachable", "detail": "turn:192.0.2.1:3478 701"},
    {"type": "join", "call": "c-1", "other": "c-2"},
    {"type": "add", "call": "c-1", "to": "sip:carol@example.com"},
]


def read(frame: str, catalogue=FROM_PAGE):
    return build(load(frame, 65_536), catalogue)


@pytest.mark.parametrize("good", GOOD, ids=lambda g: g["type"])
def test_reads_and_writes_the_same(good):
    message, seq = read(json.dumps(good))
    assert message.type == good["type"]
    again, seq_again = read(encode(message, seq))
    assert (again, seq_again) == (message, seq)


def test_every_page_message_is_covered():
    assert {g["type"] for g in GOOD} == set(FROM_PAGE)


def variants(good):
    for key in good:
        if key == "type":
            continue
        yield key, good | {key: []}, "has a wrong value"
        yield key, good | {key: {"a": 1}}, "has a wrong value"
        if not isinstance(good[key], bool):
            yield key, good | {key: True}, "has a wrong value"
        if isinstance(good[key], str):
            yield key, good | {key: 5}, "has a wrong value"
            yield key, good | {key: "x" * 40_000}, "has a wrong value"
            yield key, good | {key: "a\x00b"}, "has a wrong value"
            yield key, good | {key: "a\ud800b"}, "has a wrong value"
        if key not in ("seq", "reloaded", "busy", "ack", "detail"):
            yield key, {k: v for k, v in good.items() if k != key}, "is missing"
    yield "colour", good | {"colour": 1}, "is unknown"


@pytest.mark.parametrize("good", GOOD, ids=lambda g: g["type"])
def test_each_invalid_twin_names_the_field(good):
    for field, bad, words in variants(good):
        with pytest.raises(BadField) as why:
            read(json.dumps(bad))
        assert why.value.field == field
        assert words in why.value.words
        assert why.value.expected in why.value.words
        assert f'"{good["type"]}"' in why.value.words


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ("", NotJson),
        ("{", NotJson),
        ("[]", NotJson),
        ("null", NotJson),
        ('"hello"', NotJson),
        ('{"type":"ping","type":"pong"}', NotJson),
        ('{"type":"ping","ack":NaN}', NotJson),
        ('{"type":"ping","ack":Infinity}', NotJson),
        ('{"a":' * 10_000, NotJson),
        ("[" * 60_000, NotJson),
        ("9" * 60_000, NotJson),
        ("x" * 65_537, TooLong),
        ("{}", UnknownType),
        ('{"type":5}', UnknownType),
        ('{"type":"telephone"}', UnknownType),
        ('{"type":"welcome"}', UnknownType),
    ],
)
def test_not_a_message(frame, kind):
    with pytest.raises(kind):
        read(frame)


@pytest.mark.parametrize("call", ["1", "c-", "c-ä", "c-" + "x" * 47, "sess/c-1", "c-1 "])
def test_new_call_ids_keep_to_their_alphabet(call):
    with pytest.raises(BadField):
        read(json.dumps({"type": "call", "call": call, "to": "600", "sdp": SDP}))


@pytest.mark.parametrize("to", ["", " ", "\u00a0", "a\nb", "x" * 257])
def test_a_target_is_a_line_with_something_on_it(to):
    with pytest.raises(BadField):
        read(json.dumps({"type": "call", "call": "c-1", "to": to, "sdp": SDP}))


def test_gateway_messages_go_both_ways():
    for message in (
        messages.Welcome(1, "s", "k", "alice", "Alice", None, "lite", [{"urls": "stun:x"}], 5.0, 12.0, 30.0, []),
        messages.Incoming("leg-1", "sip:bob@x", "Bob", SDP),
        messages.Progress("c-1", "early", SDP),
        messages.Progress("c-1", "trying"),
        messages.Ended("c-1", "busy", "Busy.", 486),
        messages.Error("bad-field", "words", False, "to", "a number", 3, "c-1"),
        messages.Quality("c-1", {"loss": 0.1}),
        messages.Candidate("c-1", None),
    ):
        assert read(encode(message), FROM_GATEWAY) == (message, None)


def test_from_is_written_without_its_underscore():
    assert json.loads(encode(messages.Incoming("x", "bob", "Bob", SDP), 4)) == {
        "type": "incoming", "seq": 4, "call": "x", "from": "bob", "display": "Bob", "sdp": SDP,
    }  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "call", "seq", "to"]) | st.text(), inner),
    max_leaves=12,
)


@settings(derandomize=True, max_examples=300)
@given(st.text() | JSON.map(json.dumps))
def test_any_text_is_read_or_refused(frame):
    try:
        message, _ = read(frame)
    except BadMessage as why:
        assert why.words
    else:
        assert message.type in FROM_PAGE


def test_mangled_messages_are_read_or_refused():
    rng = random.Random(20)
    for _ in range(20_000):
        frame = list(json.dumps(rng.choice(GOOD)))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(frame))
            match rng.randrange(3):
                case 0:
                    del frame[at]
                case 1:
                    frame[at] = chr(rng.randrange(256))
                case 2:
                    frame.insert(at, rng.choice('{}[]",:\\u0019e-'))
        try:
            read("".join(frame))
        except BadMessage as why:
            assert why.words
