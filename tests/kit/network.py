"""A bad network as an object: seeded, in virtual time, sans-IO; and the loop that lets several parties live on it.

`BadNetwork` loses, delays, doubles and reorders whatever is sent. `progress` advances to the earliest deadline of
network and parties, so that an hour of retransmissions passes in milliseconds.

    network = BadNetwork(seed=7, loss=0.2, delay=0.02, jitter=0.05, duplicate=0.02, reorder=0.02)
    while (now := progress(network, {address_a: a, address_b: b}, now)) is not None: ...
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Party(Protocol):
    """A sans-IO core with the five verbs."""

    def receive(self, data: bytes, source: Any, now: float) -> None: ...
    def outgoing(self) -> Iterable[Any]: ...  # of objects with `data` and `to`
    def wake_at(self) -> float | None: ...
    def wake(self, now: float) -> None: ...


@dataclass(order=True, slots=True)
class Flying:
    """A datagram on its way."""

    arrives: float
    serial: int
    data: bytes = field(compare=False)
    source: Hashable = field(compare=False)
    to: Hashable = field(compare=False)


class BadNetwork:
    """`loss`, `duplicate`, `reorder` are probabilities; `delay`, `jitter` seconds. Jitter alone keeps the order.

    `drop(data, source, to)` may be set to lose chosen datagrams.
    """

    def __init__(
        self,
        seed: int = 0,
        loss: float = 0.0,
        delay: float = 0.01,
        jitter: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
    ) -> None:
        self.loss, self.delay, self.jitter, self.duplicate, self.reorder = loss, delay, jitter, duplicate, reorder
        self.drop: Callable[[bytes, Hashable, Hashable], bool] = lambda data, source, to: False
        self.sent = self.lost = 0
        self._random = random.Random(seed)
        self._flying: list[Flying] = []
        self._serial = 0
        self._latest: dict[tuple[Hashable, Hashable], float] = {}

    def send(self, data: bytes, source: Hashable, to: Hashable, now: float) -> None:
        self.sent += 1
        chance = self._random.random
        if self.drop(data, source, to) or chance() < self.loss:
            self.lost += 1
            return
        for _ in range(2 if chance() < self.duplicate else 1):
            self._fly(data, source, to, now + self.delay + self.jitter * chance())

    def _fly(self, data: bytes, source: Hashable, to: Hashable, arrives: float) -> None:
        if self._random.random() < self.reorder:
            arrives += 2 * (self.delay + self.jitter)  # lets later ones pass
        else:
            arrives = self._latest[source, to] = max(arrives, self._latest.get((source, to), arrives))
        self._serial += 1
        heapq.heappush(self._flying, Flying(arrives, self._serial, data, source, to))

    def wake_at(self) -> float | None:
        return self._flying[0].arrives if self._flying else None

    def arrivals(self, now: float) -> list[Flying]:
        """Everything that has arrived by `now`, in order."""
        arrived = []
        while self._flying and self._flying[0].arrives <= now:
            arrived.append(heapq.heappop(self._flying))
        return arrived


def flush(network: BadNetwork, parties: Mapping[Hashable, Party], now: float) -> None:
    """Put on the wire what the parties want to send."""
    for address, party in parties.items():
        for transmit in party.outgoing():
            network.send(transmit.data, address, transmit.to, now)


def progress(
    network: BadNetwork, parties: Mapping[Hashable, Party], now: float, until: float | None = None
) -> float | None:
    """One step: advance to the earliest deadline, deliver, wake. Returns the new time; None when nothing is left to do.

    With `until`, None is also returned when nothing is due by then. Datagrams to an address of nobody's are lost.
    """
    flush(network, parties, now)
    deadlines = [when for each in (network, *parties.values()) if (when := each.wake_at()) is not None]
    if not deadlines or (until is not None and min(deadlines) > until):
        return None
    now = max(now, min(deadlines))
    for flying in network.arrivals(now):
        if (party := parties.get(flying.to)) is not None:
            party.receive(flying.data, flying.source, now)
    for party in parties.values():
        if (when := party.wake_at()) is not None and when <= now:
            party.wake(now)
    return now
