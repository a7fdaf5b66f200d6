import asyncio

import pytest

from signaling.net import registering
from signaling.net.registering import Registering
from signaling.sip.address import Address
from signaling.sip.errors import Unresolvable, WrongState
from signaling.sip.events import RegistrationChanged
from signaling.sip.registration import Registration
from signaling.sip.uri import Uri
from tests.signaling.net.owner import until

THERE = (Address("udp", "192.0.2.1", 5060),)


@pytest.fixture
def waits(monkeypatch):
    monkeypatch.setattr(registering, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(registering, "LONGEST_WAIT", 0.02)


def registration():
    uri = Uri.parse("sip:alice@example.com")
    return Registration(uri, uri, uri, None, random=lambda n: "a" * n)


class Scene:
    """DNS that fails so many times, a stack that may refuse."""

    def __init__(self, failures=0, refusal=None):
        self.left, self.refusal, self.begun, self.told = failures, refusal, [], []
        self.moved, self.found = [], THERE
        self.registering = Registering(self.resolve, self.begin, lambda *new: self.moved.append(new), self.told.append)

    async def resolve(self, uri):
        self.left -= 1
        if self.left >= 0:
            raise Unresolvable("no DNS server answered")
        return self.found

    def begin(self, registration, targets):
        if self.refusal:
            raise self.refusal
        self.begun.append((registration.id, tuple(targets)))


async def test_until_dns_answers(waits):
    scene = Scene(failures=3)
    scene.registering.start(registration())
    await until(lambda: scene.begun)
    assert scene.begun == [("sip:alice@example.com", THERE)]
    assert [(event.state, event.reason) for event in scene.told] == [("failed", "no DNS server answered")] * 3
    assert not scene.registering.stop("sip:alice@example.com")


async def test_it_can_be_taken_back_meanwhile(waits):
    scene = Scene(failures=10**6)
    scene.registering.start(registration())
    await until(lambda: scene.told)
    assert scene.registering.stop("sip:alice@example.com")
    told = len(scene.told)
    await asyncio.sleep(0.05)
    assert (len(scene.told), scene.begun) == (told, [])


async def test_what_the_stack_refuses_is_told(waits):
    scene = Scene(refusal=WrongState("registered already"))
    scene.registering.start(registration())
    await until(lambda: scene.told)
    assert scene.told[0].reason == "registered already"


async def test_closing_leaves_no_task(waits):
    scene = Scene(failures=10**6)
    scene.registering.start(registration())
    await asyncio.sleep(0)
    await scene.registering.aclose()
    assert len(asyncio.all_tasks()) == 1


ID = "sip:alice@example.com"
NEW = (Address("udp", "192.0.2.2", 5060),)


async def begun(**options):
    scene = Scene(**options)
    scene.registering.start(registration())
    await until(lambda: scene.begun)
    scene.found = NEW
    return scene


async def test_after_a_failure_it_is_looked_up_again(waits):
    scene = await begun()
    scene.registering.changed(RegistrationChanged(ID, "failed", 408, "", 5))
    await until(lambda: scene.moved)
    assert scene.moved == [(ID, NEW)]


async def test_shortly_before_each_refresh_it_is_looked_up_again(waits, monkeypatch):
    scene = await begun()
    scene.registering.changed(RegistrationChanged(ID, "registering", 0, "", 0))
    await asyncio.sleep(0.02)
    assert scene.moved == []
    monkeypatch.setattr(registering, "BEFORE_REFRESH", 0.0001)
    for _ in range(2):
        scene.registering.changed(RegistrationChanged(ID, "registered", 200, "", 300))
        await asyncio.sleep(0.01)
        assert scene.moved == [], "not before it is due"
    await until(lambda: scene.moved)
    await asyncio.sleep(0.05)
    assert scene.moved == [(ID, NEW)]


async def test_while_dns_is_silent_the_old_addresses_serve(waits):
    scene = await begun()
    scene.left = 1
    scene.registering.changed(RegistrationChanged(ID, "failed", 408, "", 5))
    await asyncio.sleep(0.02)
    assert (scene.moved, scene.told) == ([], [])


async def test_what_is_over_or_was_never_looked_up_is_left_alone(waits):
    scene = await begun()
    scene.registering.changed(RegistrationChanged("another", "failed", 408, "", 5))
    scene.registering.changed(RegistrationChanged(ID, "registered", 200, "", 300))
    assert not scene.registering.stop(ID), "it is with the stack, which takes it back"
    scene.registering.changed(RegistrationChanged(ID, "failed", 408, "", 5))
    await asyncio.sleep(0.02)
    assert scene.moved == []
    assert len(asyncio.all_tasks()) == 1


async def test_while_the_registrar_is_sought_that_is_seen(waits):
    scene = Scene(failures=10**6)
    scene.registering.start(registration())
    (view,) = scene.registering.views()
    assert (view.state, view.status) == ("idle", 0)
    await until(lambda: scene.told)
    (view,) = scene.registering.views()
    assert (view.state, view.status, view.reason) == ("failed", 503, "no DNS server answered")
    assert view.next_at is not None
    scene.registering.stop("sip:alice@example.com")
    assert scene.registering.views() == []


async def test_the_outbound_proxy_is_looked_up_first():
    scene, asked = Scene(), []

    async def resolve(uri):
        asked.append(str(uri))
        return THERE

    scene.registering = Registering(resolve, scene.begin, lambda *new: None, scene.told.append)
    uri = Uri.parse("sip:alice@example.com")
    proxy = Uri.parse("sip:proxy.example.com")
    scene.registering.start(Registration(uri, uri, uri, None, random=lambda n: "a" * n, outbound_proxy=proxy))
    await until(lambda: scene.begun)
    assert (asked, scene.registering.views()) == (["sip:proxy.example.com"], [])
