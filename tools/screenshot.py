"""Take the README's picture anew: the demo and two people in a real Chromium. Run: python tools/screenshot.py"""

import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.async_api import ViewportSize  # noqa: E402

from tests.kit.chromium import chromium  # noqa: E402
from tests.kit.gateway import Gateway  # noqa: E402
from tests.kit.softphone import Softphone  # noqa: E402

SIZE = ViewportSize(width=1180, height=680)


async def main() -> None:
    folder = Path(tempfile.mkdtemp())
    async with (
        Gateway(folder, "demo", "--port", "{http}", "--sip-port", "{sip}") as gateway,
        chromium(folder, 620) as browser,
        chromium(folder, 440) as other,
    ):
        bob = await Softphone.open(other, gateway.url, "bob", "bob")
        alice = await Softphone.open(browser, gateway.url, "alice", "alice", viewport=SIZE, device_scale_factor=1.5)
        await alice.dial("602")
        await alice.connected()
        await asyncio.sleep(1)
        await alice.hang_up()
        await alice.idle()
        await alice.dial("102")
        await bob.answer()
        await alice.connected()
        await asyncio.sleep(14)
        await alice.page.screenshot(path=ROOT / "docs" / "images" / "call.png")


asyncio.run(main())
