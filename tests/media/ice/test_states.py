"""The table's own laws: every state is reached, every state can end, every event is used."""

from media.ice.states import FINAL, TABLE, Event, State


def reachable(start: State) -> set[State]:
    found, todo = {start}, [start]
    while todo:
        state = todo.pop()
        for (from_, _), to in TABLE.items():
            if from_ is state and to not in found:
                found.add(to)
                todo.append(to)
    return found


def test_every_state_is_reached_and_every_event_used():
    assert reachable(State.NEW) == set(State)
    assert {event for _, event in TABLE} == set(Event)


def test_every_state_can_be_closed_and_nothing_leaves_closed():
    assert all(TABLE[state, Event.CLOSE] is State.CLOSED for state in State if state is not State.CLOSED)
    assert not [key for key in TABLE if key[0] is State.CLOSED]


def test_what_is_final_stays_final():
    assert {to for (from_, _), to in TABLE.items() if from_ in FINAL} <= FINAL
