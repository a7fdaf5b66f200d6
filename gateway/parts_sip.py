"""From the configuration's tables to what the SIP side is told."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping

from gateway.config.tables import Config, RewriteTable, TrunkTable
from gateway.parts import EVERYWHERE
from gateway.trunks.rewrite import Rule, Rules
from gateway.trunks.trunk import LINE, CallerId, Trunk
from gateway.trunks.trunks import SECOND_SERVER, Trunks
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
        trusted=sip.trusted,
        contact_host={transport: (sip.advertised, sip.port) for transport in sip.transports if sip.advertised},
        domains=(*sip.domains, reached_by(config)) if sip.domains else (),
    )


# ---------------------------------------------------------------- trunks


def trunks(config: Config) -> Trunks:
    return Trunks(_trunk(table) for table in config.trunks)


def _trunk(table: TrunkTable) -> Trunk:
    return Trunk(
        table.name,
        tuple(_server(text, table.transport) for text in table.targets),
        table.user,
        _credentials(table),
        table.register_,
        _server(table.outbound_proxy, table.transport).with_params(lr="") if table.outbound_proxy else None,
        table.addresses,
        _line(table) if table.register_ else "",
        CallerId(
            table.caller_id,
            table.caller_number,
            table.anonymous,
            table.from_domain,
            table.caller_from,
            _rules(table.caller_out),
            _rules(table.caller_in),
        ),
        table.called_from,
        _rules(table.called_out),
        _rules(table.called_in),
        table.max_calls,
        table.calls_per_second,
        table.probe,
    )


def _server(text: str, transport: str) -> Uri:
    uri = Uri.parse(text)
    return uri.with_params(transport=transport) if transport else uri


def _rules(tables: Iterable[RewriteTable]) -> Rules:
    return Rules(Rule(table.match, table.to) for table in tables)


def _credentials(table: TrunkTable) -> Credentials | None:
    password = table.password.get_secret_value()
    return Credentials(table.auth_user or table.user, password, table.realm or None) if password else None


def _line(table: TrunkTable) -> str:
    """The same after a restart, so that a binding that outlived a crash is written over, not doubled."""
    text = f"{table.name} {table.user} {table.targets}"
    key = table.password.get_secret_value() or secrets.token_hex(16)
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]


def registrations(config: Config, trunks: Iterable[Trunk], addresses: Iterable[Address]) -> list[Registration]:
    """One for each server of each trunk that wants to know where we are."""
    ports = {address.transport: address.port for address in addresses}
    expires = {table.name: table.expires for table in config.trunks}
    registering = [trunk for trunk in trunks if trunk.registers]
    return [r for trunk in registering for r in _registrations(trunk, reached_by(config), ports, expires[trunk.name])]


def _registrations(trunk: Trunk, host: str, ports: Mapping[str, int], expires: int) -> Iterator[Registration]:
    for number, server in enumerate(trunk.servers, 1):
        id = trunk.name if number == 1 else f"{trunk.name}{SECOND_SERVER}{number}"
        aor = Uri("sip", trunk.user, None, trunk.caller_id.domain or server.host)
        contact = _contact(trunk, server, host, ports)
        yield Registration(
            aor, server, contact, trunk.credentials, expires, random=hexadecimal, id=id, outbound_proxy=trunk.proxy
        )


def _contact(trunk: Trunk, server: Uri, host: str, ports: Mapping[str, int]) -> Uri:
    """It names the transport that the trunk is called by, and the port where we listen for that one."""
    wanted = (trunk.proxy or server).transport or ""
    transport = wanted if wanted in ports else next(iter(ports))
    contact = Uri("sip", trunk.user, None, host, ports[transport]).with_params(**{LINE: trunk.line})
    if transport != "udp":  # which is what is meant where none is said (RFC 3263 section 4.1)
        contact = contact.with_params(transport=transport)
    return contact
