"""A page without a browser: a link, its frames as dictionaries, and the hub's events."""

from __future__ import annotations

import itertools
import json
from typing import Any

from signaling.browser.config import BrowserConfig
from signaling.browser.errors import TokenExpired, TokenInvalid
from signaling.browser.events import BrowserEvent
from signaling.browser.hub import Hub
from signaling.browser.link import Link
from signaling.browser.session import Identity, Session

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


def authenticate(token: str) -> Identity:
    if token == "expired":
        raise TokenExpired("Your sign-in has expired. Sign in again.")
    if not token.startswith("good-"):
        raise TokenInvalid("This token is not ours. Sign in again.")
    user = token.removeprefix("good-")
    return Identity(user, user.title(), "101")


def make_hub(config: BrowserConfig | None = None, **more: Any) -> Hub:
    numbers = itertools.count(1)
    return Hub(
        config or BrowserConfig(),
        authenticate=authenticate,
        random=lambda n: f"{next(numbers):0{n}x}",
        ice_servers=lambda user: [{"urls": "turn:127.0.0.1:3478", "username": user, "credential": "x"}],
        issue=lambda identity: (f"good-{identity.user}", 300.0),
        **more,
    )


class Page:
    """One socket of one page."""

    def __init__(self, hub: Hub, now: float = 0.0) -> None:
        self.hub = hub
        self.link: Link = hub.connect("127.0.0.1", now)
        self.seq = 0

    def send(self, now: float = 0.0, **message: Any) -> list[dict[str, Any]]:
        self.link.receive(json.dumps(message), now)
        return self.read()

    def say(self, now: float = 0.0, **message: Any) -> list[dict[str, Any]]:
        self.seq += 1
        return self.send(now, seq=self.seq, **message)

    def read(self, now: float = 0.0) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.link.outgoing(now)]

    def hello(self, user: str = "alice", now: float = 0.0) -> dict[str, Any]:
        (welcome,) = self.send(now, type="hello", version=1, token=f"good-{user}")
        return welcome

    def resume(self, welcome: dict[str, Any], ack: int, now: float = 0.0, **more: Any) -> list[dict[str, Any]]:
        keys = {"session": welcome["session"], "resume": welcome["resume"]}
        return self.send(now, type="resume", version=1, ack=ack, **(keys | more))

    @property
    def session(self) -> Session:
        assert self.link.session is not None
        return self.link.session

    @property
    def close_code(self) -> int | None:
        return self.link.closing.close if self.link.closing else None


def events(hub: Hub) -> list[BrowserEvent]:
    found = []
    while item := hub.next_event():
        found.append(item[1])
    return found


def signed_in(config: BrowserConfig | None = None, user: str = "alice") -> tuple[Hub, Page, dict[str, Any]]:
    hub = make_hub(config)
    page = Page(hub)
    welcome = page.hello(user)
    events(hub)
    return hub, page, welcome
