"""Several phones answer one INVITE, answers cross our CANCEL, or come when nobody waits any more."""

from __future__ import annotations

from signaling.sip.address import Address
from signaling.sip.events import Answered, Progressed, Rejected
from tests.signaling.sip.peer import Peer

ELSEWHERE = "<sip:carol@192.0.2.3>"


def test_the_first_2xx_wins_and_the_others_are_acknowledged_and_hung_up():
    peer = Peer()
    call, invite = peer.invited()
    peer.answer(invite, 180, "b1")
    peer.answer(invite, 183, "c1", ELSEWHERE, body=b"early")
    peer.answer(invite, 200, "b1", body=b"v=0")
    ack = peer.one()
    assert (ack.method, ack.to.tag) == ("ACK", "b1")
    peer.answer(invite, 200, "c1", ELSEWHERE, body=b"v=0")
    ack, bye = peer.take()
    assert [(each.method, each.to.tag, str(each.uri)) for each in (ack, bye)] == [
        ("ACK", "c1", "sip:carol@192.0.2.3"),
        ("BYE", "c1", "sip:carol@192.0.2.3"),
    ]
    assert peer.addresses == [Address("udp", "192.0.2.3", 5060)] * 2
    assert peer.events() == [
        Progressed(call, 180, "Ringing"),
        Progressed(call, 183, "Session Progress", b"early"),
        Answered(call, b"v=0"),
    ]
    peer.answer(bye, 200)
    peer.answer(invite, 200, "c1", ELSEWHERE)
    assert peer.starts() == ["ACK"], "the loser's copy: acknowledged again, hung up once"
    peer.answer(invite, 200, "b1")
    assert peer.starts() == ["ACK"]
    assert peer.stack.calls() == 1


def test_an_ack_for_every_copy_of_the_2xx_also_after_our_bye():
    peer = Peer()
    call, invite = peer.invited()
    peer.answer(invite, 200, body=b"v=0")
    first = peer.one()
    for _ in range(3):
        peer.answer(invite, 200, body=b"v=0")
        assert bytes(peer.one()) == bytes(first)
    peer.stack.bye(call, peer.now)
    assert peer.starts() == ["BYE"]
    peer.answer(invite, 200, body=b"v=0")
    assert peer.starts() == ["ACK"]
    assert peer.kinds() == ["Answered"]


def test_cancel_waits_for_a_provisional_response():
    peer = Peer()
    call, invite = peer.invited()
    peer.stack.cancel(call, peer.now, "changed my mind")
    assert peer.take() == []
    peer.answer(invite, 100)
    cancel = peer.one()
    assert (cancel.method, cancel.uri, cancel.via, str(cancel.cseq)) == ("CANCEL", invite.uri, invite.via, "1 CANCEL")
    assert (str(cancel.to), str(cancel.from_)) == (str(invite.to), str(invite.from_))
    assert cancel.headers.all("Via") == invite.headers.all("Via")
    assert cancel.headers.get("Reason") == 'SIP;text="changed my mind"'
    peer.answer(cancel, 200)
    peer.answer(invite, 487)
    assert peer.starts() == ["ACK"]
    assert peer.events() == [Rejected(call, 487, "Request Terminated")]


def test_cancel_of_an_invite_that_nobody_hears_ends_with_timer_b():
    peer = Peer()
    call, _ = peer.invited(targets=[peer.there, Address("udp", "192.0.2.3", 5060)])
    peer.stack.cancel(call, peer.now)
    peer.stack.cancel(call, peer.now)
    assert {start for _, start in peer.wait(33)} == {"INVITE"}
    assert peer.kinds() == ["Rejected"], "no second target for a call that nobody wants"


def test_a_200_that_crosses_our_cancel_is_hung_up():
    peer = Peer()
    call, invite = peer.invited()
    peer.answer(invite, 180)
    peer.stack.cancel(call, peer.now)
    peer.answer(invite, 200, body=b"v=0")
    assert peer.starts() == ["CANCEL", "ACK", "BYE"]
    assert peer.events()[-1] == Rejected(call, 487, "Request Terminated", cause="cancelled")
    assert peer.stack.calls() == 0


def test_a_200_before_the_owed_cancel_is_hung_up():
    peer = Peer()
    call, invite = peer.invited()
    peer.stack.cancel(call, peer.now)
    peer.answer(invite, 200, body=b"v=0")
    assert peer.starts() == ["ACK", "BYE"]
    assert peer.kinds() == ["Rejected"]


def test_without_a_final_response_to_a_cancelled_invite_we_stop_waiting():
    peer = Peer()
    call, invite = peer.invited()
    peer.answer(invite, 180)
    peer.stack.cancel(call, peer.now)
    peer.answer(peer.one(), 200)
    peer.events()
    peer.wait(31.9)
    assert peer.stack.calls() == 1
    peer.wait(0.2)
    assert peer.events() == [Rejected(call, 487, "Request Terminated", cause="cancelled")]
    assert (peer.stack.calls(), peer.stack.transactions()) == (0, 0)
    peer.answer(invite, 200)
    assert peer.starts() == ["ACK", "BYE"], "late, but not left talking to nobody"
    peer.answer(invite, 200)
    assert peer.starts() == ["ACK"]


def test_a_2xx_after_our_timeout_is_acknowledged_and_hung_up_for_a_while():
    peer = Peer()
    _, invite = peer.invited()
    peer.wait(33)
    assert peer.kinds() == ["Rejected"]
    peer.answer(invite, 200)
    assert peer.starts() == ["ACK", "BYE"]
    peer.wait(70)
    peer.answer(invite, 200, "d1")
    assert peer.take() == []
    assert peer.stack.counts["stray-response"] == 1
    assert peer.stack.wake_at() is None


def test_it_does_not_ring_for_ever():
    peer = Peer(ring_limit=60)
    call, invite = peer.invited()
    peer.answer(invite, 180)
    peer.wait(50)
    peer.answer(invite, 180)
    assert peer.wait(59) == [], "each sign of life starts the limit anew"
    assert peer.wait(2) == [(110, "CANCEL"), (110.5, "CANCEL"), (111.5, "CANCEL")][:2]
    peer.answer(invite, 487)
    assert peer.kinds()[-1] == "Rejected"


def test_the_next_target_is_tried_after_503_timeout_and_transport_error():
    peer = Peer()
    targets = [Address("udp", f"192.0.2.{host}", 5060) for host in (2, 3, 4, 5)]
    call, invite = peer.invited(targets=targets)
    peer.answer(invite, 503, headers=[("Retry-After", "9")])
    ack, second = peer.take()
    assert peer.addresses == targets[:2]
    assert (second.via.branch != invite.via.branch, second.call_id) == (True, invite.call_id)
    assert {start for _, start in peer.wait(33)} == {"INVITE"}
    peer.stack.transport_failed(targets[2], peer.now)
    fourth = peer.one()
    assert peer.addresses == targets[3:]
    peer.answer(fourth, 503, headers=[("Retry-After", "9")])
    assert peer.events() == [Rejected(call, 503, "Service Unavailable", retry_after=9)]


def test_an_earlier_target_that_answers_after_all_wins():
    peer = Peer()
    targets = [peer.there, Address("udp", "192.0.2.3", 5060)]
    call, first = peer.invited(targets=targets)
    peer.wait(31.9)
    peer.now = peer.stack.wake_at()
    peer.stack.wake(peer.now)
    second = peer.one()
    peer.answer(second, 180)
    peer.answer(first, 200, body=b"v=0")
    assert peer.starts() == ["ACK", "CANCEL"]
    peer.answer(second, 487)
    assert peer.starts() == ["ACK"]
    assert peer.kinds() == ["Progressed", "Answered"]
    assert peer.stack.calls() == 1


def test_a_cancel_after_a_retry_waits_again():
    peer = Peer()
    targets = [peer.there, Address("udp", "192.0.2.3", 5060)]
    call, invite = peer.invited(targets=targets)
    peer.answer(invite, 100)
    peer.answer(invite, 503)
    _, second = peer.take()
    peer.stack.cancel(call, peer.now)
    assert peer.take() == []
    peer.answer(second, 180)
    cancel = peer.one()
    assert cancel.via.branch == second.via.branch


def test_a_long_request_goes_by_tcp_and_back_to_udp_when_that_fails():
    peer = Peer()
    targets = [peer.there, Address("tcp", "192.0.2.2", 5060)]
    peer.stack.advertise("tcp", "192.0.2.1", 5062)
    _, invite = peer.invited(targets=targets, body=b"x" * 1300)
    assert peer.addresses == [targets[1]]
    assert (invite.via.transport, str(invite.contacts[0].uri)) == (
        "TCP",
        "sip:alice@192.0.2.1:5062;transport=tcp",
    )
    peer.stack.transport_failed(targets[1], peer.now, "connection refused")
    again = peer.one()
    assert peer.addresses == [targets[0]]
    assert (again.via.transport, str(again.contacts[0].uri)) == ("UDP", "sip:alice@192.0.2.1:5060")


def test_redirection_tells_where_to():
    peer = Peer()
    call, invite = peer.invited()
    peer.answer(
        invite, 302, headers=[("Contact", "<sip:a@192.0.2.7>, <sip:b@192.0.2.8>"), ("Reason", "Q.850;cause=16")]
    )
    (event,) = peer.events()
    assert [str(uri) for uri in event.contacts] == ["sip:a@192.0.2.7", "sip:b@192.0.2.8"]
    assert event.cause == "Q.850 16"


def test_a_bye_before_the_answer_arrived_ends_the_call():
    peer = Peer()
    call, invite = peer.invited()
    peer.answer(invite, 180)
    peer.events()
    peer.give(peer.request("BYE", to_tag=call, call_id=invite.call_id, cseq=1))
    assert peer.starts() == ["200"]
    assert peer.kinds() == ["Rejected"]
    assert peer.stack.calls() == 0


def test_a_storm_of_forks_is_bounded():
    peer = Peer()
    _, invite = peer.invited()
    for number in range(200):
        peer.answer(invite, 180, f"t{number}")
        peer.answer(invite, 200, f"t{number}", body=b"v=0")
    assert peer.starts().count("BYE") == 63
    peer.wait(40)
    assert peer.stack.transactions() == 0


def test_whether_anything_has_been_heard():
    peer = Peer()
    call, invite = peer.invited()
    assert not peer.stack.heard(call)
    peer.answer(invite, 100)
    assert peer.stack.heard(call)
    assert peer.stack.heard("no such call")
