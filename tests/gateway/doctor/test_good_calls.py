"""Good calls, and what looks like a fault and is none: the doctor says nothing."""

from __future__ import annotations

import pytest

from gateway.calls import events as ev

from .story import GATEWAY, Story, sample


@pytest.fixture
def story():
    return Story()


def heard(story):
    story.heard("a")
    story.heard("b")


def silent(story):
    assert story.codes == [], story.words
    assert story.told == []


def test_a_good_call(story):
    story.begins()
    story.sip("a", True, "INVITE sip:102@example.net SIP/2.0", body=sample("asterisk"))
    story.sip("a", False, "SIP/2.0 180 Ringing")
    story.two_phones()
    story.sip("a", False, "SIP/2.0 200 OK", body=sample("asterisk", GATEWAY))
    story.sip("a", True, "ACK sip:102@example.net SIP/2.0", cseq="1 ACK")
    heard(story)
    for _ in range(6):
        story.wait(4)
        story.measured("a")
        story.measured("b", lost_in=3, jitter_in_ms=12.0, loss_out=0.01)
    silent(story)
    story.ends()
    silent(story)


def test_one_answer_that_had_to_be_repeated(story):
    story.begins()
    story.sip("a", True, "INVITE sip:102@example.net SIP/2.0", body=sample("asterisk"))
    for _ in range(2):
        story.sip("a", False, "SIP/2.0 200 OK", body=sample("asterisk", GATEWAY))
    story.two_phones()
    heard(story)
    story.sip("a", True, "ACK sip:102@example.net SIP/2.0", cseq="1 ACK")
    story.wait(20)
    story.ends()
    silent(story)


def test_a_challenge_is_no_refusal(story):
    story.begins()
    story.rings("b", "sip", "trunk:office/100", "")
    story.sip("b", False, "INVITE sip:100@pbx SIP/2.0")
    story.sip(
        "b", True, "SIP/2.0 407 Proxy Authentication Required", 'Proxy-Authenticate: Digest realm="pbx", nonce="1"'
    )
    story.sip("b", False, "INVITE sip:100@pbx SIP/2.0", "Proxy-Authorization: Digest ***", cseq="2 INVITE")
    stale = 'Proxy-Authenticate: Digest realm="pbx", nonce="2", stale=TRUE'
    story.sip("b", True, "SIP/2.0 407 Proxy Authentication Required", stale, cseq="2 INVITE")
    story.sip("b", False, "INVITE sip:100@pbx SIP/2.0", "Proxy-Authorization: Digest ***", cseq="3 INVITE")
    story.sip("b", True, "SIP/2.0 200 OK", cseq="3 INVITE")
    story.two_phones()
    heard(story)
    story.wait(20)
    story.ends()
    silent(story)


@pytest.mark.parametrize("cause", ["busy", "declined", "no-answer", "cancelled"])
def test_what_people_decide(story, cause):
    story.begins()
    story.routed()
    story.rings()
    story.sip("b", False, "INVITE sip:102@198.51.100.30 SIP/2.0", body=sample("asterisk", GATEWAY))
    story.sip("b", True, "SIP/2.0 180 Ringing")
    story.wait(20)
    story.leaves("b", cause)
    story.ends(cause, "a" if cause == "cancelled" else None, None)
    silent(story)


def test_given_up_before_the_phone_could_answer(story):
    story.begins()
    story.routed()
    story.rings("b", "sip", "trunk:office/100", "")
    story.sip("b", False, "INVITE sip:100@pbx SIP/2.0")
    story.wait(1)
    story.leaves("b", "cancelled")
    story.ends("cancelled", "a", None)
    silent(story)


def test_a_very_short_call(story):
    story.two_phones()
    story.wait(2)
    story.ends(talked=2.0)
    silent(story)


def test_early_media_is_no_answer(story):
    story.begins()
    story.routed()
    story.described("a", sample("asterisk", "192.168.1.5"))
    story.agreed("a")
    story.rings()
    story.wait(25)
    story.leaves("b", "no-answer")
    story.ends("no-answer", None, None)
    silent(story)


def test_hold_from_the_first_second(story):
    story.two_phones()
    heard(story)
    story.tell(ev.CallHeld, "b", True)
    story.tell(ev.LegMedia, "b", "PCMA", 8000, "recvonly")
    story.tell(ev.CallSilent, "a", True)
    story.wait(300)
    story.tell(ev.CallHeld, "b", False)
    story.tell(ev.LegMedia, "b", "PCMA", 8000, "sendrecv")
    story.wait(10)
    story.ends()
    silent(story)


def test_held_before_anything_was_heard(story):
    story.two_phones(b_host="192.168.1.5")
    story.tell(ev.CallHeld, "b", True)
    story.wait(60)
    story.ends()
    silent(story)


def test_hung_up_on_hold(story):
    story.two_phones()
    heard(story)
    story.wait(10)
    story.tell(ev.CallSilent, "b", True)
    story.tell(ev.CallHeld, "a", True)
    story.wait(60)
    story.ends()
    silent(story)


def test_a_pause_of_a_phone_that_suppresses_silence(story):
    story.two_phones()
    heard(story)
    story.wait(10)
    story.tell(ev.CallSilent, "b", True)
    story.wait(12)
    story.tell(ev.CallSilent, "b", False)
    story.wait(5)
    story.ends()
    silent(story)


def test_a_muted_browser_is_silent_by_choice(story):
    story.page_calls_phone()
    story.agreed("a", "OPUS")
    heard(story)
    story.tell(ev.CallMuted, "a", True)
    for _ in range(5):
        story.wait(4)
        story.measured("a", level_in=-127.0)
    story.ends()
    silent(story)


def test_a_listener_who_speaks_once(story):
    story.two_phones()
    heard(story)
    for level in (-72.0, -72.0, -30.0, -72.0, -72.0):
        story.wait(4)
        story.measured("b", level_in=level)
    story.ends()
    silent(story)


def test_an_application_is_no_party(story):
    story.begins(dialled="600")
    story.routed("app:echo")
    story.described("a", sample("asterisk"))
    story.agreed("a")
    story.rings("b", "app", "app:echo", "")
    story.answered("b", "app")
    story.heard("a")
    for _ in range(5):
        story.wait(4)
        story.measured("a", level_in=-127.0)
    story.ends()
    silent(story)


def test_one_bad_moment(story):
    story.two_phones()
    heard(story)
    for at in range(6):
        story.wait(4)
        story.measured("a", jitter_in_ms=120.0 if at == 3 else 5.0, loss_out=0.2 if at == 4 else 0.0)
    story.ends()
    silent(story)


def test_a_page_that_was_reloaded(story):
    story.page_calls_phone()
    story.agreed("a", "OPUS")
    heard(story)
    story.wait(5)
    story.tell(ev.LegTransport, "a", "disconnected")
    story.wait(4)
    story.tell(ev.LegTransport, "a", "connected")
    story.wait(20)
    story.ends()
    silent(story)


def test_audio_that_a_pbx_sends_elsewhere_in_mid_call(story):
    story.two_phones()
    heard(story)
    story.tell(ev.LegDescribed, "b", "theirs", "offer", sample("asterisk", "198.51.100.99"))
    story.wait(20)
    story.ends()
    silent(story)


def test_audio_that_is_faster_than_the_answer(story):
    story.begins()
    story.routed()
    story.described("a", sample("asterisk"))
    story.agreed("a")
    story.heard("a")
    story.rings()
    story.heard("b")
    story.described("b", sample("baresip", "198.51.100.30"), called=True)
    story.agreed("b")
    story.answered()
    story.wait(20)
    story.ends()
    silent(story)


def test_the_loser_of_a_ring_group(story):
    story.begins()
    story.routed()
    story.rings("b")
    story.rings("c", "sip", "sip:103@198.51.100.40", "carol")
    story.leaves("c", "answered-elsewhere")
    story.described("a", sample("asterisk"))
    story.agreed("a")
    story.described("b", sample("baresip", "198.51.100.30"), called=True)
    story.agreed("b")
    story.answered()
    heard(story)
    story.wait(20)
    story.ends()
    silent(story)
