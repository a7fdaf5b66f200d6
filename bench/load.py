"""The load: N browsers (aiortc for ICE and DTLS, then packets straight through) and N phones (plain RTP).

Every pair talks both ways all the time, 50 packets a second, spread over the 20 ms. Reports what arrived, how late, and
what the subject's process spent. The run is void when this generator itself falls behind.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import socket
import struct
import time
from typing import Any

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from bench.signal import ONSET, OnsetDetector, speech
from bench.subject import loopback_only
from media.codecs import decoder, encoder

RTP = struct.Struct("!BBHII")
MEASURED = 20
"""So many calls of each run carry delay meters (decoding costs the generator CPU)."""


def packets_of(encoding: str, rate: int) -> list[bytes]:
    """The signal as 20 ms payloads."""
    make = encoder(encoding, rate, bitrate=24_000, complexity=5) if encoding == "OPUS" else encoder(encoding, rate)
    pcm, size = speech(rate), rate // 50
    return [bytes(make.encode(pcm[i : i + size])) for i in range(0, len(pcm) - size + 1, size)]


class Browser:
    """A WebRTC peer: aiortc shakes hands, then SRTP packets come and go without its threads and tasks."""

    def __init__(self, encoding: str, on_packet: Any) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transceiver = self.pc.addTransceiver("audio", direction="sendrecv")
        wanted = {"OPUS": "audio/opus", "PCMU": "audio/PCMU"}[encoding]
        transceiver.setCodecPreferences(
            [c for c in RTCRtpSender.getCapabilities("audio").codecs if c.mimeType == wanted]
        )
        self.transceiver, self.on_packet = transceiver, on_packet
        self.ready = asyncio.Event()
        self.sequence = self.received = 0
        self.ssrc = transceiver.sender._ssrc
        transceiver.sender.send, transceiver.receiver.receive = self._send_started, self._receive_started

    async def _send_started(self, parameters: Any) -> None:
        self.payload_type = parameters.codecs[0].payloadType

    async def _receive_started(self, parameters: Any) -> None:
        dtls = self.transceiver.receiver.transport
        pair = dtls.transport._connection._nominated[1]
        self.protect, self.unprotect = dtls._tx_srtp.protect, dtls._rx_srtp.unprotect
        self.socket = socket.socket(fileno=os.dup(pair.protocol.transport.get_extra_info("socket").fileno()))
        self.socket.setblocking(False)
        self.address = pair.remote_addr
        pair.protocol.transport.set_protocol(Tap(pair.protocol, self._media))
        self.ready.set()

    def _media(self, data: bytes) -> None:
        if 63 < data[1] & 127 < 96:
            return
        plain = self.unprotect(data)
        self.received += 1
        self.on_packet(plain[12 + 4 * (plain[0] & 15) :])

    def send(self, payload: bytes, timestamp: int) -> None:
        self.sequence = self.sequence + 1 & 0xFFFF
        header = RTP.pack(0x80, self.payload_type, self.sequence, timestamp & 0xFFFFFFFF, self.ssrc)
        try:
            self.socket.sendto(self.protect(header + payload), self.address)
        except BlockingIOError:
            pass


class Tap:
    """Sits in front of aioice's datagram protocol: media to us, the rest to it."""

    def __init__(self, inner: Any, on_media: Any) -> None:
        self.inner, self.on_media = inner, on_media

    def datagram_received(self, data: bytes, address: Any) -> None:
        if 127 < data[0] < 192:
            self.on_media(data)
        else:
            self.inner.datagram_received(data, address)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Pair:
    """One call's two ends."""

    def __init__(self, index: int, encoding: str, browser_packets: list[bytes], phone_packets: list[bytes]) -> None:
        self.measured = index < MEASURED
        self.step = index * 7 % 50
        self.encoding = encoding
        self.browser_packets, self.phone_packets = browser_packets, phone_packets
        self.ticks = 960 if encoding == "OPUS" else 160
        self.browser = Browser(encoding, self.on_browser)
        self.phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.phone.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        self.phone.bind(("127.0.0.1", 0))
        self.phone.setblocking(False)
        self.phone_received = 0
        self.onset = 0.0
        self.to_browser, self.to_phone = OnsetDetector(), OnsetDetector()
        self.browser_decoder = decoder(encoding, 8000)
        self.phone_decoder = decoder("PCMU", 8000)

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pc = self.browser.pc
        asyncio.get_running_loop().add_reader(self.phone.fileno(), self.on_phone)
        await pc.setLocalDescription(await pc.createOffer())
        order = {"offer": pc.localDescription.sdp, "port": self.phone.getsockname()[1]}
        writer.write(json.dumps(order).encode() + b"\n")
        await writer.drain()
        answer = json.loads(await reader.readline())
        self.to = ("127.0.0.1", answer["port"])
        await pc.setRemoteDescription(RTCSessionDescription(answer["answer"], "answer"))
        await asyncio.wait_for(self.browser.ready.wait(), 20)

    def tick(self) -> None:
        k, self.step = self.step, self.step + 1
        if k % 50 == ONSET:
            self.onset = time.perf_counter()
        self.browser.send(self.browser_packets[k % len(self.browser_packets)], self.step * self.ticks)
        header = RTP.pack(0x80, 0, self.step & 0xFFFF, self.step * 160, 9)
        try:
            self.phone.sendto(header + self.phone_packets[k % len(self.phone_packets)], self.to)
        except BlockingIOError:
            pass

    def on_phone(self) -> None:
        try:
            while True:
                data = self.phone.recv(2048)
                if data[1] & 127:
                    continue
                self.phone_received += 1
                if self.measured:
                    self._feed(self.to_phone, self.phone_decoder, data[12:])
        except BlockingIOError:
            pass

    def on_browser(self, payload: bytes) -> None:
        if self.measured:
            self._feed(self.to_browser, self.browser_decoder, payload)

    def _feed(self, detector: OnsetDetector, codec: Any, payload: bytes) -> None:
        peak = int(np.abs(codec.decode(payload).astype(np.int32)).max(initial=0))
        detector.feed(peak, time.perf_counter(), self.onset)

    def counts(self) -> tuple[int, int, int]:
        return self.step, self.phone_received, self.browser.received


async def run(port: int, calls: int, seconds: float, encoding: str) -> dict[str, Any]:
    """Connect, warm up, measure; the row's figures."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)

    async def ask(command: str) -> dict[str, Any]:
        writer.write(json.dumps({"cmd": command}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
        return answer

    browser_packets, phone_packets = packets_of(encoding, 8000), packets_of("PCMU", 8000)
    before = await ask("stats")
    pairs = []
    for index in range(calls):
        pair = Pair(index, encoding, browser_packets, phone_packets)
        await pair.connect(reader, writer)
        pairs.append(pair)
    connected = await ask("stats")
    talking = asyncio.create_task(talk(pairs))
    await asyncio.sleep(3)
    await ask("freeze")
    gc.collect()
    gc.freeze()
    start, wall, own = await ask("stats"), time.perf_counter(), time.process_time()
    counts = [pair.counts() for pair in pairs]
    for pair in pairs:
        pair.to_browser.delays.clear()
        pair.to_phone.delays.clear()
    await asyncio.sleep(seconds)
    ends = [pair.counts() for pair in pairs]
    own = time.process_time() - own
    end = await ask("stats")
    wall = time.perf_counter() - wall
    talking.cancel()
    sent, to_phone, to_browser = (sum(e[i] - c[i] for e, c in zip(ends, counts, strict=True)) for i in range(3))
    cpu = end["cpu"] - start["cpu"]
    to_phone_ms = [d for pair in pairs for d in pair.to_phone.delays]
    to_browser_ms = [d for pair in pairs for d in pair.to_browser.delays]
    both = to_phone_ms + to_browser_ms
    return {
        "calls": calls,
        "us_per_call_tick": round(cpu / sent * 1e6, 1),
        "calls_per_core": round(sent / cpu / 50, 1),
        "loss": round(max(0.0, 1 - min(to_phone, to_browser) / sent), 5),
        "delay_p50_ms": percentile(both, 50),
        "delay_p99_ms": percentile(both, 99),
        "delay_to_phone_p50_ms": percentile(to_phone_ms, 50),
        "delay_to_browser_p50_ms": percentile(to_browser_ms, 50),
        "lateness_p99_ms": end["lateness_p99_ms"],
        "threads": end["threads"],
        "rss_mb": end["rss_mb"],
        "setup_ms_cpu": round((connected["cpu"] - before["cpu"]) / calls * 1000, 2),
        "core_percent": round(cpu / wall * 100, 1),
        "generator_percent": round(own / wall * 100, 1),
        "packets_per_second": round(sent / wall / calls, 2),
    }


async def talk(pairs: list[Pair]) -> None:
    """20 groups, one a millisecond.

    It polls instead of sleeping: on loopback the kernel charges the waking of a sleeper to whoever sends, and the
    gateway under test would pay for our sleep with every packet. A network card does no such thing.
    """
    groups = [pairs[g::20] for g in range(20)]
    due, step = time.perf_counter(), 0
    while True:
        for pair in groups[step % 20]:
            pair.tick()
        step += 1
        due += 0.001
        while time.perf_counter() < due:  # noqa: ASYNC110 - polling is the point
            await asyncio.sleep(0)


def percentile(values: list[float], q: float) -> float | None:
    return round(float(np.percentile(values, q)), 2) if values else None


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("calls", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("encoding")
    arguments = parser.parse_args()
    import uvloop

    loopback_only()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(
            json.dumps(runner.run(run(arguments.port, arguments.calls, arguments.seconds, arguments.encoding))),
            flush=True,
        )
    os._exit(0)
