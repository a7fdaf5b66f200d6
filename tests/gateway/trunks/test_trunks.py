"""What is known of trunks: capacity, servers, registrations."""

import pytest

from gateway.trunks.health import REST, On
from gateway.trunks.trunk import Trunk
from gateway.trunks.trunks import Trunks
from signaling.sip.auth import Credentials
from signaling.sip.registration import RegistrationChanged
from signaling.sip.uri import Uri

ONE, TWO = Uri.parse("sip:one.test"), Uri.parse("sip:two.test")
CREDENTIALS = Credentials("gw", "secret-word", "asterisk")


def office(**more) -> Trunk:
    return Trunk("Office", **({"servers": (ONE, TWO), "user": "201", "credentials": CREDENTIALS} | more))


def changed(state, status=0, reason="", expires=0, id="Office") -> RegistrationChanged:
    return RegistrationChanged(id, state, status, reason, expires)


def test_so_many_calls_at_once():
    trunk = office(max_calls=2)
    trunks = Trunks([trunk])
    assert trunks.begin(trunk, "a", 0) == ""
    trunks.came(trunk, "b")
    why = trunks.begin(trunk, "c", 0)
    assert why == "Trunk Office carries as many calls as it may (max_calls = 2 in [[trunks]])."
    trunks.over("b")
    trunks.over("nobody")
    assert trunks.begin(trunk, "c", 0) == ""
    view = trunks.view("office")
    assert (view.calls, view.max_calls, view.refused) == (2, 2, 1)


def test_so_many_new_calls_a_second():
    trunk = office(calls_per_second=2)
    trunks = Trunks([trunk])
    told = [trunks.begin(trunk, f"{n}", now) for n, now in enumerate((1.0, 1.1, 1.2, 1.8, 1.9))]
    assert [bool(why) for why in told] == [False, False, True, False, True]
    assert told[2] == "Trunk Office gets as many new calls a second as it may (calls_per_second = 2 in [[trunks]])."


def test_servers_that_are_down_are_passed_over():
    trunk = office(probe=10)
    trunks = Trunks([trunk])
    assert trunks.servers(trunk, 0) == (ONE, TWO)
    trunks.heard(trunk, ONE, On.SILENT, 1)
    assert trunks.servers(trunk, 1) == (ONE, TWO)
    trunks.heard(trunk, ONE, On.SILENT, 2, "no answer to OPTIONS")
    assert trunks.servers(trunk, 2 + REST) == (TWO,)
    trunks.heard(trunk, TWO, On.OVERLOADED, 3)
    assert trunks.servers(trunk, 3) == ()
    view = trunks.view("office")
    assert (view.state, view.good) == ("down", False)
    assert "Trunk Office is down: one.test: no answer to OPTIONS" in trunks.why_down(trunk) == view.reason
    trunks.heard(trunk, ONE, On.ANSWERED, 4)
    assert trunks.servers(trunk, 4) == (ONE,)
    assert trunks.view("office").state == "up"


def test_without_options_the_last_hope_is_tried():
    trunk = office(servers=(ONE,))
    trunks = Trunks([trunk])
    for now in (1, 2):
        trunks.heard(trunk, ONE, On.SILENT, now)
    assert trunks.servers(trunk, 3) == (ONE,)


def test_a_registration_is_followed():
    trunk = office(registers=True)
    trunks = Trunks([trunk])
    assert (trunks.view("office").state, trunks.view("office").good) == ("registering", False)
    trunks.registration(changed("registering"), 10)
    trunks.registration(changed("registered", 200, "OK", 100), 11)
    view = trunks.view("office")
    assert (view.state, view.status, view.next_refresh, view.reason) == ("registered", 200, 11 + 85, "")
    assert trunks.registered(trunk)
    trunks.registration(changed("failed", 408, "no answer", 5), 100)
    view = trunks.view("office")
    assert (view.state, view.status, view.next_refresh) == ("failed", 408, 105)
    assert "one.test cannot be reached: no answer. Check server, transport and outbound_proxy" in view.reason
    trunks.registration(changed("unregistered"), 101)
    assert trunks.view("office").state == "off"


def test_registered_with_one_of_two_servers_is_registered():
    trunk = office(registers=True)
    trunks = Trunks([trunk])
    trunks.registration(changed("failed", 503, "unreachable", 5), 1)
    trunks.registration(changed("registered", 200, "OK", 60, id="Office#2"), 2)
    view = trunks.view("office")
    assert (view.state, [server.state for server in view.servers]) == ("registered", ["shaky", "up"])
    assert trunks.registration(changed("registered", id="another"), 3) is None


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (403, "one.test refuses user name and password of sip:201@one.test: check them", "refuses our sign-in"),
        (401, "Unauthorized", "refuses our sign-in"),
        (403, "Forbidden", "forbids us to register"),
        (404, "Not Found", "knows no user 201"),
        (503, "one.test has no address", "cannot be reached"),
        (500, "Oops", "answers our REGISTER with 500 Oops"),
    ],
)
def test_why_a_registration_failed(status, reason, words):
    trunk = office(registers=True)
    trunks = Trunks([trunk])
    trunks.registration(changed("failed", status, reason, 600), 1)
    told = trunks.view("office").reason
    assert words in told
    if status in (401, 403):
        assert 'user ("201"), auth_user ("gw"), password, realm ("asterisk")' in told
    assert "secret-word" not in told + repr(trunks.view("office")) + repr(trunk)


def test_a_peer_is_up_when_it_answers():
    trunk = office(registers=False)
    trunks = Trunks([trunk])
    assert (trunks.view("office").state, trunks.view("office").good) == ("off", True)
    trunks.heard(trunk, ONE, On.ANSWERED, 1)
    assert (trunks.view("OFFICE").state, trunks.counts()) == ("up", {"up": 1})
    assert trunks.view("nobody") is None
