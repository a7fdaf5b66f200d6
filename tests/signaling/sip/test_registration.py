from __future__ import annotations

import itertools

import pytest

from signaling.sip.auth import Credentials, DigestServer
from signaling.sip.headers import Headers
from signaling.sip.message import Response
from signaling.sip.registration import Registration
from signaling.sip.registration_table import TABLE, Do, On, State
from signaling.sip.uri import Uri

AOR, PBX, CONTACT = (
    Uri.parse(text) for text in ("sip:101@pbx.example.com", "sip:pbx.example.com", "sip:101@192.0.2.5")
)


def hexes():
    count = itertools.count(1)
    return lambda digits: f"{next(count):0{digits}x}"


@pytest.fixture
def registration():
    return Registration(AOR, PBX, CONTACT, Credentials("101", "pw"), 600, random=hexes())


def answer(request, status=200, *headers, reason=""):
    return Response(status, reason, Headers([("CSeq", request.headers.get("CSeq")), *headers]))


def events(registration):
    found = []
    while (event := registration.next_event()) is not None:
        found.append((event.state, event.status, event.expires))
    return found


def registered(registration, now=0.0, expires="600"):
    registration.on_response(answer(registration.next_request(now), 200, ("Expires", expires)), now)
    events(registration)


def test_the_table_is_whole():
    reached, todo = {State.IDLE}, [State.IDLE]
    while todo:
        for state, _ in TABLE[todo.pop()].values():
            if state not in reached:
                reached.add(state)
                todo.append(state)
    assert reached == set(State) == set(TABLE)
    assert {event for rows in TABLE.values() for event in rows} == set(On)
    assert {action for rows in TABLE.values() for _, action in rows.values()} == set(Do)
    assert all(On.LEAVE in TABLE[s] for s in State if s not in (State.LEAVING, State.CLOSED))


def test_the_first_request(registration):
    request = registration.next_request(0.0)
    assert (request.method, str(request.uri), str(request.to.uri)) == ("REGISTER", str(PBX), str(AOR))
    assert request.headers.all("Contact") == ["<sip:101@192.0.2.5>;expires=600"]
    assert request.from_.tag
    assert request.to.tag is None
    assert "Via" not in request.headers
    assert registration.next_request(0.0) is None
    assert registration.wake_at() is None
    assert events(registration) == [("registering", 0, 0)]


def test_refresh_comes_well_before_the_end(registration):
    first = registration.next_request(0.0)
    registration.on_response(
        answer(first, 200, ("Contact", "<sip:other@h>;expires=9, <sip:101@192.0.2.5>;expires=200")), 0.0
    )
    assert events(registration)[-1] == ("registered", 200, 200)
    assert 160.0 <= registration.wake_at() <= 170.0
    registration.wake(registration.wake_at())
    second = registration.next_request(170.0)
    assert second.cseq.number == first.cseq.number + 1
    assert (second.call_id, second.from_.tag) == (first.call_id, first.from_.tag)  # 10.2.4


def test_a_challenge_is_answered_once(registration):
    server = DigestServer("pbx", "s")
    request = registration.next_request(0.0)
    values = [("WWW-Authenticate", value) for value in server.challenge(0.0)]
    registration.on_response(answer(request, 401, *values), 0.0)
    again = registration.next_request(0.0)
    assert server.verify(again, {"101": "pw"}.get, 0.0).user == "101"
    assert again.cseq.number == request.cseq.number + 1
    registration.on_response(answer(again, 401, *values), 0.0)
    assert registration.next_request(0.0) is None
    event = events(registration)[-1]
    assert event[:2] == ("failed", 403)
    assert registration.wake_at() >= 600.0  # a refused password is not hammered


def test_without_credentials_a_challenge_is_a_failure_in_words():
    registration = Registration(AOR, PBX, CONTACT, None, random=hexes())
    request = registration.next_request(0.0)
    registration.on_response(answer(request, 407, ("Proxy-Authenticate", 'Digest realm="x", nonce="1"')), 0.0)
    registration.next_event()
    assert "set one" in registration.next_event().reason


def test_too_brief_means_longer(registration):
    request = registration.next_request(0.0)
    registration.on_response(answer(request, 423, ("Min-Expires", "1800")), 0.0)
    again = registration.next_request(0.0)
    assert (again.headers.get("Expires"), again.headers.get("Contact")) == ("1800", "<sip:101@192.0.2.5>;expires=1800")
    registration.on_response(answer(again, 423, ("Min-Expires", "1800")), 0.0)
    assert events(registration)[-1][0] == "failed"


@pytest.mark.parametrize("minimum", ["", "x", "0", "999999999"])
def test_nonsense_about_brevity_is_a_refusal(registration, minimum):
    registration.on_response(answer(registration.next_request(0.0), 423, ("Min-Expires", minimum)), 0.0)
    assert events(registration)[-1][0] == "failed"


def test_failures_wait_longer_and_longer(registration):
    now, waits = 0.0, []
    for _ in range(10):
        assert registration.next_request(now) is not None
        registration.on_timeout(now)
        waits.append(registration.wake_at() - now)
        now = registration.wake_at()
    assert 2.5 <= waits[0] <= 5.0
    assert all(min(600.0, 5.0 * 2**n) / 2 <= wait <= min(600.0, 5.0 * 2**n) for n, wait in enumerate(waits))
    registered(registration, now)
    assert registration.state is State.REGISTERED
    registration.wake(registration.wake_at())
    registration.next_request(now)
    registration.on_response(answer(registration._sent, 503, ("Retry-After", "120 (busy)")), now)
    assert registration.wake_at() >= now + 120.0


def test_leaving(registration):
    registered(registration)
    registration.unregister(10.0)
    request = registration.next_request(10.0)
    assert (request.headers.get("Expires"), registration.wake_at()) == ("0", None)
    registration.on_response(answer(request), 10.0)
    assert registration.closed
    assert events(registration) == [("unregistered", 200, 0)]


def test_leaving_in_every_state_comes_to_an_end(registration):
    fresh = Registration(AOR, PBX, CONTACT, None, random=hexes())
    fresh.unregister(0.0)
    assert fresh.closed
    assert fresh.next_request(0.0) is None
    registration.next_request(0.0)
    registration.unregister(0.0)
    assert registration.next_request(0.0).headers.get("Expires") == "0"
    registration.on_timeout(32.0)
    assert registration.closed


def test_old_and_provisional_answers_are_ignored(registration):
    first = registration.next_request(0.0)
    registration.on_response(answer(first, 100), 0.0)
    registration.on_timeout(32.0)
    registration.wake(registration.wake_at())
    registration.on_response(answer(first, 200), 33.0)
    assert registration.state is State.TRYING


def test_a_silly_grant_does_not_make_us_flood(registration):
    registration.on_response(answer(registration.next_request(0.0), 200, ("Expires", "1")), 0.0)
    assert registration.wake_at() >= 5.0


def test_what_the_stack_puts_on_top_stays_out_of_the_next(registration):
    request = registration.next_request(0.0)
    request.headers.prepend("Via", "SIP/2.0/UDP h;branch=z9hG4bK1")
    registration.on_response(answer(request, 401, ("WWW-Authenticate", 'Digest realm="x", nonce="1"')), 0.0)
    assert "Via" not in registration.next_request(0.0).headers


def test_a_lost_connection_brings_it_back_at_once(registration):
    registered(registration)
    registration.on_lost(100.0)
    assert events(registration) == [("failed", 503, 0)]
    assert registration.next_request(100.0).method == "REGISTER"


def test_a_connection_that_is_lost_soon_after_each_grant_is_no_reason_to_hurry(registration):
    waits, now = [], 0.0
    for _ in range(12):
        registered(registration, now)
        registration.on_lost(now + 1)
        waits.append(registration.wake_at() - now - 1)
        now = registration.wake_at()
    assert waits[0] == 0.0
    assert all(2.5 * 2**n <= wait <= 5 * 2**n for n, wait in enumerate(waits[1:8]))
    assert max(waits) <= 600
    registered(registration, now)
    registration.on_lost(now + 700)
    assert registration.wake_at() == now + 700, "it has stood long enough"


def test_a_loss_that_the_request_under_way_will_tell_of_is_not_told_twice(registration):
    registration.next_request(0.0)
    events(registration)
    registration.on_lost(1.0)
    assert (registration.state, events(registration)) == (State.TRYING, [])
