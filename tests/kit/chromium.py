"""A real Chromium with a tone for a microphone, and an ear on whatever it plays.

The ear is independent of the page: an init script wraps RTCPeerConnection and records every remote audio track as the
browser decoded it (MediaStreamTrackProcessor), so "heard" means what would have come out of the loudspeaker.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, Page, async_playwright

from tests.kit.tones import write_tone

EXECUTABLE = (
    os.environ.get("CHROMIUM")
    or shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
    or ""
)
MISSING = "" if EXECUTABLE else "Chromium is not installed (Debian: chromium), or set CHROMIUM=/path"

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
]

EAR = """
(() => {
  const Native = window.RTCPeerConnection;
  if (!Native || window.__ears) return;
  window.__ears = [];
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      this.addEventListener('track', (event) => {
        if (event.track.kind !== 'audio') return;
        const ear = {rate: 0, chunks: [], started: performance.now(), first: 0};
        window.__ears.push(ear);
        const processor = new MediaStreamTrackProcessor({track: event.track.clone(), maxBufferSize: 200});
        const reader = processor.readable.getReader();
        (async () => {
          for (;;) {
            const {done, value} = await reader.read();
            if (done) return;
            ear.rate = value.sampleRate;
            if (!ear.first) ear.first = performance.now();
            const samples = new Float32Array(value.numberOfFrames);
            value.copyTo(samples, {planeIndex: 0, format: 'f32-planar'});
            value.close();
            const pcm = new Int16Array(samples.length);
            for (let i = 0; i < samples.length; i++) pcm[i] = Math.max(-1, Math.min(1, samples[i])) * 32767;
            ear.chunks.push(pcm);
          }
        })();
      });
    }
  };
})();
"""

HARVEST = """
(which) => {
  const ear = window.__ears.at(which);
  if (!ear) return null;
  const size = ear.chunks.reduce((n, c) => n + c.length, 0);
  const all = new Int16Array(size);
  let at = 0;
  for (const c of ear.chunks) { all.set(c, at); at += c.length; }
  const bytes = new Uint8Array(all.buffer);
  let text = '';
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode.apply(null, bytes.subarray(i, i + 32768));
  return {rate: ear.rate, pcm: btoa(text), first: ear.first};
}
"""


@asynccontextmanager
async def chromium(folder: Path, tone: float = 0, *flags: str) -> AsyncIterator[Browser]:
    """A browser whose microphone hears `tone` Hz."""
    args = [*FLAGS, *flags]
    if tone:
        wav = folder / f"microphone-{tone:.0f}.wav"
        args.append(f"--use-file-for-fake-audio-capture={write_tone(wav, tone, 10.0)}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, headless=True, args=args)
        try:
            yield browser
        finally:
            await browser.close()


async def open_page(browser: Browser, url: str, **context_options: object) -> Page:
    """A page in a profile of its own, microphone granted, the ear in place, uncaught errors kept in `page.errors`."""
    context = await browser.new_context(ignore_https_errors=True, **context_options)  # type: ignore[arg-type]
    await context.grant_permissions(["microphone"])
    await context.add_init_script(EAR)
    page = await context.new_page()
    page.errors = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.errors.append(str(error)))  # type: ignore[attr-defined]
    await page.goto(url)
    return page


async def heard(page: Page, which: int = -1) -> tuple[np.ndarray, int]:
    """int16 samples and rate of what the page's last (or `which`) remote track has played so far."""
    got = await page.evaluate(HARVEST, which)
    if got is None or not got["rate"]:
        return np.zeros(0, np.int16), 48_000
    return np.frombuffer(base64.b64decode(got["pcm"]), "<i2"), int(got["rate"])
