"""All sessions: by id, by user; who signs in, who resumes, who has gone for good.

The shell makes a `Link` for each socket (`connect`), feeds it, and drains `next_event()` after every feed and every
`wake`. One timer (`wake_at`) serves all links and all windows: a heap of moments that may be early but never late, as
life only puts them off.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from signaling.browser import events, messages
from signaling.browser.call import Call
from signaling.browser.config import BrowserConfig
from signaling.browser.errors import (
    RefreshRefused,
    Replaced,
    SessionGone,
    SignedOut,
    Stopping,
    TooManySessions,
    WrongVersion,
)
from signaling.browser.link import Link
from signaling.browser.session import Identity, Session
from signaling.browser.table import SessionInput, SessionState

IceServers = Callable[[str], Sequence[dict[str, Any]]]


class Hub:
    """All sessions of one gateway.

    `authenticate` turns a token into an Identity or raises TokenInvalid / TokenExpired. `random(n)` gives n hex digits.
    `ice_servers(user)` gives RTCIceServer dictionaries with fresh credentials. `issue(identity)` gives a new token and
    its life in seconds, for a page whose session runs longer than its token.
    """

    def __init__(
        self,
        config: BrowserConfig,
        *,
        authenticate: Callable[[str], Identity],
        random: Callable[[int], str],
        ice_servers: IceServers = lambda user: (),
        issue: Callable[[Identity], tuple[str, float]] | None = None,
    ) -> None:
        self.config = config
        self.counters: Counter[str] = Counter()
        """Refusals and closings by code; verbs that came too late as "late-<verb>"."""
        self._authenticate = authenticate
        self._random = random
        self._ice_servers = ice_servers
        self._issue = issue
        self._sessions: dict[str, Session] = {}
        self._by_user: dict[str, dict[str, Session]] = {}
        self._links: set[Link] = set()
        self._events: deque[tuple[Session, events.BrowserEvent]] = deque()
        self._timers: list[tuple[float, int, Link | Session]] = []
        self._armed: dict[Link | Session, float] = {}  # the one entry of `_timers` that counts
        self._order = 0
        self.fresh: list[Call] = []
        """Calls answered and not yet dated: verbs have no clock."""
        self._stopping: Stopping | None = None

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))

    @property
    def links(self) -> int:
        """Open sockets."""
        return len(self._links)

    def session(self, session_id: str) -> Session | None:
        return self._sessions.get(session_id)

    def sessions_of(self, user: str) -> list[Session]:
        """A user's sessions, those with a living socket first."""
        return sorted(self._by_user.get(user, {}).values(), key=lambda s: s.state is not SessionState.OPEN)

    def next_event(self) -> tuple[Session, events.BrowserEvent] | None:
        return self._events.popleft() if self._events else None

    # -- sockets -----------------------------------------------------------------------------------

    def connect(self, source: str, now: float) -> Link:
        link = Link(self, source, now)
        self._links.add(link)
        if self._stopping:
            link.close(self._stopping)
        self._arm(link)
        return link

    def unlink(self, link: Link, now: float) -> None:
        self._links.discard(link)
        self.release(link, now)

    def release(self, link: Link, now: float) -> None:
        """A link lets go of its session: the window opens, unless the session has moved to another link already."""
        session, link.session = link.session, None
        if session is not None and session.wire is link:
            session.detach(now)
            self._arm(session)

    def greet(self, link: Link, message: messages.Hello | messages.Resume, now: float) -> None:
        """Raises BrowserError; the link answers with it."""
        if message.version != messages.VERSION:
            raise WrongVersion(f"This gateway speaks version {messages.VERSION} of the protocol. Reload the page.")
        if isinstance(message, messages.Hello):
            self._hello(link, message, now)
        else:
            self._resume(link, message, now)
        self._arm(link)

    def bye(self, link: Link, session: Session) -> None:
        """The page signs out."""
        link.session = None
        session.wire = None
        link.close(SignedOut("Signed out."))
        self._remove(session, SessionInput.BYE, "signed out")

    def refresh(self, session: Session) -> messages.Token:
        if self._issue is None:
            raise RefreshRefused("This gateway gives no tokens over the socket. Sign in again when yours has expired.")
        token, expires_in = self._issue(session.identity)
        return messages.Token(token, expires_in, list(self._ice_servers(session.user)))

    def stop(self, words: str, retry_after: float = 5.0) -> None:
        """The gateway goes down: every page is told, every session is closed, later sockets are refused."""
        why = self._stopping = Stopping(words)
        for link in tuple(self._links):
            link.send(messages.Goodbye(why.code, words, retry_after))
            link.session = None
            link.close(why)
        for session in self:
            self._remove(session, SessionInput.STOPPED, words)

    # -- time --------------------------------------------------------------------------------------

    def wake_at(self) -> float | None:
        return self._timers[0][0] if self._timers else None

    def wake(self, now: float) -> None:
        self.date(now)
        while self._timers and self._timers[0][0] <= now:
            due, _, thing = heapq.heappop(self._timers)
            if self._armed.get(thing) != due:
                continue
            del self._armed[thing]
            if isinstance(thing, Link):
                thing.wake(now)
            elif thing.expires_at is not None and thing.expires_at <= now:
                self._remove(thing, SessionInput.EXPIRED, "the page did not come back")
            self._arm(thing)

    def date(self, now: float) -> None:
        for call in self.fresh:
            call.since = now
        self.fresh.clear()

    def _arm(self, thing: Link | Session) -> None:
        due = thing.due() if isinstance(thing, Link) else thing.expires_at
        if due is not None and due < self._armed.get(thing, math.inf):
            self._order += 1
            self._armed[thing] = due
            heapq.heappush(self._timers, (due, self._order, thing))

    # -- sessions ----------------------------------------------------------------------------------

    def _hello(self, link: Link, message: messages.Hello, now: float) -> None:
        identity = self._authenticate(message.token)
        self._make_room(identity.user)
        session = Session(self._random(16), identity, self._random(48), self.config, self)
        self._sessions[session.id] = session
        self._by_user.setdefault(session.user, {})[session.id] = session
        self._join(link, session)
        link.send(self._welcome(session, now))
        self.emit(session, events.SessionOpened(session.user))

    def _resume(self, link: Link, message: messages.Resume, now: float) -> None:
        if (session := self._sessions.get(message.session)) is None:
            raise SessionGone("The session is over. Sign in again; calls that were running have ended.")
        session.check(message.resume)
        missed = None if message.reloaded else session.missed(message.ack)
        if isinstance(old := session.wire, Link):
            old.session = None
            old.close(Replaced("The session goes on in another window or socket."))
        self._join(link, session)
        if missed is None:
            session.forget()
            link.send(self._welcome(session, now))
        else:
            link.send(messages.Resumed(session.received, list(self._ice_servers(session.user))))
            for text in missed:
                link.queue(text)
        session.resumed(message.reloaded)

    def _join(self, link: Link, session: Session) -> None:
        link.session = session
        session.attach(link)

    def _welcome(self, session: Session, now: float) -> messages.Welcome:
        return messages.Welcome(
            messages.VERSION,
            session.id,
            session.secret,
            session.user,
            session.display,
            session.identity.extension,
            self.config.ice,
            list(self._ice_servers(session.user)),
            self.config.heartbeat,
            self.config.dead_after,
            self.config.resume_window,
            session.snapshot(now),
        )

    def _make_room(self, user: str) -> None:
        """A user's tabs that are away and have no call give way first. Raises TooManySessions."""
        own = self._by_user.get(user, {})
        if len(own) >= self.config.sessions_per_user:
            idle = [s for s in own.values() if s.state is SessionState.AWAY and not s.calls]
            if not idle:
                raise TooManySessions(f"{len(own)} windows are signed in as {user}. Sign out in one of them first.")
            self._remove(idle[0], SessionInput.EXPIRED, "made room for a new window")
        if len(self._sessions) >= self.config.sessions:
            raise TooManySessions("The gateway is full. Try again in a minute.")

    def _remove(self, session: Session, what: SessionInput, why: str) -> None:
        self._sessions.pop(session.id, None)
        own = self._by_user.get(session.user, {})
        own.pop(session.id, None)
        if not own:
            self._by_user.pop(session.user, None)
        session.finish(what, why)

    # -- what sessions ask -------------------------------------------------------------------------

    def emit(self, session: Session, event: events.BrowserEvent) -> None:
        self._events.append((session, event))

    def late(self, verb: str) -> None:
        self.counters[f"late-{verb}"] += 1
