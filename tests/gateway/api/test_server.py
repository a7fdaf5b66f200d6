"""The whole counter over real sockets on 127.0.0.1."""

import asyncio
import os
import random

import aiohttp
import pytest
from aiohttp import WSMsgType

from signaling.browser.config import BrowserConfig
from tests.gateway.api.kit import running


async def until(condition, within=3.0):
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # anything may be waited for
            await asyncio.sleep(0.005)


async def closing(socket):
    """Read to the end: the messages and the close code."""
    async with asyncio.timeout(5):
        messages = [message.json() async for message in socket if message.type is WSMsgType.TEXT]
    return messages, socket.close_code


async def test_from_sign_in_to_sign_out():
    async with running() as run:
        socket, welcome = await run.signed_in()
        assert (welcome["type"], welcome["user"], welcome["display"]) == ("welcome", "alice", "Alice")
        assert welcome["ice_servers"] == [{"urls": ["stun:127.0.0.1"]}]
        await until(lambda: run.kinds == ["SessionOpened"])
        session = run.events[0][0]
        session.incoming("leg-1", "sip:bob@x", "Bob", "sdp")
        assert (await socket.receive_json())["type"] == "incoming"
        await socket.send_json({"type": "answer", "call": "leg-1", "sdp": "answer", "seq": 1})
        await until(lambda: run.kinds[-1] == "CallAnswered")
        await socket.send_json({"type": "refresh"})
        token = await socket.receive_json()
        assert token["type"] == "token"
        await socket.send_json({"type": "bye"})
        assert await closing(socket) == ([], 1000)
        await until(lambda: run.kinds[-1] == "SessionClosed")
        again = await run.socket()
        await again.send_json({"type": "hello", "version": 1, "token": token["token"]})
        assert (await again.receive_json())["type"] == "welcome"


async def test_a_dropped_connection_resumes():
    async with running() as run:
        socket, welcome = await run.signed_in()
        session = run.events[0][0]
        socket._response.connection.transport.abort()
        await until(lambda: run.kinds[-1] == "SessionLost")
        session.incoming("leg-1", "sip:bob@x", "Bob", "sdp")
        again = await run.socket()
        keys = {"session": welcome["session"], "resume": welcome["resume"]}
        await again.send_json({"type": "resume", "version": 1, "ack": 0} | keys)
        assert (await again.receive_json())["type"] == "resumed"
        assert (await again.receive_json())["type"] == "incoming"
        await until(lambda: run.kinds[-1] == "SessionResumed")


async def test_heartbeat_and_the_window_run_by_themselves():
    limits = BrowserConfig(heartbeat=0.05, dead_after=0.2, resume_window=0.2, hello_timeout=0.1)
    async with running(limits) as run:
        mute = await run.socket()
        assert (await closing(mute))[1] == 4407
        socket, _ = await run.signed_in()
        messages, code = await closing(socket)
        assert {m["type"] for m in messages} == {"ping"}
        assert len(messages) >= 2
        assert code == 4408
        await until(lambda: run.kinds == ["SessionOpened", "SessionLost", "SessionClosed"])
        assert len(run.server.hub) == 0


async def test_a_page_that_does_not_read_is_cut_off():
    limits = BrowserConfig(queue_messages=1000, queue_characters=3_000_000)
    async with running(limits) as run:
        socket, _ = await run.signed_in()
        session = run.events[0][0]
        socket._response.connection.transport.pause_reading()
        session.incoming("leg", "bob", "Bob", "sdp")
        for _ in range(2_000):  # the kernel takes some megabytes first
            if not session.sdp_offer("leg", "x" * 60_000) or run.server.hub.counters["too-slow"]:
                break
            await asyncio.sleep(0)
        await until(lambda: run.kinds[-1] == "SessionLost")
        assert run.server.hub.counters["too-slow"] == 1


@pytest.mark.parametrize("token", ["", "x", "a.b.c", 5, None, "x" * 5000, "é" * 20])
async def test_tokens_that_are_none(token):
    async with running() as run:
        socket = await run.socket()
        await socket.send_json({"type": "hello", "version": 1, "token": token})
        error = await socket.receive_json()
        assert (error["type"], error["code"]) in (("error", "token-invalid"), ("error", "bad-field"))
        await socket.close()
        assert run.events == []


async def test_any_bytes_on_the_socket_leave_the_others_in_peace(caplog):
    limits = BrowserConfig(max_message=2_000)
    rng = random.Random(11)
    async with running(limits) as run:
        good, _ = await run.signed_in()
        for i in range(40):
            socket = await run.socket()
            if i % 2:
                await socket.send_json({"type": "hello", "version": 1, "token": (await run.login())[1]["token"]})
            for _ in range(12):
                junk = rng.randbytes(rng.choice([0, 1, 100, 3_000]))
                try:
                    if rng.random() < 0.5:
                        await socket.send_bytes(junk)
                    else:
                        await socket.send_str(junk.decode("latin-1"))
                except ConnectionError:
                    break
            if i % 4 == 0:
                with_raw = socket._response.connection.transport
                with_raw.write(rng.randbytes(50))
            messages, code = await closing(socket)
            assert code in (4400, 1002, 1006, 1007, 1009), code
            assert {m["type"] for m in messages} <= {"error", "welcome"}
        await good.send_json({"type": "ping", "ack": 0})
        assert (await good.receive_json())["type"] == "pong"
        assert run.server.faults == 0
        assert run.server.hub.counters["too-long"] > 0
        assert run.server.hub.counters["binary-frame"] > 0
        assert run.server.hub.counters["bad-frame"] > 0
    assert not [r for r in caplog.records if r.levelname in ("ERROR", "CRITICAL")]


async def test_far_too_long_a_frame():
    async with running(BrowserConfig(max_message=1_000)) as run:
        socket = await run.socket()
        await socket.send_str("x" * 1_001)
        assert (await socket.receive_json())["code"] == "too-long"
        await socket.send_str("x" * 10_000)
        assert (await closing(socket))[1] == 1009


async def test_other_origins_are_kept_out():
    async with running(web={"allowed_origins": ("https://friend.example",)}) as run:
        with pytest.raises(aiohttp.WSServerHandshakeError) as why:
            await run.socket(origin="https://evil.example")
        assert why.value.status == 403
        await (await run.socket(origin="https://friend.example")).close()
        await (await run.socket(origin=run.url)).close()
        assert run.server.hub.counters["origin"] == 1


async def test_sockets_per_address():
    async with running(web={"max_sockets_per_address": 2}) as run:
        one, two = await run.socket(), await run.socket()
        with pytest.raises(aiohttp.WSServerHandshakeError) as why:
            await run.socket()
        assert why.value.status == 503
        await one.close()
        await until(lambda: run.server.hub.links == 1)
        await (await run.socket()).close()
        await two.close()
        await until(lambda: not run.server._addresses)


async def test_a_handler_that_fails_is_counted_and_the_conversation_goes_on(caplog):
    async with running() as run:
        run.server._on_event = lambda session, event: 1 / 0
        socket, welcome = await run.signed_in()
        assert welcome["type"] == "welcome"
        await socket.send_json({"type": "ping"})
        assert (await socket.receive_json())["type"] == "pong"
        assert run.server.faults == 1
    assert "SessionOpened" in caplog.text


async def test_stopping_says_goodbye():
    async with running() as run:
        socket, _ = await run.signed_in()
        stopping = asyncio.create_task(run.server.aclose("Back in a minute."))
        messages, code = await closing(socket)
        assert messages == [{"type": "goodbye", "code": "stopping", "words": "Back in a minute.", "retry_after": 5.0}]
        assert code == 4503
        await stopping
        assert run.kinds == ["SessionOpened", "SessionClosed"]
        assert run.server.hub.links == 0


async def test_stopping_does_not_wait_for_a_dead_page():
    async with running() as run:
        socket, _ = await run.signed_in()
        socket._response.connection.transport.pause_reading()
        async with asyncio.timeout(3):
            await run.server.aclose()


async def test_the_page_and_its_headers():
    async with running() as run:
        async with run.http.get(run.url + "/") as response:
            assert response.status == 200
            assert response.headers["Content-Type"] == "text/html; charset=utf-8"
            policy = response.headers["Content-Security-Policy"]
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["Cache-Control"] == "no-cache"
            assert "Server" not in response.headers
        async with run.http.get(run.url + "/app.js") as response:
            assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
            etag = response.headers["ETag"]
        async with run.http.get(run.url + "/app.js", headers={"If-None-Match": etag}) as response:
            assert response.status == 304


@pytest.mark.parametrize(
    "path", ["/__init__.py", "/../pyproject.toml", "/%2e%2e/pyproject.toml", "/..%2fpyproject.toml", "/nothing", "/%00"]
)
async def test_nothing_but_the_page_is_served(path):
    async with running() as run:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(run.url.rsplit(":", 1)[1]))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        status = await reader.readline()
        writer.close()
        await writer.wait_closed()
        assert status.split()[1] in (b"404", b"400")


async def test_health_metrics_and_demo():
    async with running(web={"demo": {"accounts": [{"user": "alice"}]}}, health=lambda: {"calls": 3}) as run:
        async with run.http.get(run.url + "/healthz") as response:
            assert await response.json() == {"status": "ok", "browser_sessions": 0, "calls": 3}
        async with run.http.get(run.url + "/v1/demo") as response:
            assert await response.json() == {"demo": True, "accounts": [{"user": "alice"}]}
        await run.login("alice", "wrong")
        socket, _ = await run.signed_in()
        await socket.send_str("junk")
        await socket.receive()
        async with run.http.get(run.url + "/metrics") as response:
            text = await response.text()
        assert 'tandem_browser_sessions{state="open"} 1.0' in text
        assert 'tandem_browser_refused_total{code="not-json"} 1.0' in text
        assert 'tandem_login_refused_total{code="wrong-password"} 1.0' in text


async def test_metrics_are_not_for_everybody():
    async with running(web={"metrics_from": ()}) as run, run.http.get(run.url + "/metrics") as response:
        assert response.status == 403
    async with running() as run, run.http.get(run.url + "/v1/demo") as response:
        assert await response.json() == {"demo": False}


async def test_the_demo_is_shown_under_no_other_name():
    async with running(web={"demo": {"accounts": [{"user": "alice", "password": "alice"}]}}) as run:
        port = run.url.rsplit(":", 1)[1]
        for host, status in ((f"localhost:{port}", 200), (f"[::1]:{port}", 200), ("localhost", 403), ("a.evil:1", 403)):
            async with run.http.get(run.url + "/v1/demo", headers={"Host": host}) as response:
                assert response.status == status
                assert ("alice" in await response.text()) is (status == 200)


async def test_a_taken_port_says_so():
    async with running() as run:
        port = int(run.url.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="address"):
            async with running(web={"port": port}):
                pass


async def test_a_hundred_sockets_leave_nothing_behind():
    async with running() as run:
        before = len(os.listdir("/proc/self/fd"))
        sockets = [(await run.signed_in())[0] for _ in range(5)]
        refused = await run.socket()
        await refused.send_json({"type": "hello", "version": 1, "token": (await run.login())[1]["token"]})
        assert (await refused.receive_json())["code"] == "too-many-sessions"
        for socket in sockets:
            await socket.send_json({"type": "bye"})
            await closing(socket)
        await closing(refused)
        await until(lambda: run.server.hub.links == 0)
        assert len(run.server.hub) == 0
        await asyncio.sleep(0.05)
        assert len(os.listdir("/proc/self/fd")) <= before + 3


async def test_any_bytes_on_the_port_are_answered_or_dropped(caplog):
    rng = random.Random(5)
    handshake = b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    async with running() as run:
        port = int(run.url.rsplit(":", 1)[1])
        for i in range(60):
            junk = rng.randbytes(rng.choice([1, 40, 2_000]))
            start = (b"", handshake, b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n")[i % 3]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(start + junk + b"\r\n\r\n")
            writer.write_eof()
            async with asyncio.timeout(3):
                answer = await reader.read()
            assert answer == b"" or answer.startswith(b"HTTP/1."), answer[:40]
            assert b" 500 " not in answer[:20]
            writer.close()
        status, _ = await run.login()
        assert status == 200
        assert run.server.hub.counters["bad-http"] > 10
    assert "Traceback" not in caplog.text


async def test_a_connection_that_asks_for_nothing_is_cut():
    async with running(web={"idle_timeout": 0.2}) as run:
        host, port = run.url.removeprefix("http://").split(":")
        silent, slow, socket = (
            await asyncio.open_connection(host, int(port)),
            await asyncio.open_connection(host, int(port)),
            await run.socket(),
        )
        slow[1].write(b"GET /healthz HT")
        async with asyncio.timeout(5):
            for reader, writer in (silent, slow):
                with pytest.raises(ConnectionResetError):
                    assert await reader.read() == b""
                    raise ConnectionResetError
                writer.close()
        assert run.server.doorman.turned_away == 2
        assert not socket.closed
        async with run.http.get(f"{run.url}/healthz") as response:
            assert response.status == 200


async def test_there_is_room_for_so_many_connections():
    async with running(web={"max_connections": 3}) as run:
        host, port = run.url.removeprefix("http://").split(":")
        held = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
        await until(lambda: len(run.server._runner.server.connections) == 3)
        reader, writer = await asyncio.open_connection(host, int(port))
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        assert run.server.doorman.turned_away == 1
        held[0][1].close()
        await until(lambda: len(run.server._runner.server.connections) == 2)
        async with run.http.get(f"{run.url}/healthz") as response:
            assert response.status == 200
        for _, writer in held:
            writer.close()


async def test_a_body_may_come_in_pieces():
    async with running() as run:
        host, port = run.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        body = b'{"user": "alice", "password": "wonder"}'
        head = "POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        await asyncio.sleep(0.05)
        writer.write(body[10:])
        async with asyncio.timeout(5):
            assert b"200 OK" in await reader.readline()
        writer.close()
