"""Codecs' facts: what RTP and SDP must know of each (RFC 3551, RFC 7587)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """One codec as SDP names it."""

    encoding: str
    """IANA subtype in capitals: OPUS, G722, PCMU, PCMA."""
    clock_rate: int
    """RTP clock, Hz. G.722 says 8000 although it samples at 16000 (RFC 3551 section 4.5.2)."""
    sample_rate: int
    """Rate at which decoding loses nothing, Hz."""
    channels: int = 1
    """As written in rtpmap: 2 for Opus (RFC 7587 section 7), whatever is sent."""
    payload_type: int | None = None
    """Static payload type (RFC 3551 table 4) or the one we prefer for a dynamic one."""

    @property
    def rtpmap(self) -> str:
        """The encoding part of a=rtpmap, e.g. "opus/48000/2", "PCMU/8000"."""
        name = "opus" if self.encoding == "OPUS" else self.encoding
        return f"{name}/{self.clock_rate}" + (f"/{self.channels}" if self.channels > 1 else "")


OPUS = Format("OPUS", 48_000, 48_000, channels=2, payload_type=111)
G722 = Format("G722", 8_000, 16_000, payload_type=9)
PCMU = Format("PCMU", 8_000, 8_000, payload_type=0)
PCMA = Format("PCMA", 8_000, 8_000, payload_type=8)

FORMATS = {f.encoding: f for f in (OPUS, G722, PCMU, PCMA)}
