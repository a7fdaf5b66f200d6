"""From what pydantic found to words for the person who wrote the request: which field, and what to do.

An unknown field is told with the nearest one that exists there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.api.rest.problem import FieldError, Problem, field_error

MOST = 20
"""Errors told at once."""

Where = Sequence[str | int]


def not_right(error: ValidationError, where: str, shape: object) -> Problem:
    """`shape` is the annotation that was validated against. Malformed JSON becomes a 400, everything else a 422."""
    details = error.errors(include_url=False, include_context=False)
    if details[0]["type"] == "json_invalid":
        words = details[0]["msg"].removeprefix("Invalid JSON: ")
        return Problem(400, "bad-json", f"The body cannot be read as JSON: {words}. Send one JSON object in UTF-8.")
    found = [_told(detail, where, shape) for detail in details[:MOST]]
    first = found[0]
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return Problem(422, "not-valid", f"{first.field or f'the {where}'}: {first.detail}{more}", found)


def _told(detail: ErrorDetails, where: str, shape: object) -> FieldError:
    path, words = detail["loc"], detail["msg"]
    match detail["type"]:
        case "extra_forbidden":
            words = unknown(str(path[-1]), fields(shape, path[:-1]))
        case "missing":
            words = "is missing: add it"
        case "value_error" | "assertion_error":
            words = words.partition(", ")[2]
        case _:
            words = words.replace("Input should be", "expected").replace("String should", "the text should")
    return field_error(where, ".".join(_steps(shape, path)), words)


def unknown(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f'is unknown: did you mean "{near[0]}"?' if near else f"is unknown: there are {', '.join(known) or 'none'}"


def fields(shape: object, path: Where) -> list[str]:
    """The names that may stand at this place of a shape."""
    for part in path:
        shape = _down(shape, part)
    return [name for model in _models(shape) for name in _names(model)]


def _steps(shape: object, path: Where) -> Iterator[str]:
    """The path without what pydantic adds to it: the names of a union's members."""
    for part in path:
        below = _down(shape, part)
        if isinstance(part, int) or not (_is_member(shape, part) or part.endswith("]") or part in ("str", "dict")):
            yield str(part)
        shape = below


def _down(shape: object, part: str | int) -> object:
    if isinstance(part, int):
        return next(iter(get_args(shape)), None)
    for model in _models(shape):
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
        if part == model.__name__:
            return model
    return shape


def _is_member(shape: object, part: str) -> bool:
    models = list(_models(shape))
    return len(models) > 0 and part in [model.__name__ for model in models] and part not in fields(shape, ())


def _models(shape: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - annotations are anything
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        yield shape
        return
    for argument in get_args(shape):
        yield from _models(argument)


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
