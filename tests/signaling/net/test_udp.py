import asyncio
import errno
import socket
import struct

import pytest

from signaling.net import udp
from signaling.net.udp import Udp
from signaling.sip.address import Address, Transmit
from signaling.sip.errors import TransportFailed
from tests.signaling.net.owner import Notes, until

ANY = Address("udp", "127.0.0.1", 0)


@pytest.fixture
async def notes():
    return Notes()


@pytest.fixture
async def ours(notes):
    transport = Udp(ANY, notes)
    await transport.start()
    yield transport
    await transport.aclose()


@pytest.fixture
def phone():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        yield sock


def address(sock):
    return Address("udp", *sock.getsockname())


def closed_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return address(sock)


async def test_both_ways_with_the_real_port(ours, notes, phone):
    assert ours.address.port
    phone.sendto(b"hello", (ours.address.host, ours.address.port))
    await until(lambda: notes.received)
    assert notes.received == [(b"hello", address(phone))]
    ours.send(Transmit(b"answer", address(phone)))
    assert await asyncio.get_running_loop().sock_recv(phone, 100) == b"answer"
    assert (ours.traffic.received, ours.traffic.sent) == (1, 1)


async def test_keepalives_are_not_messages(ours, notes, phone):
    for data in (b"\r\n\r\n", b"\0\0\0\0", b"", b"real"):
        phone.sendto(data, (ours.address.host, ours.address.port))
    await until(lambda: notes.received)
    assert [data for data, _ in notes.received] == [b"real"]
    assert ours.traffic.keepalives == 3


async def test_a_closed_port_is_told_and_does_not_deafen_us(ours, notes, phone):
    dead = closed_port()
    for _ in range(3):
        ours.send(Transmit(b"anybody?", dead))
        await asyncio.sleep(0.01)
    await until(lambda: notes.failures)
    assert {to for to, _ in notes.failures} == {dead}
    assert "ECONNREFUSED" in notes.failures[0][1]
    for number in range(3):
        phone.sendto(b"%d" % number, (ours.address.host, ours.address.port))
        await until(lambda number=number: len(notes.received) == number + 1)
    ours.send(Transmit(b"answer", address(phone)))
    assert await asyncio.get_running_loop().sock_recv(phone, 100) == b"answer"


async def test_one_dead_phone_costs_the_others_nothing(ours, notes, phone):
    dead = closed_port()
    for _ in range(20):
        ours.send(Transmit(b"to nobody", dead))
        ours.send(Transmit(b"to somebody", address(phone)))
    loop = asyncio.get_running_loop()
    for _ in range(20):
        assert await asyncio.wait_for(loop.sock_recv(phone, 100), 1) == b"to somebody"
    assert {to for to, _ in notes.failures} <= {dead}


@pytest.mark.parametrize("to", [Address("udp", "127.0.0.1", 70_000), Address("udp", "127.0.0.1", 0)])
async def test_what_cannot_be_sent_is_told(ours, notes, to):
    ours.send(Transmit(b"x", to))
    assert [failed for failed, _ in notes.failures] == [to]


async def test_a_datagram_that_is_too_long_is_told(ours, notes, phone):
    ours.send(Transmit(bytes(70_000), address(phone)))
    assert [to for to, _ in notes.failures] == [address(phone)]


async def test_a_flood_leaves_the_loop_to_others(ours, notes, phone, monkeypatch):
    seen = []
    monkeypatch.setattr(notes, "receive", lambda data, source: seen.append(data))
    for _ in range(200):
        phone.sendto(b"flood", (ours.address.host, ours.address.port))
    turns = []

    def turn():
        turns.append(len(seen))
        if len(turns) < 1000:
            asyncio.get_running_loop().call_soon(turn)

    turn()
    await until(lambda: len(seen) == 200)
    steps = [later - earlier for earlier, later in zip(turns, turns[1:], strict=False)]
    assert max(steps) <= udp.BATCH


async def test_the_queue_for_a_full_kernel_is_bounded(ours, phone):
    class Full:
        def sendto(self, *_):
            raise BlockingIOError

    real, ours._socket = ours._socket, Full()
    ours._loop = type("Loop", (), {"add_writer": lambda *_: None})()
    for _ in range(udp.MOST_WAITING + 10):
        ours.send(Transmit(b"x", address(phone)))
    assert (len(ours._waiting), ours.traffic.dropped) == (udp.MOST_WAITING, 10)
    ours._socket, ours._loop = real, asyncio.get_running_loop()
    ours._loop.add_writer(real, ours._writable)
    await until(lambda: not ours._waiting)
    assert ours.traffic.sent == udp.MOST_WAITING


async def test_a_port_that_is_taken_is_said_in_words(ours, notes):
    with pytest.raises(TransportFailed, match="stop the program that has this port"):
        await Udp(ours.address, notes).start()
    with pytest.raises(TransportFailed, match="numeric address"):
        await Udp(Address("udp", "localhost", 0), notes).start()


async def test_after_closing_nothing_happens(notes, phone):
    transport = Udp(ANY, notes)
    await transport.start()
    await transport.aclose()
    await transport.aclose()
    transport.send(Transmit(b"x", address(phone)))
    assert not notes.failures


async def test_ipv6(notes):
    six = Udp(Address("udp", "::1", 0), notes)
    try:
        await six.start()
    except TransportFailed:
        pytest.skip("no IPv6 here")
    six.send(Transmit(b"to myself", six.address))
    await until(lambda: notes.received)
    assert notes.received == [(b"to myself", six.address)]
    await six.aclose()


@pytest.mark.parametrize(
    ("number", "origin", "kind", "expected"),
    [
        (errno.ECONNREFUSED, 2, 3, errno.ECONNREFUSED),
        (errno.EHOSTUNREACH, 2, 3, errno.EHOSTUNREACH),
        (errno.EHOSTUNREACH, 2, 11, 0),  # time exceeded is passing trouble (RFC 3261 section 18.4)
        (errno.EHOSTUNREACH, 3, 3, 0),
        (errno.EMSGSIZE, 2, 3, 0),
    ],
)
def test_which_icmp_errors_count(number, origin, kind, expected):
    assert udp.unreachable([(0, 11, struct.pack("=IBBBBII", number, origin, kind, 0, 0, 0, 0))]) == expected
    assert udp.unreachable([]) == 0
