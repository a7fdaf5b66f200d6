import asyncio
import socket

from signaling.net.endpoint import Endpoint
from signaling.net.trace import TracedMessage
from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.events import Answered, Ended, Invited, Rejected
from signaling.sip.uri import Uri
from tests.signaling.net.owner import until
from tests.signaling.net.test_endpoint import ALICE, BOTH, Party, answering


class Traced(Party):
    def __init__(self, listen=BOTH, **config):
        super().__init__(listen, **config)
        self.messages: list[TracedMessage] = []
        self.endpoint = Endpoint(self.endpoint.stack, listen, self.on_event, on_message=self.messages.append)

    def ladder(self, call=None):
        return [
            ("<" if each.inbound else ">") + each.start.removesuffix(" SIP/2.0").removeprefix("SIP/2.0 ").split()[0]
            for each in self.messages
            if call is None or each.call == call
        ]


async def traced_pair(**bob):
    alice, bob = Traced(), Traced(**bob)
    await alice.endpoint.start()
    await bob.endpoint.start()
    return alice, bob


async def test_both_sides_of_a_call_are_traced_with_their_handles():
    alice, bob = await traced_pair(challenge=True)
    try:
        answering(bob)
        credentials = Credentials("alice", "secret")
        call = await alice.endpoint.invite(bob.uri("udp"), from_=ALICE, body=b"offer", credentials=credentials)
        await alice.hears(Answered)
        alice.endpoint.bye(call)
        await bob.hears(Ended)
        await until(lambda: len(alice.ladder()) == 10)
        assert alice.ladder(call) == [
            *(">INVITE", "<401", ">ACK", ">INVITE", "<100", "<180", "<200", ">ACK", ">BYE", "<200"),
        ]
        incoming = bob.told(Invited)[0].call
        assert bob.ladder(incoming) == ["<INVITE", ">100", ">180", ">200", "<ACK", "<BYE", ">200"]
        assert bob.ladder(None)[:3] == ["<INVITE", ">401", "<ACK"]  # before there was a call
        assert len({each.call_id for each in alice.messages + bob.messages}) == 1
        first = bob.messages[0]
        assert (first.local, first.transport) == (bob.endpoint.addresses[0], "udp")
        assert first.remote.port == alice.endpoint.addresses[0].port
        assert [each.at for each in bob.messages] == sorted(each.at for each in bob.messages)
        everything = b"".join(each.data for each in alice.messages + bob.messages)
        assert b'nonce="***"' in everything and b'response="***"' in everything
    finally:
        await alice.endpoint.aclose(0.1)
        await bob.endpoint.aclose(0.1)


async def test_garbage_and_keep_alives():
    bob = Traced()
    await bob.endpoint.start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"\r\n\r\n", ("127.0.0.1", bob.endpoint.addresses[0].port))
            sock.sendto(b"hello\r\n\r\n", ("127.0.0.1", bob.endpoint.addresses[0].port))
            await until(lambda: bob.messages)
        (message,) = bob.messages
        assert (message.data, message.call_id, message.call) == (b"hello\r\n\r\n", "", None)
    finally:
        await bob.endpoint.aclose(0.1)


async def test_what_cannot_be_sent_is_traced_without_a_socket():
    alice = Traced((Address("udp", "127.0.0.1", 0),))
    await alice.endpoint.start()
    try:
        uri = Uri.parse("sip:bob@127.0.0.1")
        call = await alice.endpoint.invite(uri, from_=ALICE, body=b"", targets=[Address("tcp", "127.0.0.1", 9)])
        await alice.hears(Rejected)
        assert [(each.call, each.local) for each in alice.messages] == [(call, None)]
    finally:
        await alice.endpoint.aclose(0.1)


async def test_a_listener_that_fails_costs_no_message():
    alice, bob = await traced_pair()
    reports = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context["message"]))
    bob.endpoint._tracer._on_message = lambda message: 1 / 0
    try:
        answering(bob)
        await alice.endpoint.invite(bob.uri("tcp"), from_=ALICE, body=b"offer")
        await alice.hears(Answered)
        assert reports and all("could not be traced" in each for each in reports)
    finally:
        await alice.endpoint.aclose(0.1)
        await bob.endpoint.aclose(0.1)
