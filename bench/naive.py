"""The baseline, the design most would write: `await track.recv()` -> AudioResampler -> G.711 -> asyncio datagram, and
back through a MediaStreamTrack. Nothing of Tandem in it."""

from __future__ import annotations

import asyncio
import fractions
import struct
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from bench.subject import loopback_only, serve

RTP = struct.Struct("!BBHII")


def ulaw_tables() -> tuple[np.ndarray, np.ndarray]:
    """Encoding by int16's bit pattern, decoding by byte (ITU-T G.711)."""
    s = np.arange(-32768, 32768)
    magnitude = np.minimum(np.abs(s), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(int) - 7
    code = ~((s < 0) * 0x80 | exponent << 4 | magnitude >> exponent + 3 & 15) & 255
    encode = np.zeros(65536, np.uint8)
    encode[s.astype(np.int16).view(np.uint16)] = code
    u = ~np.arange(256) & 255
    value = (((u & 15) << 3) + 132 << (u >> 4 & 7)) - 132
    return encode, np.where(u & 128, -value, value).astype(np.int16)


ULAW_ENCODE, ULAW_DECODE = ulaw_tables()


class Phone(asyncio.DatagramProtocol):
    """The SIP side's RTP socket: payloads into a queue."""

    def __init__(self, queue: asyncio.Queue[bytes]) -> None:
        self.queue = queue

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.queue.put_nowait(data[12:])


class PhoneTrack(MediaStreamTrack):
    """What the phone says, as a track for the browser."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.time = 0

    async def recv(self) -> av.AudioFrame:
        payload = await self.queue.get()
        samples = ULAW_DECODE[np.frombuffer(payload, np.uint8)]
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, self.time, fractions.Fraction(1, 8000)
        self.time += 160
        return frame


async def pump(track: MediaStreamTrack, phone: Phone, to: tuple[str, int]) -> None:
    """Browser to phone."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=8000)
    sequence = time = 0
    pending = np.zeros(0, np.int16)
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        for piece in resampler.resample(frame):
            pending = np.concatenate([pending, piece.to_ndarray()[0]])
        while len(pending) >= 160:
            samples, pending = pending[:160], pending[160:]
            payload = ULAW_ENCODE[samples.view(np.uint16)].tobytes()
            sequence, time = sequence + 1 & 0xFFFF, time + 160 & 0xFFFFFFFF
            phone.transport.sendto(RTP.pack(0x80, 0, sequence, time, 1) + payload, to)


class Calls:
    """Every call's peer connection and pump, held so that none is collected."""

    def __init__(self) -> None:
        self.alive: list[Any] = []

    async def connect(self, order: dict[str, Any]) -> dict[str, Any]:
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        track = PhoneTrack()
        transport, phone = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Phone(track.queue), local_addr=("127.0.0.1", 0)
        )
        to = ("127.0.0.1", order["port"])
        pc.on("track", lambda remote: self.alive.append(asyncio.ensure_future(pump(remote, phone, to))))
        pc.addTrack(track)
        await pc.setRemoteDescription(RTCSessionDescription(order["offer"], "offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        self.alive.append(pc)
        return {"answer": pc.localDescription.sdp, "port": transport.get_extra_info("sockname")[1]}


if __name__ == "__main__":
    loopback_only()
    asyncio.run(serve(Calls().connect))
