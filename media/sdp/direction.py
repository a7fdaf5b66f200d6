"""sendrecv, sendonly, recvonly, inactive: who may speak (RFC 3264 section 5.1, 6.1, 8.4)."""

from __future__ import annotations

from media.sdp.grammar import Media, SessionDescription

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


def direction(send: bool, receive: bool) -> str:
    return ("sendrecv" if receive else "sendonly") if send else ("recvonly" if receive else "inactive")


def sends(name: str) -> bool:
    return name in ("sendrecv", "sendonly")


def receives(name: str) -> bool:
    return name in ("sendrecv", "recvonly")


def agreed(ours: str, theirs: str) -> str:
    """Ours, narrowed to what they allow: we send only what they receive, and the other way round."""
    return direction(sends(ours) and receives(theirs), receives(ours) and sends(theirs))


def told(description: SessionDescription, media: Media) -> str:
    """What a section says of itself, or its session for it; sendrecv if nobody says."""
    for section in (media, description.session):
        for line in section.lines:
            if line.kind == "a" and line.value.strip() in DIRECTIONS:
                return line.value.strip()
    return "sendrecv"
