"""A UDP relay that loses packets by a seed: stands between a real SIP peer and the gateway, in front of either.

Every client address gets an upstream socket of its own, as a NAT would give it.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

Address = tuple[str, int]


class _Side(asyncio.DatagramProtocol):
    def __init__(self, on_data: Any) -> None:
        self.on_data = on_data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, source: Address) -> None:
        self.on_data(data, source)

    def error_received(self, error: Exception) -> None:
        pass


class LossyRelay:
    """`async with LossyRelay(target, loss=0.05, seed=1) as relay: relay.address`."""

    def __init__(self, target: Address, *, loss: float, seed: int, listen: Address = ("127.0.0.1", 0)) -> None:
        self.target, self.loss, self.listen = target, loss, listen
        self.random = random.Random(seed)
        self.forwarded = self.dropped = 0
        self._upstream: dict[Address, asyncio.Future[_Side]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> LossyRelay:
        self.loop = asyncio.get_running_loop()
        _, self.front = await self.loop.create_datagram_endpoint(lambda: _Side(self._inward), local_addr=self.listen)
        self.address: Address = self.front.transport.get_extra_info("sockname")[:2]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.front.transport.close()
        for task in list(self._tasks):
            await task
        for side in self._upstream.values():
            (await side).transport.close()

    def _lost(self) -> bool:
        lost = self.random.random() < self.loss
        self.dropped += lost
        self.forwarded += not lost
        return lost

    def _inward(self, data: bytes, source: Address) -> None:
        if self._lost():
            return
        known = self._upstream.get(source)
        if known is not None and known.done():
            known.result().transport.sendto(data, self.target)
            return
        task = self.loop.create_task(self._open_and_send(data, source))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_and_send(self, data: bytes, source: Address) -> None:
        if source not in self._upstream:
            self._upstream[source] = future = self.loop.create_future()
            _, side = await self.loop.create_datagram_endpoint(
                lambda: _Side(lambda reply, _: self._outward(reply, source)), local_addr=(self.address[0], 0)
            )
            future.set_result(side)
        (await self._upstream[source]).transport.sendto(data, self.target)

    def _outward(self, data: bytes, client: Address) -> None:
        if not self._lost():
            self.front.transport.sendto(data, client)
