"""The SIP stack's events on one side (a real stack is in test_demo), call events on the other."""

import asyncio
from types import SimpleNamespace

import pytest

from gateway.accounts import Accounts, Person
from gateway.calls import commands as cmd
from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.calls.router import Account
from gateway.drivers.sip import SipDriver, Trunk
from signaling.sip import events as sip
from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.errors import NoSuchCall, Unresolvable
from signaling.sip.headers import Headers
from signaling.sip.uri import NameAddr, Uri

BOB = Person(Account("bob", "102", "Bob Bell"), "secret")
SOURCE = Address("udp", "192.0.2.7", 5062)
BINDING = SimpleNamespace(contact=Uri.parse("sip:bob@192.0.2.7:5062"), source=SOURCE)
CREDENTIALS = Credentials("gw", "pw")


class Endpoint:
    """Keeps what it is told; gives out handles."""

    def __init__(self) -> None:
        self.told: list[tuple] = []
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None
        registrar = SimpleNamespace(bindings=lambda user: [BINDING] if user in ("bob", "102") else [])
        self.stack = SimpleNamespace(registrar=registrar)

    async def invite(self, uri, **how):
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        self.told.append(("invite", str(uri), how))
        return "h1"

    def __getattr__(self, verb):
        def tell(call, *args, **more):
            if call == "gone":
                raise NoSuchCall("it is over")
            self.told.append((verb, call, *args, *more.values()))

        return tell


class Control:
    def __init__(self) -> None:
        self.heard: list = []

    def incoming(self, event, body):
        self.heard.append((event, body))
        return "x1-a"

    def tell(self, event, body=b""):
        self.heard.append((event, body) if body else event)

    def ask(self, leg, command):
        self.heard.append(command)


class Desk:
    def __init__(self) -> None:
        self.endpoint, self.control = Endpoint(), Control()
        trunk = Trunk("pbx", Uri.parse("sip:pbx.test:5080"), "201", CREDENTIALS)
        self.driver = SipDriver(self.control, Accounts([BOB]), {"pbx": trunk}, "gw.test")
        self.driver.connect(self.endpoint)

    def invited(self, user="bob", call="h0", max_forwards=70):
        from_ = NameAddr.parse('"Nobody" <sip:anybody@192.0.2.7>;tag=1')
        uri = Uri.parse("sip:600@gw.test")
        self.driver.on_event(
            sip.Invited(
                call, uri, from_, NameAddr("", uri), b"offer", "application/sdp", Headers(), SOURCE, user, max_forwards
            )
        )

    async def ring(self, address=None, user="bob"):
        caller = ev.Identity("101", "Alice", "alice")
        self.driver.ring("x1-b1", address or str(BINDING.contact), user, caller, b"our offer")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def heard(self):
        heard, self.control.heard = self.control.heard, []
        return heard


@pytest.fixture
def desk():
    return Desk()


def test_who_signed_in_is_believed_and_nobody_else(desk):
    desk.invited("bob")
    ((incoming, body),) = desk.heard()
    assert incoming.caller == ev.Identity("102", "Bob Bell", "bob")
    assert (incoming.dialled, body) == ("sip:600@gw.test", b"offer")
    assert incoming.address == str(BINDING.contact)  # the phone in hand is not rung by its own call
    desk.invited(None)
    ((incoming, _),) = desk.heard()
    assert incoming.caller == ev.Identity("anybody", "Nobody", None)


@pytest.mark.parametrize(("header", "hops"), [(7, 7), (0, 0), (255, 70)])
def test_how_far_a_call_may_go_on(desk, header, hops):
    desk.invited(max_forwards=header)
    ((incoming, _),) = desk.heard()
    assert incoming.hops == hops


def test_a_caller_is_answered(desk):
    desk.invited()
    driver = desk.driver
    driver.progress("x1-a", "trying", b"")
    driver.progress("x1-a", "ringing", b"sdp")
    driver.progress("x1-a", "early", b"sdp")
    driver.answer("x1-a", b"sdp")
    assert desk.endpoint.told == [
        ("progress", "h0", 180, b""),
        ("progress", "h0", 183, b"sdp"),
        ("answer", "h0", b"sdp"),
    ]


def test_a_caller_is_refused_with_status_words_and_reason(desk):
    desk.invited()
    desk.driver.reject("x1-a", ending("unknown-number", "999 is not a number here."))
    (told,) = desk.endpoint.told
    assert told[:4] == ("reject", "h0", 404, "999 is not a number here")
    assert told[4] == [("Reason", 'Q.850;cause=1;text="unknown-number"')]


def test_what_a_phone_does_in_a_call(desk):
    desk.invited()
    desk.heard()
    on = desk.driver.on_event
    on(sip.Acked("h0", b"answer"))
    on(sip.Acked("h0"))
    on(sip.Reinvited("h0", b"new"))
    on(sip.ReinviteAnswered("h0", b"good"))
    on(sip.ReinviteRejected("h0", 488, "no"))
    on(sip.InfoReceived("h0", "application/dtmf-relay", b"Signal=5\r\n"))
    on(sip.InfoReceived("h0", "text/plain", b"hello"))
    on(sip.Ended("h0", "bye"))
    on(sip.Ended("h0", "again"))
    assert desk.heard() == [
        (ev.AnswerArrived("x1-a"), b"answer"),
        (ev.Reoffered("x1-a"), b"new"),
        (ev.AnswerArrived("x1-a"), b"good"),
        cmd.SendDigits("x1-a", "5"),
        ev.HungUp("x1-a"),
    ]
    desk.driver.hang_up("x1-a", ending("normal"))  # crosses: nobody to say it to
    assert desk.endpoint.told == []


def test_a_caller_gives_up(desk):
    desk.invited()
    desk.heard()
    desk.driver.on_event(sip.Cancelled("h0"))
    assert desk.heard() == [ev.HungUp("x1-a")]


async def test_a_registered_phone_is_called_where_it_registered_from(desk):
    assert [c.address for c in desk.driver.contacts("bob")] == [str(BINDING.contact)]
    await desk.ring()
    ((_, uri, how),) = desk.endpoint.told
    assert uri == str(BINDING.contact)
    assert how["targets"] == [SOURCE]
    assert str(how["from_"]) == '"Alice" <sip:101@gw.test>'
    assert how["body"] == b"our offer"
    assert how["headers"] == (("Max-Forwards", "70"),)


async def test_what_becomes_of_a_call(desk):
    await desk.ring()
    on = desk.driver.on_event
    on(sip.Progressed("h1", 100, "Trying"))
    on(sip.Progressed("h1", 180, "Ringing"))
    on(sip.Progressed("h1", 183, "Progress", b"early"))
    on(sip.Answered("h1", b"answer"))
    on(sip.Rejected("h1", 486, "Busy Here"))
    assert desk.heard() == [
        ev.Ringing("x1-b1"),
        (ev.EarlyMedia("x1-b1"), b"early"),
        (ev.Answered("x1-b1"), b"answer"),
        ev.Rejected("x1-b1", "busy", 486),
    ]


async def test_a_phone_that_has_moved(desk):
    await desk.ring()
    desk.driver.on_event(sip.Rejected("h1", 302, "Moved", contacts=(Uri.parse("sip:x@y.test"),)))
    (event,) = desk.heard()
    assert (event.cause, event.status) == ("unreachable", 480)
    assert event.moved == ("sip:x@y.test",)


async def test_a_name_that_leads_nowhere(desk):
    desk.endpoint.error = Unresolvable("no address for nowhere.test")
    await desk.ring("sip:x@nowhere.test", None)
    assert desk.heard() == [ev.Rejected("x1-b1", "unreachable", 503, "no address for nowhere.test")]


async def test_a_call_given_up_before_its_address_is_found(desk):
    desk.endpoint.gate = asyncio.Event()
    await desk.ring("sip:x@slow.test", None)
    desk.driver.cancel("x1-b1", ending("cancelled"))
    desk.driver.release("x1-b1")
    desk.endpoint.gate.set()
    await asyncio.sleep(0.01)
    assert desk.endpoint.told == []  # no INVITE at all
    assert desk.heard() == []
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


async def test_a_trunk_is_called_with_its_credentials(desk):
    await desk.ring("trunk:pbx/0815", None)
    ((_, uri, how),) = desk.endpoint.told
    assert uri == "sip:0815@pbx.test:5080"
    assert how["credentials"] is CREDENTIALS
    assert str(how["from_"]) == '"Alice" <sip:201@pbx.test>'


def test_orders_to_a_call_that_has_just_ended_do_nothing(desk):
    desk.invited(call="gone")
    desk.driver.hang_up("x1-a", ending("normal"))
