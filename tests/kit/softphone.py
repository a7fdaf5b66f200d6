"""The softphone page as a person uses it: sign in, dial, answer, listen."""

from __future__ import annotations

import numpy as np
from playwright.async_api import Browser, Page, expect

from tests.kit.chromium import heard, open_page


class Softphone:
    """One signed-in page. Everything is done through what the page shows."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(
        cls, browser: Browser, url: str, user: str, password: str, query: str = "", **context: object
    ) -> Softphone:
        # raw=1: no echo cancellation or noise suppression, which would take a steady tone for noise
        phone = cls(await open_page(browser, f"{url}/?raw=1&user={user}{query}", **context))
        await phone.sign_in(user, password)
        await expect(phone.page.get_by_test_id("connection")).to_have_text("Online")
        return phone

    async def sign_in(self, user: str, password: str) -> None:
        await self.page.locator("#user").fill(user)
        await self.page.locator("#password").fill(password)
        await self.page.get_by_test_id("sign-in").click()

    async def dial(self, number: str) -> None:
        await self.page.get_by_test_id("number").fill(number)
        await self.page.get_by_test_id("dial").click()

    async def answer(self) -> None:
        await self.page.get_by_test_id("answer").click(timeout=8000)

    async def decline(self) -> None:
        await self.page.get_by_test_id("decline").click(timeout=8000)

    async def hang_up(self) -> None:
        await self.page.get_by_test_id("hangup").click()

    async def ringing(self) -> None:
        await expect(self.page.get_by_test_id("incoming")).to_be_visible(timeout=8000)

    async def connected(self, seconds: float = 8) -> None:
        await expect(self.page.get_by_test_id("call-state")).to_contain_text("Connected", timeout=seconds * 1000)

    async def idle(self, seconds: float = 8) -> None:
        """No call is left."""
        await self.page.wait_for_function("() => window.tandem.state().calls.length === 0", timeout=seconds * 1000)

    async def notice(self, seconds: float = 10) -> str:
        """The words by which the page tells why a call ended."""
        await expect(self.page.get_by_test_id("notice")).to_be_visible(timeout=seconds * 1000)
        title = await self.page.get_by_test_id("notice-title").inner_text()
        return f"{title} {await self.page.get_by_test_id('notice-text').inner_text()}"

    async def press(self, keys: str) -> None:
        names = {"*": "star", "#": "pound"}
        for key in keys:
            await self.page.get_by_test_id(f"dtmf-{names.get(key, key)}").click()

    async def heard(self, which: int = -1) -> tuple[np.ndarray, int]:
        return await heard(self.page, which)
