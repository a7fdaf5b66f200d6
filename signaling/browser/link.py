"""One WebSocket, from its first frame to its close code. Sessions come and go over links; a link has at most one.

The shell feeds text frames, sends `outgoing()`, and when `closing` is set sends what is left and closes with that code.
`notify` is called whenever there is something to send or to close: the shell's cue, never a place to do work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from signaling.browser import messages
from signaling.browser.errors import (
    BadField,
    BadMessage,
    BinaryFrame,
    BrowserError,
    HelloExpected,
    HelloTimeout,
    Silent,
    TooFast,
    TooManyMistakes,
    TooSlow,
)
from signaling.browser.schema import SEQUENCE, build, encode, load

if TYPE_CHECKING:
    from signaling.browser.hub import Hub
    from signaling.browser.session import Session


class Link:
    """Made by the hub."""

    def __init__(self, hub: Hub, source: str, now: float) -> None:
        self.source = source
        """Where it comes from, for logs."""
        self.session: Session | None = None
        self.closing: BrowserError | None = None
        """Why the shell must close; its `close` is the code."""
        self.notify: Callable[[], None] = lambda: None
        self._hub = hub
        self._config = hub.config
        self._queue: list[str] = []
        self._size = 0
        self._mistakes = 0
        self._tokens = float(self._config.message_burst)
        self._filled = now
        self._heard = self._opened = now
        self._ping_at = now + self._config.heartbeat
        self.gone = False

    # -- what the shell feeds ----------------------------------------------------------------------

    def receive(self, frame: str, now: float) -> None:
        """One text frame. Any text is fine: what is not a message is answered with `error`."""
        if self.gone or self.closing:
            return
        self._heard = now
        self._hub.date(now)
        found: dict[str, object] = {}
        try:
            self._pay(now)
            found = load(frame, self._config.max_message)
            message, seq = build(found, messages.FROM_PAGE)
            self._take(message, seq, now)
        except BrowserError as why:
            self._refuse(why, found)

    def receive_binary(self, now: float) -> None:
        if not self.gone and not self.closing:
            self._heard = now
            self._refuse(BinaryFrame("A binary frame: send JSON in text frames."), {})

    def garbled(self) -> None:
        """Bytes that are no WebSocket frame (RFC 6455 7.1.7); the shell closes by itself."""
        self._hub.counters["bad-frame"] += 1

    def lost(self, now: float) -> None:
        """The socket has gone, in whatever way."""
        if self.gone:
            return
        self.gone = True
        self._queue.clear()
        self._hub.unlink(self, now)

    # -- what the shell drains ---------------------------------------------------------------------

    def outgoing(self, now: float) -> list[str]:
        self._hub.date(now)
        queue, self._queue, self._size = self._queue, [], 0
        return queue

    def queue(self, text: str) -> None:
        """Bounded: a page that does not read is cut off and may resume."""
        if self.closing or self.gone:
            return
        self._queue.append(text)
        self._size += len(text)
        if len(self._queue) > self._config.queue_messages or self._size > self._config.queue_characters:
            self._queue.clear()
            self.close(TooSlow("The page did not read what it was sent. It may resume."))
        self.notify()

    def send(self, message: messages.GatewayMessage) -> None:
        self.queue(encode(message))

    def close(self, why: BrowserError) -> None:
        if self.closing is None:
            self.closing = why
            self._hub.counters[why.code] += 1
            self.notify()

    # -- time --------------------------------------------------------------------------------------

    def due(self) -> float | None:
        """When `wake` has something to do; None once it closes."""
        if self.gone or self.closing:
            return None
        if self.session is None:
            return self._opened + self._config.hello_timeout
        return min(self._ping_at, self._heard + self._config.dead_after)

    def wake(self, now: float) -> None:
        if self.gone or self.closing:
            return
        if self.session is None:
            if now >= self._opened + self._config.hello_timeout:
                self.close(HelloTimeout("No hello came. Connect again and send one at once."))
        elif now >= self._heard + self._config.dead_after:
            self.close(Silent("No sign of life. The page may resume."))
            self._hub.release(self, now)  # a dead socket may take minutes to close: the window opens now
        elif now >= self._ping_at:
            self._ping_at = now + self._config.heartbeat
            self.send(messages.Ping(self.session.received))

    # -- inside ------------------------------------------------------------------------------------

    def _pay(self, now: float) -> None:
        """A token bucket: one token a message."""
        rate, burst = self._config.message_rate, self._config.message_burst
        self._tokens, self._filled = min(burst, self._tokens + (now - self._filled) * rate), now
        if self._tokens < 1:
            raise TooFast(f"More than {rate:g} messages a second. Wait a little, then resume.")
        self._tokens -= 1

    def _take(self, message: messages.PageMessage, seq: int | None, now: float) -> None:
        session = self.session
        if isinstance(message, messages.Hello | messages.Resume):
            if session:
                raise HelloExpected(f'"{message.type}" comes first and once. Open another socket for another session.')
            self._hub.greet(self, message, now)
        elif session is None:
            raise HelloExpected(f'"{message.type}" came before "hello" or "resume". Say who you are first.')
        elif isinstance(message, messages.Ping | messages.Pong):
            session.acknowledge(message.ack)
            if isinstance(message, messages.Ping):
                self.send(messages.Pong(session.received))
        elif isinstance(message, messages.Refresh):
            self.send(self._hub.refresh(session))
        elif isinstance(message, messages.Bye):
            self._hub.bye(self, session)
        else:
            session.receive(message, seq, now)

    def _refuse(self, why: BrowserError, found: dict[str, object]) -> None:
        """Answer with the error; close where it says so, or when there were too many."""
        self._hub.counters[why.code] += 1
        seq, call = found.get("seq"), found.get("call")
        ref = seq if isinstance(seq, int) and SEQUENCE.check(seq) else None
        if ref is not None and self.session is not None:
            self.session.received = max(self.session.received, ref)  # heard, if not obeyed: replaying it would not help
        field, expected = (why.field, why.expected) if isinstance(why, BadField) else (None, None)
        self.send(
            messages.Error(
                why.code,
                why.words[:1024],
                why.retryable,
                field,
                expected,
                ref,
                call if isinstance(call, str) and messages.CALL_ID.check(call) else None,
            )
        )
        if isinstance(why, BadMessage):
            self._mistakes += 1
        if why.close is not None:
            self.close(why)
        elif self._mistakes >= self._config.max_mistakes:
            self.close(
                TooManyMistakes(f"{self._mistakes} messages that could not be read. See docs/browser-protocol.md.")
            )
