"""However programs, people and phones cross each other over many calls: all ends, and is given back exactly once."""

import random

import pytest

from gateway.calls import commands as cmd
from gateway.calls import effects as fx
from gateway.calls import events as ev
from gateway.calls.errors import CommandRefused
from tests.gateway.calls.office import Office
from tests.gateway.calls.world import ALICE_PAGE, BOB_PAGE, BOB_PHONE, CAROL_PHONE, route

NUMBERS = [
    "101",
    "102",
    "103",
    "104",
    "600",
    "601",
    "603",
    "700",
    "800",
    "999",
    "user:bob",
    "sip:x@192.0.2.1",
    "app:park",
]
ROUTES = [
    route("700", "user:carol", "user:bob", strategy="sequential", timeout=10, on_busy="603"),
    route("603", "app:record"),
    route("601", "app:tones"),
    route("600", "app:echo"),
    route("800", "app:conference:team"),
]
ROLES = ["member", "listen", "whisper", "barge", "king"]


class Story:
    """Seeded: mostly what could happen, now and then what could not."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.office = Office(routes=ROUTES, contacts=(ALICE_PAGE, BOB_PAGE, BOB_PHONE, CAROL_PHONE), max_calls=8)
        self.made = 0

    def leg(self) -> str:
        legs = [leg for call in self.office.table for leg in call.parties]
        return self.dice.choice(legs) if legs and self.dice.random() < 0.95 else f"c{self.dice.randint(1, 9)}-b3"

    def call(self) -> str:
        calls = [call.id for call in self.office.table]
        return self.dice.choice(calls) if calls and self.dice.random() < 0.95 else "c77"

    def name(self) -> str:
        return self.dice.choice("pqr")

    def event(self) -> ev.LegEvent:
        leg, dice = self.leg(), self.dice
        players = [e.leg for e in self.office.took(fx.Play, fx.Record)][-4:]
        return dice.choice(
            [
                ev.Ringing(leg), ev.Answered(leg), ev.Answered(leg), ev.Answered(leg), ev.EarlyMedia(leg),
                ev.Rejected(leg, dice.choice(["busy", "declined", "unreachable"])), ev.HungUp(leg),
                ev.Failed(leg, "bad-sdp"), ev.Stalled(leg, 5.0), ev.Flowing(leg), ev.DigitHeard(leg, dice.choice("1#")),
                ev.RateAgreed(leg, dice.choice([8000, 48000])), ev.Reoffered(leg),
                ev.Finished(dice.choice(players) if players else leg),
                ev.Referred(leg, dice.choice(NUMBERS), dice.choice([None, None, self.leg()])),
            ]
        )  # fmt: skip

    def command(self) -> cmd.Command:
        dice, leg, name = self.dice, self.leg(), self.name()
        return dice.choice(
            [
                cmd.HangUp(), cmd.Hold(leg, dice.random() < 0.5), cmd.Mute(leg, True), cmd.SendDigits(leg, "1#"),
                cmd.Dial(leg, "12"), cmd.Play(name, ("say:1", "tone:busy"), dice.choice([None, leg]), mix=True),
                cmd.Play(name, ("music",), dice.choice([None, leg]), loop=True, interrupt=True),
                cmd.StopPlaying(dice.choice([None, name])), cmd.Collect(name, leg),
                cmd.Collect(name, leg, prompt=("say:1",)),
                cmd.StopCollecting(name), cmd.Record(name, dice.choice([1, 2]), beep=dice.random() < 0.5),
                cmd.PauseRecording(name, dice.random() < 0.5), cmd.StopRecording(name),
                cmd.Add(dice.choice(NUMBERS), dice.choice(ROLES), leg), cmd.Add(dice.choice(NUMBERS)), cmd.Remove(leg),
                cmd.SetRole(leg, dice.choice(ROLES), self.leg()), cmd.Transfer(leg, dice.choice(NUMBERS)),
                cmd.Annotate({name: "x"}),
            ]
        )  # fmt: skip

    def step(self) -> None:
        dice, office = self.dice, self.office
        try:
            match dice.randint(0, 20):
                case 0:
                    user, kind = dice.choice([("alice", "browser"), ("bob", "browser"), ("carol", "sip")])
                    office.dial(dice.choice(NUMBERS), user=user, kind=kind)
                case 1:
                    office.place(dice.choice(NUMBERS), dice.choice(NUMBERS), record=True, play=("say:1",))
                case 2:
                    legs = (self.leg(), self.leg())[: dice.randint(0, 2)]
                    office.merge(self.call(), self.call(), *legs)
                case 3:
                    self.made += 1
                    office.table.split(cmd.Split(self.call(), self.leg(), f"s{self.made}"), office.now)
                    office.pump()
                case 4:
                    office.later(dice.choice([1.0, 11.0, 31.0]))
                case 5 | 6 | 7 | 8:
                    call = office.table.get(self.call())
                    if call is not None:
                        office.order(call.id, self.command())
                case _:
                    office.tell(self.event())
        except CommandRefused as refused:
            assert refused.words
            office.pump()


def check_books(office: Office) -> None:
    """Every leg is released once, by whichever call it was in last; nothing is said about it before or after."""
    there: set[str] = set()
    gone: set[str] = set()
    told_off: set[str] = set()
    for _, effect in office.done:
        name = getattr(effect, "leg", None)
        if isinstance(effect, fx.Ring | fx.Play | fx.Record | fx.AcceptOffer) or (
            name is not None
            and name not in there
            and name.endswith("-a")
            and isinstance(effect, fx.Progress | fx.Reject)
        ):
            assert name not in gone, effect
            there.add(name)
        elif isinstance(effect, fx.Release):
            there.discard(name)
            assert name not in gone, effect
            gone.add(name)
        elif name is not None:
            assert name in there, effect
        if isinstance(effect, fx.Reject | fx.Cancel | fx.HangUp):
            assert name not in told_off, effect
            told_off.add(name)
        if isinstance(effect, fx.Wire):
            for sink, sources in effect.graph.items():
                assert {sink.partition("/")[0], *sources} <= there, effect
    assert not there
    assert len(office.table) == 0
    assert office.table.wake_at() is None
    ends = [e.call for e in office.heard(ev.CallEnded)]
    assert sorted(ends) == sorted({e.call for e in office.heard(ev.CallStarted)})
    for started, ended in ((ev.PlayStarted, ev.PlayEnded), (ev.RecordingStarted, ev.RecordingEnded)):
        assert len(office.heard(started)) <= len(office.heard(ended))


@pytest.mark.parametrize("seed", range(120))
def test_every_story_ends_with_everything_given_back(seed):
    story = Story(seed)
    for _ in range(120):
        story.step()
    story.office.table.stop(story.office.now)
    story.office.pump()
    check_books(story.office)


@pytest.mark.parametrize("seed", range(1000, 1020))
def test_calls_that_nobody_ends_end_by_themselves(seed):
    story = Story(seed)
    for _ in range(60):
        story.step()
    story.office.later(100_000)
    check_books(story.office)
