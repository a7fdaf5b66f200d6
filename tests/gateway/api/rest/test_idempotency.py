"""Once, however often it is sent."""

import asyncio

import pytest
from aiohttp import web

from gateway.api.rest.idempotency import LIFE, Replays
from gateway.api.rest.problem import Problem
from tests.gateway.api.rest.kit import FULL

BODY = {"to": "user:bob"}


async def test_the_same_request_is_done_once_and_answered_again(api):
    status, first, headers = await api.ask("POST", "/v1/calls", BODY, Idempotency_Key="a")
    again, second, headers_again = await api.ask("POST", "/v1/calls", BODY, Idempotency_Key="a")
    assert (status, again) == (201, 201)
    assert first == second
    assert headers["Location"] == headers_again["Location"]
    assert "Idempotency-Replayed" not in headers
    assert headers_again["Idempotency-Replayed"] == "true"
    assert headers_again["Content-Type"] == headers["Content-Type"]
    assert len(api.desk.views()) == 1
    await api.ask("POST", "/v1/calls", BODY, Idempotency_Key="b")
    assert len(api.desk.views()) == 2


async def test_another_request_with_the_same_key_is_a_mistake(api):
    await api.ask("POST", "/v1/calls", BODY, Idempotency_Key="a")
    problem = await api.bad("POST", "/v1/calls", {"to": "user:carol"}, Idempotency_Key="a")
    assert (problem["status"], problem["code"]) == (422, "key-reused")
    call = api.desk.views()[0].id
    problem = await api.bad("POST", f"/v1/calls/{call}/play", BODY, Idempotency_Key="a")
    assert problem["code"] == "key-reused"


async def test_what_did_not_succeed_can_be_tried_again(api):
    api.office.table.stopping = True
    assert (await api.ask("POST", "/v1/calls", BODY, Idempotency_Key="a"))[0] == 503
    api.office.table.stopping = False
    assert (await api.ask("POST", "/v1/calls", BODY, Idempotency_Key="a"))[0] == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
async def test_a_key_that_cannot_be_used(api, key):
    problem = await api.bad("POST", "/v1/calls", BODY, Idempotency_Key=key)
    assert problem["errors"][0]["field"] == "Idempotency-Key"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def answering(*texts: str):
    left = list(texts)

    async def act() -> web.Response:
        await asyncio.sleep(0)
        return web.Response(text=left.pop(0))

    return act


async def test_who_comes_while_it_runs_waits_for_its_answer():
    replays, act = Replays(Clock()), answering("first", "second")
    both = await asyncio.gather(*(replays.once("me", "k", b"f", act) for _ in range(2)))
    assert [r.body for r in both] == [b"first", b"first"]


async def test_who_waits_too_long_is_told_so():
    replays, never = Replays(Clock(), patience=0), asyncio.Event()

    async def act() -> web.Response:
        await never.wait()
        return web.Response()

    first = asyncio.create_task(replays.once("me", "k", b"f", act))
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await replays.once("me", "k", b"f", act)
    assert (refused.value.status, refused.value.code) == (409, "in-progress")
    never.set()
    await first


async def test_who_waited_for_what_failed_does_it_itself():
    replays = Replays(Clock())
    left = [web.Response(status=503), web.Response(status=201)]

    async def act() -> web.Response:
        await asyncio.sleep(0)
        return left.pop(0)

    both = await asyncio.gather(*(replays.once("me", "k", b"f", act) for _ in range(2)))
    assert [r.status for r in both] == [503, 201]


async def test_a_fault_leaves_nothing_behind():
    replays = Replays(Clock())

    async def act() -> web.Response:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await replays.once("me", "k", b"f", act)
    assert len(replays) == 0


async def test_keys_belong_to_who_sent_them():
    replays, act = Replays(Clock()), answering("mine", "yours")
    assert (await replays.once("me", "k", b"f", act)).body == b"mine"
    assert (await replays.once("you", "k", b"f", act)).body == b"yours"


async def test_memory_and_time_are_bounded():
    clock = Clock()
    replays = Replays(clock, capacity=3)
    for i in range(10):
        clock.now = i
        await replays.once("me", str(i), b"f", answering("x"))
    assert len(replays) == 3
    clock.now = LIFE + 8
    assert (await replays.once("me", "7", b"f", answering("anew"))).body == b"anew"
    assert (await replays.once("me", "9", b"f", answering("anew"))).body == b"x"
    assert FULL
