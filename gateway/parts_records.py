"""Records, from their table of the configuration; and how they are opened before everything else."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from gateway.cdr.service import CallRecords
from gateway.cdr.store import Unusable
from gateway.config.tables import Config
from gateway.parts import CannotStart


def records(config: Config) -> CallRecords | None:
    """None: they are not wanted. Raises CannotStart."""
    table = config.records
    if not table.enabled:
        return None
    try:
        return CallRecords(table.url.get_secret_value(), Path(table.spool), table.retention_days)
    except Unusable as error:
        raise CannotStart(f"{error} (url in [records])") from None


async def open_first(records: CallRecords | None, stack: AsyncExitStack) -> None:
    """Raises CannotStart where waiting for the database would not help."""
    if records is None:
        return
    try:
        await records.start()
    except Unusable as error:
        raise CannotStart(f"{error}. Set url in [records], or enabled = false.") from None
    stack.push_async_callback(records.aclose)
