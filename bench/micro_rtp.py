"""What the path of a packet costs, without sockets and SRTP: two RtpMedia joined by a wire, in one process.

python -m bench.micro_rtp          microseconds of CPU per call-tick (20 ms of one call, both directions)
"""

from __future__ import annotations

import random
import time

import numpy as np

from bench.signal import speech
from media.clock import Clock
from media.codecs import decoder, encoder
from media.formats import OPUS, PCMA, PCMU, Format
from media.legs.rtp import RtpMedia
from media.rtp.packet import header
from media.sdp.negotiate import Negotiated

TICKS, ROUNDS = 1000, 5


def packets(format: Format, rate: int, ticks: int = TICKS) -> list[bytes]:
    codec = encoder(format.encoding, rate)
    size, step = rate // 50, format.clock_rate // 50
    sound = np.resize(speech(rate), ticks * size)
    return [
        header(format.payload_type, n == 0, n & 0xFFFF, n * step, 7) + codec.encode(sound[n * size : (n + 1) * size])
        for n in range(ticks)
    ]


def media(name: str, format: Format, clock: Clock) -> tuple[RtpMedia, list[bytes]]:
    sent: list[bytes] = []
    leg = RtpMedia(
        name,
        send_rtp=sent.append,
        send_rtcp=lambda data: None,
        emit=lambda event: None,
        clock=clock,
        random=random.Random(1).getrandbits,
    )
    agreed = Negotiated(
        format=format,
        payload_type=format.payload_type,
        receive={format.payload_type: format},
        fmtp={"useinbandfec": "1"},
    )
    leg.configure(agreed)
    leg.connected()
    return leg, sent


def call(one: Format, rate: int, other: Format) -> float:
    """Microseconds per call-tick, the best of some rounds."""
    best = float("inf")
    left, right = packets(one, rate), packets(other, 8000)
    for _ in range(ROUNDS):
        clock = Clock(manual=True)
        (a, to_a), (b, to_b) = media("a", one, clock), media("b", other, clock)
        a.connect(b)
        b.connect(a)
        started = time.process_time()
        for n in range(TICKS):
            a.receive_rtp(left[n], n * 0.02)
            b.receive_rtp(right[n], n * 0.02)
        spent = time.process_time() - started
        assert len(to_a) == len(to_b) == TICKS
        best = min(best, spent / TICKS * 1e6)
    return best


def beats() -> float:
    """Microseconds that the clock costs a call (two legs) in 20 ms."""
    clock = Clock(manual=True)
    for n in range(200):
        media(str(n), PCMU, clock)
    for _ in range(10):
        clock.advance(0.02)
    for customer in clock._fast:
        customer.__self__._sender._filling = False  # a stream that is never idle
        customer.__self__._sender._sent_at = clock.now() + 100
    started = time.process_time()
    clock.advance(2.0)
    return (time.process_time() - started) / 100 / 100 * 1e6


def codecs() -> float:
    """Microseconds of the same call in the codecs alone: what cannot be saved here."""
    opus, mu = packets(OPUS, 8000), packets(PCMU, 8000)
    best = float("inf")
    for _ in range(ROUNDS):
        d1, e1, d2, e2 = decoder("OPUS", 8000), encoder("PCMU", 8000), decoder("PCMU", 8000), encoder("OPUS", 8000)
        started = time.process_time()
        for n in range(TICKS):
            e1.encode(d1.decode(opus[n][12:]))
            e2.encode(d2.decode(mu[n][12:]))
        best = min(best, (time.process_time() - started) / TICKS * 1e6)
    return best


if __name__ == "__main__":
    alone = codecs()
    whole = call(OPUS, 8000, PCMU)
    print(f"Opus 8 kHz <-> PCMU   {whole:5.1f} us per call-tick, {alone:.1f} of them in the codecs")
    print(f"PCMU <-> PCMA         {call(PCMU, 8000, PCMA):5.1f}")
    print(f"PCMU <-> PCMU         {call(PCMU, 8000, PCMU):5.1f}")
    print(f"Opus <-> Opus         {call(OPUS, 8000, OPUS):5.1f}")
    print(f"the clock             {beats():5.1f}")
