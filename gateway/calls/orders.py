"""What a program may order of a live call, each with what must be so for it (`errors` say what is not).

What a party asks on its own behalf (hold, mute, keys) is `call`'s; programs may ask it, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import commands as cmd
from . import effects as fx
from . import events as ev
from .causes import ending
from .errors import BadTarget, NoSuchLeg, NotNow
from .live import Live
from .party import SUPERVISORS, Role
from .plans import target_of
from .prompts import MOST as MOST_PROMPTS
from .taping import MOST as MOST_TAPES

ROLES = frozenset(Role) - {Role.CALLER}
KEYS = frozenset("0123456789*#ABCD")
MOST_METADATA = 64


def _dial(call: Live, order: cmd.Dial) -> None:
    party = call.party_up(order.leg)
    if not order.digits or not set(order.digits) <= KEYS:
        raise BadTarget("Keys are 0-9, *, # and A-D.")
    call.do(fx.SendDigits(party.leg, order.digits))


def _play(call: Live, order: cmd.Play) -> None:
    call.connected()
    if order.to is not None:
        call.party_up(order.to)
    if order.id in call.prompts.ids:
        raise NotNow(f"Something by the name {order.id} plays or waits already. Stop it, or take another name.")
    if len(call.prompts.ids) >= MOST_PROMPTS:
        raise NotNow(f"{MOST_PROMPTS} orders to play are waiting already.")
    call.play(order)


def _stop_playing(call: Live, order: cmd.StopPlaying) -> None:
    if not call.stop_playing(order.id) and order.id is not None:
        raise NoSuchLeg(f"Nothing by the name {order.id} plays or waits in this call.")


def _collect(call: Live, order: cmd.Collect) -> None:
    call.connected()
    call.party_up(order.leg)
    if order.id in call.collectors:
        raise NotNow(f"Keys are being collected by the name {order.id} already.")
    if any(c.order.leg == order.leg for c in call.collectors.values()):
        raise NotNow(f"Keys of {order.leg} are being collected already. Wait for digits.collected, or stop it.")
    call.collect(order)


def _stop_collecting(call: Live, order: cmd.StopCollecting) -> None:
    collector = call.collectors.get(order.id)
    if collector is None:
        raise NoSuchLeg(f"No keys are being collected by the name {order.id}.")
    call.collected(collector, "stopped")


def _record(call: Live, order: cmd.Record) -> None:
    call.connected()
    if order.id in call.tapes.ids:
        raise NotNow(f"A recording by the name {order.id} is going on already.")
    if len(call.tapes.ids) >= MOST_TAPES:
        raise NotNow(f"{MOST_TAPES} recordings of this call are going on already.")
    call.record(order)


def _pause(call: Live, order: cmd.PauseRecording) -> None:
    if order.id not in call.tapes.ids:
        raise NoSuchLeg(f"No recording by the name {order.id} is going on.")
    if call.tapes.pause(order.id, order.on):
        call.tell(ev.RecordingPaused(call.id, call.now, order.id, order.on))
        call.rewire()


def _stop_recording(call: Live, order: cmd.StopRecording) -> None:
    if not call.tapes.stop(order.id, call.now):
        raise NoSuchLeg(f"No recording by the name {order.id} is going on.")
    call.rewire()


def _role(name: str) -> Role:
    if name not in ROLES:
        raise BadTarget(f'There is no role "{name}": choose from member, listen, whisper, barge.')
    return Role(name)


def _add(call: Live, order: cmd.Add) -> None:
    call.connected()
    target_of(order.to)
    if _role(order.role) is Role.WHISPER:
        call.party_up(order.whisper_to or "")
    call.call_in(order)


def _remove(call: Live, order: cmd.Remove) -> None:
    party = call.parties.get(order.leg)
    if party is None or not party.has_device:
        raise NoSuchLeg(f"There is no leg {order.leg} in this call.")
    errand = call.errand_of(party)
    why = ending(order.cause)
    if errand is not None:
        call.dismiss(party, ending("cancelled"))
        errand.fell_out(party, ending("cancelled"))
    elif call.may_go_on_without(party):
        call.leave(party, why, tell=True)
    else:
        call.end(order.cause)


def _set_role(call: Live, order: cmd.SetRole) -> None:
    party = call.party_up(order.leg)
    role = _role(order.role)
    if party.role not in SUPERVISORS:
        raise NotNow(f"{order.leg} is no supervisor: it is a {party.role} of the call. Add somebody with that role.")
    if role is Role.WHISPER:
        call.party_up(order.whisper_to or "")
    party.role, party.whisper_to = role, order.whisper_to if role is Role.WHISPER else None
    call.tell(ev.RoleChanged(call.id, call.now, party.leg, str(role), party.whisper_to))
    call.settle_down()


def _transfer(call: Live, order: cmd.Transfer) -> None:
    call.connected()
    party = call.party_up(order.leg)
    target_of(order.to)
    if party.aside:
        raise NotNow(f"{order.leg} is transferring the call already.")
    if len([p for p in call.talkers() if p is not party]) < 1:
        raise NotNow("There is nobody else in this call who could be transferred.")
    call.transfer(party, order.to, order.timeout)


def _annotate(call: Live, order: cmd.Annotate) -> None:
    changed = {**call.metadata, **order.metadata}
    kept = {key: value for key, value in changed.items() if value}
    if len(kept) > MOST_METADATA:
        raise BadTarget(f"A call carries {MOST_METADATA} words of metadata at most.")
    call.metadata = kept
    call.tell(ev.CallAnnotated(call.id, call.now, dict(call.metadata)))


ORDERS: dict[type, Callable[[Live, Any], None]] = {
    cmd.Dial: _dial,
    cmd.Play: _play,
    cmd.StopPlaying: _stop_playing,
    cmd.Collect: _collect,
    cmd.StopCollecting: _stop_collecting,
    cmd.Record: _record,
    cmd.PauseRecording: _pause,
    cmd.StopRecording: _stop_recording,
    cmd.Add: _add,
    cmd.Remove: _remove,
    cmd.SetRole: _set_role,
    cmd.Transfer: _transfer,
    cmd.Annotate: _annotate,
}
