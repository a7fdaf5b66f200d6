"""The lexical pieces that URIs and headers share (RFC 3261 25.1): parameters, quoted strings, comma lists.

Every scan is linear in the length of its text: an attacker gains nothing by a clever pattern.
"""

from __future__ import annotations

import re

Params = tuple[tuple[str, str | None], ...]

TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MARK = re.compile(r'[",<]')
_SEMI = re.compile(r'[";]')


def quote(text: str) -> str:
    """A quoted-string; line ends cannot be part of one."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", " ") + '"'


def unquote(text: str) -> str:
    """The meaning of a token or a quoted-string."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        inner = text[1:-1]
        return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner
    return text


def readable(text: str) -> str:
    """Foreign text for people, logs and JSON: bytes that were not UTF-8 become the sign for what cannot be read."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def split_list(value: str) -> list[str]:
    """Split at commas outside of quotes and angle brackets; empty elements are dropped."""
    if "," not in value:
        parts = [value]
    elif '"' not in value and "<" not in value:
        parts = value.split(",")
    else:
        parts = _split_marked(value)
    return [item for part in parts if (item := part.strip())]


def _split_marked(value: str) -> list[str]:
    parts, start, at = [], 0, 0
    while mark := _MARK.search(value, at):
        at = mark.end()
        if mark.group() == ",":
            parts.append(value[start : at - 1])
            start = at
        elif mark.group() == "<":
            at = (value.find(">", at) + 1) or len(value)
        else:
            at = end_of_quoted(value, at - 1)
    parts.append(value[start:])
    return parts


def end_of_quoted(value: str, at: int) -> int:
    """Where the quoted-string that begins at `at` ends; the end of the text when it never does."""
    quoted = QUOTED.match(value, at)
    return quoted.end() if quoted else len(value)


def parse_params(text: str) -> Params:
    """`;a=b;c` as pairs, in order, quotes kept so that they are written back as they came."""
    if not text:
        return ()
    parts = text.split(";") if '"' not in text else _split_params(text)
    pairs: list[tuple[str, str | None]] = []
    for part in parts:
        name, equals, value = part.partition("=")
        if name := name.strip():
            pairs.append((name, value.strip() if equals else None))
    return tuple(pairs)


def _split_params(text: str) -> list[str]:
    parts, start, at = [], 0, 0
    while mark := _SEMI.search(text, at):
        at = mark.end()
        if mark.group() == ";":
            parts.append(text[start : at - 1])
            start = at
        else:
            at = end_of_quoted(text, at - 1)
    parts.append(text[start:])
    return parts


def format_params(params: Params) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params)


def get_param(params: Params, name: str, default: str | None = None) -> str | None:
    """The value without its quotes; "" for a parameter without a value, `default` for one that is not there."""
    for key, value in params:
        if key == name or key.lower() == name:
            return "" if value is None else unquote(value)
    return default


def merge_params(params: Params, changes: dict[str, str | None], drop: tuple[str, ...] = ()) -> Params:
    """`changes` replace parameters of their name (in place) or are appended; those named in `drop` go."""
    left = {name.lower(): (name, value) for name, value in changes.items()}
    kept = [left.pop(name.lower(), (name, value)) for name, value in params if name.lower() not in drop]
    return (*kept, *left.values())
