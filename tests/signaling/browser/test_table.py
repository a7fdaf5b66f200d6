"""Every state can be reached, every state can end, every input is used; and the code obeys."""

import pytest

from signaling.browser.table import CALL, SESSION, CallInput, CallState, SessionInput, SessionState

MACHINES = [
    (CALL, CallState, CallInput, {CallState.CALLING, CallState.INCOMING}, CallState.ENDED),
    (SESSION, SessionState, SessionInput, {SessionState.OPEN}, SessionState.CLOSED),
]


@pytest.mark.parametrize(("table", "states", "inputs", "starts", "end"), MACHINES)
def test_table_is_whole(table, states, inputs, starts, end):
    assert set(table) == set(states)
    assert {i for row in table.values() for i in row} == set(inputs)
    reached = set(starts)
    for _ in states:
        reached |= {after for state in reached for after in table[state].values()}
    assert reached == set(states)
    assert not table[end]


@pytest.mark.parametrize(("table", "states", "inputs", "starts", "end"), MACHINES)
def test_every_state_can_end(table, states, inputs, starts, end):
    ending = {end}
    for _ in states:
        ending |= {state for state, row in table.items() if ending & set(row.values())}
    assert ending == set(states)


def test_gateway_can_end_a_call_in_any_state():
    assert all(CALL[s].get(CallInput.ENDED) is CallState.ENDED for s in CallState if s is not CallState.ENDED)
    assert all(CALL[s].get(CallInput.HANGUP) is CallState.ENDED for s in CallState if s is not CallState.ENDED)
