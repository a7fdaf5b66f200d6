"""Thousands of calls over a network that loses a quarter of everything: whatever happens, both sides come to an end.

Every call meets one of the fates below, at random moments. At the end each side has been told exactly once how each
call ended, and nothing is left: no call, no transaction, no timer.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.errors import SipError
from signaling.sip.events import (
    Acked,
    Answered,
    Cancelled,
    Ended,
    Invited,
    MessageRefused,
    ReferProgress,
    Referred,
    ReferRefused,
    ReinviteAnswered,
    Reinvited,
    ReinviteRejected,
    Rejected,
)
from signaling.sip.uri import NameAddr, Uri
from tests.kit.network import BadNetwork, progress
from tests.signaling.sip.pair import make_stack

CALLER, CALLEE = Address("udp", "192.0.2.1", 5060), Address("udp", "192.0.2.2", 5060)
FATES = (
    *("caller hangs up", "callee hangs up", "both hang up", "refused", "cancelled", "cancelled at once", "hold"),
    *("transferred", "transferred and left", "long"),
)
CAROL = Uri.parse("sip:carol@192.0.2.3")
TIMED = {"session_timer": True, "session_expires": 90}
TERMINAL = (Rejected, Cancelled, Ended)


class Side:
    """An application that answers, refuses, holds and hangs up by dice."""

    def __init__(self, stack, dice):
        self.stack, self.dice = stack, dice
        self.fate: dict[str, str] = {}
        self.ended: Counter[str] = Counter()
        self.due: list[tuple[float, str, str]] = []
        self.seen: Counter[str] = Counter()
        self.referred: set[str] = set()
        self.outcomes: Counter[str] = Counter()

    def later(self, now, call, verb, most=3.0):
        self.due.append((now + self.dice.uniform(0, most), call, verb))

    def drain(self, now):
        while (event := self.stack.next_event()) is not None:
            self.seen[type(event).__name__] += 1
            assert not isinstance(event, MessageRefused), event
            if isinstance(event, TERMINAL):
                self.ended[event.call] += 1
            elif isinstance(event, Invited):
                self.invited(event, now)
            elif isinstance(event, Answered | Acked) and event.call in self.fate:
                self.talking(event.call, now)
            elif isinstance(event, Reinvited):
                self.stack.answer_reinvite(event.call, b"v=0 held", now)
            elif isinstance(event, Referred):
                self.later(now, event.call, "accept_refer" if self.dice.random() < 0.8 else "refuse_refer")
            elif isinstance(event, ReferRefused) or (isinstance(event, ReferProgress) and event.over):
                self.outcomes[event.call] += 1
                self.later(now, event.call, "bye")
            elif isinstance(event, ReinviteAnswered | ReinviteRejected):
                self.later(now, event.call, "bye")

    def invited(self, event, now):
        fate = event.uri.user.replace("-", " ")
        self.fate[event.call] = fate
        if self.dice.random() < 0.8:
            self.stack.progress(event.call, 180, now)
        self.later(now, event.call, "reject" if fate == "refused" else "answer")

    def talking(self, call, now):
        fate = self.fate[call]
        if fate == "hold":
            self.later(now, call, "reinvite")
        elif fate.startswith("transferred"):
            if not self.callee:
                self.later(now, call, "refer")
        elif fate == "long":
            if not self.callee:
                self.later(now, call, "bye", 500.0)
        elif fate == "both hang up" or (fate == "callee hangs up") == self.callee:
            self.later(now, call, "bye")

    callee = False

    def act(self, now):
        ready = [each for each in self.due if each[0] <= now]
        self.due = [each for each in self.due if each[0] > now]
        for _, call, verb in sorted(ready):
            try:
                self.do(verb, call, now)
            except SipError:  # the call has moved on meanwhile
                self.seen[f"{verb} too late"] += 1

    def do(self, verb, call, now):
        stack = self.stack
        if verb == "answer":
            stack.answer(call, b"v=0 answer", now)
        elif verb == "reject":
            stack.reject(call, 486, now)
            self.ended[call] += 1
        elif verb == "bye":
            stack.bye(call, now)
            self.ended[call] += 1
        elif verb == "reinvite":
            stack.reinvite(call, b"v=0 hold", now)
        elif verb == "refer":
            stack.refer(call, CAROL, now)
            self.referred.add(call)
            if self.fate[call].endswith("left"):  # hangs up without waiting for news
                self.later(now, call, "bye")
        elif verb == "accept_refer":
            stack.accept_refer(call, now)
            for _ in range(3):
                self.later(now, call, "notify_refer")
        elif verb == "refuse_refer":
            stack.refuse_refer(call, 603, now)
        elif verb == "notify_refer":
            stack.notify_refer(call, self.dice.choice((180, 200, 486)), None, now)
        else:
            stack.cancel(call, now)

    def wake_at(self):
        return min((when for when, _, _ in self.due), default=None)


def play(calls, seed, loss, transport="udp", challenge=False, **network):
    dice = random.Random(seed)
    at_caller, at_callee = (Address(transport, each.host, each.port) for each in (CALLER, CALLEE))
    wire = BadNetwork(seed, loss=loss, delay=0.02, jitter=0.05, **network)
    a = Side(make_stack(at_caller, 1, **TIMED), dice)
    b = Side(make_stack(at_callee, 2, challenge=challenge, **TIMED), dice)
    b.callee = True
    parties = {at_caller: a.stack, at_callee: b.stack}
    now, left, next_call = 0.0, calls, 0.0
    while True:
        if left and now >= next_call:
            fate = dice.choice(FATES)
            call = a.stack.invite(
                Uri.parse(f"sip:{fate.replace(' ', '-')}@192.0.2.2"),
                targets=[at_callee],
                from_=NameAddr.parse("<sip:alice@192.0.2.1>"),
                body=b"v=0 offer",
                headers=[("Require", "100rel")] if dice.random() < 0.3 else [],
                credentials=Credentials("alice", "wonder") if challenge else None,
                now=now,
            )
            a.fate[call] = fate
            if fate.startswith("cancelled"):
                a.later(now, call, "cancel", 0.05 if fate.endswith("once") else 3.0)
            left, next_call = left - 1, now + dice.uniform(0, 0.2)
        a.drain(now), b.drain(now)
        soonest = min(
            (t for t in (a.wake_at(), b.wake_at(), next_call if left else None) if t is not None), default=None
        )
        stepped = progress(wire, parties, now, until=soonest)
        if stepped is None and soonest is None:
            break
        now = stepped if stepped is not None else max(now, soonest)
        a.drain(now), b.drain(now)
        a.act(now), b.act(now)
    return a, b, wire


def assert_clean(a, b, calls):
    assert set(a.ended) == set(a.fate), "a call of the caller's has no end"
    assert len(a.fate) == calls
    assert set(b.ended) == set(b.fate), "a call of the callee's has no end"
    assert set(a.outcomes) == a.referred and set(a.outcomes.values()) <= {1}, "a transfer has no outcome, or two"
    assert set(a.ended.values()) | set(b.ended.values()) == {1}, "a call has ended twice"
    for side in (a, b):
        assert (side.stack.calls(), side.stack.transactions(), side.stack.wake_at()) == (0, 0, None)


@pytest.mark.parametrize(("seed", "loss"), [(1, 0.2), (2, 0.25), (3, 0.3)])
def test_much_is_lost(seed, loss):
    a, b, wire = play(1000, seed, loss, duplicate=0.03, reorder=0.03)
    assert_clean(a, b, 1000)
    assert loss - 0.05 < wire.lost / wire.sent < loss + 0.05
    may_succeed = sum(not fate.startswith(("refused", "cancelled")) for fate in a.fate.values())
    assert a.seen["Answered"] >= 0.99 * may_succeed, "in spite of the loss"
    assert a.seen["ReinviteAnswered"] + b.seen["ReinviteAnswered"] > 120


def test_with_passwords():
    a, b, wire = play(500, seed=9, loss=0.2, duplicate=0.02, challenge=True)
    assert_clean(a, b, 500)
    assert a.seen["Answered"] > 250


def test_over_tcp_nothing_is_lost_and_nothing_repeated():
    a, b, wire = play(300, seed=5, loss=0.0, transport="tcp")
    assert_clean(a, b, 300)


def test_nobody_there():
    a, b, wire = play(100, seed=3, loss=1.0)
    assert_clean(a, b, 100)
    assert not b.fate
    assert set(a.seen) - {"bye too late", "cancel too late"} == {"Rejected"}
