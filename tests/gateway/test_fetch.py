"""Sounds from elsewhere."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from gateway import fetch
from gateway.calls.errors import BadTarget, NotNow
from gateway.fetch import Fetcher


class Shop:
    """A web server with sounds, and a fetcher that may ask it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0.0

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/{name:.*}", self.serve)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.host = f"127.0.0.1:{self.runner.addresses[0][1]}"
        self.fetcher = Fetcher([self.host], lambda: self.now)
        return self

    async def __aexit__(self, *_):
        await self.fetcher.aclose()
        await self.runner.cleanup()

    async def serve(self, request):
        self.asked.append(request.path)
        match request.path:
            case "/moved.wav":
                raise web.HTTPFound("http://192.0.2.1/x.wav")
            case "/large.wav":
                return web.Response(body=b"x" * 5000)
            case "/none.wav":
                raise web.HTTPNotFound
        await asyncio.sleep(0)
        return web.Response(body=b"sound of " + request.path.encode())

    async def local(self, *names):
        return await self.fetcher.local([f"http://{self.host}{name}" for name in names])


async def test_an_address_becomes_a_file_and_is_asked_for_once():
    async with Shop() as shop:
        (first, other), (again,) = await asyncio.gather(shop.local("/a.wav", "/b.MP3"), shop.local("/a.wav"))
        assert first == again
        assert Path(first.removeprefix("file:")).read_bytes() == b"sound of /a.wav"  # noqa: ASYNC240
        assert other.endswith(".mp3")
        assert sorted(shop.asked) == ["/a.wav", "/b.MP3"]
        shop.now = 301.0
        await shop.local("/a.wav")
        assert shop.asked.count("/a.wav") == 2
        folder = Path(first.removeprefix("file:")).parent
    assert not folder.exists()  # noqa: ASYNC240


async def test_other_sources_stay_as_they_are():
    assert await Fetcher([], lambda: 0.0).local(["tone:busy", "say:1"]) == ("tone:busy", "say:1")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://192.0.2.1/a.wav", "add it to fetch_from"),
        ("http://HOST@192.0.2.1/a.wav", "not fetched from"),
        ("http://[::1/a.wav", "no address"),
        ("https://", "not fetched from nowhere"),
    ],
)
async def test_only_named_hosts_are_asked(url, words):
    async with Shop() as shop:
        with pytest.raises(BadTarget, match=words):
            await shop.fetcher.local([url.replace("HOST", shop.host)])
        assert shop.asked == []


async def test_what_cannot_be_had_is_told(monkeypatch):
    async with Shop() as shop:
        for name, error, words in [
            ("/none.wav", NotNow, "answered 404"),
            ("/moved.wav", NotNow, "answered 302"),
            ("/a.exe", BadTarget, "must end in"),
        ]:
            with pytest.raises(error, match=words):
                await shop.local(name)
        monkeypatch.setattr(fetch, "MOST_BYTES", 1000)
        with pytest.raises(BadTarget, match="larger"):
            await shop.local("/large.wav")
        await shop.runner.cleanup()
        with pytest.raises(NotNow, match="could not be fetched"):
            await shop.local("/b.wav")
