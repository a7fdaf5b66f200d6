"""Prometheus figures: counters folded from the one event stream, gauges asked for when somebody reads them.

docs/metrics.md lists them all (a test compares). No label has endless values: causes, kinds and reasons come from
tables of ours, trunks from the configuration.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.calls import events as ev
from gateway.ops.quality import QualityMetrics
from gateway.ops.recall import Recall

SETUP_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60)
TALK_BUCKETS = (1, 10, 30, 60, 180, 600, 1800, 3600, 14400)
LATE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
BEAT = 0.25


@dataclass(frozen=True, slots=True)
class Sources:
    """Whom to ask at each scrape."""

    gauges: Callable[[], Mapping[str, float]] = dict
    """Name -> value."""
    refusals: Callable[[], Mapping[str, Mapping[str, int]]] = dict
    """Protocol -> reason -> count."""
    failures: Callable[[], Mapping[str, int]] = dict
    """Effect -> count."""
    trunks: Callable[[], Mapping[str, bool]] = dict
    """Trunk -> registered."""
    queues: Mapping[str, Callable[[], int]] = field(default_factory=dict)
    """Queue -> how many wait in it. Parts that have one enter it when they are made."""


class Metrics:
    """`publish` takes each call event; `sources` are asked when somebody reads."""

    def __init__(self, registry: CollectorRegistry, sources: Sources | None = None) -> None:
        self._started = Counter("tandem_calls_started", "Calls that came in", ["kind"], registry=registry)
        self._answered = Counter("tandem_calls_answered", "Calls that were answered", ["kind"], registry=registry)
        self._ended = Counter(
            "tandem_calls_ended", "Calls that ended, by cause", ["cause", "answered"], registry=registry
        )
        self._refused = Counter(
            "tandem_calls_refused",
            "Calls that nobody got to answer, by cause and status",
            ["cause", "status"],
            registry=registry,
        )
        self._setup = Histogram(
            "tandem_call_setup_seconds", "From arrival until it rings", buckets=SETUP_BUCKETS, registry=registry
        )
        self._answer = Histogram(
            "tandem_call_answer_seconds", "From arrival to answer", buckets=SETUP_BUCKETS, registry=registry
        )
        self._talked = Histogram(
            "tandem_call_talk_seconds", "From answer to end", buckets=TALK_BUCKETS, registry=registry
        )
        self._late = Histogram(
            "tandem_loop_late_seconds", "How late the event loop runs", buckets=LATE_BUCKETS, registry=registry
        )
        self._quality = QualityMetrics(registry)
        self._arrived: Recall[float] = Recall()
        self._timer: asyncio.TimerHandle | None = None
        ProcessCollector(registry=registry)
        registry.register(_Asked(sources or Sources()))

    def publish(self, event: ev.CallEvent) -> None:
        self._quality.publish(event)
        match event:
            case ev.CallStarted(call=call, at=at, kind=kind):
                self._started.labels(kind).inc()
                self._arrived[call] = at
            case ev.CallAlerting():
                self._set_up(event)
            case ev.CallAnswered(kind=kind, waited=waited):
                self._answered.labels(kind).inc()
                self._answer.observe(waited)
                self._set_up(event)
            case ev.CallEnded():
                self._count_end(event)

    def _set_up(self, event: ev.CallEvent) -> None:
        arrived = self._arrived.pop(event.call, None)
        if arrived is not None:
            self._setup.observe(event.at - arrived)

    def _count_end(self, event: ev.CallEnded) -> None:
        ending, talked = event.ending, event.talked
        self._arrived.pop(event.call, None)
        self._ended.labels(ending.cause, "no" if talked is None else "yes").inc()
        if talked is not None:
            self._talked.observe(talked)
        elif ending.status >= 400 and ending.cause != "cancelled":  # the caller's own choice is no refusal
            self._refused.labels(ending.cause, str(ending.status)).inc()

    def watch_loop(self) -> None:
        """Measure from now on how late timers fire."""
        loop = asyncio.get_running_loop()
        due = loop.time() + BEAT

        def beat() -> None:
            self._late.observe(max(0.0, loop.time() - due))
            self.watch_loop()

        self._timer = loop.call_at(due, beat)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class _Asked(Collector):
    """What is gathered only when asked."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        for name, value in self._sources.gauges().items():
            yield GaugeMetricFamily(f"tandem_{name}", GAUGES.get(name, name.replace("_", " ")), value)
        yield self._labelled(
            "trunk_registered", "1 while we are registered at a trunk", "trunk", self._sources.trunks()
        )
        yield self._labelled(
            "queue_depth",
            "How many wait in a queue",
            "queue",
            {name: ask() for name, ask in self._sources.queues.items()},
        )
        yield self._refused()
        yield self._failed()

    def _labelled(self, name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
        family = GaugeMetricFamily(f"tandem_{name}", words, labels=[label])
        for key, value in sorted(values.items()):
            family.add_metric([key], value)
        return family

    def _refused(self) -> Metric:
        refused = CounterMetricFamily(
            "tandem_refused", "Messages and packets refused, by protocol and reason", labels=["protocol", "why"]
        )
        for protocol, reasons in self._sources.refusals().items():
            for why, count in sorted(reasons.items()):
                refused.add_metric([protocol, why], count)
        return refused

    def _failed(self) -> Metric:
        failed = CounterMetricFamily(
            "tandem_effects_failed", "What calls wanted and could not have, by effect and error", labels=["effect"]
        )
        for effect, count in sorted(self._sources.failures().items()):
            failed.add_metric([effect], count)
        return failed


GAUGES = {
    "calls": "Live calls",
    "media_legs": "Open media legs: parties, players, recorders",
    "rtp_ports": "RTP ports in use",
    "sip_dialogs": "SIP dialogs",
    "sip_transactions": "SIP transactions",
    "sip_registrations": "Phones registered",
    "draining": "1 while no new calls are taken",
    "tasks": "asyncio tasks",
}


def bounded(reasons: Mapping[str, int], limit: int = 50) -> dict[str, int]:
    """Reasons as label values, a bounded set of them: a stranger's bytes must not make endless time series.

    The first to come keep their names, so that each series only ever grows; what comes beyond the limit is "other".
    """
    plain: dict[str, int] = {}
    for why, count in reasons.items():
        name = label(why)
        name = name if name in plain or len(plain) < limit else "other"
        plain[name] = plain.get(name, 0) + count
    return plain


def label(why: str) -> str:
    """A reason's first clause in words without anything of the message's own: no numbers, addresses or quotations."""
    if _CODE.fullmatch(why):
        return why
    clause = re.split(r"[;?!]|[.:](?=\s|$)", why, maxsplit=1)[0]
    words = [word.strip(",.:()") for word in re.sub(r"\"[^\"]*\"|'[^']*'(?!\w)", " ", clause).split()]
    return "-".join(word.lower() for word in words if _WORD.fullmatch(word))[:80] or "other"


_CODE = re.compile(r"[a-z]+(-[a-z]+)*(-[1-6]\d\d)?")
_WORD = re.compile(r"[A-Za-z]+(['-][A-Za-z]+)*")
