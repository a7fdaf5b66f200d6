"""Read tandem.toml and the environment; say everything that is wrong with them at once, and where.

A problem names the place (file and line, or the environment variable), the key, what was found and what would be
right; for an unknown key the nearest one that exists, in this table or another.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from gateway.config import Config
from gateway.config.check import check

PREFIX = "TANDEM_"
Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    place: str
    """File and line, or environment variable."""
    words: str

    def __str__(self) -> str:
        return f"{self.place}: {self.words}"


class ConfigError(Exception):
    """The configuration cannot be used. `problems` has all that is wrong with it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def load(path: Path | None) -> Config:
    """The configuration of a file (None: defaults) under the environment. Raises ConfigError."""
    text = _read(path) if path else ""
    name = str(path) if path else "the defaults"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(Problem(name, f"not TOML: {error}")) from None
    explain = _Explainer(name, text)
    problems = _unknown_variables(os.environ)
    try:
        config = Config(**{key: value for key, value in data.items() if key in Config.model_fields})
    except ValidationError as error:
        problems += [explain.problem(detail) for detail in error.errors()]
    except ValueError as error:  # a variable that should hold JSON and does not
        problems.append(Problem("the environment", str(error.__cause__ or error)))
    else:
        problems += [explain.finding(where, words) for where, words in check(config)]
    problems += [explain.unknown((key,)) for key in data if key not in Config.model_fields]
    if problems:
        raise ConfigError(*problems)
    return config


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        words = "there is no such file. Copy tandem.example.toml to it, or start with: tandem demo"
    except UnicodeDecodeError:
        words = "not UTF-8 text"
    except OSError as error:
        words = f"cannot be read: {error.strerror}"
    raise ConfigError(Problem(str(path), words))


class _Explainer:
    def __init__(self, name: str, text: str) -> None:
        self._name, self._lines = name, _line_numbers(text)

    def problem(self, detail: ErrorDetails) -> Problem:
        where = tuple(part for part in detail["loc"] if part != "[key]")
        if detail["type"] == "extra_forbidden":
            return self.unknown(where)
        if detail["type"] == "missing":
            return Problem(self._place(where), f"{_key(where)} is missing{_in_table(where)}")
        words = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        expected = words if detail["type"] == "value_error" else f"expected {words}"
        return Problem(self._place(where), f"{_key(where)}{_in_table(where)}: {expected}{_found(detail)}")

    def finding(self, where: Where, words: str) -> Problem:
        return Problem(self._place(where), f"{_key(where)}{_in_table(where)}: {words}")

    def unknown(self, where: Where) -> Problem:
        key = str(where[-1])
        if len(where) == 1:
            tables = list(Config.model_fields)
            near = get_close_matches(key, tables, 1)
            homes = [t for t in tables if key in _fields((t,))]
            hint = f"; did you mean [{near[0]}]?" if near else _home(key, homes) or f"; there are {_list(tables)}"
            return Problem(self._place(where), f'unknown table or key "{key}"{hint}')
        fields = _fields(where[:-1])
        near = get_close_matches(key, fields, 1)
        homes = [t for t in Config.model_fields if key in _fields((t,))]
        hint = f'; did you mean "{near[0]}"?' if near else _home(key, homes) or f"; there are {_list(fields)}"
        return Problem(self._place(where), f'unknown key "{key}"{_in_table(where)}{hint}')

    def _place(self, where: Where) -> str:
        parts = [str(part).upper() for part in where]
        for depth in range(len(parts), 0, -1):
            variable = PREFIX + "__".join(parts[:depth])
            if variable in os.environ:
                return f"environment variable {variable}"
        for depth in range(len(where), 0, -1):
            if line := self._lines.get(where[:depth]):
                return f"{self._name}:{line}"
        return self._name


def _unknown_variables(environ: Mapping[str, str]) -> list[Problem]:
    """pydantic-settings passes over a variable whose table it does not know; a typing error must not be silent."""
    problems = []
    for name in environ:
        if not name.startswith(PREFIX):
            continue
        table, _, key = name.removeprefix(PREFIX).lower().partition("__")
        fields = _fields((table,)) if table in Config.model_fields else []
        if table not in Config.model_fields or (fields and key not in fields and "__" not in key and key):
            known = [f"{PREFIX}{t}__{k}".upper() for t in Config.model_fields for k in _fields((t,))]
            near = get_close_matches(name, known, 1, 0.5)
            hint = f"; did you mean {near[0]}?" if near else f"; write {PREFIX}TABLE__KEY, e.g. {PREFIX}SIP__PORT"
            problems.append(Problem(f"environment variable {name}", f"sets nothing{hint}"))
    return problems


def _model(where: Where) -> type[BaseModel] | None:
    """The model behind a path: ("sip",), ("users", 0), ("routes", 1, "reject")."""
    model: type[BaseModel] | None = Config
    for part in where:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) if model else None
        model = _inner(field.annotation) if field else None
    return model


def _inner(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - annotations are anything
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not issubclass(annotation, BaseSettings):
        return annotation
    return next((found for argument in get_args(annotation) if (found := _inner(argument))), None)


def _fields(where: Where) -> list[str]:
    model = _model(where)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _key(where: Where) -> str:
    return next((str(part) for part in reversed(where) if isinstance(part, str)), "?")


def _in_table(where: Where) -> str:
    """ " in [sip]", " in [[users]] 2" - the table that a path leads into."""
    names = [part for part in where[:-1] if isinstance(part, str)]
    if not names:
        return ""
    index = next((part for part in where if isinstance(part, int)), None)
    if names[0] in ("users", "trunks", "routes") and index is not None:
        return f" in [[{names[0]}]] number {index + 1}"
    return f" in [{names[0]}]"


def _found(detail: ErrorDetails) -> str:
    found = detail.get("input")
    if isinstance(found, dict | list | tuple) or "secret" in detail["loc"] or "password" in detail["loc"]:
        return ""
    return f", found {found!r}" if detail["type"] != "value_error" else ""


def _home(key: str, tables: list[str]) -> str:
    return f'; "{key}" belongs into {" or ".join(f"[{t}]" for t in tables)}' if tables else ""


def _list(words: list[str]) -> str:
    return ", ".join(words)


_HEADER = re.compile(r"^\s*(\[\[?)\s*([\w.\-]+)\s*\]\]?")
_ASSIGNMENT = re.compile(r"^\s*\"?([\w\-]+)\"?\s*=")


def _line_numbers(text: str) -> dict[Where, int]:
    """The line of each table header and key, as far as a look at the lines can tell (tomllib keeps none)."""
    lines: dict[Where, int] = {}
    counts: dict[str, int] = {}
    table: Where = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            name = header[2]
            if header[1] == "[[":
                table = (name, counts.get(name, 0))
                counts[name] = counts.get(name, 0) + 1
            else:
                table = tuple(name.split("."))
            lines.setdefault(table, number)
            lines.setdefault(table[:1], number)
        elif assignment := _ASSIGNMENT.match(line):
            lines.setdefault((*table, assignment[1]), number)
    return lines
