from __future__ import annotations

import itertools

import pytest

from signaling.sip.address import Address
from signaling.sip.auth import Credentials, DigestClient, DigestServer
from signaling.sip.headers import Headers
from signaling.sip.message import Request, parse_message
from signaling.sip.registrar import Registered, Registrar, RegistrarConfig, Unregistered
from signaling.sip.uri import Uri

HOME = Address("udp", "198.51.100.7", 40001)


def hexes():
    count = itertools.count(1)
    return lambda digits: f"{next(count):0{digits}x}"


class Phone:
    """Registers by hand, so that every field can be wrong."""

    def __init__(self, registrar, user="101", password="pw", call_id="c1"):
        self.registrar, self.user, self.call_id = registrar, user, call_id
        self.client = DigestClient(Credentials(user, password), hexes())
        self.cseq = 0

    def register(self, *contacts, expires=None, now=0.0, source=HOME, aor=None, cseq=None):
        self.cseq = cseq or self.cseq + 1
        aor = aor or f"sip:{self.user}@pbx.example.com"
        pairs = [
            ("Via", "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1"), ("From", f"<{aor}>;tag=1"), ("To", f"<{aor}>"),
            ("Call-ID", self.call_id), ("CSeq", f"{self.cseq} REGISTER"), *(("Contact", each) for each in contacts),
        ]  # fmt: skip
        pairs += [("Expires", str(expires))] if expires is not None else []
        request = Request("REGISTER", Uri.parse("sip:pbx.example.com"), Headers(pairs))
        response = self.registrar.handle(self._wire(request), source, now)
        if response.status == 401:
            again = self.client.answer(response, request)
            self.cseq = again.cseq.number
            response = self.registrar.handle(self._wire(again), source, now)
        return parse_message(bytes(response))

    @staticmethod
    def _wire(request):
        return parse_message(bytes(request))


@pytest.fixture
def registrar():
    passwords = {"101": "pw", "102": "pw2"}
    return Registrar(DigestServer("tandem", "secret"), passwords.get, RegistrarConfig(per_user=3, total=5))


def events(registrar):
    found = []
    while (event := registrar.next_event()) is not None:
        found.append(event)
    return found


def test_a_phone_is_found_where_it_really_is(registrar):
    response = Phone(registrar).register("<sip:101@10.0.0.2:5060>", expires=300)
    assert response.status == 200
    assert response.headers.all("Contact") == ["<sip:101@10.0.0.2:5060>;expires=300"]
    assert response.to.tag
    (binding,) = registrar.bindings("101")
    assert (str(binding.contact), binding.source, binding.expires_at) == ("sip:101@10.0.0.2:5060", HOME, 300.0)
    assert events(registrar) == [Registered("101", Uri.parse("sip:101@10.0.0.2:5060"), 300)]
    assert (registrar.users(), len(registrar)) == (["101"], 1)


def test_without_credentials_it_is_asked_and_with_wrong_ones_refused(registrar):
    response = Phone(registrar, password="bad").register("<sip:101@h>")
    assert response.status == 401
    assert response.headers.all("WWW-Authenticate")[0].startswith('Digest realm="tandem"')
    assert registrar.bindings("101") == []
    assert registrar.refused == 1


def test_nobody_registers_for_somebody_else(registrar):
    assert Phone(registrar).register("<sip:x@h>", aor="sip:102@pbx.example.com").status == 403
    assert len(registrar) == 0


def test_other_domains_are_not_ours():
    registrar = Registrar(DigestServer("t", "s"), {"101": "pw"}.get, RegistrarConfig(domains=("PBX.example.com",)))
    assert Phone(registrar).register("<sip:x@h>", aor="sip:101@elsewhere.example").status == 404
    assert Phone(registrar).register("<sip:x@h>").status == 200


def test_expiry_by_contact_by_header_by_default_and_within_limits(registrar):
    phone = Phone(registrar)
    phone.register("<sip:a@h>;expires=90", "<sip:b@h>", expires=120)
    assert sorted(b.expires_at for b in registrar.bindings("101")) == [90.0, 120.0]
    phone.register("<sip:c@h>")
    assert registrar.bindings("101")[0].expires_at == 600.0
    phone.register("<sip:c@h>;expires=99999999999999999999")
    assert registrar.bindings("101")[0].expires_at == 3600.0
    phone.register("<sip:c@h>;expires=soon")
    assert registrar.bindings("101")[0].expires_at == 600.0
    brief = phone.register("<sip:c@h>", expires=10)
    assert (brief.status, brief.headers.get("Min-Expires")) == (423, "60")


def test_time_takes_bindings_away(registrar):
    phone = Phone(registrar)
    phone.register("<sip:a@h>", expires=100, now=0.0)
    assert registrar.wake_at() == 100.0
    phone.register("<sip:a@h>", expires=100, now=50.0)
    events(registrar)
    registrar.wake(100.0)
    assert len(registrar) == 1
    registrar.wake(150.0)
    assert (len(registrar), registrar.wake_at()) == (0, None)
    assert events(registrar) == [Unregistered("101", Uri.parse("sip:a@h"), "expired")]


def test_leaving_one_by_one_or_all_at_once(registrar):
    phone = Phone(registrar)
    phone.register("<sip:a@h>", "<sip:b@h>")
    events(registrar)
    assert phone.register("<sip:a@h>", expires=0).headers.all("Contact") == ["<sip:b@h>;expires=600"]
    assert phone.register("*", expires=0).headers.all("Contact") == []
    assert [event.why for event in events(registrar)] == ["left", "left"]
    assert phone.register("<sip:never@h>", expires=0).status == 200


def test_the_star_must_stand_alone_with_expires_0(registrar):
    phone = Phone(registrar)
    phone.register("<sip:a@h>")
    assert phone.register("*").status == 400
    assert phone.register("*", "<sip:a@h>", expires=0).status == 400
    assert len(registrar) == 1


def test_asking_changes_nothing(registrar):
    phone = Phone(registrar)
    phone.register("<sip:a@h>", now=0.0)
    events(registrar)
    assert phone.register(now=100.0).headers.all("Contact") == ["<sip:a@h>;expires=500"]
    assert events(registrar) == []


def test_a_late_request_undoes_nothing(registrar):
    phone = Phone(registrar)
    phone.register("<sip:a@h>", cseq=10)
    assert phone.register("<sip:a@h>", expires=0, cseq=4).status == 500
    assert phone.register("*", expires=0, cseq=4).status == 500
    assert len(registrar) == 1
    assert Phone(registrar, call_id="c2").register("<sip:a@h>", expires=0, cseq=1).status == 200


def test_all_or_nothing(registrar):
    phone = Phone(registrar)
    assert phone.register("<sip:a@h>", "<sip:b@h>;expires=5").status == 423
    assert phone.register("<sip:a@h>", "<mailto:a@h>").status == 400
    assert phone.register(*(f"<sip:{n}@h>" for n in range(20))).status == 403
    assert len(registrar) == 0


def test_a_restarted_phone_replaces_itself(registrar):
    phone = Phone(registrar)
    phone.register('<sip:a@h:1>;+sip.instance="<urn:uuid:1>"')
    response = Phone(registrar, call_id="c2").register('<sip:a@h:2>;+sip.instance="<urn:uuid:1>"')
    assert response.headers.all("Contact") == ['<sip:a@h:2>;+sip.instance="<urn:uuid:1>";expires=600']
    assert [type(event).__name__ for event in events(registrar)] == ["Registered", "Unregistered", "Registered"]
    assert len(registrar) == 1


def test_limits_per_user_and_in_all(registrar):
    phone = Phone(registrar)
    for n in range(5):
        assert phone.register(f"<sip:{n}@h>", expires=100 + n).status == 200
    assert [binding.contact.user for binding in registrar.bindings("101")] == ["4", "3", "2"]
    other = Phone(registrar, "102", "pw2")
    other.register("<sip:a@h>", "<sip:b@h>")
    full = other.register("<sip:c@h>")
    assert (full.status, full.headers.get("Retry-After")) == (503, "60")
    assert other.register("<sip:a@h>").status == 200  # a refresh needs no room


def test_a_lost_connection_takes_its_phones_along(registrar):
    Phone(registrar).register("<sip:a@h>", source=Address("tcp", "198.51.100.7", 40001, 7))
    Phone(registrar, "102", "pw2").register("<sip:b@h>", source=Address("tcp", "198.51.100.7", 40002, 8))
    events(registrar)
    registrar.connection_lost(7)
    assert events(registrar) == [Unregistered("101", Uri.parse("sip:a@h"), "connection lost")]
    assert registrar.users() == ["102"]


def test_refreshing_for_ever_needs_no_more_memory(registrar):
    phone = Phone(registrar)
    for n in range(2000):
        phone.register("<sip:a@h>", now=float(n))
    assert len(registrar._due) < 100
    assert len(registrar) == 1


NAMES = {"alice": "alice", "101": "alice", "bob": "bob", "102": "bob"}


def canonical(name):
    return NAMES.get(name.lower())


@pytest.fixture
def house():
    passwords = {"alice": "pw", "bob": "pw"}
    return Registrar(DigestServer("tandem", "secret", most_failures=3), passwords.get, None, canonical)


@pytest.mark.parametrize("auth", ["alice", "101", "ALICE"])
@pytest.mark.parametrize("aor", ["alice", "101", "Alice"])
def test_a_user_is_one_user_by_any_name(house, auth, aor):
    assert Phone(house, user=auth).register("<sip:x@h>", aor=f"sip:{aor}@pbx.example.com").status == 200
    assert house.users() == ["alice"]
    assert house.bindings("101") == house.bindings("aLICE") == house.bindings("alice")
    assert [event.user for event in events(house)] == ["alice"]


@pytest.mark.parametrize("aor", ["bob", "102", "nobody"])
def test_no_name_of_somebody_else_will_do(house, aor):
    response = Phone(house, user="101").register("<sip:x@h>", aor=f"sip:{aor}@pbx.example.com")
    assert (response.status, house.users()) == (403, [])


def test_guesses_at_one_account_count_together_however_it_is_spelt(house):
    for name in ("alice", "Alice", "101"):
        assert Phone(house, user=name, password="guess").register("<sip:x@h>").status == 401
    assert Phone(house, user="aLICE", password="pw").register("<sip:x@h>").status == 403
