"""One Chromium for all, a switchboard and a fresh profile for each test; what the console says is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.e2e.page.kit import CHROMIUM, FLAGS, Switchboard, loopback_only, microphone

Open = Callable[..., Page]


@pytest.fixture(scope="package")
def chromium(tmp_path_factory) -> Iterator[Callable[..., Browser]]:
    """Launches browsers; `extra` flags make a new one."""
    if not CHROMIUM:
        pytest.skip("NO CHROMIUM: the page is NOT tested. apt install chromium, or set CHROMIUM=PATH")
    mic = microphone(tmp_path_factory.mktemp("mic") / "mic.wav")
    with sync_playwright() as playwright:
        browsers: dict[tuple[str, ...], Browser] = {}

        def launch(*extra: str, fake_microphone: bool = True) -> Browser:
            flags = [*FLAGS, f"--use-file-for-fake-audio-capture={mic}", *extra]
            if not fake_microphone:
                flags = [flag for flag in flags if "fake" not in flag]
            key = tuple(flags)
            if key not in browsers:
                browsers[key] = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags)
            return browsers[key]

        yield launch
        for browser in browsers.values():
            browser.close()


@pytest.fixture
def switchboard(monkeypatch) -> Iterator[Switchboard]:
    loopback_only(monkeypatch)
    board = Switchboard(heartbeat=1.0, dead_after=3.0, resume_window=4.0)
    board.start()
    yield board
    board.stop()


@pytest.fixture
def complaints() -> list[str]:
    """What went wrong in the pages; a test that expects something takes it out."""
    return []


@pytest.fixture
def new_page(chromium, switchboard, complaints) -> Iterator[Open]:
    """Opens pages: `new_page("?user=alice", signed_in=False, **context options)`."""
    contexts: list[BrowserContext] = []

    def open_page(
        query: str = "?raw=1", *, user: str | None = "alice", browser: Browser | None = None, **options: Any
    ) -> Page:
        grant = options.pop("microphone", True)
        url = options.pop("url", switchboard.url)
        context = (browser or chromium()).new_context(**options)
        contexts.append(context)
        if grant:
            context.grant_permissions(["microphone"])
        page = context.new_page()
        listen(page, complaints)
        page.goto(url + query)
        return sign_in(page, user) if user else page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, complaints


def listen(page: Page, complaints: list[str]) -> None:
    page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
    page.on("request", lambda request: complaints.append(f"foreign: {request.url}") if foreign(request.url) else None)

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    page.on("console", said)


def foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "http://phone.test:", "ws://127.0.0.1:"))


def sign_in(page: Page, user: str) -> Page:
    page.get_by_test_id(f"demo-{user}").click()
    page.get_by_test_id("sign-in").click()
    page.locator("[data-testid=connection][data-state=open]").wait_for()
    return page
