"""The programs in docs/events.md do what the page says."""

import asyncio
import re
from pathlib import Path

from aiohttp import web

from gateway.events.outbox import OutboxLimits
from gateway.events.post import Poster
from gateway.events.vocabulary import TYPES
from gateway.events.webhooks import WebhookConfig, Webhooks
from tests.gateway.events.kit import KEY, START, log, running, started
from tests.gateway.events.receiver import SECRET, until

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "events.md").read_text()


def programs():
    found = {"SECRET": SECRET}
    for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(text, found)  # noqa: S102 - it is ours
    return found


async def test_the_reader_loses_nothing_when_its_socket_is_killed():
    seen = []
    async with running() as run:

        async def handle(event):
            if "seq" in event:
                seen.append(event["id"])

        reader = asyncio.create_task(
            programs()["follow"](run.url, KEY["Authorization"].removeprefix("Bearer "), handle)
        )
        await until(lambda: run.streams.open)
        run.digits("a", 5)
        await until(lambda: len(seen) == 5)
        for connection in list(run.runner.server.connections):
            connection.transport.abort()
        run.digits("a", 5)
        await until(lambda: len(seen) == 10)
        assert seen == [f"{START}-{n}" for n in range(1, 11)]
        reader.cancel()
        await asyncio.wait([reader])


async def test_the_receiver_takes_what_is_ours_and_nothing_else(capsys):
    app = web.Application()
    app.router.add_post("/", programs()["receive"])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    poster = Poster()
    try:
        right, wrong = (WebhookConfig(url, s, frozenset(TYPES), 2.0, OutboxLimits()) for s in (SECRET, "x" * 16))
        hooks = Webhooks([right, wrong], poster)
        hooks.put(log().publish(started("a"), 0.0))
        await until(lambda: hooks.receivers[0].outbox.delivered and hooks.receivers[1].outbox.given_up)
        assert '"type":"call.started"' in capsys.readouterr().out
        assert (await poster.post(url, SECRET, b"{}", {"Tandem-Signature": ""}, 2.0, 999)).status == 401
    finally:
        await poster.aclose()
        await runner.cleanup()
