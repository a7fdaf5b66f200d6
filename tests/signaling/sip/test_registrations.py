"""The way by which calls from a registrar come is kept open, mended and found again."""

from __future__ import annotations

import pytest

from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.registration import Registration
from signaling.sip.uri import Uri
from tests.signaling.sip.pair import Pair, hexes


def registered(transport: str) -> tuple[Pair, str]:
    pair = Pair(transport=transport)
    mine, theirs = Uri.parse("sip:alice@192.0.2.1:5060"), Uri.parse("sip:192.0.2.2")
    aor = Uri.parse("sip:alice@192.0.2.2")
    registration = Registration(aor, theirs, mine, Credentials("alice", "wonder"), 600, random=hexes(5))
    id = pair.a.register(registration, [pair.at_b], pair.now)
    pair.run(1)
    assert pair.last("a").state == "registered"
    pair.forget()
    return pair, id


def test_over_udp_the_way_is_kept_open_while_registered():
    pair, id = registered("udp")
    pair.run(290)
    assert 9 <= len(pair.sent("a", "keep-alive")) <= 12
    pair.a.unregister(id, pair.now)
    pair.run(1)
    pair.forget()
    pair.run(100)
    assert pair.sent("a", "keep-alive") == []
    pair.run()
    pair.assert_empty()


def test_streams_are_kept_open_by_their_transport():
    pair, _ = registered("tcp")
    pair.run(290)
    assert pair.sent("a", "keep-alive") == []


@pytest.mark.parametrize("connection", [None, 7])
def test_a_lost_connection_to_the_registrar_is_made_anew(connection):
    pair, _ = registered("tcp")
    lost = Address("tcp", pair.at_b.host, pair.at_b.port, connection)
    pair.a.transport_failed(lost, pair.now, "reset")
    pair.a.transport_failed(pair.at_b, pair.now, "reset")  # transports tell of it by both names
    pair.run(1)
    assert [event.state for event in pair.events["a"]] == ["failed", "registered"]
    assert pair.sent("a") == ["REGISTER"]


def test_other_connections_and_lost_datagrams_are_no_news():
    for transport, lost in (("tcp", Address("tcp", "192.0.2.2", 49999)), ("udp", Address("udp", "192.0.2.2", 5060))):
        pair, _ = registered(transport)
        pair.a.transport_failed(lost, pair.now, "gone")
        pair.run(1)
        assert pair.events["a"] == []


def test_the_next_register_goes_to_where_the_registrar_is_now():
    pair, id = registered("udp")
    elsewhere = Address("udp", "192.0.2.77", 5060)
    pair.a.retarget(id, [elsewhere, pair.at_b])
    pair.a.retarget("unknown", [elsewhere])
    pair.a.retarget(id, [])
    pair.run(550)
    assert pair.last("a").state == "registered", "the one in use is still among them"
    tried = []
    pair.network.drop = lambda data, source, to: tried.append(to) or False
    pair.a.retarget(id, [elsewhere])
    pair.run(550)
    assert elsewhere in tried
