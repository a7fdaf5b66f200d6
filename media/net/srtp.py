"""SRTP by libsrtp: the keyed sessions of one association as the four functions a packet needs.

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
from typing import Any, NamedTuple

import pylibsrtp

log = logging.getLogger(__name__)

SrtpError = (pylibsrtp.Error, ValueError, TypeError)
"""What protect and unprotect raise: does not authenticate, replayed, too long."""
LONGEST = 1500
"""Bytes a packet may have, its trailer included: as pylibsrtp has it."""
TRAILER = 16 + 128
"""Bytes that protection may add: SRTP_MAX_TAG_LEN + SRTP_MAX_MKI_LEN. RTCP gets 4 more, for its index."""

Process = Callable[[bytes], bytes]


class Srtp(NamedTuple):
    """What one association's packets go through."""

    protect: Process
    protect_rtcp: Process
    unprotect: Process
    unprotect_rtcp: Process


def keyed(tx: pylibsrtp.Session, rx: pylibsrtp.Session) -> Srtp:
    """The functions of a pair of sessions, one for each way."""
    if direct():
        return _direct(tx, rx)
    return Srtp(tx.protect, tx.protect_rtcp, rx.unprotect, rx.unprotect_rtcp)


@functools.cache
def direct() -> bool:
    """Is pylibsrtp's binding where we expect it, and does it do the same as the public functions?"""
    packet = b"\x80\0\0\1" + bytes(4) + b"\0\0\0\1" + b"hello"
    try:
        policy = functools.partial(pylibsrtp.Policy, bytes(30))
        tx, rx = pylibsrtp.Policy.SSRC_ANY_OUTBOUND, pylibsrtp.Policy.SSRC_ANY_INBOUND
        ours = _direct(pylibsrtp.Session(policy(tx)), pylibsrtp.Session(policy(rx)))
        wanted = pylibsrtp.Session(policy(tx)).protect(packet)
        works = ours.protect(packet) == wanted and ours.unprotect(wanted) == packet
    except Exception:  # whatever a binding that moved may raise
        works = False
    if not works:
        log.warning("pylibsrtp %s has moved its binding: SRTP costs more CPU now", pylibsrtp.__version__)
    return works


def _direct(tx: pylibsrtp.Session, rx: pylibsrtp.Session) -> Srtp:
    from pylibsrtp import _binding

    lib = _binding.lib
    return Srtp(
        _process(lib.srtp_protect, tx, TRAILER),
        _process(lib.srtp_protect_rtcp, tx, TRAILER + 4),
        _process(lib.srtp_unprotect, rx, 0),
        _process(lib.srtp_unprotect_rtcp, rx, 0),
    )


@functools.cache
def _room() -> tuple[Any, Any, Any]:
    """The buffer as libsrtp and as Python sees it, and the length of what is in it."""
    from pylibsrtp import _binding

    data = _binding.ffi.new("char[]", LONGEST)
    return data, _binding.ffi.buffer(data), _binding.ffi.new("int *")


def _process(call: Callable[[Any, Any, Any], int], session: pylibsrtp.Session, trailer: int) -> Process:
    """One of libsrtp's functions for one session, which the function keeps alive."""
    longest = LONGEST - trailer
    data, buffer, length = _room()
    holder = session._srtp

    def process(packet: bytes) -> bytes:
        size = len(packet)
        if size > longest:
            raise ValueError("packet is too long")
        buffer[:size] = packet
        length[0] = size
        status = call(holder[0], data, length)
        if status:
            raise pylibsrtp.Error(pylibsrtp.ERRORS[status])
        done: bytes = buffer[: length[0]]
        return done

    return process
