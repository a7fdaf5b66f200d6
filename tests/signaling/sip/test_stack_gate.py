"""Whoever knocks: wrong, unwanted, broken, too many (RFC 3261 section 8.2), and what is answered."""

from __future__ import annotations

import contextlib
import random

import pytest

from signaling.sip.address import Address
from signaling.sip.errors import TooMany, WrongState
from signaling.sip.events import Cancelled, MessageRefused
from tests.signaling.sip.pair import ALICE, BOB
from tests.signaling.sip.peer import Peer


@pytest.fixture
def peer():
    return Peer()


def test_methods_that_are_not_spoken(peer):
    peer.give(peer.request("MESSAGE"))
    peer.give(peer.request("DANCE"))
    known, unknown = peer.take()
    assert (known.status, unknown.status) == (405, 501)
    assert {"INVITE", "BYE", "UPDATE", "REGISTER"} < set(known.headers.all("Allow"))
    assert all(isinstance(event, MessageRefused) for event in peer.events())
    assert peer.stack.counts["refused-405"] == 1
    assert peer.stack.transactions() == 0, "a refusal leaves nothing behind"


def test_a_stateless_refusal_is_the_same_for_every_copy(peer):
    message = peer.request("MESSAGE").replace("To: <sip:alice@192.0.2.1>", "To: <sip:alice@example.com>")
    peer.give(message)
    peer.give(message)
    first, second = peer.take()
    assert first.to.tag
    assert bytes(first) == bytes(second)
    peer.give(message.replace("MESSAGE", "ACK").replace("example.com>", f"example.com>;tag={first.to.tag}"))
    peer.give(peer.request("ACK", to_tag="nobody"))
    assert peer.take() == []
    assert peer.stack.counts["stray-ack"] == 1


def test_other_schemes(peer):
    peer.give(peer.request("INVITE", uri="mailto:alice@example.com"))
    assert peer.starts() == ["416"]


def test_required_extensions(peer):
    peer.give(peer.request("INVITE", headers="Require: replaces, path, timer\n"))
    answer = peer.one()
    assert (answer.status, answer.headers.all("Unsupported")) == (420, ["path", "timer"])
    peer.events()
    call = peer.talks()
    peer.give(peer.request("INVITE", to_tag=call, cseq=2, headers="Require: timer\n"))
    assert peer.starts() == ["420"]


def test_too_many_hops(peer):
    peer.give(peer.request("INVITE", hops=0))
    assert peer.starts() == ["483"]
    peer.give(peer.request("OPTIONS", hops=0))
    assert peer.starts() == ["200"], "answered, not forwarded"


def test_the_same_request_by_two_paths(peer):
    peer.give(peer.request("INVITE", branch="z9hG4bK-one"))
    peer.give(peer.request("INVITE", branch="z9hG4bK-two"))
    assert peer.starts() == ["100", "482"]  # 8.2.2.2
    assert peer.kinds() == ["Invited", "MessageRefused"]


def test_bodies_that_nobody_reads(peer):
    peer.give(peer.request("INVITE", body="<xml/>").replace("application/sdp", "application/xml"))
    answer = peer.one()
    assert (answer.status, answer.headers.get("Accept")) == (415, "application/sdp")
    peer.give(peer.request("INVITE", body="gzip", headers="Content-Encoding: gzip\n"))
    assert peer.starts() == ["415"]


def test_options(peer):
    peer.give(peer.request("OPTIONS"))
    answer = peer.one()
    assert (answer.status, answer.headers.get("Accept")) == (200, "application/sdp")
    assert set(answer.headers.all("Allow")) >= {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE"}


def test_unknown_dialogs(peer):
    for method in ("BYE", "INFO", "UPDATE", "INVITE"):
        peer.give(peer.request(method, to_tag="nobody"))
        assert peer.starts() == ["481"]
    for method in ("BYE", "INFO", "UPDATE"):
        peer.give(peer.request(method, call_id=f"new-{method}"))
        assert peer.starts() == ["481"]
    peer.give(peer.request("CANCEL"))
    assert peer.starts() == ["481"]
    assert peer.events() == []


def test_a_tag_or_call_id_of_somebody_else(peer):
    call = peer.talks()
    peer.give(peer.request("BYE", to_tag=call, from_tag="evil", cseq=2))
    peer.give(peer.request("BYE", to_tag=call, call_id="other", cseq=2))
    assert peer.starts() == ["481", "481"]
    assert peer.stack.calls() == 1


def test_out_of_order(peer):
    call = peer.talks()
    peer.give(peer.request("OPTIONS", to_tag=call, cseq=10))
    peer.give(peer.request("OPTIONS", to_tag=call, cseq=9))
    assert peer.starts() == ["200", "500"]  # 12.2.2


def test_cancel_of_a_call_to_us(peer):
    call = peer.calls()
    peer.give(peer.request("CANCEL", branch="z9hG4bK-invite", headers='Reason: SIP;text="lunch"\n'))
    ok, terminated = peer.take()
    assert (ok.status, ok.cseq.method, terminated.status, terminated.cseq.method) == (200, "CANCEL", 487, "INVITE")
    assert ok.to.tag == terminated.to.tag == call  # 9.2
    assert peer.events() == [Cancelled(call, "lunch")]


def test_cancel_after_the_answer_changes_nothing(peer):
    call = peer.calls()
    peer.stack.answer(call, b"v=0", peer.now)
    peer.give(peer.request("CANCEL", branch="z9hG4bK-invite"))
    assert peer.starts() == ["200", "200"]
    assert peer.events() == []
    assert peer.stack.calls() == 1


def test_bye_before_the_answer(peer):
    call = peer.calls()
    peer.give(peer.request("BYE", to_tag=call, cseq=2))
    assert peer.starts() == ["200", "487"]
    assert peer.kinds() == ["Cancelled"]


def test_our_bye_before_their_ack_waits_for_it(peer):
    call = peer.calls()
    peer.stack.answer(call, b"v=0", peer.now)
    peer.take()
    peer.stack.bye(call, peer.now)
    assert peer.wait(0.6) == [(0.5, "200")]
    peer.give(peer.request("ACK", to_tag=call))
    assert peer.starts() == ["BYE"]  # 15
    assert peer.events() == []
    assert peer.stack.calls() == 0


def test_ringing_is_refreshed_every_minute_and_ends(peer):
    call = peer.calls()
    peer.stack.progress(call, 180, peer.now)
    peer.take()
    assert peer.wait(179) == [(60, "180"), (120, "180")]  # 13.3.1.1
    assert peer.wait(2)[0] == (180, "487")
    assert peer.events() == [Cancelled(call, "nobody decided in time")]


def test_an_invitation_may_expire(peer):
    call = peer.calls(headers="Expires: 20\n")
    assert peer.wait(20.1) == [(20, "487")]
    assert peer.events() == [Cancelled(call, "nobody decided in time")]


def test_limits():
    peer = Peer(max_calls=2, max_transactions=2)
    for number in range(3):
        peer.give(peer.request("INVITE", call_id=f"call-{number}"))
    *_, refused = peer.take()
    assert (refused.status, refused.headers.get("Retry-After")) == (503, "5")
    with pytest.raises(TooMany):
        peer.stack.invite(BOB, targets=[peer.there], from_=ALICE, body=b"", now=0)
    for number in range(3):
        peer.give(peer.request("OPTIONS", call_id=f"options-{number}"))
    peer.give(peer.request("REGISTER", call_id="register"))
    assert peer.starts() == ["200", "200", "200", "503"]
    assert peer.stack.transactions() == 2


def test_the_source_is_written_into_the_via():
    peer = Peer()
    behind_nat = Address("udp", "203.0.113.99", 31337)
    peer.give(peer.request("OPTIONS"), behind_nat)
    via = peer.one().via
    assert (via.host, via.received, via.rport) == ("192.0.2.2", "203.0.113.99", 31337)
    assert peer.addresses == [behind_nat]  # RFC 3581


def test_contact_and_via_say_what_is_advertised():
    peer = Peer(contact_host={"udp": ("gateway.example.com", 5099)})
    _, invite = peer.invited()
    assert (invite.via.host, invite.via.port, invite.via.wants_rport) == ("gateway.example.com", 5099, True)
    assert str(invite.contacts[0].uri) == "sip:alice@gateway.example.com:5099"
    peer.give(peer.request("INVITE"))
    peer.take()
    peer.stack.progress(peer.events()[-1].call, 180, peer.now)
    assert peer.one().contacts[0].uri.host == "gateway.example.com"


GARBAGE = (
    b"\x00\x01\x00\x00!\x12\xa4B" + b"\0" * 12,
    b"hello\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\xff" * 100,
)


@pytest.mark.parametrize("data", GARBAGE)
def test_garbage_is_counted_and_told(peer, data):
    peer.stack.receive(data, peer.there, 0)
    assert peer.kinds() == ["MessageRefused"]
    assert peer.stack.counts["garbage"] == 1
    assert peer.take() == []


def test_keep_alives_are_silent(peer):
    for data in (b"", b"\r\n\r\n", b"\0\0\0\0", b"\r\n"):
        peer.stack.receive(data, peer.there, 0)
    assert (peer.events(), peer.take(), peer.stack.counts["garbage"]) == ([], [], 0)


def test_a_broken_request_is_told_so(peer):
    peer.give(peer.request("OPTIONS").replace("CSeq: 1 OPTIONS", "CSeq: one OPTIONS"))
    (answer,) = peer.stack.outgoing()
    assert answer.data.startswith(b"SIP/2.0 400 not a CSeq")
    peer.give(peer.request("OPTIONS").replace(" SIP/2.0\nVia", " SIP/3.0\nVia"))
    assert peer.starts() == ["505"]


def test_mangled_messages_never_raise_and_never_hurt_the_call():
    peer, dice = Peer(), random.Random(4)
    call = peer.talks()
    lines = (
        "Refer-To: <sip:a@h?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>\nReferred-By: <sip:x@h>\nRAck: 1 1 INVITE\n"
        "Event: refer;id=2\nSubscription-State: active;expires=60\nSession-Expires: 600;refresher=uac\n"
        "Supported: timer, 100rel\nP-Asserted-Identity: <sip:x@h>\nMin-SE: 90\nRefer-Sub: false\n"
    )
    methods = ("INVITE", "BYE", "ACK", "CANCEL", "OPTIONS", "INFO", "UPDATE", "REGISTER", "PRACK", "REFER", "NOTIFY")
    good = [
        peer.request(method, to_tag=tag, cseq=2, body=body, branch=f"z9hG4bK-{method}", headers=headers)
        .replace("\n", "\r\n")
        .encode()
        for method in methods
        for headers in ("", lines)
        for tag in ("", "nobody", call if method != "BYE" else "somebody")
        for body in ("", "v=0")
    ]
    for number in range(4000):
        data = bytearray(dice.choice(good))
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(data))
            data[at : at + dice.randint(0, 4)] = dice.randbytes(dice.randint(0, 3))
        peer.stack.receive(bytes(data), Address("udp", "192.0.2.66", 9), peer.now)
        if number % 50 == 0:
            peer.stack.outgoing(), peer.events()
            peer.now += 1
            peer.stack.wake(peer.now)
    with contextlib.suppress(WrongState):  # what came through whole is owed an answer
        peer.stack.reject_reinvite(call, 488, peer.now)
    peer.now += 400
    for _ in range(3):
        peer.stack.wake(peer.now)
        peer.now += 40
    assert peer.stack.counts["garbage"] > 500
    assert (peer.stack.calls(), peer.stack.transactions()) == (1, 0)
    peer.stack.bye(call, peer.now)


def test_a_response_with_a_second_via_has_lost_its_way(peer):
    _, invite = peer.invited()
    invite.headers.add("Via", "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK-x")
    peer.answer(invite, 200, body=b"v=0")
    assert peer.take() == []
    assert peer.stack.counts["stray-response"] == 1  # 8.1.3.3


@pytest.mark.parametrize("method", ["OPTIONS", "BYE", "INFO", "UPDATE"])
def test_a_flood_from_nobody_is_not_remembered(method):
    peer = Peer(max_transactions=20)
    for n in range(100_000 if method == "OPTIONS" else 1000):
        peer.give(peer.request(method, call_id=f"call-{n}", to_tag="" if n % 2 else "stray"))
        assert len(peer.take() if n < 50 else peer.stack.outgoing()) == 1
    assert (peer.stack.transactions(), peer.stack.wake_at()) == (0, None)
    peer.calls()
    assert peer.stack.counts["refused-503"] == 0


def test_a_request_of_another_dialog_that_guesses_our_tag_is_not_remembered(peer):
    call = peer.talks()
    before = peer.stack.transactions()
    peer.give(peer.request("INFO", to_tag=call, cseq=7, call_id="another"))
    assert (peer.starts(), peer.stack.transactions()) == (["481"], before)


@pytest.mark.parametrize(
    ("headers", "uri"),
    [("", "sip:alice@192.0.2.1"), ('Authorization: Digest realm="tandem", username="x"\n', "sip:alice@192.0.2.1")],
)
def test_refused_registers_are_not_remembered_and_every_copy_hears_the_same(headers, uri):
    peer = Peer(domains=("elsewhere.example",))
    message = peer.request("REGISTER", headers=headers, uri=uri)
    peer.give(message)
    peer.give(message)
    first, second = peer.take()
    assert (first.status, bytes(first), peer.stack.transactions()) == (404, bytes(second), 0)


def test_a_full_table_refuses_no_request_of_a_call_that_is_known():
    peer = Peer(max_transactions=1)
    call = peer.talks()
    peer.give(peer.request("INVITE", call_id="other"))
    assert peer.starts() == ["503"]
    peer.give(peer.request("INFO", to_tag=call, cseq=2))
    peer.give(peer.request("BYE", to_tag=call, cseq=3))
    assert peer.starts() == ["200", "200"]
