"""Nothing that happens to a call is forgotten, and what is published is what the schema and the page say."""

import dataclasses
import inspect
import json
import math
import re
import typing
from pathlib import Path

import jsonschema
import pytest

from gateway.calls import events as ev
from gateway.calls.causes import Ending
from gateway.events.schema import schemas, table
from gateway.events.vocabulary import LONGEST_TEXT, ROWS, TYPES, UNPUBLISHED, BadTypes, plain, wanted
from tests.gateway.events.kit import UNIX, log

ROOT = Path(__file__).resolve().parents[3]
KINDS = [
    kind
    for _, kind in inspect.getmembers(ev, inspect.isclass)
    if issubclass(kind, ev.CallEvent) and kind is not ev.CallEvent
]


def test_every_kind_of_event_has_its_row():
    assert {*ROWS, *UNPUBLISHED} == set(KINDS)
    assert not set(ROWS) & UNPUBLISHED
    assert len(set(TYPES)) == len(TYPES)
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+", kind) for kind in TYPES)
    assert all(row.words.endswith(".") for row in ROWS.values())


def test_what_is_kept_back_exists():
    for kind, row in ROWS.items():
        assert row.kept_back <= {f.name for f in dataclasses.fields(kind)}


def sample(hint):
    simple = {
        str: "x", bool: True, int: 3, float: 1.5, object: None, ev.Identity: ev.Identity("1"),
        Ending: Ending("busy", 486, "The line is busy."),
    }  # fmt: skip
    if hint in simple:
        return simple[hint]
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return (sample(arguments[0]),)
    if type(None) in arguments:
        return None
    return {"k": sample(arguments[1])}


def samples(kind):
    hints = typing.get_type_hints(kind)
    full = {f.name: sample(hints[f.name]) for f in dataclasses.fields(kind)}
    yield kind(**full)
    for name, hint in hints.items():
        if type(None) in typing.get_args(hint):
            yield kind(**full | {name: sample(typing.get_args(hint)[0])})


@pytest.mark.parametrize("kind", list(ROWS), ids=lambda k: k.__name__)
def test_what_is_published_obeys_the_schema(kind):
    document = {"components": {"schemas": schemas()}, "$ref": "#/components/schemas/Event"}
    for event in samples(kind):
        published = json.loads(log().publish(event, UNIX).text)
        jsonschema.Draft202012Validator(document).validate(published)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(document).validate(published | {"more": 1})


def test_the_page_has_the_table():
    assert table() in (ROOT / "docs" / "events.md").read_text()


def test_values_that_json_or_its_readers_do_not_bear():
    found = plain({"a": math.nan, "b": math.inf, "c": "\ud800x", "d": "y" * 5_000, "e": range(3), "f": (1, "z")})
    assert (found["a"], found["b"], found["c"]) == (None, None, "?x")
    assert len(found["d"]) == LONGEST_TEXT
    assert (found["e"], found["f"]) == ("range(0, 3)", [1, "z"])
    assert len(plain({str(i): i for i in range(5_000)})) == len(plain(list(range(5_000)))) == 100


def test_patterns():
    assert wanted(["*"]) == set(TYPES)
    assert wanted(["call.ended", "leg.left"]) == {"call.ended", "leg.left"}
    assert wanted(["transfer.*"]) == {"transfer.started", "transfer.done", "transfer.failed"}


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("call.endet", 'did you mean "call.ended"'),
        ("calls.*", 'did you mean "call.*"'),
        ("", "there are call.*, leg.*"),
        ("c*", "there are"),
        (".*", "there are"),
        ("x" * 9_000, "there are"),
    ],
)
def test_patterns_that_match_nothing(pattern, hint):
    with pytest.raises(BadTypes, match=re.escape(hint)):
        wanted([pattern])
