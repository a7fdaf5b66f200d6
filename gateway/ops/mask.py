"""Secrets out of whatever is written down: the last line of defence behind code that does not write them at all.

Two nets: the secrets that the configuration holds, word for word, and the shapes that secrets have in what this
gateway handles (SIP and HTTP headers, URLs, tokens, SDP, TURN credentials). It rather hides a harmless word than shows
a secret one. Strangers choose much of what is logged, so no expression here looks back or ahead further than it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, SecretStr

HIDDEN = "***"
LONGEST = 32_768
"""Characters of a text that are kept: more is nobody's to read, and expensive to search."""
SHORTEST = 8
"""Characters of a configured secret that is searched for word for word; a shorter one is a common word too often."""

_VALUE = r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&)}\]\"']+)"
_NAMES = (
    *("password", "passwd", "passphrase", "secret", "token", "credential", "signature"),
    *("api-key", "api_key", "apikey", "access-key", "access_key", "private-key", "private_key"),
)

Rule = tuple[tuple[str, ...], re.Pattern[str], str]
RULES: tuple[Rule, ...] = (
    # headers whose whole value is one: "Authorization: Digest ...", {'X-API-Key': '...'}
    (
        ("authorization", "x-api-key", "cookie"),
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|x-api-key|(?:set-)?cookie)(\"?'?\s{0,9}[:=,]\s{0,9}b?[\"']?)"
            r"((?:digest|bearer|basic)\s)?[^\r\n]+"
        ),
        rf"\1\2\3{HIDDEN}",
    ),
    # password=..., "token": "...", secret: ...
    (
        tuple(_NAMES),
        re.compile(rf"(?i)((?:{'|'.join(_NAMES)})[\w-]{{0,40}}[\"']?\s{{0,9}}[=:]\s{{0,9}}){_VALUE}"),
        rf"\1{HIDDEN}",
    ),
    (("resume", "pin"), re.compile(rf"(?i)([\"'](?:resume|pin)[\"']\s{{0,9}}:\s{{0,9}}){_VALUE}"), rf"\1{HIDDEN}"),
    # ?key=... of a request
    (("key=", "auth=", "jwt="), re.compile(r"(?i)([?&](?:key|auth|jwt)=)[^\s&\"']+"), rf"\1{HIDDEN}"),
    # digest (RFC 8760): what proves the password
    (
        ("response", "cnonce", "rspauth"),
        re.compile(r"(?i)\b(response|cnonce|rspauth)(\s{0,9}=\s{0,9})(\"[^\"]*\"|[0-9a-f]+)"),
        rf"\1\2{HIDDEN}",
    ),
    (("bearer",), re.compile(r"(?i)\b(bearer)\s{1,9}[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # JSON Web Tokens
    (("eyj",), re.compile(r"\beyJ[\w-]{1,500}\.[\w-]{1,2000}\.[\w-]*"), HIDDEN),
    # https://user:password@host, postgresql+asyncpg://user:password@host, sip:user:password@host
    (("://",), re.compile(r"(://[^\s:/@]{0,128}:)[^\s@]{1,256}@"), rf"\1{HIDDEN}@"),
    (("sip",), re.compile(r"(?i)\b(sips?:[^\s:@;<>]{1,128}:)[^\s@;<>]{1,256}@"), rf"\1{HIDDEN}@"),
    # SDP: keys of SRTP (RFC 4568), passwords of ICE
    (("inline:",), re.compile(r"(?i)\b(inline:)[\w+/=]+"), rf"\1{HIDDEN}"),
    (("ice-pwd:",), re.compile(r"(?i)\b(ice-pwd:)[\w+/]+"), rf"\1{HIDDEN}"),
    # TURN passwords: base64 of an HMAC-SHA1
    (("=",), re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{27}=(?!=)"), HIDDEN),
)
"""Each with words in lower case, of which one is in every text that the expression is for: most texts have none."""


class Mask:
    """A function from text to text without secrets. `known`: secrets to hide wherever they stand."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        words = sorted({word for word in known if len(word) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, words))) if words else None

    def __call__(self, text: str) -> str:
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]} ... ({len(text) - LONGEST} more)"
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        low = text.lower()
        for words, pattern, instead in RULES:
            if any(word in low for word in words):
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
