"""Tandem as a subject: its own MediaHost with a real WebRTC leg and a real SIP leg a call, no signaling in between."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from bench.subject import serve
from media.host import MediaConfig, MediaHost, OpenSip, OpenWebrtc

PHONE = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0\r\na=ptime:20\r\n"
)


class Calls:
    """Each order: a browser's offer and a phone's RTP port; both joined."""

    def __init__(self, host: MediaHost) -> None:
        self.host, self.count = host, 0

    async def connect(self, order: dict[str, Any]) -> dict[str, Any]:
        host, n = self.host, self.count
        self.count += 1
        browser, phone = f"browser-{n}", f"phone-{n}"
        host.open(OpenWebrtc(browser, playback_rate=8000))
        host.open(OpenSip(phone))
        answer = await host.accept(browser, order["offer"].encode())
        to_phone = await host.accept(phone, PHONE.format(port=order["port"]).encode())
        host.wire(f"call-{n}", {browser: (phone,), phone: (browser,)})
        port = next(line.split()[1] for line in to_phone.decode().splitlines() if line.startswith("m=audio"))
        return {"answer": answer.decode(), "port": int(port)}


async def main(scenario: str) -> None:
    codecs = ("PCMU",) if scenario == "passthrough" else ("OPUS", "PCMU")
    host = MediaHost(MediaConfig(codecs=codecs), on_event=lambda event: None)
    await host.start()
    await serve(Calls(host).connect)


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1] if len(sys.argv) > 1 else "transcode"))
