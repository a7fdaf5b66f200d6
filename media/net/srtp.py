"""SRTP by libsrtp: the two keyed sessions of one association.

pylibsrtp's own `Session.protect` and `unprotect` make a new length for each packet and go through a wrapper of their
own: half as dear again as the cryptography. Here libsrtp is called through the same binding, in one buffer for all
sessions, which stays in the processor's cache; so all of them belong to one thread, as sockets and legs do.
The binding is not promised to stay: `direct()` tries it once with a packet, and where it has moved the public functions
serve, only slower (and a test says so).
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

import pylibsrtp

log = logging.getLogger(__name__)

SrtpError = (pylibsrtp.Error, ValueError, TypeError)
"""What protect and unprotect raise: does not authenticate, replayed, too long."""
LONGEST = 1500
"""Bytes a packet may have, its trailer included: as pylibsrtp has it."""
TRAILER = 16 + 128
"""Bytes that protection may add: SRTP_MAX_TAG_LEN + SRTP_MAX_MKI_LEN. RTCP gets 4 more, for its index."""

TOO_LONG = "packet is too long"

try:
    from pylibsrtp._binding import ffi, lib

    _protect, _unprotect = lib.srtp_protect, lib.srtp_unprotect
    _data, _length = ffi.new("char[]", LONGEST), ffi.new("int *")
    _buffer = ffi.buffer(_data)
except (ImportError, AttributeError):  # `direct` says so
    pass


class Srtp(Protocol):
    """What one association's packets go through. All raise SrtpError."""

    def protect(self, packet: bytes) -> bytes: ...

    def protect_rtcp(self, packet: bytes) -> bytes: ...

    def unprotect(self, packet: bytes) -> bytes: ...

    def unprotect_rtcp(self, packet: bytes) -> bytes: ...


class _Public(NamedTuple):
    """The same by pylibsrtp's own functions."""

    protect: Callable[[bytes], bytes]
    protect_rtcp: Callable[[bytes], bytes]
    unprotect: Callable[[bytes], bytes]
    unprotect_rtcp: Callable[[bytes], bytes]


def keyed(tx: pylibsrtp.Session, rx: pylibsrtp.Session) -> Srtp:
    """The functions of a pair of sessions, one for each way."""
    if direct():
        return _Direct(tx, rx)
    return _Public(tx.protect, tx.protect_rtcp, rx.unprotect, rx.unprotect_rtcp)


@functools.cache
def direct() -> bool:
    """Is pylibsrtp's binding where we expect it, and does it do the same as the public functions?"""
    packet = b"\x80\0\0\1" + bytes(4) + b"\0\0\0\1" + b"hello"
    try:
        policy = functools.partial(pylibsrtp.Policy, bytes(30))
        tx, rx = pylibsrtp.Policy.SSRC_ANY_OUTBOUND, pylibsrtp.Policy.SSRC_ANY_INBOUND
        ours = _Direct(pylibsrtp.Session(policy(tx)), pylibsrtp.Session(policy(rx)))
        wanted = pylibsrtp.Session(policy(tx)).protect(packet)
        works = ours.protect(packet) == wanted and ours.unprotect(wanted) == packet
    except Exception:  # whatever a binding that moved may raise
        works = False
    if not works:
        log.warning("pylibsrtp %s has moved its binding: SRTP costs more CPU now", pylibsrtp.__version__)
    return works


class _Direct:
    """One association's sessions. All that is touched for a packet is this and libsrtp's own: the rest is shared."""

    __slots__ = ("_rx", "_sessions", "_tx")

    def __init__(self, tx: pylibsrtp.Session, rx: pylibsrtp.Session) -> None:
        self._sessions = (tx, rx)  # kept alive
        self._tx, self._rx = tx._srtp[0], rx._srtp[0]

    def protect(self, packet: bytes) -> bytes:
        size = len(packet)
        if size > LONGEST - TRAILER:
            raise ValueError(TOO_LONG)
        _buffer[:size] = packet
        _length[0] = size
        if status := _protect(self._tx, _data, _length):
            raise _error(status)
        done: bytes = _buffer[: _length[0]]
        return done

    def unprotect(self, packet: bytes) -> bytes:
        size = len(packet)
        if size > LONGEST:
            raise ValueError(TOO_LONG)
        _buffer[:size] = packet
        _length[0] = size
        if status := _unprotect(self._rx, _data, _length):
            raise _error(status)
        done: bytes = _buffer[: _length[0]]
        return done

    def protect_rtcp(self, packet: bytes) -> bytes:
        done: bytes = self._sessions[0].protect_rtcp(packet)
        return done

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        done: bytes = self._sessions[1].unprotect_rtcp(packet)
        return done


def _error(status: int) -> Exception:
    error: Exception = pylibsrtp.Error(pylibsrtp.ERRORS[status])
    return error
