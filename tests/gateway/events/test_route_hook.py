"""A program decides on a call's way, or does not, and every way of not doing so has words."""
# ruff: noqa: E501 - a table of cases is easier read in wide rows

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gateway.calls.causes import Ending
from gateway.events.post import Poster
from gateway.events.route_hook import Decision, HookFailed, RouteHook, read
from gateway.events.signature import HEADER
from tests.gateway.events.receiver import SECRET, receiver
from tests.kit.ports import free_port

FACTS = {
    "call": "9be1",
    "caller": "+4930123",
    "display": "Bo\ud800b",
    "dialled": "600",
    "headers": {"Subject": "hello"},
}


@asynccontextmanager
async def asking(seconds=2.0):
    poster = Poster()
    try:
        yield RouteHook(poster, SECRET, seconds)
    finally:
        await poster.aclose()


async def test_it_is_asked_with_the_facts_and_signed():
    async with receiver() as there, asking() as hook:
        there.answer = lambda facts, request: web.json_response({"forward": ["user:bob", "600"], "timeout": 5})
        decision = await hook.ask(there.url, FACTS)
        assert there.asked[0][0] == FACTS | {"display": "Bo?b"}
        assert (decision.targets, decision.strategy, decision.timeout) == (("user:bob", "600"), "parallel", 5.0)


@pytest.mark.parametrize(
    ("answer", "targets", "refusal", "play"),
    [
        ({"forward": ["trunk:office/{number}"], "strategy": "sequential"}, ("trunk:office/{number}",), None, None),
        ({"reject": {"status": 486, "words": "Not now."}}, (), Ending("forbidden", 486, "Not now."), None),
        ({"reject": {}}, (), Ending("forbidden", 403, "This call is not allowed."), None),
        ({"app": "echo"}, ("app:echo",), None, None),
        ({"play": ["tone:busy", "file:welcome.wav"]}, (), None, ["tone:busy", "file:welcome.wav"]),
    ],
)
def test_decisions(answer, targets, refusal, play):
    decision = read(json.dumps(answer).encode(), "x")
    assert isinstance(decision, Decision)
    assert (decision.targets, decision.refusal, decision.play) == (targets, refusal, play)


@pytest.mark.parametrize(
    "answer",
    [
        {}, [], 5, None, "echo", {"forward": []}, {"forward": "user:bob"}, {"forward": ["bob:x"]}, {"forward": [""]},
        {"forward": ["user:bob"], "app": "echo"}, {"app": "ecko"}, {"app": ""}, {"app": "e\r\n"}, {"reject": {"status": 200}},
        {"reject": {"status": "486"}}, {"reject": {"words": "x\r\nVia: y"}}, {"reject": {"why": "x"}}, {"reject": True},
        {"forward": ["user:bob"], "more": 1}, {"forward": ["user:bob"], "timeout": 0}, {"forward": ["user:bob"], "timeout": True},
        {"forward": ["user:bob"], "timeout": "5"}, {"forward": ["user:bob"], "strategy": "some"}, {"app": "echo", "timeout": 5},
        {"forward": ["sip:bob@x\r\nVia:y"]}, {"forward": ["1"] * 51}, {"play": []}, {"play": ["a\nb"]}, {"play": [5]},
        {"reject": {"words": "x" * 300}},
    ],
)  # fmt: skip
def test_answers_that_mean_nothing(answer):
    failed = read(json.dumps(answer).encode(), "router.example.com")
    assert isinstance(failed, HookFailed)
    assert failed.why == "bad-answer"
    assert failed.words.startswith("The answer of the route webhook at router.example.com is not right: ")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 50_000, b'{"forward":["\\ud800"]}', b'{"app":"echo"}x']
)
def test_bytes_that_are_no_answer(body):
    assert isinstance(read(body, "x"), HookFailed)


@pytest.mark.parametrize(
    ("answer", "why", "words"),
    [
        (lambda *_: 204, "status", "answers 204 instead of 200"),
        (lambda *_: 500, "status", "answers 500"),
        (lambda *_: web.Response(status=302, headers={"Location": "/elsewhere"}), "status", "answers 302"),
        (lambda *_: web.Response(body=b"x" * 100_000), "bad-answer", "more than 64 KiB"),
        (lambda *_: web.Response(text="hello"), "bad-answer", "is not right"),
        (lambda *_: asyncio.sleep(30), "no-answer", "no answer within 0.2 seconds"),
    ],
)
async def test_failures_have_words(answer, why, words):
    async with receiver() as there, asking(0.2 if why == "no-answer" else 10.0) as hook:
        there.answer = answer
        failed = await hook.ask(there.url, FACTS)
        assert isinstance(failed, HookFailed)
        assert failed.why == why
        assert words in failed.words
        assert there.elsewhere == 0


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/x?key=hidden", "http://user:hidden@127.0.0.1:{port}/", "http://[::1"]
)
async def test_nobody_there(url):
    async with asking() as hook:
        failed = await hook.ask(url.format(port=free_port()), FACTS)
        assert isinstance(failed, HookFailed)
        assert failed.why == "no-answer"
        assert "hidden" not in failed.words


async def test_without_a_secret_it_is_not_signed():
    seen = []

    async def handle(request):
        seen.append(dict(request.headers))
        return web.json_response({"app": "echo"})

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    poster = Poster()
    try:
        decision = await RouteHook(poster, "").ask(f"http://127.0.0.1:{runner.addresses[0][1]}/", FACTS)
        assert decision.targets == ("app:echo",)
        assert HEADER not in seen[0]
    finally:
        await poster.aclose()
        await runner.cleanup()
