"""The parties of a call: add, change, take out; keys towards them and from them."""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.rest import shapes
from gateway.api.rest.calls import identity
from gateway.api.rest.desk import STEER, Live
from gateway.api.rest.operation import operation
from gateway.api.rest.problem import Problem, not_valid
from gateway.api.rest.shown import CallShown, LegShown, Made
from gateway.api.rest.sounds import Sounds
from gateway.calls import commands as cmd


class RemoveWhy(shapes.Query):
    reason: shapes.Reason = "normal"


class Legs:
    TAG = "Parties"

    def __init__(self, live: Live, sounds: Sounds, new_id: Callable[[], str]) -> None:
        self._live, self._sounds, self._new_id = live, sounds, new_id

    @operation("POST /v1/calls/{call}/legs", "calls:write", 202, refusals=STEER)
    async def add_leg(self, call: str, body: shapes.AddParty) -> CallShown:
        """Add a party.

        A third and further ones make it a conference; a supervisor listens, whispers or barges in. The events
        LegAnswered or InvitationFailed tell what came of it."""
        before = self._live.view(call)
        self._whisper(call, body.role, body.whisper_to)
        shown = identity(body.caller_id)
        self._live.desk.command(call, cmd.Add(body.to, body.role, body.whisper_to, body.timeout, shown))
        return self._live.after(before)

    @operation("PATCH /v1/calls/{call}/legs/{leg}", "calls:write", refusals=STEER)
    async def change_leg(self, call: str, leg: str, body: shapes.ChangeLeg) -> LegShown:
        """Hold, mute, or change the role of a party.

        What is left out stays. The role is changed first: when that is refused, nothing is changed."""
        party = self._live.leg(call, leg)
        if not body.model_dump(exclude_none=True):
            raise not_valid("body", "", "name something to change: hold, mute, role, whisper_to")
        role = body.role or (party.role if body.whisper_to is not None else None)
        if role is not None:
            self._whisper(call, role, body.whisper_to)
            self._live.desk.command(call, cmd.SetRole(leg, role, body.whisper_to))
        if body.hold is not None:
            self._live.desk.command(call, cmd.Hold(leg, body.hold))
        if body.mute is not None:
            self._live.desk.command(call, cmd.Mute(leg, body.mute))
        return self._live.leg_after(call, party)

    def _whisper(self, call: str, role: str, to: str | None) -> None:
        if (role == "whisper") != (to is not None):
            words = "say who hears the whisper" if to is None else 'belongs to the role "whisper" only'
            raise not_valid("body", "whisper_to", words)
        if to is not None:
            self._live.leg(call, to)

    @operation("DELETE /v1/calls/{call}/legs/{leg}", "calls:write", 204, refusals=STEER)
    async def remove_leg(self, call: str, leg: str, query: RemoveWhy) -> None:
        """Let a party go.

        The call goes on while two are left to talk."""
        self._live.leg(call, leg)
        self._live.desk.command(call, cmd.Remove(leg, query.reason))

    @operation("POST /v1/calls/{call}/dtmf", "calls:write", 204, refusals=STEER)
    async def send_dtmf(self, call: str, body: shapes.Dtmf) -> None:
        """Press keys towards a party."""
        self._live.leg(call, body.leg)
        self._live.desk.command(call, cmd.Dial(body.leg, body.digits))

    @operation("POST /v1/calls/{call}/collect", "calls:write", 201, refusals=STEER)
    async def collect_dtmf(self, call: str, body: shapes.CollectKeys) -> Made:
        """Gather keys from a party.

        The event DigitsCollected with this id tells them."""
        self._live.leg(call, body.leg)
        if body.min > body.max:
            raise not_valid("body", "min", "is more than max")
        prompt = self._sounds.checked(body.prompt, "prompt")
        id_ = self._new_id()
        self._live.desk.command(
            call,
            cmd.Collect(
                id_, body.leg, body.min, body.max, body.terminators, body.first_timeout, body.digit_timeout, prompt
            ),
        )
        return Made(id=id_)

    @operation("DELETE /v1/calls/{call}/collect/{collect}", "calls:write", 204, refusals=STEER)
    async def stop_collecting(self, call: str, collect: str) -> None:
        """Stop gathering keys."""
        if collect not in self._live.view(call).collects:
            words = f'No keys are being collected as "{collect[:64]}": it is over, or never was.'
            raise Problem(404, "no-such-collect", words)
        self._live.desk.command(call, cmd.StopCollecting(collect))
