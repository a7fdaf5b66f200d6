"""The web server's share of /metrics: gathered when asked, nothing kept twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from signaling.browser.hub import Hub
from signaling.browser.table import SessionState


class BrowserCollector(Collector):
    """Sessions, sockets and refusals."""

    def __init__(
        self, hub: Hub, login_refusals: Mapping[str, int], faults: Callable[[], int], turned_away: Callable[[], int]
    ) -> None:
        self._hub = hub
        self._login_refusals = login_refusals
        self._faults = faults
        self._turned_away = turned_away

    def collect(self) -> Iterator[Metric]:
        sessions = GaugeMetricFamily("tandem_browser_sessions", "Sessions of browsers by state", labels=["state"])
        by_state = Counter(session.state for session in self._hub)
        for state in (SessionState.OPEN, SessionState.AWAY):
            sessions.add_metric([state.value], by_state[state])
        yield sessions
        yield GaugeMetricFamily("tandem_browser_sockets", "Open WebSockets of browsers", self._hub.links)
        refused = CounterMetricFamily("tandem_browser_refused", "Messages and sockets refused", labels=["code"])
        for code, count in sorted(self._hub.counters.items()):
            refused.add_metric([code], count)
        yield refused
        logins = CounterMetricFamily("tandem_login_refused", "Sign-ins refused", labels=["code"])
        for code, count in sorted(self._login_refusals.items()):
            logins.add_metric([code], count)
        yield logins
        yield CounterMetricFamily("tandem_browser_faults", "Events whose handling failed inside", self._faults())
        yield CounterMetricFamily(
            "tandem_http_turned_away", "Connections cut for silence or for want of room", self._turned_away()
        )
