"""The browser's part of SDP: ICE, DTLS, BUNDLE (RFC 8839, RFC 8842, RFC 8843, RFC 8829).

Header extensions, RTCP feedback and reduced-size RTCP are answered with silence, which refuses them: none changes what
a browser sends, and each costs bytes in every packet.
"""

from __future__ import annotations

import re

from media.errors import BadDescription
from media.sdp.grammar import Media, Section, SessionDescription, fault
from media.sdp.terms import LocalWebrtc, RemoteWebrtc

PROTOCOL = "UDP/TLS/RTP/SAVPF"
PROTOCOLS = (PROTOCOL, "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP")
"""A browser's; the last two are older writings of the same, told from SDES-SRTP by their fingerprint."""
_HOST_PRIORITY = 126 << 24 | 65535 << 8 | 255
"""The only host candidate of component 1 (RFC 8445 section 5.1.2)."""
_SETUPS = ("active", "passive", "actpass")
_FINGERPRINT = re.compile(r"(\S+)\s+((?:[0-9A-Fa-f]{2}:)*[0-9A-Fa-f]{2})")
_ICE = re.compile(r"[A-Za-z0-9+/]+")


def read(description: SessionDescription, media: Media, *, answer: bool) -> RemoteWebrtc:
    """The other side's transport. Raises BadDescription for what is missing."""
    sources = [media, description.session, *_tagged(description)]
    ufrag, pwd = _ice(sources, "ice-ufrag", 4), _ice(sources, "ice-pwd", 22)
    setup = _get(sources, "setup") or ("" if answer else "actpass")
    # an answer decides (RFC 5763 section 5): actpass is not a decision
    if setup not in (_SETUPS[:2] if answer else _SETUPS):
        raise BadDescription(
            f"a=setup is {setup or 'missing'!r}; {'an answer' if answer else 'an offer'} must say more"
        )
    return RemoteWebrtc(
        ufrag=ufrag,
        pwd=pwd,
        fingerprints=_fingerprints(sources),
        setup=setup,
        mid=media.get("mid") or "",
        ice_lite=description.session.has("ice-lite"),
        candidates=tuple(media.all("candidate")),
    )


def _tagged(description: SessionDescription) -> list[Section]:
    """The section whose transport a BUNDLE group uses: a bundle-only one says nothing itself (RFC 8843 section 7)."""
    group = next((g.split() for g in description.session.all("group") if g.startswith("BUNDLE ")), [])
    return [m for m in description.media if len(group) > 1 and m.get("mid") == group[1]]


def _get(sources: list[Section], name: str) -> str | None:
    return next((value for value in (source.get(name) for source in sources) if value is not None), None)


def _ice(sources: list[Section], name: str, least: int) -> str:
    value = _get(sources, name)
    if not value:
        raise BadDescription(f"no a={name}: a browser's media section has one")
    if not (least <= len(value) <= 256 and _ICE.fullmatch(value)):
        raise BadDescription(f"a={name} must be {least} to 256 letters, digits, + or /")
    return value


def _fingerprints(sources: list[Section]) -> tuple[tuple[str, str], ...]:
    found = next((lines for lines in (list(source.attributes("fingerprint")) for source in sources) if lines), [])
    if not found:
        raise BadDescription("no a=fingerprint: audio from a browser must be encrypted by DTLS-SRTP")
    prints = []
    for value, line in found:
        match = _FINGERPRINT.fullmatch(value)
        if not match:
            raise fault(line, 'a fingerprint reads "<algorithm> AB:CD:..."')
        prints.append((match[1].lower(), match[2].upper()))
    return tuple(prints)


def answer_setup(remote: RemoteWebrtc, wish: str) -> str:
    """Our role (RFC 5763 section 5): the opposite of theirs; passive where we may choose, unless wished otherwise."""
    opposite = {"active": "passive", "passive": "active"}
    return opposite.get(remote.setup, "active" if wish == "active" else "passive")


def head(local: LocalWebrtc, mid: str | None) -> list[str]:
    """Attributes of the session."""
    lines = ["a=ice-lite"] if local.ice_lite else []
    return lines if mid is None else [*lines, f"a=group:BUNDLE {mid}"]


def transport(local: LocalWebrtc, setup: str) -> list[str]:
    """Attributes of the media section that say where and with which keys."""
    candidates = local.candidates
    if not candidates and local.ice_lite:
        candidates = (f"1 1 udp {_HOST_PRIORITY} {local.host} {local.port} typ host",)
    return [
        "a=rtcp:9 IN IP4 0.0.0.0",
        *(f"a=candidate:{candidate.removeprefix('candidate:')}" for candidate in candidates),
        *(["a=end-of-candidates"] if local.ice_lite else ["a=ice-options:trickle"]),
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.pwd}",
        f"a=fingerprint:{' '.join(local.fingerprint)}",
        f"a=setup:{setup}",
    ]


def track(local: LocalWebrtc) -> list[str]:
    """What we send, as a track of one stream."""
    lines = ["a=msid:tandem tandem-audio"]
    return [*lines, f"a=ssrc:{local.ssrc} cname:{local.cname}"] if local.ssrc else lines


def opus_hints(playback_rate: int) -> str:
    """Ask the browser for what the far end can carry (RFC 7587 section 6.1).

    Below these bitrates libopus never adds FEC, so the hint would cost what it is to protect.
    """
    limits = {
        8000: "maxplaybackrate=8000;maxaveragebitrate=24000",
        16000: "maxplaybackrate=16000;maxaveragebitrate=32000",
    }
    return (
        f"{limits[playback_rate]};stereo=0;useinbandfec=1" if playback_rate in limits else "minptime=10;useinbandfec=1"
    )
