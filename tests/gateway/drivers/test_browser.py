"""Pages through a real hub, on one side; events and verbs of calls, on the other."""

import pytest

from gateway.calls import commands as cmd
from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.drivers.browser import BrowserDriver
from tests.signaling.browser.kit import SDP, Page, make_hub


class Control:
    def __init__(self) -> None:
        self.heard: list[tuple] = []

    def incoming(self, event, body):
        self.heard.append((event, body))
        return "x1-a"

    def tell(self, event, body=b""):
        self.heard.append((event, body))

    def ask(self, leg, command):
        self.heard.append((leg, command))

    def candidate(self, leg, candidate):
        self.heard.append((leg, candidate))


class Desk:
    """A page of alice's, signed in."""

    def __init__(self) -> None:
        self.hub, self.control = make_hub(), Control()
        self.driver = BrowserDriver(self.hub, self.control)
        self.page = Page(self.hub)
        self.welcome = self.page.hello("alice")
        self.pump()

    def pump(self) -> list[tuple]:
        while item := self.hub.next_event():
            self.driver.on_event(*item)
        heard, self.control.heard = self.control.heard, []
        return heard

    def say(self, **message) -> list[tuple]:
        self.page.say(**message)
        return self.pump()

    def dial(self) -> None:
        self.say(type="call", call="c-1", to="600", sdp=SDP)

    def read(self) -> dict:
        (message,) = [m for m in self.page.read() if m["type"] != "ack"]
        return message


@pytest.fixture
def desk():
    return Desk()


def test_a_page_dials(desk):
    ((incoming, body),) = desk.say(type="call", call="c-1", to="600", sdp=SDP)
    assert incoming == ev.Incoming("browser", desk.welcome["session"], ev.Identity("101", "Alice", "alice"), "600")
    assert body == SDP.encode()
    desk.driver.progress("x1-a", "trying", b"")
    assert desk.read()["status"] == "trying"


def test_the_answer_is_sent_once_when_it_is_first_wanted(desk):
    desk.dial()
    desk.driver.progress("x1-a", "early", SDP.encode())
    assert desk.read()["sdp"] == SDP
    desk.driver.answer("x1-a", SDP.encode())
    message = desk.read()
    assert message["type"] == "answered"
    assert message.get("sdp") is None


def test_what_a_page_does_in_a_call(desk):
    desk.dial()
    desk.driver.answer("x1-a", SDP.encode())
    assert desk.say(type="mute", call="c-1", on=True) == [("x1-a", cmd.Mute("x1-a", True))]
    assert desk.say(type="hold", call="c-1", on=True) == [("x1-a", cmd.Hold("x1-a", True))]
    assert desk.say(type="digits", call="c-1", digits="1#") == [("x1-a", cmd.SendDigits("x1-a", "1#"))]
    assert desk.say(type="offer", call="c-1", sdp=SDP) == [(ev.Reoffered("x1-a"), SDP.encode())]
    desk.driver.answer_reoffer("x1-a", SDP.encode())
    desk.driver.reoffer("x1-a", SDP.encode())
    assert desk.say(type="offer_answer", call="c-1", sdp=SDP) == [(ev.AnswerArrived("x1-a"), SDP.encode())]
    assert desk.say(type="candidate", call="c-1", candidate=None) == [("x1-a", None)]
    assert desk.say(type="hangup", call="c-1") == [(ev.HungUp("x1-a"), b"")]


def test_a_page_is_rung(desk):
    session = desk.welcome["session"]
    assert [c.address for c in desk.driver.contacts("alice")] == [session]
    desk.driver.ring("x2-b1", session, "alice", ev.Identity("102", "Bob"), SDP.encode())
    message = desk.read()
    assert (message["from"], message["display"], message["sdp"]) == ("102", "Bob", SDP)
    assert desk.control.heard == [(ev.Ringing("x2-b1"), b"")]
    desk.pump()
    assert desk.say(type="answer", call="x2-b1", sdp=SDP) == [(ev.Answered("x2-b1"), SDP.encode())]
    desk.driver.hang_up("x2-b1", ending("normal"))
    assert desk.read()["cause"] == "normal"


@pytest.mark.parametrize(("busy", "cause"), [(True, "busy"), (False, "declined")])
def test_a_page_declines(desk, busy, cause):
    desk.driver.ring("x2-b1", desk.welcome["session"], "alice", ev.Identity("102"), SDP.encode())
    desk.pump()
    assert desk.say(type="decline", call="x2-b1", busy=busy) == [(ev.Rejected("x2-b1", cause), b"")]


def test_a_page_that_is_gone_cannot_be_rung(desk):
    desk.driver.ring("x2-b1", "no such session", "alice", ev.Identity("102"), SDP.encode())
    assert desk.pump() == [(ev.Rejected("x2-b1", "not-registered"), b"")]


def test_words_reach_the_person(desk):
    desk.dial()
    desk.driver.reject("x1-a", ending("unknown-number", "999 is not a number here."))
    message = desk.read()
    assert (message["cause"], message["words"], message["status"]) == (
        "unknown-number",
        "999 is not a number here.",
        404,
    )


def test_a_lost_socket_is_nobodys_business_until_the_window_is_over(desk):
    desk.dial()
    desk.driver.answer("x1-a", SDP.encode())
    desk.page.link.lost(1.0)
    assert desk.pump() == []
    desk.hub.wake(100.0)
    assert desk.pump() == [(ev.HungUp("x1-a", "browser-lost"), b"")]


def test_a_page_that_is_away_rings_when_it_is_back(desk):
    desk.page.link.lost(1.0)
    desk.pump()
    desk.driver.ring("x2-b1", desk.welcome["session"], "alice", ev.Identity("102"), SDP.encode())
    assert desk.pump() == []  # nobody sees it ring
    back = Page(desk.hub, 2.0)
    back.resume(desk.welcome, 0, 2.0)
    assert desk.pump() == [(ev.Ringing("x2-b1"), b"")]


def test_pages_that_are_there_are_preferred_to_those_that_may_come_back(desk):
    other = Page(desk.hub)
    session = other.hello("alice")["session"]
    assert len(desk.driver.contacts("alice")) == 2
    desk.page.link.lost(1.0)
    assert [c.address for c in desk.driver.contacts("alice")] == [session]


def test_after_release_nothing_is_said(desk):
    desk.dial()
    desk.driver.release("x1-a")
    desk.driver.hang_up("x1-a", ending("normal"))
    desk.driver.show_digit("x1-a", "1")
    assert desk.say(type="mute", call="c-1", on=True) == []


def test_what_a_page_reports_is_passed_on(desk):
    told = []
    desk.driver.on_report = lambda *report: told.append(report)
    desk.dial()
    desk.say(type="report", call="c-1", code="microphone-denied", detail="NotAllowedError")
    assert told == [("x1-a", "microphone-denied", "NotAllowedError")]
