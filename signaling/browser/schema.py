"""Strict reading of one JSON message into a dataclass, and the way back.

A message is a frozen dataclass with a `type`; each field is `Annotated` with the `Rule` it must obey; a field with a
default may be left out. `load` and `build` either give a message that obeys every rule, or raise a `BadMessage` that
names the field and what was expected. Nothing else ever escapes, whatever the bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, TypeVar, get_type_hints

from signaling.browser.errors import BadField, NotJson, TooLong, UnknownType


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field may hold: a test and its words."""

    expected: str
    check: Callable[[object], bool]


class Message:
    """Base of all messages."""

    __slots__ = ()
    type: ClassVar[str]


M = TypeVar("M", bound=Message)


def text(
    low: int, high: int, pattern: str = r"[^\x00-\x1f\x7f]*", words: str = "a text without control characters"
) -> Rule:
    """A string of `low` to `high` characters that matches `pattern` and can be written as UTF-8 (no lone surrogate)."""
    matches = re.compile(pattern).fullmatch
    return Rule(
        f"{words}, {low} to {high} characters",
        lambda v: isinstance(v, str) and low <= len(v) <= high and matches(v) is not None and _is_unicode(v),
    )


def _is_unicode(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)


def number(low: int, high: int) -> Rule:
    return Rule(
        f"a whole number, {low} to {high}",
        lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high,
    )


def nullable(rule: Rule) -> Rule:
    return Rule(f"{rule.expected}, or null", lambda v: v is None or rule.check(v))


def one_of(*words: str) -> Rule:
    return Rule("one of " + ", ".join(words), lambda v: isinstance(v, str) and v in words)


FLAG = Rule("true or false", lambda v: isinstance(v, bool))
SECONDS = Rule("a number of seconds", lambda v: isinstance(v, int | float) and not isinstance(v, bool))
OBJECT = Rule("an object", lambda v: isinstance(v, dict))
OBJECTS = Rule("a list of objects", lambda v: isinstance(v, list) and all(isinstance(i, dict) for i in v))
SEQUENCE = number(1, 2**53 - 1)  # what a JavaScript number holds exactly


_RULES: dict[type[Message], dict[str, tuple[str, Rule, bool]]] = {}


def rules(kind: type[Message]) -> dict[str, tuple[str, Rule, bool]]:
    """Wire name -> (attribute, rule, required) of a message's fields. `from_` is `from` on the wire."""
    if kind not in _RULES:
        _RULES[kind] = _read_rules(kind)
    return _RULES[kind]


def _read_rules(kind: type[Message]) -> dict[str, tuple[str, Rule, bool]]:
    hints = get_type_hints(kind, include_extras=True)
    return {
        f.name.rstrip("_"): (f.name, hints[f.name].__metadata__[0], f.default is MISSING)
        for f in fields(kind)  # type: ignore[arg-type]  # every message is a dataclass
    }


def load(frame: str, limit: int) -> dict[str, object]:
    """One JSON object, no key twice, no NaN."""
    if len(frame) > limit:
        raise TooLong(f"A message of {len(frame)} characters; at most {limit} are read.")
    try:
        found = json.loads(frame, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as why:
        raise NotJson(f"Not readable as JSON: {why}. Send one JSON object in one text frame.") from None
    if not isinstance(found, dict):
        raise NotJson('Not a JSON object. Send one object with a "type".')
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")


def build(found: Mapping[str, object], catalogue: Mapping[str, type[M]]) -> tuple[M, int | None]:
    """The message in a loaded object and its sequence number (None where it has none)."""
    kind = catalogue.get(name) if isinstance(name := found.get("type"), str) else None
    if kind is None:
        shown = "missing" if name is None else "not a text" if not isinstance(name, str) else f'"{name[:32]}"'
        raise UnknownType(f'The "type" is {shown}. Known types: {", ".join(sorted(catalogue))}.')
    known = rules(kind)
    for key in found:
        if key not in known and key not in ("type", "seq"):
            raise BadField(kind.type, key[:64], f"only {', '.join(known) or 'no field'}", "is unknown")
    values: dict[str, Any] = {}
    for key, (attribute, rule, required) in known.items():
        if key not in found:
            if required:
                raise BadField(kind.type, key, rule.expected, "is missing")
        elif not rule.check(found[key]):
            raise BadField(kind.type, key, rule.expected, "has a wrong value")
        else:
            values[attribute] = found[key]
    return kind(**values), sequence_of(found, kind.type)


def sequence_of(found: Mapping[str, object], name: str) -> int | None:
    if "seq" not in found:
        return None
    if not SEQUENCE.check(seq := found["seq"]):
        raise BadField(name, "seq", SEQUENCE.expected, "has a wrong value")
    assert isinstance(seq, int)
    return seq


def encode(message: Message, seq: int | None = None) -> str:
    """One line of JSON. Numbered when `seq` is given."""
    body: dict[str, object] = {"type": message.type}
    if seq is not None:
        body["seq"] = seq
    for key, (attribute, _, required) in rules(type(message)).items():
        value = getattr(message, attribute)
        if required or value is not None:
            body[key] = value
    return json.dumps(body, separators=(",", ":"), allow_nan=False)
