"""ICE in full, for a gateway whose address browsers cannot reach: behind NAT without a mapped port, or through TURN.

aioice's agent does the searching; DTLS, SRTP and states are those of the lite transport. The description goes out
at once, candidates are trickled both ways: our own sockets' first, the servers' when they answer; checks run meanwhile.
Media never enters aioice's queue. (An RTCPeerConnection is not used: it gathers before it describes, cannot restart
ICE, and owns a sender, a receiver and a decoder thread that would all have to be taken out again.)

An ICE restart runs a second agent beside the first under the same DTLS association, and the first is closed when the
second has found its way: keys, sequence numbers and roll-over counters do not notice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aioice
from aiortc import RTCIceServer

from media.errors import BadDescription
from media.ice.lite import Address, Credentials
from media.ice.states import FINAL, Event
from media.ice.transport import Handlers, LocalDescription, RemoteDescription
from media.net.aiortc_private import IceConnection, Identity, Turnstile, ice_settings, require
from media.net.secure_transport import Patience, SecureTransport
from media.net.watch import Watch

log = logging.getLogger(__name__)

SERVER_PATIENCE = 5.0
"""Seconds for a STUN or TURN server to answer; the call does not wait for them."""
PATIENT = Patience()


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server, as the W3C's RTCIceServer."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = field(default=None, repr=False)


class FullIce:
    """Makes transports; the counterpart of the listener."""

    ice_lite = False

    def __init__(
        self,
        servers: Sequence[IceServer] = (),
        *,
        relay_only: bool = False,
        hosts: Sequence[str] = (),
        random: Callable[[int], int],
        patience: Patience = PATIENT,
    ) -> None:
        """`hosts`: gather from these addresses only; empty: from all but loopback. Bad URLs raise BadDescription."""
        require()
        try:
            asked = [RTCIceServer(list(s.urls), s.username, s.credential) for s in servers]
            self._settings = ice_settings(asked, relay_only)
        except ValueError as error:
            raise BadDescription(f"ICE server: {error}; write stun:host:port or turn:host:port?transport=udp") from None
        self.relay_only = relay_only
        self.patience = patience
        self.turnstile = Turnstile()
        self.legs = Watch()
        self._hosts = tuple(hosts)
        self._random = random
        self._identity = Identity()

    def open(self, handlers: Handlers, *, controlling: bool) -> FullTransport:
        """A new transport; `controlling`: we make the offer (RFC 8445 section 6.1.1). It starts gathering at once."""
        if self._identity.aged(datetime.now(UTC)):
            self._identity = Identity()
        leg = FullTransport(self, handlers, self._identity, controlling)
        self.legs.add(leg)
        return leg

    def agent(self, tap: Callable[[bytes], None], on_check: Callable[[], None], controlling: bool) -> IceConnection:
        """A fresh aioice agent with credentials of ours."""
        credentials = Credentials.make(self._random)
        return IceConnection(
            tap=tap,
            on_check=on_check,
            hosts=self._hosts,
            ice_controlling=controlling,
            local_username=credentials.ufrag,
            local_password=credentials.pwd,
            **self._settings,
        )

    async def aclose(self) -> None:
        await self.legs.aclose()


class Generation:
    """One ICE generation: an agent, its gathering and its search."""

    def __init__(self, agent: IceConnection, on_candidate: Callable[[str | None], None], relay_only: bool) -> None:
        self.agent = agent
        self.remote_ufrag: str | None = None
        self._on_candidate = on_candidate
        self._relay_only = relay_only
        self._tasks: set[asyncio.Task[Any]] = set()
        self._hosts = asyncio.get_running_loop().create_task(agent.gather_hosts())
        self._gathering = self._spawn(self._gather())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _gather(self) -> None:
        await asyncio.shield(self._hosts)
        for candidate in self.agent.local_candidates:
            self._tell(candidate)
        await asyncio.gather(self._reflexive(), self._relayed())
        self._on_candidate(None)

    async def _reflexive(self) -> None:
        if not self._relay_only:
            for candidate in await self.agent.gather_reflexive(SERVER_PATIENCE):
                self._tell(candidate)

    async def _relayed(self) -> None:
        if self.agent.turn_server is None:
            return
        try:
            self._tell(await asyncio.wait_for(self.agent.gather_relayed(self._relay_only), SERVER_PATIENCE))
        except Exception as error:  # refused credentials, no route, no answer: the other candidates may do
            log.warning(
                "TURN server %s gave no relay: %r. Check its address and credentials", self.agent.turn_server, error
            )

    def _tell(self, candidate: aioice.Candidate) -> None:
        self._on_candidate(f"candidate:{candidate.to_sdp()}")

    def search(self, remote: RemoteDescription, found: Callable[[Generation, Exception | None], None]) -> None:
        """Look for a way to the other side; `found` is told of success or why not."""
        agent = self.agent
        self.remote_ufrag = remote.ufrag
        agent.remote_username, agent.remote_password = remote.ufrag, remote.pwd
        agent.remote_is_lite = remote.ice_lite
        if remote.ice_lite:
            agent.ice_controlling = True  # RFC 8445 section 6.1.1
        for candidate in remote.candidates:
            self.add(_parse(candidate))
        if remote.ice_lite:
            self.add(None)  # a lite agent has no more to tell
        self._spawn(self._search(found))

    async def _search(self, found: Callable[[Generation, Exception | None], None]) -> None:
        try:
            await asyncio.shield(self._hosts)
            await self.agent.connect()
        except (ConnectionError, OSError) as error:
            found(self, error)
        else:
            found(self, None)

    def add(self, candidate: aioice.Candidate | None) -> None:
        """A candidate of the other side; None: no more."""
        self._spawn(self._add(candidate))

    async def _add(self, candidate: aioice.Candidate | None) -> None:
        if candidate is None:
            # aioice gives up when all pairs of a finished list have failed: our own list must be finished too
            await asyncio.wait([self._gathering])
        try:
            await self.agent.add_remote_candidate(candidate)
        except (ValueError, OSError) as error:  # after the end, or no multicast for mDNS here
            log.debug("candidate %s not used: %r", candidate, error)

    async def aclose(self) -> None:
        """Stop searching and close the sockets."""
        self._on_candidate = _ignore
        await asyncio.gather(self._hosts, return_exceptions=True)
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.agent.close()


class FullTransport(SecureTransport):
    """Made by `FullIce.open`."""

    unreached = "ICE found no way to the browser in time: a TURN server may be needed"

    def __init__(self, ice: FullIce, handlers: Handlers, identity: Identity, controlling: bool) -> None:
        super().__init__(handlers, identity, ice.turnstile, ice.patience)
        self._ice = ice
        self._controlling = controlling
        self._newest = self._active = self._generation()
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> Address | None:
        selected = self._active.agent.selected
        return selected[1] if selected else None

    def describe(self) -> LocalDescription:
        agent = self._newest.agent
        found = tuple(candidate.to_sdp() for candidate in agent.local_candidates)
        fingerprint = self.identity.fingerprint
        return LocalDescription(agent.local_username, agent.local_password, fingerprint, "0.0.0.0", 9, False, found)

    def connect(self, remote: RemoteDescription, role: str) -> None:
        if self._begin(remote, role) or self._newest.remote_ufrag is None:
            self._newest.search(remote, self._found)
            return
        for candidate in remote.candidates:
            self.add_candidate(candidate)

    def restart(self) -> None:
        if self._newest is not self._active:
            self._leave(self._newest)
        self._newest = self._generation()

    def add_candidate(self, candidate: str | None) -> None:
        parsed = None if candidate is None or not candidate.strip() else _parse(candidate)
        self._newest.add(parsed)

    def _generation(self) -> Generation:
        agent = self._ice.agent(self._datagram, self._checked, self._controlling)
        return Generation(agent, self._candidate, self._ice.relay_only)

    def _candidate(self, candidate: str | None) -> None:
        self._handlers.on_candidate(self, candidate)

    def _checked(self) -> None:
        self.consent.checked(time.perf_counter())
        self._step(Event.FRESH)

    def _found(self, generation: Generation, error: Exception | None) -> None:
        if generation is not self._newest or self.state in FINAL:
            return
        if error is not None and generation is self._active:
            self._step(Event.BROKEN, f"ICE found no way to the browser ({error}): a TURN server may be needed")
        elif error is not None:
            log.warning("ICE restart found no way (%s); the old one is kept", error)
        else:
            if generation is not self._active:
                self._leave(self._active)
                self._active = generation
            self.consent.checked(time.perf_counter())
            self._secure_if_possible()

    def _leave(self, generation: Generation) -> None:
        task = asyncio.get_running_loop().create_task(generation.aclose())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _datagram(self, data: bytes) -> None:
        if len(data) > 12 and 127 < data[0] < 192:
            self.receive_media(data, time.perf_counter())
        elif data and 19 < data[0] < 64:
            self.receive_dtls(data)
        else:
            self.refused += 1

    def _transmit(self, packet: bytes) -> bool:
        try:
            return self._active.agent.send_now(packet)
        except OSError:
            return False

    def _has_address(self) -> bool:
        return self._active.agent.selected is not None

    async def _release(self) -> None:
        self._ice.legs.discard(self)
        await asyncio.gather(self._active.aclose(), self._newest.aclose(), *self._leaving)


def _parse(text: str) -> aioice.Candidate:
    """A candidate as the W3C or SDP writes it. Raises BadDescription."""
    try:
        return aioice.Candidate.from_sdp(text.strip().removeprefix("a=").removeprefix("candidate:"))
    except (ValueError, IndexError) as error:
        raise BadDescription(f"ICE candidate {text[:80]!r} cannot be read: {error}") from None


def _ignore(candidate: str | None) -> None:
    """A closed generation tells nobody."""
