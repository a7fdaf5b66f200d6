"""Calls told to a doctor: real descriptions, real messages, events in the order in which the gateway publishes them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.doctor.doctor import Doctor
from gateway.doctor.facts import Setup
from gateway.doctor.rules import Verdict
from media.events import LegStats
from signaling.sip.address import Address

SAMPLES = Path(__file__).parents[2] / "media" / "sdp" / "samples"
GATEWAY = "203.0.113.7"
PHONE = "198.51.100.20"


def sample(name: str, host: str = PHONE) -> str:
    """A real description, at this host."""
    text = (SAMPLES / f"{name}.sdp").read_text("latin-1")
    lines = [f"c=IN IP4 {host}" if line.startswith("c=IN IP4") else line for line in text.splitlines()]
    return "\r\n".join(lines) + "\r\n"


SETUP = Setup({"office": "pbx-user"}, ("OPUS", "G722", "PCMU", "PCMA"), "0.0.0.0", GATEWAY)


@dataclass(frozen=True, slots=True)
class Message:
    """As `signaling.net.trace.TracedMessage`."""

    at: float
    inbound: bool
    local: Address | None
    remote: Address
    data: bytes
    call_id: str
    call: str | None


@dataclass
class Story:
    """One call and its doctor."""

    setup: Setup = SETUP
    call: str = "call-1"
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.told: list[tuple[str, list[Verdict]]] = []
        self.doctor = Doctor(
            self.setup, leg_of=self.legs_of_handles.get, on_verdicts=lambda call, said: self.told.append((call, said))
        )
        self.branch = 0

    legs_of_handles: dict[str, str] = field(default_factory=dict)

    # ---- what happens

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def tell(self, kind: type[ev.CallEvent], *values: object) -> None:
        self.doctor.publish(kind(self.call, self.now, *values))

    def begins(self, kind: str = "sip", dialled: str = "102", leg: str = "a", trunk: str = "") -> None:
        caller = ev.Identity("101", "Alice", None if trunk else "alice")
        self.tell(ev.CallStarted, caller, kind, dialled, leg, trunk)

    def routed(self, *targets: str) -> None:
        self.tell(ev.CallRouted, "users", targets or ("user:bob",))

    def rings(
        self, leg: str = "b", kind: str = "sip", address: str = "sip:102@198.51.100.30", user: str = "bob"
    ) -> None:
        self.tell(ev.LegRang, leg, kind, address, user or None)

    def described(self, leg: str, theirs: str, ours_host: str = GATEWAY, called: bool = False) -> None:
        sides = (("theirs", theirs), ("ours", sample("asterisk", ours_host)))
        for (side, sdp), what in zip(reversed(sides) if called else sides, ("offer", "answer"), strict=True):
            self.tell(ev.LegDescribed, leg, side, what, sdp)

    def agreed(self, leg: str, codec: str = "PCMA", direction: str = "sendrecv") -> None:
        self.tell(ev.LegMedia, leg, codec, 8000, direction)
        self.tell(ev.LegTransport, leg, "connected")

    def answered(self, leg: str = "b", kind: str = "sip") -> None:
        self.tell(ev.CallAnswered, leg, kind, 1.0)

    def heard(self, leg: str, source: str = "") -> None:
        self.tell(ev.LegHeard, leg, source or (f"{PHONE}:17442" if leg == "a" else "198.51.100.30:20120"))

    def measured(self, leg: str, **figures: object) -> None:
        usual = LegStats(packets_in=1000, packets_out=1000, jitter_in_ms=4, rtt_ms=30.0, level_in=-22.0)
        stats = replace(usual, **figures)  # type: ignore[arg-type]
        self.tell(ev.LegQuality, leg, {name: getattr(stats, name) for name in LegStats.__slots__})

    def leaves(self, leg: str, cause: str, status: int | None = None, words: str = "") -> None:
        self.tell(ev.LegLeft, leg, ending(cause, words, status))

    def ends(self, cause: str = "normal", by: str | None = "a", talked: float | None = 20.0) -> None:
        self.tell(ev.CallEnded, ending(cause), by, talked)

    # ---- whole stretches

    def two_phones(self, a: str = "asterisk", b: str = "baresip", **hosts: str) -> None:
        """Up to the answer."""
        self.begins()
        self.routed()
        self.described("a", sample(a, hosts.get("a_host", PHONE)), hosts.get("ours", GATEWAY))
        self.agreed("a")
        self.rings()
        self.wait(2)
        self.described("b", sample(b, hosts.get("b_host", "198.51.100.30")), hosts.get("ours", GATEWAY), called=True)
        self.agreed("b")
        self.answered()

    def page_calls_phone(self, sdp: str | None = None) -> None:
        self.begins("browser")
        self.routed()
        self.tell(ev.LegDescribed, "a", "theirs", "offer", sdp or sample("chromium-audio", "0.0.0.0"))
        self.rings()
        self.wait(1)
        self.described("b", sample("asterisk", "198.51.100.30"), called=True)
        self.agreed("b")
        self.answered()

    # ---- SIP

    def sip(
        self, leg: str, inbound: bool, start: str, *more: str, cseq: str = "1 INVITE", body: str = "", **kw: str
    ) -> None:
        """A message of this leg's dialog."""
        handle = f"handle-{leg}"
        if kw.get("known", "yes") == "yes":
            self.legs_of_handles[handle] = leg
        self.branch += 1
        user = kw.get("user", "101")
        lines = [
            start,
            f"Via: SIP/2.0/UDP {GATEWAY}:5060;branch=z9hG4bK{cseq.replace(' ', '')}",
            f"From: <sip:{user}@example.net>;tag=f{leg}",
            f"To: <sip:102@example.net>;tag=t{leg}",
            f"Call-ID: {kw.get('call_id', leg)}@example.net",
            f"CSeq: {cseq}",
            "Contact: <sip:102@198.51.100.30>",
            *more,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        data = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
        local, remote = Address("udp", GATEWAY, 5060), Address("udp", PHONE, 5060)
        known = handle if kw.get("known", "yes") == "yes" else None
        self.doctor.message(
            Message(self.now, inbound, local, remote, data, f"{kw.get('call_id', leg)}@example.net", known)
        )

    # ---- what is said

    @property
    def codes(self) -> list[str]:
        return [verdict.code for verdict in self.doctor.verdicts(self.call)]

    @property
    def words(self) -> str:
        return " / ".join(verdict.words for verdict in self.doctor.verdicts(self.call))
