import asyncio
import random
import socket

import pytest

from signaling.net.endpoint import Endpoint, reachable
from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.config import StackConfig
from signaling.sip.errors import NoSuchCall, TransportFailed, Unresolvable
from signaling.sip.events import (
    Acked,
    Answered,
    Ended,
    InfoReceived,
    Invited,
    MessageRefused,
    OptionsAnswered,
    Progressed,
    ReferProgress,
    Referred,
    ReferRefused,
    Registered,
    RegistrationChanged,
    Rejected,
    Unregistered,
)
from signaling.sip.registrar import RegistrarConfig
from signaling.sip.registration import Registration
from signaling.sip.stack import Stack
from signaling.sip.uri import NameAddr, Uri
from tests.signaling.net.owner import message, until

ALICE = NameAddr.parse("Alice <sip:alice@127.0.0.1>")
BOTH = (Address("udp", "127.0.0.1", 0), Address("tcp", "127.0.0.1", 0))


QUICK = {"t1": 0.01, "t2": 0.04, "t4": 0.02}


class Party:
    """An endpoint, what it was told, and how it reacts."""

    def __init__(self, listen=BOTH, **config):
        self.events = []
        self.react = lambda event: None
        chance = random.Random(1)
        stack = Stack(
            StackConfig(**{"challenge": False, **config}),
            lambda n: f"{chance.getrandbits(4 * n):0{n}x}",
            {"alice": "secret"}.get,
        )
        self.endpoint = Endpoint(stack, listen, self.on_event)

    def on_event(self, event):
        self.events.append(event)
        self.react(event)

    def told(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    async def hears(self, kind, seconds=3.0):
        await until(lambda: self.told(kind), seconds)
        return self.told(kind)[-1]

    def uri(self, transport):
        port = next(each.port for each in self.endpoint.addresses if each.transport == transport)
        return Uri.parse(f"sip:bob@127.0.0.1:{port};transport={transport}")


@pytest.fixture
async def party():
    made = []

    async def party(*args, **config):
        one = Party(*args, **config)
        await one.endpoint.start()
        made.append(one)
        return one

    yield party
    for one in made:
        await one.endpoint.aclose(0.2)


def answering(bob):
    def react(event):
        if isinstance(event, Invited):
            bob.endpoint.progress(event.call, 180)
            bob.endpoint.answer(event.call, b"answer")

    bob.react = react


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_whole_call(party, transport):
    alice, bob = await party(), await party()
    answering(bob)
    call = await alice.endpoint.invite(bob.uri(transport), from_=ALICE, body=b"offer")
    assert not alice.events  # nothing is told before the handle is known
    answered = await alice.hears(Answered)
    assert (answered.call, answered.body) == (call, b"answer")
    await bob.hears(Acked)
    invited = bob.told(Invited)[0]
    assert (invited.body, invited.source.transport) == (b"offer", transport)
    alice.endpoint.info(call, "application/dtmf-relay", b"Signal=5")
    assert (await bob.hears(InfoReceived)).body == b"Signal=5"
    bob.endpoint.bye(invited.call)
    await alice.hears(Ended)
    assert [type(event) for event in alice.events] == [Progressed, Answered, Ended]
    assert alice.endpoint.stack.calls() == bob.endpoint.stack.calls() == 0


async def test_over_tcp_one_connection_serves_all(party):
    alice, bob = await party(), await party()
    answering(bob)
    for _ in range(5):
        alice.events.clear()
        call = await alice.endpoint.invite(bob.uri("tcp"), from_=ALICE, body=b"offer")
        await alice.hears(Answered)
        alice.endpoint.bye(call)
    await until(lambda: len(bob.told(Ended)) == 5)
    assert len({event.source for event in bob.told(Invited)}) == 1


async def test_a_digest_challenge_over_udp(party):
    alice, bob = await party(), await party(challenge=True)
    answering(bob)
    await alice.endpoint.invite(bob.uri("udp"), from_=ALICE, body=b"offer", credentials=Credentials("alice", "secret"))
    await alice.hears(Answered)
    assert bob.told(Invited)[0].user == "alice"


async def test_a_phone_that_is_not_there_is_known_at_once(party):
    alice = await party()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    for transport in ("udp", "tcp"):
        alice.events.clear()
        call = await alice.endpoint.invite(
            Uri.parse(f"sip:bob@127.0.0.1:{port};transport={transport}"), from_=ALICE, body=b"offer"
        )
        rejected = await alice.hears(Rejected, 2)
        assert (rejected.call, rejected.status) == (call, 503)
    assert alice.endpoint.stack.calls() == 0


async def test_the_next_target_is_tried(party):
    alice, bob = await party(), await party()
    answering(bob)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        dead = Address("udp", *sock.getsockname())
    targets = (dead, Address("ws", "127.0.0.1", 1), bob.endpoint.addresses[1])
    await alice.endpoint.invite(bob.uri("udp"), from_=ALICE, body=b"offer", targets=targets)
    await alice.hears(Answered)
    assert bob.told(Invited)[0].source.transport == "tcp"


async def test_names_are_looked_up_and_what_is_not_found_is_said(party):
    alice, bob = await party(), await party()
    answering(bob)
    port = bob.endpoint.addresses[0].port
    await alice.endpoint.invite(Uri.parse(f"sip:bob@localhost:{port}"), from_=ALICE, body=b"offer")
    await alice.hears(Answered)
    with pytest.raises(Unresolvable, match="only udp and tcp"):
        await alice.endpoint.invite(Uri.parse("sips:bob@localhost"), from_=ALICE)


async def test_verbs_for_calls_that_are_over_raise(party):
    alice = await party()
    with pytest.raises(NoSuchCall):
        alice.endpoint.bye("nothing")


async def test_a_listener_that_fails_deafens_nobody(party):
    alice, bob = await party(), await party()
    reports = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context["message"]))

    def react(event):
        if isinstance(event, Invited):
            bob.endpoint.answer(event.call, b"answer")
        raise RuntimeError("a defect")

    bob.react = react
    await alice.endpoint.invite(bob.uri("udp"), from_=ALICE, body=b"offer")
    await alice.hears(Answered)
    await bob.hears(Acked)
    assert any("Invited could not be handled" in report for report in reports)


async def test_a_defect_in_the_core_costs_one_message(party, monkeypatch):
    alice, bob = await party(), await party()
    reports = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context["message"]))
    answering(bob)
    real = bob.endpoint.stack.receive

    def receive(data, source, now):
        if data.startswith(b"OPTIONS"):
            raise ZeroDivisionError
        real(data, source, now)

    monkeypatch.setattr(bob.endpoint.stack, "receive", receive)
    with socket.socket() as sock:
        sock.connect((bob.endpoint.addresses[1].host, bob.endpoint.addresses[1].port))
        sock.sendall(message() * 2)
        await until(lambda: len(reports) == 2)
    await alice.endpoint.invite(bob.uri("tcp"), from_=ALICE, body=b"offer")
    await alice.hears(Answered)


async def test_a_flood_of_garbage_does_not_reach_the_call(party):
    alice, bob = await party(), await party()
    answering(bob)
    chance = random.Random(5)
    udp, tcp = bob.endpoint.addresses
    call = await alice.endpoint.invite(bob.uri("udp"), from_=ALICE, body=b"offer")
    await alice.hears(Answered)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        for number in range(2000):
            sock.sendto(b"INVITE " + chance.randbytes(chance.randrange(1, 400)), (udp.host, udp.port))
            if number % 50 == 0:
                await asyncio.sleep(0)
    for _ in range(20):
        _, writer = await asyncio.open_connection(tcp.host, tcp.port)
        writer.write(b"INVITE sip:x SIP/2.0\r\nContent-Length: -1\r\n\r\n" + chance.randbytes(300))
        writer.close()
    alice.endpoint.info(call, "text/plain", b"still here")
    assert (await bob.hears(InfoReceived)).body == b"still here"
    await until(lambda: len(bob.told(MessageRefused)) >= 1500)
    alice.endpoint.bye(call)
    await bob.hears(Ended)


async def test_a_hundred_calls_leave_nothing_behind(party):
    alice, bob = await party(**QUICK), await party(**QUICK)
    answering(bob)
    alice.react = lambda event: alice.endpoint.bye(event.call) if isinstance(event, Answered) else None
    for number in range(100):
        await alice.endpoint.invite(bob.uri(("udp", "tcp")[number % 2]), from_=ALICE, body=b"offer")
    await until(lambda: len(bob.told(Ended)) == 100, 5)
    for one in (alice, bob):
        await one.endpoint.drain(6)
        assert (one.endpoint.stack.calls(), one.endpoint.stack.transactions()) == (0, 0)


def registration(registrar, transport):
    uri = registrar.uri(transport)
    contact = Uri.parse("sip:alice@10.255.255.1:5060")  # as behind NAT: nobody could reach it
    aor = Uri.parse("sip:alice@127.0.0.1")
    return Registration(aor, uri, contact, Credentials("alice", "secret"), random=lambda n: "ab" * (n // 2))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_registered_phone_is_called_where_it_registered_from(party, transport):
    gateway, phone = await party(registrar=RegistrarConfig()), await party()
    answering(phone)
    id = phone.endpoint.register(registration(gateway, transport))
    await gateway.hears(Registered)
    await until(lambda: any(event.state == "registered" for event in phone.told(RegistrationChanged)))
    (binding,) = gateway.endpoint.stack.registrar.bindings("alice")
    await gateway.endpoint.invite(binding.contact, from_=ALICE, body=b"offer", targets=(binding.source,))
    await gateway.hears(Answered)
    if transport == "udp":
        phone.endpoint.unregister(id)
    else:
        await phone.endpoint.aclose()
    assert (await gateway.hears(Unregistered)).why == ("left" if transport == "udp" else "connection lost")


async def test_the_last_bye_gets_out(party):
    for transport in ("udp", "tcp"):
        alice, bob = await party(), await party()
        answering(bob)
        call = await alice.endpoint.invite(bob.uri(transport), from_=ALICE, body=b"offer")
        await bob.hears(Acked)
        alice.endpoint.bye(call)
        await alice.endpoint.aclose()
        await bob.hears(Ended)


async def test_draining_resends_a_lost_bye_but_has_an_end(party):
    alice, bob = await party(t1=0.02), await party()
    answering(bob)
    call = await alice.endpoint.invite(bob.uri("udp"), from_=ALICE, body=b"offer")
    await bob.hears(Acked)
    udp = bob.endpoint._transports["udp", 4]
    take, lost = udp._take, []
    udp._take = lambda data, source: lost.append(data) if len(lost) < 2 else take(data, source)
    alice.endpoint.bye(call)
    loop = asyncio.get_running_loop()
    before = loop.time()
    await alice.endpoint.drain(0.3)
    assert loop.time() - before < 0.6
    assert len(lost) == 2
    await bob.hears(Ended)


async def test_one_timer_carries_all_retransmissions(party):
    alice = await party(t1=0.01)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.setblocking(False)
        uri = Uri.parse(f"sip:bob@127.0.0.1:{silent.getsockname()[1]}")
        for _ in range(10):
            await alice.endpoint.invite(uri, from_=ALICE, body=b"offer")
        await until(lambda: len(alice.told(Rejected)) == 10)
    assert {event.status for event in alice.told(Rejected)} == {408}
    # timer A: 7 transmissions each; a loop that is late by more than T1 gets fewer of them in before timer B
    assert 30 <= alice.endpoint.traffic[str(alice.endpoint.addresses[0])].sent <= 70


async def test_what_is_advertised(party):
    alice = await party(contact_host={"udp": ("192.0.2.9", 0)})
    udp, tcp = alice.endpoint.addresses
    advertised = alice.endpoint.stack._core.advertised
    assert advertised("udp") == ("192.0.2.9", udp.port)
    assert advertised("tcp") == ("127.0.0.1", tcp.port)
    assert reachable("0.0.0.0") != "0.0.0.0"
    assert reachable("192.0.2.1") == "192.0.2.1"


async def test_all_or_nothing_is_listened_on(party):
    alice = await party()
    taken = alice.endpoint.addresses[1]
    other = Party((Address("udp", "127.0.0.1", 0), taken))
    with pytest.raises(TransportFailed, match="stop the program"):
        await other.endpoint.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", other.endpoint.addresses[0].port))
    for listen in ((), (BOTH[0], BOTH[0]), (Address("tls", "127.0.0.1", 0),)):
        with pytest.raises(TransportFailed, match="listen on"):
            Party(listen)
    await other.endpoint.aclose()


async def test_after_closing_it_is_silent(party):
    alice = await party()
    await alice.endpoint.invite(Uri.parse("sip:bob@127.0.0.1:9"), from_=ALICE, body=b"offer")
    await alice.endpoint.aclose()
    alice.events.clear()
    await asyncio.sleep(0.05)
    assert not alice.events
    assert alice.endpoint._timer is None or alice.endpoint._timer.cancelled()


async def test_a_registration_whose_connection_breaks_is_made_again_at_once(party):
    gateway, phone = await party(registrar=RegistrarConfig()), await party()
    phone.endpoint.register(registration(gateway, "tcp"))
    await gateway.hears(Registered)
    await until(lambda: phone.told(RegistrationChanged)[-1].state == "registered")
    (connection,) = gateway.endpoint._transports["tcp", 4]._connections.values()
    connection.cut("a switch on the way was restarted")
    await until(lambda: len(gateway.told(Registered)) == 2, 2.0)  # the shortest back-off is longer
    assert gateway.told(Unregistered)[0].why == "connection lost"
    await until(lambda: phone.told(RegistrationChanged)[-1].state == "registered")
    states = [event.state for event in phone.told(RegistrationChanged)]
    assert states == ["registering", "registered", "failed", "registered"]


async def test_a_transfer_is_asked_for_and_followed(party):
    alice, bob = await party(), await party()
    answering(bob)
    call = await alice.endpoint.invite(bob.uri("udp"), from_=ALICE, body=b"offer")
    await alice.hears(Answered)
    id = alice.endpoint.refer(call, Uri.parse("sip:carol@127.0.0.1"))
    referred = await bob.hears(Referred)
    bob.endpoint.accept_refer(referred.call)
    bob.endpoint.notify_refer(referred.call, 200)
    await until(lambda: any(event.over for event in alice.told(ReferProgress)))
    assert (alice.told(ReferProgress)[-1].status, alice.told(ReferProgress)[-1].id) == (200, id)
    alice.endpoint.refer(call, Uri.parse("sip:carol@127.0.0.1"))
    await until(lambda: len(bob.told(Referred)) == 2)
    bob.endpoint.refuse_refer(referred.call, 603)
    assert (await alice.hears(ReferRefused)).status == 603


async def test_who_is_there(party):
    alice, bob = await party(), await party()
    id = await alice.endpoint.options(bob.uri("tcp"))
    answered = await alice.hears(OptionsAnswered)
    assert (answered.id, answered.status, answered.by.transport) == (id, 200, "tcp")
    with pytest.raises(Unresolvable):
        await alice.endpoint.options(Uri.parse("sip:bob@127.0.0.1;transport=tls"))
