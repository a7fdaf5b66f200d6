"""Prometheus figures: counters folded from the one event stream, gauges asked for when somebody reads them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.calls import events as ev

SETUP_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60)
TALK_BUCKETS = (1, 10, 30, 60, 180, 600, 1800, 3600, 14400)
LATE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
BEAT = 0.25


class Metrics:
    """The callables are read at each scrape: name -> value, protocol -> (reason -> count), effect -> count."""

    def __init__(
        self,
        registry: CollectorRegistry,
        gauges: Callable[[], Mapping[str, float]] = dict,
        refusals: Callable[[], Mapping[str, Mapping[str, int]]] = dict,
        failures: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._started = Counter("tandem_calls_started", "Calls that came in", ["kind"], registry=registry)
        self._answered = Counter("tandem_calls_answered", "Calls that were answered", ["kind"], registry=registry)
        self._ended = Counter(
            "tandem_calls_ended", "Calls that ended, by cause", ["cause", "answered"], registry=registry
        )
        self._setup = Histogram(
            "tandem_call_answer_seconds", "From arrival to answer", buckets=SETUP_BUCKETS, registry=registry
        )
        self._talked = Histogram(
            "tandem_call_talk_seconds", "From answer to end", buckets=TALK_BUCKETS, registry=registry
        )
        self._late = Histogram(
            "tandem_loop_late_seconds", "How late the event loop runs", buckets=LATE_BUCKETS, registry=registry
        )
        self._timer: asyncio.TimerHandle | None = None
        registry.register(_Asked(gauges, refusals, failures))

    def publish(self, event: ev.CallEvent) -> None:
        match event:
            case ev.CallStarted(kind=kind):
                self._started.labels(kind).inc()
            case ev.CallAnswered(kind=kind, waited=waited):
                self._answered.labels(kind).inc()
                self._setup.observe(waited)
            case ev.CallEnded(ending=ending, talked=talked):
                self._ended.labels(ending.cause, "no" if talked is None else "yes").inc()
                if talked is not None:
                    self._talked.observe(talked)

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

    def __init__(
        self,
        gauges: Callable[[], Mapping[str, float]],
        refusals: Callable[[], Mapping[str, Mapping[str, int]]],
        failures: Callable[[], Mapping[str, int]],
    ) -> None:
        self._gauges, self._refusals, self._failures = gauges, refusals, failures

    def collect(self) -> Iterator[Metric]:
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(f"tandem_{name}", GAUGES.get(name, name.replace("_", " ")), value)
        refused = CounterMetricFamily(
            "tandem_refused", "Messages and packets refused, by protocol and reason", labels=["protocol", "why"]
        )
        for protocol, reasons in self._refusals().items():
            for why, count in sorted(reasons.items()):
                refused.add_metric([protocol, why], count)
        yield refused
        failed = CounterMetricFamily(
            "tandem_effects_failed", "What calls wanted and could not have, by effect and error", labels=["effect"]
        )
        for effect, count in sorted(self._failures().items()):
            failed.add_metric([effect], count)
        yield failed


GAUGES = {
    "calls": "Live calls",
    "media_legs": "Open media legs: parties, players, recorders",
    "rtp_ports": "RTP ports in use",
    "sip_dialogs": "SIP dialogs",
    "sip_transactions": "SIP transactions",
    "sip_registrations": "Phones registered",
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
