"""The kinds of values a configuration has beyond numbers and text, each with an error that says what would be right."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from gateway.calls.apps import APPS
from gateway.calls.patterns import compile_pattern
from gateway.calls.router import Target

CODECS = ("OPUS", "G722", "PCMU", "PCMA")
TRANSPORTS = ("udp", "tcp")
DIGESTS = ("SHA-256", "MD5")
SUBSYSTEMS = ("signaling", "media", "gateway", "tandem", "aiohttp", "aioice", "aiortc", "asyncio", "sqlalchemy")
"""Where names of loggers begin."""


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.\-]+|[0-9a-fA-F:.]+", text):
        raise ValueError(f'"{text}" is no address to listen on; write one like "127.0.0.1" or "0.0.0.0"')
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError(f'"{text}" is no network; write one like "192.168.1.0/24" or "203.0.113.7"') from None


def _codec(text: str) -> str:
    name = text.upper().replace(".", "")
    if name not in CODECS:
        raise ValueError(f'"{text}" is no codec we speak; choose from {", ".join(CODECS)}')
    return name


def _transport(text: str) -> str:
    name = text.lower()
    if name not in TRANSPORTS:
        raise ValueError(f'"{text}" is no transport we speak; choose from {", ".join(TRANSPORTS)}')
    return name


def _digest(text: str) -> str:
    name = text.upper()
    if name not in DIGESTS:
        raise ValueError(f'"{text}" is no digest we speak; choose from {", ".join(DIGESTS)}')
    return name


def _subsystem(text: str) -> str:
    if text.partition(".")[0] not in SUBSYSTEMS:
        raise ValueError(
            f'"{text}" writes no log; write one like "signaling.sip", beginning with {", ".join(SUBSYSTEMS)}'
        )
    return text


def _ports(found: object) -> object:
    """ "20000-29999" as well as [20000, 29999]: an environment variable has no lists worth typing."""
    if isinstance(found, str) and (match := re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", found)):
        return int(match[1]), int(match[2])
    return found


def _range(ports: tuple[int, int]) -> tuple[int, int]:
    low, high = ports
    if not (0 < low < high <= 65535):
        raise ValueError(f"{low}-{high} is no range of ports; write it like [20000, 29999]")
    if high - low < 3:
        raise ValueError("a range of fewer than 4 ports carries no call; each call takes two")
    return ports


def _pattern(text: str) -> str:
    compile_pattern(text)
    return text


def _target(text: str) -> str:
    if not text:
        return text
    target = Target.parse(text)
    if target.kind == "app" and target.value not in APPS:
        raise ValueError(f'there is no app "{target.value}"; choose from {", ".join(APPS)}')
    return text


def _sip_uri(text: str) -> str:
    if not re.fullmatch(r"sip:[A-Za-z0-9.\-]+(:\d{1,5})?(;transport=(udp|tcp))?", text):
        raise ValueError(
            f'"{text}" is no server; write one like "sip:pbx.example.com" or "sip:192.0.2.1:5080;transport=tcp"'
        )
    return text


def _ice_url(kinds: str, example: str) -> Callable[[str], str]:
    expression = re.compile(rf"({kinds}):([A-Za-z0-9.\-]+|\[[0-9a-fA-F:.]+\])(:\d{{1,5}})?(\?transport=(udp|tcp))?")

    def check(text: str) -> str:
        if not expression.fullmatch(text):
            raise ValueError(f'"{text}" is no such address; write one like "{example}"')
        return text

    return check


Host = Annotated[str, AfterValidator(_host)]
Network = Annotated[str, AfterValidator(_network)]
Codec = Annotated[str, AfterValidator(_codec)]
SipUri = Annotated[str, AfterValidator(_sip_uri)]
Subsystem = Annotated[str, AfterValidator(_subsystem)]
Digest = Annotated[str, AfterValidator(_digest)]
Transport = Annotated[str, AfterValidator(_transport)]
PortRange = Annotated[tuple[int, int], BeforeValidator(_ports), AfterValidator(_range)]
Pattern = Annotated[str, AfterValidator(_pattern)]
StunUrl = Annotated[str, AfterValidator(_ice_url("stuns?", "stun:stun.example.com:3478"))]
TurnUrl = Annotated[str, AfterValidator(_ice_url("turns?", "turn:turn.example.com:3478?transport=udp"))]
TargetText = Annotated[str, AfterValidator(_target)]
