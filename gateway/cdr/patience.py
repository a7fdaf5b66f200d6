"""Waiting for a database, but not for ever: one that hangs is away, too.

Cancelling is not enough. A driver that is cancelled in mid-statement asks the server to stop it, and waits for that.
So the work is left behind to end as it may; whatever it still does to the database does no harm when done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from gateway.cdr.ports import RecordsAway

T = TypeVar("T")
_left: set[asyncio.Task[Any]] = set()


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Raises RecordsAway when it takes longer, and whatever the work raises."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _leave(task)
        raise
    if not done:
        _leave(task)
        raise RecordsAway(f"no answer within {seconds:g} s")
    return task.result()


def _leave(task: asyncio.Task[Any]) -> None:
    _left.add(task)
    task.add_done_callback(_forget)
    task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    _left.discard(task)
    if not task.cancelled():
        task.exception()  # seen: nobody waits for it any more
