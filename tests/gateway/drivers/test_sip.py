"""The SIP stack's events on one side (a real stack is in test_demo), call events on the other."""

import asyncio
import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest

from gateway.accounts import Accounts, Person
from gateway.calls import commands as cmd
from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.calls.router import Account
from gateway.drivers.sip import SipDriver
from gateway.trunks.rewrite import Rule, Rules
from gateway.trunks.trunk import CallerId, Trunk
from gateway.trunks.trunks import Trunks
from signaling.sip import events as sip
from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.errors import NoSuchCall, Unresolvable
from signaling.sip.headers import Headers
from signaling.sip.registration import RegistrationChanged
from signaling.sip.uri import NameAddr, Uri

BOB = Person(Account("bob", "102", "Bob Bell"), "secret")
SOURCE = Address("udp", "192.0.2.7", 5062)
BINDING = SimpleNamespace(contact=Uri.parse("sip:bob@192.0.2.7:5062"), source=SOURCE)
CREDENTIALS = Credentials("gw", "pw")
PBX = Trunk("pbx", (Uri.parse("sip:pbx.test:5080"),), "201", CREDENTIALS, registers=True, line="f00")
TWO = (Uri.parse("sip:one.test"), Uri.parse("sip:two.test;transport=tcp"))


class Endpoint:
    """Keeps what it is told; gives out handles."""

    def __init__(self) -> None:
        self.told: list[tuple] = []
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None
        registrar = SimpleNamespace(bindings=lambda user: [BINDING] if user in ("bob", "102") else [])
        self.silent: set[str] = set()
        self.stack = SimpleNamespace(registrar=registrar, heard=lambda call: call not in self.silent)
        self.placed = itertools.count(1)

    async def invite(self, uri, **how):
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        self.told.append(("invite", str(uri), how))
        return f"h{next(self.placed)}"

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
    def __init__(self, *trunks: Trunk) -> None:
        self.endpoint, self.control = Endpoint(), Control()
        self.trunks = Trunks(trunks or [PBX])
        self.driver = SipDriver(self.control, Accounts([BOB]), self.trunks, "gw.test")
        self.driver.connect(self.endpoint)

    def invited(self, user="bob", call="h0", max_forwards=70, uri="sip:600@gw.test", to=None, headers=()):
        from_ = NameAddr.parse('"Nobody" <sip:anybody@192.0.2.7>;tag=1')
        to_ = NameAddr("", Uri.parse(to or uri))
        self.driver.on_event(
            sip.Invited(
                call, Uri.parse(uri), from_, to_, b"offer", "application/sdp", Headers(headers), SOURCE, user,
                max_forwards,
            )
        )  # fmt: skip

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
    assert how["headers"] == (("Max-Forwards", "70"),)


async def test_a_trunk_with_an_outbound_proxy_and_the_callers_number_beside_from():
    proxy = Uri.parse("sip:proxy.test;lr")
    trunk = replace(PBX, proxy=proxy, caller_id=CallerId("pai"))
    desk = Desk(trunk)
    await desk.ring("trunk:PBX/0815", None)
    ((_, _, how),) = desk.endpoint.told
    assert [str(route) for route in how["route"]] == ["<sip:proxy.test;lr>"]
    assert ("P-Asserted-Identity", '"Alice" <sip:101@pbx.test>') in how["headers"]


@pytest.mark.parametrize(
    ("rejected", "goes_on"),
    [
        (sip.Rejected("h1", 503, "Service Unavailable"), True),
        (sip.Rejected("h1", 408, "nobody answers", cause="timeout"), True),
        (sip.Rejected("h1", 486, "Busy Here"), False),
        (sip.Rejected("h1", 403, "Forbidden"), False),
    ],
)
async def test_the_next_server_of_a_trunk(rejected, goes_on):
    desk = Desk(replace(PBX, servers=TWO))
    await desk.ring("trunk:pbx/0815", None)
    desk.driver.on_event(rejected)
    await asyncio.sleep(0)
    assert [uri for _, uri, _ in desk.endpoint.told] == [
        "sip:0815@one.test",
        *(["sip:0815@two.test;transport=tcp"] if goes_on else []),
    ]
    assert bool(desk.heard()) is not goes_on
    if goes_on:
        desk.driver.on_event(sip.Progressed("h2", 180, "Ringing"))
        desk.driver.on_event(sip.Rejected("h2", 503, "Service Unavailable"))
        ringing, refused = desk.heard()
        assert (ringing, refused.cause, refused.status) == (ev.Ringing("x1-b1"), "unreachable", 503)
        assert "no server of it takes the call" in refused.words


async def test_a_server_that_rings_has_the_call():
    desk = Desk(replace(PBX, servers=TWO))
    await desk.ring("trunk:pbx/0815", None)
    desk.driver.on_event(sip.Progressed("h1", 183, "Progress", b"early"))
    desk.driver.on_event(sip.Rejected("h1", 503, "No circuit"))
    await asyncio.sleep(0)
    assert len(desk.endpoint.told) == 1
    assert desk.heard()[-1].status == 503


@pytest.mark.parametrize("silent", [True, False])
async def test_a_server_that_says_nothing_is_left_for_the_next(monkeypatch, silent):
    monkeypatch.setattr("gateway.drivers.sip.PATIENCE", 0.01)
    desk = Desk(replace(PBX, servers=TWO))
    if silent:
        desk.endpoint.silent.add("h1")
    await desk.ring("trunk:pbx/0815", None)
    await asyncio.sleep(0.03)
    assert [told[0] for told in desk.endpoint.told] == (["invite", "cancel", "invite"] if silent else ["invite"])
    desk.driver.on_event(sip.Rejected("h1", 487, "Request Terminated", cause="cancelled"))
    assert bool(desk.heard()) is not silent  # what comes of the one that was left concerns nobody
    assert desk.trunks.view("pbx").servers[0].state == ("shaky" if silent else "unknown")


async def test_a_call_that_is_given_up_goes_to_no_other_server():
    desk = Desk(replace(PBX, servers=TWO))
    await desk.ring("trunk:pbx/0815", None)
    desk.driver.cancel("x1-b1", ending("cancelled"))
    desk.driver.on_event(sip.Rejected("h1", 503, "Service Unavailable"))
    await asyncio.sleep(0)
    assert [told[0] for told in desk.endpoint.told] == ["invite", "cancel"]


async def test_a_full_trunk_is_not_called():
    desk = Desk(replace(PBX, max_calls=1))
    await desk.ring("trunk:pbx/0815", None)
    desk.driver.ring("x2-b1", "trunk:pbx/0816", None, ev.Identity("101"), b"")
    await asyncio.sleep(0)
    assert len(desk.endpoint.told) == 1
    (refused,) = desk.heard()
    assert (refused.leg, refused.cause, refused.status) == ("x2-b1", "trunk-full", 503)
    assert "Trunk pbx carries as many calls as it may (max_calls = 1" in refused.words
    desk.driver.release("x1-b1")
    desk.driver.ring("x3-b1", "trunk:pbx/0816", None, ev.Identity("101"), b"")
    await asyncio.sleep(0)
    assert len(desk.endpoint.told) == 2


async def test_a_trunk_that_is_not_there(desk):
    await desk.ring("trunk:nobody/1", None)
    (refused,) = desk.heard()
    assert (refused.cause, refused.status) == ("unknown-number", 404)


@pytest.mark.parametrize(
    ("status", "registered", "cause", "words"),
    [
        (401, False, "unauthorized", 'Check user ("201"), auth_user ("gw"), password'),
        (403, True, "forbidden", 'It was sent as "Alice" <sip:201@pbx.test>: if the PBX wants another caller id'),
        (403, False, "forbidden", 'Check user ("201"), auth_user ("gw"), password'),
        (404, True, "unknown-number", "knows no number 0815"),
        (486, True, "busy", ""),
    ],
)
async def test_what_a_trunks_refusal_means(desk, status, registered, cause, words):
    if registered:
        desk.driver.on_event(RegistrationChanged("pbx", "registered", 200, "OK", 60))
    await desk.ring("trunk:pbx/0815", None)
    desk.driver.on_event(sip.Rejected("h1", status, "No"))
    (refused,) = desk.heard()
    assert (refused.cause, refused.status) == (cause, None if status == 401 else status)
    assert words in refused.words
    assert bool(words) is bool(refused.words)
    assert "pw" not in refused.words.replace("password", "")


async def test_a_call_from_a_trunk(desk):
    desk.invited(None, uri="sip:201@10.0.0.1:5060;line=f00", headers=[("P-Asserted-Identity", "<sip:+4930@pbx.test>")])
    ((incoming, _),) = desk.heard()
    assert (incoming.trunk, incoming.source, incoming.dialled) == ("pbx", "192.0.2.7", "201")
    assert incoming.caller == ev.Identity("+4930", "Nobody")
    assert desk.trunks.view("pbx").calls == 1
    desk.driver.release("x1-a")
    assert desk.trunks.view("pbx").calls == 0


async def test_the_number_that_was_called_may_stand_in_to():
    desk = Desk(replace(PBX, called_from="to", inward=Rules([Rule("re:^[+]49(.*)", "0{1}")])))
    desk.invited(None, uri="sip:201@10.0.0.1;line=f00", to="sip:+49%2030-1@itsp.test")
    ((incoming, _),) = desk.heard()
    assert incoming.dialled == "0301"


async def test_whoever_signed_in_is_no_trunk(desk):
    desk.invited("bob", uri="sip:201@10.0.0.1;line=f00")
    ((incoming, _),) = desk.heard()
    assert (incoming.trunk, incoming.caller.user, incoming.source) == ("", "bob", "192.0.2.7")


def test_orders_to_a_call_that_has_just_ended_do_nothing(desk):
    desk.invited(call="gone")
    desk.driver.hang_up("x1-a", ending("normal"))


async def test_a_trunk_is_asked_how_it_is_and_its_calls_are_let_in(desk):
    heard = []
    desk.driver.on_options = lambda *told: heard.append(told)
    desk.driver.on_event(sip.OptionsAnswered("o1", None, "no answer", 4.0, Headers(), None))
    assert heard == [("o1", None, "no answer")]
    uri = Uri.parse("sip:201@10.0.0.1;line=f00")
    request = SimpleNamespace(uri=uri, to=NameAddr("", uri), from_=NameAddr("", uri))
    assert desk.driver.admit(request, SOURCE) == "pbx"
    request.from_ = NameAddr.parse("<sip:bob@gw.test>")  # whose phone is registered from there
    assert desk.driver.admit(request, SOURCE) is None
    request.from_, request.uri = request.to, Uri.parse("sip:201@10.0.0.1")
    assert desk.driver.admit(request, SOURCE) is None
