"""Secrets out of whatever is written down: the last line of defence behind code that does not write them at all.

Two nets: the secrets that the configuration holds, word for word, and the shapes that secrets have in what this
gateway handles (SIP and HTTP headers, URLs, tokens, SDP, TURN credentials). It rather hides a harmless word than shows
a secret one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, SecretStr

HIDDEN = "***"
SHORTEST = 8
"""Characters of a configured secret that is searched for word for word; a shorter one is a common word too often."""

_VALUE = r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&)}\]\"']+)"
_NAMES = r"password|passwd|passphrase|secret|token|credentials?|api[_-]?key|access[_-]?key|private[_-]?key|signature"

RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # headers whose whole value is one: "Authorization: Digest ...", {'X-API-Key': '...'}
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|x-api-key|(?:set-)?cookie)(\"?'?\s*[:=,]\s*b?[\"']?)"
            r"((?:digest|bearer|basic)\s)?[^\r\n]+"
        ),
        rf"\1\2\3{HIDDEN}",
    ),
    # password=..., "token": "...", secret: ...
    (re.compile(rf"(?i)([\"']?\b[\w-]*(?:{_NAMES})[\w-]*[\"']?\s*[=:]\s*){_VALUE}"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)([\"'](?:resume|pin)[\"']\s*:\s*){_VALUE}"), rf"\1{HIDDEN}"),
    # ?key=... of a request
    (re.compile(r"(?i)([?&](?:key|auth|jwt)=)[^\s&\"']+"), rf"\1{HIDDEN}"),
    # digest (RFC 8760): what proves the password
    (re.compile(r"(?i)\b(response|cnonce|rspauth)(\s*=\s*)(\"[^\"]*\"|[0-9a-f]+)"), rf"\1\2{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # JSON Web Tokens
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    # https://user:password@host, postgresql+asyncpg://user:password@host, sip:user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.\-]*://[^\s:/@]*:)[^\s@]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?i)\b(sips?:[^\s:@;<>]+:)[^\s@;<>]+@"), rf"\1{HIDDEN}@"),
    # SDP: keys of SRTP (RFC 4568), passwords of ICE
    (re.compile(r"(?i)\b(inline:)[\w+/=]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(ice-pwd:)[\w+/]+"), rf"\1{HIDDEN}"),
    # TURN passwords: base64 of an HMAC-SHA1
    (re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{27}=(?!=)"), HIDDEN),
)


class Mask:
    """A function from text to text without secrets. `known`: secrets to hide wherever they stand."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        words = sorted({word for word in known if len(word) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, words))) if words else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, instead in RULES:
            text = pattern.sub(instead, text)
        return text


def secrets_in(value: object) -> Iterator[str]:
    """Every secret in a configuration, however deep."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from secrets_in(item)
