"""What a route's pattern matches.

    "600"             this number
    "1XX"  "0."       digits: X any, N 2-9, Z 1-9, "." one or more of anything that can be dialled
    "user:alice"      this user, by name or by extension
    "sip:*@pbx.test"  a whole SIP address that is not one of ours; * and ? stand for anything
    "re:^00(\\d+)$"    a regular expression over all that was dialled
    "support"         this name
    "any"             whatever it is

What it captured fills the braces in a target: {number} is all that was dialled, {rest} what the "." stood for, {1}
{2} ... and {name} the groups of a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from urllib.parse import unquote

ANY = "any"

Captures = dict[str, str]
Matcher = Callable[[str], Captures | None]

_DIGITS = re.compile(r"[0-9*#+XNZ]+\.?|\.")
_CLASSES = {"X": "[0-9]", "N": "[2-9]", "Z": "[1-9]", ".": r"(?P<rest>[0-9*#+A-D]+)"}


class BadPattern(ValueError):
    """A pattern or target that means nothing. The text says what is wrong and what would be right."""


def is_digits(pattern: str) -> bool:
    return _DIGITS.fullmatch(pattern) is not None


def captured_names(pattern: str) -> frozenset[str]:
    """What stands in braces for what this pattern captures: "number" always."""
    names = {"number"}
    if pattern.startswith("re:"):
        expression = re.compile(pattern[3:])
        names |= {str(i) for i in range(1, expression.groups + 1)} | set(expression.groupindex)
    elif is_digits(pattern) and pattern.endswith("."):
        names.add("rest")
    return frozenset(names)


def compile_pattern(pattern: str) -> Matcher:
    """Return a function from what was dialled to what the pattern captured, None where it does not match."""
    if not pattern:
        raise BadPattern('an empty pattern matches nothing; write a number such as "600" or "1XX"')
    if pattern == ANY:
        return lambda dialled: {}
    if pattern.startswith("re:"):
        return _regex(pattern[3:])
    if pattern.startswith("sip:"):
        return _whole(re.compile(translate(pattern), re.IGNORECASE))
    if pattern.startswith("user:"):
        return _literal(pattern)
    if is_digits(pattern):
        return _whole(re.compile("".join(_CLASSES.get(c, re.escape(c)) for c in pattern)))
    if not re.fullmatch(r"[\w.\-+*#]+", pattern):
        raise BadPattern(
            f'"{pattern}" is no pattern: use digits with X N Z and ".", user:NAME, sip:..., re:... or a plain name'
        )
    return _literal(pattern)


def _literal(text: str) -> Matcher:
    folded = text.casefold()
    return lambda dialled: {} if dialled.casefold() == folded else None


def _whole(expression: re.Pattern[str]) -> Matcher:
    def match(dialled: str) -> Captures | None:
        found = expression.fullmatch(dialled)
        return None if found is None else {k: v for k, v in found.groupdict().items() if v is not None}

    return match


def _regex(text: str) -> Matcher:
    try:
        expression = re.compile(text)
    except re.error as error:
        raise BadPattern(f'"re:{text}" is not a regular expression: {error}') from None

    def match(dialled: str) -> Captures | None:
        found = expression.search(dialled)
        if found is None:
            return None
        numbered = {str(i): v or "" for i, v in enumerate(found.groups(), 1)}
        return numbered | {k: v or "" for k, v in found.groupdict().items()}

    return match


_SEPARATORS = re.compile(r"[\s()/\-]|(?<=\d)\.(?=\d)")


def normal(dialled: str, ours: frozenset[str] = frozenset()) -> str:
    """What was meant by what was dialled: "+49 (30) 12-34" is a number, "sip:600@our.host" is 600, "*21%23" is *21#.

    `ours` holds what is this gateway: "pbx.test" with any port, "192.0.2.1:5060" with this one, "192.0.2.1:" without a
    port. An address elsewhere stays whole.
    """
    text = dialled.strip()
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in ("sip", "sips", "tel"):
        text = rest
    else:
        scheme = ""
    if scheme.lower() != "tel" and "@" in text:
        user, _, host = text.rpartition("@")
        host = re.split(r"[;?]", host, maxsplit=1)[0].lower()
        name, port = host.rpartition(":")[::2] if re.search(r":\d+$", host) else (host, "")
        if not ours & {name, f"{name}:{port}"}:
            return f"sip:{user}@{host}"
        text = user.split(";", 1)[0]
    text = _unescaped(text)
    squeezed = _SEPARATORS.sub("", text.split(";", 1)[0])
    return squeezed if re.fullmatch(r"[+0-9*#A-D]+", squeezed) else text


def _unescaped(text: str) -> str:
    """Without %xx (RFC 3261 section 19.1.2), unless what they hide is no text that anybody could dial."""
    plain = unquote(text)
    return plain if plain.isprintable() and "\ufffd" not in plain else text
