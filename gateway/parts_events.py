"""From the configuration's tables to what the events room is told."""

from __future__ import annotations

import secrets

from gateway.config.tables import Config, WebhookTable
from gateway.events.follow import Pace
from gateway.events.log import EventLog, Limits
from gateway.events.outbox import OutboxLimits
from gateway.events.room import Events
from gateway.events.streams import StreamLimits
from gateway.events.vocabulary import wanted
from gateway.events.webhooks import WebhookConfig


def events(config: Config) -> Events:
    table, route = config.events, config.route_webhook
    return Events(
        EventLog(secrets.token_hex(4), Limits(table.keep, table.max_events, table.max_memory * 2**20)),
        StreamLimits(Pace(table.heartbeat, table.max_behind), table.max_streams, max(1, table.max_streams // 2)),
        [_webhook(hook) for hook in config.webhooks],
        route.secret.get_secret_value(),
        route.timeout,
    )


def _webhook(table: WebhookTable) -> WebhookConfig:
    return WebhookConfig(
        table.url,
        table.secret.get_secret_value(),
        wanted(table.types),
        table.timeout,
        OutboxLimits(queue=table.queue, max_retries=table.max_retries),
    )
