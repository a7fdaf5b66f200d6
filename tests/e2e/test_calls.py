"""A real Chromium on the page, real baresip phones, one gateway: the main job, proven by what each side hears.

Every microphone is a tone of its own; every ear is recorded (the browser's by a tap behind its decoder, the phone's by
its own recording). A call passes when each side's tone is there within 1 s of answer and never away for over 60 ms.
"""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.kit import baresip, chromium
from tests.kit.baresip import Phone
from tests.kit.chromium import open_page
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE
from tests.kit.softphone import Softphone
from tests.kit.tones import hear

MISSING = chromium.MISSING or baresip.MISSING
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

PAGE_HZ, PHONE_HZ, OTHER_HZ = 620, 940, 1250
LONG = 20.0
GAP = 0.06


def phone(folder, gateway, user, **options) -> Phone:
    options.setdefault("password", f"{user}-secret")
    return Phone(folder, user=user, registrar=gateway.registrar, tone=PHONE_HZ, **options)


def prove(what, recording, hz, seconds, onset=1.0) -> None:
    heard = hear(*recording, hz)
    assert heard.onset is not None and heard.onset <= onset, f"{what}: {heard}"
    assert heard.longest_gap <= GAP, f"{what}: {heard}"
    assert heard.end - heard.onset >= seconds, f"{what}: {heard}"


async def since_answer(page: Softphone) -> float:
    """Seconds of what the page has played so far: marks the moment of answer in its recording."""
    pcm, rate = await page.heard()
    return len(pcm) / rate


async def test_a_page_hears_itself_at_600(tmp_path):
    async with Gateway(tmp_path, config=OFFICE) as gateway, chromium.chromium(tmp_path, PAGE_HZ) as browser:
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await alice.dial("600")
        await alice.connected()
        await asyncio.sleep(LONG + 1)
        prove("echo", await alice.heard(), PAGE_HZ, LONG)
        await alice.hang_up()
        await alice.idle()
        assert alice.page.errors == []


@pytest.mark.parametrize("codecs", ["g711", "opus g722 g711"])
async def test_a_page_calls_a_phone(tmp_path, codecs):
    seconds = LONG if codecs == "g711" else 4.0
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob", codecs=codecs) as bob,
        chromium.chromium(tmp_path, PAGE_HZ) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await alice.dial("102")
        await bob.wait_for("CALL_INCOMING")
        await asyncio.sleep(1)
        mark = await since_answer(alice)
        await bob.command("accept")
        await alice.connected()
        await asyncio.sleep(seconds + 1)
        pcm, rate = await alice.heard()
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
        prove("the page", (pcm[int(mark * rate) :], rate), PHONE_HZ, seconds)
        prove("the phone", bob.heard(), PAGE_HZ, seconds)
        assert alice.page.errors == []


async def test_a_phone_calls_a_page(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob") as bob,
        chromium.chromium(tmp_path, PAGE_HZ) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await bob.dial("101")
        await alice.ringing()
        await expect(alice.page.get_by_test_id("incoming-peer")).to_contain_text("Bob")
        await alice.answer()
        await alice.connected()
        await bob.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(LONG + 1)
        prove("the page", await alice.heard(), PHONE_HZ, LONG)
        await bob.command("hangup")
        await alice.idle()
        prove("the phone", bob.heard(), PAGE_HZ, LONG)


async def test_a_page_calls_a_page(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        chromium.chromium(tmp_path, PAGE_HZ) as browser,
        chromium.chromium(tmp_path, OTHER_HZ) as other,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        carol = await Softphone.open(other, gateway.url, "carol", "carol-secret")
        await alice.dial("103")
        await carol.ringing()
        mark = await since_answer(alice)
        await carol.answer()
        await carol.connected()
        await alice.connected()
        await asyncio.sleep(LONG + 1)
        pcm, rate = await alice.heard()
        prove("the caller", (pcm[int(mark * rate) :], rate), OTHER_HZ, LONG)
        prove("the callee", await carol.heard(), PAGE_HZ, LONG)
        await carol.hang_up()
        await alice.idle()
        await carol.idle()


async def test_digits_go_both_ways(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob", auto_answer=True) as bob,
        chromium.chromium(tmp_path, PAGE_HZ) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await alice.dial("102")
        await alice.connected()
        await bob.wait_for("CALL_ESTABLISHED")
        await alice.page.get_by_test_id("keypad").click()
        await alice.press("12330*#")
        await asyncio.sleep(3)
        assert "".join(bob.digits()) == "12330*#"
        for key in "77#":
            await bob.command("sndcode", key)
            await asyncio.sleep(0.35)
        await expect(alice.page.get_by_test_id("digits-heard")).to_contain_text("77#", timeout=3000)


async def test_a_page_gives_up_while_it_rings(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob") as bob,
        chromium.chromium(tmp_path, PAGE_HZ) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await alice.dial("102")
        await bob.wait_for("CALL_INCOMING")
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
        await alice.idle()
        bob.events.clear()
        await bob.dial("101")
        await alice.ringing()
        await bob.command("hangup")
        await expect(alice.page.get_by_test_id("incoming")).to_have_count(0, timeout=4000)
        await alice.idle()


async def test_refusals_are_told_in_words(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob") as bob,
        chromium.chromium(tmp_path, PAGE_HZ) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        # the page declines
        await bob.dial("101")
        await alice.decline()
        assert (await bob.wait_for("CALL_CLOSED"))["param"].startswith(("486", "603"))
        await alice.idle()
        # the phone is busy
        bob.events.clear()
        await alice.dial("102")
        await bob.wait_for("CALL_INCOMING")
        await bob.command("hangup")
        words = (await alice.notice()).lower()
        assert "busy" in words or "declined" in words, words
        await alice.page.get_by_test_id("notice-close").click()
        # nobody answers
        await alice.dial("102")
        words = (await alice.notice(12)).lower()
        assert "answer" in words, words
        await alice.page.get_by_test_id("notice-close").click()
        # nobody is there, and there is no such number
        await alice.dial("103")
        words = (await alice.notice()).lower()
        assert any(w in words for w in ("connected", "not registered", "not reachable")), words
        await alice.page.get_by_test_id("notice-close").click()
        await alice.dial("999")
        words = (await alice.notice()).lower()
        assert "999" in words or "number" in words, words


async def test_a_wrong_password_is_told_in_words(tmp_path):
    async with Gateway(tmp_path, config=OFFICE) as gateway, chromium.chromium(tmp_path, PAGE_HZ) as browser:
        alice = Softphone(await open_page(browser, gateway.url))
        await alice.sign_in("alice", "guess")
        problem = alice.page.get_by_test_id("sign-in-error")
        await expect(problem).to_be_visible()
        assert "password" in (await problem.inner_text()).lower()


async def test_a_reload_in_mid_call_keeps_the_audio(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob", auto_answer=True) as bob,
        chromium.chromium(tmp_path, PAGE_HZ) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await alice.dial("102")
        await alice.connected()
        await bob.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(2)
        await alice.page.reload()
        await alice.connected()
        await asyncio.sleep(3)
        prove("the page after the reload", await alice.heard(), PHONE_HZ, 2)
        assert "CALL_CLOSED" not in bob.kinds
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
    pcm, rate = bob.heard()
    heard = hear(pcm, rate, PAGE_HZ)
    assert heard.end > len(pcm) / rate - 0.5, f"the phone does not hear the page again: {heard}"
    assert sum(long > GAP for _, long in heard.gaps) <= 1, f"only the reload itself may be heard: {heard}"
    assert heard.longest_gap < 3, heard


async def test_a_lost_socket_is_not_noticed_by_the_other_side(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob", auto_answer=True) as bob,
        chromium.chromium(tmp_path, PAGE_HZ) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await alice.dial("102")
        await alice.connected()
        await bob.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(1)
        await alice.page.context.set_offline(True)
        await asyncio.sleep(0.2)
        await alice.page.evaluate("() => window.tandem.connection.socket?.close()")
        await asyncio.sleep(2)
        await alice.page.context.set_offline(False)
        await asyncio.sleep(3)
        await alice.connected()
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
        prove("the phone", bob.heard(), PAGE_HZ, 5)


async def test_hold_mute_and_a_second_call(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob", auto_answer=True) as bob,
        phone(tmp_path, gateway, "carol") as carol,
        chromium.chromium(tmp_path, PAGE_HZ) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await alice.dial("102")
        await alice.connected()
        await bob.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(1.5)
        await carol.dial("101")
        await alice.answer()  # holds the first
        await carol.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(2.5)
        await alice.page.get_by_test_id("mute").click()
        await asyncio.sleep(2)
        await carol.command("hangup")
        await asyncio.sleep(0.5)
        await alice.page.get_by_test_id("hold").click()  # resumes the first
        await alice.connected()
        await asyncio.sleep(1.5)
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
    pcm, rate = bob.heard()
    long = [(at, g) for at, g in hear(pcm, rate, PAGE_HZ).gaps if g > 1]
    assert len(long) == 1, f"one stretch of music on hold: {hear(pcm, rate, PAGE_HZ)}"
    at, gap = long[0]
    music = pcm[int((at + 0.5) * rate) : int((at + gap - 0.3) * rate)].astype(float)
    assert (music**2).mean() ** 0.5 > 100, "the held phone hears nothing"
    pcm, rate = carol.heard()
    heard = hear(pcm, rate, PAGE_HZ)
    assert heard.onset is not None and heard.onset < 1, heard
    assert heard.end < len(pcm) / rate - 1, f"mute does not mute: {heard}"


async def test_stopping_the_gateway_ends_live_calls_cleanly(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "bob", auto_answer=True) as bob,
        chromium.chromium(tmp_path, PAGE_HZ) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await alice.dial("102")
        await alice.connected()
        await bob.wait_for("CALL_ESTABLISHED")
        assert await gateway.stop() == 0, gateway.log[-2000:]
        await bob.wait_for("CALL_CLOSED")
        await alice.idle()
