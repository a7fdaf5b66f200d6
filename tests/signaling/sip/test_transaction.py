"""Retransmissions and timeouts on the wire, second by second."""

from __future__ import annotations

import pytest

from signaling.sip.address import Address
from signaling.sip.events import Rejected
from tests.signaling.sip.pair import ALICE, B
from tests.signaling.sip.peer import Peer


def at(sent, start):
    return [round(when, 3) for when, each in sent if each == start]


# INVITE client


def test_an_unanswered_invite_is_repeated_by_timer_a_until_timer_b():
    peer = Peer()
    call, _ = peer.invited()
    assert at(peer.wait(100), "INVITE") == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    (rejected,) = peer.events()
    assert isinstance(rejected, Rejected)
    assert (rejected.call, rejected.status, rejected.cause) == (call, 408, "timeout")
    assert peer.stack.transactions() == 0


def test_over_tcp_nothing_is_repeated_but_timer_b_still_runs():
    peer = Peer("tcp")
    peer.invited()
    assert peer.wait(31.9) == []
    assert peer.events() == []
    assert peer.wait(0.2) == []
    assert peer.kinds() == ["Rejected"]


def test_a_provisional_response_ends_retransmission_and_timeout():
    peer = Peer()
    _, invite = peer.invited()
    peer.answer(invite, 100)
    assert peer.wait(170) == []
    assert peer.stack.calls() == 1


def test_a_refusal_is_acknowledged_each_time_within_its_transaction():
    peer = Peer()
    _, invite = peer.invited(route=[ALICE])
    for _ in range(3):
        peer.answer(invite, 486)
        ack = peer.one()
        assert (ack.method, ack.uri, str(ack.via)) == ("ACK", invite.uri, str(invite.via))  # 17.1.1.3
        assert ack.headers.all("Route") == invite.headers.all("Route")
        assert (ack.to.tag, str(ack.from_), ack.cseq.number) == ("b1", str(invite.from_), invite.cseq.number)
    assert peer.kinds() == ["Rejected"], "told once"
    assert peer.wait(31.9) == []
    assert peer.stack.transactions() == 1
    peer.wait(0.2)
    assert peer.stack.transactions() == 0  # timer D


def test_timer_d_is_zero_over_tcp():
    peer = Peer("tcp")
    _, invite = peer.invited()
    peer.answer(invite, 486)
    peer.wait(0)
    assert peer.stack.transactions() == 0


# non-INVITE client


def test_a_bye_is_repeated_up_to_t2_and_slowly_after_a_provisional_response():
    peer = Peer()
    call = peer.talks()
    peer.stack.bye(call, peer.now)
    bye = peer.one()
    assert at(peer.wait(12), "BYE") == [0.5, 1.5, 3.5, 7.5, 11.5]
    peer.answer(bye, 100)
    assert at(peer.wait(100), "BYE") == [15.5, 19.5, 23.5, 27.5, 31.5]  # timer E at T2, timer F


def test_timer_k_absorbs_late_responses():
    peer = Peer()
    call = peer.talks()
    peer.stack.bye(call, peer.now)
    bye = peer.one()
    peer.wait(40)  # the transactions of the call
    call = peer.stack.transactions()
    assert call == 0
    peer = Peer()
    call = peer.talks()
    peer.wait(33)
    peer.stack.bye(call, peer.now)
    bye = peer.one()
    peer.answer(bye, 200)
    peer.wait(4.9)
    assert peer.stack.transactions() == 1
    peer.answer(bye, 200)
    assert peer.stack.counts["stray-response"] == 0
    peer.wait(0.2)
    assert peer.stack.transactions() == 0
    peer.answer(bye, 200)
    assert peer.stack.counts["stray-response"] == 1


# INVITE server


def test_a_repeated_invite_gets_the_latest_provisional_again_and_rings_once():
    peer = Peer()
    invite = peer.request("INVITE", body="v=0")
    peer.give(invite)
    peer.give(invite)
    assert peer.starts() == ["100", "100"]
    (event,) = peer.events()
    peer.stack.progress(event.call, 180, peer.now)
    peer.give(invite)
    assert peer.starts() == ["180", "180"]
    assert peer.events() == []


def test_a_refusal_is_repeated_by_timer_g_until_timer_h():
    peer = Peer()
    peer.stack.reject(peer.calls(), 486, peer.now)
    assert peer.starts() == ["486"]
    assert at(peer.wait(100), "486") == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert peer.stack.transactions() == 0


def test_the_ack_ends_it_and_timer_i_absorbs_more():
    peer = Peer()
    call = peer.calls()
    peer.stack.reject(call, 486, peer.now)
    peer.take()
    ack = peer.request("ACK", to_tag=call, branch="z9hG4bK-invite")
    peer.give(ack)
    peer.give(ack)
    assert peer.wait(4.9) == []
    assert (peer.stack.transactions(), peer.stack.counts["stray-ack"]) == (1, 0)
    peer.wait(0.2)
    assert peer.stack.transactions() == 0


def test_over_tcp_a_refusal_is_not_repeated():
    peer = Peer("tcp")
    peer.stack.reject(peer.calls(), 486, peer.now)
    peer.take()
    assert peer.wait(100) == []
    assert peer.stack.transactions() == 0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_2xx_is_repeated_end_to_end_until_its_ack(transport):
    peer = Peer(transport)
    call = peer.calls()
    peer.stack.answer(call, b"v=0", peer.now)
    peer.take()
    assert at(peer.wait(9), "200") == [0.5, 1.5, 3.5, 7.5]
    peer.give(peer.request("INVITE", branch="z9hG4bK-invite"))
    assert peer.take() == [], "an INVITE retransmission is absorbed in ACCEPTED (RFC 6026)"
    peer.give(peer.request("ACK", to_tag=call))
    assert peer.kinds() == ["Acked"]
    assert peer.wait(100) == []
    assert peer.stack.transactions() == 0


def test_an_ack_with_the_branch_of_its_invite_is_understood():
    peer = Peer()
    call = peer.calls()
    peer.stack.answer(call, b"v=0", peer.now)
    peer.give(peer.request("ACK", to_tag=call, branch="z9hG4bK-invite"))
    assert peer.kinds() == ["Acked"]


def test_without_an_ack_the_call_is_hung_up():
    peer = Peer()
    call = peer.calls()
    peer.stack.answer(call, b"v=0", peer.now)
    peer.take()
    sent = peer.wait(32)
    assert sent[-1] == (32, "BYE")  # 13.3.1.4
    assert len(at(sent, "200")) == 10
    assert peer.kinds() == ["Ended"]
    peer.wait(100)
    assert (peer.stack.calls(), peer.stack.transactions()) == (0, 0)


# non-INVITE server


def test_a_repeated_request_gets_its_answer_again_for_timer_j():
    peer = Peer()
    call = peer.talks()
    peer.wait(64)
    info = peer.request("INFO", to_tag=call, cseq=2)
    for _ in range(3):
        peer.give(info)
    assert (peer.starts(), peer.kinds()) == (["200"] * 3, ["InfoReceived"])
    peer.wait(31.9)
    assert peer.stack.transactions() == 1
    peer.wait(0.2)
    assert peer.stack.transactions() == 0


# matching


def test_rfc_2543_requests_are_told_apart_by_their_headers():
    peer = Peer()
    invite = peer.request("INVITE", branch="1")
    peer.give(invite)
    peer.give(invite)
    assert peer.kinds() == ["Invited"]
    peer.give(peer.request("INVITE", branch="1", cseq=2, call_id="other"))
    assert peer.kinds() == ["Invited"]


def test_a_response_with_another_method_does_not_match():
    peer = Peer()
    _, invite = peer.invited()
    invite.headers.set("CSeq", "1 OPTIONS")
    peer.answer(invite, 486)
    assert peer.events() == []
    assert peer.stack.counts["stray-response"] == 1


# transport errors


def test_a_transport_error_fails_a_request():
    peer = Peer()
    call, _ = peer.invited()
    peer.stack.transport_failed(peer.there, peer.now, "no route to host")
    (rejected,) = peer.events()
    assert (rejected.call, rejected.status, rejected.cause) == (call, 503, "transport-failed")


def test_a_server_transaction_survives_a_transport_error():
    peer = Peer()
    call = peer.calls()
    peer.stack.transport_failed(peer.there, peer.now)
    peer.stack.reject(call, 486, peer.now)
    peer.stack.transport_failed(peer.there, peer.now)
    assert peer.starts() == ["486"]
    assert at(peer.wait(2), "486") == [0.5, 1.5]


def test_a_response_whose_connection_is_gone_goes_to_where_the_via_says():
    peer = Peer("tcp")
    through = Address("tcp", B.host, 40000, connection=7)
    peer.give(peer.request("OPTIONS"), through)
    assert peer.starts() == ["200"]
    assert peer.addresses == [through]
    peer.stack.transport_failed(through, peer.now)
    peer.give(peer.request("INVITE"), through)
    peer.take()
    (invited,) = peer.events()
    peer.stack.transport_failed(through, peer.now)
    peer.take()
    peer.stack.reject(invited.call, 486, peer.now)
    peer.take()
    assert peer.addresses == [Address("tcp", B.host, 5060)]  # 18.2.2
