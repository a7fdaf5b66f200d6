"""sipp as caller and as callee, with digest, through 5 % seeded loss on both sides: none lost, nothing left behind.

1,000 calls; `make soak` (SOAK=1) places 10,000.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from tests.kit.gateway import Gateway
from tests.kit.lossy_relay import LossyRelay
from tests.kit.office import OFFICE
from tests.kit.ports import own_network

MISSING = "" if shutil.which("sipp") else "sipp (Debian: sip-tester) is not installed"
pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

SCENARIOS = Path(__file__).parent / "sipp"
CALLS = int(os.environ.get("SOAK_CALLS") or (10_000 if os.environ.get("SOAK") else 1_000))
RATE = 40
LOSS = 0.05
GROWTH = 32 * 1024
"""KiB; the same bound for 1,000 and for 10,000 calls: what the transactions of the last 32 s take at this rate."""

TRUNK = """
[[trunks]]
name = "sipp"
server = "sip:{callee}"
user = "gw"
password = "gwsecret"
register = false

[[routes]]
match = "2XX"
to = ["trunk:sipp"]
"""


def prepare(folder: Path) -> BinaryIO:
    """sipp's working folder, with the sound it plays; returns its log."""
    folder.mkdir()
    (folder / "tone.ulaw").write_bytes((np.arange(8000) % 32 * 8).astype(np.uint8).tobytes())
    return (folder / "sipp.log").open("wb")


async def sipp(folder: Path, *args: str) -> asyncio.subprocess.Process:
    with prepare(folder) as log:
        return await asyncio.create_subprocess_exec(
            "sipp",
            *args,
            *("-nostdin", "-trace_err", "-trace_stat", "-stf", "stat.csv", "-bind_local"),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def errors(folder: Path) -> str:
    return "".join(path.read_text(errors="replace")[-1500:] for path in folder.glob("*errors.log"))


def counts(folder: Path) -> dict[str, str]:
    """The last line of sipp's statistics."""
    lines = (folder / "stat.csv").read_text().splitlines()
    return dict(zip(lines[0].split(";"), lines[-1].split(";"), strict=False))


def unusual(gateway: Gateway) -> str:
    """What the gateway says of calls that it did not end as usual."""
    return "\n".join(line for line in gateway.log.splitlines() if "ended: " in line and "ended: normal" not in line)


LEFT_BEHIND = (
    "tandem_calls",
    "tandem_sip_dialogs",
    "tandem_sip_transactions",
    "tandem_media_legs",
    "tandem_rtp_ports",
    "tandem_tasks",
)


async def left_behind(gateway: Gateway) -> dict[str, float]:
    metrics = await gateway.metrics()
    return {name: metrics[name] for name in LEFT_BEHIND}


@pytest.mark.timeout(1200 if os.environ.get("SOAK") else 240)
async def test_no_call_is_lost_and_nothing_is_left_behind(tmp_path):
    caller_host, callee_host, relay_host = (f"{own_network()}.{n}" for n in (1, 2, 3))
    async with LossyRelay((callee_host, 5060), loss=LOSS, seed=2, listen=(relay_host, 0)) as to_callee:
        callee = f"{to_callee.address[0]}:{to_callee.address[1]}"
        config = OFFICE.replace(
            "ring_timeout = 4", "ring_timeout = 30\nmax_calls_per_user = 300\ncall_rate = 100"
        ) + TRUNK.replace("{callee}", callee)
        async with (
            Gateway(tmp_path, config=config) as gateway,
            LossyRelay(("127.0.0.1", gateway.sip), loss=LOSS, seed=1) as to_gateway,
        ):
            uas = await sipp(
                tmp_path / "callee",
                *(
                    "-sf",
                    str(SCENARIOS / "uas.xml"),
                    "-i",
                    callee_host,
                    "-p",
                    "5060",
                    "-mi",
                    callee_host,
                    "-mp",
                    "6000",
                ),
                *("-rtp_echo", "-key", "contact", callee, "-default_behaviors", "all,-abortunexp"),
            )
            try:
                await asyncio.sleep(0.5)
                before, at_rest = await left_behind(gateway), gateway.resources()

                async def place(calls: int, name: str) -> int:
                    front = f"{to_gateway.address[0]}:{to_gateway.address[1]}"
                    uac = await sipp(
                        tmp_path / name,
                        *("-sf", str(SCENARIOS / "uac.xml"), "-i", caller_host, "-p", "5060", "-mi", caller_host),
                        *("-s", "200", "-key", "fromuser", "alice", "-au", "alice", "-ap", "alice-secret"),
                        *("-r", str(RATE), "-m", str(calls), "-d", "700", front),
                    )
                    return await uac.wait()

                # what the first calls load and cache for good is not a leak
                warm = 100
                assert await place(warm, "warm") == 0, errors(tmp_path / "warm")
                await asyncio.sleep(2)
                warm_rss = gateway.resources()["rss"]
                assert await place(CALLS, "caller") == 0, (
                    f"{unusual(gateway)}\n{counts(tmp_path / 'caller')}\n{errors(tmp_path / 'caller')}"
                )
                done = counts(tmp_path / "caller")
                assert int(done["SuccessfulCall(C)"]) == CALLS
                assert int(done["FailedCall(C)"]) == 0
                assert to_gateway.dropped > 0.03 * to_gateway.forwarded
                # transactions over UDP live on for 64 * T1 = 32 s to absorb retransmissions (RFC 3261 17.1.2.2, 17.2.2)
                for _ in range(90):
                    if await left_behind(gateway) == before:
                        break
                    await asyncio.sleep(0.5)
                assert await left_behind(gateway) == before
                after = gateway.resources()
                assert after["fds"] <= at_rest["fds"] + 2
                assert after["rss"] - warm_rss < GROWTH, f"memory grew from {warm_rss} to {after['rss']} KiB"
            finally:
                uas.terminate()
                await uas.wait()
            taken = counts(tmp_path / "callee")
            assert int(taken["FailedCall(C)"]) == 0, errors(tmp_path / "callee")
