"""One call, from the first ring to the last thing given back. Sans-IO: events and commands in, effects and news out.

The skeleton is the table in `states`: handlers below turn what happened to a leg into an input of that table, the
table says what is done. Handlers only know legs that are still in the call, so whatever arrives late finds nobody and
is ignored. Verbs: `receive(event, now)`, `command(command, now)`, `outgoing()`, `wake_at()` / `wake(now)`,
`next_event()`.
"""

from __future__ import annotations

from collections.abc import Callable

from . import commands as cmd
from . import effects as fx
from . import events as ev
from .acts import ACTIONS
from .causes import Ending, ending
from .errand import On as ErrandOn
from .errors import CommandRefused, NoSuchLeg
from .hunt import Hunt
from .live import Live
from .orders import ORDERS
from .party import Party, Phase
from .plans import plan_to
from .router import Facts, Plan
from .states import CALL, On, State
from .view import CallView


class Call(Live):
    """The deciding half; its actions are `acts.Actor`'s, the rooms of a live call `live.Live`'s."""

    # ------------------------------------------------------------ verbs

    def begin(self, now: float, refusal: Ending | None = None) -> None:
        """Look up the route and agree on the caller's media, or refuse at once."""
        self.now = self.started_at = now
        caller = self.caller
        origin = self.origin
        where = (origin.trunk, origin.source) if isinstance(origin, ev.Incoming) else ("", "")
        leg = caller.leg if caller.has_device else ""
        self.tell(ev.CallStarted(self.id, now, caller.identity, caller.kind, self.dialled, leg, *where))
        if self.metadata:
            self.tell(ev.CallAnnotated(self.id, now, dict(self.metadata)))
        plan = refusal or self._first_plan()
        if isinstance(plan, Ending):
            self._end(plan)
            return
        self._hunt = Hunt(self._router, plan, self.settings.forward_limit)
        self.tell_route()
        if self.placing is not None:
            self._step(On.CALLER_READY)
            return
        caller.asked_rate = self._finder.bandwidth(plan, caller)
        self.do(fx.Progress(caller.leg, "trying"))
        self.do(fx.AcceptOffer(caller.leg, caller.kind, caller.asked_rate))
        self._deadlines["setup"] = now + self.settings.setup_timeout

    def _first_plan(self) -> Plan | Ending:
        if self.placing is not None:
            return plan_to(self._router, self.placing.first, self.placing.timeout)
        facts = Facts.of(self.origin) if isinstance(self.origin, ev.Incoming) else None
        return self._router.route(self.dialled, facts, stranger=self.caller.identity.user is None)

    def receive(self, event: ev.LegEvent, now: float) -> None:
        self.now = now
        if isinstance(event, ev.Finished):
            self._finished(event.leg)
            return
        party = self._device(event.leg)
        if party is not None:
            _HANDLERS[type(event)](self, party, event)

    def command(self, command: cmd.Command, now: float) -> None:
        """Raises CommandRefused where it makes no sense now."""
        self.now = now
        if isinstance(command, cmd.HangUp):
            self._end(ending(command.cause), command.leg)
            return
        handler = _COMMANDS.get(type(command))
        if handler is None:
            ORDERS[type(command)](self, command)
            return
        party = self._device(getattr(command, "leg", ""))
        if party is None:
            raise NoSuchLeg(f"There is no leg {getattr(command, 'leg', '')} in this call.")
        handler(self, party, command)

    def view(self) -> CallView:
        origin = self.origin
        return CallView(
            self.id,
            self.state.value,
            origin.kind if isinstance(origin, ev.Incoming) else "api",
            origin.caller,
            self.dialled,
            origin.trunk if isinstance(origin, ev.Incoming) else "",
            self.started_at,
            self.answered_at or None,
            tuple(party.view() for party in self.parties.values() if party.kind != "api"),
            dict(self.metadata),
            self.prompts.ids,
            self.tapes.ids,
            tuple(self.collectors),
        )

    def drained(self, now: float) -> None:
        """Every effect up to `Finish` has been carried out."""
        self.now = now
        self._step(On.DRAINED)

    def outgoing(self) -> list[fx.Effect]:
        self.show_peers()
        effects, self._effects = self._effects, []
        return effects

    def next_event(self) -> ev.CallEvent | None:
        return self._news.popleft() if self._news else None

    def wake_at(self) -> float | None:
        return min(self._deadlines.values(), default=None)

    def wake(self, now: float) -> None:
        self.now = now
        for name in [n for n, at in self._deadlines.items() if at <= now]:
            if self._deadlines.pop(name, None) is not None:  # an earlier one may have called it off
                self._due(name)

    def _device(self, leg: str) -> Party | None:
        """The party of this leg while it is in the call; an application has no device that could say anything."""
        party = self.parties.get(leg)
        return party if party is not None and party.has_device and self.ending is None else None

    def _finished(self, leg: str) -> None:
        if not self.board.has(leg):
            return
        if not self.prompts.finished(leg, self._prompt_rate) and not self.tapes.finished(leg, self.now):
            if self._script is None:
                return
            self._script.finished(leg)
        self.rewire()

    # ------------------------------------------------------------ the table turns

    def _step(self, on: On, party: Party | None = None) -> None:
        """Put one input through the table. Inputs that actions give rise to wait their turn."""
        self._inputs.append((on, party))
        if self._stepping:
            return
        self._stepping = True
        while self._inputs:
            on, party = self._inputs.popleft()
            if self.state in (State.ENDING, State.ENDED) and on is not On.DRAINED:
                continue
            self.state, actions = CALL[self.state][on]
            for action in actions:
                ACTIONS[action](self, party)
        self._stepping = False
        self.rewire()

    def _end(self, why: Ending, by: str | None = None) -> None:
        if self.ending is None:
            self.ending, self._ended_by = why, by
        self._step(On.END)

    def _due(self, name: str) -> None:
        kind, _, rest = name.partition(":")
        if kind == "ring":
            self._step(On.TIMED_OUT)
        elif kind == "setup":
            self._setup_too_slow()
        elif kind == "duration":
            self._end(ending("max-duration"))
        elif kind == "media":
            self._lost(rest)
        elif kind == "errand" and rest in self.errands:
            self.errands[rest].feed(ErrandOn.TIMED_OUT)
        elif kind == "collect" and rest in self.collectors:
            self.collected(self.collectors[rest], "timeout")
        elif self._script is not None:
            self._script.alarm(rest)
            self.rewire()

    def _lost(self, leg: str) -> None:
        party = self.parties.get(leg)
        if party is not None and self.may_go_on_without(party):
            self.leave(party, ending("media-timeout"), tell=True)
        else:
            self._end(ending("media-timeout"), leg)

    def _setup_too_slow(self) -> None:
        if self.state is State.ANSWERING and self.winner is not None:
            self._fall_out(self.winner, ending("timeout", "It answered, but its media could not be agreed in time."))
        else:
            self._end(ending("failed", "The caller's media could not be set up in time."))

    # ------------------------------------------------------------ what happened to a leg

    def _on_ready(self, party: Party, _: ev.LegEvent) -> None:
        if party is self.caller:
            if self.state is State.SETUP:
                self._step(On.CALLER_READY)
            return
        party.settling = max(0, party.settling - 1)
        errand = self.errand_of(party)
        if errand is not None and not party.settling:
            errand.feed(ErrandOn.READY, party)
        if party.settling or party is not self.winner:
            return
        if self.state is State.ANSWERING:
            self._joined(party)
        elif self.state is State.EARLY:
            party.early = True
            self.rewire()

    def _on_ringing(self, party: Party, _: ev.LegEvent) -> None:
        if party.phase is Phase.CALLED:
            party.phase = Phase.RINGING
            self.tell(ev.CallAlerting(self.id, self.now, party.leg))
            if party.errand is None:
                self._step(On.RINGING, party)

    def _on_early(self, party: Party, _: ev.LegEvent) -> None:
        if party.phase in (Phase.CALLED, Phase.RINGING):
            party.phase = Phase.EARLY
            if party.errand is None:
                self._step(On.EARLY_MEDIA, party)

    def _on_answered(self, party: Party, _: ev.LegEvent) -> None:
        if party.waiting:
            party.phase = Phase.PICKED_UP
            self._picked_up(party)

    def _on_left(self, party: Party, event: ev.LegEvent) -> None:
        """Rejected, HungUp or Failed: it will not be in this call any more."""
        assert isinstance(event, ev.Rejected | ev.HungUp | ev.Failed)
        status = event.status if isinstance(event, ev.Rejected) else None
        why = ending(event.cause, event.words, status)
        still_there = isinstance(event, ev.Failed)  # ours failed: the other side does not know yet
        if party is self.caller and party.phase is Phase.ARRIVED and not still_there and event.cause == "normal":
            why = ending("cancelled")
        errand = self.errand_of(party)
        if party.up and self.may_go_on_without(party):
            self.leave(party, why, tell=still_there)
        elif party is self.caller or party.up:
            if not still_there:
                self.forget(party, why)
            self._end(why, party.leg)
        elif errand is not None:
            self.dismiss(party, why, tell=still_there)
            errand.fell_out(party, why)
        else:
            if isinstance(event, ev.Rejected) and event.moved:
                why = self._divert(event.moved)
            self._fall_out(party, why, tell=still_there)

    def _divert(self, moved: tuple[str, ...]) -> Ending:
        """Follow a phone that is diverted to a number here. Nobody is called elsewhere on a phone's word."""
        number = self._router.here(moved)
        if number is None or self._hunt is None:
            return ending("unreachable", f"It has moved to {moved[0]}; only numbers here are followed.", 480)
        self._hunt.divert(number)
        return ending("unreachable", f"It has moved to {number}.", 480)

    def _on_reoffered(self, party: Party, _: ev.LegEvent) -> None:
        self.do(fx.AnswerReoffer(party.leg))

    def _on_answer_arrived(self, party: Party, _: ev.LegEvent) -> None:
        if party is not self.caller:
            party.settling += 1
        self.do(fx.Settle(party.leg))

    def _on_rate(self, party: Party, event: ev.LegEvent) -> None:
        assert isinstance(event, ev.RateAgreed)
        party.rate = event.rate
        self._tune()

    def _on_stalled(self, party: Party, event: ev.LegEvent) -> None:
        assert isinstance(event, ev.Stalled)
        party.stalled_for = event.seconds
        self.tell(ev.CallSilent(self.id, self.now, party.leg, True))
        self.watch_silence()

    def _on_flowing(self, party: Party, _: ev.LegEvent) -> None:
        if party.stalled_for is not None:
            party.stalled_for = None
            self.tell(ev.CallSilent(self.id, self.now, party.leg, False))
            self.watch_silence()

    def _on_digit(self, party: Party, event: ev.LegEvent) -> None:
        assert isinstance(event, ev.DigitHeard)
        if party.keys.take(1, self.now):
            self._pressed(party, event.key)

    def _pressed(self, party: Party, key: str) -> None:
        self.tell(ev.CallDigit(self.id, self.now, party.leg, key))
        self.prompts.key(party.leg, self._prompt_rate)
        self.key_collected(party, key)
        if self._script is not None and party is self.caller:
            self._script.digit(key)
        self.rewire()
        for other in self._others(party):
            self.do(fx.ShowDigit(other.leg, key))

    def _on_referred(self, party: Party, event: ev.LegEvent) -> None:
        """A phone transfers: to somebody new, or its two calls into one."""
        assert isinstance(event, ev.Referred)
        if event.replaces is not None:
            self.wishes.append(cmd.Merge(self.id, event.replaces.partition("-")[0], (party.leg, event.replaces)))
            return
        try:
            self.command(cmd.Transfer(party.leg, self._router.meant(event.to)), self.now)
        except CommandRefused as refused:
            self.refuse_transfer(party.leg, refused.words)

    def refuse_transfer(self, leg: str, words: str) -> None:
        self.do(fx.ShowTransfer(leg, "", "failed", ending("forbidden", words)))

    # ------------------------------------------------------------ what somebody asks

    def _hold(self, party: Party, command: cmd.Command) -> None:
        assert isinstance(command, cmd.Hold)
        if party.holding == command.on:
            return
        party.holding = command.on
        self.tell(ev.CallHeld(self.id, self.now, party.leg, command.on))
        self.do(fx.ShowHeld(party.leg, "me", command.on))
        for other in self._others(party):
            self.do(fx.ShowHeld(other.leg, "peer", command.on))
        self.rewire()
        self.watch_silence(anew=True)

    def _mute(self, party: Party, command: cmd.Command) -> None:
        assert isinstance(command, cmd.Mute)
        if party.muted == command.on:
            return
        party.muted = command.on
        self.tell(ev.CallMuted(self.id, self.now, party.leg, command.on))
        self.do(fx.Mute(party.leg, command.on))

    def _send_digits(self, party: Party, command: cmd.Command) -> None:
        assert isinstance(command, cmd.SendDigits)
        digits = command.digits[: party.keys.take(len(command.digits), self.now)]
        if not digits:
            return
        for other in self._others(party):
            self.do(fx.SendDigits(other.leg, digits))
        for key in digits:
            self._pressed(party, key)


_HANDLERS: dict[type, Callable[[Call, Party, ev.LegEvent], None]] = {
    ev.Ready: Call._on_ready,
    ev.Ringing: Call._on_ringing,
    ev.EarlyMedia: Call._on_early,
    ev.Answered: Call._on_answered,
    ev.Rejected: Call._on_left,
    ev.HungUp: Call._on_left,
    ev.Failed: Call._on_left,
    ev.Reoffered: Call._on_reoffered,
    ev.AnswerArrived: Call._on_answer_arrived,
    ev.RateAgreed: Call._on_rate,
    ev.Stalled: Call._on_stalled,
    ev.Flowing: Call._on_flowing,
    ev.DigitHeard: Call._on_digit,
    ev.Referred: Call._on_referred,
}

_COMMANDS: dict[type, Callable[[Call, Party, cmd.Command], None]] = {
    cmd.Hold: Call._hold,
    cmd.Mute: Call._mute,
    cmd.SendDigits: Call._send_digits,
}
