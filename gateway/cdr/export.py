"""Records as bytes for other programs: JSON lines, or CSV with a row per call or per leg."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from gateway.cdr.model import Leg, Record, Spread
from gateway.cdr.ports import Format

CALL_COLUMNS = tuple(
    name
    for name in Record.model_fields
    if name
    not in ("recordings", "transfers", "links", "routes", "invitations", "trail", "metadata", "verdicts", "legs")
) + ("recordings", "verdicts")
LEG_COLUMNS = (
    "record",
    *(name for name in Leg.model_fields if name not in ("codecs", "quality")),
    "codecs", "packets_in", "packets_out", "lost_in", "loss_in", "loss_out", "jitter_in_ms", "jitter_out_ms", "rtt_ms",
    "discarded", "concealed",
)  # fmt: skip


async def encoded(batches: AsyncIterator[list[Record]], format: Format) -> AsyncIterator[bytes]:
    """A piece for each batch; CSV begins with its header even when there is nothing else."""
    if format == "jsonl":
        async for batch in batches:
            yield b"".join(record.model_dump_json().encode() + b"\n" for record in batch)
        return
    columns, rows = (CALL_COLUMNS, _call_rows) if format == "csv" else (LEG_COLUMNS, _leg_rows)
    yield _csv([columns])
    async for batch in batches:
        yield _csv([row.get(name) for name in columns] for record in batch for row in rows(record))


def _call_rows(record: Record) -> Iterable[Mapping[str, Any]]:
    row = record.model_dump(mode="json", exclude={"legs"})
    row["recordings"] = " ".join(recording.name for recording in record.recordings)
    row["verdicts"] = " ".join(str(v.get("code") or v.get("words") or "") for v in record.verdicts)
    return [row]


def _leg_rows(record: Record) -> Iterable[Mapping[str, Any]]:
    for leg in record.legs:
        row = leg.model_dump(mode="json", exclude={"quality"}) | {"record": record.id, "codecs": " ".join(leg.codecs)}
        if leg.quality is not None:
            sound = leg.quality.model_dump(mode="json")
            spreads = {
                name: getattr(leg.quality, name) for name in ("loss_out", "jitter_in_ms", "jitter_out_ms", "rtt_ms")
            }
            row |= sound | {name: _middle(spread) for name, spread in spreads.items()}
        yield row


def _middle(spread: Spread | None) -> float | None:
    return None if spread is None else round(spread.avg, 3)


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


_FORMULA = re.compile(r"[=@\t\r]|[+\-](?![\d ().-]*$)")


def _cell(value: object) -> object:
    """Callers choose their names: none of them shall be a formula in somebody's spreadsheet. +49 30 1234 is none."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
