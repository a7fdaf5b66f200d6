"""One line when a call begins, is answered, is forwarded and ends: what an operator reads first."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from gateway.calls import events as ev
from gateway.doctor.rules import Verdict

log = logging.getLogger("tandem.calls")


def write(event: ev.CallEvent) -> None:
    if (words := line(event)) is not None:
        log.info("%s %s", event.call, words)


def write_verdicts(call: str, verdicts: Iterable[Verdict]) -> None:
    """What the doctor says of a call that has ended."""
    for verdict in verdicts:
        level = logging.INFO if verdict.severity == "note" else logging.WARNING
        log.log(level, "%s %s: %s", call, verdict.code, clean(verdict.words))


def line(event: ev.CallEvent) -> str | None:
    match event:
        case ev.CallStarted(caller=caller, kind=kind, dialled=dialled):
            return f"{_who(caller)} ({kind}) calls {dialled}"
        case ev.CallRouted(route=route, targets=targets, because=because):
            why = f"{because}: " if because else ""
            return f"{why}route {route} -> {', '.join(targets) or 'nobody'}"
        case ev.CallAnswered(leg=leg, kind=kind, waited=waited):
            return f"answered by {leg} ({kind}) after {waited:.1f} s"
        case ev.CallHeld(leg=leg, on=on):
            return f"{leg} {'holds' if on else 'takes back'}"
        case ev.CallEnded(ending=ending, by=by, talked=talked, trail=trail):
            length = "not answered" if talked is None else f"{talked:.1f} s"
            tried = f" [{'; '.join(trail)}]" if trail and talked is None else ""
            return f"ended: {ending.cause}, {length}{f', by {by}' if by else ''}{tried}"
    return None


def _who(caller: ev.Identity) -> str:
    """Strangers choose their own names: nothing of it may break a line of the log."""
    text = f"{caller.display} <{caller.number}>" if caller.display else caller.number
    return clean(text[:120])


def clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
