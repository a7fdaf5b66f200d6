"""Pages give calls away, unasked or after asking first: proven by whose tone each one hears."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.kit import baresip, chromium
from tests.kit.baresip import Phone
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE
from tests.kit.softphone import Softphone
from tests.kit.tones import hear

MISSING = chromium.MISSING or baresip.MISSING
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

ALICE_HZ, BOB_HZ, CAROL_HZ = 620, 940, 1250


def phone(folder, gateway, user, tone) -> Phone:
    return Phone(folder, user=user, registrar=gateway.registrar, tone=tone, password=f"{user}-secret")


async def open_transfer(page: Softphone, to: str = "") -> None:
    await page.page.get_by_test_id("transfer").click()
    if to:
        await page.page.get_by_test_id("transfer-to").fill(to)


def lately(recording, hz, seconds=2.0) -> bool:
    """Whether this tone is there in the last seconds."""
    pcm, rate = recording
    heard = hear(pcm[-int(seconds * rate) :], rate, hz)
    return heard.onset is not None and heard.end - heard.onset > seconds / 2


async def test_a_page_gives_a_call_away(tmp_path):
    """Alice talks with bob's phone and transfers him to carol's page."""
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob", BOB_HZ) as bob,
        chromium.chromium(tmp_path, ALICE_HZ) as browser,
        chromium.chromium(tmp_path, CAROL_HZ) as other,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        carol = await Softphone.open(other, gateway.url, "carol", "carol-secret")
        await alice.dial("102")
        await bob.wait_for("CALL_INCOMING")
        await bob.command("accept")
        await alice.connected()
        await open_transfer(alice, "103")
        await alice.page.get_by_test_id("transfer-now").click()
        await carol.ringing()
        await expect(carol.page.get_by_test_id("incoming-peer")).to_contain_text("bob", ignore_case=True)
        await expect(alice.page.get_by_test_id("call-state")).to_contain_text("Transferring")
        await carol.answer()
        await carol.connected()
        await alice.idle()
        await asyncio.sleep(4)
        assert lately(await carol.heard(), BOB_HZ)
        await carol.hang_up()
        await bob.wait_for("CALL_CLOSED")
        assert lately(bob.heard(), CAROL_HZ)
        assert alice.page.errors == carol.page.errors == []


async def test_a_transfer_that_nobody_takes_gives_the_call_back(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob", BOB_HZ) as bob,
        chromium.chromium(tmp_path, ALICE_HZ) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await alice.dial("102")
        await bob.wait_for("CALL_INCOMING")
        await bob.command("accept")
        await alice.connected()
        await open_transfer(alice, "103")  # carol is not there
        await alice.page.get_by_test_id("transfer-now").click()
        await expect(alice.page.get_by_text("not signed in")).to_be_visible()
        await asyncio.sleep(3)
        assert lately(await alice.heard(), BOB_HZ)
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
        assert lately(bob.heard(), ALICE_HZ)


async def test_a_page_asks_first_and_connects_the_two(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob", BOB_HZ) as bob,
        chromium.chromium(tmp_path, ALICE_HZ) as browser,
        chromium.chromium(tmp_path, CAROL_HZ) as other,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        carol = await Softphone.open(other, gateway.url, "carol", "carol-secret")
        await alice.dial("102")
        await bob.wait_for("CALL_INCOMING")
        await bob.command("accept")
        await alice.connected()
        await open_transfer(alice, "103")
        await alice.page.get_by_test_id("transfer-ask").click()
        await carol.ringing()
        await carol.answer()
        await carol.connected()
        await open_transfer(alice)
        await alice.page.get_by_test_id("connect").click()
        await alice.idle()
        await asyncio.sleep(4)
        assert lately(await carol.heard(), BOB_HZ)
        await carol.hang_up()
        await bob.wait_for("CALL_CLOSED")
        assert lately(bob.heard(), CAROL_HZ)
