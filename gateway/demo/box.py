"""The box that the demo prints: everything needed for a first call, on one screen."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from unicodedata import east_asian_width

WIDTH = 74


@dataclass(frozen=True, slots=True)
class Screen:
    page: str
    server: str
    """Of the registrar, host:port."""
    people: list[tuple[str, str, str, str]]
    """Display, extension, user, password."""
    numbers: list[tuple[str, str, str]]
    """Number, title, words."""
    notes: list[str]
    lan: bool
    key: str = ""
    """Of the API; empty: there is none."""


def box(screen: Screen) -> str:
    """The text, in colours where the terminal has them."""
    rows = [
        _bold("Tandem") + "   browsers and phones, talking",
        "",
        f"Open   {_link(screen.page)}",
        "       Sign in there in two windows, and call from one to the other.",
    ]
    if screen.lan:
        rows.append("       The certificate is this machine's own: tell the browser to go on.")
    rows += ["", _bold(f"{'Who':<18}{'Number':<9}{'User':<9}Password")]
    rows += [f"{display:<18}{extension:<9}{user:<9}{password}" for display, extension, user, password in screen.people]
    rows += ["", _bold("Dial")]
    rows += [f"{number:<6}{title:<18}{words}" for number, title, words in screen.numbers]
    rows += [
        "",
        _bold("A real phone") + f"   server {_bold(screen.server)} (UDP or TCP)",
        "               user and password as above; its page may stay open",
    ]
    if screen.key:
        rows += [
            "",
            _bold("A program") + f"      described at {_link(f'{screen.page}v1/docs')}",
            f"               key {screen.key}",
        ]
    rows += ["", "Ctrl-C hangs up and leaves."]
    edge = "─" * (WIDTH + 2)
    lines = [f"╭{edge}╮", *(f"│ {row}{' ' * (WIDTH - _width(row))} │" for row in rows), f"╰{edge}╯"]
    return "\n".join(["", *lines, *(f"  {note}" for note in screen.notes)])


def _colours() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if _colours() else text


def _link(text: str) -> str:
    return f"\x1b[1;4;36m{text}\x1b[0m" if _colours() else text


def _width(text: str) -> int:
    """Columns on the screen: escapes take none, some characters two."""
    width, escape = 0, False
    for character in text:
        if character == "\x1b":
            escape = True
        elif escape:
            escape = character != "m"
        else:
            width += 2 if east_asian_width(character) in "WF" else 1
    return width
