"""What must hold for the table itself."""

from gateway.calls.acts import ACTIONS
from gateway.calls.states import CALL, Do, On, State


def test_every_state_stands_in_the_table():
    assert set(CALL) == set(State)


def test_every_input_and_action_is_used():
    assert {on for row in CALL.values() for on in row} == set(On)
    assert {do for row in CALL.values() for _, dos in row.values() for do in dos} == set(Do)


def test_every_action_has_its_code():
    assert set(ACTIONS) == set(Do)


def reachable(start: State) -> set[State]:
    seen, todo = set(), [start]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += [to for to, _ in CALL[state].values()]
    return seen


def test_every_state_can_be_reached_and_can_end():
    assert reachable(State.SETUP) == set(State)
    assert all(State.ENDED in reachable(state) for state in State)


def test_every_live_state_can_be_ended_at_any_moment():
    for state in set(State) - {State.ENDED}:
        assert On.END in CALL[state]
