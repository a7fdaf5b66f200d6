"""The page alone, in a real Chromium: our web server and hub, and a switchboard in place of the gateway.

The switchboard runs in a thread of its own with an aiortc peer per call: it answers numbers, rings the page, plays a
tone and listens for one. The microphone of the browser is a tone of 620 Hz.
"""

from __future__ import annotations

import asyncio
import fractions
import math
import os
import shutil
import threading
import time
import wave
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar

import aioice.ice
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame

from gateway.api.config import WebConfig
from gateway.api.login import UserInfo
from gateway.api.server import WebServer, browser_hub
from gateway.api.turn import IceServers
from signaling.browser import events as e
from signaling.browser.config import BrowserConfig
from signaling.browser.session import Session

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream",
]
MIC_HZ = 620
PLAYED_HZ = 1250
USERS = {"alice": ("wonder", "Alice Liddell", "101"), "bob": ("builder", "Bob Builder", "102")}
DEMO = {
    "accounts": [{"user": u, "password": p, "display": d, "extension": x} for u, (p, d, x) in USERS.items()],
    "numbers": [
        {"number": "600", "title": "Echo", "words": "Hear yourself"},
        {"number": "601", "title": "Tones and digits", "words": "Every tone, every spoken digit"},
        {"number": "602", "title": "Music", "words": "Sit back"},
        {"number": "603", "title": "Record and play", "words": "Say something, hear it again"},
    ],
}


def microphone(path: Path) -> Path:
    """A WAV for the fake microphone."""
    t = np.arange(48_000 * 10) / 48_000
    samples = (np.sin(2 * math.pi * MIC_HZ * t) * 12_000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(samples.tobytes())
    return path


class Tone(MediaStreamTrack):
    """20 ms frames of a sine."""

    kind = "audio"

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self._hertz = hertz
        self._at = 0
        self._start = time.monotonic()

    async def recv(self) -> AudioFrame:
        await asyncio.sleep(max(0.0, self._start + self._at / 48_000 - time.monotonic()))
        t = (np.arange(960) + self._at) / 48_000
        samples = (np.sin(2 * math.pi * self._hertz * t) * 8_000).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.pts, frame.sample_rate, frame.time_base = self._at, 48_000, fractions.Fraction(1, 48_000)
        self._at += 960
        return frame


def loudest(samples: np.ndarray, rate: int) -> float:
    """The strongest frequency, Hz; 0 in silence."""
    if len(samples) < rate // 10 or np.abs(samples).max() < 100:
        return 0.0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


class Party:
    """The gateway's end of one call."""

    def __init__(self, session: Session, call: str) -> None:
        self.session = session
        self.call = call
        self.pc: RTCPeerConnection | None = None
        self.heard: list[np.ndarray] = []
        self.digits = ""
        self.offers = 0

    def peer(self) -> RTCPeerConnection:
        """A new peer connection; an older one stays until this one has taken over."""
        pc = self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        pc.addTrack(Tone(PLAYED_HZ))
        pc.on("track", lambda track: asyncio.ensure_future(self._listen(track)))
        return pc

    async def _listen(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                self.heard.append(frame.to_ndarray().reshape(-1, 2)[:, 0].copy())
                del self.heard[:-50]
        except Exception:
            return  # the track has ended

    def tone(self) -> float:
        """What the microphone sounds like here, over the last half second."""
        return loudest(np.concatenate(self.heard[-25:]), 48_000) if len(self.heard) >= 25 else 0.0

    async def accept(self, offer: str) -> str:
        self.offers += 1
        old, pc = self.pc, self.peer()
        await pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        if old:
            await old.close()
        self.heard.clear()
        return str(pc.localDescription.sdp)

    async def aclose(self) -> None:
        if self.pc:
            await self.pc.close()


class Switchboard:
    """Plays the gateway. Numbers: "600" answers, "ring" rings for ever, "busy" and "nobody" say why not."""

    WORDS: ClassVar = {
        "busy": ("busy", "Bob is on another call. Try again later.", 486),
        "declines": ("declined", "The call was declined.", 603),
        "away": ("no-answer", "Nobody answered.", 480),
        "101": ("unreachable", "101 is your own number.", 480),
        "nobody": ("unknown-number", "There is no number 'nobody' here. Check it and try again.", 404),
    }

    def __init__(self, **limits: Any) -> None:
        self.parties: dict[str, Party] = {}
        self.events: list[str] = []
        self.sessions: list[Session] = []
        self._limits = BrowserConfig(**limits)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids = 0
        self.port = 0

    # -- from the test's thread --------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def start(self) -> None:
        self._thread.start()
        self.run(self._start())

    def stop(self) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def go_down(self) -> None:
        """The server stops, politely."""
        self.run(self.server.aclose())

    def come_back(self) -> None:
        """On the same port, having forgotten every session."""
        self.run(self._start())

    def cut(self) -> None:
        """Break every socket as a network would: no close frame."""

        async def work() -> None:
            for connection in list(self.server._runner.server.connections):  # type: ignore[union-attr]
                if connection.transport is not None:
                    connection.transport.abort()

        self.run(work())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def wait(self, what: Callable[[], Any], words: str, within: float = 8.0) -> Any:
        end = time.monotonic() + within
        while not (found := what()):
            assert time.monotonic() < end, f"waited in vain: {words}; events: {self.events}"
            time.sleep(0.02)
        return found

    def party(self, number: int = -1) -> Party:
        return list(self.parties.values())[number]

    def ring(self, user: str = "alice", from_: str = "sip:bob@example.com", display: str = "Bob Builder") -> Party:
        return self.run(self._ring(user, from_, display))

    def tell(self, party: Party, verb: str, *values: Any) -> None:
        """A verb of the session, in its own thread."""

        async def work() -> None:
            getattr(party.session, verb)(party.call, *values)

        self.run(work())

    # -- in the switchboard's thread ---------------------------------------------------------------

    async def _start(self) -> None:
        config = WebConfig(b"k" * 32, port=self.port, demo=DEMO, stop_grace=0.5)
        hub = browser_hub(config, self._limits, IceServers((), None, time.time))
        self.server = WebServer(config, hub, self._authenticate, self._on_event)
        await self.server.start()
        self.port = int(self.server.urls[0].rstrip("/").rsplit(":", 1)[1])

    async def _stop(self) -> None:
        await self.server.aclose()
        await asyncio.wait_for(asyncio.gather(*self._tasks, return_exceptions=True), 5)
        for party in list(self.parties.values()):
            await party.aclose()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0.05)  # transports close on a later turn of the loop

    def _authenticate(self, user: str, password: str) -> UserInfo | None:
        known = USERS.get(user)
        return UserInfo(user, known[1], known[2]) if known and known[0] == password else None

    def _on_event(self, session: Session, event: e.BrowserEvent) -> None:
        self.events.append(type(event).__name__)
        task = self._loop.create_task(self._act(session, event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _act(self, session: Session, event: e.BrowserEvent) -> None:
        match event:
            case e.SessionOpened():
                self.sessions.append(session)
            case e.CallRequested():
                await self._dialled(session, event)
            case e.CallAnswered(call=call, sdp=sdp):
                pc = self.parties[call].pc
                assert pc
                await pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
                session.answered(call)
            case e.Offered(call=call, sdp=sdp):
                session.sdp_answer(call, await self.parties[call].accept(sdp))
            case e.DigitsDialled(call=call, digits=digits):
                self.parties[call].digits += digits
            case e.HoldChanged(call=call, on=on):
                session.held(call, "me", on)
            case e.HungUp(call=call) | e.CallDeclined(call=call):
                await self.parties.pop(call).aclose()
            case e.SessionClosed(calls=calls):
                for call in calls:
                    await self.parties.pop(call).aclose()

    async def _dialled(self, session: Session, event: e.CallRequested) -> None:
        party = self.parties[event.call] = Party(session, event.call)
        if event.to in self.WORDS:
            cause, words, status = self.WORDS[event.to]
            del self.parties[event.call]
            session.ended(event.call, cause, words, status)
            return
        answer = await party.accept(event.sdp)
        session.progress(event.call, "early", answer)
        if event.to != "ring":
            session.answered(event.call)

    async def _ring(self, user: str, from_: str, display: str) -> Party:
        session = self.server.hub.sessions_of(user)[0]
        self._ids += 1
        party = self.parties[f"leg-{self._ids}"] = Party(session, f"leg-{self._ids}")
        pc = party.peer()
        await pc.setLocalDescription(await pc.createOffer())
        session.incoming(party.call, from_, display, str(pc.localDescription.sdp))
        return party


def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have aioice offer 127.0.0.1, which it would skip: nothing leaves the machine."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
