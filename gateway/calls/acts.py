"""What a call does: the actions that its table names. When they are done is `call`'s business.

Parties come (are called) and go (are told, unplugged, released); what is heard follows from the state (`sound`).
Everything leaves as an effect or as news, in the order in which it is to happen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator

from . import commands as cmd
from . import effects as fx
from . import events as ev
from .apps import APPS, Script
from .causes import Ending, ending
from .errand import Errand
from .finder import Finder
from .hunt import Hunt
from .party import FULL_BAND, NARROW_BAND, Party, Phase, Role
from .plans import plan_to
from .ports import Contact, Directory
from .router import Router, Target
from .settings import CallSettings
from .sound import Sound, bandwidth_to_ask, before_answer
from .soundboard import Soundboard
from .stage import CallStage
from .states import Do, On, State


class Actor(ABC):
    """The doing half of a `Call`. `room(user)` says whether a user may have one more call.

    Of a call that a program places the caller is at first nobody (`kind` "api"); whoever answers as its first party
    becomes the caller.
    """

    def __init__(
        self,
        id: str,
        origin: ev.Incoming | cmd.Place,
        *,
        settings: CallSettings,
        router: Router,
        directory: Directory,
        room: Callable[[str], bool] = lambda user: True,
    ) -> None:
        self.id = id
        self.state = State.SETUP
        self.origin = origin
        self.placing = origin if isinstance(origin, cmd.Place) else None
        """The order, until its first party has answered."""
        self.caller = _first_party(f"{id}-a", origin)
        self.parties: dict[str, Party] = {self.caller.leg: self.caller}
        self.metadata: dict[str, str] = dict(origin.metadata) if isinstance(origin, cmd.Place) else {}
        self.winner: Party | None = None
        """The target that is heard, or has answered."""
        self.hops = (origin.hops if isinstance(origin, ev.Incoming) else 70) - 1
        self.dialled = router.meant(origin.dialled if isinstance(origin, ev.Incoming) else origin.then)
        self.ending: Ending | None = None
        self.started_at = self.answered_at = self.ended_at = 0.0
        self.settings, self._router = settings, router
        self._finder = Finder(directory, room)
        self._hunt: Hunt | None = None
        self._script: Script | None = None
        self.app = ""
        """The application that answers, with what stands behind its colon."""
        self._ended_by: str | None = None
        self.now = 0.0
        self._inputs: deque[tuple[On, Party | None]] = deque()
        self._stepping = False
        self._effects: list[fx.Effect] = []
        self._news: deque[ev.CallEvent] = deque()
        self._deadlines: dict[str, float] = {}
        self.board = Soundboard(id, self.do)
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
            self._deadlines[name] = self.now + seconds

    def end(self, cause: str) -> None:
        self._end(ending(cause))

    # ------------------------------------------------------------ actions of the table

    def _hunt_first(self, _: Party | None) -> None:
        self._deadlines.pop("setup", None)
        if self.ending is None:
            self._hunt_on()

    def _hunt_on(self, _: Party | None = None) -> None:
        """Call the next targets, through forwards, until one can be called; give up when nothing is left."""
        hunt = self._hunt
        assert hunt is not None
        if next(self._waiting(), None) is not None:
            return
        if hunt.search(lambda group: self.call_group(hunt, group), self.tell_route):
            self._deadlines["ring"] = self.now + self._ring_time
        else:
            self._end(hunt.verdict)

    def call_group(self, hunt: Hunt, group: tuple[Target, ...], errand: Errand | None = None) -> bool:
        """Ring every device of these targets. False when there was none to ring."""
        rung = False
        for target in group:
            contacts = self._finder.contacts(target, self.parties.values())
            if isinstance(contacts, Ending):
                hunt.fell_out(target, contacts)
                continue
            for contact in contacts:
                rung = self._call_contact(hunt, target, contact, errand) or rung
        return rung

    def _call_contact(self, hunt: Hunt, target: Target, contact: Contact, errand: Errand | None) -> bool:
        if contact.kind == "sip" and self.hops < 0:  # 483, but in words: a circle of servers ends here
            hunt.fell_out(target, ending("loop", "The call has come through too many servers already.", 483))
            return False
        self._rung += 1
        identity = ev.Identity(contact.user or contact.address, user=contact.user)
        party = Party(f"{self.id}-b{self._rung}", contact.kind, contact.address, identity, Phase.CALLED, target)
        if errand is not None:
            party.errand, party.role, party.whisper_to = errand.id, errand.role, errand.whisper_to
        self.parties[party.leg] = party
        self.tell(ev.LegRang(self.id, self.now, party.leg, party.kind, party.address, contact.user))
        if party.kind == "app":
            party.phase = Phase.PICKED_UP
            self._picked_up(party)
            return True
        party.rate = NARROW_BAND if party.kind == "sip" else FULL_BAND
        party.asked_rate = self.caller.rate
        self.do(
            fx.Ring(
                party.leg, party.kind, party.address, contact.user, self._shown_to(errand), party.asked_rate,
                max(0, self.hops), self._headers,
            )
        )  # fmt: skip
        return True

    def _shown_to(self, errand: Errand | None) -> ev.Identity:
        """Who a party is told is calling."""
        if errand is not None and errand.caller is not None:
            return errand.caller
        if isinstance(self.origin, cmd.Place) and self.placing is None and errand is None:
            return self.origin.callee_sees or self.caller.identity
        return self.caller.identity

    @property
    def _headers(self) -> tuple[tuple[str, str], ...]:
        return self.origin.headers if isinstance(self.origin, cmd.Place) else ()

    @abstractmethod
    def _picked_up(self, party: Party) -> None:
        """Somebody who was called answers."""

    def _tell_ringing(self, _: Party | None) -> None:
        self._alerted = True
        self._progress("early" if self._plays_ringback else "ringing")

    def _play_early(self, party: Party | None) -> None:
        assert party is not None
        self.winner = party
        self.settle(party)
        self._progress("early")

    def _apply_answer(self, party: Party | None) -> None:
        assert party is not None
        if self.winner is not None and self.winner is not party:
            self.winner.early = False  # another one was heard, this one answered
        self.winner = party
        if party.kind == "app":
            self._joined(party)
            return
        self.settle(party)
        self._deadlines.pop("ring", None)
        self._deadlines["setup"] = self.now + self.settings.setup_timeout

    def _drop_late(self, party: Party | None) -> None:
        assert party is not None
        self.dismiss(party, ending("answered-elsewhere"))

    def _joined(self, party: Party) -> None:
        self._step(On.JOINED if self.placing is None else On.FIRST_JOINED, party)

    def _turn_round(self, party: Party | None) -> None:
        """The first party of a placed call has answered: it becomes the caller, and the next number is looked for."""
        assert party is not None and self.placing is not None
        if not party.has_device:
            words = f"{self.placing.first} is answered by the application {party.address}: nobody to call first."
            self._end(ending("unknown-number", words))
            return
        order, self.placing = self.placing, None
        self.parties.pop(self.caller.leg)
        self.caller, self.winner, self._alerted = party, None, False
        party.phase, party.role, party.early = Phase.UP, Role.CALLER, False
        self._deadlines.clear()
        for other in [p for p in self.parties.values() if p is not party]:
            self.dismiss(other, ending("answered-elsewhere"))
        self.tell_answered(party)
        plan = plan_to(self._router, order.then, order.timeout)
        if isinstance(plan, Ending):
            self._end(plan)
            return
        self._hunt = Hunt(self._router, plan, self.settings.forward_limit)
        self.tell_route()

    def _connect(self, party: Party | None) -> None:
        assert party is not None
        place = self.origin if isinstance(self.origin, cmd.Place) else None
        longest = (place.max_duration if place else None) or self.settings.max_duration
        self._deadlines = {"duration": self.now + longest}
        self.answered_at = self.now
        if self.caller.phase is Phase.ARRIVED:
            self.do(fx.Answer(self.caller.leg))
        self.caller.phase = party.phase = Phase.UP
        for other in [p for p in self.parties.values() if p not in (self.caller, party)]:
            self.dismiss(other, ending("answered-elsewhere"))
        self.tell(ev.CallAnswered(self.id, self.now, party.leg, party.kind, self.now - self.started_at))
        if party.kind == "app":
            self.run_app(party.address)
        self._tune()
        self.watch_silence()
        if place is not None:
            self._as_ordered(place)

    def run_app(self, name: str) -> None:
        kind, _, argument = name.partition(":")
        self.app = name
        self._script = APPS[kind](CallStage(self, argument))
        self._script.begin()

    @abstractmethod
    def _as_ordered(self, order: cmd.Place) -> None:
        """What else a program wanted once both talk."""

    def _forget_winner(self, _: Party | None) -> None:
        self.winner = None
        self._deadlines.pop("setup", None)
        self._deadlines.setdefault("ring", self.now + self._ring_time)

    def _give_up_group(self, _: Party | None) -> None:
        for party in [p for p in self.parties.values() if p is not self.caller and p.errand is None]:
            self.dismiss(party, party.gave_no_answer)
            if party.target is not None:
                self._hunt_over(party.target, party.gave_no_answer)

    def _release_all(self, _: Party | None) -> None:
        assert self.ending is not None
        self.ended_at = self.now
        self._deadlines.clear()
        self._script = None
        self._close_rooms()
        self.board.unplug()
        leaving = list(self.parties.values())
        for party in leaving:  # everybody is told before the slower work of giving back begins
            self._farewell(party, self.ending)
        for party in leaving:
            self.forget(party, self.ending)
        self.board.clear()
        talked = self.now - self.answered_at if self.answered_at else None
        trail = tuple(self._hunt.trail) if self._hunt is not None else ()
        self.tell(ev.CallEnded(self.id, self.now, self.ending, self._ended_by, talked, trail))
        self.do(fx.Finish())

    @abstractmethod
    def _close_rooms(self) -> None:
        """End what programs had going: prompts, recordings, errands."""

    # ------------------------------------------------------------ parties come and go

    def _fall_out(self, party: Party, why: Ending, *, tell: bool = True) -> None:
        """A target leaves before the call is connected; the hunt goes on."""
        won = party is self.winner
        self.dismiss(party, why, tell=tell)
        if party.target is not None:
            self._hunt_over(party.target, why)
            if why.cause == "declined":  # a person's no counts for all devices of that person
                self._dismiss_siblings(party.target, why)
        self._step(On.WINNER_FELL_OUT if won else On.FELL_OUT)

    def _dismiss_siblings(self, target: Target, why: Ending) -> None:
        for party in [p for p in self.parties.values() if p.target == target and p is not self.winner and p.waiting]:
            self.dismiss(party, why)

    def _hunt_over(self, target: Target, why: Ending) -> None:
        if self._hunt is not None:
            self._hunt.fell_out(target, why)

    def dismiss(self, party: Party, why: Ending, *, tell: bool = True) -> None:
        if tell:
            self._farewell(party, why)
        self.forget(party, why)

    def _farewell(self, party: Party, why: Ending) -> None:
        if party.has_device:
            self.do(party.farewell(why))

    def forget(self, party: Party, why: Ending) -> None:
        if self.parties.pop(party.leg, None) is None:
            return
        self._deadlines.pop(f"media:{party.leg}", None)
        self.tell(ev.LegLeft(self.id, self.now, party.leg, why))
        if party.has_device:
            self.board.unplug(party.leg)
            self.do(fx.Release(party.leg))

    @property
    def _ring_time(self) -> float:
        return (self._hunt.plan.timeout if self._hunt is not None else None) or self.settings.ring_timeout

    def _waiting(self) -> Iterator[Party]:
        mine = (p for p in self.parties.values() if p is not self.caller and p.errand is None)
        return (p for p in mine if p.waiting or p.phase is Phase.PICKED_UP)

    def _others(self, party: Party) -> list[Party]:
        """Whom it talks with, or hears before the answer: parties with a device of their own."""
        if self.state is State.CONNECTED:
            return [p for p in self.parties.values() if p is not party and p.up and p.role.talks]
        if self.state is not State.EARLY or self.winner is None:
            return []
        both = (self.caller, self.winner)
        return [p for p in both if p is not party and p.has_device and p.leg in self.parties]

    def _progress(self, stage: str) -> None:
        if self.caller.phase is Phase.ARRIVED:
            self.do(fx.Progress(self.caller.leg, stage))

    # ------------------------------------------------------------ sound

    @property
    def _plays_ringback(self) -> bool:
        """A party that has answered already can only be played to."""
        return self.caller.kind in self.settings.ringback or self.caller.up

    def settle(self, party: Party) -> None:
        party.settling += 1
        self.do(fx.Settle(party.leg))

    def rewire(self) -> None:
        """Make what is heard what it should be now."""
        if self._stepping or self.state in (State.ENDING, State.ENDED):
            return
        self.board.show(self._sound())

    def _sound(self) -> Sound:
        return before_answer(self.state, self.caller, self.winner, ringback=self._alerted and self._plays_ringback)

    def _tune(self) -> None:
        for party, rate in bandwidth_to_ask(self.parties.values()) if self.state is State.CONNECTED else ():
            party.asked_rate = rate
            self.do(fx.Tune(party.leg, rate))

    def watch_silence(self, *, anew: bool = False) -> None:
        """A deadline for each silent party of a live call: later while somebody holds, which silences phones."""
        held = any(p.holding for p in self.parties.values())
        limit = self.settings.hold_timeout if held else self.settings.media_timeout
        for party in self.parties.values():
            name = f"media:{party.leg}"
            if anew or party.stalled_for is None:
                self._deadlines.pop(name, None)
            if party.stalled_for is not None and self.state is State.CONNECTED and limit:
                self._deadlines.setdefault(name, self.now + max(0.0, limit - party.stalled_for))

    # ------------------------------------------------------------ out

    def do(self, effect: fx.Effect) -> None:
        self._effects.append(effect)

    def tell(self, news: ev.CallEvent) -> None:
        self._news.append(news)

    def tell_answered(self, party: Party) -> None:
        user = party.identity.user
        role = str(party.role)
        self.tell(ev.LegAnswered(self.id, self.now, party.leg, party.kind, party.address, user, role))

    def tell_route(self) -> None:
        assert self._hunt is not None
        plan = self._hunt.plan
        self.tell(ev.CallRouted(self.id, self.now, plan.route, plan.targets, self._hunt.because))


def _first_party(leg: str, origin: ev.Incoming | cmd.Place) -> Party:
    if isinstance(origin, cmd.Place):
        return Party(leg, "api", "", origin.caller, Phase.UP, role=Role.CALLER)
    return Party(leg, origin.kind, origin.address, origin.caller, Phase.ARRIVED, role=Role.CALLER)


ACTIONS: dict[Do, Callable[[Actor, Party | None], None]] = {
    Do.HUNT: Actor._hunt_first,
    Do.TELL_RINGING: Actor._tell_ringing,
    Do.PLAY_EARLY: Actor._play_early,
    Do.APPLY_ANSWER: Actor._apply_answer,
    Do.DROP_LATE: Actor._drop_late,
    Do.CONNECT: Actor._connect,
    Do.TURN_ROUND: Actor._turn_round,
    Do.HUNT_ON: Actor._hunt_on,
    Do.FORGET_WINNER: Actor._forget_winner,
    Do.GIVE_UP_GROUP: Actor._give_up_group,
    Do.RELEASE_ALL: Actor._release_all,
}
