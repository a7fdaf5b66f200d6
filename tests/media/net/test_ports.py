import socket

import pytest

from media.errors import NoPorts
from media.net.ports import PortPool
from media.net.udp import UdpSocket, bind, bind_pair


def test_pairs_are_even_and_in_turn():
    pool = PortPool(20_001, 20_007)
    assert [pool.take(0) for _ in range(3)] == [20_002, 20_004, 20_006]
    assert len(pool) == 3


def test_it_may_begin_anywhere():
    pool = PortPool(20_000, 20_007, start=6)
    assert [pool.take(0) for _ in range(4)] == [20_004, 20_006, 20_000, 20_002]


def test_an_empty_pool_says_what_to_do():
    pool = PortPool(20_000, 20_001)
    pool.take(0)
    with pytest.raises(NoPorts, match="all 1 RTP port pairs of 20000-20001 are in use .* widen rtp_ports"):
        pool.take(0)


def test_a_port_rests_after_its_call():
    pool = PortPool(20_000, 20_003, quarantine=5)
    first, second = pool.take(0), pool.take(0)
    pool.give(first, 10)
    with pytest.raises(NoPorts, match="1 rest for 5 s"):
        pool.take(14.9)
    assert pool.take(15) == first
    pool.give(second, 20)
    pool.give(second, 21)
    assert len(pool) == 1


def test_the_longest_rested_is_taken_first():
    pool = PortPool(20_000, 20_005, quarantine=0)
    order = []
    for now in range(6):
        port = pool.take(now)
        order.append(port)
        pool.give(port, now)
    assert order == [20_000, 20_002, 20_004] * 2


@pytest.mark.parametrize("ports", [(20_000, 20_000), (0, 10), (30_000, 20_000), (60_000, 70_000), (20_001, 20_002)])
def test_a_range_without_a_pair_is_refused(ports):
    with pytest.raises(ValueError, match="holds no pair of RTP ports"):
        PortPool(*ports)


def test_ports_of_other_programs_are_passed_over():
    pool = PortPool(22_400, 22_405)
    taken = bind("127.0.0.1", 22_401)
    try:
        rtp, rtcp = bind_pair(pool, "127.0.0.1", 0)
        assert (rtp.getsockname()[1], rtcp.getsockname()[1]) == (22_402, 22_403)
        assert len(pool) == 1
        rtp.close()
        rtcp.close()
    finally:
        taken.close()


def test_an_address_that_is_not_ours_is_told_at_once():
    with pytest.raises(NoPorts, match=r"cannot receive RTP at 192\.0\.2\.1.*sip_host"):
        bind_pair(PortPool(22_400, 22_405), "192.0.2.1", 0)


async def test_datagrams_come_in_the_order_and_with_the_source():
    import asyncio

    heard = []
    done = asyncio.Event()

    def on_datagram(data, source, now):
        heard.append((data, source))
        if len(heard) == 20:
            done.set()

    listening = UdpSocket(bind("127.0.0.1", 0), on_datagram)
    talking = UdpSocket(bind("127.0.0.1", 0), on_datagram)
    for n in range(20):
        talking.send(bytes([n]), ("127.0.0.1", listening.port))
    await asyncio.wait_for(done.wait(), 2)
    assert [data[0] for data, _ in heard] == list(range(20))
    assert {source for _, source in heard} == {("127.0.0.1", talking.port)}
    listening.close()
    talking.close()
    talking.send(b"x", ("127.0.0.1", 9))
    listening.close()


async def test_what_the_network_refuses_is_counted():
    import asyncio

    gone = bind("127.0.0.1", 0)
    port = gone.getsockname()[1]
    gone.close()
    connected = bind("127.0.0.1", 0)
    connected.connect(("127.0.0.1", port))
    talking = UdpSocket(connected, lambda *_: None)
    connected.send(b"x")
    for _ in range(100):
        await asyncio.sleep(0)
        if talking.errors:
            break
    assert talking.errors == {"ECONNREFUSED": 1}
    talking.send(b"x" * 70_000, ("127.0.0.1", port))
    assert sum(talking.errors.values()) == 2
    talking.close()
    assert isinstance(connected, socket.socket)
