"""Webhooks: each event is POSTed to whoever wants it, again until it arrives, and nobody waits for that.

Each receiver has an outbox and a limit of its own, so one that is dead or slow holds up neither calls nor the others.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.events.log import Published
from gateway.events.outbox import Delivery, Outbox, OutboxLimits
from gateway.events.post import NotPosted, Posted, Poster, host

log = logging.getLogger("tandem.webhooks")

MOST_OF_ANSWER = 16 * 1024
"""Bytes of an answer that are read, to use the connection again. What it says is of no interest."""


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    url: str = field(repr=False)
    secret: str = field(repr=False)
    types: frozenset[str]
    timeout: float = 5.0
    limits: OutboxLimits = OutboxLimits()


class Webhooks(Collector):
    """All receivers. `put` each event; `aclose` gives them a moment more."""

    def __init__(self, configs: Sequence[WebhookConfig], poster: Poster) -> None:
        self.receivers = [_Receiver(f"{i}:{host(c.url)}", c, poster) for i, c in enumerate(configs, 1)]

    def put(self, event: Published) -> None:
        for receiver in self.receivers:
            receiver.put(event)

    async def aclose(self, patience: float) -> None:
        """Deliver what still waits, at most so many seconds. Idempotent."""
        await asyncio.gather(*(receiver.aclose(patience) for receiver in self.receivers))

    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("tandem_webhook_waiting", "Events not yet delivered", labels=["receiver"])
        outcomes = CounterMetricFamily(
            "tandem_webhook_events", "Events by what became of them", labels=["receiver", "outcome"]
        )
        retries = CounterMetricFamily("tandem_webhook_retries", "Deliveries tried again", labels=["receiver"])
        for receiver in self.receivers:
            box = receiver.outbox
            waiting.add_metric([receiver.name], box.waiting)
            retries.add_metric([receiver.name], box.retried)
            for outcome in ("delivered", "given_up", "dropped"):
                outcomes.add_metric([receiver.name, outcome], getattr(box, outcome))
        yield from (waiting, outcomes, retries)


class _Receiver:
    def __init__(self, name: str, config: WebhookConfig, poster: Poster) -> None:
        self.name = name
        self.outbox = Outbox(config.limits, random.random, lambda: secrets.token_hex(12))
        self._config, self._poster = config, poster
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._closed = self._failing = self._full = False

    def put(self, event: Published) -> None:
        if self._closed or event.type not in self._config.types:
            return
        full = not self.outbox.put(event)
        if full and not self._full:
            log.warning("webhook %s: %d events wait, newer ones are dropped", self.name, self.outbox.waiting)
        self._full = full
        self._pump()

    async def aclose(self, patience: float) -> None:
        if self._closed:
            return
        self._closed = True
        if self.outbox.waiting:
            self._empty.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._empty.wait()
            except TimeoutError:
                log.warning("webhook %s: %d events were not delivered before the stop", self.name, self.outbox.waiting)
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        while (delivery := self.outbox.next(loop.time())) is not None:
            task = loop.create_task(self._deliver(delivery), name=f"webhook-{self.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (at := self.outbox.wake_at()) is not None:
            # A loop whose clock moves in whole milliseconds may call a little early: never spin on that.
            self._timer = loop.call_at(max(at, loop.time() + 0.01), self._pump)
        if not self.outbox.waiting:
            self._empty.set()

    async def _deliver(self, delivery: Delivery) -> None:
        event = delivery.event
        headers = {
            "Tandem-Event-Id": event.id,
            "Tandem-Delivery": delivery.id,
            "Tandem-Attempt": str(delivery.attempts),
        }
        try:
            answer = await self._post(event.text.encode(), headers)
        except NotPosted as error:
            self._failed(delivery, str(error))
        else:
            self._answered(delivery, answer)
        self._pump()

    async def _post(self, body: bytes, headers: dict[str, str]) -> Posted:
        config = self._config
        try:
            return await self._poster.post(config.url, config.secret, body, headers, config.timeout, MOST_OF_ANSWER)
        except NotPosted:
            raise
        except Exception as error:  # a defect must not stop all that waits behind this one
            log.exception("webhook %s", self.name)
            raise NotPosted(type(error).__name__) from None

    def _answered(self, delivery: Delivery, answer: Posted) -> None:
        if 200 <= answer.status < 300:
            self.outbox.arrived(delivery)
            if self._failing:
                self._failing = False
                log.info("webhook %s takes events again", self.name)
        elif answer.status >= 500 or answer.status in (408, 425, 429):
            wish = _retry_after(answer.headers.get("Retry-After", ""), time.time)
            self._failed(delivery, f"answers {answer.status}", wish=wish)
        elif 300 <= answer.status < 400:
            self._failed(delivery, f"answers {answer.status}: redirects are not followed, set its new url", retry=False)
        else:
            self._failed(delivery, f"refuses events with {answer.status}", retry=False)

    def _failed(self, delivery: Delivery, words: str, **how: Any) -> None:  # noqa: ANN401 - passed on to the outbox
        self.outbox.failed(delivery, asyncio.get_running_loop().time(), **how)
        if not self._failing:  # one line when it begins, one when it is over
            self._failing = True
            log.warning("webhook %s %s", self.name, words)


def _retry_after(text: str, unix: Callable[[], float]) -> float:
    """Seconds (RFC 9110 section 10.2.3): a number or a date; 0 for what is neither."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - unix())
    except (ValueError, OverflowError):
        return 0.0
