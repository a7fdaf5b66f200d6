"""The ladder: which messages belong to which call, what it looks like, and how little it keeps."""

from __future__ import annotations

import json

import pytest

from gateway.calls import events as ev
from gateway.doctor import trace as limits

from .story import Story, sample


@pytest.fixture
def story():
    return Story()


def a_call(story):
    story.sip("a", True, "INVITE sip:102@example.net SIP/2.0", known="no")
    story.sip("a", False, "SIP/2.0 401 Unauthorized", known="no")
    story.wait(0.02)
    story.begins()
    story.sip("a", True, "INVITE sip:102@example.net SIP/2.0", cseq="2 INVITE", body=sample("asterisk"))
    story.routed()
    story.rings()
    story.wait(0.01)
    story.sip("b", False, "INVITE sip:102@198.51.100.30 SIP/2.0")
    story.wait(0.1)
    story.sip("b", True, "SIP/2.0 180 Ringing")
    story.answered()
    story.sip("a", False, "SIP/2.0 200 OK", cseq="2 INVITE")


def test_the_ladder(story):
    a_call(story)
    lines = story.doctor.traces.text("call-1").splitlines()
    assert lines[0] == "call call-1"
    arrows = [line for line in lines if "|" in line]
    assert [a.split()[0] for a in arrows] == ["0.000", "0.000", "0.020", "0.030", "0.130", "0.130"]
    assert "|<-------- INVITE --------|" in arrows[0]
    assert arrows[1].rstrip().endswith(f">|{' ' * 25}|")
    assert "401 Unauthorized" in arrows[1]
    assert "INVITE (sdp)" in arrows[2]
    assert arrows[3].count("|") == 2
    assert "180 Ringing" in arrows[4]
    assert {len(a) for a in arrows} == {len(arrows[0])}
    assert any("== 101 (sip) calls 102" in line for line in lines)
    assert any("101 (sip)" in line and "bob (sip)" in line for line in lines)


def test_the_same_as_json(story):
    a_call(story)
    entries = story.doctor.traces.messages("call-1")
    json.dumps(entries)
    messages = [e for e in entries if e["kind"] == "message"]
    assert [m["start"] for m in messages][:2] == ["INVITE sip:102@example.net SIP/2.0", "SIP/2.0 401 Unauthorized"]
    assert messages[2]["leg"] == "a"
    assert messages[2]["remote"] == "udp:198.51.100.20:5060"
    assert "m=audio" in messages[2]["text"]
    assert entries[0]["at"] == 0.0
    assert [e["at"] for e in entries] == sorted(e["at"] for e in entries)


def test_every_message_in_full(story):
    a_call(story)
    text = story.doctor.traces.text("call-1", full=True)
    assert "Call-ID: a@example.net" in text
    assert "udp:198.51.100.20:5060 -> udp:203.0.113.7:5060" in text


def test_an_unknown_call_has_none(story):
    assert story.doctor.traces.text("nobody") is None
    assert story.doctor.traces.messages("nobody") is None


def test_nothing_of_a_stranger_steers_a_terminal(story):
    story.begins(dialled="1\x1b[2J2")
    story.sip("a", True, "INVITE sip:102@example.net SIP/2.0", "Subject: \x1b]0;gotcha\x07")
    text = story.doctor.traces.text("call-1", full=True)
    assert "gotcha" in text
    assert all(c.isprintable() or c in "\n\t" for c in text)


def test_messages_beside_calls_are_not_kept(story):
    for method in limits.BESIDE_CALLS:
        story.sip("x", True, f"{method} sip:example.net SIP/2.0", cseq=f"1 {method}", known="no")
        story.sip("x", False, "SIP/2.0 200 OK", cseq=f"1 {method}", known="no")
    assert story.doctor.traces._waiting == {}


def test_a_long_call_keeps_its_latest_steps(story):
    story.begins()
    for n in range(limits.MOST_MESSAGES + 50):
        story.sip("a", True, "INFO sip:102@example.net SIP/2.0", cseq=f"{n + 1} INFO")
    assert len(story.doctor.traces.messages("call-1")) == limits.MOST_MESSAGES
    assert "(51 earlier steps are not kept)" in story.doctor.traces.text("call-1")


def test_huge_messages_are_bounded_by_bytes(story):
    story.begins()
    for n in range(20):
        story.sip("a", True, "INFO sip:102@example.net SIP/2.0", f"X-Big: {'x' * 60_000}", cseq=f"{n + 1} INFO")
    assert story.doctor.traces.bytes <= limits.MOST_BYTES


def test_many_calls_push_out_the_oldest_that_are_over(story):
    for n in range(limits.MOST_CALLS + 20):
        story.call = f"call-{n}"
        story.begins(leg=f"leg-{n}")
        story.sip(f"leg-{n}", True, "INVITE sip:102@example.net SIP/2.0")
        if n:  # the first goes on
            story.ends()
    assert len(story.doctor.traces) <= limits.MOST_CALLS
    assert story.doctor.traces.text("call-0") is not None
    assert story.doctor.traces.text("call-1") is None


def test_a_trace_is_forgotten_after_a_while(story):
    story.begins()
    story.ends()
    story.wait(limits.KEPT_FOR + 1)
    story.call = "call-2"
    story.begins(leg="z")
    assert story.doctor.traces.text("call-1") is None


def test_strangers_cannot_fill_the_memory(story):
    for n in range(limits.MOST_WAITING * 2):
        story.sip("x", True, "INVITE sip:102@example.net SIP/2.0", known="no", call_id=f"flood-{n}")
    assert len(story.doctor.traces._waiting) <= limits.MOST_WAITING


def test_a_party_that_goes_over_is_drawn_in_its_new_call(story):
    story.begins()
    story.sip("a", True, "INVITE sip:102@example.net SIP/2.0")
    story.call = "call-2"
    story.begins(leg="c")
    story.tell(ev.CallJoined, "call-1", ("a",))
    story.sip("a", True, "BYE sip:102@example.net SIP/2.0", cseq="2 BYE")
    assert "BYE" in story.doctor.traces.text("call-2")
    assert "BYE" not in story.doctor.traces.text("call-1")
