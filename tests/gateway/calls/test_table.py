"""Many calls at once."""

from itertools import count

import pytest

from gateway.calls import commands as cmd
from gateway.calls import effects as fx
from gateway.calls import events as ev
from gateway.calls.errors import NotTaken
from gateway.calls.router import Router
from gateway.calls.settings import CallSettings
from gateway.calls.table import CallTable

from .world import USERS, Directory, route


def table(*routes, **settings) -> CallTable:
    numbers = count(1)
    return CallTable(CallSettings(**settings), Router(routes, USERS), Directory(), lambda: f"x{next(numbers)}")


def arrive(t: CallTable, dialled="102", user="alice"):
    call = t.incoming(ev.Incoming("sip", f"sip:{user}@192.0.2.9", ev.Identity("1", user=user), dialled))
    t.begin(call, 1.0)
    return call


def carry_out(t: CallTable) -> list[fx.Effect]:
    done = []
    while batch := t.outgoing():
        for call, effects in batch:
            for effect in effects:
                done.append(effect)
                if isinstance(effect, fx.AcceptOffer):
                    t.receive(ev.Ready(effect.leg), 1.0)
                if isinstance(effect, fx.Finish):
                    t.drained(call, 1.0)
    return done


def test_calls_are_found_by_leg_and_gone_when_ended():
    t = table()
    call = arrive(t)
    carry_out(t)
    assert t.of_leg("x1-a") is t.of_leg("x1-b1") is call
    t.receive(ev.HungUp("x1-a"), 2.0)
    carry_out(t)
    assert len(t) == 0
    assert t.of_leg("x1-a") is None
    assert t.receive(ev.HungUp("x1-a"), 2.0) is None


def test_a_full_gateway_says_so():
    t = table(max_calls=1)
    arrive(t)
    arrive(t, user="carol")
    (reject,) = [e for e in carry_out(t) if isinstance(e, fx.Reject)]
    assert (reject.ending.cause, reject.ending.status) == ("full", 503)


def test_a_user_may_be_in_so_many_calls_and_no_more():
    t = table(max_calls_per_user=1)
    arrive(t, "bob")
    carry_out(t)
    assert t.calls_of("bob") == 1
    arrive(t, "bob", user="carol")
    assert [e.ending.cause for e in carry_out(t) if isinstance(e, fx.Reject)] == ["busy"]


def test_a_user_may_place_so_many_calls_and_no_more():
    t = table(route("600", "app:echo"), max_calls_per_user=2)
    for _ in range(3):
        arrive(t, "600")
    for _ in range(3):
        arrive(t, "600", user=None)  # a trunk carries the calls of many
    refused = [e for e in carry_out(t) if isinstance(e, fx.Reject) and e.ending.cause == "busy"]
    assert [(e.leg, e.ending.status) for e in refused] == [("x3-a", 486)]
    assert "already in as many calls as allowed (2)" in refused[0].ending.words


def test_stopping_ends_all_and_takes_no_more():
    t = table()
    arrive(t)
    carry_out(t)
    t.stop(5.0)
    endings = [e.ending.cause for e in carry_out(t) if isinstance(e, fx.Reject | fx.Cancel)]
    assert set(endings) == {"stopping"}
    assert len(t) == 0
    arrive(t)
    assert [e.ending.status for e in carry_out(t) if isinstance(e, fx.Reject)] == [503]


def test_draining_ends_none_and_takes_no_more():
    t = table(route("600", "app:echo"))
    arrive(t, "600")
    carry_out(t)
    t.drain()
    arrive(t, "600")
    (refusal,) = [e.ending for e in carry_out(t) if isinstance(e, fx.Reject)]
    assert (refusal.cause, refusal.status) == ("stopping", 503)
    assert "takes no new calls" in refusal.words
    with pytest.raises(NotTaken, match="takes no new calls"):
        t.place(cmd.Place("user:bob", "app:echo", ev.Identity("program")), 6.0)
    assert len(t) == 1


def test_one_deadline_wakes_all():
    t = table()
    assert t.wake_at() is None
    arrive(t)
    assert t.wake_at() == 1.0 + CallSettings().setup_timeout
    t.wake(100.0)
    carry_out(t)
    assert len(t) == 0
