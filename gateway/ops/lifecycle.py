"""Starting in order, stopping in reverse, and knowing when to: what the composition root uses."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Protocol

from gateway.parts import CannotStart


class Part(Protocol):
    async def start(self) -> None: ...
    async def aclose(self) -> None: ...


class Program(Protocol):
    async def start(self) -> None: ...
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
    """Run until SIGINT or SIGTERM, then stop gracefully; a second one does not wait. Raises CannotStart."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(program, ready, stopping))


async def _run(program: Program, ready: Callable[[], None], stopping: Callable[[], None]) -> None:
    asked = asyncio.Event()

    def ask() -> None:
        if asked.is_set():
            os._exit(130)
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ask)
    await program.start()
    ready()
    await asked.wait()
    stopping()
    await program.stop()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    return uvloop.new_event_loop
