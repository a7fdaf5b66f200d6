"""What a call does: the actions that its table names. When they are done is `call`'s business.

Parties come (are called) and go (are told, unplugged, released); what is heard follows from the state (`sound`).
Everything leaves as an effect or as news, in the order in which it is to happen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator

from . import effects as fx
from . import events as ev
from .apps import APPS, Script
from .causes import Ending, ending
from .finder import Finder
from .hunt import Hunt
from .party import FULL_BAND, NARROW_BAND, Party, Phase
from .ports import Contact, Directory
from .router import Router, Target
from .settings import CallSettings
from .sound import bandwidth_to_ask, sound
from .soundboard import Soundboard
from .stage import CallStage
from .states import Do, On, State


class Actor(ABC):
    """The doing half of a `Call`. `room(user)` says whether a user may have one more call."""

    def __init__(
        self,
        id: str,
        incoming: ev.Incoming,
        *,
        settings: CallSettings,
        router: Router,
        directory: Directory,
        room: Callable[[str], bool] = lambda user: True,
    ) -> None:
        self.id = id
        self.state = State.SETUP
        self.caller = Party(f"{id}-a", incoming.kind, incoming.address, incoming.caller, Phase.ARRIVED)
        self.parties: dict[str, Party] = {self.caller.leg: self.caller}
        self.winner: Party | None = None
        """The target that is heard, or has answered."""
        self.hops = incoming.hops - 1
        self.dialled = router.meant(incoming.dialled)
        self.ending: Ending | None = None
        self.started_at = self.answered_at = self.ended_at = 0.0
        self._settings, self._router = settings, router
        self._finder = Finder(directory, room, self.caller)
        self._hunt: Hunt | None = None
        self._script: Script | None = None
        self._ended_by: str | None = None
        self._now = 0.0
        self._inputs: deque[tuple[On, Party | None]] = deque()
        self._stepping = False
        self._effects: list[fx.Effect] = []
        self._news: deque[ev.CallEvent] = deque()
        self._deadlines: dict[str, float] = {}
        self.board = Soundboard(id, self._do)
        self._rung = 0
        self._alerted = False

    @abstractmethod
    def _step(self, on: On, party: Party | None = None) -> None:
        """Put an input through the table."""

    @abstractmethod
    def _end(self, why: Ending, by: str | None = None) -> None:
        """End the call, if it has not ended yet."""

    # ------------------------------------------------------------ for its script

    def alarm(self, name: str, seconds: float | None) -> None:
        """Set a deadline by name, or call it off."""
        self._deadlines.pop(name, None)
        if seconds is not None:
            self._deadlines[name] = self._now + seconds

    def end(self, cause: str) -> None:
        self._end(ending(cause))

    # ------------------------------------------------------------ actions of the table

    def _hunt_first(self, _: Party | None) -> None:
        self._deadlines.pop("setup", None)
        self._hunt_on()

    def _hunt_on(self, _: Party | None = None) -> None:
        """Call the next targets, through forwards, until one can be called; give up when nothing is left."""
        hunt = self._hunt
        assert hunt is not None
        if next(self._waiting(), None) is not None:
            return
        while True:
            group = hunt.next_group()
            if group is not None:
                if self._call_group(group):
                    return
            elif hunt.forward():
                self._tell_route()
            else:
                self._end(hunt.verdict)
                return

    def _call_group(self, group: tuple[Target, ...]) -> bool:
        """Ring every device of these targets. False when there was none to ring."""
        rung = False
        for target in group:
            contacts = self._finder.contacts(target)
            if isinstance(contacts, Ending):
                self._hunt_over(target, contacts)
                continue
            for contact in contacts:
                rung = self._call_contact(target, contact) or rung
        if rung:
            self._deadlines["ring"] = self._now + self._ring_time
        return rung

    def _call_contact(self, target: Target, contact: Contact) -> bool:
        if contact.kind == "sip" and self.hops < 0:  # 483, but in words: a circle of servers ends here
            self._hunt_over(target, ending("loop", "The call has come through too many servers already.", 483))
            return False
        self._rung += 1
        identity = ev.Identity(contact.user or contact.address, user=contact.user)
        party = Party(f"{self.id}-b{self._rung}", contact.kind, contact.address, identity, Phase.CALLED, target)
        self.parties[party.leg] = party
        self._tell(ev.LegRang(self.id, self._now, party.leg, party.kind, party.address, contact.user))
        if party.kind == "app":
            party.phase = Phase.PICKED_UP
            self._step(On.PICKED_UP, party)
            return True
        party.rate = NARROW_BAND if party.kind == "sip" else FULL_BAND
        party.asked_rate = self.caller.rate
        caller = self.caller.identity
        self._do(
            fx.Ring(party.leg, party.kind, party.address, contact.user, caller, party.asked_rate, max(0, self.hops))
        )
        return True

    def _tell_ringing(self, _: Party | None) -> None:
        self._alerted = True
        self._do(fx.Progress(self.caller.leg, "early" if self._plays_ringback else "ringing"))

    def _play_early(self, party: Party | None) -> None:
        assert party is not None
        self.winner = party
        self._settle(party)
        self._do(fx.Progress(self.caller.leg, "early"))

    def _apply_answer(self, party: Party | None) -> None:
        assert party is not None
        if self.winner is not None and self.winner is not party:
            self.winner.early = False  # another one was heard, this one answered
        self.winner = party
        if party.kind == "app":
            self._step(On.JOINED, party)
            return
        self._settle(party)
        self._deadlines.pop("ring", None)
        self._deadlines["setup"] = self._now + self._settings.setup_timeout

    def _drop_late(self, party: Party | None) -> None:
        assert party is not None
        self._dismiss(party, ending("answered-elsewhere"))

    def _connect(self, party: Party | None) -> None:
        assert party is not None
        self._deadlines = {"duration": self._now + self._settings.max_duration}
        self.answered_at = self._now
        self._do(fx.Answer(self.caller.leg))
        self.caller.phase = party.phase = Phase.UP
        for other in [p for p in self.parties.values() if p not in (self.caller, party)]:
            self._dismiss(other, ending("answered-elsewhere"))
        self._tell(ev.CallAnswered(self.id, self._now, party.leg, party.kind, self._now - self.started_at))
        if party.kind == "app":
            self._script = APPS[party.address](CallStage(self))
            self._script.begin()
        self._tune()
        self._watch_silence()

    def _forget_winner(self, _: Party | None) -> None:
        self.winner = None
        self._deadlines.pop("setup", None)
        self._deadlines.setdefault("ring", self._now + self._ring_time)

    def _give_up_group(self, _: Party | None) -> None:
        for party in [p for p in self.parties.values() if p is not self.caller]:
            why = ending("timeout" if party.phase is Phase.CALLED else "no-answer")  # no sign of life is no ringing
            self._dismiss(party, why)
            if party.target is not None:
                self._hunt_over(party.target, why)

    def _release_all(self, _: Party | None) -> None:
        assert self.ending is not None
        self.ended_at = self._now
        self._deadlines.clear()
        self._script = None
        self.board.unplug()
        leaving = list(self.parties.values())
        for party in leaving:  # everybody is told before the slower work of giving back begins
            self._farewell(party, self.ending)
        for party in leaving:
            self._forget(party, self.ending)
        self.board.clear()
        talked = self._now - self.answered_at if self.answered_at else None
        trail = tuple(self._hunt.trail) if self._hunt is not None else ()
        self._tell(ev.CallEnded(self.id, self._now, self.ending, self._ended_by, talked, trail))
        self._do(fx.Finish())

    # ------------------------------------------------------------ parties come and go

    def _fall_out(self, party: Party, why: Ending, *, tell: bool = True) -> None:
        """A target leaves before the call is connected; the hunt goes on."""
        won = party is self.winner
        self._dismiss(party, why, tell=tell)
        if party.target is not None:
            self._hunt_over(party.target, why)
            if why.cause == "declined":  # a person's no counts for all devices of that person
                self._dismiss_siblings(party.target, why)
        self._step(On.WINNER_FELL_OUT if won else On.FELL_OUT)

    def _dismiss_siblings(self, target: Target, why: Ending) -> None:
        for party in [p for p in self.parties.values() if p.target == target and p is not self.winner and p.waiting]:
            self._dismiss(party, why)

    def _hunt_over(self, target: Target, why: Ending) -> None:
        if self._hunt is not None:
            self._hunt.fell_out(target, why)

    def _dismiss(self, party: Party, why: Ending, *, tell: bool = True) -> None:
        if tell:
            self._farewell(party, why)
        self._forget(party, why)

    def _farewell(self, party: Party, why: Ending) -> None:
        if party.kind != "app":
            self._do(party.farewell(why))

    def _forget(self, party: Party, why: Ending) -> None:
        if self.parties.pop(party.leg, None) is None:
            return
        self._deadlines.pop(f"media:{party.leg}", None)
        self._tell(ev.LegLeft(self.id, self._now, party.leg, why))
        if party.kind != "app":
            self.board.unplug(party.leg)
            self._do(fx.Release(party.leg))

    @property
    def _ring_time(self) -> float:
        return (self._hunt.plan.timeout if self._hunt is not None else None) or self._settings.ring_timeout

    def _waiting(self) -> Iterator[Party]:
        return (p for p in self.parties.values() if p is not self.caller and (p.waiting or p.phase is Phase.PICKED_UP))

    def _others(self, party: Party) -> list[Party]:
        """Whom it talks with, or hears before the answer: parties with a device of their own."""
        if self.state not in (State.EARLY, State.CONNECTED) or self.winner is None:
            return []
        return [p for p in (self.caller, self.winner) if p is not party and p.kind != "app" and p.leg in self.parties]

    # ------------------------------------------------------------ sound

    @property
    def _plays_ringback(self) -> bool:
        return self.caller.kind in self._settings.ringback

    def _settle(self, party: Party) -> None:
        party.settling += 1
        self._do(fx.Settle(party.leg))

    def _rewire(self) -> None:
        """Make what is heard what it should be now."""
        if self._stepping or self.state in (State.ENDING, State.ENDED):
            return
        wanted = sound(
            self.state, self.caller, self.winner, self._script,
            hold=self._settings.hold, ringback=self._alerted and self._plays_ringback,
        )  # fmt: skip
        self.board.show(wanted)

    def _tune(self) -> None:
        for party, rate in bandwidth_to_ask(self.caller, self.winner) if self.state is State.CONNECTED else ():
            party.asked_rate = rate
            self._do(fx.Tune(party.leg, rate))

    def _watch_silence(self, *, anew: bool = False) -> None:
        """A deadline for each silent party of a live call: later while somebody holds, which silences phones."""
        held = any(p.holding for p in self.parties.values())
        limit = self._settings.hold_timeout if held else self._settings.media_timeout
        for party in self.parties.values():
            name = f"media:{party.leg}"
            if anew or party.stalled_for is None:
                self._deadlines.pop(name, None)
            if party.stalled_for is not None and self.state is State.CONNECTED and limit:
                self._deadlines.setdefault(name, self._now + max(0.0, limit - party.stalled_for))

    # ------------------------------------------------------------ out

    def _do(self, effect: fx.Effect) -> None:
        self._effects.append(effect)

    def _tell(self, news: ev.CallEvent) -> None:
        self._news.append(news)

    def _tell_route(self) -> None:
        assert self._hunt is not None
        plan = self._hunt.plan
        self._tell(ev.CallRouted(self.id, self._now, plan.route, plan.targets, self._hunt.because))


ACTIONS: dict[Do, Callable[[Actor, Party | None], None]] = {
    Do.HUNT: Actor._hunt_first,
    Do.TELL_RINGING: Actor._tell_ringing,
    Do.PLAY_EARLY: Actor._play_early,
    Do.APPLY_ANSWER: Actor._apply_answer,
    Do.DROP_LATE: Actor._drop_late,
    Do.CONNECT: Actor._connect,
    Do.HUNT_ON: Actor._hunt_on,
    Do.FORGET_WINNER: Actor._forget_winner,
    Do.GIVE_UP_GROUP: Actor._give_up_group,
    Do.RELEASE_ALL: Actor._release_all,
}
