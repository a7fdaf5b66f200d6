"""The stream over real sockets: what is killed resumes, and neither loses nor repeats anything."""

import asyncio
import json
import random
import time
from datetime import datetime

import aiohttp
import jsonschema
import pytest
from aiohttp import WSMsgType, web

from gateway.events.follow import Pace
from gateway.events.room import Events
from gateway.events.schema import schemas
from gateway.events.streams import StreamLimits
from tests.gateway.api import kit as counter
from tests.gateway.events.kit import KEY, START, access, digit, ended, log, running, started


async def read(socket, count, *, own=False):
    """So many events; the stream's own words only if asked for."""
    found = []
    async with asyncio.timeout(10):
        while len(found) < count:
            message = await socket.receive_json()
            if own or not message["type"].startswith("stream."):
                found.append(message)
    return found


async def to_the_end(socket):
    async with asyncio.timeout(10):
        messages = [json.loads(m.data) async for m in socket if m.type is WSMsgType.TEXT]
    return messages, socket.close_code


async def sse_events(answer):
    """(id, message or None) of each event of a stream, as an EventSource reads them."""
    place, data = None, None
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "id":
            place = value
        elif name == "data":
            data = json.loads(value)
        elif name == "" and value == "" and place is not None:
            yield place, data
            data = None


async def test_a_socket_is_told_everything_in_order():
    async with running() as run:
        run.publish(started("before"))
        async with run.socket() as socket:
            (opened,) = await read(socket, 1, own=True)
            assert (opened["type"], opened["id"]) == ("stream.open", f"{START}-1")
            run.publish(started("a"), digit("a", "1"), started("b"), ended("a"))
            found = await read(socket, 4)
        assert [(e["call"], e["seq"], e["type"]) for e in found] == [
            ("a", 1, "call.started"),
            ("a", 2, "call.digit"),
            ("b", 1, "call.started"),
            ("a", 3, "call.ended"),
        ]
        assert found[3]["data"]["ending"] == {"cause": "normal", "status": 200, "words": "The call ended."}


@pytest.mark.parametrize("path", ["/v1/events?call=a", "/v1/calls/a/events"])
async def test_one_calls_stream_begins_with_its_first(path):
    async with running() as run:
        run.publish(started("a"), started("b"), digit("a"))
        async with run.socket(path) as socket:
            run.publish(digit("b"), digit("a"))
            assert [(e["call"], e["seq"]) for e in await read(socket, 3)] == [("a", 1), ("a", 2), ("a", 3)]


async def test_types():
    async with running() as run, run.socket("/v1/events?types=call.started,leg.*,call.ended") as socket:
        run.publish(started("a"), digit("a"), digit("a"), ended("a"))
        assert [(e["seq"], e["type"]) for e in await read(socket, 2)] == [(1, "call.started"), (4, "call.ended")]


@pytest.mark.parametrize("seed", range(3))
async def test_a_killed_socket_resumes_and_loses_and_repeats_none(seed):
    rng = random.Random(seed)
    async with running() as run:
        talking = asyncio.create_task(talk(run, rng))
        seen, place = [], f"{START}-0"
        while len(seen) < 600:
            async with run.socket(f"/v1/events?after={place}") as socket:
                for event in await read(socket, min(rng.randrange(1, 90), 600 - len(seen))):
                    seen.append(event)
                    place = event["id"]
                socket._response.connection.transport.abort()
        await talking
        assert [e["id"] for e in seen] == [f"{START}-{n}" for n in range(1, 601)]


@pytest.mark.parametrize("seed", range(3))
async def test_a_killed_event_source_resumes_and_loses_and_repeats_none(seed):
    rng = random.Random(seed)
    async with running() as run:
        talking = asyncio.create_task(talk(run, rng))
        seen, place = [], f"{START}-0"
        while len(seen) < 600:
            stop = len(seen) + rng.randrange(1, 90)
            async with asyncio.timeout(10), run.sse(**{"Last-Event-ID": place}) as answer:
                assert answer.content_type == "text/event-stream"
                async for place, message in sse_events(answer):  # noqa: B007 - the next turn's
                    if message is not None and "seq" in message:
                        seen.append(message["id"])
                    if len(seen) >= min(stop, 600):
                        break
                answer.connection.transport.abort()
        await talking
        assert seen == [f"{START}-{n}" for n in range(1, 601)]


async def talk(run, rng):
    for i in range(600):
        run.publish(digit(f"c{i % 7}", at=asyncio.get_running_loop().time()))
        if rng.random() < 0.3:
            await asyncio.sleep(0)


async def test_the_id_moves_on_past_what_is_filtered_out():
    async with running(Pace(heartbeat=0.05)) as run:
        async with run.socket("/v1/events?types=call.ended") as socket:
            run.digits("a", 5)
            async with asyncio.timeout(5):
                while (message := await socket.receive_json())["id"] != f"{START}-5":
                    assert message["type"] in ("stream.open", "stream.heartbeat")
        async with asyncio.timeout(5), run.sse("/v1/events?types=call.ended") as answer:
            run.digits("a", 5)
            async for place, message in sse_events(answer):
                assert message is None or message["type"] == "stream.open"
                if place == f"{START}-10":
                    break


async def test_who_comes_too_late_is_told():
    async with running(most_events=10) as run:
        run.digits("a", 30)
        async with run.socket(f"/v1/events?after={START}-5") as socket:
            found = await read(socket, 12, own=True)
        assert [m["type"] for m in found[:2]] == ["stream.open", "stream.reset"]
        assert (found[1]["data"]["why"], found[1]["id"]) == ("gap", f"{START}-20")
        assert [m["seq"] for m in found[2:]] == list(range(21, 31))
        async with run.socket("/v1/calls/a/events?after=5") as socket:
            found = await read(socket, 3, own=True)
        assert (found[1]["data"]["why"], found[2]["seq"]) == ("gap", 21)
        async with run.socket(f"/v1/calls/a/events?after={found[0]['id']}") as socket:
            assert [m["type"] for m in await read(socket, 2, own=True)] == ["stream.open", "stream.reset"]
        async with run.sse(**{"Last-Event-ID": f"{START}-5"}) as answer:
            messages = [m async for _, m in first(sse_events(answer), 3)]
        assert [m["type"] for m in messages] == ["stream.open", "stream.reset", "call.digit"]


async def first(messages, count):
    async for message in messages:
        yield message
        count -= 1
        if count == 0:
            return


async def test_who_comes_back_after_a_restart_is_told():
    async with running() as run:
        run.digits("a", 2)
        async with run.socket("/v1/events?after=00000000-900") as socket:
            found = await read(socket, 4, own=True)
        assert [m["type"] for m in found] == ["stream.open", "stream.reset", "call.digit", "call.digit"]
        assert (found[1]["data"]["why"], found[1]["id"]) == ("restart", f"{START}-0")
        assert found[0]["id"] == "00000000-900"  # so that it is told again if it reads no further
        status, problem = await run.page("/v1/events?after=00000000-900")
        assert (status, problem["code"]) == (410, "restarted")


async def test_a_slow_reader_is_sent_away_and_resumes():
    async with running(Pace(most_behind=500), most_bytes=2**28, most_events=10**6) as run:
        async with run.socket() as socket:
            await read(socket, 1, own=True)
            socket._response.connection.transport.pause_reading()
            for _ in range(400):  # the kernel takes some megabytes first
                run.digits("a", 100)
                await asyncio.sleep(0)
            socket._response.connection.transport.resume_reading()
            messages, code = await to_the_end(socket)
        assert (code, messages[-1]["data"]["why"]) == (4413, "too-slow")
        seen = [m["id"] for m in messages[:-1]]
        assert 0 < len(seen) < 40_000
        async with run.socket(f"/v1/events?after={messages[-1]['id']}") as socket:
            seen += [m["id"] for m in await read(socket, 40_000 - len(seen))]
        assert seen == [f"{START}-{n}" for n in range(1, 40_001)]


async def test_a_reader_that_takes_nothing_at_all_is_cut_off(monkeypatch):
    monkeypatch.setattr("gateway.events.carriers.PATIENCE", 0.2)
    async with running(most_bytes=2**28, most_events=10**6) as run, run.socket() as socket, run.sse() as answer:
        clients = [client.connection.transport for client in (socket._response, answer)]
        for client in clients:
            client.pause_reading()
        for _ in range(400):
            run.digits("a", 100)
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            while run.streams.open.total():  # noqa: ASYNC110 - until both are cut off
                await asyncio.sleep(0.01)
        for client in clients:
            client.abort()


async def test_a_stop_is_announced_after_the_last_event():
    async with running() as run, run.socket() as socket, run.sse() as answer:
        run.digits("a", 3)
        run.feed.close()
        messages, code = await to_the_end(socket)
        assert (code, messages[-1]["data"]["why"]) == (1001, "stopping")
        assert [m.get("seq") for m in messages] == [None, 1, 2, 3, None]
        async with asyncio.timeout(5):
            assert [m["type"] async for _, m in sse_events(answer)][-1] == "stream.end"


async def test_a_calls_stream_ends_when_it_is_forgotten():
    async with running(keep=0.1) as run:
        now = asyncio.get_running_loop().time()
        run.publish(started("a", now))
        async with run.socket("/v1/calls/a/events") as socket:
            run.publish(ended("a", asyncio.get_running_loop().time()))
            messages, code = await to_the_end(socket)
        assert (code, messages[-1]["data"]["why"], messages[-2]["type"]) == (1000, "forgotten", "call.ended")
        assert (await run.page("/v1/calls/a/events"))[0] == 404


async def test_time_does_not_tremble_and_follows_the_clock(monkeypatch):
    async with running() as run:
        at = asyncio.get_running_loop().time()
        run.publish(*(digit("a", at=at) for _ in range(300)))
        _, page = await run.page("/v1/events?limit=300")
        assert len({event["time"] for event in page["events"]}) == 1
        before = time.time
        monkeypatch.setattr("gateway.events.feed.time.time", lambda: before() + 3_600)
        run.publish(digit("a", at=at))
        _, page = await run.page("/v1/events?after=" + page["next"])
        (found,) = page["events"]
        assert abs(datetime.fromisoformat(found["time"]).timestamp() - before() - 3_600) < 60


async def test_pages():
    async with running() as run:
        run.publish(started("a"), started("b"), *(digit("a") for _ in range(5)))
        status, page = await run.page("/v1/calls/a/events?limit=4")
        document = {"components": {"schemas": schemas()}, "$ref": "#/components/schemas/EventPage"}
        jsonschema.Draft202012Validator(document).validate(page)
        assert (status, [e["seq"] for e in page["events"]], page["more"]) == (200, [1, 2, 3, 4], True)
        _, page = await run.page(f"/v1/calls/a/events?after={page['next']}")
        assert ([e["seq"] for e in page["events"]], page["more"]) == ([5, 6], False)
        _, page = await run.page(f"/v1/calls/a/events?after={page['next']}")
        assert (page["events"], page["more"]) == ([], False)
        _, page = await run.page("/v1/events?types=call.started&limit=1")
        assert ([e["call"] for e in page["events"]], page["more"]) == (["a"], True)
        _, page = await run.page(f"/v1/events?types=call.started&after={page['next']}")
        assert ([e["call"] for e in page["events"]], page["more"]) == (["b"], False)


async def test_a_page_of_what_is_gone():
    async with running(most_events=3) as run:
        run.digits("a", 9)
        status, problem = await run.page("/v1/calls/a/events?after=2")
        assert (status, problem["code"]) == (410, "gap")
        _, page = await run.page("/v1/calls/a/events")
        assert [e["seq"] for e in page["events"]] == [7, 8, 9]


GARBAGE = [
    "after=", "after=x", "after=-1", "after=5", f"after={START}-99", f"after={START}-1&after={START}-2", "types=",
    "types=x.*", "types=call.*,,", "limit=0", "limit=1001", "limit=-1", "limit=x", "limit=1e3", "limit=9999999999",
    "more=1", "call=a&call=b", "after=%00", "after=%ff%fe", "types=%F0%9F%93%9E", "%ff=1", "after=" + "9" * 5_000,
]  # fmt: skip


@pytest.mark.parametrize("query", GARBAGE)
async def test_garbage_is_refused_in_words(query):
    async with running() as run:
        run.publish(started("a"))
        for headers in ({}, {"Accept": "text/event-stream"}):
            async with run.http.get(f"{run.url}/v1/events?{query}", headers=KEY | headers) as answer:
                assert (answer.status, answer.content_type) == (422, "application/problem+json")
                assert len((await answer.json(content_type=None))["detail"]) in range(10, 300)
        with pytest.raises(aiohttp.WSServerHandshakeError) as error:
            await run.socket(f"/v1/events?{query}")
        assert error.value.status == 422


async def test_calls_that_are_none():
    async with running() as run:
        for path in ("/v1/events?call=x", "/v1/calls/x/events", "/v1/calls/%00/events"):
            assert (await run.page(path))[0] == 404
        assert (await run.page("/v1/calls/x/events?call=y"))[0] == 422


async def test_nobody_reads_without_a_key():
    async with running() as run:
        for path in ("/v1/events", "/v1/calls/a/events"):
            async with run.http.get(run.url + path) as answer:
                assert answer.status == 401
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await run.http.ws_connect(run.url + path)


async def test_half_a_handshake():
    headers = KEY | {"Upgrade": "websocket", "Connection": "Upgrade"}
    async with running() as run, run.http.get(f"{run.url}/v1/events", headers=headers) as answer:
        assert answer.status == 422


async def test_a_head_without_a_body_does_not_hang():
    async with running() as run:

        async def handle(request):
            return await run.streams.answer(request, "program")

        runner = web.AppRunner(app := web.Application(), access_log=None)
        app.router.add_get("/", handle)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with asyncio.timeout(5), run.http.head(url, headers={"Accept": "text/event-stream"}) as answer:
            assert (answer.status, answer.content_type) == (200, "application/json")
        await runner.cleanup()


async def test_streams_are_bounded():
    async with running(most=3, most_of_one=2) as run:
        async with run.socket(), run.sse():
            with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                await run.socket()
            assert error.value.status == 503
        async with run.sse() as answer:
            assert answer.status == 200


async def test_what_a_reader_says_is_not_listened_to():
    async with running() as run, run.socket() as socket:
        for text in ("{}", "nonsense", "x" * 4_000):
            await socket.send_str(text)
        await socket.send_bytes(b"\x00\xff")
        run.digits("a", 1)
        assert (await read(socket, 1))[0]["seq"] == 1
        await socket.send_str("x" * 10_000)
        assert (await to_the_end(socket))[1] == 1009


async def test_beside_the_page_and_at_a_stop_nobody_is_waited_for():
    events = Events(log(), StreamLimits(), [], "", 2.0)
    routes = events.streams.routes(access)
    async with counter.running(routes=routes) as run:
        headers = KEY | {"Accept": "text/event-stream"}
        url = f"{run.url}/v1/events"
        async with run.http.ws_connect(url, headers=KEY) as socket, run.http.get(url, headers=headers) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            events.publish(started("a"))
            assert (await read(socket, 1))[0]["call"] == "a"
            closing = asyncio.create_task(stop(events, run.server))
            messages, code = await to_the_end(socket)
            assert (code, messages[-1]["data"]["why"]) == (1001, "stopping")
            async with asyncio.timeout(5):
                assert [m["type"] async for _, m in sse_events(answer)][-1] == "stream.end"
            await closing
        assert {sample.name: sample.value for m in events.collect() for sample in m.samples}[
            "tandem_event_streams"
        ] == 0


async def stop(events, server):
    await events.aclose()
    await server.aclose()
