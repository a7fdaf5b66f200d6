"""What a stack is told at its birth. Nothing here is read from files; the gateway's configuration fills it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from signaling.sip.registrar import RegistrarConfig
from signaling.sip.timers import Timers

# INVITE and its company, INFO (RFC 6086), UPDATE (RFC 3311), PRACK (RFC 3262), REFER (RFC 3515), NOTIFY (RFC 6665)
METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "PRACK", "REFER", "NOTIFY")
EXTENSIONS = ("replaces", "norefersub")  # RFC 3891, RFC 4488; `supported` adds those that can be switched off


@dataclass(frozen=True, slots=True)
class StackConfig:
    user_agent: str = "Tandem"

    t1: float = 0.5
    """estimate of the round trip, seconds: scales nearly every timer (RFC 3261 section 17.1.1.1)"""
    t2: float = 4.0
    """longest interval between retransmissions, seconds"""
    t4: float = 5.0
    """how long the network may hold a message back, seconds"""

    realm: str = "tandem"
    """what a challenged phone shows its owner"""
    challenge: bool = True
    """ask callers for a password; otherwise everybody may call"""
    silent: bool = False
    """strangers get no answer (`gate` says who is one); they are counted as `silent`"""
    trusted: tuple[str, ...] = ()
    """networks whose callers are not challenged, as 192.0.2.0/24"""
    secret: str = ""
    """key of our digest nonces; empty: a new one at each start"""
    digest: tuple[str, ...] = ("MD5",)
    """hashes that challenges offer, the preferred first (RFC 8760 section 2.3). Only MD5, as `auth_server` tells: many
    phones give up at the sight of another one"""
    domains: tuple[str, ...] = ()
    """our own domains, for which the registrar answers; empty: any"""
    registrar: RegistrarConfig | None = field(default_factory=RegistrarConfig)
    """None: phones cannot register here"""
    contact_host: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """host and port under which others reach us, per transport: what Via and Contact say"""
    allow: tuple[str, ...] = METHODS
    accept: tuple[str, ...] = ("application/sdp",)
    """bodies an INVITE may carry"""

    ring_limit: float = 180.0
    """seconds a call of ours may ring after its latest sign of life (timer C of proxies, section 16.6 (11)), and a call
    to us may stay undecided, before it is given up"""
    provisional_every: float = 60.0
    """a ringing INVITE is refreshed so that proxies keep it (section 13.3.1.1), seconds"""
    session_timer: bool = True
    """refresh calls, and end those that nobody refreshes (RFC 4028)"""
    session_expires: int = 1800
    """longest time between two refreshes, seconds"""
    min_se: int = 90
    """shortest time that others may ask for, seconds; the RFC allows no less than 90"""
    reliable: bool = True
    """provisional responses that are acknowledged (RFC 3262), for those who wish it; never required by us"""
    max_calls: int = 5000
    max_transactions: int = 50_000
    """beyond these: 503"""
    retry_after: int = 5
    """seconds we ask a refused caller to wait"""
    udp_limit: int = 1300
    """bytes of a request above which TCP is taken where the target has it (section 18.1.1)"""

    @property
    def supported(self) -> tuple[str, ...]:
        """Option tags that we say in Supported, and accept in Require."""
        switched = (("timer", self.session_timer), ("100rel", self.reliable))
        return (*EXTENSIONS, *(tag for tag, on in switched if on))

    @property
    def timers(self) -> Timers:
        return Timers(self.t1, self.t2, self.t4)
