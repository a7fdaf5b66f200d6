"""Leaving gently: what is refused, what goes on, when it is over, and what a second signal does."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp

from gateway.ops.drain import Drain, drain
from gateway.ops.lifecycle import run
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE
from tests.kit.raw_phone import RawPhone, header


class Calls:
    def __init__(self, number):
        self.number, self.draining = number, False

    def __len__(self):
        return self.number

    def drain(self):
        self.draining = True


def test_it_is_over_when_no_call_is_left_or_the_time_is_gone(caplog):
    caplog.set_level("INFO", "tandem")
    state = Drain(60.0, now=100.0)
    assert state.look(100.0, 2)
    assert state.look(100.5, 2)
    assert state.look(101.0, 1)  # news, but too soon after the last
    assert state.look(110.0, 1)
    assert not state.look(111.0, 0)
    assert [r.getMessage() for r in caplog.records] == [
        "draining: no new calls; 2 calls live, at most 60 s more",
        "draining: no new calls; 1 call live, at most 50 s more",
        "draining: no call is left",
    ]
    caplog.clear()
    state = Drain(60.0, now=100.0)
    assert state.look(159.9, 3)
    assert not state.look(160.0, 3)
    assert caplog.messages[-1] == "draining: the time is over, 3 calls still live"


async def test_no_time_is_no_drain():
    calls = Calls(3)
    await drain(calls, 0.0, asyncio.Event())
    assert not calls.draining


async def test_it_waits_for_the_last_call():
    calls = Calls(1)
    waiting = asyncio.create_task(drain(calls, 3600.0, asyncio.Event()))
    await asyncio.sleep(0)
    assert calls.draining
    assert not waiting.done()
    calls.number = 0
    await waiting


async def test_who_is_in_a_hurry_does_not_wait():
    hurry = asyncio.Event()
    waiting = asyncio.create_task(drain(Calls(1), 3600.0, hurry))
    await asyncio.sleep(0)
    hurry.set()
    await waiting


class Program:
    """Notes what it is told; drains until it is hurried, and stops as long as `stop_for`."""

    def __init__(self, signals, stop_for=0.0):
        self.signals, self.stop_for, self.told = list(signals), stop_for, []

    def signal(self):
        if self.signals:
            os.kill(os.getpid(), self.signals.pop(0))

    async def start(self):
        self.told.append("start")

    async def drain(self, hurry):
        self.told.append("drain")
        self.signal()
        await hurry.wait()

    async def stop(self):
        self.told.append("stop")
        self.signal()
        await asyncio.sleep(self.stop_for)


def in_a_process(lines: str) -> subprocess.CompletedProcess[bytes]:
    root = Path(__file__).resolve().parents[3]
    env = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.run([sys.executable, "-c", lines], cwd=root, capture_output=True, timeout=50, env=env)


def test_the_first_signal_drains_the_second_stops():
    program = Program([signal.SIGTERM, signal.SIGINT])
    run(program, ready=program.signal, stopping=lambda: program.told.append("stopping"))
    assert program.told == ["start", "drain", "stopping", "stop"]


def test_a_start_that_hangs_can_be_ended_too():
    lines = """\
import asyncio, signal
from tests.gateway.ops.test_drain import Program, run
class Hangs(Program):
    async def start(self):
        for _ in self.signals[:]:
            self.signal()
            await asyncio.sleep(0.05)
        await asyncio.sleep(60)
run(Hangs([signal.SIGINT] * 2), ready=print, stopping=print)
"""
    done = in_a_process(lines)
    assert (done.returncode, done.stdout) == (130, b""), done.stderr


def test_a_third_does_not_wait_for_anything():
    lines = """\
import signal
from tests.gateway.ops.test_drain import Program, run
program = Program([signal.SIGTERM] * 3, stop_for=60)
run(program, ready=program.signal, stopping=lambda: print("stopping", flush=True))
"""
    done = in_a_process(lines)
    assert done.returncode == 130, done.stderr
    assert done.stdout == b"stopping\n"


# ---------------------------------------------------------------- a whole gateway


def office(drain: float) -> str:
    open_door = OFFICE.replace("media_timeout = 5", "media_timeout = 0").replace("[sip]", "[sip]\nchallenge = false")
    return open_door.replace("[server]", f"[server]\ndrain = {drain}")


async def look(gateway: Gateway, path: str) -> tuple[int, dict, str]:
    async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}{path}") as answer:
        return answer.status, await answer.json(), answer.headers.get("Retry-After", "")


async def draining(gateway: Gateway) -> None:
    """It has been told to stop, and has understood."""
    gateway.process.send_signal(signal.SIGTERM)
    for _ in range(200):
        if (await look(gateway, "/readyz"))[0] == 503:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not drain")


async def ended(gateway: Gateway) -> int:
    return await asyncio.wait_for(gateway.process.wait(), 15)


async def test_live_calls_go_on_and_new_ones_are_refused(tmp_path):
    async with Gateway(tmp_path, config=office(600)) as gateway:
        server = ("127.0.0.1", gateway.sip)
        with RawPhone(server) as phone, RawPhone(server) as late:
            assert (await phone.invite("600")).startswith("SIP/2.0 200")
            status, body, _ = await look(gateway, "/readyz")
            assert (status, body) == (200, {"ready": True, "status": "ok", "calls": 1, "warnings": []})
            await draining(gateway)
            refusal = await late.invite("600")
            assert refusal.startswith("SIP/2.0 503 The gateway is about to be stopped")
            assert int(header(refusal, "Retry-After")) > 0
            assert (await look(gateway, "/healthz"))[:2] == (
                200, {"status": "draining", "browser_sessions": 0, "calls": 1},
            )  # fmt: skip
            assert await look(gateway, "/readyz") == (
                503, {"ready": False, "status": "draining", "calls": 1, "warnings": []}, "30",
            )  # fmt: skip
            assert (await gateway.metrics())["tandem_draining"] == 1
            assert gateway.process.returncode is None
            assert (await phone.bye()).startswith("SIP/2.0 200")
        assert await ended(gateway) == 0
        assert "draining: no new calls; 1 call live" in gateway.log
        assert "draining: no call is left" in gateway.log


async def test_a_second_signal_ends_the_calls(tmp_path):
    async with Gateway(tmp_path, config=office(600)) as gateway:
        with RawPhone(("127.0.0.1", gateway.sip)) as phone:
            await phone.invite("600")
            await draining(gateway)
            gateway.process.send_signal(signal.SIGTERM)
            bye = await phone.receive("BYE ")
            assert 'text="stopping"' in header(bye, "Reason")
        assert await ended(gateway) == 0
        assert "told to hurry, 1 call still live" in gateway.log


async def test_the_time_ends_them_too(tmp_path):
    async with Gateway(tmp_path, config=office(0.5)) as gateway:
        with RawPhone(("127.0.0.1", gateway.sip)) as phone:
            await phone.invite("600")
            gateway.process.send_signal(signal.SIGTERM)
            await phone.receive("BYE ")
        assert await ended(gateway) == 0
        assert "the time is over, 1 call still live" in gateway.log


async def test_by_default_calls_end_at_once(tmp_path):
    async with Gateway(tmp_path, config=office(0)) as gateway:
        with RawPhone(("127.0.0.1", gateway.sip)) as phone:
            await phone.invite("600")
            gateway.process.send_signal(signal.SIGTERM)
            await phone.receive("BYE ")
        assert await ended(gateway) == 0
        assert "draining" not in gateway.log
