"""A real Chromium against our WebRTC leg, without any signaling but this test's own hands."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from playwright.async_api import Browser, Page

from media.events import Connected, DigitPressed, Disconnected, Failed, LocalCandidate
from media.formats import OPUS, PCMU
from media.ice.full import FullIce
from media.net.secure_transport import Patience
from media.sdp.negotiate import Capabilities
from tests.interop.aiortc_peer import Stage, lite, until
from tests.kit import chromium as kit
from tests.kit.chromium import chromium, heard, open_page
from tests.kit.tones import Heard, hear

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(kit.MISSING), reason=kit.MISSING or "Chromium is here")]

MICROPHONE, OURS = 620.0, 440.0

PAGE = """<!doctype html><title>transport</title><body></body><script>
async function connect(extra) {
  window.pc?.close();
  window.pc = new RTCPeerConnection();
  pc.candidates = [];
  pc.ontrack = (event) => {
    const loudspeaker = document.createElement('audio');
    loudspeaker.autoplay = true;
    loudspeaker.srcObject = new MediaStream([event.track]);
    document.body.append(loudspeaker);
  };
  pc.onicecandidate = (event) => pc.candidates.push(event.candidate ? event.candidate.candidate : null);
  pc.microphone = await navigator.mediaDevices.getUserMedia(
    {audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
  pc.sender = pc.addTrack(pc.microphone.getAudioTracks()[0]);
  if (extra) { pc.addTransceiver('video'); pc.createDataChannel('data'); }
}
async function offer(options) {
  await pc.setLocalDescription(await pc.createOffer(options));
  return pc.localDescription.sdp;
}
async function take(sdp) { await pc.setRemoteDescription({type: 'answer', sdp}); }
async function answer(sdp) {
  await pc.setRemoteDescription({type: 'offer', sdp});
  await pc.setLocalDescription(await pc.createAnswer());
  return pc.localDescription.sdp;
}
</script>"""


@asynccontextmanager
async def page_in(folder: Path) -> AsyncIterator[tuple[Browser, Page]]:
    """A page that can be told what to do, with a microphone that hears MICROPHONE."""

    async def index(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", index)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        async with chromium(folder, MICROPHONE) as browser:
            yield browser, await open_page(browser, f"http://127.0.0.1:{port}/")
    finally:
        await runner.cleanup()


async def call(stage: Stage, page: Page, extra: bool = False) -> str:
    await page.evaluate("connect", extra)
    return await renegotiate(stage, page)


async def renegotiate(stage: Stage, page: Page, **options: object) -> str:
    answer = (await stage.leg.accept((await page.evaluate("offer", options)).encode())).decode()
    await page.evaluate("take", answer)
    return answer


async def both_hear(stage: Stage, page: Page, seconds: float = 0.8) -> tuple[Heard, Heard]:
    stage.ear.heard.clear()
    await until(lambda: len(stage.ear.last(9)[0]) > (seconds + 0.3) * stage.ear.frame_rate, what="the microphone")
    pcm, rate = await heard(page)
    there, here = hear(pcm[-int(seconds * rate) :], rate, OURS), hear(*stage.ear.last(seconds), MICROPHONE)
    assert there.share > 0.95 and there.longest_gap <= 0.06, f"the page hears {there}"
    assert here.share > 0.95 and here.longest_gap <= 0.06, f"we hear {here}"
    return there, here


async def test_a_page_calls_restarts_ice_renegotiates_reloads_and_is_closed(tmp_path):
    async with page_in(tmp_path) as (_, page), lite(patience=Patience(quiet=3.0)) as port:
        stage = Stage(port, playback_rate=8000)
        answer = await call(stage, page, extra=True)
        assert "m=video 0 " in answer and "m=application 0 " in answer
        await until(lambda: stage.count(Connected), 10, "connected")
        stage.speak(OURS)
        await asyncio.sleep(0.7)
        await both_hear(stage, page)

        # the page restarts ICE: new user names, same keys, no gap
        leg, stage.ear.heard = stage.leg, []
        (transport,) = port.legs
        before = transport.describe().ufrag, transport.address
        await renegotiate(stage, page, iceRestart=True)
        await until(lambda: transport.address != before[1], what="the new way")
        assert transport.describe().ufrag != before[0] and len(port.by_ufrag) == 1
        await both_hear(stage, page)

        # so do we
        ufrag = transport.describe().ufrag
        offer = await leg.offer(ice_restart=True)
        await leg.settle((await page.evaluate("answer", offer.decode())).encode())
        await until(lambda: set(port.by_ufrag) == {transport.describe().ufrag} != {ufrag}, what="the new way")
        await both_hear(stage, page)
        assert stage.kinds().count(Connected) == 1 and not stage.count(Disconnected)

        # keys from the page
        await page.evaluate("pc.sender.dtmf.insertDTMF('5#', 100, 50)")
        await until(lambda: stage.count(DigitPressed) == 2, what="two keys")
        assert [e.key for e in stage.events if isinstance(e, DigitPressed)] == ["5", "#"]

        # a re-offer raises what the page may send
        stage.leg.playback_rate(48_000)
        assert "maxplaybackrate" not in await renegotiate(stage, page)

        # the page is reloaded: first no goodbye of ours is needed, then the leg goes on
        ssrc = stage.leg.media.ssrc
        await page.reload()
        await call(stage, page)
        await until(lambda: stage.count(Connected) == 2, 10, "connected after the reload")
        await asyncio.sleep(0.7)
        await both_hear(stage, page)
        assert stage.leg.media.ssrc == ssrc and not stage.count(Failed)
        await until(lambda: len(port.legs) == 1, what="the old one dropped")

        # the tab is closed without a word: only silence tells
        await page.close()
        await until(lambda: stage.count(Disconnected), 6, "disconnected")
        await stage.aclose()


async def test_we_call_a_page_and_it_hangs_up_politely(tmp_path):
    async with page_in(tmp_path) as (_, page), lite() as port:
        stage = Stage(port, capabilities=Capabilities((PCMU, OPUS)))
        await page.evaluate("connect", False)
        answer = await page.evaluate("answer", (await stage.leg.offer()).decode())
        await stage.leg.settle(answer.encode())
        await until(lambda: stage.count(Connected), 10, "connected")
        stage.speak(OURS)
        await asyncio.sleep(0.7)
        await both_hear(stage, page)
        assert stage.leg.encoding == "PCMU", "our order of codecs wins"
        await page.evaluate("pc.close()")
        await until(lambda: stage.count(Disconnected), 2, "its goodbye")
        await stage.aclose()


async def test_full_ice_with_candidates_trickled_both_ways(tmp_path):
    async with page_in(tmp_path) as (_, page):
        ice = FullIce(hosts=("127.0.0.1",), random=secrets.randbits)
        stage = Stage(ice, playback_rate=8000)
        answer = await call(stage, page)
        assert "a=candidate" not in answer
        told: list[int] = [0, 0]

        async def trickle() -> None:
            theirs = await page.evaluate("pc.candidates")
            for candidate in theirs[told[0] :]:
                stage.leg.candidate(candidate)
            told[0] = len(theirs)
            ours = [e.candidate for e in stage.events if isinstance(e, LocalCandidate)]
            for candidate in ours[told[1] :]:
                init = {"candidate": candidate, "sdpMid": "0"} if candidate else None
                await page.evaluate("(init) => pc.addIceCandidate(init)", init)
            told[1] = len(ours)

        for _ in range(100):
            await trickle()
            if stage.count(Connected):
                break
            await asyncio.sleep(0.05)
        assert stage.count(Connected)
        stage.speak(OURS)
        await asyncio.sleep(0.7)
        await both_hear(stage, page)

        # an ICE restart of the page, under the same keys
        told[:] = [
            len(await page.evaluate("pc.candidates")),
            len([e for e in stage.events if isinstance(e, LocalCandidate)]),
        ]
        (transport,) = ice.legs
        before = transport.address
        await renegotiate(stage, page, iceRestart=True)
        for _ in range(100):
            await trickle()
            if transport.address != before:
                break
            await asyncio.sleep(0.05)
        assert transport.address != before
        await both_hear(stage, page)
        assert stage.count(Connected) == 1 and np.isfinite(stage.leg.stats(0).jitter_in_ms)
        await stage.aclose()
        await ice.aclose()
