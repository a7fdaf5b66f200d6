"""One page's calls: its messages become events, the gateway's verbs become messages."""

import pytest

from signaling.browser import events as e
from signaling.browser.config import BrowserConfig
from tests.signaling.browser.kit import SDP, Page, events, signed_in


def dialled(config=None):
    hub, page, welcome = signed_in(config)
    assert page.say(type="call", call="c-1", to=" 600 ", sdp=SDP) == []
    (event,) = events(hub)
    return hub, page, welcome, event.call


def ringing():
    hub, page, welcome = signed_in()
    assert page.session.incoming("leg-1", "sip:bob@example.com", "Bob", SDP)
    (message,) = page.read()
    assert message == {
        "type": "incoming", "seq": 1, "call": "leg-1", "from": "sip:bob@example.com", "display": "Bob", "sdp": SDP,
    }  # fmt: skip
    return hub, page, welcome


def test_a_call_from_the_page_to_its_end():
    hub, page, welcome, call = dialled()
    assert call == f"{welcome['session']}/c-1"
    session = page.session
    assert session.progress(call, "trying")
    assert session.progress(call, "early", SDP)
    assert session.answered(call)
    assert session.dtmf(call, "5")
    assert session.ended(call, "hung-up", "Bob ended the call.")
    assert [(m["type"], m["seq"]) for m in page.read()] == [
        ("progress", 1), ("progress", 2), ("answered", 3), ("dtmf", 4), ("ended", 5),
    ]  # fmt: skip
    assert session.calls == ()


def test_the_target_is_trimmed():
    hub, page, _ = signed_in()
    page.say(type="call", call="c-1", to="  bob ", sdp=SDP)
    assert [x.to for x in events(hub)] == ["bob"]


def test_what_the_page_does_in_a_call():
    hub, page, _, call = dialled()
    page.session.answered(call)
    for message in (
        {"type": "mute", "on": True},
        {"type": "hold", "on": True},
        {"type": "digits", "digits": "12#"},
        {"type": "offer", "sdp": SDP},
        {"type": "offer_answer", "sdp": SDP},
        {"type": "candidate", "candidate": None},
        {"type": "report", "code": "ice-failed"},
    ):
        page.say(call="c-1", **message)
    assert events(hub) == [
        e.MuteChanged(call, True),
        e.HoldChanged(call, True),
        e.DigitsDialled(call, "12#"),
        e.Offered(call, SDP),
        e.OfferAnswered(call, SDP),
        e.CandidateTrickled(call, None),
        e.Reported(call, "ice-failed", ""),
    ]


def test_incoming_answered():
    hub, page, _ = ringing()
    assert page.say(type="answer", call="leg-1", sdp=SDP) == []
    assert events(hub) == [e.CallAnswered("leg-1", SDP)]
    assert page.session.answered("leg-1")
    assert page.read()[0]["type"] == "answered"


def test_incoming_declined_is_over_at_once():
    hub, page, _ = ringing()
    (ended,) = page.say(type="decline", call="leg-1", busy=True)
    assert (ended["type"], ended["cause"]) == ("ended", "declined")
    assert events(hub) == [e.CallDeclined("leg-1", True)]
    assert not page.session.ended("leg-1", "x", "y")
    assert hub.counters["late-ended"] == 1
    assert page.read() == []


def test_hang_up_is_over_at_once_and_late_verbs_do_no_harm():
    hub, page, _, call = dialled()
    (ended,) = page.say(type="hangup", call="c-1")
    assert (ended["type"], ended["call"]) == ("ended", "c-1")
    assert events(hub) == [e.HungUp(call)]
    session = page.session
    assert not session.progress(call, "ringing")
    assert not session.answered(call, SDP)
    assert not session.quality(call, {})
    assert page.read() == []
    assert sum(n for code, n in hub.counters.items() if code.startswith("late-")) == 3


def test_caller_gives_up_before_the_page_answers():
    hub, page, _ = ringing()
    page.session.ended("leg-1", "cancelled", "Bob gave up.", 487)
    assert page.read()[0]["status"] == 487
    (error,) = page.say(type="answer", call="leg-1", sdp=SDP)
    assert (error["code"], error["call"], error["ref"]) == ("no-such-call", "leg-1", 1)
    assert events(hub) == []


@pytest.mark.parametrize("message", [{"type": "hold", "on": True}, {"type": "answer", "sdp": SDP}, {"type": "decline"}])
def test_what_makes_no_sense_while_dialling(message):
    hub, page, _, _ = dialled()
    (error,) = page.say(call="c-1", **message)
    assert error["code"] == "wrong-state"
    assert message["type"] in error["words"]
    assert events(hub) == []


def test_the_same_call_id_twice():
    hub, page, _, _ = dialled()
    (error,) = page.say(type="call", call="c-1", to="601", sdp=SDP)
    assert error["code"] == "duplicate-call"
    assert events(hub) == []


def test_two_pages_may_use_the_same_call_id():
    hub, page, _, call = dialled()
    second = Page(hub)
    second.hello("bob")
    second.say(type="call", call="c-1", to="600", sdp=SDP)
    assert [x.call for x in events(hub) if isinstance(x, e.CallRequested)] != [call]
    (error,) = second.say(type="hangup", call=call)
    assert error["code"] == "no-such-call", "a page reaches only its own calls"


def test_too_many_calls():
    hub, page, _, _ = dialled(BrowserConfig(calls_per_session=1))
    ended, error = page.say(type="call", call="c-2", to="601", sdp=SDP)
    assert (ended["type"], ended["call"], ended["status"]) == ("ended", "c-2", 486)
    assert error["code"] == "too-many-calls"
    assert not page.session.incoming("leg-9", "bob", "Bob", SDP)
    assert events(hub) == []


def test_a_replayed_message_is_done_once():
    hub, page, _, call = dialled()
    page.session.answered(call)
    page.send(type="digits", call="c-1", digits="1", seq=2)
    page.send(type="digits", call="c-1", digits="1", seq=2)
    page.send(type="digits", call="c-1", digits="2", seq=3)
    assert [x.digits for x in events(hub)] == ["1", "2"]


def test_hold_by_me_and_by_the_peer():
    hub, page, _, call = dialled()
    session = page.session
    session.answered(call)
    session.held(call, "me", True)
    session.held(call, "peer", True)
    session.held(call, "me", False)
    (known,) = session.snapshot(0)
    assert (known["held"], known["peer_held"]) == (False, True)


def test_quality_is_not_numbered_and_always_json():
    hub, page, _, call = dialled()
    page.session.quality(call, {"loss": 0.5, "jitter": float("nan"), "rtt": float("inf"), "codec": "PCMU"})
    (message,) = page.read()
    assert message == {"type": "quality", "call": "c-1", "stats": {"loss": 0.5, "codec": "PCMU"}}


def test_names_of_the_far_end_may_be_anything():
    hub, page, _ = signed_in()
    assert page.session.incoming("leg-1", "x" * 5000, "\udcff" * 600, SDP)
    (message,) = page.read()
    assert len(message["from"]) == len(message["display"]) == 512


def test_str_tells_who_and_how():
    hub, page, _, _ = dialled()
    assert str(page.session).startswith("alice (")
