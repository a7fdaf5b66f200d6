"""OPTIONS outside of a call: who answers, how fast, what it can do; and who does not."""

from __future__ import annotations

import pytest

from signaling.sip.auth import Credentials
from signaling.sip.errors import TooMany, WrongState
from signaling.sip.events import OptionsAnswered
from signaling.sip.pings import MOST
from signaling.sip.uri import NameAddr, Uri
from tests.signaling.sip.pair import BOB, Pair
from tests.signaling.sip.peer import Peer


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_what_the_other_side_can_do(transport):
    pair = Pair(transport=transport)
    id = pair.a.options(BOB, [pair.at_b], pair.now)
    pair.run()
    (event,) = pair.events["a"]
    assert isinstance(event, OptionsAnswered)
    assert (event.id, event.status, event.reason, event.by) == (id, 200, "OK", pair.at_b)
    assert event.seconds == pytest.approx(0.02)
    assert "REFER" in event.headers.all("Allow") and "replaces" in event.headers.all("Supported")
    assert event.headers.get("Server") == "Tandem" and "Via" not in event.headers
    pair.assert_empty()


def test_nobody_is_there():
    pair = Pair()
    pair.network.drop = lambda data, source, to: True
    pair.a.options(BOB, [pair.at_b], pair.now)
    pair.run()
    (event,) = pair.events["a"]
    assert (event.status, event.seconds) == (None, 32.0)
    assert "no answer to OPTIONS" in event.reason
    pair.assert_empty()


def test_the_next_target_is_asked():
    peer = Peer()
    other = Pair().at_a
    peer.stack.options(BOB, [peer.there, other], peer.now)
    peer.take()
    peer.stack.transport_failed(peer.there, peer.now)
    request = peer.one()
    assert peer.addresses == [other]
    peer.answer(request, 404)
    (event,) = peer.events()
    assert (event.status, event.by) == (404, other)


def test_a_password_is_given():
    peer = Peer()
    peer.stack.options(BOB, [peer.there], peer.now, credentials=Credentials("alice", "wonder"))
    request = peer.one()
    assert (request.from_.uri.user, request.headers.get("Accept")) == ("alice", "application/sdp")
    challenge = 'Digest realm="pbx", nonce="n", algorithm=MD5, qop="auth"'
    peer.answer(request, 401, headers=(("WWW-Authenticate", challenge),))
    again = peer.one()
    assert "Authorization" in again.headers and peer.events() == []
    peer.answer(again, 200)
    assert [event.status for event in peer.events()] == [200]


def test_by_a_proxy_and_in_a_name():
    peer = Peer()
    route, name = NameAddr.parse("<sip:proxy;lr>"), NameAddr.parse("<sip:gateway@example.com>")
    peer.stack.options(BOB, [peer.there], peer.now, from_=name, route=[route])
    request = peer.one()
    assert (request.headers.get("Route"), request.from_.uri.user) == ("<sip:proxy;lr>", "gateway")
    assert request.to.uri == BOB == request.uri


def test_limits():
    peer = Peer()
    with pytest.raises(WrongState):
        peer.stack.options(BOB, [], peer.now)
    for _ in range(MOST):
        peer.stack.options(Uri.parse("sip:x@h"), [peer.there], peer.now)
    with pytest.raises(TooMany):
        peer.stack.options(BOB, [peer.there], peer.now)
