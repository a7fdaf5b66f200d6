"""The gate's two other ways: a gateway that recognises peers by itself, and one that strangers cannot hear."""

from __future__ import annotations

import pytest

from signaling.sip.address import Address
from signaling.sip.auth import Credentials, DigestClient
from signaling.sip.config import StackConfig
from signaling.sip.events import Invited
from signaling.sip.gate import Refusal
from signaling.sip.message import Request, parse_message
from signaling.sip.stack import Stack
from tests.signaling.sip.pair import PASSWORDS, hexes
from tests.signaling.sip.peer import Peer

ELSEWHERE = Address("udp", "203.0.113.7", 5060)


class Guarded(Peer):
    """A peer of a stack with an admission hook, which writes down what it is asked."""

    def __init__(self, admit=None, **options):
        super().__init__()
        self.asked = []

        def hook(request, source):
            self.asked.append(request.method)
            return admit(request, source) if admit is not None else None

        host = {"udp": (self.here.host, self.here.port)}
        config = StackConfig(**{"session_timer": False, "contact_host": host} | options)
        self.stack = Stack(config, hexes(3), PASSWORDS.get, admit=hook)


def provider(request, source):
    if source.host == ELSEWHERE.host:
        return "provider"
    if request.uri.user == "full":
        return Refusal(503, (("Retry-After", "5"),), "the trunk is full")
    return "" if request.uri.user == "nameless" else None


# recognising


def test_a_recognised_peer_is_not_asked_for_a_password():
    peer = Guarded(provider)
    peer.give(peer.request("INVITE", body="v=0"), ELSEWHERE)
    (invited,) = peer.events()
    assert isinstance(invited, Invited)
    assert (invited.peer, invited.user, peer.asked) == ("provider", None, ["INVITE"])


def test_others_are_asked_and_refusals_are_obeyed():
    peer = Guarded(provider)
    peer.give(peer.request("INVITE", body="v=0"))
    peer.give(peer.request("INVITE", body="v=0", uri="sip:nameless@192.0.2.1"))
    assert peer.starts() == ["401", "401"]
    peer.give(peer.request("INVITE", body="v=0", uri="sip:full@192.0.2.1"))
    refusal = peer.one()
    assert (refusal.status, refusal.headers.get("Retry-After")) == (503, "5")
    assert [event.why for event in peer.events()] == ["the trunk is full"]
    assert peer.stack.transactions() == 0


def test_within_a_call_and_for_registrations_nobody_is_asked():
    peer = Guarded(lambda request, source: "provider")
    call = peer.talks()
    peer.give(peer.request("BYE", to_tag=call, cseq=2))
    peer.give(peer.request("REGISTER"))
    assert peer.starts() == ["200", "401"]
    assert peer.asked == ["INVITE"]


# silence


@pytest.fixture
def silent():
    return Guarded(provider, silent=True)


def with_password(peer, message, nonce_from=None, password="builder", user="bob"):
    """`message` with an answer to the challenge that a REGISTER got."""
    peer.give(peer.request("REGISTER", call_id="r"), nonce_from)
    challenge = peer.one()
    client = DigestClient(Credentials(user, password), hexes(9))
    again = client.answer(challenge, parse_message(message.replace("\n", "\r\n").encode()))
    assert isinstance(again, Request)
    return again


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "SUBSCRIBE", "DANCE", "BYE", "CANCEL", "REFER", "NOTIFY"])
@pytest.mark.parametrize("tag", ["", "nobody"])
def test_a_stranger_hears_nothing(silent, method, tag):
    silent.give(silent.request(method, to_tag=tag))
    assert (silent.take(), silent.events()) == ([], [])
    assert (silent.stack.counts["silent"], silent.stack.transactions()) == (1, 0)


def test_nor_does_its_garbage(silent):
    silent.give(silent.request("INVITE").replace("CSeq: 1", "CSeq: x"))
    assert silent.take() == []
    silent.give(silent.request("INVITE").replace("CSeq: 1", "CSeq: x"), ELSEWHERE)
    (answer,) = silent.stack.outgoing()
    assert answer.data.startswith(b"SIP/2.0 400 ")


def test_a_password_opens(silent):
    message = with_password(silent, silent.request("INVITE", body="v=0"))
    silent.give(message)
    assert [event.user for event in silent.events()] == ["bob"]


@pytest.mark.parametrize(("user", "password"), [("bob", "wrong"), ("eve", "builder")])
def test_a_wrong_one_does_not(silent, user, password):
    message = with_password(silent, silent.request("INVITE", body="v=0"), password=password, user=user)
    silent.give(message)
    assert (silent.take(), silent.kinds(), silent.stack.counts["silent"]) == ([], [], 1)


def test_nor_does_an_answer_to_a_challenge_of_somebody_else(silent):
    message = with_password(silent, silent.request("INVITE", body="v=0"), nonce_from=ELSEWHERE)
    silent.give(message)
    assert silent.take() == []


def test_an_answer_to_our_challenge_that_is_too_old_is_challenged_anew(silent):
    message = with_password(silent, silent.request("INVITE", body="v=0"))
    silent.now += 1000
    silent.give(message)
    answer = silent.one()
    assert answer.status == 401 and "stale=true" in (answer.headers.get("WWW-Authenticate") or "")


def test_where_a_phone_is_registered_people_are_answered(silent):
    register = with_password(silent, silent.request("REGISTER", call_id="r2").replace("alice@192", "bob@192"))
    silent.give(register)
    assert silent.starts() == ["200"]
    silent.give(silent.request("OPTIONS", call_id="o1"))
    silent.give(silent.request("INVITE", call_id="o2"))
    assert silent.starts() == ["200", "401"]
    silent.now += 4000
    silent.stack.wake(silent.now)
    silent.give(silent.request("OPTIONS", call_id="o3"))
    assert silent.take() == []


def test_trusted_and_recognised_people_are_answered():
    peer = Guarded(provider, silent=True, trusted=("192.0.2.0/24",))
    peer.give(peer.request("OPTIONS"))
    peer.give(peer.request("INVITE", call_id="2"))
    peer.give(peer.request("OPTIONS", call_id="3"), ELSEWHERE)
    peer.give(peer.request("BYE", call_id="4", to_tag="x"), ELSEWHERE)
    assert peer.starts() == ["200", "100", "200", "481"]
    peer.give(peer.request("OPTIONS", call_id="5"), Address("udp", "198.51.100.1", 5060))
    assert peer.take() == []


def test_calls_that_we_know_go_on(silent):
    silent.give(silent.request("INVITE", body="v=0", branch="z9hG4bK-invite"), ELSEWHERE)
    call = silent.events()[0].call
    silent.stack.answer(call, b"v=0", silent.now)
    silent.take()
    silent.give(silent.request("ACK", to_tag=call))  # from another address than the INVITE: a proxy has left the path
    silent.give(silent.request("BYE", to_tag=call, cseq=2))
    assert silent.starts() == ["200"]
