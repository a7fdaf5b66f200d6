"""What programs are told, in public words: one row for each kind of call event.

An event as it is published:

    {"id": "5f0c2a91-184", "seq": 7, "call": "9be1", "type": "call.answered", "time": "2026-03-01T09:30:05.250Z",
     "data": {"leg": "9be1-2", "kind": "sip", "waited": 4.1}}

Every field of the dataclass but `call` and `at` is in `data` under its own name, unless its row keeps it back. A kind
of event without a row cannot be forgotten (a test counts them); one that programs have no use for is in `UNPUBLISHED`.
"""
# ruff: noqa: E501 - a row of the table is a line

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any

from gateway.calls import events as ev

LONGEST_TEXT = 1_024
"""Characters of one text: strangers choose their own names."""
LONGEST_LIST = 100


@dataclass(frozen=True, slots=True)
class Row:
    type: str
    words: str
    """What it says, for docs/events.md and the API's schema."""
    kept_back: frozenset[str] = frozenset()
    """Fields of the dataclass that are not published."""


ROWS: Mapping[type[ev.CallEvent], Row] = {
    ev.CallStarted: Row("call.started", "A call has begun. `kind` is who began it: `sip`, `browser` or `api`."),
    ev.CallRouted: Row("call.routed", "A route was taken; again at every forward, with why in `because`."),
    ev.CallAlerting: Row("call.alerting", "This leg rings: the caller hears it ring."),
    ev.CallAnswered: Row("call.answered", "The caller is connected to this leg, after `waited` seconds."),
    ev.CallHeld: Row("call.held", "This leg holds (`on`), or takes back."),
    ev.CallMuted: Row("call.muted", "This leg is muted (`on`), or heard again."),
    ev.CallDigit: Row("call.digit", "This leg has pressed a key."),
    ev.CallSilent: Row("call.silent", "No packet has come from this leg for a while (`on`), or they come again."),
    ev.CallMerged: Row("call.merged", "All parties have gone over into another call; `call.ended` follows."),
    ev.CallJoined: Row("call.joined", "Parties of another call have come over."),
    ev.CallSplit: Row("call.split", "A party has gone over into a call of its own."),
    ev.CallAnnotated: Row("call.annotated", "The program's own words about the call have changed: all of them, as they are now."),
    ev.CallEnded: Row("call.ended", "The call is over. `by` is the leg that ended it, `talked` seconds from answer to end, `trail` how each target fell out."),
    ev.LegRang: Row("leg.rang", "A target is being called; it may not ring yet."),
    ev.LegAnswered: Row("leg.answered", "A party that was called is in the call."),
    ev.LegLeft: Row("leg.left", "A party has left, or a target has fallen out."),
    ev.RoleChanged: Row("leg.role", "A supervisor now listens, whispers (to `whisper_to`) or takes part."),
    ev.LegMedia: Row("leg.media", "Its media is agreed: codec, sample rate in Hz, direction as we see it."),
    ev.LegHeard: Row("leg.heard", "Its first media packet has come. `source` is from where, where that is known."),
    ev.LegTransport: Row("leg.transport", "Its media transport (ICE and DTLS with a browser) is `connected` or `disconnected`."),
    ev.LegQuality: Row("leg.quality", "How it sounds, every few seconds and once more at its end."),
    ev.InvitationFailed: Row("invitation.failed", "Nobody answered who was to be added."),
    ev.TransferStarted: Row("transfer.started", "This leg gives its place to somebody else, who is being called."),
    ev.TransferDone: Row("transfer.done", "The leg `by` has taken the place of `leg`."),
    ev.TransferFailed: Row("transfer.failed", "The transfer came to nothing; all is as before."),
    ev.PlayStarted: Row("play.started", "A leg (null: everybody) begins to hear something. `id` is the program's own."),
    ev.PlayEnded: Row("play.ended", "It is over: `done`, `stopped`, `key`, `failed`, or `ended` with the call."),
    ev.DigitsCollected: Row("digits.collected", "The keys that were gathered, and why no more: `complete`, `terminator`, `timeout`, `stopped`, `left`."),
    ev.RecordingStarted: Row("recording.started", "A recording has begun. `name` is the file's, without folder."),
    ev.RecordingPaused: Row("recording.paused", "It records silence (`on`), or sound again."),
    ev.RecordingEnded: Row("recording.ended", "The file is closed: `stopped`, `failed`, or `ended` with the call."),
}  # fmt: skip

UNPUBLISHED = frozenset({ev.LegDescribed})
"""Descriptions of media (SDP) are for those who explain calls afterwards."""

TYPES = tuple(row.type for row in ROWS.values())


FIELDS: Mapping[type[ev.CallEvent], tuple[str, ...]] = {
    kind: tuple(f.name for f in fields(kind) if f.name not in {"call", "at", *row.kept_back})
    for kind, row in ROWS.items()
}
"""What is in `data`, by kind of event."""


def data(event: ev.CallEvent) -> dict[str, Any]:
    """The event's own facts as JSON has them."""
    return {name: plain(getattr(event, name)) for name in FIELDS[type(event)]}


def plain(value: object) -> Any:  # noqa: ANN401 - JSON is anything
    """Any value as JSON can carry it to any reader: bounded, no NaN, no half of a surrogate pair."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    if value is None or isinstance(value, int):  # bool is one
        return value
    if isinstance(value, Mapping):
        return {_text(str(key)): plain(found) for key, found in islice(value.items(), LONGEST_LIST)}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in islice(value, LONGEST_LIST)]
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    return _text(str(value))


def _text(text: str) -> str:
    text = text[:LONGEST_TEXT]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class BadTypes(Exception):
    """A pattern that matches no type of event; the text says what would."""


def wanted(patterns: Iterable[str]) -> frozenset[str]:
    """The types that patterns ("*", "call.*", "leg.left") mean. Raises BadTypes."""
    found: set[str] = set()
    for pattern in patterns:
        matching = {kind for kind in TYPES if _matches(pattern, kind)}
        if not matching:
            near = get_close_matches(pattern, [*TYPES, *_GROUPS], 1)
            hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(_GROUPS)}"
            raise BadTypes(f'"{pattern[:64]}" is no type of event; {hint}')
        found |= matching
    return frozenset(found)


def _matches(pattern: str, kind: str) -> bool:
    return pattern in ("*", kind) or (pattern.endswith(".*") and kind.startswith(pattern[:-1]))


_GROUPS = tuple(dict.fromkeys(kind.partition(".")[0] + ".*" for kind in TYPES))
