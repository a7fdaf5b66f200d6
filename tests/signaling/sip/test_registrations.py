"""The way by which calls from a registrar come is kept open, mended and found again."""

from __future__ import annotations

import pytest

from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.registration import Registration
from signaling.sip.uri import Uri
from tests.signaling.sip.pair import Pair, hexes
from tests.signaling.sip.peer import Peer

CONTACT = Uri.parse("sip:alice@192.0.2.1:5060")


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


def test_what_is_known_of_a_registration():
    pair = Pair()
    aor, registrar = Uri.parse("sip:alice@192.0.2.2"), Uri.parse("sip:192.0.2.2")
    registration = Registration(aor, registrar, CONTACT, Credentials("alice", "wonder"), 600, random=hexes(5), id="pbx")
    before = registration.view()
    assert (before.state, before.status, before.expires_at, before.next_at) == ("idle", 0, None, None)
    pair.a.register(registration, [pair.at_b], pair.now)
    (view,) = pair.a.registrations()
    assert (view.id, view.aor, view.registrar, view.target) == ("pbx", aor, registrar, pair.at_b)
    assert (view.state, view.next_at) == ("registering", None)
    pair.run(1)
    (view,) = pair.a.registrations()
    assert (view.state, view.status, view.reason) == ("registered", 200, "OK")
    assert view.expires_at == pytest.approx(600, abs=1)
    assert 480 <= view.next_at <= 511
    pair.network.drop = lambda data, source, to: True
    pair.run(600)
    (view,) = pair.a.registrations()
    assert (view.state, view.status) in (("failed", 408), ("registering", 408))
    assert view.next_at is None or view.next_at > pair.now
    pair.network.drop = lambda data, source, to: False
    pair.a.unregister("pbx", pair.now)
    pair.run(1)
    assert pair.a.registrations() == []


def test_an_outbound_proxy_and_parameters_of_the_contact():
    peer = Peer()
    proxy = Uri.parse("sip:proxy.example.com:5070;transport=tcp")
    registration = Registration(
        Uri.parse("sip:alice@example.com"),
        Uri.parse("sip:example.com"),
        CONTACT,
        Credentials("alice", "wonder", realm="pbx"),
        random=hexes(5),
        outbound_proxy=proxy,
        contact_params={"+sip.instance": "<urn:uuid:1>", "reg-id": "1", "ob": None},
    )
    assert registration.first_hop == proxy
    peer.stack.register(registration, [peer.there], peer.now)
    request = peer.one()
    assert request.headers.get("Route") == "<sip:proxy.example.com:5070;transport=tcp;lr>"
    assert (str(request.uri), request.to.uri.host) == ("sip:example.com", "example.com")
    expected = '<sip:alice@192.0.2.1:5060>;+sip.instance="<urn:uuid:1>";reg-id=1;ob;expires=3600'
    assert request.headers.get("Contact") == expected
    peer.answer(request, 423, headers=(("Min-Expires", "7200"),))
    again = peer.one()
    assert again.headers.get("Contact") == expected.replace("3600", "7200") and "Route" in again.headers
    other = 'Digest realm="other", nonce="n", qop="auth"'
    peer.answer(again, 401, headers=(("WWW-Authenticate", other),))
    assert (peer.take(), peer.events()[-1].state) == ([], "failed")  # another realm is not ours to answer
