"""How calls sound, as histograms: loss, jitter and round trip of each leg's reports (`LegQuality`).

A report is counted only where it says something: nothing was lost of a stream on which nothing came.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Histogram

from gateway.calls import events as ev
from gateway.ops.recall import Recall

LOSS_BUCKETS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
TIME_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
KINDS = ("browser", "sip")


class QualityMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        both = ["kind", "direction"]
        self._loss = Histogram(
            "tandem_rtp_loss_ratio", "Share of RTP packets lost between reports", both, buckets=LOSS_BUCKETS,
            registry=registry,
        )  # fmt: skip
        self._jitter = Histogram(
            "tandem_rtp_jitter_seconds", "Jitter of RTP packets", both, buckets=TIME_BUCKETS, registry=registry
        )
        self._rtt = Histogram(
            "tandem_rtp_rtt_seconds", "Round trip by RTCP", ["kind"], buckets=TIME_BUCKETS, registry=registry
        )
        self._kinds: Recall[str] = Recall()
        self._seen: Recall[tuple[int, int]] = Recall()

    def publish(self, event: ev.CallEvent) -> None:
        match event:
            case (
                ev.CallStarted(leg=leg, kind=kind) | ev.LegRang(leg=leg, kind=kind) | ev.LegAnswered(leg=leg, kind=kind)
            ):
                self._kinds[leg] = kind if kind in KINDS else "other"
            case ev.LegQuality(leg=leg, stats=stats):
                self._observe(leg, stats)

    def _observe(self, leg: str, stats: Mapping[str, object]) -> None:
        """`stats` is `media.events.LegStats` as a mapping: shares 0..1, milliseconds."""
        kind = self._kinds.get(leg, "other")
        came, went = self._seen.get(leg, (0, 0))
        self._seen[leg] = now_came, now_went = int(_figure(stats, "packets_in")), int(_figure(stats, "packets_out"))
        if now_came > came:
            self._loss.labels(kind, "in").observe(_figure(stats, "loss_in"))
            self._jitter.labels(kind, "in").observe(_figure(stats, "jitter_in_ms") / 1000)
        if stats.get("rtt_ms") is not None:  # the other side sends reports
            self._rtt.labels(kind).observe(_figure(stats, "rtt_ms") / 1000)
            if now_went > went:
                self._loss.labels(kind, "out").observe(_figure(stats, "loss_out"))
                self._jitter.labels(kind, "out").observe(_figure(stats, "jitter_out_ms") / 1000)


def _figure(stats: Mapping[str, object], name: str) -> float:
    value = stats.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
