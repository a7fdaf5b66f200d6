"""One thing that can be asked of the API, declared once: the handler's own signature says what comes and goes.

    @operation("POST /v1/calls/{call}/legs", "calls:write", 202, refusals=CALL)
    async def add(self, call: str, body: AddParty, caller: Caller) -> CallShown:
        \"\"\"Add a party.

        Everything about it.\"\"\"

Arguments named in braces are parts of the path; `query` and `body` are pydantic models (of `shapes.Asked`, so that
unknown fields are refused); `caller` is who asks, `request` the request itself. The docstring's first line is the
summary, the rest the description. What is returned is a model, `Reply` with headers beside it, None (204), or a
response of aiohttp's where `content` names its media types.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, TypeAdapter

T = TypeVar("T", bound=BaseModel)
Handler = Callable[..., Awaitable[Any]]

OPEN = ""
"""The scope of what anybody may see."""
MINE = "me"
"""The scope of people: what a browser token opens."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """An answer with headers, such as Location."""

    body: T
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Declared:
    """What the decorator was told."""

    method: str
    path: str
    scope: str
    status: int
    refusals: tuple[int, ...]
    content: tuple[str, ...]
    also: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Operation:
    """`Declared`, with what the signature says, and bound to the object that does it."""

    declared: Declared
    handler: Handler
    tag: str
    name: str
    summary: str
    description: str
    parts: tuple[str, ...]
    """Of the path."""
    query: type[BaseModel] | None
    body: TypeAdapter[Any] | None
    body_shape: object
    answer: type[BaseModel] | None
    wants: frozenset[str]
    """"caller", "request": arguments beyond what the client sends."""

    @property
    def label(self) -> str:
        return f"{self.declared.method} {self.declared.path}"


def operation(
    what: str,
    scope: str,
    status: int = 200,
    *,
    refusals: tuple[int, ...] = (),
    content: tuple[str, ...] = (),
    also: Mapping[int, str] | None = None,
) -> Callable[[Handler], Handler]:
    """`refusals`: statuses beyond those that every operation has. `also`: further good statuses, with words."""
    method, _, path = what.partition(" ")

    def declare(function: Handler) -> Handler:
        declared = Declared(method, path, scope, status, refusals, content, also or {})
        setattr(function, _MARK, declared)
        return function

    return declare


_MARK = "_declared_operation"


def operations(*resources: object) -> Iterator[Operation]:
    """What these objects offer, in the order of their classes."""
    for resource in resources:
        for name, member in vars(type(resource)).items():
            declared = getattr(member, _MARK, None)
            if isinstance(declared, Declared):
                yield _bound(declared, getattr(resource, name), type(resource))


def _bound(declared: Declared, handler: Handler, resource: type) -> Operation:
    hints = get_type_hints(handler, include_extras=True)
    answer = _model(hints.pop("return", None))
    parts = tuple(re.findall(r"\{(\w+)\}", declared.path))
    text = inspect.getdoc(handler) or ""
    summary, _, description = text.partition("\n")
    body = hints.get("body")
    operation = Operation(
        declared,
        handler,
        getattr(resource, "TAG", resource.__name__),
        handler.__name__,
        summary.rstrip("."),
        re.sub(r"(?<!\n)\n(?!\n)", " ", description.strip()),
        parts,
        hints.get("query"),
        TypeAdapter(body) if body is not None else None,
        body,
        answer,
        frozenset(hints) & {"caller", "request"},
    )
    strange = set(hints) - {*parts, "query", "body", "caller", "request"}
    if strange or not set(parts) <= set(hints):
        raise TypeError(f"{operation.label}: its arguments and its path do not agree ({', '.join(strange) or parts})")
    return operation


def _model(answer: object) -> type[BaseModel] | None:
    """The model in `Model`, `Reply[Model]` or `Model | web.Response`."""
    if isinstance(answer, type) and issubclass(answer, BaseModel):
        return answer
    return next((found for part in get_args(answer) if (found := _model(part)) is not None), None)
