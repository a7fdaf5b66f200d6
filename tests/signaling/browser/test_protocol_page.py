"""docs/browser-protocol.md names every message, every field, every error and every close code, and no others."""

import inspect
import re
from pathlib import Path

import pytest

from signaling.browser import errors
from signaling.browser.config import BrowserConfig
from signaling.browser.messages import FROM_GATEWAY, FROM_PAGE
from signaling.browser.schema import rules

TEXT = (Path(__file__).parents[3] / "docs" / "browser-protocol.md").read_text()


def table(title):
    section = TEXT.split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    return {name: cells for first, *cells in rows for name in re.findall(r"`([^`]+)`", first)}


@pytest.mark.parametrize(("title", "catalogue"), [("From the page", FROM_PAGE), ("From the gateway", FROM_GATEWAY)])
def test_messages(title, catalogue):
    described = table(title)
    assert set(described) == set(catalogue)
    for name, (fields, _) in described.items():
        found = {field: "?" not in mark for field, mark in re.findall(r"`(\w+)`(\??)", fields)}
        known = {field: required for field, (_, _, required) in rules(catalogue[name]).items()}
        if name in ("ping", "pong"):
            assert set(found) == {"ack"}
        else:
            assert found == known, name


def test_errors_and_close_codes():
    kinds = [k for _, k in inspect.getmembers(errors, inspect.isclass) if issubclass(k, errors.BrowserError)]
    known = {k.code: str(k.close or "") for k in kinds if k not in (errors.BrowserError, errors.BadMessage)}
    described = {code: close for code, (close, _) in table("Strictness and limits").items()}
    assert described == known


def test_limits():
    limits = BrowserConfig()
    for words in (
        f"{limits.max_message:,} characters",
        f"{limits.message_rate:g} messages a second with bursts of {limits.message_burst}",
        f"{limits.calls_per_session} calls in a\nsession",
        f"{limits.sessions_per_user} sessions of a user",
        f"{limits.outbox_messages} unacknowledged",
        f"`hello` within {limits.hello_timeout:g} s",
    ):
        assert words in TEXT, words
    assert limits.max_mistakes == 10
    assert "Ten of them" in TEXT
