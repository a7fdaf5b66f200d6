"""What is known of one party: figures and moments, no judgement. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.calls.causes import Ending

from .described import Described
from .sip_talk import SipTalk

HEARS = ("sendrecv", "recvonly")
"""Our directions in which the other side should be sending."""


@dataclass(slots=True)
class Figures:
    """What `media.events.LegStats` said, over all measurements."""

    measured: int = 0
    packets_in: int = 0
    packets_out: int = 0
    lost_in: int = 0
    lossy_out: int = 0
    """Measurements in which the party had lost more of ours than sounds well."""
    loss_out: float = 0.0
    """The worst share the party reported, 0..1."""
    jittery: int = 0
    jitter_ms: float = 0.0
    far: int = 0
    rtt_ms: float = 0.0
    levels: int = 0
    """Measurements of loudness while it could be heard."""
    loudest: float = -127.0
    """dBov."""

    @property
    def loss_in(self) -> float:
        """Share of the party's packets that never came, over the whole call."""
        return self.lost_in / max(1, self.packets_in + self.lost_in)

    def add(self, stats: Mapping[str, object], *, open: bool, limits: tuple[float, float, float]) -> None:
        """`limits`: loss of ours (0..1), jitter and round trip (ms), above which a measurement counts as bad."""
        self.measured += 1
        self.packets_in = int(_number(stats, "packets_in"))
        self.packets_out = int(_number(stats, "packets_out"))
        self.lost_in = max(0, int(_number(stats, "lost_in")))
        loss, jitter, rtt = (_number(stats, name) for name in ("loss_out", "jitter_in_ms", "rtt_ms"))
        self.lossy_out += loss > limits[0]
        self.jittery += jitter > limits[1]
        self.far += rtt > limits[2]
        self.loss_out, self.jitter_ms = max(self.loss_out, loss), max(self.jitter_ms, jitter)
        self.rtt_ms = max(self.rtt_ms, rtt)
        level = stats.get("level_in")
        if open and isinstance(level, int | float):
            self.levels += 1
            self.loudest = max(self.loudest, float(level))


def _number(stats: Mapping[str, object], name: str) -> float:
    value = stats.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


@dataclass(slots=True)
class LegFacts:
    """A party of a call. Moments are seconds on the gateway's clock."""

    leg: str
    kind: str
    called: bool = True
    """We called it; else it called us."""
    address: str = ""
    user: str | None = None
    number: str = ""
    up: bool = False
    """It is in the conversation."""
    joined: bool = False
    """It has been in the conversation."""
    left: Ending | None = None
    ours: Described | None = None
    theirs: Described | None = None
    codec: str = ""
    direction: str = ""
    heard_at: float | None = None
    source: str = ""
    """Where its first packet came from."""
    stated: str = ""
    """Where its SDP said they would, when that packet came."""
    connected: bool = False
    """Its transport has been up (for a browser: ICE and DTLS)."""
    drops: int = 0
    silent_since: float | None = None
    """No packet since then, though there should be."""
    silent_at_end: float = 0.0
    """Seconds for which nothing had come when it left."""
    muted: bool = False
    figures: Figures = field(default_factory=Figures)
    reports: dict[str, str] = field(default_factory=dict)
    """What its page told of itself: code -> details."""
    sip: SipTalk = field(default_factory=SipTalk)
    waited: float = 0.0
    """Seconds that packets of it were to be expected."""
    waiting_since: float | None = None

    @property
    def trunk(self) -> str:
        """The trunk that it was called by."""
        return self.address.removeprefix("trunk:").partition("/")[0] if self.address.startswith("trunk:") else ""

    @property
    def who(self) -> str:
        """What to call it in a sentence."""
        if self.kind == "browser":
            return f"the browser of {self.user or self.number}" if self.user or self.number else "the browser"
        if self.trunk:
            return f"the PBX (trunk {self.trunk})"
        name = self.user or self.number
        return f"the phone of {name}" if name else "the phone"

    @property
    def heard(self) -> bool:
        return self.heard_at is not None or self.figures.packets_in > 0

    def expected(self, now: float) -> float:
        """Seconds, up to `now`, that packets of it were to be expected."""
        return self.waited + (0.0 if self.waiting_since is None else max(0.0, now - self.waiting_since))

    def expect(self, held: bool, now: float) -> None:
        """Something changed: is audio of it due from now on?"""
        self.joined = self.joined or self.up
        due = self.up and self.left is None and self.direction in HEARS and not held
        if due and self.waiting_since is None:
            self.waiting_since = now
        elif not due and self.waiting_since is not None:
            self.waited, self.waiting_since = self.expected(now), None
        if not due:
            self.silent_since = None

    def leave(self, now: float) -> None:
        """It leaves, or the call ends: nothing of it is due any more."""
        if self.silent_since is not None:
            self.silent_at_end = now - self.silent_since
        self.up = False
        self.expect(True, now)
