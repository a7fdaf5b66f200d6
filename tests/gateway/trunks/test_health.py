"""When a trunk's server counts as down, and when it is tried again."""

import pytest

from gateway.trunks.health import REST, TABLE, Health, On, State


def test_the_table_is_whole():
    assert set(TABLE) == set(State)
    assert all(set(rows) == set(On) for rows in TABLE.values())
    reached = {State.UNKNOWN} | {state for rows in TABLE.values() for state in rows.values()}
    assert reached == set(State)
    assert all(TABLE[state][On.ANSWERED] is State.UP for state in State)  # from everywhere there is a way back


@pytest.mark.parametrize(
    ("heard", "state"),
    [
        ([], State.UNKNOWN),
        ([On.SILENT], State.SHAKY),
        ([On.SILENT, On.SILENT], State.DOWN),
        ([On.SILENT, On.ANSWERED, On.SILENT], State.SHAKY),
        ([On.OVERLOADED], State.DOWN),
        ([On.SILENT, On.SILENT, On.ANSWERED], State.UP),
    ],
)
def test_how_a_server_is(heard, state):
    health = Health()
    for on in heard:
        health.feed(on, 10.0)
    assert health.state is state
    assert health.usable(11.0) is (state is not State.DOWN)


def test_changes_are_told_once():
    health = Health()
    assert [health.feed(On.ANSWERED, 1.0), health.feed(On.ANSWERED, 2.0), health.feed(On.SILENT, 3.0, "no answer")] == [
        True, False, True,
    ]  # fmt: skip
    assert (health.since, health.why) == (3.0, "no answer")


@pytest.mark.parametrize("probed", [True, False])
def test_who_is_not_probed_is_tried_again_after_a_rest(probed):
    health = Health(probed)
    health.feed(On.OVERLOADED, 100.0)
    assert not health.usable(100.0 + REST - 1)
    assert health.usable(100.0 + REST) is not probed
