"""What a live call has besides its two parties: people who are called in, what programs play, record and collect.

The rooms (`prompts`, `taping`, `collecting`, `errand`) know their own business; here they are opened, told what
happens to parties, and closed.
"""

from __future__ import annotations

from collections.abc import Callable

from . import commands as cmd
from . import effects as fx
from . import events as ev
from .acts import Actor
from .apps import Script
from .causes import Ending, ending
from .collecting import Collector
from .errand import Errand
from .errand import On as ErrandOn
from .errors import NoSuchLeg, NotNow
from .hunt import Hunt
from .party import FULL_BAND, Party, Role
from .plans import plan_to
from .ports import Directory
from .prompts import Prompts
from .router import Plan, Router
from .settings import CallSettings
from .sound import Sound, conversation, joined
from .states import On, State
from .taping import Tapes

ERRANDS = 16
"""People who may be called in at the same time."""


class Live(Actor):
    """The part of a `Call` that begins when it is connected."""

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
        super().__init__(id, origin, settings=settings, router=router, directory=directory, room=room)
        self.prompts = Prompts(self.board, self._play_started, self._play_ended)
        self.tapes = Tapes(self.id, self.board, self._tape_ended)
        self.collectors: dict[str, Collector] = {}
        self.errands: dict[str, Errand] = {}
        self.wishes: list[cmd.Merge] = []
        """What only the table of all calls can do."""
        self._sent = 0
        self._shown: dict[str, tuple[tuple[str, str], ...]] = {}
        """Who each page knows to be there: legs and phases."""

    # ------------------------------------------------------------ who is in it

    def talkers(self) -> list[Party]:
        return [p for p in self.parties.values() if p.up and p.role.talks]

    def party_up(self, leg: str) -> Party:
        """Raises NoSuchLeg, NotNow."""
        party = self.parties.get(leg)
        if party is None or not party.has_device:
            raise NoSuchLeg(f"There is no leg {leg} in this call. Those there are: {', '.join(self.parties)}.")
        if not party.up:
            raise NotNow(f"{leg} is not in the call yet: it is {party.phase.value}.")
        return party

    def connected(self) -> None:
        """Raises NotNow."""
        if self.state is not State.CONNECTED or self.ending is not None:
            raise NotNow(f"The call is not connected: it is {self.state.value}. Wait for call.answered.")

    def may_go_on_without(self, party: Party) -> bool:
        if self.state is not State.CONNECTED:
            return False
        if not party.role.talks:
            return True
        left = [p for p in self.talkers() if p is not party]
        alone = self._script is not None and self._script.keeps_alone
        return len(left) >= 2 or (len(left) == 1 and (alone or self._somebody_comes))

    @property
    def _somebody_comes(self) -> bool:
        """Who is to take part is being called in."""
        return any(errand.role is Role.MEMBER for errand in self.errands.values())

    def _find_caller(self) -> None:
        """Whoever is there longest takes the place of a caller who has gone."""
        if self.caller.leg not in self.parties and (talkers := self.talkers()):
            self.caller = talkers[0]

    def _tell_transferred(self, party: Party, to: str = "") -> None:
        self.do(fx.ShowTransfer(party.leg, to, "done", ending("normal")))

    def leave(self, party: Party, why: Ending, *, tell: bool) -> None:
        """A party goes and the call goes on."""
        self.dismiss(party, why, tell=tell)
        self._find_caller()
        self.prompts.left(party.leg, self._prompt_rate)
        for collector in [c for c in self.collectors.values() if c.order.leg == party.leg]:
            self.collected(collector, "left")
        for other in [p for p in self.parties.values() if p.whisper_to == party.leg]:
            other.role, other.whisper_to = Role.LISTEN, None
            self.tell(ev.RoleChanged(self.id, self.now, other.leg, str(other.role)))
        self.settle_down()

    def settle_down(self) -> None:
        """After any change of who is there."""
        self._tune()
        self.watch_silence()
        self.rewire()

    def show_peers(self) -> None:
        """Tell each page who else is there, where that has changed since it was last told."""
        if self.state is not State.CONNECTED or self.ending is not None:
            return
        there = {p.leg: p.view() for p in self.parties.values() if p.has_device and p.role.talks}
        for party in [p for p in self.parties.values() if p.up and p.kind == "browser"]:
            peers = tuple(view for leg, view in there.items() if leg != party.leg)
            who = tuple((view.leg, view.phase) for view in peers)
            if self._shown.setdefault(party.leg, who) != who:
                self._shown[party.leg] = who
                self.do(fx.ShowPeers(party.leg, peers))

    # ------------------------------------------------------------ calling people in

    def call_in(self, order: cmd.Add) -> None:
        self._send(order.to, order.timeout, role=Role(order.role), whisper_to=order.whisper_to, caller=order.caller)

    def transfer(self, party: Party, to: str, timeout: float | None) -> None:
        party.aside = True
        self.tell(ev.TransferStarted(self.id, self.now, party.leg, to))
        self.do(fx.ShowTransfer(party.leg, to, "started", ending("normal")))
        self._send(to, timeout, replaces=party, caller=self._others_identity(party))

    def _others_identity(self, party: Party) -> ev.Identity | None:
        """Whom the new party will talk with."""
        return next((p.identity for p in self.talkers() if p is not party), None)

    def _send(
        self,
        to: str,
        timeout: float | None,
        *,
        role: Role = Role.MEMBER,
        whisper_to: str | None = None,
        replaces: Party | None = None,
        caller: ev.Identity | None = None,
    ) -> None:
        if len(self.errands) >= ERRANDS:
            raise NotNow(f"{ERRANDS} people are being called into this call already. Wait for one of them.")
        plan = plan_to(self._router, to, timeout)
        refused = plan if isinstance(plan, Ending) else None
        hunt = Hunt(self._router, plan if isinstance(plan, Plan) else Plan(to, ()), self.settings.forward_limit)
        self._sent += 1
        errand = Errand(
            str(self._sent), self, hunt, to,
            role=role, whisper_to=whisper_to, replaces=replaces, timeout=timeout, caller=caller,
        )  # fmt: skip
        if refused is not None:
            self.errand_over(errand, None, refused)
            return
        self.errands[errand.id] = errand
        errand.begin()
        self.rewire()

    def errand_over(self, errand: Errand, party: Party | None, why: Ending) -> None:
        """What came of an errand: a party that has answered, or why there is none."""
        self.errands.pop(errand.id, None)
        if errand.replaces is not None:
            self._transferred(errand, errand.replaces, party, why)
        elif party is None:
            self.tell(ev.InvitationFailed(self.id, self.now, errand.to, why))
        if party is not None:
            if errand.replaces is None:
                self.tell_answered(party)
            if party.kind == "app":
                self._app_joined(party)
        if self.ending is None:
            self._enough_left(why)
            self.settle_down()

    def _transferred(self, errand: Errand, before: Party, party: Party | None, why: Ending) -> None:
        there = before.leg in self.parties
        before.aside = False
        if party is None:
            self.tell(ev.TransferFailed(self.id, self.now, before.leg, errand.to, why))
            if there:
                self.do(fx.ShowTransfer(before.leg, errand.to, "failed", why))
            return
        self.tell_answered(party)
        self.tell(ev.TransferDone(self.id, self.now, before.leg, errand.to, party.leg))
        if there:
            self._tell_transferred(before, errand.to)
            was_caller = before is self.caller
            self.leave(before, ending("transferred"), tell=True)
            if was_caller and party.has_device and len(self.talkers()) == 1:
                self.caller = party

    def _app_joined(self, party: Party) -> None:
        """The call is handed to an application, which talks with whoever is its caller."""
        self.parties.pop(party.leg, None)
        self.run_app(party.address)
        self.winner = None

    def _enough_left(self, why: Ending) -> None:
        """Somebody was expected and does not come: is there anybody left to talk?"""
        needed = 1 if self._script is not None else 2
        if self.state is State.CONNECTED and not self._somebody_comes and len(self.talkers()) < needed:
            self._end(why)

    def errand_of(self, party: Party) -> Errand | None:
        return self.errands.get(party.errand) if party.errand and not party.up else None

    # ------------------------------------------------------------ parties come over from another call

    def hand_over(self, into: str, drop: tuple[str, ...], cause: str) -> list[Party]:
        """Give all parties but the dropped ones away, and end."""
        for party in [p for p in self.parties.values() if not p.up or p.leg in drop]:
            if party.up:
                self._tell_transferred(party)
            self.dismiss(party, ending(cause))
        self._close_rooms()
        self.board.unplug()
        parties = list(self.parties.values())
        self.parties.clear()
        self.tell(ev.CallMerged(self.id, self.now, into))
        self._end(ending("merged"))
        return parties

    def take_over(self, other: str, parties: list[Party]) -> None:
        for party in parties:
            party.role = Role.MEMBER if party.role is Role.CALLER else party.role
            party.errand = None
            self.parties[party.leg] = party
        self.tell(ev.CallJoined(self.id, self.now, other, tuple(p.leg for p in parties)))
        self._find_caller()
        self.settle_down()

    def drop(self, legs: tuple[str, ...], cause: str) -> None:
        for party in [p for p in self.parties.values() if p.leg in legs and p.has_device]:
            self._tell_transferred(party)
            self.leave(party, ending(cause), tell=True)

    def let_go(self, leg: str, into: str) -> Party:
        """Give one party away; who is left alone waits."""
        party = self.parties.pop(leg)
        self._deadlines.pop(f"media:{leg}", None)
        self.board.unplug(leg)
        self._find_caller()
        self.prompts.left(leg, self._prompt_rate)
        self.tell(ev.CallSplit(self.id, self.now, leg, into))
        talkers = self.talkers()
        if not talkers:
            self._end(ending("merged"))
        elif len(talkers) == 1 and self._script is None:
            self.run_app("park")
        self.settle_down()
        return party

    def receive_party(self, party: Party, app: str) -> None:
        """Begin as a live call of one party, that had been in another."""
        self.parties = {party.leg: party}
        self.caller, self.winner = party, None
        party.role = Role.CALLER
        self.state = State.CONNECTED
        self.started_at = self.answered_at = self.now
        self._deadlines = {"duration": self.now + self.settings.max_duration}
        self.tell(ev.CallStarted(self.id, self.now, party.identity, party.kind, f"app:{app}", party.leg))
        self.tell(ev.CallAnswered(self.id, self.now, party.leg, "app", 0.0))
        self.run_app(app)
        self.settle_down()

    # ------------------------------------------------------------ what programs play, record, collect

    @property
    def _prompt_rate(self) -> int:
        return max((p.rate for p in self.parties.values() if p.up), default=FULL_BAND)

    def play(self, order: cmd.Play) -> None:
        self.prompts.play(order, self._prompt_rate)
        self.rewire()

    def stop_playing(self, id: str | None) -> bool:
        stopped = self.prompts.stop(id, self._prompt_rate)
        self.rewire()
        return stopped

    def _play_started(self, order: cmd.Play) -> None:
        self.tell(ev.PlayStarted(self.id, self.now, order.id, order.to))

    def _play_ended(self, order: cmd.Play, why: str) -> None:
        self.tell(ev.PlayEnded(self.id, self.now, order.id, why))
        collector = self.collectors.get(order.id)
        if collector is not None and why != "ended":
            self.alarm(f"collect:{order.id}", collector.patience)

    def record(self, order: cmd.Record) -> None:
        name = self.tapes.start(order, self._prompt_rate, self.now)
        self.tell(ev.RecordingStarted(self.id, self.now, order.id, name, order.channels))
        if order.beep:
            self.play(cmd.Play(f"{order.id}-beep", ("tone:beep",), mix=True))
        self.rewire()

    def _tape_ended(self, id: str, name: str, seconds: float, why: str) -> None:
        self.tell(ev.RecordingEnded(self.id, self.now, id, name, seconds, why))

    def collect(self, order: cmd.Collect) -> None:
        collector = self.collectors[order.id] = Collector(order)
        if order.prompt:
            self.play(cmd.Play(order.id, order.prompt, order.leg, interrupt=True))
        else:
            self.alarm(f"collect:{order.id}", collector.patience)

    def key_collected(self, party: Party, key: str) -> None:
        for collector in [c for c in self.collectors.values() if c.order.leg == party.leg]:
            why = collector.key(key)
            if why is not None:
                self.collected(collector, why)
            else:
                self.alarm(f"collect:{collector.order.id}", collector.patience)

    def collected(self, collector: Collector, why: str) -> None:
        order = collector.order
        self.collectors.pop(order.id, None)
        self.alarm(f"collect:{order.id}", None)
        self.tell(ev.DigitsCollected(self.id, self.now, order.id, order.leg, collector.digits, why))
        if order.prompt:
            self.stop_playing(order.id)

    # ------------------------------------------------------------ the call's own hooks

    def _picked_up(self, party: Party) -> None:
        errand = self.errand_of(party)
        if errand is not None:
            errand.feed(ErrandOn.PICKED_UP, party)
        else:
            self._step(On.PICKED_UP, party)

    def _as_ordered(self, order: cmd.Place) -> None:
        if order.record:
            self.record(cmd.Record("record"))
        if order.play:
            self.play(cmd.Play("play", order.play))

    def _close_rooms(self) -> None:
        for errand in list(self.errands.values()):
            errand.feed(ErrandOn.END)
        self.errands.clear()
        for collector in list(self.collectors.values()):
            self.collected(collector, "left")
        self.prompts.close()
        self.tapes.close(self.now)

    def _sound(self) -> Sound:
        if self.state is not State.CONNECTED:
            return super()._sound()
        script: Script | None = self._script
        parties = list(self.parties.values())
        talk = conversation(parties, hold=self.settings.hold, alone=script.alone if script else "")
        graph = joined(talk.graph, script.graph()) if script else talk.graph
        graph = self.prompts.over(graph, [p.leg for p in parties if p.up])
        on = {source for sources in graph.values() for source in sources}
        players = tuple(sorted(on - {p.leg for p in parties}))
        return Sound(joined(graph, self.tapes.graph(self.caller, parties, players)), talk.players)
