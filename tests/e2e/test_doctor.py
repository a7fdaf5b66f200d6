"""A browser without microphone, and one whose TURN server cannot be reached: what pages report becomes verdicts."""

from __future__ import annotations

import pytest
from playwright.async_api import async_playwright

from tests.interop.test_doctor import said
from tests.kit import chromium
from tests.kit.chromium import EXECUTABLE, FLAGS
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE
from tests.kit.ports import free_port
from tests.kit.softphone import Softphone

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(chromium.MISSING), reason=chromium.MISSING)]


async def test_a_browser_without_microphone(tmp_path):
    flags = [flag for flag in FLAGS if "fake-device" not in flag]
    async with async_playwright() as playwright, Gateway(tmp_path, config=OFFICE) as gateway:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, headless=True, args=flags)
        page = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await page.dial("601")
        assert "No microphone found" in await page.notice()
        await page.page.get_by_test_id("listen-only").click()
        await page.connected()
        await page.page.wait_for_timeout(1000)
        await page.hang_up()
        assert await said(gateway) == ["microphone-missing"]
        assert "NotFoundError" in gateway.log
        await browser.close()


async def test_a_turn_server_that_cannot_be_reached(tmp_path):
    """Nobody listens where the gateway says that it does, and the relay that might help is not there."""
    turn = f'\n[turn]\nurls = ["turn:127.0.0.1:{free_port()}?transport=tcp"]\nsecret = "a-secret-of-sixteen-letters"\n'
    config = OFFICE.replace("webrtc_port = 0", 'webrtc_port = 0\nwebrtc_advertised = ["127.99.99.1"]') + turn
    async with chromium.chromium(tmp_path, 440) as browser, Gateway(tmp_path, config=config) as gateway:
        page = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await page.dial("600")
        await page.page.wait_for_timeout(12_000)
        await page.hang_up()
        assert await said(gateway) == ["turn-unreachable"]


async def test_a_good_call_of_a_page(tmp_path):
    async with chromium.chromium(tmp_path, 440) as browser, Gateway(tmp_path, config=OFFICE) as gateway:
        page = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await page.dial("600")
        await page.connected()
        await page.page.wait_for_timeout(9000)
        await page.hang_up()
        assert await said(gateway) == []
