"""What is wrong beside calls, and goes away by itself; and that the documentation knows every code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.doctor.doctor import RULES
from gateway.doctor.rules import SEVERITIES
from gateway.doctor.standing import MOST_PHONES, STANDING_CODES

from .story import Story

DOCS = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text()
CREDENTIALS = 'Authorization: Digest username="101", nonce="***", response="***"'
CHALLENGE = 'WWW-Authenticate: Digest realm="tandem", nonce="***"'


@pytest.fixture
def story():
    return Story()


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (401, "Unauthorized", "wrong-password"),
        (403, "Forbidden", "wrong-password"),
        (408, "No Answer From the Registrar", "pbx-unreachable"),
        (503, "Connection to the Registrar Lost", "pbx-unreachable"),
        (404, "Not Found", "registration-refused"),
    ],
)
def test_a_trunk_that_cannot_register(story, status, reason, code):
    story.doctor.registration("office", "registering", 0, "")
    assert story.doctor.standing() == {}
    story.doctor.registration("office", "failed", status, reason)
    verdict = story.doctor.standing()["trunk:office"]
    assert verdict.code == code
    assert f"{status} {reason}" in verdict.words
    story.doctor.registration("office", "registering", 0, "")
    assert "trunk:office" in story.doctor.standing()
    story.doctor.registration("office", "registered", 200, "OK")
    assert story.doctor.standing() == {}


def register(story, number, *more):
    story.sip("r", True, "REGISTER sip:example.net SIP/2.0", *more, cseq=f"{number} REGISTER", user="102", known="no")


def answer(story, number, status, *more):
    story.sip("r", False, f"SIP/2.0 {status} Word", *more, cseq=f"{number} REGISTER", user="102", known="no")


def test_a_phone_with_a_wrong_password_until_it_is_right(story):
    register(story, 1)
    answer(story, 1, 401, CHALLENGE)
    assert story.doctor.standing() == {}
    for number in (2, 3):
        register(story, number, CREDENTIALS)
        answer(story, number, 401, CHALLENGE)
    verdict = story.doctor.standing()["phone:102@198.51.100.20"]
    assert verdict.code == "phone-wrong-password"
    assert "(2 times)" in verdict.words
    register(story, 4, CREDENTIALS)
    answer(story, 4, 200)
    assert story.doctor.standing() == {}


def test_an_old_nonce_is_no_wrong_password(story):
    register(story, 1, CREDENTIALS)
    answer(story, 1, 401, CHALLENGE + ", stale=true")
    assert story.doctor.standing() == {}


def test_a_guesser_cannot_fill_the_memory(story):
    for n in range(MOST_PHONES * 2):
        more = {"cseq": "1 REGISTER", "user": "102", "known": "no", "call_id": f"guess-{n}"}
        story.sip("r", True, "REGISTER sip:example.net SIP/2.0", CREDENTIALS, **more)
        story.sip("r", False, "SIP/2.0 401 Word", CHALLENGE, **more)
    assert len(story.doctor._standing._tries) <= MOST_PHONES
    assert len(story.doctor.standing()) <= MOST_PHONES


def test_bytes_that_are_no_message_are_nothing(story):
    from signaling.sip.address import Address

    from .story import Message

    for data in (b"", b"\0" * 40, b"INVITE", b"SIP/2.0 200 OK\r\n\r\n"):
        story.doctor.message(Message(1.0, True, None, Address("udp", "192.0.2.1", 5060), data, "", None))
    assert story.doctor.standing() == {}


def test_the_table_is_sound():
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
    for rule in RULES:
        assert re.fullmatch(r"[a-z0-9-]+", rule.code)
        assert rule.severity in SEVERITIES
        assert (rule.of_leg is None) != (rule.of_call is None)
        assert set(rule.explains) <= set(codes) - {rule.code}


def test_the_documentation_has_every_code_and_no_other():
    of_calls, beside = DOCS.split("## Of trunks and phones")
    rows = {m[1]: m[0] for m in re.finditer(r"^\| `([a-z0-9-]+)` \|.*$", of_calls, re.MULTILINE)}
    assert rows == {r.code: f"| `{r.code}` | {r.severity} | {r.causes} | {r.todo} |" for r in RULES}
    named = set(re.findall(r"^\| `([a-z0-9-]+)` \|", beside, re.MULTILINE))
    assert named == {*STANDING_CODES, "wrong-password", "pbx-unreachable"}
