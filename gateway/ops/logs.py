"""The log: readable lines or JSON, each with its call's id, none with a secret, none that a stranger can forge.

    2026-03-01 12:00:00,123 INFO    tandem.calls: [3f2a1b9c] Alice <101> (browser) calls 600
    {"time": "2026-03-01T12:00:00.123Z", "level": "info", "logger": "tandem.calls", "call": "3f2a1b9c", "message": ...}

A line belongs to a call because who writes it says so (`extra={"call": id}`), because a leg's id stands in it (leg ids
begin with their call's id and a dash), or because it is written by what works for a call (`current_call`, or a task
named after it).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from gateway.ops.mask import Mask

log = logging.getLogger("tandem")

current_call: ContextVar[str] = ContextVar("current_call", default="")
"""The call that is being worked for. What sets it passes it on to all tasks and timers that it starts."""

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_LEG = re.compile(r"(?<![\w-])(([0-9a-f]{8})-[a-z]+\d*)(?![\w-])")
_TASK = re.compile(r"(?:call|place)-([0-9a-f]{8})\b")


def set_up(
    level: str, style: str = "text", levels: Mapping[str, str] | None = None, secrets: Iterable[str] = ()
) -> None:
    """Everything that is logged from now on goes to stderr, in this style. `levels`: subsystem -> level."""
    handler = logging.StreamHandler()
    handler.addFilter(note_call)
    handler.setFormatter(make_formatter(style, secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, its_level in (levels or {}).items():
        logging.getLogger(name).setLevel(its_level.upper())
    logging.captureWarnings(True)
    sys.excepthook = _excepthook
    threading.excepthook = _thread_excepthook


def make_formatter(style: str, secrets: Iterable[str] = ()) -> logging.Formatter:
    return (JsonLines if style == "json" else TextLines)(Mask(secrets))


# ---------------------------------------------------------------- whose line it is


def note_call(record: logging.LogRecord) -> bool:
    """A filter that lets all pass, and gives each record `call` and `leg` ("" where there is none)."""
    leg = _LEG.search(record.getMessage())
    record.leg = leg[1] if leg else ""
    record.call = getattr(record, "call", "") or (leg[2] if leg else "") or current_call.get() or _of_task()
    return True


def _of_task() -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return ""
    name = _TASK.match(task.get_name()) if task is not None else None
    return name[1] if name else ""


# ---------------------------------------------------------------- how it looks


class TextLines(logging.Formatter):
    """One line a record; a traceback follows it, indented, so that no line of it can be taken for a record."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__(TEXT)
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        call = getattr(record, "call", "")
        words = plain(self._mask(record.getMessage()))
        record.message = f"[{call}] {words}" if call else words
        record.asctime = self.formatTime(record)
        text = self.formatMessage(record)
        if trace := _trace(self, record):
            text += "\n" + "\n".join(f"    {plain(line)}" for line in self._mask(trace).splitlines())
        return text


class JsonLines(logging.Formatter):
    """One object a record."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__()
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "call": getattr(record, "call", ""),
            "leg": getattr(record, "leg", ""),
            "message": self._mask(record.getMessage()),
            "trace": self._mask(_trace(self, record)),
        }
        return json.dumps({key: value for key, value in line.items() if value or key == "message"}, ensure_ascii=False)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info else []
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


def plain(text: str) -> str:
    """Without line breaks and other control characters: what a stranger sent must not look like a line of ours."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


# ---------------------------------------------------------------- what nobody caught


def loop_handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """For `loop.set_exception_handler`: a task or callback that failed with nobody to tell, in one record."""
    error = context.get("exception")
    what = context.get("task") or context.get("future") or context.get("handle") or context.get("protocol")
    task = context.get("task") or context.get("future")
    name = task.get_name() if isinstance(task, asyncio.Task) else repr(what) if what is not None else ""
    call = _TASK.match(name)
    log.error(
        "%s%s",
        context.get("message", "an error that nobody caught"),
        f" ({name})" if name else "",
        exc_info=error,
        extra={"call": call[1] if call else ""},
    )


def _excepthook(kind: type[BaseException], error: BaseException, trace: Any) -> None:  # noqa: ANN401 - as sys has it
    if issubclass(kind, KeyboardInterrupt):
        return sys.__excepthook__(kind, error, trace)
    return log.critical("the program ends by an error that nobody caught", exc_info=(kind, error, trace))


def _thread_excepthook(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread is not None else "?"
        exc_info = (args.exc_type, args.exc_value, args.exc_traceback)
        log.error("thread %s ended by an error that nobody caught", name, exc_info=exc_info)
