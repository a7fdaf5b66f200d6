"""SIP over TCP: a listener, and connections of both directions that are used for both (RFC 3261 section 18).

A message to an `Address` with a `connection` goes by that one and no other. Without, any open connection to the same
host and port does, and else one is opened. Running out of file descriptors stops accepting for a moment, nothing else
(asyncio pauses the listener; uvloop drops the newcomer).
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections import Counter, OrderedDict

from signaling.net.connection import Connection, Limits
from signaling.net.transport import Owner, Traffic, bind, bound
from signaling.sip.address import Address, Transmit

BACKLOG = 512
CHUNK = 16_384  # bytes read per wake-up: some forty messages, so that one peer cannot hold the loop
DEFAULT = Limits()
_numbers = itertools.count(1)  # never the same for two connections, whatever their transport


class Tcp:
    """One listening socket and every connection of its IP version."""

    def __init__(self, local: Address, owner: Owner, limits: Limits = DEFAULT) -> None:
        self.address = local
        self.limits = limits
        self.traffic = Traffic()
        self.buffer = bytearray(CHUNK)
        self._owner = owner
        self._server: asyncio.Server | None = None
        self._connections: OrderedDict[int, Connection] = OrderedDict()  # the one that was silent longest comes first
        self._by_remote: dict[tuple[str, int], Connection] = {}
        self._accepted: Counter[str] = Counter()  # by host
        self._dialling: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._connections)

    async def start(self) -> None:
        sock = bind(self.address, socket.SOCK_STREAM)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(next(_numbers), self), sock=sock, backlog=BACKLOG)
        self.address = bound(self.address, sock)
        self._sweeper = loop.call_later(self.limits.sweep, self._sweep)

    async def aclose(self, flush: float = 1.0) -> None:
        """Stop listening, let the last messages out (those that wait for a connection included), close all."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self._finish_dialling(flush)
        connections = list(self._connections.values())
        for connection in connections:
            connection.close("closing down")
        await _gone(connections, flush)
        for connection in connections:
            connection.cut("closing down")
        await _gone(connections, 1.0)  # at once, but by way of the loop

    async def _finish_dialling(self, seconds: float) -> None:
        if self._dialling:
            await asyncio.wait(self._dialling, timeout=seconds)
        for task in self._dialling:
            task.cancel()
        await asyncio.gather(*self._dialling, return_exceptions=True)

    # sending

    def send(self, transmit: Transmit) -> None:
        to = transmit.to
        connection = self._find(to)
        if connection is not None:
            connection.send(transmit.data)
        elif to.connection is not None:
            self._fail(to, f"the connection to {to} is closed")  # 18.2.2: the stack then goes by the Via
        elif self._server is not None and self._room():
            self._dial(to).send(transmit.data)
        else:
            self._fail(to, f"no connection to {to}: all {self.limits.connections} are in use")

    def _find(self, to: Address) -> Connection | None:
        if to.connection is not None:
            return self._connections.get(to.connection)
        return self._by_remote.get((to.host, to.port))

    def _dial(self, to: Address) -> Connection:
        number = next(_numbers)
        connection = Connection(number, self, Address(to.transport, to.host, to.port, number))
        self._add(connection)
        task = asyncio.get_running_loop().create_task(self._connect(connection))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)
        return connection

    async def _connect(self, connection: Connection) -> None:
        peer, loop = connection.peer, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.limits.connect):
                await loop.create_connection(lambda: connection, peer.host, peer.port, local_addr=self._from)
        except TimeoutError:
            connection.cut(f"{peer} did not accept a connection within {self.limits.connect:g} s")
        except (OSError, OverflowError) as error:
            connection.cut(f"cannot connect to {peer}: {getattr(error, 'strerror', None) or error}")

    @property
    def _from(self) -> tuple[str, int] | None:
        """Connections leave from the address we listen on, unless that is any."""
        return None if self.address.host in ("0.0.0.0", "::") else (self.address.host, 0)

    def _fail(self, to: Address, why: str) -> None:
        self.traffic.failed += 1
        self._owner.failed(to, why)

    # what connections tell

    def opened(self, connection: Connection) -> bool:
        if connection.dialled:
            return True
        host = connection.peer.host
        if self._server is None or self._accepted[host] >= self.limits.per_host or not self._room():
            self.traffic.turned_away += 1
            return False
        self._accepted[host] += 1
        self._add(connection)
        return True

    def active(self, connection: Connection) -> None:
        if connection.number in self._connections:
            self._connections.move_to_end(connection.number)

    def received(self, connection: Connection, data: bytes) -> None:
        self.traffic.received += 1
        self._owner.receive(data, connection.peer)

    def refused(self, connection: Connection, why: str) -> None:
        self._owner.refused(why, connection.peer)

    def closed(self, connection: Connection, why: str) -> None:
        """Whoever waits for something by this connection hears of it; by host and port too, if that led here."""
        if self._connections.pop(connection.number, None) is None:
            return  # turned away
        peer = connection.peer
        if not connection.dialled:
            self._accepted -= Counter((peer.host,))
        bare = Address(peer.transport, peer.host, peer.port)
        named = self._by_remote.get((peer.host, peer.port)) is connection
        if named:
            del self._by_remote[peer.host, peer.port]
        if self._server is not None:
            self._fail(peer, why)
            if named:
                self._owner.failed(bare, why)

    def _add(self, connection: Connection) -> None:
        self._connections[connection.number] = connection
        self._by_remote[connection.peer.host, connection.peer.port] = connection

    # housekeeping

    def _room(self) -> bool:
        """Whether one more may be opened, at the cost of one that nobody seems to need."""
        if len(self._connections) < self.limits.connections:
            return True
        stalest = next(iter(self._connections.values()))
        if asyncio.get_running_loop().time() - stalest.active_at < self.limits.spare:
            return False
        stalest.cut("made room for a new connection")
        return True

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for connection in list(self._connections.values()):
            connection.check(loop.time())
        self._sweeper = loop.call_later(self.limits.sweep, self._sweep)


async def _gone(connections: list[Connection], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            for connection in connections:
                await connection.gone.wait()
    except TimeoutError:
        pass
