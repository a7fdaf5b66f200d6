"""Which UDP ports are free for RTP: an even one for RTP and the next for RTCP (RFC 3550 section 11).

A port that was given back rests for a while (quarantine): the last call's phone may still be sending there, and the
next caller must not hear it. Ports are used in turn, so that each rests as long as possible. Pure: time is an argument.
"""

from __future__ import annotations

from collections import deque

from media.errors import NoPorts


class PortPool:
    """Pairs of ports, by the even one."""

    def __init__(self, first: int, last: int, quarantine: float = 5.0, start: int = 0) -> None:
        """`first` to `last`, both included.  quarantine: seconds of rest.  start: pairs to pass over at first, so that
        several programs on one machine do not all try the same ones.  ValueError for a range without a pair.
        """
        first += first % 2
        if not 0 < first < last < 65_536:
            raise ValueError(f"{first}-{last} holds no pair of RTP ports: give a range such as 20000-29999")
        self.first, self.last = first, last
        self.quarantine = quarantine
        self._free = deque(range(first, last, 2))
        self._free.rotate(-start)
        self._resting: deque[tuple[float, int]] = deque()
        self._taken: set[int] = set()

    def __len__(self) -> int:
        """Pairs in use."""
        return len(self._taken)

    def take(self, now: float) -> int:
        """The even port of a free pair. Raises NoPorts."""
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
        if not self._free:
            raise NoPorts(
                f"all {(self.last - self.first + 1) // 2} RTP port pairs of {self.first}-{self.last} are in use "
                f"({len(self._resting)} rest for {self.quarantine:g} s after their call); widen rtp_ports"
            )
        port = self._free.popleft()
        self._taken.add(port)
        return port

    def give(self, port: int, now: float) -> None:
        """A pair is no longer used. Giving one back twice changes nothing."""
        if port in self._taken:
            self._taken.remove(port)
            self._resting.append((now + self.quarantine, port))
