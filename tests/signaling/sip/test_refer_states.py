"""The table of REFERs: complete, reachable, and every state finds its end."""

from __future__ import annotations

from signaling.sip.refer_states import REFER, Do, On, State


def reachable(*starts):
    seen, todo = set(starts), list(starts)
    while todo:
        for state, _ in REFER[todo.pop()].values():
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return seen


def test_every_state_is_reachable_and_can_end():
    assert reachable(State.ASKED, State.SENT) == set(REFER) == set(State)
    for state in REFER:
        assert State.ENDED in reachable(state)


def test_every_input_and_action_is_used():
    rows = REFER.values()
    assert {on for row in rows for on in row} == set(On)
    assert {do for row in rows for _, actions in row.values() for do in actions} == set(Do)


def test_no_end_of_the_call_ends_a_subscription():
    """RFC 5057: they are usages of their own; only what is undecided is over."""
    for state in set(State) - {State.ASKED, State.ENDED}:
        assert REFER[state][On.CALL_ENDED] == (state, ())


def test_every_request_of_theirs_is_answered_once():
    answers = {Do.SEND_202, Do.SEND_202_SILENTLY, Do.SEND_REFUSAL, Do.SEND_603, Do.SEND_487}
    for on, (_, actions) in REFER[State.ASKED].items():
        assert len(answers & set(actions)) == 1, on
    for state in set(State) - {State.ASKED}:
        assert not answers & {do for _, actions in REFER[state].values() for do in actions}
