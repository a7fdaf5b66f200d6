"""Calls as a whole: place, list, see, annotate, end; join two, take one party out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from gateway.api.rest import paging, shapes
from gateway.api.rest.desk import STEER, Live
from gateway.api.rest.operation import Reply, operation
from gateway.api.rest.problem import not_valid
from gateway.api.rest.shown import CallPage, CallShown
from gateway.api.rest.sounds import Sounds
from gateway.calls import commands as cmd
from gateway.calls.events import Identity
from gateway.calls.view import CallView

PARKED = "app:park"
OURSELVES = Identity("tandem", "Tandem")
"""Who calls when nobody else is named."""
State = Literal["setup", "trying", "alerting", "early", "answering", "connected", "ending"]


class CallFilter(shapes.Page):
    """Which live calls; all conditions must hold."""

    state: State | None = None
    user: Annotated[str, Field(max_length=64, description="A party's account")] | None = None
    number: Annotated[str, Field(max_length=256, description="A party's number, or what was dialled")] | None = None
    metadata: Annotated[str, Field(max_length=600, description="KEY, or KEY=VALUE")] | None = None


class HangUpWhy(shapes.Query):
    reason: shapes.Reason = Field("normal", description="What phones and records are told")


class Calls:
    TAG = "Calls"

    def __init__(self, live: Live, sounds: Sounds, new_id: Callable[[], str]) -> None:
        self._live, self._sounds, self._new_id = live, sounds, new_id

    @operation("POST /v1/calls", "calls:write", 201, refusals=STEER)
    async def place_call(self, body: shapes.PlaceCall) -> Reply[CallShown]:
        """Place a call.

        With `from`, that party is rung first and, when it answers, joined with `to` (click-to-call). Without, `to` is
        rung and hears what `on_answer` says. The answer comes at once; what becomes of the call is told as events."""
        order, now = self._order(body), self._live.clock()
        call = self._live.desk.place(order)
        begun = CallView(call, "setup", "api", order.caller, order.first, "", now, None)
        return Reply(self._live.after(begun), {"Location": f"/v1/calls/{call}"})

    def _order(self, body: shapes.PlaceCall) -> cmd.Place:
        wanted = body.on_answer
        if body.from_ is None and wanted == "bridge":
            raise not_valid("body", "on_answer", '"bridge" needs `from`: who is to be rung first?')
        if body.from_ is not None and wanted not in (None, "bridge"):
            raise not_valid("body", "on_answer", "with `from`, both are joined: leave out one of the two")
        shown = identity(body.caller_id)
        play = wanted.play if isinstance(wanted, shapes.PlayOnAnswer) else []
        return cmd.Place(
            first=body.from_ or body.to,
            then=body.to if body.from_ else PARKED,
            caller=Identity(body.to) if body.from_ else shown or OURSELVES,
            callee_sees=shown if body.from_ else None,
            timeout=body.timeout,
            max_duration=body.max_duration,
            metadata={key: value for key, value in body.metadata.items() if value},
            headers=tuple(body.headers.items()),
            record=body.record,
            play=self._sounds.checked(play, "on_answer.play"),
        )

    @operation("GET /v1/calls", "calls:read")
    async def list_calls(self, query: CallFilter) -> CallPage:
        """List live calls.

        The oldest first."""
        views = sorted(self._live.desk.views(), key=_place)
        if query.cursor is not None:
            after = _after(query.cursor)
            views = [view for view in views if _place(view) > after]
        found = [view for view in views if _fits(view, query)]
        page = found[: query.limit]
        more = len(found) > len(page)
        next_ = paging.encode("calls", *_place(page[-1])) if more else None
        return CallPage(calls=[self._live.show(view) for view in page], next=next_)

    @operation("GET /v1/calls/{call}", "calls:read")
    async def get_call(self, call: str) -> CallShown:
        """See a live call."""
        return self._live.shown(call)

    @operation("PATCH /v1/calls/{call}", "calls:write", refusals=STEER)
    async def change_call(self, call: str, body: shapes.Annotation) -> CallShown:
        """Set a call's metadata.

        Keys that are not named stay; a key with an empty value is taken away."""
        before = self._live.view(call)
        self._live.desk.command(call, cmd.Annotate(body.metadata))
        return self._live.after(before)

    @operation("DELETE /v1/calls/{call}", "calls:write", 204, refusals=STEER)
    async def end_call(self, call: str, query: HangUpWhy) -> None:
        """Hang up a call."""
        self._live.view(call)
        self._live.desk.command(call, cmd.HangUp(None, query.reason))

    @operation("POST /v1/calls/{call}/bridge", "calls:write", refusals=STEER)
    async def bridge_calls(self, call: str, body: shapes.Bridge) -> CallShown:
        """Join two calls.

        All parties of the other call come over into this one; the other ends."""
        before = self._live.other(call, body.call)
        self._live.desk.merge(cmd.Merge(call, body.call))
        return self._live.after(before)

    @operation("POST /v1/calls/{call}/unbridge", "calls:write", 201, refusals=STEER)
    async def unbridge_leg(self, call: str, body: shapes.Unbridge) -> Reply[CallShown]:
        """Take a party out into a call of its own.

        It hears music until something else is said."""
        self._live.leg(call, body.leg)
        new = self._new_id()
        self._live.desk.split(cmd.Split(call, body.leg, new))
        return Reply(self._live.shown(new), {"Location": f"/v1/calls/{new}"})

    @operation("POST /v1/calls/{call}/transfer", "calls:write", 202, refusals=STEER)
    async def transfer_call(self, call: str, body: shapes.TransferAsked) -> CallShown:
        """Transfer.

        Blind with `leg` and `to`: whoever `leg` talks with stays and is joined with `to` once they answer. Attended
        with `leg`, `call` and `leg_other`: the others are joined at once, who transfers leaves both calls."""
        before = self._live.view(call)
        self._live.leg(call, body.leg)
        if isinstance(body, shapes.BlindTransfer):
            self._live.desk.command(call, cmd.Transfer(body.leg, body.to, body.timeout))
        else:
            self._live.other(call, body.call)
            self._live.leg(body.call, body.leg_other)
            self._live.desk.merge(cmd.Merge(call, body.call, drop=(body.leg, body.leg_other)))
        return self._live.after(before)


def identity(caller_id: shapes.CallerId | None) -> Identity | None:
    return Identity(caller_id.number, caller_id.display) if caller_id is not None else None


def _place(view: CallView) -> tuple[float, str]:
    return view.started_at, view.id


def _after(cursor: str) -> tuple[float, str]:
    """The place that a cursor names, as `_place` writes it. Raises Problem."""
    match paging.decode("calls", cursor):
        case [int() | float() as started_at, str() as id_]:
            return started_at, id_
    raise not_valid("query", "cursor", paging.WRONG)


def _fits(view: CallView, query: CallFilter) -> bool:
    key, given, value = (query.metadata or "").partition("=")
    return (
        query.state in (None, view.state)
        and (query.user is None or query.user.casefold() in {who.casefold() for who in _users(view)})
        and (query.number is None or query.number in _numbers(view))
        and (not key or (key in view.metadata and (not given or view.metadata[key] == value)))
    )


def _users(view: CallView) -> Iterator[str]:
    for identity in (view.caller, *(party.identity for party in view.parties)):
        if identity.user is not None:
            yield identity.user


def _numbers(view: CallView) -> set[str]:
    return {view.dialled, view.caller.number, *(party.identity.number for party in view.parties)}
