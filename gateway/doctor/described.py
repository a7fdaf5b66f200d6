"""What a media description (SDP) says about audio: the few lines that explain calls. Pure; reads anything.

The packets' way is decided elsewhere, by a strict reader; this one also has to read what that one refused.
"""

from __future__ import annotations

from dataclasses import dataclass

STATIC = {"0": "PCMU", "3": "GSM", "4": "G723", "8": "PCMA", "9": "G722", "13": "CN", "15": "G728", "18": "G729"}
"""Payload types that need no rtpmap (RFC 3551 section 6)."""
SIDE_SHOWS = ("TELEPHONE-EVENT", "CN", "RED")
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class Described:
    """One description's first audio stream."""

    host: str = ""
    port: int = 0
    codecs: tuple[str, ...] = ()
    """Encoding names in order of preference, in capitals, without telephone-event and comfort noise."""
    keys: bool = False
    """RFC 4733 telephone-event."""
    direction: str = "sendrecv"
    security: str = ""
    """"SDES" (a=crypto), "DTLS" (a=fingerprint), "SRTP" (only the profile says so) or empty."""
    candidates: tuple[tuple[str, str], ...] = ()
    """ICE: type ("host", "srflx", "relay") and address."""


def read(text: str) -> Described | None:
    """None where there is no audio stream."""
    session: list[str] = []
    audio: list[str] | None = None
    into = session
    for line in text.splitlines()[:MOST_LINES]:
        line = line.strip()
        if line.startswith("m="):
            into = []
            if line.startswith("m=audio") and audio is None:
                audio = into
        into.append(line)
    return _stream(session, audio) if audio else None


def _stream(session: list[str], audio: list[str]) -> Described:
    _, port, profile, *payloads = (*audio[0][2:].split(), "", "")[:200]
    lines = session + audio[1:]
    names = _names(audio, [p for p in payloads if p])
    return Described(
        host=_host(audio) or _host(session),
        port=int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0,
        codecs=tuple(dict.fromkeys(name for name in names if name not in SIDE_SHOWS)),
        keys="TELEPHONE-EVENT" in names,
        direction=next((d for d in DIRECTIONS if f"a={d}" in lines), "sendrecv"),
        security=_security(lines, profile),
        candidates=tuple(_candidates(lines)),
    )


def _names(audio: list[str], payloads: list[str]) -> list[str]:
    maps = dict(STATIC)
    for line in audio:
        if line.startswith("a=rtpmap:"):
            number, _, name = line[9:].partition(" ")
            maps[number] = name.strip().partition("/")[0].upper()
    return [maps[number] for number in payloads if number in maps]


def _host(lines: list[str]) -> str:
    for line in lines:
        if line.startswith("c="):
            parts = line[2:].split()
            return parts[2].partition("/")[0] if len(parts) > 2 else ""
    return ""


def _security(lines: list[str], profile: str) -> str:
    if any(line.startswith("a=fingerprint:") for line in lines):
        return "DTLS"
    if any(line.startswith("a=crypto:") for line in lines):
        return "SDES"
    return "SRTP" if "SAVP" in profile else ""


def _candidates(lines: list[str]) -> list[tuple[str, str]]:
    found = []
    for line in lines:
        parts = line.split()
        if line.startswith("a=candidate:") and len(parts) > 7 and "typ" in parts[:-1]:
            found.append((parts[parts.index("typ") + 1], parts[4]))
    return found[:64]
