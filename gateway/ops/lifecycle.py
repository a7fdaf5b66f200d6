"""Starting in order, stopping in reverse, and knowing when to: what the composition root uses."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Protocol

from gateway.ops.logs import loop_handler
from gateway.ops.notify import notify
from gateway.parts import CannotStart


class Part(Protocol):
    async def start(self) -> None: ...
    async def aclose(self) -> None: ...


class Program(Protocol):
    async def start(self) -> None: ...
    async def drain(self, hurry: asyncio.Event) -> None: ...
    async def stop(self) -> None: ...


async def open_in_order(stack: AsyncExitStack, *parts: tuple[Part, str, str, int]) -> None:
    """Start each part (with the key, host and port it listens by), or none. Raises CannotStart."""
    for part, key, host, port in parts:
        try:
            await part.start()
        except Exception as error:
            await stack.aclose()
            why = error if isinstance(error, OSError) else error.__cause__
            if isinstance(why, OSError):
                raise CannotStart(_words(why, key, host, port)) from None
            raise
        stack.push_async_callback(part.aclose)


def _words(error: OSError, key: str, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program: stop that one, or set another {key}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: change the host that belongs to {key}"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} may not be opened by this user: take one above 1023 for {key}"
    return f"cannot listen on {host}:{port} ({key}): {error.strerror or error}"


def run(program: Program, ready: Callable[[], None], stopping: Callable[[], None]) -> None:
    """Run until SIGINT or SIGTERM, then let calls go on as long as they may, then stop. Raises CannotStart.

    A second signal ends what is waited for: the calls that are drained, or the process while it stops.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(program, ready, stopping))


async def _run(program: Program, ready: Callable[[], None], stopping: Callable[[], None]) -> None:
    asked, hurry, serving = asyncio.Event(), asyncio.Event(), False

    def ask() -> None:
        if asked.is_set() and not serving:
            os._exit(130)
        if asked.is_set():
            hurry.set()
        asked.set()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(loop_handler)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    await program.start()
    serving = True
    ready()
    notify("READY=1")
    await asked.wait()
    notify("STOPPING=1", "STATUS=draining: live calls go on, new ones are refused")
    await program.drain(hurry)
    serving = False
    stopping()
    notify("STATUS=stopping: live calls are ended")
    await program.stop()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    return uvloop.new_event_loop
