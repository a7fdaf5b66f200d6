"""The table of calls: complete, reachable, and every state finds its end."""

from __future__ import annotations

from signaling.sip.call_states import CALL, Do, On, State

STARTS = (State.CALLING, State.INCOMING)


def reachable(*starts):
    seen, todo = set(starts), list(starts)
    while todo:
        for state, _ in CALL[todo.pop()].values():
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return seen


def test_every_state_is_reachable_and_can_end():
    assert reachable(*STARTS) == set(CALL) == set(State)
    for state in CALL:
        assert State.ENDED in reachable(state)


def test_every_input_and_action_is_used():
    rows = CALL.values()
    assert {on for row in rows for on in row} == set(On)
    assert {do for row in rows for _, actions in row.values() for do in actions} == set(Do)


def test_every_end_is_told_unless_our_side_wished_it():
    told = {Do.TELL_REJECTED, Do.TELL_GIVEN_UP, Do.TELL_CANCELLED, Do.TELL_ENDED}
    wished = {(State.INCOMING, On.REJECT), (State.CONFIRMED, On.HANG_UP)}
    wished |= {(State.BYE_OWED, on) for on in CALL[State.BYE_OWED]}  # `bye` was called before
    for state, row in CALL.items():
        for on, (after, actions) in row.items():
            count = len(told & set(actions))
            assert count == (after is State.ENDED and (state, on) not in wished), (state, on)


def test_bye_is_sent_only_within_a_dialog_that_has_begun():
    """Section 15: the callee may not before its ACK, the caller not before its answer."""
    for state, row in CALL.items():
        for on, (_, actions) in row.items():
            if Do.SEND_BYE in actions:
                assert state in (State.CONFIRMED, State.ANSWERED, State.BYE_OWED) or actions[0] is Do.SEND_ACK, on
    assert Do.SEND_BYE not in CALL[State.ANSWERED][On.HANG_UP][1]
