"""All of this room in one: what the composition root makes, publishes into, and closes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.calls import events as ev
from gateway.events.feed import Feed
from gateway.events.log import EventLog
from gateway.events.post import Poster
from gateway.events.route_hook import RouteHook
from gateway.events.streams import EventStreams, StreamLimits
from gateway.events.webhooks import WebhookConfig, Webhooks

FAREWELL = 3.0
"""Seconds that webhooks get to take what is left when the gateway stops."""


class Events(Collector):
    """`publish` each call event. `route_hook` asks programs for routes; `streams` is for the web server."""

    def __init__(
        self,
        log: EventLog,
        streams: StreamLimits,
        webhooks: Sequence[WebhookConfig],
        route_secret: str,
        route_timeout: float,
    ) -> None:
        self.feed = Feed(log)
        self._poster = Poster()
        self.streams = EventStreams(self.feed, streams)
        self.webhooks = Webhooks(webhooks, self._poster)
        self.route_hook = RouteHook(self._poster, route_secret, route_timeout)
        self.feed.listeners.append(self.webhooks.put)

    def publish(self, event: ev.CallEvent) -> None:
        self.feed.publish(event)

    async def aclose(self) -> None:
        """Let readers and receivers take what is left, for a moment. Idempotent."""
        self.feed.close()
        await self.webhooks.aclose(FAREWELL)
        await self._poster.aclose()

    def collect(self) -> Iterator[Metric]:
        log = self.feed.log
        yield GaugeMetricFamily("tandem_events_kept", "Events kept for those who come late", len(log))
        yield GaugeMetricFamily("tandem_events_kept_bytes", "Memory that they take", log.bytes)
        yield GaugeMetricFamily("tandem_event_streams", "Open event streams", self.streams.open.total())
        yield from self.webhooks.collect()
