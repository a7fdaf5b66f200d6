"""The limits of the conversation, every one of them a field."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BrowserConfig:
    """Seconds, characters and counts."""

    heartbeat: float = 5.0
    """Both sides ping this often; the page learns it from `welcome`."""
    dead_after: float = 12.0
    """A socket that said nothing for so long is closed; its session may resume."""
    hello_timeout: float = 10.0
    """A socket that has not said hello by then is closed."""
    resume_window: float = 30.0
    """How long a session outlives its socket."""
    max_message: int = 65_536
    """Characters in one frame from the page."""
    max_mistakes: int = 10
    """Bad messages on one socket before it is closed."""
    message_rate: float = 40.0
    """Messages a second a page may send in the long run ..."""
    message_burst: int = 160
    """... and at once."""
    calls_per_session: int = 8
    sessions_per_user: int = 5
    sessions: int = 2_000
    """In the whole gateway."""
    outbox_messages: int = 256
    """Unacknowledged messages kept for a resume ..."""
    outbox_characters: int = 1_048_576
    """... and their size."""
    queue_messages: int = 512
    """Messages waiting for one slow socket before it is closed ..."""
    queue_characters: int = 2_097_152
    """... and their size."""
    ice: str = "lite"
    """Told to the page: with "full" it trickles its candidates."""

    def __post_init__(self) -> None:
        # A replay must fit into the queue, else a page that missed much could never resume.
        if self.queue_messages <= self.outbox_messages or self.queue_characters <= self.outbox_characters:
            raise ValueError("The queue of a socket must hold more than the outbox of its session.")
        if self.dead_after <= self.heartbeat:
            raise ValueError("dead_after must be longer than heartbeat, else living pages are cut off.")
