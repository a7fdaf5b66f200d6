"""One socket: hello first, errors in words, limits, heartbeat."""

import json
import random

import pytest

from signaling.browser import events as e
from signaling.browser.config import BrowserConfig
from tests.signaling.browser.kit import SDP, Page, events, make_hub, signed_in


def test_welcome_has_all_the_page_needs():
    hub = make_hub()
    page = Page(hub)
    welcome = page.hello()
    assert welcome["user"] == "alice"
    assert welcome["display"] == "Alice"
    assert welcome["extension"] == "101"
    assert welcome["ice_servers"][0]["username"] == "alice"
    assert (welcome["heartbeat"], welcome["dead_after"], welcome["resume_window"]) == (5.0, 12.0, 30.0)
    assert welcome["calls"] == []
    assert events(hub) == [e.SessionOpened("alice")]


@pytest.mark.parametrize(
    ("token", "code", "close"), [("expired", "token-expired", 4402), ("forged", "token-invalid", 4401)]
)
def test_bad_tokens_have_their_own_code_and_words(token, code, close):
    hub = make_hub()
    page = Page(hub)
    (error,) = page.send(type="hello", version=1, token=token)
    assert error["code"] == code
    assert "Sign in again" in error["words"]
    assert page.close_code == close
    assert len(hub) == 0
    assert hub.counters[code] >= 1


def test_another_version():
    page = Page(make_hub())
    (error,) = page.send(type="hello", version=2, token="good-x")
    assert (error["code"], page.close_code) == ("wrong-version", 4406)


def test_hello_comes_first_and_once():
    hub, page, _ = signed_in()
    assert page.send(type="hello", version=1, token="good-alice")[0]["code"] == "hello-expected"
    assert Page(hub).send(type="hangup", call="c-1")[0]["code"] == "hello-expected"
    assert page.close_code is None


def test_an_error_names_the_field_and_the_message():
    _, page, _ = signed_in()
    (error,) = page.say(type="call", call="c-1", to=600, sdp=SDP)
    assert (error["field"], error["ref"], error["call"]) == ("to", 1, "c-1")
    assert "number" in error["expected"]
    assert error["retryable"] is False


def test_binary_frames_are_refused():
    hub, page, _ = signed_in()
    page.link.receive_binary(0)
    assert page.read()[0]["code"] == "binary-frame"


def test_too_many_mistakes_close():
    hub, page, _ = signed_in(BrowserConfig(max_mistakes=3))
    for _ in range(2):
        page.link.receive("garbage", 0)
        assert page.close_code is None
    page.link.receive("garbage", 0)
    assert page.close_code == 4400
    assert hub.counters["not-json"] == 3
    page.link.receive("garbage", 0)
    assert hub.counters["not-json"] == 3, "nothing is read after the close"


def test_wrong_calls_are_not_mistakes():
    hub, page, _ = signed_in(BrowserConfig(max_mistakes=2))
    for _ in range(5):
        page.say(type="hangup", call="c-gone")
    assert page.close_code is None


def test_too_fast_closes_and_the_message_is_not_lost():
    hub, page, welcome = signed_in(BrowserConfig(message_rate=10, message_burst=5))
    page.say(type="call", call="c-1", to="600", sdp=SDP)
    for _ in range(4):
        page.say(type="mute", call="c-1", on=True)
    assert page.close_code == 4429
    page.link.lost(0)
    page = Page(hub, 1.0)
    assert page.resume(welcome, 0, 1.0)[0] == {"type": "resumed", "ack": 4, "ice_servers": welcome["ice_servers"]}


def test_the_bucket_fills_again():
    hub, page, _ = signed_in(BrowserConfig(message_rate=10, message_burst=5))
    for i in range(50):
        page.send(0.1 * (i + 1), type="ping")
    assert page.close_code is None


def test_no_hello_in_time():
    hub = make_hub()
    page = Page(hub)
    assert hub.wake_at() == 10
    hub.wake(9.9)
    assert page.close_code is None
    hub.wake(10)
    assert page.close_code == 4407


def test_heartbeat_both_ways():
    hub, page, _ = signed_in()
    page.session.incoming("leg", "bob", "Bob", SDP)
    page.read()
    hub.wake(5)
    assert page.read() == [{"type": "ping", "ack": 0}]
    assert page.send(5.1, type="pong", ack=1) == []
    page.say(6, type="hangup", call="leg")
    page.read()
    assert page.send(6, type="ping", ack=1) == [{"type": "pong", "ack": 1}]


def test_silence_is_found_within_its_time():
    hub, page, welcome = signed_in()
    now = 0.0
    while page.close_code is None:
        now = hub.wake_at()
        assert now is not None
        hub.wake(now)
        page.read()
    assert (now, page.close_code) == (12.0, 4408)
    assert events(hub) == [e.SessionLost()]
    page.link.lost(700.0)  # the kernel noticed at last: nothing happens twice
    assert events(hub) == []


def test_a_page_that_does_not_read_is_cut_off_and_may_resume():
    hub, page, welcome = signed_in(BrowserConfig(queue_messages=41, outbox_messages=40))
    page.session.incoming("leg", "bob", "Bob", SDP)
    session = page.session
    for _ in range(45):
        session.dtmf("leg", "1")
    assert page.close_code == 4413
    assert page.read() == []
    page.link.lost(1)
    page = Page(hub, 1)
    replies = page.resume(welcome, 6, 1)
    assert [m["seq"] for m in replies if m["type"] == "dtmf"] == list(range(7, 47))


def test_refresh_gives_a_token_and_turn_credentials():
    hub, page, _ = signed_in()
    (token,) = page.send(type="refresh")
    assert (token["token"], token["expires_in"]) == ("good-alice", 300.0)
    assert token["ice_servers"]


def test_any_frames_at_all():
    rng = random.Random(7)
    good = [
        {"type": "call", "call": "c-1", "to": "600", "sdp": SDP},
        {"type": "hangup", "call": "c-1"},
        {"type": "offer", "call": "c-1", "sdp": SDP},
        {"type": "digits", "call": "c-1", "digits": "1"},
        {"type": "resume", "version": 1, "session": "0", "resume": "0", "ack": 1},
        {"type": "bye"},
    ]
    for _ in range(300):
        hub, page, _ = signed_in(BrowserConfig(message_burst=10_000, max_mistakes=10_000))
        for _ in range(30):
            frame = list(json.dumps(rng.choice(good) | ({"seq": rng.randint(-1, 40)} if rng.random() < 0.5 else {})))
            if rng.random() < 0.7:
                frame[rng.randrange(len(frame))] = chr(rng.choice([0, 34, 44, 58, 123, 0xD800, 0x1F600, 65]))
            page.link.receive("".join(frame), 0)
            for message in page.read():
                assert message["type"] in ("error", "ended", "pong")
        events(hub)


@pytest.mark.parametrize("limits", [{"queue_messages": 10}, {"queue_characters": 10}, {"dead_after": 5.0}])
def test_limits_that_contradict_each_other(limits):
    with pytest.raises(ValueError, match="must"):
        BrowserConfig(**limits)
