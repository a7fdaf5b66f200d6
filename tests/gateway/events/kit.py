"""Call events to publish, and a log that is told the time."""

from __future__ import annotations

from typing import Any

from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.events.log import EventLog, Limits

START = "5f0c2a91"
UNIX = 1_772_357_405.25
"""2026-03-01T09:30:05.250Z"""


def log(**limits: Any) -> EventLog:
    return EventLog(START, Limits(**limits))


def started(call: str, at: float = 0.0) -> ev.CallStarted:
    return ev.CallStarted(call, at, ev.Identity("101", "Alice", "alice"), "browser", "102", f"{call}-1")


def digit(call: str, key: str = "5", at: float = 0.0) -> ev.CallDigit:
    return ev.CallDigit(call, at, f"{call}-1", key)


def ended(call: str, at: float = 0.0) -> ev.CallEnded:
    return ev.CallEnded(call, at, ending("normal"), f"{call}-1", None, ())
