"""Patterns, routes and where they lead."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.calls.causes import Ending
from gateway.calls.patterns import BadPattern, compile_pattern, normal
from gateway.calls.router import Plan, Router, Target

from .world import USERS, route

OURS = frozenset({"gw.test", "127.0.0.1:5060", "127.0.0.1:"})


@pytest.mark.parametrize(
    ("pattern", "dialled", "captures"),
    [
        ("600", "600", {}),
        ("600", "6000", None),
        ("1XX", "102", {}),
        ("1XX", "1020", None),
        ("1XX", "1a2", None),
        ("NZX", "210", {}),
        ("NZX", "110", None),
        ("NZX", "200", None),
        ("0.", "0301234", {"rest": "301234"}),
        ("0.", "0", None),
        ("*9X", "*91", {}),
        ("+49.", "+4930", {"rest": "30"}),
        (".", "anything", None),
        (".", "12", {"rest": "12"}),
        ("user:alice", "user:Alice", {}),
        ("sip:*@pbx.test", "sip:bob@pbx.test", {}),
        ("sip:*@pbx.test", "sip:bob@pbx.test.evil", None),
        ("sip:*", "sip:a@b:5070", {}),
        (r"re:^00(\d+)$", "0049", {"1": "49"}),
        (r"re:(?P<who>[a-z]+)-desk", "sales-desk", {"1": "sales", "who": "sales"}),
        ("support", "Support", {}),
    ],
)
def test_patterns(pattern, dialled, captures):
    assert compile_pattern(pattern)(dialled) == captures


@pytest.mark.parametrize("pattern", ["", "re:(", "what is this?", "user bob"])
def test_bad_patterns_say_what_is_wrong(pattern):
    with pytest.raises(BadPattern) as error:
        compile_pattern(pattern)
    assert len(str(error.value)) > 20


@pytest.mark.parametrize(
    ("dialled", "meant"),
    [
        ("600", "600"),
        (" +49 (30) 12-34.5 ", "+493012345"),
        ("sip:600@gw.test", "600"),
        ("sip:600@GW.test:5062;transport=tcp", "600"),
        ("sip:alice@127.0.0.1:5060", "alice"),
        ("sip:alice@127.0.0.1", "alice"),
        ("sip:alice@127.0.0.1:5070", "sip:alice@127.0.0.1:5070"),
        ("bob@elsewhere.test", "sip:bob@elsewhere.test"),
        ("tel:+49-30-1", "+49301"),
        ("alice", "alice"),
        ("sip:*21%23@gw.test", "*21#"),
        ("sip:%2A98@gw.test;user=phone", "*98"),
        ("%2A98", "*98"),
        ("tel:%2A98", "*98"),
        ("sip:a%0Ab@gw.test", "a%0Ab"),
        ("sip:a%FFb@gw.test", "a%FFb"),
        ("sip:a%20b@elsewhere.test", "sip:a%20b@elsewhere.test"),
        ("j.doe", "j.doe"),
    ],
)
def test_what_was_meant(dialled, meant):
    assert normal(dialled, OURS) == meant


@pytest.mark.parametrize("text", ["bob:", "user:", "mail:bob", ":x", "sips:a@b"])
def test_bad_targets(text):
    with pytest.raises(BadPattern):
        Target.parse(text)


@pytest.mark.parametrize("text", ["user:bob", "sip:bob@pbx.test", "app:echo", "602"])
def test_targets_read_and_print_the_same(text):
    assert str(Target.parse(text)) == text


def router(*routes) -> Router:
    return Router(routes, USERS, OURS)


def test_the_first_route_that_matches_wins():
    found = router(route("1XX", "app:echo"), route("101", "app:music")).route("101")
    assert isinstance(found, Plan)
    assert found.targets == ("app:echo",)


@pytest.mark.parametrize(
    "dialled", ["alice", "ALICE", "101", "user:alice", "sip:alice@gw.test", "sip:101@127.0.0.1:5060"]
)
def test_a_user_is_found_without_any_route(dialled):
    found = router().route(dialled)
    assert isinstance(found, Plan)
    assert found.targets == ("user:alice",)


def test_a_route_for_a_user_covers_name_and_extension():
    r = router(route("user:alice", "user:alice", "user:bob"))
    for dialled in ("alice", "101", "sip:101@gw.test"):
        assert r.route(dialled).targets == ("user:alice", "user:bob")


def test_braces_are_filled():
    r = router(
        route("0.", "sip:{rest}@trunk.test"), route("sip:*", "sip:{number}"), route("re:^9(.*)", "sip:{1}@x.test")
    )
    assert r.route("0815").targets == ("sip:815@trunk.test",)
    assert r.route("sip:bob@other.test").targets == ("sip:bob@other.test",)
    assert r.route("9abc").targets == ("sip:abc@x.test",)


def test_a_number_is_escaped_where_it_becomes_an_address():
    r = router(route("*2.", "sip:{number}@trunk.test"), route("sip:*", "sip:{number}"))
    assert r.route("sip:*21%23@gw.test").targets == ("sip:*21%23@trunk.test",)
    assert r.route("sip:a%20b@[2001:db8::1]:5070").targets == ("sip:a%20b@[2001:db8::1]:5070",)


def test_a_trunk_gets_the_number_that_was_dialled_or_another():
    r = router(route("2XX", "trunk:pbx"), route("0.", "trunk:pbx/{rest}"))
    assert r.route("200").targets == ("trunk:pbx/200",)
    assert r.route("0815").targets == ("trunk:pbx/815",)


def test_who_has_no_account_does_not_call_out_by_a_trunk():
    routes = [
        route("0.", "trunk:pbx/{rest}"),
        route("00.", "trunk:pbx/{rest}"),
        route("1", "101", "0815", on_busy="trunk:pbx/1", on_no_answer="app:music"),
        route("2", "0815"),
        route("3.", "trunk:pbx/{rest}", from_trunks=True, on_busy="trunk:pbx/2"),
        route("4", "101", on_busy="0815"),
    ]
    r = router(*routes)
    for dialled in ("0815", "2"):
        refused = r.route(dialled, stranger=True)
        assert isinstance(refused, Ending)
        assert refused.status == 403
        assert "from_trunks" in refused.words
        assert r.route(dialled).targets == ("trunk:pbx/815",)
    rung = r.route("1", stranger=True)
    assert (rung.targets, list(rung.forwards)) == (("user:alice",), ["no-answer"])
    allowed = r.route("3815", stranger=True)
    assert (allowed.targets, list(allowed.forwards)) == (("trunk:pbx/815",), ["busy"])
    by_number = r.route("4", stranger=True)
    assert r.towards(by_number.forwards["busy"], "busy", by_number).cause == "forbidden"
    assert r.towards(by_number.forwards["busy"], "busy", r.route("4")).targets == ("trunk:pbx/815",)


def test_a_number_as_target_is_routed_again():
    assert router(route("0", "101", "602"), route("602", "app:music")).route("0").targets == ("user:alice", "app:music")


def test_a_user_is_meant_by_any_name():
    r = router(route("re:^7(.*)", "user:{1}", on_busy="user:{1}"), route("8", "user:BOB"))
    assert r.route("7102").targets == r.route("8").targets == ("user:bob",)
    assert str(r.route("7102").forwards["busy"]) == "user:bob"
    assert r.route("7999").targets == ("user:999",)


def test_numbers_that_lead_in_a_circle():
    found = router(route("1", "2"), route("2", "1")).route("1")
    assert isinstance(found, Ending)
    assert found.cause == "loop"


def test_strategy():
    assert len(router(route("1", "101", "102")).route("1").groups) == 1
    assert len(router(route("1", "101", "102", strategy="sequential")).route("1").groups) == 2


def test_who_is_here():
    r = router(route("6XX", "app:echo"))
    assert r.here(["sip:x@y.test", "sip:102@gw.test"]) == "102"
    assert r.here(["sip:Bob@192.0.2.7:5062"]) == "Bob"
    assert r.here(["sip:0900@192.0.2.7"]) is None


def test_unknown_says_what_to_do():
    assert "not a number here" in router().route("555").words
    assert "domains" in router().route("sip:600@other.test").words


@settings(derandomize=True, max_examples=300)
@given(st.text(max_size=40))
def test_anything_dialled_is_routed_or_refused(text):
    found = router(route("1XX", "app:echo"), route("sip:*@x", "{number}"), route("re:a(b)?", "sip:{1}@x")).route(text)
    assert isinstance(found, Plan | Ending)
