"""What we can do, and what both sides agreed on: plain data between SDP and the legs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from media.formats import G722, OPUS, PCMA, PCMU, Format


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a leg can do."""

    formats: tuple[Format, ...] = (OPUS, G722, PCMU, PCMA)
    """In our order, which wins."""
    telephone_event: bool = True
    ptime: int = 20
    """Milliseconds per packet we like."""


@dataclass(frozen=True, slots=True)
class LocalWebrtc:
    """Our half of a browser's transport, as we tell it."""

    ufrag: str
    pwd: str
    fingerprint: tuple[str, str]
    """(algorithm, value), e.g. ("sha-256", "AB:CD:...")."""
    setup: str
    """active, passive or actpass (RFC 5763 section 5)."""
    host: str
    """Address to be reached at, in c= and in the default candidate."""
    port: int
    ice_lite: bool = True
    candidates: tuple[str, ...] = ()
    """As after "a=candidate:"; empty: one host candidate of host and port (lite) or none yet (full, trickled)."""
    ssrc: int = 0
    cname: str = "tandem"
    playback_rate: int = 48_000
    """What the far end can carry, Hz: the browser is asked to send no more (RFC 7587 section 6.1)."""


@dataclass(frozen=True, slots=True)
class RemoteWebrtc:
    """The other side's half of the transport."""

    ufrag: str
    pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    """(algorithm in small letters, value in capitals)."""
    setup: str
    """active, passive or actpass."""
    mid: str
    ice_lite: bool = False
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """One m= line's place, which it keeps for the whole session (RFC 3264 section 8)."""

    kind: str
    protocol: str
    formats: str
    mid: str | None = None


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The agreement, seen from our side."""

    format: Format
    """The codec to send."""
    payload_type: int
    """... under this number."""
    receive: Mapping[int, Format]
    """What may come, by payload type."""
    telephone_event: int | None = None
    """Payload type to send DTMF with, None if they take none."""
    telephone_event_rate: int = 8000
    """Clock of the events' durations, Hz."""
    receive_events: frozenset[int] = frozenset()
    """Payload types under which DTMF may come."""
    ptime: int = 20
    """Milliseconds per packet to send."""
    direction: str = "sendrecv"
    """Ours: sendrecv, sendonly, recvonly or inactive."""
    fmtp: Mapping[str, str] = field(default_factory=dict)
    """Theirs for the codec: what they like to receive (maxplaybackrate, useinbandfec, stereo ...)."""
    remote: tuple[str, int] | None = None
    """Where to send RTP: an address or a name. None for a browser, and while held with c=0.0.0.0."""
    remote_rtcp: tuple[str, int] | None = None
    rtcp_mux: bool = False
    """RTCP on the RTP port (RFC 5761)."""
    webrtc: RemoteWebrtc | None = None
    meanings: Mapping[int, str] = field(default_factory=dict)
    """Every payload type named in the session so far, as in rtpmap: it keeps its meaning (RFC 3264 section 8.3.2)."""
    slots: tuple[Slot, ...] = ()
    """All m= lines of the session, for later offers."""
    slot: int = 0
    """Which of them is ours."""

    @property
    def sends(self) -> bool:
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        return self.direction in ("sendrecv", "recvonly")
