"""A message that may be shown: its secrets are replaced by `***`, all else stays byte for byte.

Digest answers and nonces (with both, a password can be guessed at leisure), other credentials altogether, passwords in
URIs, SRTP keys and ICE passwords in SDP, keys pressed that came by INFO (they may be a PIN). Content-Length is left as
it was.
"""

from __future__ import annotations

import re

MASK = b"***"
_AUTH = re.compile(
    rb"^((?:Proxy-)?(?:Authorization|Authenticate)|WWW-Authenticate|(?:Proxy-)?Authentication-Info)([ \t]*:[ \t]*)"
    rb"([^\r\n]*+(?:\r?\n[ \t][^\r\n]*+)*+)",
    re.IGNORECASE | re.MULTILINE,
)
_FIELD = re.compile(
    rb"\b(response|nonce|cnonce|nextnonce|rspauth|opaque)([ \t]*=[ \t]*)(\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\"?|[^,\s]++)",
    re.IGNORECASE | re.DOTALL,
)
_PASSWORD = re.compile(rb"\b(sips?:[^\s:@<>;,\"]{1,256}:)[^\s@<>;,\"]{1,256}@", re.IGNORECASE)
_LINES = re.compile(
    rb"^(a=crypto:[^\r\n]*?inline:|a=ice-pwd:|a=key-mgmt:|k=|[ \t]*Signal[ \t]*=)[^\r\n]*", re.IGNORECASE | re.MULTILINE
)


def masked(data: bytes) -> bytes:
    """`data` without its secrets. Any bytes will do."""
    head, gap, body = data.partition(b"\r\n\r\n")
    if not gap:
        head, gap, body = data.partition(b"\n\n")
    head = _PASSWORD.sub(rb"\1" + MASK + b"@", _AUTH.sub(_header, head))
    return head + gap + _LINES.sub(rb"\1" + MASK, body)


def _header(match: re.Match[bytes]) -> bytes:
    name, colon, value = match.groups()
    scheme, space, fields = value.partition(b" ")
    info = name.lower().endswith(b"info")
    if not info and scheme.lower() != b"digest":
        return name + colon + scheme + space + (MASK if fields else b"")
    return name + colon + _FIELD.sub(rb'\1\2"' + MASK + b'"', value)
