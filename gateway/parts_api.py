"""From the configuration and the parts of the gateway to what the API is told."""

from __future__ import annotations

import time
from pathlib import Path

from gateway.accounts import Accounts
from gateway.api.config import WebConfig
from gateway.api.rest.build import ApiConfig, Clocks, Rest
from gateway.api.rest.keys import ApiKey
from gateway.api.rest.sources import PhoneView, Sources
from gateway.calls.ports import Desk, Directory
from gateway.cli import tandem_version
from gateway.config.tables import Config
from media.host import check_source
from signaling.sip.registrar import Registrar


def api_config(config: Config) -> ApiConfig:
    keys = (ApiKey(k.name, k.hash, frozenset(k.scopes), k.rate, k.networks) for k in config.api_keys)
    sounds = Path(config.api.sounds) if config.api.sounds else None
    return ApiConfig(tuple(keys), sounds, config.api.fetch_from)


def sources(config: Config, desk: Desk, people: Accounts, directory: Directory, registrar: Registrar | None) -> Sources:
    return Sources(desk, people, directory, lambda: phones(registrar), Path(config.media.recordings))


def rest(config: Config, web: WebConfig, found: Sources) -> Rest:
    clocks = Clocks(time.monotonic, time.time)
    return Rest(api_config(config), web, found, check_source, clocks, tandem_version())


def phones(registrar: Registrar | None) -> list[PhoneView]:
    """Every phone that is registered here, user by user."""
    if registrar is None:
        return []
    return [
        PhoneView(user, str(b.contact), f"{b.source.host}:{b.source.port}", b.source.transport, b.expires_at)
        for user in sorted(registrar.users())
        for b in registrar.bindings(user)
    ]
