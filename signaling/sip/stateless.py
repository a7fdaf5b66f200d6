"""Answers of which nothing is remembered (RFC 3261 section 8.2.7).

Everything that anybody may ask without a password is answered so: refusals, challenges, OPTIONS, requests of calls that
we do not know. A flood of them takes time, but no memory, and keeps nobody else out.
"""

from __future__ import annotations

from zlib import crc32

from signaling.sip.message import Request


def stateless_tag(request: Request) -> str:
    """The To tag: the same for every copy of a request and for its ACK, even when only the Via can be read."""
    via = request.via
    text = f"{via.branch} {via.host} {request.headers.get('Call-ID')}"
    return f"{crc32(text.encode('utf-8', 'replace')):08x}"
