"""Pages give calls away, unasked or after asking, and bring three together: proven by whose tone each one hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
IN_A_MIX = 0.1
"""The part of the power that a tone has at least where two others may sound with it."""


@asynccontextmanager
async def alice_talks_with_bob(folder: Path) -> AsyncIterator[tuple[Gateway, Softphone, Phone]]:
    """Alice's page has called bob's phone, and they talk."""
    async with Gateway(folder, config=OFFICE) as gateway:
        bob = Phone(folder, user="bob", registrar=gateway.registrar, tone=BOB_HZ, password="bob-secret")
        async with bob, chromium.chromium(folder, ALICE_HZ) as browser:
            alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
            await alice.dial("102")
            await bob.wait_for("CALL_INCOMING")
            await bob.command("accept")
            await alice.connected()
            yield gateway, alice, bob
            assert alice.page.errors == []


@asynccontextmanager
async def carol_at(gateway: Gateway, folder: Path) -> AsyncIterator[Softphone]:
    async with chromium.chromium(folder, CAROL_HZ) as browser:
        carol = await Softphone.open(browser, gateway.url, "carol", "carol-secret")
        yield carol
        assert carol.page.errors == []


async def open_transfer(page: Softphone, to: str = "") -> None:
    await page.page.get_by_test_id("transfer").click()
    if to:
        await page.page.get_by_test_id("transfer-to").fill(to)


async def ask_first(alice: Softphone, carol: Softphone) -> None:
    """Alice calls carol while bob waits."""
    await open_transfer(alice, "103")
    await alice.page.get_by_test_id("transfer-ask").click()
    await carol.ringing()
    await carol.answer()
    await carol.connected()
    await alice.connected()


def lately(recording, hz, seconds=2.0, purity=0.5) -> bool:
    """Whether this tone is there in the last seconds."""
    pcm, rate = recording
    heard = hear(pcm[-int(seconds * rate) :], rate, hz, purity=purity)
    return heard.onset is not None and heard.end - heard.onset > seconds / 2


async def test_a_page_gives_a_call_away(tmp_path):
    """Alice talks with bob's phone and transfers him to carol's page."""
    async with alice_talks_with_bob(tmp_path) as (gateway, alice, bob), carol_at(gateway, tmp_path) as carol:
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


async def test_a_transfer_that_nobody_takes_gives_the_call_back(tmp_path):
    async with alice_talks_with_bob(tmp_path) as (_, alice, bob):
        await open_transfer(alice, "103")  # carol is not there
        await alice.page.get_by_test_id("transfer-now").click()
        await expect(alice.page.get_by_text("not signed in")).to_be_visible()
        await asyncio.sleep(3)
        assert lately(await alice.heard(), BOB_HZ)
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
        assert lately(bob.heard(), ALICE_HZ)


async def test_a_page_asks_first_and_connects_the_two(tmp_path):
    async with alice_talks_with_bob(tmp_path) as (gateway, alice, bob), carol_at(gateway, tmp_path) as carol:
        await ask_first(alice, carol)
        await open_transfer(alice)
        await alice.page.get_by_test_id("connect").click()
        await alice.idle()
        await asyncio.sleep(4)
        assert lately(await carol.heard(), BOB_HZ)
        await carol.hang_up()
        await bob.wait_for("CALL_CLOSED")
        assert lately(bob.heard(), CAROL_HZ)


async def test_a_page_asks_first_and_brings_all_together(tmp_path):
    """Alice makes one call of three; then she leaves, and two talk on."""
    async with alice_talks_with_bob(tmp_path) as (gateway, alice, bob), carol_at(gateway, tmp_path) as carol:
        await ask_first(alice, carol)
        await open_transfer(alice)
        await alice.page.get_by_test_id("join").click()
        await expect(alice.page.get_by_test_id("peer")).to_contain_text(",")
        await asyncio.sleep(4)
        for page, others in ((alice, (BOB_HZ, CAROL_HZ)), (carol, (BOB_HZ, ALICE_HZ))):
            heard = await page.heard()
            assert [hz for hz in (ALICE_HZ, BOB_HZ, CAROL_HZ) if lately(heard, hz, purity=IN_A_MIX)] == sorted(others)
        await alice.hang_up()
        await asyncio.sleep(3)
        heard = await carol.heard()
        assert lately(heard, BOB_HZ, 1.5)
        assert not lately(heard, ALICE_HZ, 1.5, IN_A_MIX)
        await carol.hang_up()
        await bob.wait_for("CALL_CLOSED")
