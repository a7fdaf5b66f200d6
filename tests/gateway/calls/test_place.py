"""Calls that a program places."""

import pytest

from gateway.calls import commands as cmd
from gateway.calls import effects as fx
from gateway.calls import events as ev
from gateway.calls.errors import BadTarget, NotTaken
from gateway.calls.states import State
from tests.gateway.calls.office import Office


def test_click_to_call_rings_the_first_then_the_second_and_joins_them():
    office = Office()
    call = office.place("user:alice", "103", metadata={"ticket": "7"})
    (ring,) = office.took(fx.Ring)
    assert (ring.kind, ring.user, ring.caller) == ("browser", "alice", ev.Identity("api", "A program"))
    office.answer("c1-b1")
    second = office.took(fx.Ring)[-1]
    assert (second.user, second.caller.user) == ("carol", "alice")
    assert office.call(call).state is State.TRYING
    office.tell(ev.Ringing("c1-b2"))
    assert office.graph(call) == {"c1-b1": ("c1-ringback1",)}, "who waits hears it ring"
    office.tell(ev.Answered("c1-b2"))
    assert office.graph(call) == {"c1-b1": ("c1-b2",), "c1-b2": ("c1-b1",)}
    kinds = [type(e).__name__ for e in office.news]
    assert kinds == [
        "CallStarted", "CallAnnotated", "CallRouted", "LegRang", "CallAlerting", "LegAnswered", "CallRouted",
        "LegRang", "CallAlerting", "CallAnswered",
    ]  # fmt: skip
    assert not office.took(fx.Answer, fx.Progress, fx.AcceptOffer), "nobody has called us"
    office.tell(ev.HungUp("c1-b1"))
    assert office.heard(ev.CallEnded)[0].by == "c1-b1"
    assert office.balanced()


def test_the_second_is_shown_what_the_program_says():
    office = Office()
    office.place("user:alice", "103", callee_sees=ev.Identity("0800", "Shop"), headers=(("X-Ticket", "7"),))
    office.answer("c1-b1")
    ring = office.took(fx.Ring)[-1]
    assert (ring.caller.number, ring.headers) == ("0800", (("X-Ticket", "7"),))


def test_the_first_does_not_answer():
    office = Office()
    office.place("user:alice", "103", timeout=20)
    office.tell(ev.Ringing("c1-b1")).later(21)
    assert office.heard(ev.CallEnded)[0].ending.cause == "no-answer"
    assert office.balanced()


def test_the_second_does_not_answer():
    office = Office()
    office.place("user:alice", "103", timeout=20)
    office.answer("c1-b1").tell(ev.Ringing("c1-b2")).later(21)
    (ended,) = office.heard(ev.CallEnded)
    assert (ended.ending.cause, ended.talked) == ("no-answer", None)
    assert [e.leg for e in office.took(fx.HangUp)] == ["c1-b1"]
    assert office.balanced()


def test_the_first_hangs_up_while_the_second_rings():
    office = Office()
    office.place("user:alice", "103")
    office.answer("c1-b1").tell(ev.Ringing("c1-b2"), ev.HungUp("c1-b1"))
    assert [e.leg for e in office.took(fx.Cancel)] == ["c1-b2"]
    assert office.balanced()


def test_all_devices_of_the_first_ring_and_one_becomes_the_caller():
    office = Office()
    office.place("user:bob", "103")
    assert office.rung() == ["c1-b1", "c1-b2"]
    office.tell(ev.Ringing("c1-b1")).answer("c1-b2")
    assert [e.leg for e in office.took(fx.Cancel)] == ["c1-b1"]
    office.answer("c1-b3")
    assert office.graph("c1") == {"c1-b2": ("c1-b3",), "c1-b3": ("c1-b2",)}


def test_the_second_number_leads_nowhere():
    office = Office()
    office.place("user:alice", "999")
    office.answer("c1-b1")
    assert office.heard(ev.CallEnded)[0].ending.cause == "unknown-number"
    assert office.balanced()


def test_a_parked_call_waits_for_orders_and_plays_what_was_ordered():
    office = Office()
    call = office.place("user:alice", "app:park", play=("say:welcome", "tone:beep"), record=True)
    office.answer("c1-b1")
    assert office.call(call).state is State.CONNECTED
    (play,) = office.took(fx.Play)
    assert play.source == "say:welcome+tone:beep"
    assert office.graph(call)["c1-b1"] == (play.leg,)
    office.tell(ev.Finished(play.leg))
    assert office.heard(ev.PlayEnded)[0].why == "done"
    assert office.heard(ev.RecordingStarted)[0].name == "c1-1"
    office.order(call, cmd.HangUp())
    assert office.balanced()


def test_what_cannot_be_placed():
    office = Office(max_calls=1)
    with pytest.raises(BadTarget, match="no target"):
        office.place("nonsense:x", "103")
    with pytest.raises(BadTarget):
        office.place("user:alice", "sips:x@y")
    office.place("user:alice", "103")
    with pytest.raises(NotTaken, match="as many calls"):
        office.place("user:bob", "103")


def test_its_longest_time():
    office = Office()
    office.place("user:alice", "103", max_duration=60)
    office.answer("c1-b1").answer("c1-b2").later(61)
    assert office.heard(ev.CallEnded)[0].ending.cause == "max-duration"
