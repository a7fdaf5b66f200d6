"""Everything of aiortc and aioice that we use and they do not promise to keep. Nobody else touches their inside.

aiortc's DTLS is used as it is, on a shim of two coroutines instead of its ICE transport; aioice's full ICE as it is,
with the media taken off before its queue. `moved()` names every part that an upgrade has changed; a test and the start
of the program ask it, so that an upgrade fails loudly and by name instead of silently on the first call.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import inspect
import struct
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import aioice
import aioice.ice
import aioice.stun
import aioice.turn
import aiortc.rtcdtlstransport as dtls
import aiortc.rtcicetransport as ice
from aiortc import RTCIceServer
from OpenSSL import SSL

from media.errors import TransportFailed
from media.ice.transport import Fingerprint
from media.net.srtp import Srtp, keyed

Address = tuple[Any, ...]

# ------------------------------------------------------------------------------------------------- what we need

_PARTS: tuple[tuple[str, object, Sequence[str]], ...] = (
    ("aiortc.RTCDtlsTransport", dtls.RTCDtlsTransport, ("_set_role", "start", "stop", "state", "on")),
    ("aiortc.RTCDtlsTransport", dtls.RTCDtlsTransport.__init__, ("transport", "certificates")),
    ("aiortc.RTCCertificate", dtls.RTCCertificate, ("generateCertificate", "getFingerprints", "expires")),
    ("aiortc.RTCCertificate._create_ssl_context", dtls.RTCCertificate._create_ssl_context, ("srtp_profiles",)),
    ("aioice.Connection", aioice.Connection, ("gather_candidates", "add_remote_candidate", "connect", "close")),
    ("aioice.Connection", aioice.Connection, ("check_incoming", "data_received", "request_received")),
    ("aioice.Connection", aioice.Connection, ("_pair_remote_candidate", "sort_check_list", "get_event")),
    ("aioice.Connection", aioice.Connection, ("get_component_candidates",)),
    ("aioice.StunProtocol", aioice.ice.StunProtocol, ("datagram_received", "send_data", "close")),
    ("aioice.StunProtocol.request", aioice.ice.StunProtocol.request, ("request", "addr", "integrity_key")),
    ("aiortc.rtcicetransport.connection_kwargs", ice.connection_kwargs, ("servers",)),
    ("aioice.ice.server_reflexive_candidate", aioice.ice.server_reflexive_candidate, ("protocol", "stun_server")),
    (
        "aioice.ice.relayed_candidate",
        aioice.ice.relayed_candidate,
        ("component", "hide_related_address", "protocol_factory", "turn_server", "turn_username", "turn_password")
        + ("turn_ssl", "turn_transport"),
    ),
    ("aioice.turn.TurnClientMixin", aioice.turn.TurnClientMixin, ("send_data", "__init__")),
    ("aioice.stun", aioice.stun, ("parse_message", "Message", "Method", "Class")),
    ("aioice.stun.Message", aioice.stun.Message, ("check_message_integrity", "add_message_integrity")),
)
"""Where, in what, and the names that must be there (of a function: its parameters)."""

_DTLS_FIELDS = ("_state", "_ssl", "_tx_srtp", "_rx_srtp", "_task", "_transport", "encrypted")
_ICE_FIELDS = (
    "_nominated",
    "_protocols",
    "_local_candidates",
    "_remote_candidates",
    "remote_username",
    "remote_password",
)
_TURN_FIELD = "_TurnTransport__inner_protocol"


def moved() -> list[str]:
    """The parts of aiortc and aioice that are not where this module expects them; empty when all is well."""
    missing = [f"{where}.{name}" for where, what, names in _PARTS for name in names if not _has(what, name)]
    association = dtls.RTCDtlsTransport(_Shim(lambda data: None, Turnstile()), [Identity().certificate])  # type: ignore[arg-type]
    missing += [f"aiortc.RTCDtlsTransport().{name}" for name in _DTLS_FIELDS if not hasattr(association, name)]
    agent = aioice.Connection(ice_controlling=False)
    missing += [f"aioice.Connection().{name}" for name in _ICE_FIELDS if not hasattr(agent, name)]
    inside = vars(aioice.turn.TurnTransport(object()))  # type: ignore[arg-type]
    return missing + ([] if _TURN_FIELD in inside else [f"aioice.turn.TurnTransport().{_TURN_FIELD}"])


@functools.cache
def require() -> None:
    """Raise TransportFailed, once and by name, rather than fail on the first call."""
    if missing := moved():
        raise TransportFailed(
            f"this version of aiortc or aioice has moved {', '.join(missing)}: install aiortc 1.16 and aioice 0.13"
        )


def _has(what: object, name: str) -> bool:
    if inspect.isfunction(what):
        return name in inspect.signature(what).parameters
    return hasattr(what, name)


# --------------------------------------------------------------------------------------------------------- DTLS


class _Certificate(dtls.RTCCertificate):
    """aiortc's, with one OpenSSL context for all legs instead of one per call: saves 0.7 ms of each set-up."""

    _shared: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[dtls.SRTPProtectionProfile]) -> SSL.Context:
        if self._shared is None:
            self._shared = super()._create_ssl_context(srtp_profiles=srtp_profiles)
        return self._shared


class Identity:
    """The certificate legs show, and its fingerprint for their SDP."""

    def __init__(self) -> None:
        self.certificate = _Certificate.generateCertificate()
        first = self.certificate.getFingerprints()[0]
        self.fingerprint: Fingerprint = (first.algorithm, first.value)

    def aged(self, now: datetime.datetime) -> bool:
        """Whether new legs should better show a new one (aiortc's certificates last 30 days)."""
        return self.certificate.expires - now < datetime.timedelta(days=2)


class Turnstile:
    """At most one handshake step per turn of the loop.

    A step costs about a millisecond of arithmetic. When a hundred browsers come back at once, the audio of the calls
    that are up waits for one step at a time, never for a hundred.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def pass_(self) -> None:
        async with self._lock:
            await asyncio.sleep(0)


class _Shim:
    """All that RTCDtlsTransport asks of an ICE transport: `_recv`, `_send` and `role`."""

    role = "controlled"
    """Read only while the DTLS role is "auto", which ours never is."""

    def __init__(self, send: Callable[[bytes], None], turnstile: Turnstile) -> None:
        self._out = send
        self._turnstile = turnstile
        self._inbox: deque[bytes] = deque(maxlen=64)  # a flood pushes out the oldest; DTLS retransmits by itself
        self._arrived = asyncio.Event()
        self._ended = False
        self.secured = False

    def feed(self, data: bytes) -> None:
        self._inbox.append(data)
        self._arrived.set()

    def end(self) -> None:
        self._ended = True
        self._arrived.set()

    async def _recv(self) -> bytes:
        while True:
            await self._arrived.wait()
            if not self.secured:
                await self._turnstile.pass_()
            if self._ended:
                raise ConnectionError("closed")  # the one clean way to end aiortc's pump
            if self._inbox:
                return self._inbox.popleft()
            self._arrived.clear()

    async def _send(self, data: bytes) -> None:
        self._out(data)


class Dtls:
    """One DTLS association and the SRTP keys it yields (RFC 5763, RFC 5764)."""

    def __init__(
        self,
        identity: Identity,
        send: Callable[[bytes], None],
        on_bye: Callable[[], None],
        turnstile: Turnstile,
    ) -> None:
        self._shim = _Shim(send, turnstile)
        self._transport: Any = dtls.RTCDtlsTransport(self._shim, [identity.certificate])  # type: ignore[arg-type]
        self._on_bye = on_bye
        self.feed = self._shim.feed
        """Takes a datagram whose first byte is 20-63 (RFC 7983)."""

    async def handshake(self, role: str, fingerprints: Sequence[Fingerprint], patience: float) -> Srtp:
        """Agree on keys as "client" or "server". Raises TransportFailed, saying why."""
        transport = self._transport
        transport._set_role(role)
        known = dtls.X509_DIGEST_ALGORITHMS
        if not any(algorithm in known for algorithm, _ in fingerprints):
            raise TransportFailed(f"a=fingerprint uses no algorithm we know: one of {', '.join(known)} is needed")
        expected = [dtls.RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints]
        try:
            await asyncio.wait_for(transport.start(dtls.RTCDtlsParameters(expected)), patience)
        except TimeoutError:
            raise TransportFailed(
                f"DTLS handshake not finished after {patience:g} s: the browser reaches us, we may not reach it"
            ) from None
        except SSL.Error as error:
            raise TransportFailed(f"DTLS handshake failed: {error!r}") from None
        if transport.state != "connected":
            raise TransportFailed(self._why())
        self._shim.secured = True
        transport.on("statechange", self._changed)
        return keyed(transport._tx_srtp, transport._rx_srtp)

    async def aclose(self) -> None:
        """Send close_notify, end aiortc's pump, and take apart what would be a cycle."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        transport.remove_all_listeners()
        pump = transport._task
        with contextlib.suppress(ConnectionError, SSL.Error, OSError):
            await transport.stop()
        self._shim.end()
        if pump is not None:
            await asyncio.gather(pump, return_exceptions=True)
        self._shim._out, self._on_bye = _nowhere, _nobody
        transport._ssl = transport._tx_srtp = transport._rx_srtp = transport._transport = transport._task = None

    def _changed(self) -> None:
        if self._transport is not None and self._transport.state == "closed":
            self._on_bye()

    def _why(self) -> str:
        transport = self._transport
        if not transport.encrypted:
            return "DTLS handshake failed: the browser broke it off or offered nothing we can do"
        if not transport._ssl.get_selected_srtp_profile():
            return "DTLS agreed on no SRTP profile: the other side does not do DTLS-SRTP (RFC 5764)"
        return (
            "the certificate shown in DTLS does not match a=fingerprint: the description was altered on its way, "
            "or belongs to another peer connection"
        )


def _nowhere(data: bytes) -> None:
    """Where packets of a closed association go."""


# ----------------------------------------------------------------------------------------------------- full ICE

Tap = Callable[[bytes], None]


def ice_settings(servers: Iterable[RTCIceServer], relay_only: bool) -> dict[str, Any]:
    """aioice's arguments for STUN and TURN servers as the W3C writes them; aiortc reads the URLs. Raises ValueError."""
    policy = aioice.TransportPolicy.RELAY if relay_only else aioice.TransportPolicy.ALL
    return {**ice.connection_kwargs(list(servers)), "transport_policy": policy}


class IceConnection(aioice.Connection):
    """aioice's full agent, its data handed to `tap` at once, its valid checks told to `on_check`."""

    def __init__(
        self, *, tap: Tap, on_check: Callable[[], None], hosts: Sequence[str] = (), **settings: object
    ) -> None:
        """`hosts`: bind to these addresses only; empty: to all but loopback."""
        super().__init__(**cast(dict[str, Any], settings))
        self._tap = tap
        self._on_check = on_check
        self._hosts = () if settings.get("transport_policy") is aioice.TransportPolicy.RELAY else hosts
        self._fast: set[object] = set()

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ASYNC109
    ) -> list[aioice.Candidate]:
        chosen = list(self._hosts) or addresses
        return await super().get_component_candidates(component, chosen, timeout)

    def data_received(self, data: bytes, component: int) -> None:
        self._tap(data)

    def check_incoming(
        self, message: aioice.stun.Message, addr: tuple[str, int], protocol: aioice.ice.StunProtocol
    ) -> None:
        """Called by aioice with authenticated checks only."""
        self._on_check()
        super().check_incoming(message, addr, protocol)

    async def gather_hosts(self) -> None:
        """The candidates that cost no waiting. Afterwards `connect` may run; servers may be asked beside it."""
        servers = self.stun_server, self.turn_server
        self.stun_server = self.turn_server = None
        try:
            await self.gather_candidates()
        finally:
            self.stun_server, self.turn_server = servers
        for protocol in self._protocols:
            self._speed_up(protocol)

    async def gather_reflexive(self, patience: float) -> list[aioice.Candidate]:
        """Ask the STUN server from every IPv4 socket. What does not answer is left out."""
        if self.stun_server is None:
            return []
        asking = [
            asyncio.wait_for(aioice.ice.server_reflexive_candidate(protocol, self.stun_server), patience)
            for protocol in self._protocols
            if protocol.local_candidate.type == "host" and ":" not in protocol.local_candidate.host
        ]
        answers = await asyncio.gather(*asking, return_exceptions=True)
        found = [answer[0] for answer in answers if not isinstance(answer, BaseException)]
        self._local_candidates += found
        return found

    async def gather_relayed(self, hide_address: bool) -> aioice.Candidate:
        """Allocate at the TURN server, and pair with what is known of the other side by now."""
        assert self.turn_server is not None
        candidate, protocol = await aioice.ice.relayed_candidate(
            component=1,
            hide_related_address=hide_address,
            protocol_factory=lambda: aioice.ice.StunProtocol(self),
            turn_server=self.turn_server,
            turn_username=self.turn_username,
            turn_password=self.turn_password,
            turn_ssl=self.turn_ssl,
            turn_transport=self.turn_transport,
        )
        self._speed_up(protocol)
        self._protocols.append(protocol)
        self._local_candidates.append(candidate)
        for remote in self._remote_candidates:
            self._pair_remote_candidate(remote)
        self.sort_check_list()
        return candidate

    @property
    def selected(self) -> tuple[Any, Address] | None:
        """The nominated pair's protocol and remote address; it may change at any time."""
        pair = self._nominated.get(1)
        return (pair.protocol, pair.remote_addr) if pair is not None else None

    def send_now(self, data: bytes) -> bool:
        """Send on the nominated pair, without a task per packet also through TURN. False: there is no pair."""
        pair = self._nominated.get(1)
        if pair is None:
            return False
        transport = pair.protocol.transport
        inner = getattr(transport, _TURN_FIELD, None)
        if inner is not None:
            channel = inner.peer_to_channel.get(pair.remote_addr)
            # ICE's own checks go the long way every 5 s and renew the channel in time (RFC 8656 section 12)
            if channel is not None and not inner.transport.is_closing():
                inner._send(struct.pack("!HH", channel, len(data)) + data)
                return True
        transport.sendto(data, pair.remote_addr)
        return True

    def _speed_up(self, stun: aioice.ice.StunProtocol) -> None:
        """Hand media over before aioice tries to read it as STUN, and let no broken STUN escape into the loop."""
        protocol = cast(Any, stun)  # three of its attributes are replaced on the instance
        slow, tap, ask = protocol.datagram_received, self._tap, protocol.request

        def datagram_received(data: bytes, addr: Address) -> None:
            if data and data[0] > 19:
                tap(data)
            else:
                with contextlib.suppress(Exception):  # struct.error, UnicodeDecodeError, KeyError: anything may come
                    slow(data, addr)

        async def request(
            message: aioice.stun.Message, addr: Address, integrity_key: bytes | None = None, **more: object
        ) -> object:
            answer: object = await ask(message, addr, integrity_key, **more)
            if integrity_key is not None:  # an answer with the browser's password: consent (RFC 7675 section 5.1)
                self._on_check()
            return answer

        protocol.datagram_received = datagram_received
        protocol.request = request
        self._fast.add(protocol)
        if hasattr(protocol.transport, "max_size"):
            protocol.transport.max_size = 2048  # asyncio's own: its 256 KiB buffer costs 15 us a packet

    async def close(self) -> None:
        """Close the sockets and take apart what would be a cycle."""
        await super().close()
        for protocol in self._fast:
            vars(protocol).pop("datagram_received", None)
            vars(protocol).pop("request", None)
        self._fast.clear()
        self._check_list.clear()
        self._tap, self._on_check = _nowhere, _nobody


def _nobody() -> None:
    """Whom a closed agent tells of checks."""
