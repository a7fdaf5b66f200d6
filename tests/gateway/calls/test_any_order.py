"""However events fall, a call ends, and gives back everything exactly once."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.calls import commands as cmd
from gateway.calls import effects as fx
from gateway.calls import events as ev
from gateway.calls.states import State

from .world import World, route

LEGS = [
    "c1-a",
    "c1-b1",
    "c1-b2",
    "c1-b3",
    "c1-b4",
    "c1-p1",
    "c1-p2",
    "c1-r1",
    "c1-r2",
    "c1-hold",
    "c1-ringback",
    "c1-b99",
]
ROUTES = [
    route("700", "user:carol", "user:bob", "user:dave", strategy="sequential", timeout=10, on_busy="603"),
    route("701", "user:carol", "sip:x@192.0.2.1", "user:bob", on_no_answer="700", on_unreachable="701"),
    route("603", "app:record"),
    route("601", "app:tones"),
]

leg = st.sampled_from(LEGS)
cause = st.sampled_from(["normal", "busy", "declined", "unreachable", "no-common-codec", "nobody knows this one"])
happening = st.one_of(
    *[
        st.builds(kind, leg)
        for kind in (ev.Ready, ev.Ringing, ev.EarlyMedia, ev.Answered, ev.Reoffered, ev.AnswerArrived)
    ],
    st.builds(ev.Flowing, leg),
    st.builds(ev.Finished, leg),
    st.builds(ev.Rejected, leg, cause, st.sampled_from([None, 404, 486, 503])),
    st.builds(ev.HungUp, leg),
    st.builds(ev.Failed, leg, cause),
    st.builds(ev.Stalled, leg, st.just(5.0)),
    st.builds(ev.RateAgreed, leg, st.sampled_from([8000, 16000, 48000])),
    st.builds(ev.DigitHeard, leg, st.sampled_from("5#*")),
    st.builds(cmd.Hold, leg, st.booleans()),
    st.builds(cmd.Mute, leg, st.booleans()),
    st.builds(cmd.SendDigits, leg, st.sampled_from(["1", "#"])),
    st.builds(cmd.HangUp, st.one_of(st.none(), leg)),
    st.floats(0.1, 40.0),
)
dialled = st.sampled_from(["102", "103", "104", "600", "601", "603", "700", "701", "nobody"])


def play(world: World, story: list) -> None:
    for step in story:
        if isinstance(step, float):
            world.later(step)
        elif isinstance(step, cmd.HangUp | cmd.Hold | cmd.Mute | cmd.SendDigits):
            world.ask(step)
        else:
            world.tell(step)


def check_books(world: World) -> None:
    """Every leg taken is released once; nothing is said about a leg before it is there or after it is gone."""
    there, gone = {"c1-a"}, set()
    told_off: dict[str, int] = {}
    for effect in world.done:
        name = getattr(effect, "leg", None)
        if isinstance(effect, fx.Ring | fx.Play | fx.Record):
            assert name not in there | gone
            there.add(name)
        elif isinstance(effect, fx.Release):
            there.remove(name)
            gone.add(name)
        elif name is not None:
            assert name in there, effect
        if isinstance(effect, fx.Reject | fx.Cancel | fx.HangUp):
            told_off[name] = told_off.get(name, 0) + 1
        if isinstance(effect, fx.Wire):
            for sink, sources in effect.graph.items():
                assert {sink if sink in there else sink.rpartition("/")[0], *sources} <= there, effect
    assert not there
    assert all(n == 1 for n in told_off.values())
    assert world.took(fx.Finish) == [world.done[-1]] == [fx.Finish()]
    assert world.took(fx.Wire) == [] or world.graph == {}
    assert world.call.wake_at() is None
    assert sum(isinstance(n, ev.CallEnded) for n in world.news) == 1
    started = {n.leg for n in world.news if isinstance(n, ev.CallStarted | ev.LegRang)}
    assert sorted(n.leg for n in world.news if isinstance(n, ev.LegLeft)) == sorted(started)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(dialled, st.sampled_from(["browser", "sip"]), st.booleans(), st.lists(happening, max_size=40))
def test_every_order_of_events_ends_with_everything_given_back(number, kind, ready, story):
    world = World(number, kind=kind, routes=ROUTES, ready=ready)
    play(world, story)
    world.ask(cmd.HangUp())
    world.call.drained(world.now) if world.state is State.ENDING else None
    assert world.state is State.ENDED
    check_books(world)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(dialled, st.lists(happening, max_size=25))
def test_a_call_that_nobody_ends_ends_by_itself(number, story):
    world = World(number, routes=ROUTES, kind="sip")
    play(world, story)
    world.later(100_000)
    assert world.state is State.ENDED
    check_books(world)


def test_long_plausible_stories_too():
    """Seeded: mostly sensible events on live legs, which random ones rarely hit."""
    dice = random.Random(7)
    for _ in range(300):
        world = World(
            dice.choice(["102", "700", "701", "603", "601"]), routes=ROUTES, kind=dice.choice(["sip", "browser"])
        )
        for _ in range(30):
            live = list(world.call.parties)
            if not live:
                break
            name = dice.choice(live)
            kinds = [ev.Ringing, ev.EarlyMedia, ev.Answered, ev.Ready, ev.Reoffered, ev.AnswerArrived, ev.Flowing]
            world.tell(dice.choice(kinds)(name))
            if dice.random() < 0.2:
                world.ask(cmd.Hold(name, dice.random() < 0.6))
            if dice.random() < 0.1:
                world.tell(ev.Rejected(name, "busy", 486))
            if dice.random() < 0.1:
                world.later(dice.choice([1, 11, 31]))
        world.ask(cmd.HangUp(cause="stopping"))
        check_books(world)
