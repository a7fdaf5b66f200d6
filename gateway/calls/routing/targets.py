"""Where a route can lead."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from ..patterns import BadPattern, Captures

KINDS = ("user", "group", "sip", "trunk", "app", "conference", "number")
_LATER = {"agent": "voice agents", "stream": "media streams"}
_URI_SAFE = "-_.!~*'()&=+$,;?/:@%[]"


@dataclass(frozen=True, slots=True)
class Target:
    """ "user:bob" all of bob's devices, "group:sales" a ring group, "sip:bob@pbx" outward, "trunk:NAME" or
    "trunk:NAME/NUMBER" by that trunk, "app:echo" an application, "conference:NAME" a room, "602" as if dialled."""

    kind: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Target:
        kind, colon, value = text.strip().partition(":")
        if not colon:
            kind, value = "number", kind
        if kind == "sips":
            raise BadPattern(f'"{text}": SIP over TLS is not spoken yet; write sip:')
        if kind in _LATER:
            raise BadPattern(f'"{text}": {_LATER[kind]} are not in this version yet; use {_CHOICE}')
        if kind not in KINDS or not value:
            raise BadPattern(f'"{text}" is no target: write {_CHOICE}')
        return cls(kind, value if kind != "sip" else f"sip:{value}")

    def filled(self, captures: Captures) -> Target:
        """The braces in it filled by what the pattern captured."""
        value = self.value
        if self.kind == "trunk" and "/" not in value:
            value += "/{number}"
        if "{" not in value:
            return self
        for name, text in captures.items():
            value = value.replace(
                "{" + name + "}", quote(text, _URI_SAFE, errors="replace") if self.kind == "sip" else text
            )
        # "sip:{number}" of a whole SIP address would say sip: twice
        return Target(self.kind, value.replace("sip:sip:", "sip:"))

    def __str__(self) -> str:
        return self.value if self.kind in ("sip", "number") else f"{self.kind}:{self.value}"


_CHOICE = "user:NAME, group:NAME, sip:USER@HOST, trunk:NAME, app:NAME, conference:NAME or a number"
