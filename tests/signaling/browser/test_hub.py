"""Sessions outlive their sockets; windows end; users have several tabs."""

import pytest

from signaling.browser import events as e
from signaling.browser.config import BrowserConfig
from tests.signaling.browser.kit import SDP, Page, events, make_hub, signed_in


def in_call(config=None):
    hub, page, welcome = signed_in(config)
    page.say(type="call", call="c-1", to="600", sdp=SDP)
    (event,) = events(hub)
    page.session.answered(event.call)
    page.read(2)
    return hub, page, welcome, event.call


def test_a_dropped_socket_resumes_where_it_broke_off():
    hub, page, welcome, call = in_call()
    session = page.session
    page.link.lost(10)
    assert events(hub) == [e.SessionLost()]
    session.dtmf(call, "7")
    session.quality(call, {"loss": 0.0})
    page = Page(hub, 12)
    resumed, dtmf = page.resume(welcome, 1, 12)
    assert resumed == {"type": "resumed", "ack": 1, "ice_servers": welcome["ice_servers"]}
    assert (dtmf["type"], dtmf["seq"]) == ("dtmf", 2)
    assert events(hub) == [e.SessionResumed(False)]
    page.seq = 1
    page.say(13, type="hangup", call="c-1")
    assert events(hub) == [e.HungUp(call)]


def test_a_reloaded_page_learns_its_calls_and_offers_anew():
    hub, page, welcome, call = in_call()
    page.say(2, type="mute", call="c-1", on=True)
    page.session.held(call, "peer", True)
    page.session.incoming("leg-2", "sip:carol@x", "Carol", "offer-2")
    page.link.lost(10)
    page = Page(hub, 12)
    (again,) = page.resume(welcome, 0, 12, reloaded=True)
    assert again["type"] == "welcome"
    assert again["session"] == welcome["session"]
    assert again["calls"] == [
        {"call": "c-1", "direction": "out", "peer": "600", "display": "600", "state": "active", "since": 10.0,
         "muted": True, "held": False, "peer_held": True},
        {"call": "leg-2", "direction": "in", "peer": "sip:carol@x", "display": "Carol", "state": "incoming",
         "since": None, "muted": False, "held": False, "peer_held": False, "sdp": "offer-2"},
    ]  # fmt: skip
    events(hub)
    page.say(12, type="offer", call="c-1", sdp="new offer")
    assert events(hub) == [e.Offered(call, "new offer")]
    page.session.sdp_answer(call, "new answer")
    assert page.read() == [{"type": "offer_answer", "seq": 1, "call": "c-1", "sdp": "new answer"}]


def test_the_window_ends_the_session_and_its_calls():
    hub, page, welcome, call = in_call()
    page.link.lost(10)
    events(hub)
    assert len(hub) == 1
    hub.wake(39.9)
    assert events(hub) == []
    assert hub.wake_at() == 40
    hub.wake(40)
    assert events(hub) == [e.SessionClosed("the page did not come back", (call,))]
    assert (len(hub), hub.sessions_of("alice"), hub.wake_at()) == (0, [], None)
    page = Page(hub, 41)
    (error,) = page.resume(welcome, 0, 41)
    assert (error["code"], page.close_code) == ("session-gone", 4404)


def test_resume_needs_the_secret():
    hub, page, welcome, _ = in_call()
    thief = Page(hub)
    (error,) = thief.resume(welcome, 0, resume="guess")
    assert (error["code"], thief.close_code) == ("resume-refused", 4403)
    assert page.close_code is None
    assert page.link.session is not None


def test_a_new_socket_replaces_one_that_only_seems_alive():
    hub, page, welcome, call = in_call()
    second = Page(hub, 1)
    second.resume(welcome, 1, 1)
    assert page.close_code == 4409
    assert events(hub) == [e.SessionResumed(False)]
    page.link.lost(2)
    assert events(hub) == [], "the old socket's end is no news"
    second.session.dtmf(call, "1")
    assert second.read()[0]["type"] == "dtmf"


def test_too_much_missed_asks_for_a_resume_as_after_a_reload():
    hub, page, welcome, call = in_call(BrowserConfig(outbox_messages=3))
    session = page.session
    page.link.lost(1)
    for _ in range(6):
        session.dtmf(call, "1")
    page = Page(hub, 2)
    (error,) = page.resume(welcome, 1, 2)
    assert (error["code"], page.close_code) == ("resume-gap", None)
    (again,) = page.resume(welcome, 0, 2, reloaded=True)
    assert [c["call"] for c in again["calls"]] == ["c-1"]


@pytest.mark.parametrize("ack", [0, 99])
def test_an_ack_that_cannot_be(ack):
    hub, page, welcome, call = in_call()
    page.send(type="pong", ack=1)
    second = Page(hub)
    (error,) = second.resume(welcome, ack)
    assert error["code"] == "resume-gap"
    assert page.link.session is not None, "a failed resume takes nothing away"


def test_bye_ends_all_at_once():
    hub, page, _, call = in_call()
    page.send(type="bye")
    assert page.close_code == 1000
    assert events(hub) == [e.SessionClosed("signed out", (call,))]
    page.link.lost(1)
    assert events(hub) == []
    assert len(hub) == 0


def test_a_second_tab_is_a_second_session():
    hub, page, welcome, call = in_call()
    second = Page(hub)
    other = second.hello()
    assert other["session"] != welcome["session"]
    assert other["calls"] == []
    assert {s.id for s in hub.sessions_of("alice")} == {welcome["session"], other["session"]}
    page.link.lost(1)
    assert [s.id for s in hub.sessions_of("alice")] == [other["session"], welcome["session"]], "living ones first"


def test_sessions_per_user():
    hub = make_hub(BrowserConfig(sessions_per_user=2))
    pages = [Page(hub) for _ in range(3)]
    pages[0].hello()
    pages[1].hello()
    (error,) = pages[2].send(type="hello", version=1, token="good-alice")
    assert (error["code"], pages[2].close_code) == ("too-many-sessions", 4430)
    Page(hub).hello("bob")
    pages[0].link.lost(1)
    assert Page(hub).hello()["type"] == "welcome", "a tab that is away without a call gives way"
    assert len(hub.sessions_of("alice")) == 2


def test_sessions_in_all():
    hub = make_hub(BrowserConfig(sessions=1))
    Page(hub).hello("alice")
    (error,) = Page(hub).send(type="hello", version=1, token="good-bob")
    assert error["code"] == "too-many-sessions"


def test_stop_tells_every_page():
    hub, page, _, call = in_call()
    hub.stop("The gateway is being restarted.", 3)
    assert page.read() == [
        {"type": "goodbye", "code": "stopping", "words": "The gateway is being restarted.", "retry_after": 3}
    ]
    assert page.close_code == 4503
    assert events(hub) == [e.SessionClosed("The gateway is being restarted.", (call,))]
    assert Page(hub).close_code == 4503


def test_verbs_while_away_and_after_the_end():
    hub, page, _, call = in_call()
    session = page.session
    page.link.lost(0)
    assert session.incoming("leg-2", "bob", "Bob", SDP)
    hub.wake(100)
    assert not session.incoming("leg-3", "bob", "Bob", SDP)
    assert not session.ended(call, "x", "y")


def test_nothing_is_left_behind():
    hub = make_hub()
    now = 0.0
    for i in range(200):
        page = Page(hub, now)
        page.hello(f"user{i % 7}", now)
        page.say(now, type="call", call="c-1", to="600", sdp=SDP)
        page.link.lost(now + 1)
        now += 40
        hub.wake(now)
        events(hub)
    assert len(hub) == hub.links == 0
    assert hub.wake_at() is None
    assert not hub._armed
    assert not hub._by_user
    assert not hub.fresh


def test_one_timer_entry_per_thing():
    hub, page, welcome = signed_in()
    for i in range(1, 500):
        page.send(i, type="ping")
        hub.wake(i)
        page.read()
    assert len(hub._timers) <= 3
