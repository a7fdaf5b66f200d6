"""From the configuration's tables to what each part is told; `app` puts the parts together."""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from gateway.accounts import Accounts, Person
from gateway.api.config import WebConfig
from gateway.api.turn import TurnConfig, credentials
from gateway.calls.causes import Ending
from gateway.calls.router import Account, Route, Target
from gateway.calls.settings import CallSettings
from gateway.config.tables import Config, RouteTable
from gateway.doctor.facts import Setup
from media.host import IceServer, MediaConfig
from signaling.browser.config import BrowserConfig

EVERYWHERE = ("0.0.0.0", "::")
OWN_CREDENTIALS = 10 * 365 * 86_400


class CannotStart(Exception):
    """In words for the person who started the gateway: what is in the way, and what to do."""


def call_settings(config: Config) -> CallSettings:
    calls, hold = config.calls, config.media.hold
    return CallSettings(
        ring_timeout=calls.ring_timeout,
        setup_timeout=calls.setup_timeout,
        media_timeout=calls.media_timeout,
        hold_timeout=calls.hold_timeout,
        max_duration=calls.max_duration,
        max_calls=calls.max_calls,
        max_calls_per_user=calls.max_calls_per_user,
        call_rate=calls.call_rate,
        forward_limit=calls.forward_limit,
        hold=hold if hold in ("music", "silence") else f"file:{hold}",
        ringback=frozenset(calls.ringback),
    )


def people(config: Config) -> list[Person]:
    return [
        Person(Account(u.name, u.extension or None, u.display), u.password.get_secret_value()) for u in config.users
    ]


def accounts(config: Config) -> Accounts:
    return Accounts(people(config))


def routes(config: Config) -> list[Route]:
    return [_route(table) for table in config.routes]


def _route(table: RouteTable) -> Route:
    def target(text: str) -> Target | None:
        return Target.parse(text) if text else None

    refusal = Ending("forbidden", table.reject.status, table.reject.words) if table.reject else None
    return Route(
        table.match,
        tuple(Target.parse(text) for text in table.to),
        table.strategy,
        table.timeout or None,
        target(table.on_busy),
        target(table.on_no_answer),
        target(table.on_unreachable),
        refusal,
        table.from_trunks,
    )


def media_config(config: Config) -> MediaConfig:
    media = config.media
    return MediaConfig(
        webrtc_host=media.webrtc_host,
        webrtc_port=media.webrtc_port,
        advertised=media.webrtc_advertised,
        ice=media.ice,
        ice_servers=_own_ice_servers(config) if media.ice == "full" else (),
        sip_host=media.rtp_host,
        sip_advertised=media.rtp_advertised,
        rtp_ports=media.rtp_ports,
        codecs=media.codecs,
        stall_after=media.stall_after,
        recordings=media.recordings,
    )


def turn_config(config: Config) -> TurnConfig | None:
    turn = config.turn
    return TurnConfig(turn.urls, turn.secret.get_secret_value().encode(), turn.ttl) if turn.urls else None


def browser_config(config: Config) -> BrowserConfig:
    browser = config.browser
    return BrowserConfig(
        heartbeat=browser.heartbeat,
        dead_after=browser.dead_after,
        resume_window=browser.resume_window,
        calls_per_session=browser.calls_per_session,
        sessions_per_user=browser.sessions_per_user,
        sessions=browser.sessions,
        ice=config.media.ice,
    )


def web_config(config: Config, demo: dict[str, object] | None) -> WebConfig:
    """Raises CannotStart when the certificate cannot be used."""
    server = config.server
    return WebConfig(
        secret=server.secret.get_secret_value().encode() or secrets.token_bytes(32),
        host=server.host,
        port=server.port,
        tls=tls_context(server.tls_cert, server.tls_key),
        token_ttl=server.token_ttl,
        allowed_origins=(*server.allowed_origins, *_origin(server.public_url)),
        trusted_proxies=server.trusted_proxies,
        metrics_from=server.metrics_from,
        demo=demo,
    )


def tls_context(cert: str, key: str) -> ssl.SSLContext | None:
    if not cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise CannotStart(f"the certificate {cert} with the key {key} cannot be used: {error}") from None
    return context


def doctor_setup(config: Config) -> Setup:
    users = {trunk.name: trunk.user for trunk in config.trunks}
    media = config.media
    return Setup(users, media.codecs, media.rtp_host, media.rtp_advertised)


def recordings(config: Config) -> Path:
    return Path(config.media.recordings)


def our_hosts(config: Config, ports: Iterable[int]) -> frozenset[str]:
    """Hosts, and hosts with ports, that mean this gateway in a SIP address."""
    sip = config.sip
    hosts = {h for h in (sip.host, sip.advertised) if h and h not in EVERYWHERE}
    if hosts & {"127.0.0.1", "::1"} or sip.host in EVERYWHERE:
        hosts |= {"127.0.0.1", "localhost", "[::1]"}
    # Phones whose registrar we are often leave out our port: our address without one is ours, with another it is not.
    with_ports = {f"{host}:{port}" for host in hosts for port in ("", *ports)}
    return frozenset(d.lower() for d in sip.domains) | with_ports


def _origin(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    return (f"{parts.scheme}://{parts.netloc}",) if parts.netloc else ()


def _own_ice_servers(config: Config) -> tuple[IceServer, ...]:
    """For this gateway's own candidates. It cannot renew credentials in mid-flight, so they outlive the process."""
    servers = [IceServer(config.turn.stun)] if config.turn.stun else []
    if turn := turn_config(config):
        username, password = credentials(turn.secret, "gateway", time.time() + OWN_CREDENTIALS)
        servers.append(IceServer(turn.urls, username, password))
    return tuple(servers)
