"""From the configuration's tables to what the SIP side is told."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from gateway.config.tables import Config, TrunkTable
from gateway.drivers.sip import Trunk
from gateway.parts import EVERYWHERE
from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.config import StackConfig
from signaling.sip.registration import Registration
from signaling.sip.uri import Uri


def hexadecimal(digits: int) -> str:
    """So many random hexadecimal digits."""
    return secrets.token_hex((digits + 1) // 2)[:digits]


def reached_by(config: Config) -> str:
    """The host that others reach this gateway by."""
    sip = config.sip
    return sip.advertised or (sip.host if sip.host not in EVERYWHERE else "127.0.0.1")


def domain(config: Config) -> str:
    """What stands behind the @ of our users."""
    sip = config.sip
    return sip.domains[0] if sip.domains else reached_by(config)


def listen(config: Config) -> list[Address]:
    return [Address(transport, config.sip.host, config.sip.port) for transport in config.sip.transports]


def stack_config(config: Config) -> StackConfig:
    sip = config.sip
    return StackConfig(
        user_agent=sip.user_agent,
        session_timer=sip.session_expires > 0,
        session_expires=sip.session_expires,
        silent=sip.silent,
        realm=sip.realm,
        challenge=sip.challenge,
        digest=sip.digest,
        trusted=(*sip.trusted, *_trunk_addresses(config.trunks)),
        contact_host={transport: (sip.advertised, sip.port) for transport in sip.transports if sip.advertised},
        domains=(*sip.domains, reached_by(config)) if sip.domains else (),
    )


def trunks(config: Config) -> dict[str, Trunk]:
    return {t.name: Trunk(t.name, Uri.parse(t.server), t.user, _credentials(t)) for t in config.trunks}


def registrations(config: Config, addresses: Iterable[Address]) -> list[Registration]:
    """One for each trunk that wants to know where we are."""
    ports = {address.transport: address.port for address in addresses}
    return [_registration(t, reached_by(config), ports) for t in config.trunks if t.register_]


def _registration(trunk: TrunkTable, host: str, ports: Mapping[str, int]) -> Registration:
    """The Contact names the transport that the trunk is called by, and the port where we listen for that one."""
    server = Uri.parse(trunk.server)
    wanted = server.transport or ""
    transport = wanted if wanted in ports else next(iter(ports))
    aor = Uri("sip", trunk.user, None, server.host)
    contact = Uri("sip", trunk.user, None, host, ports[transport])
    if transport != "udp":  # which is what is meant where none is said (RFC 3263 section 4.1)
        contact = contact.with_params(transport=transport)
    return Registration(aor, server, contact, _credentials(trunk), trunk.expires, random=hexadecimal, id=trunk.name)


def _credentials(trunk: TrunkTable) -> Credentials:
    return Credentials(trunk.auth_user or trunk.user, trunk.password.get_secret_value())


def _trunk_addresses(tables: Iterable[TrunkTable]) -> list[str]:
    """Trunks named by address are trusted to call us; one named by name has to be named in `trusted`."""
    hosts = (Uri.parse(table.server).host for table in tables)
    return [host for host in hosts if ":" in host or host.replace(".", "").isdigit()]
