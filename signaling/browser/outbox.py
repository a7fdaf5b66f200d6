"""What a page has been told and has not acknowledged yet, so that a new socket can go on where the old one broke off.

Bounded in messages and in characters: the oldest go first. A page that missed more than is kept resumes as after a
reload.
"""

from __future__ import annotations

from collections import deque

from signaling.browser.errors import ResumeGap


class Outbox:
    def __init__(self, messages: int, characters: int) -> None:
        self._limit = messages, characters
        self.clear()

    def clear(self) -> None:
        """Start again at number 1."""
        self._kept: deque[tuple[int, str]] = deque()
        self._size = 0
        self.last = 0
        """The number of the newest message."""
        self.gone = 0
        """The number of the newest message that is not kept any more."""

    def __len__(self) -> int:
        return len(self._kept)

    def append(self, text: str) -> None:
        """Keep the message numbered `last + 1`."""
        self.last += 1
        self._kept.append((self.last, text))
        self._size += len(text)
        while len(self._kept) > self._limit[0] or self._size > self._limit[1]:
            self._drop()

    def acknowledge(self, seq: int) -> None:
        """The page has everything up to `seq`."""
        while self._kept and self._kept[0][0] <= seq:
            self._drop()

    def since(self, seq: int) -> list[str]:
        """What a page that has everything up to `seq` missed. Raises ResumeGap."""
        if not self.gone <= seq <= self.last:
            raise ResumeGap(
                "Too much was missed to replay it. Resume with reloaded = true and offer again for each call."
            )
        return [text for number, text in self._kept if number > seq]

    def _drop(self) -> None:
        self.gone, text = self._kept.popleft()
        self._size -= len(text)
