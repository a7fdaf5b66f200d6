import asyncio
import os
import resource
import socket

import pytest

from signaling.net.connection import Limits
from signaling.net.tcp import Tcp
from signaling.sip.address import Address, Transmit
from tests.signaling.net.owner import Notes, message, until

ANY = Address("tcp", "127.0.0.1", 0)


@pytest.fixture
async def start():
    """Start a transport with limits of its own; closed at the end."""
    started = []

    async def start(**limits):
        transport = Tcp(ANY, Notes(), Limits(**limits))
        await transport.start()
        started.append(transport)
        return transport, transport._owner

    yield start
    for transport in started:
        await transport.aclose(0.2)


async def phone(transport):
    """A peer's end of a connection: reader, writer, and the Address we know it by, less the number."""
    reader, writer = await asyncio.open_connection(transport.address.host, transport.address.port)
    return reader, writer, Address("tcp", *writer.get_extra_info("sockname"))


async def ended(reader):
    try:
        return await asyncio.wait_for(reader.read(1), 3) == b""
    except ConnectionError:
        return True


async def test_messages_in_any_slices_and_answers_on_the_same_connection(start):
    ours, notes = await start()
    reader, writer, peer = await phone(ours)
    stream = message(b"one") + message(b"two", b"BYE sip:us SIP/2.0")
    for at in range(0, len(stream), 7):
        writer.write(stream[at : at + 7])
        await writer.drain()
        await asyncio.sleep(0)
    await until(lambda: len(notes.received) == 2)
    source = notes.received[0][1]
    assert [data for data, _ in notes.received] == [message(b"one"), message(b"two", b"BYE sip:us SIP/2.0")]
    assert (source.host, source.port) == (peer.host, peer.port)
    ours.send(Transmit(b"by number", source))
    assert await reader.readexactly(9) == b"by number"
    ours.send(Transmit(b"by place", peer))
    assert await reader.readexactly(8) == b"by place"
    assert len(ours) == 1
    writer.close()
    await until(lambda: not len(ours))


async def test_connecting_outward_on_demand_and_once(start):
    ours, _ = await start()
    theirs, their_notes = await start()
    for number in range(5):
        ours.send(Transmit(message(b"%d" % number), theirs.address))
    await until(lambda: len(their_notes.received) == 5)
    assert [data[-1:] for data, _ in their_notes.received] == [b"0", b"1", b"2", b"3", b"4"]
    assert len(ours) == len(theirs) == 1
    theirs.send(Transmit(message(b"back"), their_notes.received[0][1]))
    await until(lambda: ours.traffic.received)
    source = ours._owner.received[0][1]
    assert source.port == theirs.address.port
    assert source.connection not in (None, their_notes.received[0][1].connection)


async def test_nobody_there_is_told_for_the_place_asked(start):
    ours, notes = await start()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        dead = Address("tcp", *sock.getsockname())
    ours.send(Transmit(b"x", dead))
    await until(lambda: notes.failures)
    assert dead in [to for to, _ in notes.failures]
    assert "cannot connect" in notes.failures[0][1]
    assert not len(ours)


async def test_a_place_that_never_accepts_is_given_up(start):
    ours, notes = await start(connect=0.1)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):  # the backlog is full, the next SYN is ignored
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        to = Address("tcp", *full.getsockname())
        ours.send(Transmit(b"x", to))
        await until(lambda: notes.failures)
        assert to in [failed for failed, _ in notes.failures]
        for filler in fillers:
            filler.close()


async def test_a_lost_connection_is_told_by_number_and_by_place(start):
    ours, notes = await start()
    _, writer, peer = await phone(ours)
    writer.write(message())
    await until(lambda: notes.received)
    source = notes.received[0][1]
    writer.close()
    await until(lambda: notes.failures)
    assert [to for to, _ in notes.failures] == [source, peer]
    ours.send(Transmit(b"late", source))
    assert notes.failures[-1][0] == source
    assert "is closed" in notes.failures[-1][1]


async def test_pings_are_answered_and_are_not_messages(start):
    ours, notes = await start()
    reader, writer, _ = await phone(ours)
    writer.write(b"\r\n\r\n")
    assert await reader.readexactly(2) == b"\r\n"
    writer.write(message() + b"\r\n\r\n\r\n\r\n" + message())
    assert await reader.readexactly(4) == b"\r\n\r\n"
    await until(lambda: len(notes.received) == 2)
    assert ours.traffic.keepalives == 3
    writer.close()


async def test_connections_of_ours_are_pinged(start):
    ours, _ = await start(ping=0.02, sweep=0.02)
    theirs, notes = await start()
    ours.send(Transmit(message(), theirs.address))
    await until(lambda: theirs.traffic.keepalives >= 2)
    assert len(notes.received) == 1
    assert len(ours) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"\x16\x03\x01" + b"\xff" * 3000,
        b"INVITE sip:a SIP/2.0\r\nContent-Length: 999999999\r\n\r\n",
    ],
)
async def test_a_broken_stream_is_refused_and_closed(start, garbage):
    ours, notes = await start(max_head=2000)
    reader, writer, _ = await phone(ours)
    writer.write(message(b"good") + garbage)
    assert await ended(reader)
    assert [data for data, _ in notes.received] == [message(b"good")]
    assert len(notes.refusals) == 1
    assert (ours.traffic.broken, len(ours)) == (1, 0)
    writer.close()


@pytest.mark.parametrize("begun", [b"", b"INVITE sip:us SIP/2.0\r\nVia:", b"\r\n\r\n", message() + b"BYE sip:us"])
async def test_half_a_message_does_not_hold_a_place(start, begun):
    ours, notes = await start(message=0.1, sweep=0.02)
    reader, writer, _ = await phone(ours)
    writer.write(begun)
    while await asyncio.wait_for(reader.read(10), 2):
        pass
    assert "no whole message" in notes.refusals[0][0]
    writer.close()


async def test_between_messages_a_phone_may_be_silent(start):
    ours, notes = await start(message=0.05, sweep=0.02)
    reader, writer, _ = await phone(ours)
    writer.write(message() + b"\r\n")
    await until(lambda: notes.received)
    await asyncio.sleep(0.15)
    ours.send(Transmit(b"still there?", notes.received[0][1]))
    assert await reader.readexactly(12) == b"still there?"
    writer.close()


async def test_idle_connections_are_closed(start):
    ours, notes = await start(idle=0.1, sweep=0.02)
    reader, writer, _ = await phone(ours)
    writer.write(message())
    assert await ended(reader)
    assert notes.failures[0][1] == "idle"
    writer.close()


async def test_a_slow_reader_is_cut_and_the_others_are_served(start):
    ours, notes = await start(max_unsent=100_000)
    slow_reader, slow, _ = await phone(ours)
    slow.transport.pause_reading()
    slow.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader, writer, peer = await phone(ours)
    slow.write(message())
    writer.write(message())
    await until(lambda: len(notes.received) == 2)
    stalled = next(source for _, source in notes.received if source.port != peer.port)
    for _ in range(2000):
        ours.send(Transmit(bytes(10_000), stalled))
        if notes.failures:
            break
        await asyncio.sleep(0)
    await until(lambda: notes.failures)
    assert "does not read" in notes.failures[0][1]
    ours.send(Transmit(b"fine", peer))
    assert await reader.readexactly(4) == b"fine"
    assert len(ours) == 1
    for each in (slow, writer):
        each.close()
    del slow_reader


async def test_what_waits_for_a_connection_is_bounded_too(start):
    ours, notes = await start(max_unsent=1000)
    theirs, _ = await start()
    for _ in range(3):
        ours.send(Transmit(bytes(600), theirs.address))
    assert "does not read" in notes.failures[0][1]
    await until(lambda: not len(theirs))


async def test_the_number_of_connections_is_limited(start):
    ours, notes = await start(connections=3)
    phones = [await phone(ours) for _ in range(5)]
    await until(lambda: ours.traffic.turned_away == 2)
    assert len(ours) == 3
    ours.send(Transmit(b"x", Address("tcp", "127.0.0.1", 9)))
    assert "all 3 are in use" in notes.failures[-1][1]
    for _, writer, _ in phones:
        writer.close()
    await until(lambda: not len(ours))


async def test_one_host_cannot_take_them_all(start):
    ours, _ = await start(per_host=2)
    phones = [await phone(ours) for _ in range(3)]
    await until(lambda: ours.traffic.turned_away == 1)
    phones[0][1].close()
    await until(lambda: len(ours) == 1)
    phones.append(await phone(ours))
    await until(lambda: len(ours) == 2)
    for _, writer, _ in phones:
        writer.close()


async def test_at_the_limit_the_longest_silent_one_yields(start):
    ours, notes = await start(connections=2, spare=0.05)
    quiet_reader, quiet, _ = await phone(ours)
    _, busy, _ = await phone(ours)
    await until(lambda: len(ours) == 2)
    await asyncio.sleep(0.06)
    busy.write(message())
    await until(lambda: notes.received)
    _, new, _ = await phone(ours)
    assert await ended(quiet_reader)
    busy.write(message())
    new.write(message())
    await until(lambda: len(notes.received) == 3)
    for each in (quiet, busy, new):
        each.close()


async def test_running_out_of_file_descriptors_passes(start):
    ours, notes = await start()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)  # asyncio says so; that is right
    _, before, _ = await phone(ours)
    late = socket.socket()
    late.setblocking(False)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    fillers = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
        with pytest.raises(OSError, match="Too many open files"):
            while True:
                fillers.append(os.dup(0))
        late.connect_ex((ours.address.host, ours.address.port))
        ours.send(Transmit(b"x", Address("tcp", "127.0.0.1", 9)))
        before.write(message())
        await until(lambda: notes.received and notes.failures)
    finally:
        for each in fillers:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    _, after, _ = await phone(ours)
    after.write(message())
    await until(lambda: len(notes.received) == 2)
    for each in (before, after, late):
        each.close()


async def test_closing_lets_the_last_message_out(start):
    ours, notes = await start()
    theirs, their_notes = await start()
    ours.send(Transmit(message(b"bye"), theirs.address))  # there is no connection yet
    await ours.aclose(1.0)
    await until(lambda: their_notes.received)
    assert their_notes.received[0][0] == message(b"bye")
    assert not notes.failures
    ours.send(Transmit(b"x", theirs.address))


async def test_closing_does_not_wait_for_those_who_do_not_read(start):
    ours, notes = await start(max_unsent=1 << 26)
    _, slow, _ = await phone(ours)
    slow.transport.pause_reading()
    slow.write(message())
    await until(lambda: notes.received)
    ours.send(Transmit(bytes(20 << 20), notes.received[0][1]))
    loop = asyncio.get_running_loop()
    before = loop.time()
    await ours.aclose(0.1)
    assert loop.time() - before < 0.6
    assert not len(ours)
    slow.close()
