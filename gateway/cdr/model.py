"""A record as everybody sees it: the database, the export, the API and the spool speak this shape.

Times are UTC, durations seconds. What strangers sent (names, numbers, reasons) is cleaned and cut before it comes in,
so that any record can be stored and shown anywhere.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

LONGEST = 256
"""Characters of any text in a record that somebody outside chose."""


def clean(value: object) -> str:
    """Text that every database takes: no NUL, no half surrogates, not endless."""
    text = str(value)[:LONGEST].encode("utf-8", "replace").decode()
    return text.replace("\0", "")


def cleaned(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The same for JSON: texts anywhere in it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "")
    if isinstance(value, dict):
        return {cleaned(str(key)): cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else cleaned(str(value))


def iso(at: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond: 2026-11-27T14:30:12.123Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Text = Annotated[str, BeforeValidator(clean)]
Verdicts = Annotated[list[dict[str, Any]], BeforeValidator(cleaned)]
Time = Annotated[datetime, PlainSerializer(iso, when_used="json")]
Seconds = Annotated[float, AfterValidator(lambda value: round(value, 3))]
Share = Annotated[float, AfterValidator(lambda value: round(value, 5))]


class Shape(BaseModel):
    """Base of everything in a record."""

    model_config = ConfigDict(extra="forbid")


class Spread(Shape):
    """The least, the middle and the most of something measured every few seconds."""

    min: Share
    avg: Share
    max: Share


class Quality(Shape):
    """How a leg sounded. "in" is what we heard from the party, "out" what it heard from us."""

    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    lost_in: int = 0
    loss_in: Share = 0.0
    """Share of its packets that never came, over the whole leg, 0..1."""
    loss_out: Spread | None = None
    """Share that it reported to have lost of ours, 0..1; None where it sent no report."""
    jitter_in_ms: Spread | None = None
    jitter_out_ms: Spread | None = None
    rtt_ms: Spread | None = None
    discarded: int = 0
    concealed: int = 0
    """Frames made up for lost ones."""


class Leg(Shape):
    """One party's part in a call."""

    leg: str
    direction: str
    """"in": it called us; "out": we called it."""
    kind: Text
    """"sip", "browser" or "app"."""
    role: Text = "member"
    """"caller", "member", or a supervisor's "listen", "whisper", "barge"."""
    address: Text = ""
    number: Text = ""
    display: Text = ""
    user: Text | None = None
    started_at: Time
    """When it called, or was called."""
    alerted_at: Time | None = None
    answered_at: Time | None = None
    ended_at: Time
    ring: Seconds | None = None
    """From its first ringing to its answer or end."""
    talk: Seconds | None = None
    cause: Text = ""
    status: int | None = None
    words: Text = ""
    codecs: tuple[Text, ...] = ()
    """What it spoke, in order: "OPUS/48000"."""
    heard_at: Time | None = None
    """Its first media packet."""
    source: Text = ""
    """Where its media came from, "192.0.2.7:4000"."""
    held: Seconds = 0.0
    """Seconds for which it held the others."""
    holds: int = 0
    silences: int = 0
    """Times that nothing was heard from it for too long."""
    interruptions: int = 0
    """Times that its media transport was lost."""
    keys: int = 0
    """DTMF keys it pressed: how many, never which; people type their PINs."""
    moved_to: Text = ""
    """The call into which it went over."""
    quality: Quality | None = None


class RouteTaken(Shape):
    at: Time
    route: Text
    targets: tuple[Text, ...] = ()
    because: Text = ""


class RecordingMade(Shape):
    id: Text
    name: Text
    channels: int
    started_at: Time
    seconds: Seconds = 0.0
    why: Text = ""


class TransferMade(Shape):
    """`result`: "done", "failed", or "" for one that the call's end cut short."""

    at: Time
    leg: str
    to: Text
    by: str = ""
    result: str = ""
    cause: Text = ""
    status: int | None = None
    words: Text = ""


class Link(Shape):
    """How this call is kin to another: `how` is "merged into", "joined by", "split into" or "split from"."""

    at: Time
    how: str
    call: Text
    legs: tuple[str, ...] = ()


class Invitation(Shape):
    """Somebody who was to be added, and did not come."""

    at: Time
    to: Text
    cause: Text
    status: int
    words: Text = ""


class Record(Shape):
    """One call."""

    id: str
    """Unique over all time, and in the order in which calls began."""
    call: str
    """The live call's id, as in events and logs."""
    kind: Text
    """How it began: "sip", "browser", "api"."""
    direction: str
    """"internal", "inbound" (from outside to somebody here), "outbound", "transit" (from outside to outside)."""
    caller_number: Text = ""
    caller_display: Text = ""
    caller_user: Text | None = None
    dialled: Text = ""
    route: Text = ""
    """The last route taken; `routes` has all of them."""
    trunk: Text = ""
    """The trunk it came in by."""
    trunk_out: Text = ""
    """The trunk it left by, or was to leave by."""
    source: Text = ""
    started_at: Time
    alerted_at: Time | None = None
    answered_at: Time | None = None
    ended_at: Time
    duration: Seconds
    """From beginning to end."""
    ring: Seconds | None = None
    """From the first ringing to the answer or the end."""
    wait: Seconds
    """What the caller waited: from the beginning to the answer or the end."""
    talk: Seconds | None = None
    """From answer to end; None when nobody answered."""
    answered_by: str = ""
    """The leg that answered, with whom it was: a user, a number, an application."""
    answered_kind: Text = ""
    answered_user: Text | None = None
    answered_number: Text = ""
    cause: Text
    status: int
    """The SIP status that goes with the cause."""
    words: Text = ""
    ended_by: str = ""
    """The leg that ended it; empty for the gateway."""
    hung_up: str = "gateway"
    """"caller", "callee" or "gateway"."""
    recordings: tuple[RecordingMade, ...] = ()
    transfers: tuple[TransferMade, ...] = ()
    links: tuple[Link, ...] = ()
    routes: tuple[RouteTaken, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    trail: tuple[Text, ...] = ()
    """How each target fell out, in order."""
    metadata: dict[Text, Text] = Field(default_factory=dict)
    verdicts: Verdicts = Field(default_factory=list)
    """What the doctor found, in words; empty for a call that went well."""
    legs: tuple[Leg, ...] = ()

    @property
    def answered(self) -> bool:
        return self.answered_at is not None


class RecentCall(Shape):
    """One call as its user's list of recent calls shows it."""

    id: str
    at: Time
    direction: str
    """"out": the user called; "in": the user was called."""
    number: Text
    """Whom to call back."""
    display: Text = ""
    answered: bool
    """By this user, for a call that came in."""
    elsewhere: bool = False
    """Somebody else took it."""
    talk: Seconds | None = None
    cause: Text = ""
    words: Text = ""
    verdicts: Verdicts = Field(default_factory=list)
