"""A page behind a network that lets nothing through but a relay: Chromium, Debian's coturn with our own configuration.

The page is told to use relayed candidates only; what it then says and hears has gone through coturn, by the
credentials that the gateway minted for it. Where there is no relay to be had, it says why.
"""

from __future__ import annotations

import asyncio
import json
import secrets

import pytest
from playwright.async_api import expect

from tests.kit import chromium, coturn
from tests.kit.coturn import Coturn
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE
from tests.kit.ports import free_port
from tests.kit.softphone import Softphone
from tests.kit.tones import hear

MISSING = chromium.MISSING or coturn.MISSING
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

HZ = 620
HEAR_FOR = 4.0

PATH = """
async () => {
  const pc = window.tandem.phone.live[0].pc;
  const stats = new Map([...(await pc.getStats())].map(([id, one]) => [id, one]));
  const transport = [...stats.values()].find((one) => one.type === 'transport');
  const pair = stats.get(transport.selectedCandidatePairId);
  const local = stats.get(pair.localCandidateId);
  return {type: local.candidateType, protocol: local.relayProtocol, url: local.url};
}
"""


def office(urls: list[str], secret: str, ttl: float = 3600) -> str:
    return OFFICE + f'\n[turn]\nurls = {json.dumps(urls)}\nsecret = "{secret}"\nttl = {ttl}\n'


async def relayed(browser, gateway, number="600", wait=0.0) -> Softphone:
    """alice's page, which may use relays only, has dialled."""
    page = await Softphone.open(browser, gateway.url, "alice", "alice-secret", query="&relay=1")
    await asyncio.sleep(wait)
    await page.dial(number)
    return page


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_page_talks_through_the_relay(tmp_path, transport):
    secret = secrets.token_hex(16)
    async with (
        Coturn(tmp_path, secret, peers="127.0.0.1") as relay,
        Gateway(tmp_path, config=office(relay.urls(transport), secret)) as gateway,
        chromium.chromium(tmp_path, HZ) as browser,
    ):
        page = await relayed(browser, gateway)
        await page.connected()
        await asyncio.sleep(HEAR_FOR + 1)
        path = await page.page.evaluate(PATH)
        echo = hear(*await page.heard(), HZ)
        await page.hang_up()
        await page.idle()
        assert page.page.errors == []
        assert path == {"type": "relay", "protocol": transport, "url": relay.urls(transport)[0]}
        assert echo.onset is not None and echo.end - echo.onset >= HEAR_FOR - 1, echo
        assert echo.longest_gap <= 0.06, echo
        assert "ALLOCATE processed, success" in relay.log
        assert secret not in relay.log + gateway.log


async def test_credentials_that_expired_are_refused_and_the_page_says_so(tmp_path):
    secret = secrets.token_hex(16)
    async with (
        Coturn(tmp_path, secret, peers="127.0.0.1") as relay,
        Gateway(tmp_path, config=office(relay.urls("udp", "tcp"), secret, ttl=1)) as gateway,
        chromium.chromium(tmp_path, HZ) as browser,
    ):
        page = await relayed(browser, gateway, wait=2.5)
        trouble = page.page.get_by_test_id("media-trouble")
        await expect(trouble).to_contain_text("The relay refused this page", timeout=15_000)
        await expect(trouble).to_contain_text("they have expired")
        assert "ALLOCATE processed, success" not in relay.log


async def test_a_relay_with_another_secret_is_told_apart_from_one_that_is_away(tmp_path):
    secret = secrets.token_hex(16)
    nobody = [f"turn:127.0.0.1:{free_port()}?transport={transport}" for transport in ("udp", "tcp")]
    async with (
        Coturn(tmp_path, "another", peers="127.0.0.1") as relay,
        Gateway(tmp_path, config=office(relay.urls("udp"), secret)) as gateway,
        chromium.chromium(tmp_path, HZ) as browser,
    ):
        page = await relayed(browser, gateway)
        await expect(page.page.get_by_test_id("media-trouble")).to_contain_text("its secret is not", timeout=15_000)
        async with Gateway(tmp_path, config=office(nobody[1:], secret)) as other:
            page = await relayed(browser, other)
            trouble = page.page.get_by_test_id("media-trouble")
            await expect(trouble).to_contain_text("No relay could be reached", timeout=20_000)
            await expect(trouble).to_contain_text(nobody[1].split("?")[0].removeprefix("turn:"))


async def test_a_page_without_a_relay_says_that_none_is_known(tmp_path):
    async with Gateway(tmp_path, config=OFFICE) as gateway, chromium.chromium(tmp_path, HZ) as browser:
        page = await relayed(browser, gateway)
        await expect(page.page.get_by_test_id("media-trouble")).to_contain_text("No relay is known", timeout=15_000)
