"""What an operator can set about calls."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallSettings:
    """Times in seconds."""

    ring_timeout: float = 30.0
    setup_timeout: float = 15.0
    """For agreeing on media, before ringing and after picking up."""
    media_timeout: float = 30.0
    """Without a packet from a party that nobody holds; 0: never."""
    hold_timeout: float = 1800.0
    """The same while somebody holds, which makes many phones silent; 0: never."""
    max_duration: float = 4 * 3600.0
    max_calls: int = 300
    max_calls_per_user: int = 5
    call_rate: float = 10.0
    """New calls a second that one user may place, for longer than a moment."""
    forward_limit: int = 5
    hold: str = "music"
    """What a held party hears: a player's source."""
    ringback: frozenset[str] = frozenset({"browser"})
    """Kinds of caller to whom the gateway itself plays the ringing tone."""
