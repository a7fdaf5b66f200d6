"""The ICE-lite agent of one leg: checks in, answers out, and the address they prove (RFC 8445 section 2.5).

A gateway with a reachable address never has to search for a way: it waits for the browser's checks, answers them, and
sends where the nominated one came from. No candidate of the browser is ever read, so no mDNS name, IPv6 or TCP
candidate can hurt, and nothing need be gathered or trickled.

The rules that keep strangers out, each learnt with a real browser:

* An address is believed only from a check with our user name *and* a valid MESSAGE-INTEGRITY.
* Until something is nominated the latest check wins (Chromium's first one comes without USE-CANDIDATE); afterwards
  only a nominating check moves the address.
* While an offer of ours is out, the other side's ufrag is unknown: our half of USERNAME and the HMAC must do.
* During an ICE restart two generations of credentials are good, until the first check of the new one.
* What does not authenticate gets no answer at all: nothing to reflect, nothing to probe.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aioice import stun

from media.errors import BadPacket
from media.ice.consent import EXPIRY, QUIET, Consent

Address = tuple[Any, ...]
"""As the socket gives it: (host, port), or (host, port, flow, scope) on an IPv6 socket."""

ICE_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
"""ice-char of RFC 8839 section 5.4: nothing else may stand in a ufrag or password."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One generation of ours (RFC 8445 section 5.3)."""

    ufrag: str
    pwd: str = field(repr=False)

    @classmethod
    def make(cls, random: Callable[[int], int]) -> Credentials:
        """`random(n)` gives n random bits. 48 bits of ufrag, 144 of password; 24 and 128 are asked for."""
        return cls(_ice_string(random, 8), _ice_string(random, 24))


def _ice_string(random: Callable[[int], int], length: int) -> str:
    bits = random(6 * length)
    return "".join(ICE_CHARS[bits >> 6 * i & 63] for i in range(length))


class Check(NamedTuple):
    """A binding request, parsed but not yet believed."""

    message: Any
    """aioice.stun.Message"""
    ufrag: str
    """Ours, by which the request is routed (RFC 8445 section 7.3)."""
    peer: str
    """The sender's."""


class Verdict(NamedTuple):
    """What became of a check."""

    answer: bytes | None
    """To be sent back to where the check came from; None: stay silent."""
    refused: str = ""
    """Why not, as a name to count by."""
    retired: tuple[str, ...] = ()
    """Ufrags that are good no more."""


def parse_check(data: bytes) -> Check:
    """Read a datagram whose first byte says STUN. Raises BadPacket, whose text is a name to count by."""
    try:
        message = stun.parse_message(data)
    except Exception as error:  # ValueError, struct.error, UnicodeDecodeError: anything may come
        raise BadPacket("stun-malformed") from error
    if message.message_method is not stun.Method.BINDING or message.message_class is not stun.Class.REQUEST:
        raise BadPacket("stun-not-a-check")
    if "FINGERPRINT" not in message.attributes:  # RFC 8445 section 7.1: always there
        raise BadPacket("stun-no-fingerprint")
    ufrag, colon, peer = message.attributes.get("USERNAME", "").partition(":")
    if not colon:
        raise BadPacket("stun-no-username")
    return Check(message, ufrag, peer)


class LiteAgent:
    """Credentials, the believed address and the consent of one transport."""

    def __init__(self, random: Callable[[int], int], quiet: float = QUIET, expiry: float = EXPIRY) -> None:
        self._random = random
        self._generations: dict[str, tuple[bytes, str | None]] = {}
        """Our ufrag -> our password and the other side's ufrag, None while unknown. Newest last."""
        self._active = ""
        """The generation last checked."""
        self._nominated = False
        self.address: Address | None = None
        """Where to send."""
        self.consent = Consent(quiet, expiry)
        self.checks = 0
        self.moves = 0
        self.local = self._add_generation()

    @property
    def ufrags(self) -> tuple[str, ...]:
        """All that are good now."""
        return tuple(self._generations)

    def restart(self) -> Credentials:
        """Begin a new generation (RFC 8445 section 9). Of the older ones only the one in use stays good."""
        self._generations = {u: g for u, g in self._generations.items() if u == self._active}
        self.local = self._add_generation()
        return self.local

    def expect(self, peer: str) -> None:
        """The other side's ufrag for our newest generation."""
        self._generations[self.local.ufrag] = (self.local.pwd.encode(), peer)

    def receive(self, check: Check, source: Address, now: float) -> Verdict:
        """Judge a check (RFC 8445 section 7.3)."""
        generation = self._generations.get(check.ufrag)
        if generation is None:
            return Verdict(None, "stun-unknown-user")
        key, peer = generation
        if peer is not None and check.peer != peer:
            return Verdict(None, "stun-wrong-peer")
        if not check.message.check_message_integrity(key):
            return Verdict(None, "stun-bad-integrity")
        if "ICE-CONTROLLED" in check.message.attributes:
            # section 7.3.1.1: a lite agent is always the controlled one; the other side has to switch
            return Verdict(_answer(check, key, error=(487, "Role Conflict")), "stun-role-conflict")
        self.checks += 1
        self.consent.checked(now)
        retired = self._enter(check.ufrag)
        self._latch(source, "USE-CANDIDATE" in check.message.attributes)
        return Verdict(_answer(check, key, mapped=source), "", retired)

    def _add_generation(self) -> Credentials:
        made = Credentials.make(self._random)
        self._generations[made.ufrag] = (made.pwd.encode(), None)
        return made

    def _enter(self, ufrag: str) -> tuple[str, ...]:
        """The first check of the newest generation ends the older ones; what they nominated counts no more."""
        self._active = ufrag
        if ufrag != self.local.ufrag or len(self._generations) == 1:
            return ()
        retired = tuple(u for u in self._generations if u != ufrag)
        for old in retired:
            del self._generations[old]
        self._nominated = False
        return retired

    def _latch(self, source: Address, nominating: bool) -> None:
        """Sections 8.1.1 and 7.3.1.5, as far as a lite agent goes."""
        if source != self.address and (nominating or not self._nominated):
            self.address = source
            self.moves += 1
        self._nominated |= nominating


def _answer(check: Check, key: bytes, *, mapped: Address | None = None, error: tuple[int, str] | None = None) -> bytes:
    kind = stun.Class.ERROR if error else stun.Class.RESPONSE
    answer = stun.Message(stun.Method.BINDING, kind, transaction_id=check.message.transaction_id)
    if error:
        answer.attributes["ERROR-CODE"] = error
    if mapped:
        answer.attributes["XOR-MAPPED-ADDRESS"] = (plain_host(mapped[0]), mapped[1])
    answer.add_message_integrity(key)
    return bytes(answer)


def plain_host(host: str) -> str:
    """::ffff:192.0.2.1 -> 192.0.2.1 (a dual-stack socket), fe80::1%eth0 -> fe80::1: as XOR-MAPPED-ADDRESS wants it."""
    if ":" not in host:
        return host
    address = ipaddress.IPv6Address(host.partition("%")[0])
    return str(address.ipv4_mapped or address)
