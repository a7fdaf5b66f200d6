"""A phone that does things wrong on purpose: plain sockets, no SIP library, so that nothing corrects it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

SILENCE = b"\xd5" * 160
"""20 ms of A-law silence."""


NOISE = (b"\x2a" * 4 + b"\xaa" * 4) * 20
"""20 ms of the loudest 1000 Hz."""


class BadPhone:
    """One address, one dialog. What it does is said step by step."""

    def __init__(self, gateway: tuple[str, int]) -> None:
        self.gateway = gateway
        self.sip, self.rtp = _bound(), _bound()
        self.port, self.rtp_port = self.sip.getsockname()[1], self.rtp.getsockname()[1]
        self.to = ""

    def close(self) -> None:
        self.sip.close()
        self.rtp.close()

    def sdp(self, payloads: str = "8", maps: str = "") -> str:
        head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        return f"{head}m=audio {self.rtp_port} RTP/AVP {payloads}\r\n{maps}"

    def request(self, method: str, number: str, body: str = "", cseq: int = 1) -> None:
        """Send one; nothing is ever repeated."""
        lines = [
            f"{method} sip:{number}@127.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{method}{cseq}{self.port}",
            f"From: <sip:700@127.0.0.1>;tag=bad{self.port}",
            f"To: {self.to or f'<sip:{number}@127.0.0.1>'}",
            f"Call-ID: bad-{self.port}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:700@127.0.0.1:{self.port}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self.sip.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self.gateway)

    async def final(self) -> int:
        """The status of the next final response; its To is that of the dialog."""
        while True:
            text = (await asyncio.wait_for(_receive(self.sip), 10))[0].decode()
            if text.startswith("SIP/2.0 ") and text[8] != "1":
                self.to = next(line[4:] for line in text.split("\r\n") if line.startswith("To: "))
                self.media = _media_port(text)
                return int(text[8:11])

    async def say(self, seconds: float, payload: bytes = SILENCE) -> None:
        """RTP (A-law) to where the answer told."""
        for n in range(int(seconds * 50)):
            header = struct.pack("!BBHII", 0x80, 8, n & 0xFFFF, n * 160, 7)
            self.rtp.sendto(header + payload, ("127.0.0.1", self.media))
            await asyncio.sleep(0.02)


class BadPbx(asyncio.DatagramProtocol):
    """Answers each INVITE by `answer(its text)`: the start of a response, and headers."""

    def __init__(self, answer: Callable[[str], tuple[str, ...]]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode()
        if not text.startswith("INVITE"):
            return
        copied = [line for line in text.split("\r\n") if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))]
        copied = [f"{line};tag=pbx" if line.startswith("To:") else line for line in copied]
        status, *headers = self._answer(text)
        response = "\r\n".join([f"SIP/2.0 {status}", *copied, *headers, "Content-Length: 0", "", ""])
        self._transport.sendto(response.encode(), addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def bad_pbx(answer: Callable[[str], tuple[str, ...]]) -> AsyncIterator[int]:
    """Gives its port."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: BadPbx(answer), ("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


async def _receive(sock: socket.socket) -> tuple[bytes, tuple[str, int]]:
    return await asyncio.get_running_loop().sock_recvfrom(sock, 65536)


def _media_port(text: str) -> int:
    line = next((line for line in text.split("\r\n") if line.startswith("m=audio ")), "m=audio 0")
    return int(line.split()[1])
