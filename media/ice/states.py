"""The life of one transport, as a table. The names are those of the W3C's RTCPeerConnectionState.

    NEW ──START──▶ CONNECTING ──SECURED──▶ CONNECTED ◀─FRESH── DISCONNECTED
                       │                       │  └────QUIET────▶   │
                   BROKEN,EXPIRED          BYE, EXPIRED         BYE, EXPIRED
                       ▼                       ▼                    ▼
                     FAILED               CLOSED / FAILED      CLOSED / FAILED

CLOSE leads from everywhere to CLOSED.

A browser that goes away politely (close_notify) leaves its transport CLOSED, one that falls silent leaves it FAILED.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


class Event(Enum):
    START = "the other side's description is known"
    SECURED = "ICE has an address and DTLS its keys"
    QUIET = "neither check nor media for some seconds"
    FRESH = "heard again"
    EXPIRED = "no consent any more (RFC 7675 section 5.1), or none in time"
    BROKEN = "the DTLS handshake failed (RFC 5763 section 5)"
    BYE = "the other side sent close_notify (RFC 8842 section 6)"
    CLOSE = "we are done"


S, E = State, Event

TABLE: dict[tuple[State, Event], State] = {
    (S.NEW, E.START): S.CONNECTING,
    (S.NEW, E.CLOSE): S.CLOSED,
    (S.CONNECTING, E.SECURED): S.CONNECTED,
    (S.CONNECTING, E.EXPIRED): S.FAILED,
    (S.CONNECTING, E.BROKEN): S.FAILED,
    (S.CONNECTING, E.CLOSE): S.CLOSED,
    (S.CONNECTED, E.QUIET): S.DISCONNECTED,
    (S.CONNECTED, E.EXPIRED): S.FAILED,
    (S.CONNECTED, E.BYE): S.CLOSED,
    (S.CONNECTED, E.CLOSE): S.CLOSED,
    (S.DISCONNECTED, E.FRESH): S.CONNECTED,
    (S.DISCONNECTED, E.EXPIRED): S.FAILED,
    (S.DISCONNECTED, E.BYE): S.CLOSED,
    (S.DISCONNECTED, E.CLOSE): S.CLOSED,
    (S.FAILED, E.CLOSE): S.CLOSED,
}
"""An event that is no key here changes nothing: a timer or a late packet may always come once too often."""

FINAL = frozenset({S.FAILED, S.CLOSED})
"""No audio will ever pass again."""
