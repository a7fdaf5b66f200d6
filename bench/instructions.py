"""What a call costs in instructions, which no neighbour on the machine can disturb: the whole path under callgrind.

python -m bench.instructions          instructions and cache misses per call-tick (20 ms of one call, both directions)

Browsers and phones talk through real sockets and real SRTP keys; only the handshakes are left out. Counted is
all between a datagram's arrival and the departure of its successor, the clock's beats too; the kernel, the event loop
and whoever makes the load are not. The caches that are imitated are empty at the beginning of each burst, so their
misses are more than a real processor's: compare them between two versions, believe none by itself.
"""

from __future__ import annotations

import asyncio
import functools
import operator
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pylibsrtp

from bench.micro_rtp import packets
from media.clock import Clock
from media.formats import OPUS, PCMU, Format
from media.ice.states import State
from media.ice.transport import Handlers
from media.legs.rtp import RtpMedia
from media.legs.sip import SipLeg
from media.net import udp, webrtc_listener
from media.net.lite_transport import LiteTransport
from media.net.ports import PortPool
from media.net.srtp import keyed
from media.net.webrtc_listener import WebrtcListener
from media.sdp.negotiate import Negotiated

CALLS, WARM, COUNTED = 20, 12, 12
TICKS = 25 + WARM + COUNTED  # the signal begins with half a second of near silence
BURST = 5
"""Calls whose packets come in the same millisecond: a hundred calls spread over 20 ms."""
LIBRARIES = {
    "python": "^(lib)?python",
    "libopus": "opus",
    "libsrtp": "srtp|crypto|_binding",
    "numpy": "multiarray|numpy",
    "ctypes, cffi": "ctypes|cffi|ffi",
    "libc": r"libc[.-]|ld-linux|libpthread|libm[.-]",
}
SCENARIOS = {"transcode": OPUS, "passthrough": PCMU}
CACHE = ("--cache-sim=yes", "--D1=32768,8,64", "--LL=1048576,16,64")
_time = [100.0]
now = functools.partial(operator.getitem, _time, 0)
"""The time, which under valgrind would run away."""


def policy(inbound: bool) -> pylibsrtp.Session:
    kind = pylibsrtp.Policy.SSRC_ANY_INBOUND if inbound else pylibsrtp.Policy.SSRC_ANY_OUTBOUND
    return pylibsrtp.Session(pylibsrtp.Policy(bytes(range(30)), kind))


def agreed(format: Format) -> Negotiated:
    kind = format.payload_type or 0
    return Negotiated(format=format, payload_type=kind, receive={kind: format}, fmtp={"useinbandfec": "1"})


class Call:
    """A browser's transport and RTP, and a phone's leg; both far ends are plain sockets."""

    def __init__(self, n: int, listener: WebrtcListener, clock: Clock, pool: PortPool, format: Format) -> None:
        self.browser, self.phone = udp.bind("127.0.0.1", 0), udp.bind("127.0.0.1", 0)
        self.srtp = policy(False)
        common = {"emit": lambda event: None, "clock": clock, "random": random.Random(n).getrandbits}
        self.media = RtpMedia(f"b{n}", send_rtp=lambda packet: None, send_rtcp=lambda data: None, **common)
        nothing = lambda *what: None  # noqa: E731
        transport = listener.open(Handlers(self.media.receive_rtp, nothing, nothing, nothing))
        assert isinstance(transport, LiteTransport)
        transport.state, transport._srtp = State.CONNECTED, keyed(policy(False), policy(True))
        transport._to = self.browser.getsockname()
        transport._route_source(self.browser.getsockname())
        self.media.route(transport.send_rtp)
        self.media.playback_rate(8000)
        self.leg = SipLeg(f"p{n}", pool=pool, host="127.0.0.1", advertised="127.0.0.1", formats=(PCMU,), **common)
        self.leg._latch.state(self.phone.getsockname())
        for media, its in ((self.media, format), (self.leg.media, PCMU)):
            media.configure(agreed(its))
            media.connected()
        self.media.connect(self.leg)
        self.leg.connect(self.media)
        self.to, self.port = listener.address, ("127.0.0.1", self.leg.port)

    def speak(self, browser: bytes, phone: bytes) -> None:
        self.browser.sendto(self.srtp.protect(browser), self.to)
        self.phone.sendto(phone, self.port)

    def hear(self) -> int:
        return sum(map(received, (self.browser, self.phone)))


def received(one: socket.socket) -> int:
    count = 0
    try:
        while one.recv(2048):
            count += 1
    except BlockingIOError:
        return count
    return count


def ask(word: str) -> None:
    """Have the other process turn the counting on or off."""
    print(word, flush=True)
    sys.stdin.readline()


async def talk(scenario: str) -> None:
    """What runs under valgrind."""
    udp._now = now
    webrtc_listener.time = SimpleNamespace(perf_counter=now)  # type: ignore[assignment]
    clock = Clock(manual=True)
    clock.now = now
    clock._manual_now = now()
    format = SCENARIOS[scenario]
    listener = WebrtcListener(random=random.Random(7).getrandbits)
    pool = PortPool(20_000, 60_000)
    calls = [Call(n, listener, clock, pool, format) for n in range(CALLS)]
    said = list(zip(packets(format, 8000, TICKS)[25:], packets(PCMU, 8000, TICKS)[25:], strict=True))
    heard = 0
    for n in range(WARM + COUNTED):
        _time[0] += 0.02
        for start in range(0, CALLS, BURST):
            together = calls[start : start + BURST]
            for call in together:
                call.speak(*said[n])
            if n >= WARM:
                ask("on")
            if not start:
                clock.tick(now())
            listener._readable()
            for call in together:
                call.leg._rtp._readable()
            if n >= WARM:
                ask("off")
            came = sum(map(Call.hear, together))
            heard += came if n >= WARM else 0
    assert heard >= 2 * CALLS * COUNTED, f"{heard} packets came out, {2 * CALLS * COUNTED} went in"


def read(lines: Iterable[str]) -> dict[str, Counter[str]]:
    """Self cost by object and event of a callgrind file (its lines `calls=` are followed by an inclusive cost)."""
    names: dict[str, str] = {}
    spent: dict[str, Counter[str]] = defaultdict(Counter)
    events: list[str] = []
    where, skip = "", False
    for line in lines:
        if line.startswith("events:"):
            events = line.split()[1:]
        elif found := re.match(r"ob=(\(\d+\))(?: (.*))?$", line):
            where = names.setdefault(found[1], found[2] or "")
        elif found := re.match(r"cob=(\(\d+\)) (.*)$", line):
            names[found[1]] = found[2]
        elif line.startswith("calls="):
            skip = True
        elif line[:1].isdigit() or line[:1] in "+-*":
            if not skip:
                spent[where].update(dict(zip(events, map(int, line.split()[1:]), strict=False)))
            skip = False
    return spent


def count(scenario: str) -> dict[str, Counter[str]]:
    """Run it under valgrind; costs by library."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", *CACHE, f"--callgrind-out-file={out}"]
        process = subprocess.Popen(
            [*command, sys.executable, "-m", "bench.instructions", scenario],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        for word in process.stdout:
            control = ["vgdb", f"--pid={process.pid}", "instrumentation", word.strip()]
            subprocess.run(control, check=True, capture_output=True)
            process.stdin.write("\n")
        words = process.stderr.read()
        if process.wait():
            raise SystemExit(f"the run under valgrind failed:\n{words[-2000:]}")
        by_object = read(out.read_text().splitlines())
    shares: dict[str, Counter[str]] = defaultdict(Counter)
    for path, spent in by_object.items():
        name = next((name for name, pattern in LIBRARIES.items() if re.search(pattern, Path(path).name)), "the rest")
        shares[name].update(spent)
    return shares


def table(scenario: str, shares: dict[str, Counter[str]]) -> str:
    ticks = CALLS * COUNTED
    lines = [f"{scenario:22}{'instructions':>14}{'L1 misses':>12}{'L2 misses':>12}   per call-tick"]
    whole: Counter[str] = Counter()
    for name, spent in sorted(shares.items(), key=lambda item: -item[1]["Ir"]):
        whole.update(spent)
        lines.append(_line(name, spent, ticks))
    return "\n".join([*lines, _line("all", whole, ticks)])


def _line(name: str, spent: Counter[str], ticks: int) -> str:
    near = sum(spent[key] for key in ("I1mr", "D1mr", "D1mw"))
    far = sum(spent[key] for key in ("ILmr", "DLmr", "DLmw"))
    return f"  {name:20}{spent['Ir'] / ticks:14,.0f}{near / ticks:12,.1f}{far / ticks:12,.1f}"


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] in SCENARIOS:
        asyncio.run(talk(sys.argv[1]))
        return
    if shutil.which("valgrind") is None:
        print("SKIPPED: valgrind is not installed (Debian: apt-get install valgrind)")
        return
    for scenario in SCENARIOS:
        print(table(scenario, count(scenario)), flush=True)


if __name__ == "__main__":
    main()
