"""Sound in a call: play something, record it."""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.rest import shapes
from gateway.api.rest.desk import STEER, Live
from gateway.api.rest.operation import operation
from gateway.api.rest.problem import Problem
from gateway.api.rest.shown import Made
from gateway.api.rest.sounds import Sounds
from gateway.calls import commands as cmd


class Playing:
    TAG = "Sound"

    def __init__(self, live: Live, sounds: Sounds, new_id: Callable[[], str]) -> None:
        self._live, self._sounds, self._new_id = live, sounds, new_id

    @operation("POST /v1/calls/{call}/play", "calls:write", 201, refusals=STEER)
    async def play_sound(self, call: str, body: shapes.PlaySound) -> Made:
        """Play something to a party, or to all.

        A second one for the same ears waits until the first is over. The event PlayEnded with this id tells the end."""
        self._live.view(call)
        if body.to is not None:
            self._live.leg(call, body.to)
        sources = self._sounds.checked(body.sources, "sources")
        id_ = self._new_id()
        order = cmd.Play(id_, sources, body.to, body.loop, body.mix, body.interrupt_on_dtmf)
        self._live.desk.command(call, order)
        return Made(id=id_)

    @operation("DELETE /v1/calls/{call}/play", "calls:write", 204, refusals=STEER)
    async def stop_all_sound(self, call: str) -> None:
        """Stop all that plays or waits to."""
        self._live.view(call)
        self._live.desk.command(call, cmd.StopPlaying())

    @operation("DELETE /v1/calls/{call}/play/{play}", "calls:write", 204, refusals=STEER)
    async def stop_sound(self, call: str, play: str) -> None:
        """Stop one thing that plays or waits to."""
        if play not in self._live.view(call).plays:
            raise Problem(404, "no-such-play", f'Nothing plays as "{play[:64]}": it is over, or never was.')
        self._live.desk.command(call, cmd.StopPlaying(play))

    @operation("POST /v1/calls/{call}/recordings", "calls:write", 201, refusals=STEER)
    async def start_recording(self, call: str, body: shapes.StartRecording) -> Made:
        """Record the call.

        The event RecordingEnded with this id tells the file's name, for GET /v1/recordings/{name}."""
        self._live.view(call)
        id_ = self._new_id()
        self._live.desk.command(call, cmd.Record(id_, body.channels, body.beep))
        return Made(id=id_)

    @operation("PATCH /v1/calls/{call}/recordings/{recording}", "calls:write", 204, refusals=STEER)
    async def change_recording(self, call: str, recording: str, body: shapes.ChangeRecording) -> None:
        """Pause or resume a recording.

        While it is paused silence is written, so that times in the file stay true."""
        self._known(call, recording)
        self._live.desk.command(call, cmd.PauseRecording(recording, body.paused))

    @operation("DELETE /v1/calls/{call}/recordings/{recording}", "calls:write", 204, refusals=STEER)
    async def stop_recording(self, call: str, recording: str) -> None:
        """Stop a recording."""
        self._known(call, recording)
        self._live.desk.command(call, cmd.StopRecording(recording))

    def _known(self, call: str, recording: str) -> None:
        if recording not in self._live.view(call).recordings:
            words = f'Nothing is recorded as "{recording[:64]}": it is over, or never was.'
            raise Problem(404, "no-such-recording", words)
