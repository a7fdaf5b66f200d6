"""SRTP by the short way does what pylibsrtp's own does, and falls back to it."""

from __future__ import annotations

import pylibsrtp
import pytest

from media.net import srtp
from media.net.srtp import SrtpError, direct, keyed

KEY = bytes(range(30))


def sessions():
    return [
        pylibsrtp.Session(pylibsrtp.Policy(KEY, way))
        for way in (pylibsrtp.Policy.SSRC_ANY_OUTBOUND, pylibsrtp.Policy.SSRC_ANY_INBOUND)
    ]


def rtp(sequence: int, payload: bytes = b"hello") -> bytes:
    return b"\x80\x6f" + sequence.to_bytes(2, "big") + bytes(4) + b"\0\0\0\7" + payload


RTCP = b"\x80\xc9\0\1\0\0\0\7"


def test_the_binding_is_where_we_expect_it():
    """Fails after an upgrade of pylibsrtp that moves it: calls still work then, and cost more CPU."""
    assert direct()


def test_the_same_bytes_as_by_the_public_functions():
    ours, (tx, rx) = keyed(*sessions()), sessions()
    for n in range(1, 200):
        packet = rtp(n, bytes(n * 5))
        assert ours.protect(packet) == tx.protect(packet)
    assert ours.protect_rtcp(RTCP) == tx.protect_rtcp(RTCP)
    assert ours.unprotect(tx.protect(rtp(300))) == rtp(300)
    assert rx.unprotect(ours.protect(rtp(301))) == rtp(301)
    assert ours.unprotect_rtcp(tx.protect_rtcp(RTCP)) == RTCP


@pytest.mark.parametrize("way", ["direct", "public"])
def test_what_is_wrong_is_refused_alike(way, monkeypatch):
    monkeypatch.setattr(srtp, "direct", lambda: way == "direct")
    ours = keyed(*sessions())
    assert isinstance(ours, srtp._Direct) == (way == "direct")
    good = ours.protect(rtp(1))
    assert ours.unprotect(good) == rtp(1)
    for bad in (good, good[:-1] + b"x", b"", b"\x80", bytes(2000)):  # replayed, mangled, nothing, too long
        with pytest.raises(SrtpError):
            ours.unprotect(bad)
        with pytest.raises(SrtpError):
            ours.unprotect_rtcp(bad)
    for bad in (rtp(2, bytes(1500 - 12 - 143)), b"", None):
        with pytest.raises(SrtpError):
            ours.protect(bad)
    assert ours.unprotect(ours.protect(rtp(2, bytes(1500 - 12 - 144)))) == rtp(2, bytes(1500 - 12 - 144))
    assert ours.unprotect(ours.protect(rtp(3))) == rtp(3), "as if nothing had been"


def test_a_binding_that_moved_is_noticed(monkeypatch, caplog):
    monkeypatch.delattr(srtp, "_protect")
    direct.cache_clear()
    try:
        assert not direct() and "moved its binding" in caplog.text
        assert keyed(*sessions()).protect.__module__ == "pylibsrtp"
    finally:
        direct.cache_clear()
