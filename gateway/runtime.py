"""The hand of call control: carries out what calls want, in each call's order, and tells them what came of it.

Each call has a queue of its own; one worker drains it, so that an await of one call never reorders its effects nor
holds up another call. An effect that fails becomes an event (this leg failed, this player finished), never a dead
call. Descriptions (SDP) pass from driver to media and back through `_Leg`, unread. The table's one deadline is this
file's one timer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.calls import commands as cmd
from gateway.calls import effects as fx
from gateway.calls import events as ev
from gateway.calls.call import Call
from gateway.calls.errors import NoSuchCall
from gateway.calls.ports import Driver, Screen
from gateway.calls.table import CallTable
from gateway.calls.view import CallView
from media import events as me
from media.errors import BadDescription, MediaError
from media.host import MediaHost, OpenPlayer, OpenRecorder, OpenSip, OpenWebrtc

log = logging.getLogger(__name__)

MEDIA_PATIENCE = 10.0
"""Seconds for one order to media before it counts as failed."""
HOLDS = ("recvonly", "inactive")
"""Our directions when the other side holds us: it wants to hear nothing (RFC 3264 section 8.4)."""


@dataclass(slots=True)
class _Leg:
    """A party's descriptions on their way."""

    kind: str
    offer: bytes = b""
    """What it last offered."""
    their_answer: bytes = b""
    our_answer: bytes = b""
    """Kept until the call wants it sent."""
    delayed: bool = False
    """It called without an offer: ours goes with the 200, its answer comes with the ACK (RFC 3261 section 13.2.1)."""
    settled: bool = False
    opened: bool = False


class Runtime:
    """`Control` for drivers, `Desk` for programs. `publish` gets every call event, in order."""

    def __init__(
        self,
        table: CallTable,
        *,
        recordings: Path,
        publish: Callable[[ev.CallEvent], None] = lambda event: None,
    ) -> None:
        self.table = table
        self.failed: Counter[str] = Counter()
        """Effects that failed, by name and error."""
        self.refused: Counter[str] = Counter()
        """What media threw away, by reason."""
        self._recordings, self._publish = recordings, publish
        self._media: MediaHost
        self._drivers: Mapping[str, Driver] = {}
        self._legs: dict[str, _Leg] = {}
        self._queues: dict[str, deque[fx.Effect]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._armed_at = 0.0
        self._idle = asyncio.Event()

    def connect(self, media: MediaHost, drivers: Mapping[str, Driver]) -> None:
        """The hands; once, before the first call."""
        self._media, self._drivers = media, drivers

    # ------------------------------------------------------------ from drivers (calls.ports.Control)

    def incoming(self, event: ev.Incoming, body: bytes) -> str:
        call = self.table.incoming(event)
        self._legs[call.caller.leg] = _Leg(event.kind, offer=body)
        self._idle.clear()
        self.table.begin(call, self._now())
        self._pump()
        return call.caller.leg

    def tell(self, event: ev.LegEvent, body: bytes = b"") -> None:
        leg = self._legs.get(event.leg)
        if leg is not None:
            if isinstance(event, ev.Reoffered):
                leg.offer = body
            elif isinstance(event, ev.Answered | ev.EarlyMedia | ev.AnswerArrived):
                leg.their_answer = body or leg.their_answer
        self.table.receive(event, self._now())
        self._pump()

    def ask(self, leg: str, command: cmd.Command) -> None:
        call = self.table.of_leg(leg)
        if call is not None:
            self.table.command(call, command, self._now())
            self._pump()

    def wish(self, leg: str, command: cmd.Command) -> None:
        call = self.table.of_leg(leg)
        if call is not None:
            self.command(call.id, command)

    def join(self, leg: str, other: str, *, leave: bool) -> None:
        first, second = self.table.of_leg(leg), self.table.of_leg(other)
        if first is None or second is None:
            raise NoSuchCall("One of the two calls has just ended.")
        self.merge(cmd.Merge(first.id, second.id, (leg, other) if leave else (other,)))

    def candidate(self, leg: str, candidate: str | None) -> None:
        if leg in self._legs and self._legs[leg].opened:
            self._media.candidate(leg, candidate)

    # ------------------------------------------------------------ from programs (calls.ports.Desk)

    def place(self, order: cmd.Place) -> str:
        call = self.table.place(order, self._now())
        self._idle.clear()
        self._pump()
        return call.id

    def command(self, call: str, command: cmd.Command) -> None:
        found = self.table.get(call)
        if found is None:
            raise NoSuchCall(f"There is no live call {call}. It is over, or never was.")
        try:
            self.table.order(found, command, self._now())
        finally:
            self._pump()

    def merge(self, order: cmd.Merge) -> None:
        self.table.merge(order, self._now())
        self._pump()

    def split(self, order: cmd.Split) -> None:
        self.table.split(order, self._now())
        self._pump()

    def view(self, call: str) -> CallView | None:
        found = self.table.get(call)
        return found.view() if found is not None else None

    def views(self) -> list[CallView]:
        return [call.view() for call in self.table]

    # ------------------------------------------------------------ from media

    def on_media(self, event: me.MediaEvent) -> None:
        match event:
            case me.Failed(leg=leg, reason=reason):
                self._media_failed(leg, reason)
            case me.Connected(leg=leg) | me.Disconnected(leg=leg):
                state = "connected" if isinstance(event, me.Connected) else "disconnected"
                self._show(leg, lambda screen: screen.show_media(leg, state))
                self._seen(leg, lambda call, at: ev.LegTransport(call, at, leg, state))
            case me.Stalled(leg=leg, seconds=seconds):
                self.tell(ev.Stalled(leg, seconds))
            case me.Resumed(leg=leg):
                self.tell(ev.Flowing(leg))
            case me.DigitPressed(leg=leg, key=key):
                self.tell(ev.DigitHeard(leg, key))
            case me.Finished(leg=leg):
                self.tell(ev.Finished(leg))
            case me.Quality(leg=leg, stats=stats):
                self._measured(leg, asdict(stats))
            case me.LocalCandidate(leg=leg, candidate=candidate):
                self._show(leg, lambda screen: screen.candidate(leg, candidate))
            case me.Negotiated(leg=leg):
                self._negotiated(event)
            case me.Refused(why=why, count=count):
                self.refused[why] += count
            case me.FirstMedia(leg=leg):
                self._seen(leg, lambda call, at: ev.LegHeard(call, at, leg, ""))  # media does not tell where from yet

    def _media_failed(self, leg: str, reason: str) -> None:
        if leg in self._legs:
            self.tell(ev.Failed(leg, "media-transport-failed", reason))
        else:  # a player or recorder: the call goes on without it
            log.warning("%s: %s", leg, reason)
            self.tell(ev.Finished(leg))

    def _negotiated(self, event: me.Negotiated) -> None:
        self.tell(ev.RateAgreed(event.leg, event.sample_rate))
        facts = (event.leg, event.encoding, event.sample_rate, event.direction)
        self._seen(event.leg, lambda call, at: ev.LegMedia(call, at, *facts))
        known = self._legs.get(event.leg)
        if known is not None and known.kind == "sip":  # a page holds by its own message
            self.ask(event.leg, cmd.Hold(event.leg, event.direction in HOLDS))

    def _measured(self, leg: str, figures: dict[str, object]) -> None:
        self._show(leg, lambda screen: screen.show_quality(leg, figures))
        self._seen(leg, lambda call, at: ev.LegQuality(call, at, leg, figures))

    def _last_measured(self, leg: str) -> None:
        """How it sounded up to the end, for those who keep records."""
        known = self._legs.get(leg)
        if known is not None and known.opened:
            with suppress(MediaError):
                figures = asdict(self._media.stats(leg))
                self._seen(leg, lambda call, at: ev.LegQuality(call, at, leg, figures))

    def _seen(self, leg: str, event: Callable[[str, float], ev.CallEvent]) -> None:
        """Publish what was seen of a leg, in the call where it is now."""
        call = self.table.of_leg(leg)
        if call is not None and leg in self._legs:
            self._publish(event(call.id, self._now()))

    def _described(self, leg: str, side: str, what: str, body: bytes) -> None:
        if body:
            text = body.decode("utf-8", "replace")
            self._seen(leg, lambda call, at: ev.LegDescribed(call, at, leg, side, what, text))

    def _show(self, leg: str, show: Callable[[Screen], None]) -> None:
        known = self._legs.get(leg)
        screen = self._drivers.get(known.kind) if known is not None else None
        if screen is not None and hasattr(screen, "show_media"):
            show(screen)  # type: ignore[arg-type]

    # ------------------------------------------------------------ start and stop

    async def stop(self, patience: float) -> None:
        """End every call, and wait until all is given back (at most `patience` seconds)."""
        self.table.stop(self._now())
        self._pump()
        if len(self.table):
            try:
                await asyncio.wait_for(self._idle.wait(), patience)
            except TimeoutError:
                log.warning("%d calls did not end in time", len(self.table))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # ------------------------------------------------------------ turning the crank

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _pump(self) -> None:
        """Queue what calls want, publish their news, arm the timer."""
        for call, effects in self.table.outgoing():
            self._queues.setdefault(call.id, deque()).extend(effects)
            if call.id not in self._workers:
                self._workers[call.id] = asyncio.create_task(self._work(call), name=f"call-{call.id}")
        while (event := self.table.next_event()) is not None:
            self._publish(event)
        self._arm()

    def _arm(self) -> None:
        at = self.table.wake_at()
        if self._timer is not None:
            if self._armed_at == at:
                return
            self._timer.cancel()
            self._timer = None
        if at is not None:
            # when it was armed for is ours to remember: uvloop's handle of what is due at once has no when()
            self._armed_at = at
            self._timer = asyncio.get_running_loop().call_at(at, self._wake)

    def _wake(self) -> None:
        self._timer = None
        # A loop whose clock moves in whole milliseconds may call a little early: never spin on that.
        self.table.wake(max(self._now(), self.table.wake_at() or 0.0))
        self._pump()

    async def _work(self, call: Call) -> None:
        queue = self._queues[call.id]
        while queue:
            effect = queue.popleft()
            if isinstance(effect, fx.Finish):
                break
            try:
                async with asyncio.timeout(MEDIA_PATIENCE):
                    await self._carry_out(call, effect)
            except Exception as error:
                self._effect_failed(effect, error)
        else:
            del self._workers[call.id]
            return
        del self._workers[call.id], self._queues[call.id]
        self.table.drained(call, self._now())
        self._pump()
        if not len(self.table):
            self._idle.set()

    async def _carry_out(self, call: Call, effect: fx.Effect) -> None:
        if isinstance(effect, fx.Wire):
            self._media.wire(call.id, effect.graph)
            return
        outcome = _HANDS[type(effect)](self, effect)
        if outcome is not None:
            await outcome

    def _effect_failed(self, effect: fx.Effect, error: Exception) -> None:
        """A failure is news for the call where it cannot go on without, and a line in the log where it can."""
        if isinstance(effect, fx.AnswerReoffer):
            self._refuse_reoffer(effect.leg, error)
            if isinstance(error, MediaError):
                return  # their mistake
        name = type(effect).__name__
        self.failed[f"{name}: {type(error).__name__}"] += 1
        if not isinstance(error, MediaError | TimeoutError | OSError):
            log.error("%s failed", effect, exc_info=error)
        if isinstance(effect, fx.AcceptOffer | fx.Ring | fx.Settle):
            cause = getattr(error, "cause", "failed")
            self.tell(ev.Failed(effect.leg, cause, str(error) if isinstance(error, MediaError) else ""))
        elif isinstance(effect, fx.Play | fx.Record):
            log.warning("%s: %s", effect.leg, error)
            self.tell(ev.Finished(effect.leg))
        elif isinstance(error, OSError):
            log.warning("%s failed: %s", name, error)

    def _refuse_reoffer(self, leg: str, error: Exception) -> None:
        """Whatever went wrong: an offer without an answer would be in the way of every later one (RFC 3261 14.2)."""
        log.warning("%s: its new offer is refused: %s", leg, str(error) or type(error).__name__)
        if leg in self._legs:
            status = error.sip_status if isinstance(error, MediaError) else 500
            self._drivers[self._legs[leg].kind].refuse_reoffer(leg, status)

    # ------------------------------------------------------------ effects: descriptions

    async def _accept_offer(self, effect: fx.AcceptOffer) -> None:
        leg = self._legs[effect.leg]
        self._open(effect.leg, effect.kind, effect.rate)
        leg.delayed = not leg.offer
        if leg.delayed:
            leg.our_answer = await self._media.offer(effect.leg)
        else:
            self._described(effect.leg, "theirs", "offer", leg.offer)
            leg.our_answer = await self._media.accept(effect.leg, leg.offer)
        self._described(effect.leg, "ours", "offer" if leg.delayed else "answer", leg.our_answer)
        self.tell(ev.Ready(effect.leg))

    async def _ring(self, effect: fx.Ring) -> None:
        self._legs[effect.leg] = _Leg(effect.kind)
        self._open(effect.leg, effect.kind, effect.rate)
        offer = await self._media.offer(effect.leg)
        self._described(effect.leg, "ours", "offer", offer)
        driver = self._drivers[effect.kind]
        driver.ring(effect.leg, effect.address, effect.user, effect.caller, offer, effect.hops, effect.headers)

    async def _settle(self, effect: fx.Settle) -> None:
        leg = self._legs[effect.leg]
        answer, leg.their_answer = leg.their_answer, b""
        if answer:
            self._described(effect.leg, "theirs", "answer", answer)
            await self._media.settle(effect.leg, answer)
            leg.settled = True
        elif not leg.settled:
            raise BadDescription("It answered without a description of its media (SDP).")
        self.tell(ev.Ready(effect.leg))

    async def _answer_reoffer(self, effect: fx.AnswerReoffer) -> None:
        leg, driver = self._legs[effect.leg], self._drivers[self._legs[effect.leg].kind]
        if leg.offer:
            self._described(effect.leg, "theirs", "offer", leg.offer)
            answer = await self._media.accept(effect.leg, leg.offer)
        else:  # a re-INVITE without one asks for ours
            answer = await self._media.offer(effect.leg)
        self._described(effect.leg, "ours", "answer" if leg.offer else "offer", answer)
        driver.answer_reoffer(effect.leg, answer)

    async def _tune(self, effect: fx.Tune) -> None:
        self._media.playback_rate(effect.leg, effect.rate)
        self._drivers[self._legs[effect.leg].kind].reoffer(effect.leg, await self._media.offer(effect.leg))

    def _open(self, leg: str, kind: str, rate: int) -> None:
        self._media.open(OpenWebrtc(leg, playback_rate=rate) if kind == "browser" else OpenSip(leg))
        self._legs[leg].opened = True

    # ------------------------------------------------------------ effects: what parties are told

    def _progress(self, effect: fx.Progress) -> None:
        leg = self._legs[effect.leg]
        self._drivers[leg.kind].progress(effect.leg, effect.stage, b"" if leg.delayed else leg.our_answer)

    def _answer(self, effect: fx.Answer) -> None:
        leg = self._legs[effect.leg]
        self._drivers[leg.kind].answer(effect.leg, leg.our_answer)

    def _reject(self, effect: fx.Reject) -> None:
        self._drivers[self._legs[effect.leg].kind].reject(effect.leg, effect.ending)

    def _cancel(self, effect: fx.Cancel) -> None:
        self._drivers[self._legs[effect.leg].kind].cancel(effect.leg, effect.ending)

    def _hang_up(self, effect: fx.HangUp) -> None:
        self._drivers[self._legs[effect.leg].kind].hang_up(effect.leg, effect.ending)

    def _show_held(self, effect: fx.ShowHeld) -> None:
        self._show(effect.leg, lambda screen: screen.show_held(effect.leg, effect.by, effect.on))

    def _show_digit(self, effect: fx.ShowDigit) -> None:
        self._show(effect.leg, lambda screen: screen.show_digit(effect.leg, effect.key))

    def _show_peers(self, effect: fx.ShowPeers) -> None:
        self._show(effect.leg, lambda screen: screen.show_peers(effect.leg, effect.peers))

    def _show_transfer(self, effect: fx.ShowTransfer) -> None:
        driver = self._drivers.get(self._legs[effect.leg].kind) if effect.leg in self._legs else None
        if driver is not None:
            driver.show_transfer(effect.leg, effect.to, effect.state, effect.ending)

    # ------------------------------------------------------------ effects: sound

    def _play(self, effect: fx.Play) -> None:
        parts = effect.source.split("+")
        source = "+".join(
            f"file:{self._file(p.removeprefix('recording:'))}" if p.startswith("recording:") else p for p in parts
        )
        self._media.open(OpenPlayer(effect.leg, source, loop=effect.loop, rate=effect.rate))

    def _record(self, effect: fx.Record) -> None:
        self._recordings.mkdir(parents=True, exist_ok=True)
        path = str(self._file(effect.name))
        self._media.open(OpenRecorder(effect.leg, path, rate=effect.rate, channels=effect.channels))

    def _discard(self, effect: fx.Discard) -> None:
        self._file(effect.name).unlink(missing_ok=True)

    def _mute(self, effect: fx.Mute) -> None:
        self._media.mute(effect.leg, effect.on)

    def _send_digits(self, effect: fx.SendDigits) -> None:
        if self._legs[effect.leg].kind != "browser":  # a page is shown the key instead
            self._media.send_digits(effect.leg, effect.digits)

    async def _release(self, effect: fx.Release) -> None:
        self._last_measured(effect.leg)
        leg = self._legs.pop(effect.leg, None)
        if leg is not None:
            self._drivers[leg.kind].release(effect.leg)
        if leg is None or leg.opened:
            await self._media.close(effect.leg)

    def _file(self, name: str) -> Path:
        return self._recordings / f"{name}.wav"


_HANDS: dict[type, Callable[[Runtime, Any], Awaitable[None] | None]] = {
    fx.AcceptOffer: Runtime._accept_offer,
    fx.Ring: Runtime._ring,
    fx.Settle: Runtime._settle,
    fx.AnswerReoffer: Runtime._answer_reoffer,
    fx.Tune: Runtime._tune,
    fx.Progress: Runtime._progress,
    fx.Answer: Runtime._answer,
    fx.Reject: Runtime._reject,
    fx.Cancel: Runtime._cancel,
    fx.HangUp: Runtime._hang_up,
    fx.ShowHeld: Runtime._show_held,
    fx.ShowDigit: Runtime._show_digit,
    fx.ShowTransfer: Runtime._show_transfer,
    fx.ShowPeers: Runtime._show_peers,
    fx.Play: Runtime._play,
    fx.Record: Runtime._record,
    fx.Discard: Runtime._discard,
    fx.Mute: Runtime._mute,
    fx.SendDigits: Runtime._send_digits,
    fx.Release: Runtime._release,
}
