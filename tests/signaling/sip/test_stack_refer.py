"""REFER, between stacks and from a peer written by hand: blind, attended, refused, quiet, after BYE, on bad wires."""

from __future__ import annotations

import pytest

from signaling.sip.auth import Credentials
from signaling.sip.errors import NoSuchCall, TooMany, WrongState
from signaling.sip.events import Ended, ReferProgress, Referred, ReferRefused
from signaling.sip.replaces import Replaces
from signaling.sip.uri import Uri
from tests.kit.network import BadNetwork
from tests.signaling.sip.pair import ALICE, BOB, Pair
from tests.signaling.sip.peer import Peer

CAROL = Uri.parse("sip:carol@192.0.2.3")


def referred(pair, **options):
    """A talks to B and refers it to Carol; both handles and B's event."""
    outgoing, incoming = pair.talk()
    pair.a.refer(outgoing, CAROL, pair.now, **options)
    pair.run(0.1)
    return outgoing, incoming, pair.last("b")


def test_a_blind_transfer_from_the_request_to_the_outcome():
    pair = Pair()
    outgoing, incoming, event = referred(pair)
    assert isinstance(event, Referred)
    assert (event.call, event.refer_to, event.replaces) == (incoming, CAROL, None)
    assert event.referred_by.uri == ALICE.uri
    pair.b.accept_refer(incoming, pair.now)
    pair.run(0.1)
    pair.b.notify_refer(incoming, 180, None, pair.now)
    pair.run(0.1)
    pair.b.notify_refer(incoming, 200, None, pair.now)
    pair.run(0.1)
    assert [(each.status, each.reason, each.over) for each in pair.events["a"]] == [
        (100, "Trying", False),
        (180, "Ringing", False),
        (200, "OK", True),
    ]
    assert pair.sent("b", "202", "NOTIFY") == ["202", "NOTIFY", "NOTIFY", "NOTIFY"]
    pair.b.notify_refer(incoming, 486, None, pair.now)  # too late, and harmless
    pair.a.bye(outgoing, pair.now)
    pair.run()
    pair.assert_empty()


def test_an_attended_transfer_names_the_call_to_replace():
    """Alice's gateway (a) holds calls with Bob's (b) in both directions; Bob joins them."""
    pair = Pair()
    outgoing, incoming = pair.talk()
    other_a, other_b = pair.talk(from_=ALICE)
    replaces = pair.b.replaces_of(other_b)
    assert pair.a.call_of(replaces) == other_a
    pair.b.refer(incoming, pair.b.target_of(other_b), pair.now, replaces)
    pair.run(0.1)
    event = pair.last("a")
    assert (event.call, event.replaces) == (outgoing, replaces)
    assert pair.a.call_of(event.replaces) == other_a
    assert event.refer_to.host == "192.0.2.1" and not event.refer_to.headers
    pair.a.accept_refer(outgoing, pair.now)
    pair.a.notify_refer(outgoing, 200, "OK", pair.now)
    pair.a.bye(outgoing, pair.now)
    pair.a.bye(other_a, pair.now)
    pair.run()
    assert pair.events["b"][-1] == ReferProgress(incoming, 200, "OK", True, pair.events["b"][-1].id)
    pair.assert_empty()


def test_call_of_takes_the_tags_either_way_round_and_nothing_else():
    pair = Pair()
    outgoing, incoming = pair.talk()
    replaces = pair.b.replaces_of(incoming)
    assert pair.a.call_of(replaces) == outgoing
    swapped = Replaces(replaces.call_id, replaces.from_tag, replaces.to_tag)
    assert pair.a.call_of(swapped) == outgoing
    assert pair.a.call_of(Replaces("other", replaces.to_tag, replaces.from_tag)) is None
    assert pair.a.call_of(Replaces(replaces.call_id, replaces.to_tag, "x")) is None
    pair.a.bye(outgoing, pair.now)
    assert pair.a.call_of(replaces) is None


def test_a_refusal():
    pair = Pair()
    outgoing, incoming, event = referred(pair)
    pair.b.refuse_refer(incoming, 603, pair.now, "Not From Here", id=event.id)
    pair.run(0.1)
    assert pair.last("a") == ReferRefused(outgoing, 603, "Not From Here", event.id)
    assert (pair.a.calls(), pair.b.calls()) == (1, 1)
    pair.a.bye(outgoing, pair.now)
    pair.run()
    pair.assert_empty()


def test_nobody_decides():
    pair = Pair()
    outgoing, incoming, _ = referred(pair)
    pair.run(17)
    assert (pair.last("a").status, pair.last("a").call) == (603, outgoing)
    with pytest.raises(WrongState):
        pair.b.accept_refer(incoming, pair.now)


def test_a_failed_transfer_leaves_the_call():
    pair = Pair()
    outgoing, incoming, _ = referred(pair)
    pair.b.accept_refer(incoming, pair.now)
    pair.b.notify_refer(incoming, 486, None, pair.now)  # while the first NOTIFY is still out
    pair.run(0.2)
    assert [each.status for each in pair.events["a"]] == [100, 486]
    assert pair.last("a").over
    pair.a.info(outgoing, "a/b", b"", pair.now)
    pair.run(0.1)
    assert pair.kinds("b")[-1] == "InfoReceived"


def test_news_after_bye():
    """RFC 5057: most phones hang up as soon as their REFER is accepted; they still hear the outcome."""
    pair = Pair()
    outgoing, incoming, _ = referred(pair)
    pair.b.accept_refer(incoming, pair.now)
    pair.run(0.1)
    pair.a.bye(outgoing, pair.now)
    pair.run(0.1)
    assert isinstance(pair.last("b"), Ended)
    pair.b.notify_refer(incoming, 200, None, pair.now)
    pair.run()
    assert (pair.last("a").status, pair.last("a").over) == (200, True)
    pair.assert_empty()
    with pytest.raises(NoSuchCall):
        pair.b.notify_refer(incoming, 200, None, pair.now)


def test_a_subscription_does_not_last_for_ever():
    pair = Pair()
    outgoing, incoming, _ = referred(pair)
    pair.b.accept_refer(incoming, pair.now)
    pair.a.bye(outgoing, pair.now)
    pair.run()
    assert pair.now > 290
    assert (pair.last("a").status, pair.last("a").over) == (100, True)
    pair.assert_empty()


def test_a_call_that_ends_over_an_undecided_refer_answers_it():
    pair = Pair()
    _, incoming, _ = referred(pair)
    pair.b.bye(incoming, pair.now)
    pair.run()
    assert pair.sent("b", "487") == ["487"]
    pair.assert_empty()


def test_several_in_one_call_are_told_apart():
    pair = Pair()
    outgoing, incoming = pair.talk()
    first = pair.a.refer(outgoing, CAROL, pair.now)
    second = pair.a.refer(outgoing, BOB, pair.now)
    pair.run(0.1)
    ids = [event.id for event in pair.events["b"]]
    assert ids == [first, second]
    for id in reversed(ids):
        pair.b.accept_refer(incoming, pair.now, id)
    pair.b.notify_refer(incoming, 404, None, pair.now, first)
    pair.b.notify_refer(incoming, 200, None, pair.now, second)
    pair.run(0.5)
    outcomes = {event.id: event.status for event in pair.events["a"] if event.over}
    assert outcomes == {first: 404, second: 200}
    for _ in range(8):
        pair.a.refer(outgoing, CAROL, pair.now)
    with pytest.raises(TooMany):
        pair.a.refer(outgoing, CAROL, pair.now)


@pytest.mark.parametrize("seed", range(25))
def test_over_a_bad_network(seed):
    network = BadNetwork(seed, loss=0.2, delay=0.02, jitter=0.05, duplicate=0.1, reorder=0.2)
    pair = Pair(network)

    def on_b(event):
        if isinstance(event, Referred):
            pair.b.accept_refer(event.call, pair.now)
            pair.b.notify_refer(event.call, 180, None, pair.now)
            pair.b.notify_refer(event.call, 200, None, pair.now)

    outgoing = pair.call()
    pair.run(40)
    if "Invited" not in pair.kinds("b"):
        pytest.skip("the INVITE never came through")
    pair.b.answer(pair.events["b"][0].call, b"v=0 answer", pair.now)
    pair.run(40)
    if pair.a.calls() == 0 or pair.b.calls() == 0:
        return
    pair.on_b = on_b
    pair.a.refer(outgoing, CAROL, pair.now)
    pair.run(400)
    told = [each for each in pair.events["a"] if isinstance(each, ReferProgress | ReferRefused)]
    assert sum(isinstance(each, ReferRefused) or each.over for each in told) == 1
    assert told[-1].status in (200, 408, 100, 481, 503)
    if pair.a.calls():
        pair.a.bye(outgoing, pair.now)
    pair.run()
    pair.assert_empty()


# from a peer written by hand


@pytest.fixture
def peer():
    return Peer()


def refer(peer, call, refer_to="Refer-To: <sip:carol@192.0.2.3>\n", cseq=2, **more):
    peer.give(peer.request("REFER", to_tag=call, cseq=cseq, headers=refer_to, **more))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("", "400"),
        ("Refer-To: <sip:a@h>\nRefer-To: <sip:b@h>\n", "400"),
        ("Refer-To: <sip:>\n", "400"),
        ("Refer-To: <sip:a@h?Replaces=x>\n", "400"),
        ("Refer-To: <http://example.com>\n", "416"),
        ("Refer-To: <sip:a@h;method=BYE>\n", "403"),
    ],
)
def test_refers_that_make_no_sense(peer, headers, status):
    call = peer.talks()
    refer(peer, call, headers)
    assert (peer.starts(), peer.events()) == ([status], [])
    assert peer.stack.calls() == 1


def test_a_refer_that_wants_no_news(peer):
    call = peer.talks()
    refer(peer, call, "Refer-To: <sip:carol@192.0.2.3>\nRefer-Sub: false\nRequire: norefersub\n")
    peer.events()
    peer.stack.accept_refer(call, peer.now)
    accepted = peer.one()
    assert (accepted.status, accepted.headers.get("Refer-Sub")) == (202, "false")
    assert accepted.contacts
    peer.stack.notify_refer(call, 200, None, peer.now)
    assert peer.take() == []


def test_the_notify_on_the_wire(peer):
    call = peer.talks()
    refer(peer, call, "Refer-To: sip:carol@192.0.2.3\nReferred-By: <sip:boss@h>;x=1\n", cseq=2)
    (event,) = peer.events()
    assert (event.refer_to, event.referred_by.uri.user) == (CAROL, "boss")
    peer.stack.accept_refer(call, peer.now)
    accepted, notify = peer.take()
    assert (accepted.status, notify.method) == (202, "NOTIFY")
    assert notify.headers.get("Event") == "refer"  # the first in a dialog needs no id (RFC 3515 2.4.6)
    assert notify.headers.get("Subscription-State") == "active;expires=300"
    assert (notify.content_type, notify.body) == ("message/sipfrag", b"SIP/2.0 100 Trying\r\n")
    assert notify.contacts
    peer.stack.notify_refer(call, 503, "No\r\nWay: x", peer.now)
    assert peer.take() == []  # one NOTIFY at a time
    peer.answer(notify, 200)
    last = peer.one()
    assert last.headers.get("Subscription-State") == "terminated;reason=noresource"
    assert last.body == b"SIP/2.0 503 No  Way: x\r\n"
    peer.answer(last, 200)
    refer(peer, call, cseq=3)
    peer.stack.accept_refer(call, peer.now)
    assert peer.take()[1].headers.get("Event") == "refer;id=3"


def test_a_refused_notify_ends_the_subscription_and_not_the_call(peer):
    call = peer.talks()
    refer(peer, call)
    peer.stack.accept_refer(call, peer.now)
    _, notify = peer.take()
    peer.answer(notify, 481)
    peer.stack.notify_refer(call, 200, None, peer.now)
    assert (peer.take(), peer.stack.calls()) == ([], 1)


def test_refer_and_notify_that_belong_nowhere(peer):
    peer.give(peer.request("REFER", headers="Refer-To: <sip:a@h>\n"))
    peer.give(peer.request("NOTIFY", headers="Event: refer\n"))
    peer.give(peer.request("NOTIFY", to_tag="nobody", headers="Event: refer\n"))
    assert (peer.starts(), peer.stack.transactions()) == (["403", "481", "481"], 0)


def test_a_notify_without_a_subscription_is_481(peer):
    call = peer.talks()
    peer.give(peer.request("NOTIFY", to_tag=call, cseq=2, headers="Event: refer\nSubscription-State: active\n"))
    peer.give(peer.request("NOTIFY", to_tag=call, cseq=3, headers="Event: message-summary\n"))
    assert (peer.starts(), peer.events()) == (["481", "481"], [])


def test_a_refer_before_the_answer_has_to_wait(peer):
    call = peer.calls()
    refer(peer, call)
    assert (peer.starts(), peer.events()) == (["491"], [])


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ("Event: refer\nSubscription-State: terminated;reason=noresource\n", (100, True)),
        ("Event: Refer ; id=1\nSubscription-State: active\n", (100, False)),
    ],
)
def test_notifies_without_a_body_we_can_read(peer, notify, told):
    call, invite = peer.invited()
    peer.answer(invite, 200, body=b"v=0")
    peer.take()
    peer.events()
    id = peer.stack.refer(call, CAROL, peer.now)
    request = peer.one()
    assert (request.method, request.cseq.number) == ("REFER", id)
    assert request.headers.get("Refer-To") == "<sip:carol@192.0.2.3>"
    peer.answer(request, 202)
    notify = notify.replace("id=1", f"id={id}")
    message = peer.request("NOTIFY", to_tag=call, cseq=1, headers=notify, body="rubbish", call_id=invite.call_id)
    peer.give(message.replace("application/sdp", "message/sipfrag"))
    assert peer.starts() == ["200"]
    (event,) = peer.events()
    assert (event.status, event.over) == told


def test_silence_after_acceptance_is_told(peer):
    call, invite = peer.invited()
    peer.answer(invite, 200, body=b"v=0")
    peer.take(), peer.events()
    peer.stack.refer(call, CAROL, peer.now)
    peer.answer(peer.one(), 202)
    peer.wait(301)
    (event,) = peer.events()
    assert isinstance(event, ReferRefused) and event.status == 408
    assert peer.stack.calls() == 1


def test_a_refer_to_a_call_that_is_gone_ends_it(peer):
    call, invite = peer.invited()
    peer.answer(invite, 200, body=b"v=0")
    peer.take(), peer.events()
    peer.stack.refer(call, CAROL, peer.now)
    peer.answer(peer.one(), 481)
    assert peer.kinds() == ["ReferRefused", "Ended"]


# INVITE with Replaces


def replacing(peer, call, more="", call_id="call-1", from_tag="b1"):
    value = f"Replaces: {call_id};to-tag={call};from-tag={from_tag}{more}\n"
    peer.give(peer.request("INVITE", call_id="call-2", from_tag="c1", headers=f"Require: replaces\n{value}"))


def test_an_invite_that_takes_a_calls_place(peer):
    call = peer.talks()
    replacing(peer, call)
    assert peer.starts() == ["100"]
    (invited,) = peer.events()
    assert invited.replaces == call
    peer.stack.answer(invited.call, b"v=0", peer.now)
    peer.stack.bye(call, peer.now)
    answer, bye = peer.take()
    assert (answer.status, "replaces" in answer.headers.all("Supported")) == (200, True)
    assert bye.method == "BYE" and bye.to.tag == "b1"


@pytest.mark.parametrize(
    ("more", "options", "status"),
    [
        ("", {"call_id": "other"}, "481"),
        ("", {"from_tag": "x"}, "481"),
        (";early-only", {}, "486"),
        ("\nReplaces: a;to-tag=1;from-tag=2", {}, "400"),
    ],
)
def test_an_invite_that_replaces_what_it_may_not(peer, more, options, status):
    call = peer.talks()
    replacing(peer, call, more, **options)
    assert peer.starts() == [status]
    assert (peer.stack.calls(), peer.stack.counts[f"refused-{status}"]) == (1, 1)


def test_an_early_call_is_replaced_only_by_whom_it_was_made_to(peer):
    call = peer.calls()
    replacing(peer, call)
    assert peer.starts() == ["481"]  # section 3: an early dialog that we have not begun
    ours, invite = peer.invited()
    peer.answer(invite, 180, tag="ring")
    replacing(peer, ours, ";early-only", invite.call_id, "ring")
    assert peer.starts() == ["100"]
    assert peer.events()[-1].replaces == ours


def test_a_replacing_invite_is_challenged_like_any_other():
    peer = Peer(challenge=True)
    call, invite = peer.invited()
    peer.answer(invite, 200, body=b"v=0")
    peer.take()
    replacing(peer, call, call_id=invite.call_id)
    assert peer.starts() == ["401"]


def test_a_call_of_theirs_is_given_a_password():
    """A PBX that called us may challenge what we ask of it."""
    peer = Peer()
    call = peer.talks()
    peer.stack.authenticate(call, Credentials("trunk", "secret"))
    peer.stack.refer(call, CAROL, peer.now)
    challenge = 'Digest realm="pbx", nonce="n", algorithm=MD5, qop="auth"'
    request = peer.one()
    peer.answer(request, 401, headers=(("WWW-Authenticate", challenge),))
    again = peer.one()
    assert (again.method, again.cseq.number) == ("REFER", request.cseq.number + 1)
    assert 'username="trunk"' in again.headers.get("Authorization")
    peer.answer(again, 202)
    headers = f"Event: refer;id={again.cseq.number}\nSubscription-State: active\n"
    peer.give(peer.request("NOTIFY", to_tag=call, cseq=2, headers=headers))
    assert [event.id for event in peer.events()] == [request.cseq.number]  # by the name that `refer` gave it
