"""Keys in SIP INFO, as phones write them that do not speak RFC 4733.

application/dtmf-relay    Signal=5 \\r\\n Duration=160      (also "Signal: 5", and 10 and 11 for * and #)
application/dtmf          5
application/vnd.nortelnetworks.digits    p=Digit-Collection \\r\\n d=Digits
"""

from __future__ import annotations

import re

KEYS = "0123456789*#ABCD"
_SIGNAL = re.compile(r"^\s*(?:signal|d)\s*[=:]\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_NUMBERED = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}


def digits(content_type: str, body: bytes) -> str:
    """The keys that an INFO carries, "" where it is about something else."""
    kind = content_type.partition(";")[0].strip().lower()
    text = body.decode("ascii", "replace").strip()
    if kind == "application/dtmf":
        found = text
    elif kind in ("application/dtmf-relay", "application/vnd.nortelnetworks.digits"):
        match = _SIGNAL.search(text)
        found = match[1] if match else ""
    else:
        return ""
    found = _NUMBERED.get(found, found).upper()
    return found if 0 < len(found) <= 32 and set(found) <= set(KEYS) else ""
