"""What happens to legs, as plain data: the only way media speaks to the gateway.

Every event names its leg by id. Nothing here holds a reference into media, so the same events may one day cross a
process border unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LegStats:
    """How one leg sounds. "in" is what we hear from the party, "out" what it hears from us."""

    codec_in: str = ""
    codec_out: str = ""
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    lost_in: int = 0
    """Packets that never came, over the whole call."""
    loss_in: float = 0.0
    """Share lost in the last interval, 0..1."""
    loss_out: float = 0.0
    """Share the party reports to have lost of ours (RTCP), 0..1."""
    jitter_in_ms: float = 0.0
    jitter_out_ms: float = 0.0
    rtt_ms: float | None = None
    """Round trip by RTCP; None until the party has answered a report of ours."""
    discarded: int = 0
    """Packets that came but were of no use: late, doubled, of a stranger, or broken."""
    concealed: int = 0
    """Frames made up for lost ones."""
    level_in: float | None = None
    """dBov of what the party says; None while nothing had to be decoded."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Audio can flow both ways (WebRTC: ICE and DTLS are up; SIP: negotiated)."""

    leg: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The transport is interrupted and may come back."""

    leg: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The leg is of no more use; `reason` says why, in words."""

    leg: str
    reason: str


@dataclass(frozen=True, slots=True)
class FirstMedia:
    """The first good packet of the party was heard."""

    leg: str
    source: str = ""
    """Where it came from, "192.0.2.7:4000"; empty where the transport does not show it (WebRTC)."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """The party should be sending, but nothing has come for `seconds`."""

    leg: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """Media came back after `Stalled`."""

    leg: str


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """The party pressed a key and let it go."""

    leg: str
    key: str
    duration: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A player reached its end, or a recorder closed its file."""

    leg: str


@dataclass(frozen=True, slots=True)
class Quality:
    """How the leg sounds, every few seconds."""

    leg: str
    stats: LegStats


@dataclass(frozen=True, slots=True)
class LocalCandidate:
    """A candidate of ours to trickle (ice = "full"); None says there are no more."""

    leg: str
    candidate: str | None


@dataclass(frozen=True, slots=True)
class Negotiated:
    """An offer and its answer have met; also after each re-negotiation."""

    leg: str
    encoding: str
    sample_rate: int
    """Hz, at which this leg's codec loses nothing."""
    direction: str
    """Ours: sendrecv, sendonly (the other side is on hold or holds us), recvonly or inactive."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Bytes were thrown away; at most one such event a second per reason. `leg` is None where they belong to nobody."""

    leg: str | None
    why: str
    count: int = 1
    """How many since the last event of this reason."""


MediaEvent = (
    Connected
    | Disconnected
    | Failed
    | FirstMedia
    | Stalled
    | Resumed
    | DigitPressed
    | Finished
    | Quality
    | LocalCandidate
    | Negotiated
    | Refused
)
