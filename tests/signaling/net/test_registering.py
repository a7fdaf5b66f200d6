import asyncio

import pytest

from signaling.net import registering
from signaling.net.registering import Registering
from signaling.sip.address import Address
from signaling.sip.errors import Unresolvable, WrongState
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
        self.registering = Registering(self.resolve, self.begin, self.told.append)

    async def resolve(self, uri):
        self.left -= 1
        if self.left >= 0:
            raise Unresolvable("no DNS server answered")
        return THERE

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
