"""From many reports about a leg to one summary: counters keep their last value, gauges their least, middle and most."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.cdr.model import Quality, Spread

COUNTERS = ("packets_in", "packets_out", "bytes_in", "bytes_out", "lost_in", "discarded", "concealed")
GAUGES = ("loss_out", "jitter_in_ms", "jitter_out_ms", "rtt_ms")


class Measured:
    """A gauge over time. O(1) memory."""

    __slots__ = ("count", "most", "least", "total")

    def __init__(self) -> None:
        self.count, self.total = 0, 0.0
        self.least, self.most = float("inf"), float("-inf")

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.least, self.most = min(self.least, value), max(self.most, value)

    def spread(self) -> Spread | None:
        return Spread(min=self.least, avg=self.total / self.count, max=self.most) if self.count else None


class Sound:
    """What is known of how one leg sounds: fold `media.events.LegStats` as mappings, read a `Quality`."""

    __slots__ = ("_counters", "_gauges")

    def __init__(self) -> None:
        self._counters = dict.fromkeys(COUNTERS, 0)
        self._gauges = {name: Measured() for name in GAUGES}

    def add(self, stats: Mapping[str, object]) -> None:
        for name in COUNTERS:
            self._counters[name] = max(self._counters[name], int(_number(stats.get(name)) or 0))
        heard, reported = self._counters["packets_in"] > 0, _number(stats.get("rtt_ms")) is not None
        for name, gauge in self._gauges.items():
            value = _number(stats.get(name))
            # a party that never reports (RTCP) is not one that loses nothing
            if value is not None and (value > 0 or (heard if name == "jitter_in_ms" else reported)):
                gauge.add(value)

    def summary(self) -> Quality:
        counters, gauges = self._counters, self._gauges
        expected = counters["packets_in"] + counters["lost_in"]
        return Quality.model_validate(
            counters
            | {name: gauge.spread() for name, gauge in gauges.items()}
            | {"loss_in": counters["lost_in"] / expected if expected else 0.0}
        )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if value == value and abs(value) != float("inf") else None
