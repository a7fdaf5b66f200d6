"""Trunks for Prometheus: asked for at each scrape. Labels are the configuration's names, so there are few."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.trunks.view import TrunkView

STATES = ("registered", "registering", "failed", "up", "down", "off")


class TrunkCollector(Collector):
    def __init__(self, views: Callable[[], Sequence[TrunkView]]) -> None:
        self._views = views

    def collect(self) -> Iterator[Metric]:
        state = GaugeMetricFamily("tandem_trunk_state", "1 for the state a trunk is in", labels=["trunk", "state"])
        calls = GaugeMetricFamily("tandem_trunk_calls", "Live calls by a trunk", labels=["trunk"])
        servers = GaugeMetricFamily("tandem_trunk_servers_up", "Its servers that are not down", labels=["trunk"])
        refused = CounterMetricFamily("tandem_trunk_refused", "Calls a trunk was too full for", labels=["trunk"])
        for view in self._views():
            for name in STATES:
                state.add_metric([view.name, name], float(view.state == name))
            calls.add_metric([view.name], view.calls)
            servers.add_metric([view.name], sum(server.state != "down" for server in view.servers))
            refused.add_metric([view.name], view.refused)
        yield from (state, calls, servers, refused)
