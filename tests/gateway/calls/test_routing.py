"""Conditions of routes, ring groups, webhooks, and why a route was taken or not."""

from datetime import datetime

import pytest

from gateway.calls.causes import Ending
from gateway.calls.patterns import BadPattern
from gateway.calls.router import Facts, Group, Plan, Router, Target
from gateway.calls.routing.hours import Hours

from .world import USERS, route

FRIDAY_NOON = datetime(2026, 11, 27, 12)
INSIDE = Facts(number="101", user="alice", source="10.0.0.7")
OUTSIDE = Facts(number="+4930123", trunk="office", source="192.0.2.1", stranger=True)


def router(*routes, groups=(), at=FRIDAY_NOON, chance=lambda: 0.0) -> Router:
    return Router(routes, USERS, frozenset({"gw.test"}), groups=groups, clock=lambda: at, chance=chance)


def group(name, *members, **more) -> Group:
    return Group(name, tuple(Target.parse(m) for m in members), **more)


@pytest.mark.parametrize(
    ("condition", "facts", "taken"),
    [
        ({"callers": ("1XX",)}, INSIDE, True),
        ({"callers": ("user:alice",)}, INSIDE, True),
        ({"callers": ("alice", "bob")}, INSIDE, True),
        ({"callers": ("101",)}, Facts(user="alice"), True),
        ({"callers": ("re:^\\+49",)}, OUTSIDE, True),
        ({"callers": ("re:^\\+44",)}, OUTSIDE, False),
        ({"callers": ("any",)}, Facts(), False),
        ({"callers": ("alice",)}, Facts(number="alice", stranger=True), True),
        ({"callers": ("user:alice",)}, Facts(number="alice", stranger=True), False),
        ({"trunks": ("office",)}, OUTSIDE, True),
        ({"trunks": ("itsp", "Office")}, OUTSIDE, True),
        ({"trunks": ("office",)}, INSIDE, False),
        ({"trunks": ("none",)}, INSIDE, True),
        ({"trunks": ("none",)}, OUTSIDE, False),
        ({"sources": ("192.0.2.0/24",)}, OUTSIDE, True),
        ({"sources": ("192.0.2.0/24",)}, Facts(source="::ffff:192.0.2.9"), True),
        ({"sources": ("192.0.2.0/24",)}, INSIDE, False),
        ({"sources": ("192.0.2.0/24",)}, Facts(), False),
        ({"hours": (Hours.parse("Mo-Fr 08:00-18:00"),)}, INSIDE, True),
        ({"hours": (Hours.parse("Sa"), Hours.parse("Fr 12:00-13:00"))}, INSIDE, True),
        ({"hours": (Hours.parse("Sa"),)}, INSIDE, False),
    ],
)
def test_a_route_is_taken_only_where_its_conditions_hold(condition, facts, taken):
    r = router(route("600", "app:echo", **condition), route("600", "app:music"))
    assert r.route("600", facts).targets == (("app:echo",) if taken else ("app:music",))


def test_why_each_route_was_not_taken():
    r = router(
        route("7XX", "app:echo"),
        route("any", "app:echo", trunks=("itsp",)),
        route("600", "app:echo", callers=("user:bob",)),
        route("600", "app:echo", sources=("10.1.0.0/16",)),
        route("600", "app:echo", hours=(Hours.parse("Sa"),)),
        route("600", "app:music"),
        route("600", "app:tones"),
    )
    explained = r.explain("sip:600@gw.test", INSIDE)
    assert [step.why_not for step in explained.steps] == [
        'match: "600" is not 7XX',
        "trunk: the call came in by no trunk, not by itsp",
        "from: the caller is 101, not user:bob",
        "source: the call came from 10.0.0.7, not from 10.1.0.0/16",
        "hours: it is Fr 12:00, not Sa",
        "",
    ]
    assert explained.number == "600"
    assert isinstance(explained.outcome, Plan)
    assert explained.outcome.targets == ("app:music",)


def test_numbers_that_lead_to_numbers_are_explained_too():
    explained = router(route("0", "600"), route("600", "102")).explain("0")
    assert [(step.number, step.index, step.why_not) for step in explained.steps] == [
        ("0", 0, ""),
        ("600", 0, 'match: "600" is not 0'),
        ("600", 1, ""),
        ("102", 0, 'match: "102" is not 0'),
        ("102", 1, 'match: "102" is not 600'),
        ("102", -1, ""),
    ]


def test_hours_need_a_clock():
    with pytest.raises(ValueError, match="clock"):
        Router([route("600", "app:echo", hours=(Hours.parse("Sa"),))], USERS)


def groups_of(plan) -> list[list[str]]:
    assert isinstance(plan, Plan), plan
    return [[str(target) for target in group] for group in plan.groups]


def test_a_group_rings_all_its_members():
    r = router(route("300", "group:Sales"), groups=[group("sales", "alice", "102", "sip:x@y.test", timeout=7)])
    plan = r.route("300")
    assert groups_of(plan) == [["user:alice", "user:bob", "sip:x@y.test"]]
    assert plan.timeout == 7


def test_a_routes_own_time_stands_above_its_groups():
    r = router(route("300", "group:sales", timeout=3), groups=[group("sales", "alice", timeout=7)])
    assert r.route("300").timeout == 3


def test_a_sequence_beside_another_target_begins_at_once():
    r = router(
        route("300", "group:sales", "carol"), groups=[group("sales", "alice", "bob", "carol", strategy="sequential")]
    )
    assert groups_of(r.route("300")) == [["user:alice", "user:carol"], ["user:bob"], ["user:carol"]]


def test_a_sequence_of_groups():
    r = router(route("300", "group:sales", "dave", strategy="sequential"), groups=[group("sales", "alice", "bob")])
    assert groups_of(r.route("300")) == [["user:alice", "user:bob"], ["user:dave"]]


def test_each_in_turn_is_first():
    r = router(route("300", "group:sales"), groups=[group("sales", "alice", "bob", "carol", strategy="round-robin")])
    firsts = []
    for _ in range(4):
        r.explain("300")  # to look costs nobody a turn
        firsts.append(groups_of(r.route("300"))[0][0])
    assert firsts == ["user:alice", "user:bob", "user:carol", "user:alice"]


def test_any_order():
    chances = iter([0.9, 0.1, 0.5])
    r = router(
        route("300", "group:sales"),
        groups=[group("sales", "alice", "bob", "carol", strategy="random")],
        chance=lambda: next(chances),
    )
    assert groups_of(r.route("300")) == [["user:bob"], ["user:carol"], ["user:alice"]]


def test_groups_that_are_wrong_are_told():
    r = router(
        route("1", "group:nobody"),
        route("2", "group:a"),
        groups=[group("a", "group:b"), group("b", "group:a")],
    )
    assert "There is no group nobody" in r.route("1").words
    assert r.route("2").cause == "loop"


def test_a_member_of_a_group_that_a_route_leads_to():
    r = router(route("any", "group:all"), groups=[group("all", "alice", "bob")])
    assert groups_of(r.route("alice")) == [["user:alice", "user:bob"]]


def test_a_group_as_forward_is_rung_as_a_group():
    r = router(route("1", "alice", on_busy="group:rest"), groups=[group("rest", "bob", "carol", strategy="sequential")])
    plan = r.route("1")
    forward = r.towards(plan.forwards["busy"], "busy", plan)
    assert groups_of(forward) == [["user:bob"], ["user:carol"]]
    assert forward.route == "1 (busy)"


def test_a_group_is_no_way_out_for_strangers():
    r = router(
        route("1", "group:out"), route("2", "alice", on_busy="group:out"), groups=[group("out", "trunk:office/0815")]
    )
    refused = r.route("1", OUTSIDE)
    assert isinstance(refused, Ending)
    assert refused.status == 403
    plan = r.route("2", OUTSIDE)
    assert r.towards(plan.forwards["busy"], "busy", plan).status == 403
    assert groups_of(r.route("1", INSIDE)) == [["trunk:office/0815"]]


def test_forwards_know_the_caller():
    r = router(route("1", "alice", on_busy="9"), route("9", "app:echo", trunks=("office",)), route("9", "app:music"))
    for facts, target in ((OUTSIDE, "app:echo"), (INSIDE, "app:music")):
        plan = r.route("1", facts)
        assert r.towards(plan.forwards["busy"], "busy", plan).targets == (target,)


def test_a_webhook_travels_with_the_plan():
    r = router(route("0", "600"), route("6XX", "app:echo", ask="https://x.test/route", ask_timeout=1.5))
    for number in ("0", "600"):
        plan = r.route(number)
        assert (plan.ask, plan.ask_timeout, plan.targets) == ("https://x.test/route", 1.5, ("app:echo",))


def test_both_forms_of_asking():
    r = router(route("0.", "trunk:office/{rest}"))
    assert r.route("0815", stranger=True).cause == r.route("0815", OUTSIDE).cause == "forbidden"
    assert r.route("0815").targets == r.route("0815", INSIDE).targets == ("trunk:office/815",)
    assert r.route("0815", INSIDE).facts == Facts("0815", "101", "alice", "", "10.0.0.7")


@pytest.mark.parametrize("text", ["agent:helper", "stream:wss://x.test"])
def test_what_is_not_here_yet_says_so(text):
    with pytest.raises(BadPattern, match="not in this version yet"):
        Target.parse(text)


def test_a_conference_is_a_target():
    assert router(route("800", "conference:daily")).route("800").groups == ((Target("conference", "daily"),),)


def test_a_route_for_everything_leads_to_numbers_by_the_others():
    r = router(route("any", "602", trunks=("office",)), route("602", "app:music"))
    assert r.route("201", OUTSIDE).targets == ("app:music",)
    assert r.explain("201", OUTSIDE).steps[1].why_not == "match: it has led here itself"
