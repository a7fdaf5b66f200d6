"""What the doctor reads from real descriptions, and from anything at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.doctor.addresses import host_of, kind, out_of_reach
from gateway.doctor.described import read

from .story import SAMPLES, sample

REAL = sorted(path.stem for path in SAMPLES.glob("*.sdp"))


@pytest.mark.parametrize("name", REAL)
def test_every_real_description_has_audio(name):
    found = read((SAMPLES / f"{name}.sdp").read_text("latin-1"))
    assert found is not None
    assert found.host
    assert found.codecs


def test_a_description_without_audio_is_none():
    assert read("v=0\r\nm=image 4000 udptl t38\r\n") is None


def test_the_lines_that_explain_calls():
    found = read(sample("cisco", "192.0.2.9"))
    assert (found.host, found.port, found.direction, found.keys) == ("192.0.2.9", 16384, "sendrecv", True)
    assert found.codecs == ("OPUS", "G722", "ISAC", "PCMU", "PCMA", "ILBC", "G729")
    assert read(sample("hold-sendonly")).direction == "sendonly"
    assert read(sample("srtp-only")).security == "SDES"
    page = read(sample("chromium-audio"))
    assert page.security == "DTLS"
    assert ("host", "192.0.2.2") in page.candidates
    assert page.codecs == ("OPUS", "G722", "PCMU", "PCMA")
    assert read(sample("sipp-static-without-rtpmap")).codecs


@given(st.text(alphabet=st.characters(max_codepoint=300), max_size=300))
def test_anything_is_read(text):
    read(text)
    read("v=0\r\nm=audio " + text)
    read("m=audio 1 RTP/AVP 0\r\n" + "\r\n".join(f"{head}{text}" for head in ("c=", "a=rtpmap:", "a=candidate:")))
    host_of(text)
    kind(text)


@pytest.mark.parametrize(
    ("target", "origin", "gone"),
    [
        ("192.168.1.5", "203.0.113.7", True),
        ("172.18.0.6", "203.0.113.7", True),
        ("127.0.0.1", "192.168.1.1", True),
        ("127.0.0.1", "127.0.0.1", False),
        ("192.168.1.5", "10.0.0.1", False),
        ("198.51.100.1", "192.168.1.5", False),
        ("fd00::1", "2001:db8::1", True),
        ("pbx.example.net", "203.0.113.7", False),
        ("192.168.1.5", "0.0.0.0", False),
    ],
)
def test_who_can_surely_not_reach_whom(target, origin, gone):
    assert out_of_reach(target, origin) is gone


@pytest.mark.parametrize(
    ("source", "host"),
    [
        ("192.0.2.7:4000", "192.0.2.7"),
        ("udp:192.0.2.7:5060", "192.0.2.7"),
        ("tcp:[2001:db8::1]:5060", "2001:db8::1"),
        ("[2001:db8::1]:4000", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_the_host_of_a_source(source, host):
    assert host_of(source) == host
