"""Deliveries to real receivers: signed, in order, again until they arrive, and nobody waits for a dead one."""
# ruff: noqa: E501 - a table of cases is easier read in wide rows

import asyncio
import json
import logging
from collections import Counter, defaultdict
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.events.feed import Feed
from gateway.events.outbox import OutboxLimits
from gateway.events.post import Poster
from gateway.events.vocabulary import wanted
from gateway.events.webhooks import WebhookConfig, Webhooks, _retry_after
from tests.gateway.events.kit import digit, ended, log, started
from tests.gateway.events.receiver import SECRET, receiver, until
from tests.kit.ports import free_port

QUICK = OutboxLimits(first_delay=0.01, longest_delay=0.05)


def config(url, types=("*",), limits=QUICK, timeout=10.0):
    return WebhookConfig(url, SECRET, wanted(types), timeout, limits)


@asynccontextmanager
async def delivering(*configs):
    poster = Poster()
    hooks = Webhooks(configs, poster)
    feed = Feed(log())
    feed.listeners.append(hooks.put)
    try:
        yield feed, hooks
    finally:
        await hooks.aclose(0.0)
        await poster.aclose()
        feed.close()
        await asyncio.sleep(0)
        assert [t for t in asyncio.all_tasks() if t.get_name().startswith("webhook")] == []


async def test_what_arrives():
    async with receiver() as there, delivering(config(there.url, ["call.*"])) as (feed, hooks):
        feed.publish(started("a"))
        await until(lambda: there.taken)
        event, headers = there.asked[0]
        assert event == json.loads(feed.log.read(feed.log.oldest(), 1).events[0].text)
        assert (headers["Content-Type"], headers["Tandem-Event-Id"]) == ("application/json", event["id"])
        assert headers["Tandem-Attempt"] == "1"
        assert "Cookie" not in headers


async def test_a_receiver_that_fails_twice_gets_it_the_third_time():
    async with receiver() as there, delivering(config(there.url)) as (feed, hooks):
        failures = iter([500, 503])
        there.answer = lambda event, request: next(failures, 200)
        feed.publish(started("a"))
        feed.publish(ended("a"))
        await until(lambda: len(there.taken) == 2)
        assert [event["seq"] for event, _ in there.asked] == [1, 1, 1, 2]
        assert [headers["Tandem-Attempt"] for _, headers in there.asked] == ["1", "2", "3", "1"]
        assert len({headers["Tandem-Delivery"] for _, headers in there.asked}) == 2
        box = hooks.receivers[0].outbox
        assert (box.delivered, box.retried, box.given_up, box.waiting) == (2, 2, 0, 0)


async def test_every_calls_events_arrive_in_order_whatever_fails():
    async with receiver() as there, delivering(config(there.url)) as (feed, hooks):
        turns = Counter()

        async def answer(event, request):
            turns[event["id"]] += 1
            await asyncio.sleep(0.002 * (int(event["data"]["key"]) % 3))
            return 503 if turns[event["id"]] == 1 and event["seq"] % 3 == 0 else 200

        there.answer = answer
        for i in range(10):
            for call in "abcde":
                feed.publish(digit(call, str(i)))
        await until(lambda: len(there.taken) == 50)
        seqs = defaultdict(list)
        for event in there.taken:
            seqs[event["call"]].append(event["seq"])
        assert dict(seqs) == {call: list(range(1, 11)) for call in "abcde"}


async def test_a_dead_and_a_silent_receiver_hold_up_nobody():
    async with receiver() as good, receiver() as silent:
        silent.answer = lambda event, request: asyncio.sleep(60)
        dead = config(f"http://127.0.0.1:{free_port()}/hook")
        limits = OutboxLimits(queue=20, first_delay=0.01)
        async with delivering(dead, config(silent.url, limits=limits, timeout=0.05), config(good.url)) as (feed, hooks):
            for i in range(50):
                feed.publish(digit(f"c{i}"))
            await until(lambda: len(good.taken) == 50)
            await until(lambda: silent.asked and hooks.receivers[1].outbox.retried)
            assert good.asked[-1][1]["Tandem-Attempt"] == "1"
            assert (hooks.receivers[1].outbox.waiting, hooks.receivers[1].outbox.dropped) == (20, 30)
            assert hooks.receivers[0].outbox.delivered == 0
            registry = CollectorRegistry()
            registry.register(hooks)
            labels = {"receiver": hooks.receivers[1].name, "outcome": "dropped"}
            assert registry.get_sample_value("tandem_webhook_events_total", labels) == 30.0


async def test_a_connection_that_breaks_is_tried_again():
    async with receiver() as there, delivering(config(there.url)) as (feed, hooks):

        def answer(event, request):
            if len(there.asked) < 3:
                request.transport.abort()
            return 200

        there.answer = answer
        feed.publish(started("a"))
        await until(lambda: hooks.receivers[0].outbox.delivered)
        assert [headers["Tandem-Attempt"] for _, headers in there.asked] == ["1", "2", "3"]


@pytest.mark.parametrize("status", [400, 401, 404, 410])
async def test_a_refusal_is_not_repeated(status):
    async with receiver() as there, delivering(config(there.url)) as (feed, hooks):
        there.answer = lambda event, request: status if event["seq"] == 1 else 200
        feed.publish(started("a"))
        feed.publish(ended("a"))
        await until(lambda: there.taken)
        assert ([event["seq"] for event, _ in there.asked], hooks.receivers[0].outbox.given_up) == ([1, 2], 1)


async def test_redirects_are_not_followed(caplog):
    async with receiver() as there, delivering(config(there.url)) as (feed, hooks):
        there.answer = lambda event, request: web.Response(status=307, headers={"Location": "/elsewhere"})
        feed.publish(started("a"))
        await until(lambda: hooks.receivers[0].outbox.given_up)
        assert there.elsewhere == 0
        assert "redirects are not followed" in caplog.text


async def test_a_wish_to_wait_is_heeded():
    async with receiver() as there, delivering(config(there.url)) as (feed, hooks):
        there.answer = lambda event, request: web.Response(status=429, headers={"Retry-After": "120"})
        feed.publish(started("a"))
        box = hooks.receivers[0].outbox
        await until(box.wake_at)
        assert box.wake_at() - asyncio.get_running_loop().time() > 100


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5.0), ("", 0.0), ("soon", 0.0), ("-5", 0.0), ("9" * 400, 0.0), ("٣", 0.0), ("Sun, 01 Mar 2026 09:30:35 GMT", 30.0),
     ("Sun, 01 Mar 2026 09:00:00 GMT", 0.0), ("Sun, 01 Mar 0000 09:00:00 GMT", 0.0)],
)  # fmt: skip
def test_retry_after(text, seconds):
    assert _retry_after(text, lambda: 1_772_357_405.0) == seconds


async def test_answers_of_any_length_are_no_matter():
    async with receiver() as there, delivering(config(there.url)) as (feed, hooks):
        there.answer = lambda event, request: web.Response(body=b"x" * 3_000_000)
        feed.publish(started("a"))
        feed.publish(ended("a"))
        await until(lambda: hooks.receivers[0].outbox.delivered == 2)


async def test_a_stop_waits_a_moment_for_what_is_left():
    async with receiver() as there, delivering(config(there.url)) as (feed, hooks):
        there.answer = lambda event, request: _after(0.05)
        for i in range(20):
            feed.publish(digit(f"c{i}"))
        await hooks.aclose(5.0)
        assert len(there.taken) == 20
        feed.publish(digit("late"))
        assert hooks.receivers[0].outbox.waiting == 0


async def _after(seconds):
    await asyncio.sleep(seconds)
    return 200


async def test_a_stop_does_not_wait_for_the_dead(caplog):
    async with delivering(config(f"http://127.0.0.1:{free_port()}/hook?key=hidden")) as (feed, hooks):
        feed.publish(started("a"))
        await hooks.aclose(0.05)
        assert "1 events were not delivered before the stop" in caplog.text
        assert "hidden" not in caplog.text
        assert SECRET not in repr(hooks.receivers[0]._config)


async def test_one_line_when_it_fails_and_one_when_it_is_over(caplog):
    caplog.set_level(logging.INFO)
    async with receiver() as there, delivering(config(there.url)) as (feed, hooks):
        there.answer = lambda event, request: 500 if len(there.asked) < 5 else 200
        for i in range(3):
            feed.publish(digit("a", str(i)))
        await until(lambda: len(there.taken) == 3)
        assert [r.levelname for r in caplog.records if r.name == "tandem.webhooks"] == ["WARNING", "INFO"]
