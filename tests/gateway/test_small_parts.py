"""Accounts, directory, metrics, the call log."""

import asyncio

from prometheus_client import CollectorRegistry, generate_latest

from gateway.accounts import Accounts, Person
from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.calls.ports import Contact
from gateway.calls.router import Account
from gateway.directory import Everywhere
from gateway.ops import call_log
from gateway.ops.metrics import Metrics, Sources, bounded

ALICE = Person(Account("alice", "101", "Alice A."), "secret")


def test_one_account_by_name_or_extension():
    accounts = Accounts([ALICE])
    assert accounts.find("101") is accounts.find("Alice") is ALICE.account
    assert accounts.password("alice") == accounts.password("101") == "secret"
    assert accounts.canonical("101") == accounts.canonical("ALICE") == "alice"
    assert accounts.canonical("bob") is None
    assert accounts.find("bob") is accounts.password("bob") is None


def test_signing_in():
    accounts = Accounts([ALICE])
    for name in ("alice", "101"):
        info = accounts.authenticate(name, "secret")
        assert info and (info.user, info.display, info.extension) == ("alice", "Alice A.", "101")
    assert accounts.authenticate("alice", "wrong") is None
    assert accounts.authenticate("bob", "secret") is None
    assert accounts.authenticate("bob", "\0") is None
    assert "secret" not in repr(ALICE)


def test_everywhere():
    class Pages:
        def contacts(self, user):
            return [Contact("browser", "s1", user)]

    directory = Everywhere()
    assert directory.contacts("alice") == []
    directory.kinds += [Pages(), Pages()]
    assert len(directory.contacts("alice")) == 2


def test_metrics_fold_the_event_stream():
    registry = CollectorRegistry()
    metrics = Metrics(registry, Sources(lambda: {"calls": 3}, lambda: {"sip": {"garbage": 2}}))
    metrics.publish(ev.CallStarted("c", 0.0, ev.Identity("1"), "sip", "600", "c-a"))
    metrics.publish(ev.CallAnswered("c", 1.0, "c-b1", "app", 1.0))
    metrics.publish(ev.CallEnded("c", 9.0, ending("normal"), None, 8.0))
    text = generate_latest(registry).decode()
    for line in (
        'tandem_calls_started_total{kind="sip"} 1.0',
        'tandem_calls_answered_total{kind="app"} 1.0',
        'tandem_calls_ended_total{answered="yes",cause="normal"} 1.0',
        "tandem_call_talk_seconds_sum 8.0",
        "tandem_calls 3.0",
        'tandem_refused_total{protocol="sip",why="garbage"} 2.0',
    ):
        assert line in text


async def test_the_loops_lateness_is_measured():
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.watch_loop()
    await asyncio.sleep(0.3)
    metrics.stop()
    assert "tandem_loop_late_seconds_count 1.0" in generate_latest(registry).decode()


def test_reasons_lose_what_is_a_messages_own():
    reasons = {
        "payload type 5, which was not agreed on": 2,
        "payload type 6, which was not agreed on": 3,
        "refused-401": 1,
        "RTP packet of 3 bytes; the header alone has 12": 1,
        "from a stranger's address": 1,
        "cannot send to udp:192.0.2.1:5060: no socket here": 1,
        "not a URI: 'sip:x y'": 1,
        "203.0.113.9": 4,
    }
    assert bounded(reasons) == {
        "payload-type-which-was-not-agreed-on": 5,
        "refused-401": 1,
        "rtp-packet-of-bytes": 1,
        "from-a-stranger's-address": 1,
        "cannot-send-to": 1,
        "not-a-uri": 1,
        "other": 4,
    }


def test_reasons_are_bounded_and_each_only_grows():
    assert bounded({"a": 1, "b": 3, "c": 9, "d": 1}, 2) == {"a": 1, "b": 3, "other": 10}


def test_call_log():
    caller = ev.Identity("101", "Al\nice", "alice")
    assert call_log.line(ev.CallStarted("c", 0, caller, "sip", "600", "c-a")) == "Al?ice <101> (sip) calls 600"
    ended = ev.CallEnded("c", 1, ending("busy"), None, None, ("user:bob: busy (486)",))
    assert call_log.line(ended) == "ended: busy, not answered [user:bob: busy (486)]"
    assert call_log.line(ev.CallDigit("c", 1, "c-a", "5")) is None
