"""What goes over the wire about calls, as it is shown. Times are RFC 3339, UTC; what is not known is null."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import BaseModel, Field

from gateway.calls.events import Identity
from gateway.calls.view import CallView, PartyView

Wall = Callable[[float], datetime]
"""From the gateway's monotonic seconds to a time of day."""


def wall(monotonic: float, unix: float) -> Wall:
    """Both clocks at one moment: what makes one time out of the other."""
    return lambda at: datetime.fromtimestamp(round(at - monotonic + unix, 3), UTC)


class Who(BaseModel):
    """Somebody, as far as is known."""

    number: str
    display: str
    user: str | None = Field(description="The account here that proved to be it")


class LegShown(BaseModel):
    """A party of a call."""

    id: str
    kind: str = Field(description='"sip", "browser" or "app"')
    who: Who
    role: str = Field(description='"caller", "member", or a supervisor\'s "listen", "whisper", "barge"')
    state: str = Field(description='"arrived", "called", "ringing", "early", "picked up" or "up"')
    hold: bool
    mute: bool
    whisper_to: str | None


class CallShown(BaseModel):
    """A live call."""

    id: str
    state: str = Field(
        description='"setup", "trying", "alerting", "early", "answering", "connected", "ending" or "ended"'
    )
    kind: str = Field(description='How it began: "sip", "browser" or "api"')
    caller: Who
    dialled: str
    trunk: str | None
    started_at: datetime
    answered_at: datetime | None
    legs: list[LegShown]
    metadata: dict[str, str]
    plays: list[str] = Field(description="Ids of what plays or waits to")
    recordings: list[str]
    collects: list[str]


class CallPage(BaseModel):
    calls: list[CallShown]
    next: str | None = Field(description="The cursor of the next page; null: this is the last")


class Made(BaseModel):
    """Something with an id of its own has begun; its events bear the id."""

    id: str


def call_shown(view: CallView, at: Wall) -> CallShown:
    return CallShown(
        id=view.id,
        state=view.state,
        kind=view.kind,
        caller=who(view.caller),
        dialled=view.dialled,
        trunk=view.trunk or None,
        started_at=at(view.started_at),
        answered_at=None if view.answered_at is None else at(view.answered_at),
        legs=[leg_shown(party) for party in view.parties],
        metadata=dict(view.metadata),
        plays=list(view.plays),
        recordings=list(view.recordings),
        collects=list(view.collects),
    )


def leg_shown(party: PartyView) -> LegShown:
    return LegShown(
        id=party.leg,
        kind=party.kind,
        who=who(party.identity),
        role=party.role,
        state=party.phase,
        hold=party.holding,
        mute=party.muted,
        whisper_to=party.whisper_to,
    )


def who(identity: Identity) -> Who:
    return Who(number=identity.number, display=identity.display, user=identity.user)
