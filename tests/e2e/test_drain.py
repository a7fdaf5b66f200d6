"""The gateway is told to stop while people talk: they go on, newcomers are told why not."""

from __future__ import annotations

import asyncio
import signal

import pytest
from playwright.async_api import expect

from tests.kit import chromium
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE
from tests.kit.softphone import Softphone

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(chromium.MISSING), reason=chromium.MISSING or "it is here")]


async def test_a_page_talks_on_while_another_is_told_why_it_cannot_call(tmp_path):
    config = OFFICE.replace("[server]", "[server]\ndrain = 600")
    async with Gateway(tmp_path, config=config) as gateway, chromium.chromium(tmp_path, 620) as browser:
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        bob = await Softphone.open(browser, gateway.url, "bob", "bob-secret")
        await alice.dial("600")
        await alice.connected()
        gateway.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(1)
        await bob.dial("600")
        assert "takes no new calls. Try again in a minute." in await bob.notice()
        await expect(alice.page.get_by_test_id("call-state")).to_contain_text("Connected")
        await alice.hang_up()
        assert await asyncio.wait_for(gateway.process.wait(), 15) == 0
