"""What every gateway under test shares: a line of JSON in, a line of JSON out, and its own CPU and lateness meters."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aioice.ice
import numpy as np

Connect = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


def loopback_only() -> None:
    """aioice offers every address but 127.0.0.1; the load must stay on exactly that one."""
    aioice.ice.get_host_addresses = lambda use_ipv4=True, use_ipv6=True: ["127.0.0.1"]


class LatenessMeter:
    """A 20 ms beat on the subject's own loop: how late does each fire? Milliseconds."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def run(self) -> None:
        due = time.perf_counter()
        while True:
            due += 0.02
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            self.late.append((time.perf_counter() - due) * 1000)


async def serve(connect: Connect) -> None:
    """Answer {"offer": sdp, "port": rtp port} by `connect`; {"cmd": "stats" | "freeze" | "quit"} here."""
    meter = LatenessMeter()
    beat = asyncio.create_task(meter.run())

    def stats() -> dict[str, Any]:
        late, meter.late = meter.late, []
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "cpu": time.process_time(),
            "threads": threading.active_count(),
            "rss_mb": usage.ru_maxrss // 1024,
            "lateness_p99_ms": round(float(np.percentile(late or [0.0], 99)), 2),
        }

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            order = json.loads(line)
            match order.get("cmd"):
                case "stats":
                    answer = stats()
                case "freeze":
                    gc.collect()
                    gc.freeze()
                    answer = {}
                case "quit":
                    beat.cancel()
                    sys.stdout.flush()
                    os._exit(0)
                case _:
                    answer = await connect(order)
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()

    server = await asyncio.start_server(conversation, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
