import random
import re

import pytest

from media.errors import BadDescription, MediaError, NoCommonCodec
from media.formats import G722, OPUS, PCMA, PCMU
from media.sdp.grammar import parse
from media.sdp.negotiate import Capabilities, LocalWebrtc, make_answer, make_offer, settle
from tests.media.sdp.samples import BROWSERS, SAMPLES

ALL = Capabilities()
G711 = Capabilities((PCMU, PCMA))
US = {"session_id": 77, "version": 1, "host": "127.0.0.9", "port": 20000}
LOCAL = LocalWebrtc(
    ufrag="our1", pwd="p" * 24, fingerprint=("sha-256", "AA:BB:CC"), setup="passive", host="127.0.0.9", port=3479,
    ssrc=99, playback_rate=8000,
)  # fmt: skip
CHROMIUM = SAMPLES["chromium-audio"]


def answer(name_or_offer, caps=ALL, **more):
    offer = SAMPLES.get(name_or_offer, name_or_offer) if isinstance(name_or_offer, str) else name_or_offer
    return make_answer(offer, caps, **{**US, **more})


def browser_answer(name_or_offer, caps=ALL, **more):
    return answer(name_or_offer, caps, **{"webrtc": LOCAL, **more})


def lines(body):
    assert body.endswith(b"\r\n")
    return body.decode().split("\r\n")[:-1]


def edit(name, old, new):
    assert old.encode() in SAMPLES[name]
    return SAMPLES[name].replace(old.encode(), new.encode())


# --- which codec: ours first, under their numbers

CHOICES = [
    ("baresip", ALL, OPUS, 96, 101, 8000),
    ("baresip", Capabilities((PCMU, OPUS)), PCMU, 0, 101, 8000),
    ("baresip", Capabilities((G722, PCMU)), G722, 9, 101, 8000),
    ("asterisk", ALL, OPUS, 107, 101, 8000),
    ("asterisk", Capabilities((PCMU, PCMA)), PCMU, 0, 101, 8000),
    ("asterisk-dynamic-clash", ALL, OPUS, 101, 111, 8000),
    ("freeswitch", ALL, OPUS, 102, 103, 48000),
    ("freeswitch", G711, PCMU, 0, 101, 8000),
    ("cisco", ALL, OPUS, 114, 101, 8000),
    ("sipp-static-without-rtpmap", ALL, PCMU, 0, None, 8000),
    ("static-types-only", ALL, G722, 9, None, 8000),
    ("static-types-only", Capabilities((PCMA, PCMU)), PCMA, 8, None, 8000),
    ("polycom-ptime-30", ALL, G722, 9, 127, 8000),
    ("fax-reinvite", ALL, PCMA, 8, 101, 8000),
    ("audio-video-phone", ALL, OPUS, 96, 101, 48000),
    ("audio-video-phone", G711, PCMU, 0, 99, 8000),
    ("srtp-optional", ALL, PCMU, 0, None, 8000),
    ("opus-twice", ALL, OPUS, 97, None, 48000),
    ("lf-only-trailing-blanks", ALL, OPUS, 107, 101, 8000),
    ("latin1-name", G711, PCMU, 0, 101, 8000),
]


@pytest.mark.parametrize(("name", "caps", "format", "number", "event", "rate"), CHOICES)
def test_phones(name, caps, format, number, event, rate):
    body, agreed = answer(name, caps)
    assert (agreed.format, agreed.payload_type, dict(agreed.receive)) == (format, number, {number: format})
    assert (agreed.telephone_event, agreed.telephone_event_rate) == (event, rate)
    assert agreed.receive_events == frozenset([event] if event is not None else [])
    media = parse(body).media[agreed.slot]
    assert media.formats == tuple(str(n) for n in (number, event) if n is not None)
    assert media.get("rtpmap") == f"{number} {format.rtpmap}"
    assert media.port == 20000
    assert agreed.webrtc is None


@pytest.mark.parametrize(
    ("name", "caps", "format", "number", "event"),
    [
        ("chromium-audio", ALL, OPUS, 111, 110),
        ("chromium-audio", G711, PCMU, 0, 126),
        ("chromium-recvonly", ALL, OPUS, 111, 110),
        ("chromium-max-bundle-video-first", ALL, OPUS, 111, 110),
        ("firefox-audio-video-data", ALL, OPUS, 109, 101),
        ("safari-audio", Capabilities((G722, OPUS)), G722, 9, 126),
        ("safari-audio", ALL, OPUS, 111, 110),
    ],
)
def test_browsers(name, caps, format, number, event):
    body, agreed = browser_answer(name, caps)
    assert (agreed.format, agreed.payload_type, agreed.telephone_event) == (format, number, event)
    assert agreed.rtcp_mux
    assert agreed.remote is None
    assert len(agreed.webrtc.ufrag) >= 4
    description = parse(body)
    assert [m.kind for m in description.media] == [m.kind for m in parse(SAMPLES[name]).media]
    for index, media in enumerate(description.media):
        if index != agreed.slot:
            assert media.port == 0
            assert media.get("mid") == parse(SAMPLES[name]).media[index].get("mid")
    assert description.session.get("group") == f"BUNDLE {agreed.webrtc.mid}"


def test_every_sample_is_answered_or_refused_in_words():
    for name, offer in SAMPLES.items():
        webrtc = LOCAL if name.startswith(BROWSERS) else None
        if name == "srtp-only":
            with pytest.raises(NoCommonCodec, match=r"RTP/SAVP, we take RTP/AVP"):
                answer(offer)
            continue
        body, agreed = answer(offer, webrtc=webrtc)
        assert bytes(parse(body)) == body
        assert agreed.format in ALL.formats


def test_no_common_codec_names_both_sides():
    with pytest.raises(NoCommonCodec, match=r"They offer G729/8000, G722/8000, .*CN/8000; we have opus/48000/2\."):
        answer("static-types-only", Capabilities((OPUS,)))


def test_opus_of_one_channel_or_another_clock_is_no_opus():
    offer = edit("opus-twice", "RTP/AVP 96 97 98 99", "RTP/AVP 96 99")
    with pytest.raises(NoCommonCodec, match=r"opus/48000, opus/16000/2"):
        answer(offer)


def test_dynamic_type_without_rtpmap():
    with pytest.raises(NoCommonCodec, match=r"119 \(no rtpmap\)"):
        answer(edit("sipp-static-without-rtpmap", "RTP/AVP 0", "RTP/AVP 119"))


def test_static_type_with_another_meaning():
    offer = SAMPLES["sipp-static-without-rtpmap"] + b"a=rtpmap:0 GSM/8000\r\n"
    with pytest.raises(NoCommonCodec, match="GSM"):
        answer(offer)


def test_small_letters_and_missing_clocks():
    offer = SAMPLES["sipp-static-without-rtpmap"].replace(b"AVP 0", b"AVP 96 97")
    offer += b"a=rtpmap:96 pcma/8000/1\r\na=rtpmap:97 Telephone-Event\r\n"
    _, agreed = answer(offer)
    assert (agreed.format, agreed.payload_type, agreed.telephone_event) == (PCMA, 96, 97)


def test_no_events_where_we_do_not_want_them():
    body, agreed = answer("asterisk", Capabilities((PCMU,), telephone_event=False))
    assert agreed.telephone_event is None
    assert b"telephone-event" not in body


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("asterisk", "c=IN IP4 192.0.2.10", "c=IN IP4 192.0.2", "line 4"),
        ("asterisk", "c=IN IP4 192.0.2.10", "x=", "no c= line"),
        ("asterisk", "RTP/AVP 8 0", "RTP/AVP 8 zero", "line 6 .*payload type"),
        ("asterisk", "RTP/AVP 8 0", "RTP/AVP 8 128", "payload type"),
        ("asterisk", "rtpmap:107 opus/48000/2", "rtpmap:107", "line 9 .*rtpmap"),
        ("asterisk", "rtpmap:107 opus/48000/2", "rtpmap:x opus/48000/2", "rtpmap"),
        ("asterisk", "fmtp:107 ", "fmtp:1007 ", "payload type"),
        ("baresip", "v=0", "v=O", "v=0"),
        ("cisco", "m=audio 16384", "m=audio 163840", "no port"),
        ("freeswitch", "m=audio 23456 ", "m=audio ", "no port"),
        ("fax-reinvite", "m=image 4002 udptl t38", "m=image 4002", "line 9"),
        ("ipv6-own-rtcp-port", "c=IN IP6 2001:db8::5", "c=IN IP4 2001:db8::5", "IP4"),
    ],
)
def test_invalid_twins(name, old, new, words):
    answer(name)
    with pytest.raises(BadDescription, match=words):
        answer(edit(name, old, new))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("a=ice-ufrag:BXbk", "a=x:y", "no a=ice-ufrag"),
        ("a=ice-ufrag:BXbk", "a=ice-ufrag:B", "4 to 256"),
        ("a=ice-pwd:514H", "a=ice-pwd:{}", "22 to 256"),
        ("a=fingerprint:", "a=footprint:", "no a=fingerprint"),
        ("a=fingerprint:sha-256 D9", "a=fingerprint:sha-256 XX", "line .*fingerprint"),
        ("a=setup:actpass", "a=setup:holdconn", "holdconn"),
    ],
)
def test_invalid_twins_of_a_browser(old, new, words):
    with pytest.raises(BadDescription, match=words):
        browser_answer(edit("chromium-audio", old, new))


@pytest.mark.parametrize(
    ("name", "webrtc", "words"),
    [
        ("chromium-audio", None, "UDP/TLS/RTP/SAVPF, we take RTP/AVP"),
        ("asterisk", LOCAL, "RTP/AVP, we take UDP/TLS/RTP/SAVPF"),
    ],
)
def test_a_browser_is_no_phone(name, webrtc, words):
    with pytest.raises(NoCommonCodec, match=words):
        answer(name, webrtc=webrtc)


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (SAMPLES["fax-reinvite"].replace(b"m=audio 4000", b"m=audio 0"), r"no audio but image \(udptl\)"),
        (SAMPLES["asterisk"].replace(b"m=audio 17442", b"m=audio 0"), "no audio but nothing active"),
        (SAMPLES["asterisk"].split(b"m=")[0], "no audio but nothing active"),
    ],
)
def test_no_audio_in_it(offer, words):
    with pytest.raises(NoCommonCodec, match=words):
        answer(offer)


# --- who may speak

DIRECTIONS = [
    ("sendrecv", "sendrecv", "sendrecv"),
    ("sendrecv", "sendonly", "recvonly"),
    ("sendrecv", "recvonly", "sendonly"),
    ("sendrecv", "inactive", "inactive"),
    ("sendonly", "sendrecv", "sendonly"),
    ("sendonly", "sendonly", "inactive"),
    ("sendonly", "recvonly", "sendonly"),
    ("recvonly", "sendrecv", "recvonly"),
    ("recvonly", "recvonly", "inactive"),
    ("inactive", "sendrecv", "inactive"),
    ("inactive", "inactive", "inactive"),
]


@pytest.mark.parametrize(("wish", "offered", "ours"), DIRECTIONS)
def test_directions(wish, offered, ours):
    body, agreed = answer(edit("asterisk", "sendrecv", offered), direction=wish)
    assert agreed.direction == ours
    assert f"a={ours}" in lines(body)
    assert (agreed.sends, agreed.receives) == (ours in ("sendrecv", "sendonly"), ours in ("sendrecv", "recvonly"))


@pytest.mark.parametrize(
    ("name", "ours", "remote"),
    [
        ("cisco", "sendrecv", ("203.0.113.5", 16384)),
        ("cisco-hold", "recvonly", None),
        ("hold-sendonly", "recvonly", ("192.0.2.10", 17442)),
        ("hold-inactive-in-session", "inactive", ("192.0.2.10", 17442)),
    ],
)
def test_hold(name, ours, remote):
    _, agreed = answer(name)
    assert (agreed.direction, agreed.remote) == (ours, remote)


def test_hold_by_address_of_ipv6_and_with_sendonly():
    _, agreed = answer(edit("ipv6-own-rtcp-port", "c=IN IP6 2001:db8::5", "c=IN IP6 ::"))
    assert (agreed.direction, agreed.remote) == ("recvonly", None)
    _, agreed = answer(edit("cisco-hold", "a=sendrecv", "a=recvonly"))
    assert agreed.direction == "inactive"


def test_a_browser_without_candidates_is_not_on_hold():
    body, agreed = browser_answer("safari-audio")
    assert agreed.direction == "sendrecv"
    assert b"a=sendrecv" in body


def test_a_listening_browser_is_answered_sendonly():
    body, agreed = browser_answer("chromium-recvonly")
    assert agreed.direction == "sendonly"
    assert "a=sendonly" in lines(body)


# --- where to


def test_rtcp_on_the_next_port():
    assert answer("asterisk")[1].remote_rtcp == ("192.0.2.10", 17443)


def test_rtcp_where_it_says():
    _, agreed = answer("ipv6-own-rtcp-port")
    assert agreed.remote == ("2001:db8::5", 30000)
    assert agreed.remote_rtcp == ("2001:db8::6", 40001)


@pytest.mark.parametrize("value", ["", "x", "0", "70000", "٣٣٣", "40001 IN IP4"])
def test_rtcp_attribute_of_little_use(value):
    _, agreed = answer(edit("ipv6-own-rtcp-port", "40001 IN IP6 2001:db8::6", value))
    assert agreed.remote_rtcp == ("2001:db8::5", 40001 if "40001" in value else 30001)


def test_rtcp_mux_is_taken_when_offered():
    body, agreed = answer("audio-video-phone", rtcp_port=25000)
    assert agreed.rtcp_mux
    assert agreed.remote_rtcp == agreed.remote == ("192.0.2.55", 7078)
    assert b"a=rtcp-mux" in body
    assert b"a=rtcp:" not in body


def test_our_own_rtcp_port():
    assert "a=rtcp:25000 IN IP4 127.0.0.9" in lines(answer("asterisk", rtcp_port=25000)[0])
    assert b"a=rtcp" not in answer("asterisk", rtcp_port=20001)[0]


def test_our_ipv6_address():
    body, _ = answer("ipv6-own-rtcp-port", host="2001:db8::9")
    assert "c=IN IP6 2001:db8::9" in lines(body)


# --- packet times and parameters


@pytest.mark.parametrize(
    ("attributes", "caps", "ptime"),
    [
        ("a=ptime:30", G711, 30),
        ("a=ptime:30", ALL, 20),  # Opus has no 30
        ("a=ptime:60", ALL, 60),
        ("a=ptime:5", ALL, 10),
        ("a=ptime:200", G711, 60),
        ("a=maxptime:10", G711, 10),
        ("a=ptime:40\r\na=maxptime:30", G711, 30),
        ("a=ptime:20.0", G711, 20),
        ("a=ptime:", G711, 20),
        ("a=ptime:soon", G711, 20),
        ("a=ptime:0\r\na=maxptime:0", G711, 20),
        ("", Capabilities((PCMU,), ptime=40), 40),
    ],
)
def test_packet_times(attributes, caps, ptime):
    body, agreed = answer(edit("asterisk", "a=ptime:20\r\na=maxptime:20", attributes), caps)
    assert agreed.ptime == ptime
    assert f"a=ptime:{ptime}" in lines(body)


def test_their_parameters():
    _, agreed = answer("freeswitch")
    assert agreed.fmtp["maxaveragebitrate"] == "30000"
    assert agreed.fmtp["useinbandfec"] == "1"
    _, agreed = browser_answer(edit("firefox-audio-video-data", "stereo=1;useinbandfec=1", "; Stereo = 1;x;=y"))
    assert agreed.fmtp == {"maxplaybackrate": "48000", "stereo": "1", "x": "", "": "y"}


@pytest.mark.parametrize(
    ("rate", "hints"),
    [
        (8000, "maxplaybackrate=8000;maxaveragebitrate=24000;stereo=0;useinbandfec=1"),
        (16000, "maxplaybackrate=16000;maxaveragebitrate=32000;stereo=0;useinbandfec=1"),
        (48000, "minptime=10;useinbandfec=1"),
    ],
)
def test_a_browser_is_asked_for_what_the_far_end_can_carry(rate, hints):
    local = LocalWebrtc(
        ufrag="our1", pwd="p" * 24, fingerprint=("sha-256", "AA"), setup="actpass", host="127.0.0.9", port=1,
        playback_rate=rate,
    )  # fmt: skip
    assert f"a=fmtp:111 {hints}" in lines(browser_answer("chromium-audio", webrtc=local)[0])
    assert f"a=fmtp:111 {hints}" in lines(make_offer(ALL, **US, webrtc=local))


# --- the browser's part


def test_the_whole_answer_to_chromium():
    body, agreed = browser_answer("chromium-audio")
    assert lines(body) == [
        "v=0",
        "o=- 77 1 IN IP4 127.0.0.9",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=group:BUNDLE 0",
        "m=audio 3479 UDP/TLS/RTP/SAVPF 111 110",
        "c=IN IP4 127.0.0.9",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=candidate:1 1 udp 2130706431 127.0.0.9 3479 typ host",
        "a=end-of-candidates",
        "a=ice-ufrag:our1",
        "a=ice-pwd:pppppppppppppppppppppppp",
        "a=fingerprint:sha-256 AA:BB:CC",
        "a=setup:passive",
        "a=mid:0",
        "a=sendrecv",
        "a=msid:tandem tandem-audio",
        "a=ssrc:99 cname:tandem",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 maxplaybackrate=8000;maxaveragebitrate=24000;stereo=0;useinbandfec=1",
        "a=rtpmap:110 telephone-event/48000",
        "a=fmtp:110 0-15",
    ]
    assert (agreed.webrtc.ufrag, agreed.webrtc.pwd, agreed.webrtc.setup, agreed.webrtc.mid) == (
        "BXbk", "514HhepuVN//4bcIvbTELw6e", "actpass", "0",
    )  # fmt: skip
    assert agreed.webrtc.fingerprints[0][0] == "sha-256"
    assert len(agreed.webrtc.candidates) == 8
    assert not agreed.webrtc.ice_lite


def test_fingerprint_and_ice_lite_of_the_session():
    offer = edit("firefox-audio-video-data", "t=0 0", "t=0 0\r\na=ice-lite")
    _, agreed = browser_answer(offer)
    assert agreed.webrtc.ice_lite
    assert agreed.webrtc.fingerprints[0][1].startswith("3D:0B")


def test_a_bundle_only_section_borrows_the_transport_of_the_first():
    video, audio = re.split(rb"(?=m=audio )", SAMPLES["chromium-max-bundle-video-first"])
    audio = re.sub(rb"a=(ice-\w+|fingerprint|setup):[^\r]*\r\n", b"", audio, count=5)
    _, agreed = browser_answer(
        video + audio.replace(b"m=audio 9 ", b"m=audio 0 ").replace(b"a=mid", b"a=bundle-only\r\na=mid", 1)
    )
    assert agreed.slot == 1
    assert agreed.webrtc.ufrag == "Byjk"


@pytest.mark.parametrize(
    ("theirs", "wish", "ours"),
    [
        ("actpass", "passive", "passive"),
        ("actpass", "actpass", "passive"),
        ("actpass", "active", "active"),
        ("active", "active", "passive"),
        ("passive", "passive", "active"),
    ],
)
def test_dtls_roles(theirs, wish, ours):
    local = LocalWebrtc("our1", "p" * 24, ("sha-256", "AA"), wish, "127.0.0.9", 1)
    body, _ = browser_answer(edit("chromium-audio", "setup:actpass", f"setup:{theirs}"), webrtc=local)
    assert f"a=setup:{ours}" in lines(body)


def test_full_ice_tells_its_candidates_and_trickles():
    local = LocalWebrtc(
        "our1",
        "p" * 24,
        ("sha-256", "AA"),
        "passive",
        "127.0.0.9",
        1,
        ice_lite=False,
        candidates=("1 1 udp 5 a 1 typ host",),
    )
    body = lines(browser_answer("chromium-audio", webrtc=local)[0])
    assert "a=candidate:1 1 udp 5 a 1 typ host" in body
    assert "a=ice-options:trickle" in body
    assert "a=ice-lite" not in body


def test_nothing_is_bundled_that_did_not_ask_for_it():
    body, _ = browser_answer(edit("chromium-audio", "a=group:BUNDLE 0", "a=group:LS 0"))
    assert b"BUNDLE" not in body
    assert b"a=ice-lite" in body


# --- our offer, their answer


def test_the_whole_offer_to_a_phone():
    assert lines(make_offer(ALL, **US)) == [
        "v=0",
        "o=- 77 1 IN IP4 127.0.0.9",
        "s=-",
        "c=IN IP4 127.0.0.9",
        "t=0 0",
        "m=audio 20000 RTP/AVP 111 9 0 8 101 110",
        "a=sendrecv",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 useinbandfec=1",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=rtpmap:110 telephone-event/48000",
        "a=fmtp:110 0-15",
        "a=ptime:20",
    ]


def test_events_only_at_the_clocks_of_our_codecs():
    assert b"110" not in make_offer(G711, **US)
    assert b"telephone" not in make_offer(Capabilities((PCMU,), telephone_event=False), **US)


ANSWER = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP {}\r\n{}"


def settled(formats, *attributes, caps=ALL, offer=None):
    body = ANSWER.format(formats, "".join(f"a={a}\r\n" for a in attributes)).encode()
    return settle(offer or make_offer(ALL, **US), body, caps)


def test_their_first_codec_is_sent_and_all_taken_may_come():
    agreed = settled("8 0 101", "rtpmap:101 telephone-event/8000")
    assert (agreed.format, agreed.payload_type) == (PCMA, 8)
    assert agreed.receive == {0: PCMU, 8: PCMA}
    assert (agreed.telephone_event, agreed.telephone_event_rate) == (101, 8000)
    assert (agreed.remote, agreed.remote_rtcp) == (("192.0.2.1", 4000), ("192.0.2.1", 4001))


def test_an_answer_under_other_numbers():
    agreed = settled("96 97", "rtpmap:96 opus/48000/2", "fmtp:96 stereo=0", "rtpmap:97 telephone-event/48000")
    assert (agreed.payload_type, agreed.telephone_event) == (96, 97)
    assert agreed.receive == {111: OPUS, 96: OPUS}  # ours as it should be, theirs as some do
    assert agreed.receive_events == {97, 101, 110}
    assert agreed.telephone_event_rate == 48000
    assert agreed.fmtp == {"stereo": "0"}


def test_their_numbers_do_not_change_the_meaning_of_ours():
    agreed = settled("101 111", "rtpmap:101 opus/48000/2", "rtpmap:111 telephone-event/8000")
    assert (agreed.payload_type, agreed.telephone_event) == (101, 111)
    assert agreed.receive == {111: OPUS}
    assert agreed.receive_events == {101, 110}


def test_an_answer_without_rtpmap_means_our_offer():
    agreed = settled("111 101")
    assert (agreed.format, agreed.payload_type, agreed.telephone_event) == (OPUS, 111, 101)


@pytest.mark.parametrize(("wish", "told", "ours"), DIRECTIONS)
def test_directions_of_an_answer(wish, told, ours):
    offer = make_offer(ALL, **US, direction=wish)
    assert settled("0", told, offer=offer).direction == ours


def test_an_answer_on_hold():
    body = ANSWER.format("0", "").replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0").encode()
    agreed = settle(make_offer(ALL, **US), body, ALL)
    assert (agreed.remote, agreed.direction) == (None, "recvonly")


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (ANSWER.format("0", "").replace("4000", "0"), NoCommonCodec, "refused"),
        (ANSWER.format("18", ""), NoCommonCodec, "They answer G729/8000; we have"),
        (ANSWER.format("0", "").replace("m=audio", "m=image"), BadDescription, "image where audio"),
        (ANSWER.split("m=")[0], BadDescription, "0 media sections to an offer with 1"),
        (ANSWER.format("0", "").replace("RTP/AVP", "RTP/SAVP"), BadDescription, "RTP/SAVP to an offer"),
        ("", BadDescription, "empty"),
    ],
)
def test_bad_answers(body, error, words):
    with pytest.raises(error, match=words):
        settle(make_offer(ALL, **US), body.encode(), ALL)


def test_a_browser_answers_our_offer():
    offer = make_offer(ALL, **US, webrtc=LOCAL)
    reply = CHROMIUM.replace(b"setup:actpass", b"setup:active")
    agreed = settle(offer, reply, ALL)
    assert (agreed.format, agreed.telephone_event, agreed.rtcp_mux) == (OPUS, 110, True)
    assert (agreed.webrtc.setup, agreed.webrtc.ufrag) == ("active", "BXbk")
    assert agreed.remote is None
    for undecided in (b"a=setup:actpass", b"a=x:y"):
        with pytest.raises(BadDescription, match="setup"):
            settle(offer, CHROMIUM.replace(b"a=setup:actpass", undecided), ALL)


# --- later offers in the same session


def test_a_later_offer_keeps_every_section_and_number():
    _, agreed = answer("audio-video-phone")
    offer = make_offer(ALL, **US, previous=agreed)
    video, audio = parse(offer).media
    assert (video.kind, video.port, video.protocol, video.formats) == ("video", 0, "RTP/AVPF", ("96",))
    assert audio.formats[:4] == ("96", "9", "0", "8")
    assert audio.all("rtpmap")[0] == "96 opus/48000/2"
    assert {"101 telephone-event/48000", "99 telephone-event/8000"} <= set(audio.all("rtpmap"))


def test_a_later_offer_never_changes_what_a_number_means():
    _, agreed = answer("asterisk-dynamic-clash")
    maps = parse(make_offer(ALL, **US, previous=agreed)).media[0].all("rtpmap")
    assert "101 opus/48000/2" in maps
    assert "111 telephone-event/8000" in maps
    numbers = [m.split()[0] for m in maps]
    assert "110" not in numbers  # speex, to them
    assert len(set(numbers)) == len(numbers)


def test_a_later_offer_to_a_browser_keeps_its_mid():
    _, agreed = browser_answer("safari-audio")
    body = make_offer(ALL, **US, webrtc=LOCAL, previous=agreed)
    assert parse(body).media[0].get("mid") == "audio"
    assert parse(body).session.get("group") == "BUNDLE audio"
    _, agreed = browser_answer("firefox-audio-video-data")
    body = make_offer(ALL, **US, webrtc=LOCAL, previous=agreed)
    assert [(m.get("mid"), m.port) for m in parse(body).media] == [("0", 3479), ("1", 0), ("2", 0)]


def test_what_we_offer_again_after_an_answer_has_our_numbers():
    agreed = settled("96 97", "rtpmap:96 opus/48000/2", "rtpmap:97 telephone-event/48000")
    assert make_offer(ALL, **US, previous=agreed) == make_offer(ALL, **US)


# --- both sides ours, and anybody's bytes


@pytest.mark.parametrize("webrtc", [None, LOCAL])
@pytest.mark.parametrize(
    "theirs", [ALL, G711, Capabilities((G722,)), Capabilities((PCMA, OPUS), telephone_event=False)]
)
def test_both_sides_agree(theirs, webrtc):
    offer = make_offer(ALL, **US, webrtc=webrtc)
    body, b = make_answer(offer, theirs, session_id=5, version=1, host="127.0.0.8", port=30000, webrtc=webrtc)
    a = settle(offer, body, ALL)
    assert (a.format, a.payload_type, a.telephone_event) == (b.format, b.payload_type, b.telephone_event)
    assert a.payload_type in b.receive
    assert b.payload_type in a.receive
    assert a.telephone_event_rate == b.telephone_event_rate
    assert a.ptime == b.ptime
    assert a.direction == b.direction == "sendrecv"


def test_mangled_offers_and_answers_are_understood_or_refused():
    rng = random.Random(8)
    offers = list(SAMPLES.items())
    ours, ours_webrtc = make_offer(ALL, **US), make_offer(ALL, **US, webrtc=LOCAL)
    for _ in range(2000):
        name, data = rng.choice(offers)
        webrtc = LOCAL if name.startswith(BROWSERS) else None
        mangled = bytearray(data)
        for _ in range(rng.randint(1, 6)):
            mangled[rng.randrange(len(mangled))] = rng.choice(b"0129:=/ \r\nam\x00\xff\x85")
        mangled = re.sub(rb"\d+", lambda m: rng.choice([m[0]] * 60 + [b"", b"99999999999"]), bytes(mangled))
        for attempt in (
            lambda m=mangled, w=webrtc: make_answer(m, ALL, **US, webrtc=w)[0],
            lambda m=mangled, w=webrtc: make_offer(ALL, **US, previous=settle(ours_webrtc if w else ours, m, ALL)),
        ):
            try:
                parse(attempt())
            except MediaError as error:
                str(error).encode()
