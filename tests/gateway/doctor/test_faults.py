"""Faults caused on purpose: each gets its own verdict and no other."""

from __future__ import annotations

import pytest

from gateway.calls import events as ev
from gateway.doctor.facts import Setup

from .story import GATEWAY, PHONE, Story, sample

CHALLENGE = 'WWW-Authenticate: Digest realm="pbx", nonce="***"'
CREDENTIALS = 'Authorization: Digest username="pbx-user", realm="pbx", nonce="***", response="***"'


@pytest.fixture
def story():
    return Story()


def both_heard(story, seconds=20.0):
    story.heard("a")
    story.heard("b", "198.51.100.30:20120")
    story.wait(seconds)


# ---------------------------------------------------------------- the way of the audio


def test_a_phone_behind_nat_is_latched_and_that_is_said(story):
    story.two_phones(a_host="172.18.0.6")
    story.heard("a", "10.1.2.3:4000")
    story.heard("b", "198.51.100.30:20120")
    story.wait(20)
    story.ends()
    assert story.codes == ["media-latched"]
    assert "The SDP of the phone of alice says 172.18.0.6, its packets come from 10.1.2.3:4000" in story.words


def test_a_private_address_that_cannot_be_reached(story):
    story.two_phones(b_host="192.168.1.5")
    story.heard("a")
    story.wait(12)
    story.ends()
    assert story.codes == ["their-address-unreachable"]
    assert "No RTP from the phone of bob in the 12 s since the answer: its SDP gave a private address" in story.words
    assert f"192.168.1.5, that this gateway ({GATEWAY}) cannot reach" in story.words


@pytest.mark.parametrize("ours", ["127.0.0.1", "0.0.0.0", "172.17.0.2"])
def test_wrong_advertised_address(story, ours):
    story.two_phones(ours=ours)
    story.wait(12)
    story.ends()
    assert set(story.codes) == {"our-address-unreachable"}
    assert f"our SDP gave {ours}" in story.words
    assert "Set rtp_advertised (and rtp_host) in [media]" in story.words


def test_an_advertised_address_where_no_phone_was_ever_heard(story):
    story.two_phones()
    story.wait(12)
    story.ends()
    assert set(story.codes) == {"our-address-unreachable"}
    assert "no phone has been heard there since the gateway was started" in story.words


def test_an_advertised_address_that_nobody_listens_at():
    story = Story(setup=Setup(rtp_host="127.0.0.1", rtp_advertised=GATEWAY))
    story.two_phones()
    story.wait(12)
    story.ends()
    assert set(story.codes) == {"our-address-unreachable"}
    assert "rtp_host in [media] only listens on 127.0.0.1" in story.words


def test_one_way_audio(story):
    story.two_phones()
    story.heard("a")
    story.wait(15)
    story.ends()
    assert story.codes == ["one-way-audio"]
    assert "the phone of alice was heard, the phone of bob was not" in story.words


def test_no_audio_at_all():
    story = Story(setup=Setup())
    story.two_phones()
    story.wait(15)
    story.ends()
    assert story.codes == ["no-media"]


def test_audio_that_stops(story):
    story.two_phones()
    both_heard(story, 30)
    story.tell(ev.CallSilent, "b", True)
    story.wait(30)
    story.ends("media-timeout", "b")
    assert story.codes == ["media-stopped"]
    assert "for the last 30 s" in story.words


def test_who_is_released_with_the_call_is_not_to_blame(story):
    story.two_phones()
    story.heard("b")
    story.wait(30)
    for leg in "ab":
        story.leaves(leg, "media-timeout")
    story.ends("media-timeout", "a")
    assert story.codes == ["one-way-audio"]
    assert "the phone of bob was heard, the phone of alice was not" in story.words


def test_far_end_silence(story):
    story.two_phones()
    both_heard(story, 4)
    for _ in range(4):
        story.measured("a")
        story.measured("b", level_in=-72.2)
        story.wait(4)
    story.ends()
    assert story.codes == ["far-end-silence"]
    assert "never above -72 dBov" in story.words


def test_no_common_codec(story):
    story.begins()
    story.routed()
    offer = sample("cisco").replace("RTP/AVP 114 9 124 0 8 116 18 101", "RTP/AVP 18")
    story.tell(ev.LegDescribed, "a", "theirs", "offer", offer)
    story.leaves("a", "no-common-codec")
    story.ends("no-common-codec", "a", None)
    assert story.codes == ["codec-mismatch"]
    assert "offers G729 only, this gateway speaks OPUS, G722, PCMU, PCMA" in story.words


def test_the_called_phone_refuses_our_codecs(story):
    story.begins()
    story.routed()
    story.rings()
    story.sip("b", False, "INVITE sip:102@example.net SIP/2.0", body=sample("asterisk", GATEWAY))
    story.sip("b", True, "SIP/2.0 488 Not Acceptable Here")
    story.leaves("b", "no-common-codec", 488)
    story.ends("no-common-codec", None, None)
    assert story.codes == ["codec-mismatch"]
    assert "refuses what this gateway offers (488 Not Acceptable Here), which is PCMA, PCMU, OPUS" in story.words


def test_a_phone_that_wants_srtp_only(story):
    story.begins()
    story.routed()
    story.tell(ev.LegDescribed, "a", "theirs", "offer", sample("srtp-only"))
    story.ends("no-common-codec", "a", None)
    assert story.codes == ["codec-mismatch"]
    assert "wants encrypted audio only" in story.words


@pytest.mark.parametrize(
    ("figures", "code", "said"),
    [
        ({"lost_in": 80}, "loss-in", "7.4%"),
        ({"loss_out": 0.12}, "loss-out", "12.0%"),
        ({"jitter_in_ms": 95.0}, "jitter", "95 ms"),
        ({"rtt_ms": 800.0}, "far-away", "800 ms"),
    ],
)
def test_bad_figures(story, figures, code, said):
    story.two_phones()
    both_heard(story, 4)
    for _ in range(3):
        story.measured("a", **figures)
        story.measured("b")
        story.wait(4)
    story.ends()
    assert story.codes == [code]
    assert said in story.words


def test_keys_by_info_although_rfc_4733_was_agreed(story):
    story.two_phones()
    both_heard(story)
    story.sip("a", True, "INFO sip:102@example.net SIP/2.0", "Content-Type: application/dtmf-relay", cseq="2 INFO")
    story.ends()
    assert story.codes == ["dtmf-by-info"]


# ---------------------------------------------------------------- browsers


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("microphone-denied", "was not allowed to use the microphone (NotAllowedError)"),
        ("microphone-missing", "has no microphone in this call (NotAllowedError)"),
        ("microphone-busy", "could not be opened by the browser of alice (NotAllowedError)"),
    ],
)
def test_a_browser_without_microphone(story, code, said):
    story.page_calls_phone(sample("chromium-recvonly"))
    story.tell(ev.LegTransport, "a", "connected")
    story.agreed("a", "OPUS", "sendrecv")
    story.doctor.report("a", code, "NotAllowedError")
    story.heard("b")
    story.wait(15)
    story.ends()
    assert story.codes == [code]
    assert said in story.words


def test_a_browser_that_only_listens_is_seen_without_its_help(story):
    story.page_calls_phone(sample("chromium-recvonly"))
    story.agreed("a", "OPUS", "sendonly")
    story.heard("b")
    story.wait(15)
    story.ends()
    assert story.codes == ["microphone-missing"]


def test_a_microphone_that_gives_silence(story):
    story.page_calls_phone()
    story.agreed("a", "OPUS")
    both_heard(story, 4)
    for _ in range(4):
        story.measured("a", level_in=-127.0)
        story.wait(4)
    story.ends()
    assert story.codes == ["microphone-silent"]


def test_a_turn_server_that_cannot_be_reached(story):
    story.page_calls_phone()
    story.doctor.report("a", "turn-unreachable", "turn:turn.example.net:3478 701")
    story.doctor.report("a", "ice-failed", "")
    story.heard("b")
    story.wait(15)
    story.leaves("a", "media-transport-failed")
    story.ends("media-transport-failed", "a")
    assert story.codes == ["turn-unreachable"]
    assert "turn:turn.example.net:3478 701" in story.words


def test_a_turn_server_that_was_not_needed_is_no_fault(story):
    story.page_calls_phone()
    story.doctor.report("a", "turn-unreachable", "turn:turn.example.net:3478 701")
    story.agreed("a", "OPUS")
    both_heard(story)
    story.ends()
    assert story.codes == []


def test_no_way_for_a_browsers_audio(story):
    story.page_calls_phone()
    story.heard("b")
    story.wait(15)
    story.ends("media-transport-failed", "a")
    assert story.codes == ["ice-failed"]


# ---------------------------------------------------------------- messages


def test_a_lost_ack(story):
    story.begins()
    story.sip("a", True, "INVITE sip:102@example.net SIP/2.0", body=sample("asterisk"))
    story.routed()
    story.rings()
    story.answered()
    for wait in (0.5, 1, 2, 4, 4):
        story.sip("a", False, "SIP/2.0 200 OK", body=sample("asterisk", GATEWAY))
        story.wait(wait)
    story.leaves("a", "normal")
    story.ends("normal", "a", 32.0)
    assert story.codes == ["ack-lost"]
    assert "went out 5 times to udp:198.51.100.20:5060" in story.words


def test_our_ack_that_does_not_arrive(story):
    story.two_phones()
    both_heard(story, 1)
    story.sip("b", False, "INVITE sip:102@example.net SIP/2.0")
    for _ in range(5):
        story.sip("b", True, "SIP/2.0 200 OK")
        story.sip("b", False, "ACK sip:102@example.net SIP/2.0", cseq="1 ACK")
        story.wait(4)
    story.ends()
    assert story.codes == ["ack-not-arriving"]


def call_by_trunk(story):
    story.begins()
    story.routed("trunk:office")
    story.rings("b", "sip", "trunk:office/0123456", "")


def refused(story, status, cause):
    story.leaves("b", cause, status)
    story.ends(cause, None, None)


def test_wrong_password(story):
    call_by_trunk(story)
    story.sip("b", False, "INVITE sip:0123456@pbx SIP/2.0", user="pbx-user")
    story.sip("b", True, "SIP/2.0 401 Unauthorized", CHALLENGE)
    story.sip("b", False, "INVITE sip:0123456@pbx SIP/2.0", CREDENTIALS, cseq="2 INVITE", user="pbx-user")
    story.sip("b", True, "SIP/2.0 401 Unauthorized", CHALLENGE, cseq="2 INVITE")
    refused(story, 401, "unauthorized")
    assert story.codes == ["wrong-password"]
    assert "(401 Unauthorized, 2 times). Correct password (and auth_user, realm) of trunk office" in story.words


def test_a_pbx_that_wants_a_password_that_nobody_configured(story):
    story.begins()
    story.routed()
    story.rings("b", "sip", "sip:102@pbx.example.net", "")
    story.sip("b", False, "INVITE sip:102@pbx.example.net SIP/2.0")
    story.sip("b", True, "SIP/2.0 401 Unauthorized", CHALLENGE)
    refused(story, 401, "unauthorized")
    assert story.codes == ["no-credentials"]


def test_a_caller_id_that_is_not_the_registered_user(story):
    call_by_trunk(story)
    story.sip("b", False, "INVITE sip:0123456@pbx SIP/2.0", user="101")
    story.sip("b", True, "SIP/2.0 403 Forbidden From")
    refused(story, 403, "forbidden")
    assert story.codes == ["caller-id-refused"]
    assert (
        "403 by the PBX (trunk office): the From user 101 is not the registered one, pbx-user. Set caller_id"
        in story.words
    )


def test_a_call_that_the_pbx_forbids(story):
    call_by_trunk(story)
    story.sip("b", False, "INVITE sip:0123456@pbx SIP/2.0", user="pbx-user")
    story.sip("b", True, "SIP/2.0 403 Forbidden")
    refused(story, 403, "forbidden")
    assert story.codes == ["forbidden"]


def test_a_pbx_that_is_down(story):
    call_by_trunk(story)
    for wait in (0.5, 1, 2, 4, 8, 16):
        story.sip("b", False, "INVITE sip:0123456@pbx SIP/2.0", user="pbx-user")
        story.wait(wait)
    refused(story, 408, "timeout")
    assert story.codes == ["pbx-unreachable"]
    assert "no answer to 6 INVITEs to udp:198.51.100.20:5060 within 32 s" in story.words


def test_the_second_server_of_a_trunk_answers(story):
    call_by_trunk(story)
    story.sip("b", False, "INVITE sip:0123456@pbx SIP/2.0", call_id="first")
    story.wait(4)
    story.sip("b", False, "INVITE sip:0123456@pbx SIP/2.0", call_id="second", user="pbx-user")
    story.sip("b", True, "SIP/2.0 403 Forbidden", call_id="second")
    refused(story, 403, "forbidden")
    assert story.codes == ["forbidden"]


def test_a_pbx_whose_name_has_no_address(story):
    call_by_trunk(story)
    story.leaves("b", "unreachable", 503, "pbx.example.net has no address.")
    story.ends("unreachable", None, None)
    assert story.codes == ["pbx-unreachable"]
    assert "is unreachable: pbx.example.net has no address. See" in story.words


@pytest.mark.parametrize(
    ("status", "cause", "code"), [(404, "unknown-number", "number-refused"), (500, "failed", "pbx-error")]
)
def test_other_refusals_of_a_pbx(story, status, cause, code):
    call_by_trunk(story)
    story.sip("b", False, "INVITE sip:0123456@pbx SIP/2.0", user="pbx-user")
    story.sip("b", True, f"SIP/2.0 {status} Because")
    refused(story, status, cause)
    assert story.codes == [code]


def test_no_route(story):
    story.begins(dialled="999")
    story.ends("unknown-number", None, None)
    assert story.codes == ["no-route"]
    assert "matches 999, dialled by 101" in story.words
    assert "tandem route --from 101 --to 999" in story.words


def test_a_stranger_who_may_not(story):
    story.begins(dialled="0123", trunk="office")
    story.ends("forbidden", None, None)
    assert story.codes == ["stranger-refused"]


def test_nobody_is_registered(story):
    story.begins()
    story.routed("user:bob")
    story.ends("not-registered", None, None)
    assert story.codes == ["nobody-registered"]


@pytest.mark.parametrize(
    ("cause", "by", "code"),
    [
        ("loop", None, "forwarding-loop"),
        ("full", None, "gateway-full"),
        ("no-media-ports", None, "gateway-full"),
        ("bad-sdp", "a", "bad-sdp"),
    ],
)
def test_what_ends_a_call_before_it_begins(story, cause, by, code):
    story.begins()
    story.routed()
    story.ends(cause, by, None)
    assert story.codes == [code]


@pytest.mark.parametrize(
    ("cause", "kind", "code"),
    [
        ("dialog-lost", "sip", "dialog-lost"),
        ("browser-lost", "browser", "browser-lost"),
        ("media-transport-failed", "browser", "media-connection-lost"),
    ],
)
def test_what_ends_a_live_call(story, cause, kind, code):
    if kind == "sip":
        story.two_phones()
    else:
        story.page_calls_phone()
        story.agreed("a", "OPUS")
    both_heard(story)
    story.ends(cause, "a")
    assert story.codes == [code]


def test_verdicts_are_told_once_when_the_call_ends(story):
    story.two_phones()
    story.heard("a")
    story.wait(15)
    story.measured("a")
    assert story.codes == ["one-way-audio"]
    assert story.told == []
    story.ends()
    [(call, said)] = story.told
    assert call == "call-1"
    assert [v.as_dict()["code"] for v in said] == ["one-way-audio"]
    assert said[0].leg == "b"
    assert story.codes == ["one-way-audio"]


def test_a_party_that_goes_over_takes_its_facts_along():
    story = Story(setup=Setup())
    story.two_phones(a_host="10.9.8.7")
    story.heard("a", f"{PHONE}:4000")
    story.tell(ev.CallSplit, "a", "call-2")
    story.call = "call-2"
    story.begins("sip", "app:hold")
    assert story.codes == ["media-latched"]
    story.call = "call-1"
    assert "media-latched" not in story.codes
