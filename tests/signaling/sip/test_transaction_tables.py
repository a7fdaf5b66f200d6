"""What holds for all four transaction tables at once."""

from __future__ import annotations

import pytest

from signaling.sip import invite_client, invite_server, non_invite_client, non_invite_server
from signaling.sip.timers import Timer
from signaling.sip.transaction_states import ARMS, FIRES, Do, On, State

S = State
# name: (table, first state, what entering it does)
TABLES = {
    "INVITE client": (invite_client.INVITE_CLIENT, *invite_client.START),
    "non-INVITE client": (non_invite_client.NON_INVITE_CLIENT, *non_invite_client.START),
    "INVITE server": (invite_server.INVITE_SERVER, invite_server.START, ()),
    "non-INVITE server": (non_invite_server.NON_INVITE_SERVER, non_invite_server.START, ()),
}
ALL = pytest.mark.parametrize(("table", "start", "first"), TABLES.values(), ids=TABLES)


def reachable(table, start):
    seen, todo = {start}, [start]
    while todo:
        for state, _ in table[todo.pop()].values():
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return seen


@ALL
def test_every_state_is_declared_and_reachable(table, start, first):
    assert reachable(table, start) == set(table)


@ALL
def test_every_state_can_end(table, start, first):
    for state in table:
        assert State.TERMINATED in reachable(table, state)


@ALL
def test_nothing_leaves_terminated(table, start, first):
    assert table[S.TERMINATED] == {}


@ALL
def test_every_timer_armed_is_awaited_where_it_may_fire(table, start, first):
    """A timer armed on the way into a state has a row there, and no row waits for a timer that nobody arms."""
    armed = {(start, ARMS[do]) for do in first if do in ARMS}
    rows = [step for row in table.values() for step in row.values()]
    armed |= {(state, ARMS[do]) for state, actions in rows for do in actions if do in ARMS}
    for state, timer in armed:
        assert FIRES[timer] in table[state], f"{timer} is armed for {state}, which does not know it"
    awaited = {on for row in table.values() for on in row if on in FIRES.values()}
    assert awaited == {FIRES[timer] for _, timer in armed}


@ALL
def test_only_a_transport_error_may_be_ignored_by_a_fresh_transaction(table, start, first):
    """Whatever else the first state lists has an effect, save a retransmission that has no response to repeat yet."""
    for on, (state, actions) in table[start].items():
        assert actions or state is not start or on in (On.TRANSPORT_ERROR, On.REQUEST)


def test_every_input_and_every_action_is_used():
    rows = [row for table, _, _ in TABLES.values() for row in table.values()]
    assert {on for row in rows for on in row} == set(On)
    starts = [do for _, _, first in TABLES.values() for do in first]
    assert {do for row in rows for _, actions in row.values() for do in actions} | set(starts) == set(Do)
    assert set(ARMS.values()) == set(FIRES) == set(Timer)


def test_rfc_6026():
    client, server = invite_client.INVITE_CLIENT, invite_server.INVITE_SERVER
    for state in (S.CALLING, S.PROCEEDING):
        assert client[state][On.R2XX][0] is S.ACCEPTED
    assert client[S.ACCEPTED][On.R2XX] == (S.ACCEPTED, (Do.PASS_UP,))
    assert server[S.PROCEEDING][On.SEND_2XX][0] is S.ACCEPTED
    assert server[S.ACCEPTED][On.REQUEST] == (S.ACCEPTED, ())
    for table in (server, non_invite_server.NON_INVITE_SERVER):
        for state, row in table.items():  # section 8.7: a transport error changes no state
            assert row.get(On.TRANSPORT_ERROR, (state,))[0] is state
