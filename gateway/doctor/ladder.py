"""A call's messages as a ladder: a column for the gateway and one for each party, time downwards. Pure.

0.000  101 (sip) calls 600
            Tandem                  101 (sip)
0.000         |<--------INVITE----------|
0.002         |-------100 Trying------->|
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.calls import events as ev

WIDTH = 26
"""Characters between two columns."""
MOST_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Step:
    """A message, or (with `words`) something that happened between messages."""

    at: float
    inbound: bool = False
    leg: str = ""
    local: str = ""
    remote: str = ""
    data: bytes = b""
    words: str = ""

    @property
    def start(self) -> str:
        """The start line."""
        return self.data.lstrip(b"\r\n").partition(b"\n")[0].strip().decode("utf-8", "replace")

    @property
    def label(self) -> str:
        """What to write on the arrow: "INVITE (sdp)", "180 Ringing"."""
        line = self.start
        label = line.partition(" ")[2] if line.startswith("SIP/") else line.partition(" ")[0]
        head, _, body = self.data.partition(b"\r\n\r\n")
        return f"{label} (sdp)" if body.lstrip().startswith(b"v=0") else label


def happening(event: ev.CallEvent) -> str | None:
    """The line that an event is worth between the arrows."""
    match event:
        case ev.CallStarted(caller=caller, kind=kind, dialled=dialled):
            return f"{caller.number} ({kind}) calls {dialled}"
        case ev.CallRouted(route=route, targets=targets):
            return f"route {route} -> {', '.join(targets) or 'nobody'}"
        case ev.LegRang(leg=leg, kind=kind, address=address):
            return f"{leg}: {kind} {address} is called"
        case ev.CallAnswered(leg=leg, kind=kind):
            return f"{leg} ({kind}) answers"
        case ev.LegAnswered(leg=leg, kind=kind):
            return f"{leg} ({kind}) is in the call"
        case ev.LegMedia(leg=leg, codec=codec, rate=rate, direction=direction):
            return f"{leg}: {codec}/{rate} {direction}"
        case ev.LegHeard(leg=leg, source=source):
            return f"{leg}: first audio{f' from {source}' if source else ''}"
        case ev.LegTransport(leg=leg, state=state):
            return f"{leg}: media {state}"
        case ev.CallHeld(leg=leg, on=on):
            return f"{leg} {'holds' if on else 'takes back'}"
        case ev.CallSilent(leg=leg, on=on):
            return f"{leg}: {'no audio' if on else 'audio again'}"
        case ev.LegLeft(leg=leg, ending=ending):
            return f"{leg} leaves: {ending.cause}"
        case ev.CallEnded(ending=ending, by=by):
            return f"ended: {ending.cause}{f', by {by}' if by else ''}"
    return None


def as_dict(steps: Iterable[Step]) -> list[dict[str, object]]:
    """Plain JSON."""
    every = sorted(steps, key=lambda step: step.at)
    first = every[0].at if every else 0.0
    return [_entry(step, round(step.at - first, 6)) for step in every]


def _entry(step: Step, at: float) -> dict[str, object]:
    if step.words:
        return {"at": at, "kind": "event", "leg": step.leg or None, "words": step.words}
    return {
        "at": at,
        "kind": "message",
        "leg": step.leg,
        "inbound": step.inbound,
        "local": step.local or None,
        "remote": step.remote,
        "start": step.start,
        "text": step.data.decode("utf-8", "replace"),
    }


def draw(call: str, steps: Iterable[Step], legs: Mapping[str, str], dropped: int = 0, *, full: bool = False) -> str:
    """The ladder. Browsers have no arrows: what they say is no SIP, what happens to them stands between."""
    every = sorted(steps, key=lambda step: step.at)
    first = every[0].at if every else 0.0
    columns = list(dict.fromkeys(step.leg for step in every if not step.words))[:MOST_COLUMNS]
    lines = [f"call {call}"]
    if dropped:
        lines.append(f"({dropped} earlier steps are not kept)")
    lines += ["", *_heads(columns, legs, every), ""]
    lines += [f"{step.at - first:9.3f}  {_line(step, columns)}" for step in every]
    if full:
        lines += [text for step in every if not step.words for text in _full(step, first)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _heads(columns: list[str], legs: Mapping[str, str], steps: list[Step]) -> list[str]:
    """Who stands where: names, and the addresses they were last seen at."""
    messages = [step for step in steps if not step.words]
    local = messages[-1].local if messages else ""
    remotes = {step.leg: step.remote for step in messages}
    names = ["Tandem", *(legs.get(leg, leg) for leg in columns)]
    below = [local, *(remotes.get(leg, "") for leg in columns)]
    cells = [[_clean(cell)[: WIDTH - 2].ljust(WIDTH) for cell in row] for row in (names, ["", *columns], below)]
    return [" " * 11 + "".join(row) for row in cells]


def _line(step: Step, columns: list[str]) -> str:
    if step.words:
        return f"== {_clean(step.words)}"
    if step.leg not in columns:
        return f"{'<' if step.inbound else '>'} {step.leg}: {_clean(step.label)}"
    place = columns.index(step.leg) + 1
    length = WIDTH * place - 1
    text = f" {_clean(step.label)} "[: length - 2]
    arrow = text.center(length - 1, "-")
    arrow = f"<{arrow}" if step.inbound else f"{arrow}>"
    rest = "".join(f"{' ' * (WIDTH - 1)}|" for _ in columns[place:])
    return f"|{arrow}|{rest}"


def _full(step: Step, first: float) -> list[str]:
    way = f"{step.remote} -> {step.local}" if step.inbound else f"{step.local} -> {step.remote}"
    text = step.data.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
    return ["", f"---- {step.at - first:.3f}  {step.leg}  {way}", *map(_clean, text.split("\n"))]


def _clean(text: str) -> str:
    """Strangers write into these: nothing of it may steer a terminal."""
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text)
