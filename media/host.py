"""The ONLY door to media: orders in, events out, all of it plain data about legs named by id.

A call opens its legs, lets them negotiate, says who hears whom (`wire`), and closes them. It never holds a leg, a
socket or a frame, so the same host can run in this process or in another. Whatever happens to a leg while it is open,
`close` releases all of it, and `legs()` is back at 0 when the last call is gone.

    host = MediaHost(MediaConfig(), on_event)
    await host.start()
    host.open(OpenSip("phone"))
    host.open(OpenPlayer("ringing", "tone:ringback"))
    answer = await host.accept("phone", offer)
    host.wire("call-1", {"phone": ("ringing",)})
    await host.close("phone")
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aioice.ice import get_host_addresses

from media import sources
from media.bus import Bus
from media.clock import Clock
from media.errors import BadOrder, NoCommonCodec, NoSuchLeg
from media.events import LegStats, MediaEvent, Negotiated
from media.formats import FORMATS, Format
from media.ice.full import FullIce, IceServer
from media.leg import Sink, Source
from media.legs.conference import Mixer
from media.legs.player import Player
from media.legs.recorder import Recorder
from media.legs.sip import SipLeg
from media.legs.webrtc import WebrtcLeg
from media.net.ports import PortPool
from media.net.webrtc_listener import WebrtcListener
from media.sdp.negotiate import Capabilities

__all__ = [
    "IceServer", "MediaConfig", "MediaHost", "OpenPlayer", "OpenRecorder", "OpenSip", "OpenWebrtc", "Order",
]  # fmt: skip

log = logging.getLogger(__name__)

ANYWHERE = ("0.0.0.0", "::")
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True, slots=True)
class MediaConfig:
    webrtc_host: str = "127.0.0.1"
    """Where the one socket for all browsers is bound."""
    webrtc_port: int = 0
    """0: any free one."""
    advertised: tuple[str, ...] = ()
    """How browsers reach us, where that is not webrtc_host: "203.0.113.7" or "203.0.113.7:40000"."""
    ice: str = "lite"
    """"lite" on the one port, or "full" (behind a NAT without a mapped port)."""
    ice_servers: tuple[IceServer, ...] = ()
    sip_host: str = "127.0.0.1"
    """Where the phones' RTP ports are bound."""
    sip_advertised: str = ""
    """How phones reach us, where that is not sip_host. Empty for "0.0.0.0": the first address of this machine."""
    rtp_ports: tuple[int, int] = (20_000, 29_999)
    quarantine: float = 5.0
    """Seconds a port rests after its call."""
    codecs: tuple[str, ...] = ("OPUS", "G722", "PCMU", "PCMA")
    """In our order, which wins."""
    stall_after: float = 5.0
    """Seconds without media after which a leg is told to be stalled."""
    recordings: str = ""
    """Folder that relative recording paths start from."""


@dataclass(frozen=True, slots=True)
class OpenWebrtc:
    """A browser."""

    leg: str
    playback_rate: int = 8000
    """What its far end can carry, Hz (8000, 16000, 48000): the browser is asked to send no more."""
    codecs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class OpenSip:
    """A phone, or a trunk."""

    leg: str
    codecs: tuple[str, ...] | None = None
    """None: all that are configured."""


@dataclass(frozen=True, slots=True)
class OpenPlayer:
    """Somebody who plays `source` (see `media.sources`) and starts at once."""

    leg: str
    source: str
    loop: bool = False
    rate: int = 8000


@dataclass(frozen=True, slots=True)
class OpenRecorder:
    """A WAV file with two ears, the sinks LEG/0 and LEG/1; or with one, which hears all."""

    leg: str
    path: str
    rate: int = 8000
    channels: int = 2


Order = OpenWebrtc | OpenSip | OpenPlayer | OpenRecorder
Party = WebrtcLeg | SipLeg
"""Who has somebody at the other end, and negotiates."""
AnyLeg = Party | Player | Recorder


def check_source(text: str) -> None:
    """Raises BadSource, in words, for what no player could play (see `media.sources`)."""
    sources.parse(text)


class MediaHost:
    """All legs of this process. Use it on one event loop."""

    def __init__(
        self,
        config: MediaConfig,
        on_event: Callable[[MediaEvent], None],
        *,
        random: Callable[[int], int] = secrets.randbits,
    ) -> None:
        """`random(n)` gives n random bits. Raises NoCommonCodec and ValueError for what cannot be configured."""
        self.config = config
        self.clock = Clock()
        self.pool = PortPool(*config.rtp_ports, config.quarantine, start=random(16))
        self.bus = Bus(self._sink, self._source, lambda name, sink: Mixer(name, sink, self.clock))
        self._formats = _formats(config.codecs)
        self._on_event = on_event
        self._random = random
        self._legs: dict[str, AnyLeg] = {}
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._transports: WebrtcListener | FullIce | None = None

    async def start(self) -> None:
        """Open the browsers' port. Raises OSError if it is taken."""
        self._transports = self._make_transports()

    async def aclose(self) -> None:
        """Close every leg, then the port. Idempotent."""
        for leg in tuple(self._legs):
            await self._close(leg)
        if self._transports is not None:
            await self._transports.aclose()
            self._transports = None
        self.clock.close()

    @property
    def webrtc_address(self) -> tuple[str, int] | None:
        """Where the browsers' socket is; None with full ICE, which has many."""
        return self._transports.address if isinstance(self._transports, WebrtcListener) else None

    def legs(self) -> int:
        return len(self._legs)

    # ---- orders

    def open(self, order: Order) -> None:
        """Make a leg. Raises BadOrder, NoPorts, BadSource, NoCommonCodec."""
        if order.leg in self._legs:
            raise BadOrder(f"a leg {order.leg!r} is open already; close it first, or choose another name")
        if "/" in order.leg:
            raise BadOrder(f"{order.leg!r} cannot be a leg's name: / is for the two ears of a recorder")
        leg = self._make(order)
        self._legs[order.leg] = leg
        self._starting[order.leg] = asyncio.get_running_loop().create_task(self._start(order.leg, leg))

    async def offer(self, leg: str) -> bytes:
        """What this party may speak. Raises as `Negotiator` does, and NoSuchLeg."""
        return await self._party(leg).offer()

    async def accept(self, leg: str, offer: bytes) -> bytes:
        return await self._party(leg).accept(offer)

    async def settle(self, leg: str, answer: bytes) -> None:
        await self._party(leg).settle(answer)

    def wire(self, group: str, graph: Mapping[str, Sequence[str]]) -> None:
        """Who hears whom in this group: {sink: sources}; {} unplugs it. Raises NoSuchLeg and changes nothing then."""
        self.bus.wire(group, {sink: tuple(sources) for sink, sources in graph.items()})

    def send_digits(self, leg: str, digits: str, duration: float = 0.16, gap: float = 0.08) -> None:
        """Press keys towards this party. Raises BadOrder for what is no key."""
        try:
            self._party(leg).send_digits(digits, duration, gap)
        except ValueError as error:
            raise BadOrder(str(error)) from None

    def mute(self, leg: str, on: bool) -> None:
        """Nobody hears this party; its stream goes on in silence."""
        self._party(leg).mute(on)

    def direction(self, leg: str, direction: str) -> None:
        """What we would like in the next offer or answer: "sendonly" holds the party."""
        if direction not in DIRECTIONS:
            raise BadOrder(f"{direction!r} is no direction: use {', '.join(DIRECTIONS)}")
        self._party(leg).direction = direction

    def playback_rate(self, leg: str, rate: int) -> None:
        """What this party's far end can carry: at once for what we send it, from the next SDP on for what it sends."""
        self._party(leg).playback_rate(rate)
        self.bus.refresh(leg)

    def candidate(self, leg: str, candidate: str | None) -> None:
        """A candidate of the browser (`ice = "full"`); None: that was all."""
        party = self._party(leg)
        if not isinstance(party, WebrtcLeg):
            raise BadOrder(f"leg {leg!r} takes no candidates: only browsers send them")
        party.candidate(candidate)

    def stats(self, leg: str) -> LegStats:
        """How it sounds now; empty for players and recorders."""
        found = self._leg(leg)
        return found.stats(self.clock.now()) if isinstance(found, Party) else LegStats()

    async def close(self, leg: str) -> None:
        """Unplug and release it. One that is not open is closed already."""
        if leg in self._legs:
            await self._close(leg)

    # ---- making and breaking

    def _make(self, order: Order) -> AnyLeg:
        match order:
            case OpenSip():
                return self._sip(order)
            case OpenWebrtc():
                return self._webrtc(order)
            case OpenPlayer():
                return Player(order.leg, order.source, self.clock, self._tell, loop=order.loop, rate=order.rate)
            case OpenRecorder():
                path = Path(self.config.recordings, order.path)
                return Recorder(order.leg, str(path), self.clock, self._tell, rate=order.rate, channels=order.channels)

    def _sip(self, order: OpenSip) -> SipLeg:
        config = self.config
        return SipLeg(
            order.leg,
            pool=self.pool,
            host=config.sip_host,
            advertised=config.sip_advertised or _reachable(config.sip_host),
            formats=self._formats if order.codecs is None else _formats(order.codecs),
            clock=self.clock,
            emit=self._tell,
            random=self._random,
            stall_after=config.stall_after,
        )

    def _webrtc(self, order: OpenWebrtc) -> WebrtcLeg:
        if self._transports is None:
            raise BadOrder("the media host is not started")
        return WebrtcLeg(
            order.leg,
            self._transports,
            emit=self._tell,
            clock=self.clock,
            random=self._random,
            capabilities=Capabilities(self._formats if order.codecs is None else _formats(order.codecs)),
            playback_rate=order.playback_rate,
            stall_after=self.config.stall_after,
        )

    def _make_transports(self) -> WebrtcListener | FullIce:
        config = self.config
        if config.ice == "full":
            anywhere = config.webrtc_host in ANYWHERE
            return FullIce(config.ice_servers, hosts=() if anywhere else (config.webrtc_host,), random=self._random)
        return WebrtcListener(
            config.webrtc_host,
            config.webrtc_port,
            advertised=config.advertised,
            random=self._random,
            on_refused=self._tell,
        )

    async def _start(self, name: str, leg: AnyLeg) -> None:
        try:
            await leg.start()
        finally:
            self._starting.pop(name, None)

    async def _close(self, name: str) -> None:
        """Whatever state it is in. The name is free again at once; a leg that cannot close well is logged, not kept."""
        leg = self._legs.pop(name)
        self.bus.forget(name)
        starting = self._starting.pop(name, None)
        if starting is not None:
            await asyncio.wait([starting])
        try:
            await leg.aclose()
        except Exception:
            log.exception("leg %s did not close well", name)

    def _tell(self, event: MediaEvent) -> None:
        """Every event of every leg. Nobody's mistake in handling it may break the path of a packet."""
        if isinstance(event, Negotiated):
            self.bus.refresh(event.leg)
        try:
            self._on_event(event)
        except Exception:
            log.exception("an event of media could not be handled: %r", event)

    # ---- finding

    def _leg(self, name: str) -> AnyLeg:
        try:
            return self._legs[name]
        except KeyError:
            raise NoSuchLeg(f"no leg {name!r} is open") from None

    def _party(self, name: str) -> Party:
        leg = self._leg(name)
        if not isinstance(leg, Party):
            raise BadOrder(f"{name!r} is a {type(leg).__name__.lower()}: it has nobody at its other end")
        return leg

    def _sink(self, name: str) -> Sink:
        leg, _, ear = name.partition("/")
        party = self._leg(leg)
        if isinstance(party, Recorder):
            try:
                return party.channel(int(ear))
            except (ValueError, IndexError):
                raise BadOrder(f"{name!r} has no such ear: {leg}/0, and {leg}/1 where it has two") from None
        if ear or isinstance(party, Player):
            raise BadOrder(f"{name!r} cannot hear: it is a {type(party).__name__.lower()}")
        return party

    def _source(self, name: str) -> Source:
        party = self._leg(name)
        if isinstance(party, Recorder):
            raise BadOrder(f"{name!r} has nothing to say: it is a recorder")
        return party


def _reachable(host: str) -> str:
    """An address for SDP, where 0.0.0.0 would mean hold."""
    if host not in ANYWHERE:
        return host
    found = get_host_addresses(use_ipv4=host == "0.0.0.0", use_ipv6=host == "::")
    return found[0] if found else "127.0.0.1"


def _formats(names: Sequence[str]) -> tuple[Format, ...]:
    unknown = [name for name in names if name.upper() not in FORMATS]
    if unknown or not names:
        raise NoCommonCodec(f"no codec is called {', '.join(unknown) or 'nothing'}: choose from {', '.join(FORMATS)}")
    return tuple(FORMATS[name.upper()] for name in names)
