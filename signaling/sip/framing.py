"""Cutting a stream into messages (RFC 3261 18.3) and answering its keep-alives (RFC 5626 3.5.1, 4.4.1).

A message is its head up to the empty line and as many bytes more as Content-Length says. Between messages, CRLF CRLF is
a ping to be answered by one CRLF; a single CRLF is a pong, or a sloppy sender's spare line end. What goes wrong cannot
be mended on a stream: after BadMessage the connection has to be closed.
"""

from __future__ import annotations

import re

from signaling.sip.errors import BadMessage

MAX_HEAD = 65536
MAX_BODY = 1 << 20
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(?:\r?\n[ \t]+)?([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_LONGEST_END = 4  # CR LF CR LF
_LINE_ENDS = (bytearray(b"\r"), bytearray(b"\n"))
_HALF_PINGS = (b"\r", b"\r\n", b"\r\n\r")
_MOST_PONGS = 16  # a flood of pings earns no flood of pongs


class Framer:
    """One connection's reading side."""

    def __init__(self, max_head: int = MAX_HEAD, max_body: int = MAX_BODY) -> None:
        self.pongs = 0  # CRLFs that are owed; the shell sends them and sets this to 0
        self.broken: BadMessage | None = None
        self._max_head, self._max_body = max_head, max_body
        self._buffer = bytearray()
        self._scanned = 0
        self._wanted: int | None = None  # whole length of the message whose head has been read

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came; give the messages that are now complete.

        Raises BadMessage when the stream is broken. Whole messages that came before the damage are still given:
        then `broken` is set, and the next call raises it.
        """
        if self.broken:
            raise self.broken
        self._buffer += data
        messages: list[bytes] = []
        try:
            while (message := self._next()) is not None:
                messages.append(message)
        except BadMessage as error:
            self.broken = error
            self._buffer.clear()
            if not messages:
                raise
        return messages

    @property
    def pending(self) -> int:
        """Bytes of a message that is not complete yet; a lone line end may be a pong and is none."""
        return len(self._buffer) if self._buffer[:1] not in _LINE_ENDS else 0

    def _next(self) -> bytes | None:
        if self._wanted is None and not self._read_head():
            return None
        assert self._wanted is not None
        if len(self._buffer) < self._wanted:
            return None
        message = bytes(self._buffer[: self._wanted])
        del self._buffer[: self._wanted]
        self._wanted, self._scanned = None, 0
        return message

    def _read_head(self) -> bool:
        if self._buffer[:1] in _LINE_ENDS:
            self._skip_line_ends()
            self._scanned = 0
        if self._buffer[:1] in _LINE_ENDS:
            return False  # may become a ping with the next bytes
        end = _END_OF_HEAD.search(self._buffer, max(0, self._scanned - _LONGEST_END))
        size = end.end() if end else len(self._buffer)
        if size > self._max_head:
            raise BadMessage(f"a head of more than {self._max_head} bytes on a stream", 513)
        if end is None:
            self._scanned = len(self._buffer)
            return False
        self._wanted = end.end() + self._body_length(bytes(self._buffer[: end.start()]))
        return True

    def _skip_line_ends(self) -> None:
        buffer, at = self._buffer, 0
        while buffer.startswith(b"\r\n\r\n", at):
            self.pongs = min(self.pongs + 1, _MOST_PONGS)
            at += 4
        while buffer[at : at + 1] in _LINE_ENDS and bytes(buffer[at : at + 4]) not in _HALF_PINGS:
            at += 1
        del buffer[:at]

    def _body_length(self, head: bytes) -> int:
        values = {match[1].strip() for match in _LENGTH.finditer(head)}
        if not values:
            return 0  # 18.3 demands it on a stream; without it the next bytes are the next message
        value = values.pop()
        if values or not value.isdigit() or len(value) > 9:
            raise BadMessage(f"Content-Length {value[:20]!r} on a stream is not one number")
        if int(value) > self._max_body:
            raise BadMessage(f"a body of {int(value)} bytes (at most {self._max_body})", 513)
        return int(value)
