"""A few threads for what would block the loop: reading and writing files. Nothing of a call ever waits for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

Job = Callable[[], None]
Run = Callable[[Job], object]
"""How a job gets run: `submit`, or in tests at once."""

THREADS = 4


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="media-files")


def submit(job: Job) -> Future[None]:
    """Run it as soon as a thread is free."""
    return _pool().submit(job)
