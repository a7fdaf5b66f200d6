"""`tandem records list` and `tandem records export`: read what the gateway has written, while it runs or not.

Nothing is changed: a database of another version is for the gateway to upgrade.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from gateway.cdr.model import Record
    from gateway.cdr.ports import Filters
    from gateway.cdr.store import Store

HELP = """\
What is left of each call: who called whom, when, how long, why it ended and how it sounded.

  tandem records list                                        the latest calls
  tandem records list --user alice --missed                  calls that alice, or whoever called her, got no answer to
  tandem records export --since 2026-11-01 > november.jsonl  whole records, one JSON object a line
  tandem records export --format csv --since 7d              a row per call, for a spreadsheet
  tandem records export --format legs-csv --since 24h        a row per leg, with codecs and quality
"""
OPEN_WITHIN = 10.0
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    config_option: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Put `records` under `tandem`."""
    records = commands.add_parser(
        "records", help="list and export what is left of calls", description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verbs = records.add_subparsers(title="commands", metavar="COMMAND", required=True)
    show = verbs.add_parser("list", help="show the latest calls", description="Show the latest calls, one a line.")
    show.add_argument("--limit", type=_count, default=20, metavar="N", help="at most so many (default 20)")
    show.set_defaults(run=run_list)
    export = verbs.add_parser(
        "export", help="write calls as JSON lines or CSV", description="Write calls as JSON lines or CSV, oldest first."
    )
    export.add_argument(
        "--format", choices=("jsonl", "csv", "legs-csv"), default="jsonl",
        help="jsonl: whole records; csv: a row per call; legs-csv: a row per leg (default jsonl)",
    )  # fmt: skip
    export.add_argument("--output", "-o", type=Path, metavar="FILE", help="write to a file (default: standard output)")
    export.set_defaults(run=run_export)
    for command in (show, export):
        _filters(command)
        config_option(command)


def _filters(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("which calls", "All that are given must be true.")
    when = "2026-11-27, 2026-11-27T14:30 (this machine's time, or with +00:00 or Z), or ago: 30m, 24h, 7d"
    group.add_argument("--since", type=moment, metavar="TIME", help=f"that began then or later: {when}")
    group.add_argument("--until", type=moment, metavar="TIME", help="that began before")
    group.add_argument("--user", default="", metavar="NAME", help="made or received by this account")
    group.add_argument("--number", default="", metavar="NUMBER", help="from or to exactly this number")
    group.add_argument("--trunk", default="", metavar="NAME", help="that came in or left by this trunk")
    group.add_argument("--cause", default="", metavar="CAUSE", help="that ended for this: busy, no-answer, ...")
    group.add_argument("--text", default="", metavar="TEXT", help="with this somewhere in a name, number or reason")
    answered = group.add_mutually_exclusive_group()
    answered.add_argument("--answered", action="store_true", help="that somebody answered")
    answered.add_argument("--missed", action="store_true", help="that nobody answered")


def moment(text: str) -> datetime:
    """A time with its zone. Raises argparse's error."""
    if ago := re.fullmatch(r"(\d{1,6})([mhdw])", text):
        return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        words = f'"{text}" is no time; write it like 2026-11-27, 2026-11-27T14:30Z or 7d (seven days ago)'
        raise argparse.ArgumentTypeError(words) from None


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f'"{text}" is no count; write 1 or more')
    return int(text)


def run_list(arguments: argparse.Namespace) -> int:
    async def show(store: Store) -> None:
        from gateway.cdr.ports import MOST

        left, cursor, shown = arguments.limit, None, False
        while left:
            page = await store.list(filters(arguments), cursor, min(left, MOST))
            for record in page.records:
                print(line(record))
            left, cursor, shown = left - len(page.records), page.next, shown or bool(page.records)
            if cursor is None:
                break
        if not shown:
            print("No calls.", file=sys.stderr)

    return _with_store(arguments, show)


def run_export(arguments: argparse.Namespace) -> int:
    async def export(store: Store) -> None:
        from gateway.cdr.export import encoded

        # opened before the first record is read, so that a wrong path is said at once
        with _out(arguments.output) as out:
            async for piece in encoded(store.batches(filters(arguments)), arguments.format):
                out.write(piece)
            out.flush()

    return _with_store(arguments, export)


def _out(path: Path | None) -> BinaryIO | nullcontext[BinaryIO]:
    return nullcontext(sys.stdout.buffer) if path is None else path.open("wb")


def filters(arguments: argparse.Namespace) -> Filters:
    from gateway.cdr.ports import Filters

    return Filters(
        user=arguments.user,
        number=arguments.number,
        cause=arguments.cause,
        answered=True if arguments.answered else False if arguments.missed else None,
        since=arguments.since,
        until=arguments.until,
        trunk=arguments.trunk,
        text=arguments.text,
    )


def line(record: Record) -> str:
    """For people: local time, who, whom, how it went."""
    who = record.caller_user or record.caller_number or record.kind
    by = record.answered_user or record.answered_number
    how = f"{record.talk:.0f} s" if record.talk is not None else record.cause
    words = [f"{record.started_at.astimezone():%Y-%m-%d %H:%M:%S}", record.id, f"{who} -> {record.dialled}", how]
    if by and by != record.dialled:
        words.append(f"answered by {by}")
    if record.talk is not None and record.cause != "normal":
        words.append(f"ended: {record.cause}")
    words += [str(verdict.get("words") or verdict.get("code") or "") for verdict in record.verdicts]
    return "  ".join("".join(c if c.isprintable() else "?" for c in word) for word in words if word)


def _with_store(arguments: argparse.Namespace, work: Callable[[Store], Awaitable[None]]) -> int:
    from gateway import cli
    from gateway.config.file import ConfigError, load

    if (path := cli._config_path(arguments)) is None:
        return cli.MISUSED
    try:
        url = load(path).records.url.get_secret_value()
    except ConfigError as error:
        return cli._explain(error.problems)
    from gateway.cdr.patience import within
    from gateway.cdr.ports import RecordsAway
    from gateway.cdr.store import Store, Unusable
    from gateway.cdr.url import file_of, masked, problem

    if words := problem(url):
        return cli._fail(Unusable(f"{words} (url in [records])"))
    if (file := file_of(url)) is not None and not Path(file).exists():
        return cli._fail(Unusable(f"there are no records yet: {file} is made when the gateway starts"))

    async def run() -> None:
        store = Store(url)
        try:
            await within(OPEN_WITHIN, store.open(upgrade=False))
            await work(store)
        finally:
            await store.aclose()

    try:
        asyncio.run(run())
    except BrokenPipeError:
        raise
    except (RecordsAway, Unusable) as error:
        text = str(error) if isinstance(error, Unusable) else f"{masked(url)} cannot be asked: {error}"
        return cli._fail(Unusable(text))
    except OSError as error:
        return cli._fail(Unusable(f"cannot write {arguments.output}: {error.strerror or error}"))
    return cli.OK
