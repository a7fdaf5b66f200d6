"""The vocabulary as JSON schemas (OpenAPI 3.1) and as the table of docs/events.md, both made from the dataclasses."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Union, get_args, get_origin, get_type_hints

from gateway.calls import events as ev
from gateway.calls.causes import Ending
from gateway.events.vocabulary import FIELDS, ROWS, Row

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/"
EXAMPLE_ID = "5f0c2a91-184"


def schemas() -> dict[str, Schema]:
    """Every schema by its name in `components/schemas`: `Event` is the whole, `EventPage` a list's answer."""
    kinds = {_title(row.type): _event(kind, row) for kind, row in ROWS.items()}
    mapping = {row.type: REFERENCE + _title(row.type) for row in ROWS.values()}
    return {
        "Event": {
            "description": "One thing that happened to a call.",
            "oneOf": [{"$ref": reference} for reference in mapping.values()],
            "discriminator": {"propertyName": "type", "mapping": mapping},
        },
        "EventPage": _object(
            {
                "events": {"type": "array", "items": {"$ref": REFERENCE + "Event"}},
                "next": {"type": "string", "description": "Ask for what comes after this: `after=`."},
                "more": {"type": "boolean", "description": "There is more already."},
            }
        ),
        "EventIdentity": _object(_hints(ev.Identity)),
        "EventEnding": _object(_hints(Ending)),
        **kinds,
    }


def table() -> str:
    """The rows of docs/events.md."""
    lines = ["| type | data | |", "|---|---|---|"]
    for kind, row in ROWS.items():
        hints = get_type_hints(kind)
        data = ", ".join(f"`{name}` {_word(hints[name])}" for name in FIELDS[kind])
        lines.append(f"| `{row.type}` | {data} | {row.words} |")
    return "\n".join(lines) + "\n"


def _event(kind: type[ev.CallEvent], row: Row) -> Schema:
    hints = get_type_hints(kind)
    properties: dict[str, Schema] = {
        "id": {"type": "string", "description": "Its place in the whole stream.", "examples": [EXAMPLE_ID]},
        "seq": {"type": "integer", "minimum": 1, "description": "Its number in its call: 1, 2, 3, without a hole."},
        "call": {"type": "string"},
        "type": {"const": row.type},
        "time": {"type": "string", "format": "date-time"},
        "data": _object({name: _schema(hints[name]) for name in FIELDS[kind]}),
    }
    return _object(properties) | {"description": row.words}


def _object(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _hints(kind: type[Any]) -> dict[str, Schema]:
    hints = get_type_hints(kind)
    return {f.name: _schema(hints[f.name]) for f in fields(kind)}


_SIMPLE: Mapping[object, tuple[str, Schema]] = {
    str: ("text", {"type": "string"}),
    bool: ("yes or no", {"type": "boolean"}),
    int: ("number", {"type": "integer"}),
    float: ("number", {"type": "number"}),
    object: ("anything", {}),
    ev.Identity: ("identity", {"$ref": REFERENCE + "EventIdentity"}),
    Ending: ("ending", {"$ref": REFERENCE + "EventEnding"}),
}


def _schema(hint: Any) -> Schema:  # noqa: ANN401 - a type hint is anything
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint][1])
    if options := _options(hint):
        return {"anyOf": [_schema(option) for option in options] + [{"type": "null"}]}
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _schema(arguments[0])}
    assert get_origin(hint) is Mapping, f"{hint} has no public form yet"
    return {"type": "object", "additionalProperties": _schema(arguments[1])}


def _word(hint: Any) -> str:  # noqa: ANN401
    if hint in _SIMPLE:
        return _SIMPLE[hint][0]
    if options := _options(hint):
        return " or ".join(_word(option) for option in options) + " or null"
    return "texts" if get_origin(hint) is tuple else "names and values"


def _options(hint: Any) -> list[Any]:  # noqa: ANN401
    """What may stand there besides null."""
    union = get_origin(hint) in (Union, types.UnionType)
    return [option for option in get_args(hint) if option is not type(None)] if union else []


def _title(kind: str) -> str:
    """ "call.started" -> "CallStartedEvent"."""
    return "".join(part.capitalize() for part in kind.split(".")) + "Event"
