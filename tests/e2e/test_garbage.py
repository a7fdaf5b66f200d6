"""Garbage on every socket during a live call: the call does not notice, and each refusal is counted."""

from __future__ import annotations

import asyncio
import random
import socket
from pathlib import Path

import aiohttp
import pytest

from tests.kit import baresip, chromium
from tests.kit.baresip import Phone
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE
from tests.kit.softphone import Softphone
from tests.kit.tones import hear

MISSING = chromium.MISSING or baresip.MISSING
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

INVITE = (
    b"INVITE sip:600@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:600@127.0.0.1>\r\nCall-ID: garbage\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
)
RTP = b"\x80\x00" + bytes(10) + b"\x7f" * 160
STUN = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"abcdefghijkl"


def mangled(seed: int, *valid: bytes):
    """Endless: a valid packet with some bytes changed, cut, doubled; or plain noise."""
    dice = random.Random(seed)
    while True:
        data = bytearray(dice.choice(valid))
        match dice.randrange(4):
            case 0:
                data = bytearray(dice.randbytes(dice.randrange(1, 1400)))
            case 1:
                del data[dice.randrange(len(data)) :]
            case 2:
                for _ in range(dice.randrange(1, 20)):
                    data[dice.randrange(len(data))] = dice.randrange(256)
            case 3:
                data += data[dice.randrange(len(data)) :]
        yield bytes(data)


def listening_ports(pid: int) -> list[int]:
    """UDP ports the gateway has open."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(fd.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = []
    for line in Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes:
            ports.append(int(fields[1].split(":")[1], 16))
    return ports


async def flood_udp(port: int, seed: int, *valid: bytes, count: int = 1500) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind(("127.0.88.1", 0))
        for n, data in zip(range(count), mangled(seed, *valid), strict=False):
            out.sendto(data, ("127.0.0.1", port))
            if n % 10 == 9:
                await asyncio.sleep(0.01)


async def flood_tcp(port: int, seed: int) -> None:
    noise = mangled(seed, INVITE)
    for _ in range(30):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(5):
                writer.write(next(noise))
            await asyncio.sleep(0.02)
            writer.close()
        except OSError:
            pass


async def flood_websocket(url: str, seed: int) -> None:
    dice = random.Random(seed)
    texts = [
        '{"type":"hello"}',
        '{"type":"hello","version":1,"token":"x"}',
        "[]",
        "{",
        '"',
        '{"type":"call","call":1}',
        "\u0000",
        "x" * 100_000,
    ]
    async with aiohttp.ClientSession() as http:
        for _ in range(40):
            try:
                async with http.ws_connect(f"{url}/v1/ws", headers={"Origin": url}) as ws:
                    for _ in range(5):
                        if dice.random() < 0.3:
                            await ws.send_bytes(dice.randbytes(50))
                        else:
                            await ws.send_str(dice.choice(texts))
                    await asyncio.sleep(0.02)
            except (aiohttp.ClientError, ConnectionError):
                pass


async def refused(gateway: Gateway) -> dict[str, float]:
    return {k: v for k, v in (await gateway.metrics()).items() if "refused" in k and "_created" not in k}


async def test_garbage_everywhere_is_not_noticed_by_the_call(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        Phone(
            tmp_path, user="bob", password="bob-secret", registrar=gateway.registrar, tone=940, auto_answer=True
        ) as bob,
        chromium.chromium(tmp_path, 620) as browser,
    ):
        alice = await Softphone.open(browser, gateway.url, "alice", "alice-secret")
        await alice.dial("102")
        await alice.connected()
        await bob.wait_for("CALL_ESTABLISHED")
        before = await refused(gateway)
        media = [port for port in listening_ports(gateway.process.pid) if port != gateway.sip]
        assert len(media) >= 3, media
        await asyncio.gather(
            flood_udp(gateway.sip, 1, INVITE),
            flood_tcp(gateway.sip, 2),
            flood_websocket(gateway.url, 3),
            *(flood_udp(port, port, RTP, STUN) for port in media),
        )
        await asyncio.sleep(0.5)
        after = await refused(gateway)
        grown = {name.split("{")[1] for name in after if after[name] > before.get(name, 0)}
        print(after)
        for refusal in ('protocol="sip"', 'protocol="browser"', "dtls-of-stranger", "stranger's-address"):
            assert any(refusal in labels for labels in grown), (refusal, after)
        pcm, rate = await alice.heard()
        heard = hear(pcm, rate, 940)
        assert heard.onset is not None and heard.longest_gap <= 0.06, f"the page: {heard}"
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")
        heard = hear(*bob.heard(), 620)
        assert heard.onset is not None and heard.longest_gap <= 0.06, f"the phone: {heard}"
        assert "Traceback" not in gateway.log, gateway.log[-3000:]
