"""A phone made of text over UDP, for looking at single SIP messages: no transactions, no sound, one call."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket

PATIENCE = 5.0
_numbers = itertools.count(1)

SDP = "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"


class RawPhone:
    """As a context manager. `server`: the gateway's (host, port); it must ask for no password."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server

    def __enter__(self) -> RawPhone:
        self._wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._wire.setblocking(False)
        self._wire.bind(("127.0.0.1", 0))
        self._me = f"127.0.0.1:{self._wire.getsockname()[1]}"
        return self

    def __exit__(self, *exc: object) -> None:
        self._wire.close()

    async def invite(self, number: str) -> str:
        """The final response to a new call, acknowledged."""
        self._call, self._to = f"{next(_numbers)}@{self._me}", f"<sip:{number}@127.0.0.1>"
        self._number, self._branch = number, f"z9hG4bK{next(_numbers)}"
        host, port = self._me.split(":")
        await self._send("INVITE", 1, SDP.format(host=host, port=port))
        while True:
            response = await self.receive("SIP/2.0 ")
            if not response.startswith("SIP/2.0 1"):
                break
        self._to = header(response, "To")
        if response.startswith("SIP/2.0 2"):
            self._branch = f"z9hG4bK{next(_numbers)}"
        await self._send("ACK", 1)
        return response

    async def bye(self) -> str:
        self._branch = f"z9hG4bK{next(_numbers)}"
        await self._send("BYE", 2)
        return await self.receive("SIP/2.0 ")

    async def receive(self, beginning: str, seconds: float = PATIENCE) -> str:
        """The next message that begins like this; a request is answered 200."""
        async with asyncio.timeout(seconds):
            while True:
                text = (await asyncio.get_running_loop().sock_recv(self._wire, 4096)).decode(errors="replace")
                if not text.startswith("SIP/2.0 ") and text[:1].isalpha():
                    await self._reply(text)
                if text.startswith(beginning):
                    return text

    async def _reply(self, request: str) -> None:
        kept = [line for line in request.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
        await self._put("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]))

    async def _send(self, method: str, number: int, body: str = "") -> None:
        lines = [
            f"{method} sip:{self._number}@127.0.0.1:{self._server[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._me};branch={self._branch};rport",
            f"From: <sip:raw@{self._me}>;tag=raw",
            f"To: {self._to}",
            f"Call-ID: {self._call}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:raw@{self._me}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        await self._put("\r\n".join([*lines, "", body]))

    async def _put(self, text: str) -> None:
        await asyncio.get_running_loop().sock_sendto(self._wire, text.encode(), self._server)


def header(message: str, name: str) -> str:
    """The first header of this name; "" where there is none."""
    found = re.search(rf"^{name}:\s*(.*?)\r$", message, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""
