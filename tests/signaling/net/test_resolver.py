import asyncio
import time

import pytest

from signaling.net.dns_client import Dns
from signaling.net.hosts import Hosts
from signaling.net.resolver import Resolver
from signaling.sip.errors import Unresolvable
from signaling.sip.uri import Uri
from tests.signaling.net.dns_server import DnsServer

ZONE = {
    ("plain.test", "A"): ["192.0.2.1"],
    ("plain.test", "AAAA"): ["2001:db8::1"],
    ("many.test", "A"): ["192.0.2.1", "192.0.2.2"],
    ("srv.test", "TXT"): ['"here"'],
    ("_sip._udp.srv.test", "SRV"): ["20 0 5060 two.srv.test.", "10 0 5070 one.srv.test."],
    ("_sip._tcp.srv.test", "SRV"): ["10 0 5080 one.srv.test."],
    ("one.srv.test", "A"): ["192.0.2.11"],
    ("two.srv.test", "A"): ["192.0.2.12"],
    ("naptr.test", "NAPTR"): [
        '20 50 "s" "SIP+D2U" "" _sip._udp.elsewhere.test.',
        '10 50 "s" "SIP+D2T" "" _sip._tcp.elsewhere.test.',
        '5 50 "s" "SIPS+D2T" "" _sips._tcp.elsewhere.test.',
        '1 50 "u" "E2U+sip" "!^.*$!sip:x@y!" .',
    ],
    ("_sip._udp.elsewhere.test", "SRV"): ["1 1 5060 one.srv.test."],
    ("_sip._tcp.elsewhere.test", "SRV"): ["1 1 5060 two.srv.test."],
    ("_sips._tcp.elsewhere.test", "SRV"): ["1 1 5061 two.srv.test."],
    ("_sip._udp.no.test", "SRV"): ["0 0 0 ."],
    ("no.test", "A"): ["192.0.2.66"],
    ("_sip._udp.half.test", "SRV"): ["1 0 5060 missing.test.", "2 0 5060 one.srv.test."],
}


def make(server, *, seconds=1.0, hosts="/nonexistent", **options):
    dns = Dns(nameservers=[server.address], timeout=seconds)
    return Resolver(random=lambda: 0.0, dns=dns, hosts=Hosts(hosts), **options)


async def found(resolver, uri):
    return [str(each) for each in await resolver.resolve(Uri.parse(uri))]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:a@192.0.2.5", ["udp:192.0.2.5:5060"]),
        ("sip:a@[2001:db8::5]:5099", ["udp:[2001:db8::5]:5099"]),
        ("sip:192.0.2.5;transport=tcp", ["tcp:192.0.2.5:5060"]),
        ("sips:192.0.2.5", ["tls:192.0.2.5:5061"]),
        ("sip:a@ignored.test;maddr=192.0.2.9", ["udp:192.0.2.9:5060"]),
        ("sip:a@plain.test", ["udp:192.0.2.1:5060"]),
        ("sip:a@plain.test.;transport=TCP", ["tcp:192.0.2.1:5060"]),
        ("sip:a@srv.test;transport=udp", ["udp:192.0.2.11:5070", "udp:192.0.2.12:5060"]),
        ("sip:a@srv.test", ["udp:192.0.2.11:5070", "udp:192.0.2.12:5060", "tcp:192.0.2.11:5080"]),
        ("sip:a@one.srv.test:5555", ["udp:192.0.2.11:5555"]),
        ("sip:a@naptr.test", ["tls:192.0.2.12:5061", "tcp:192.0.2.12:5060", "udp:192.0.2.11:5060"]),
        ("sip:a@no.test;transport=udp", ["udp:192.0.2.66:5060"]),
        ("sip:a@half.test;transport=udp", ["udp:192.0.2.11:5060"]),
    ],
)
async def test_rfc_3263(uri, expected):
    async with DnsServer(ZONE) as server:
        resolver = make(server, transports=("udp", "tcp", "tls"))
        assert await found(resolver, uri) == expected
        await resolver.aclose()


async def test_an_explicit_port_asks_for_no_srv():
    async with DnsServer(ZONE) as server:
        await found(make(server), "sip:a@plain.test:5060")
        assert {kind for _, kind in server.asked} == {"A"}


async def test_numeric_hosts_ask_nothing():
    async with DnsServer(ZONE) as server:
        await found(make(server), "sip:a@192.0.2.1")
        assert not server.asked


async def test_transports_that_are_not_spoken_are_left_out():
    async with DnsServer(ZONE) as server:
        assert await found(make(server), "sip:a@naptr.test") == ["tcp:192.0.2.12:5060", "udp:192.0.2.11:5060"]
        assert await found(make(server, transports=("tcp",)), "sip:a@plain.test:1") == ["tcp:192.0.2.1:1"]


async def test_all_addresses_of_a_host():
    async with DnsServer(ZONE) as server:
        assert sorted(await found(make(server), "sip:a@many.test:1")) == ["udp:192.0.2.1:1", "udp:192.0.2.2:1"]


async def test_ipv6_where_it_is_listened_on():
    async with DnsServer(ZONE) as server:
        resolver = make(server, versions=(4, 6))
        assert await found(resolver, "sip:a@plain.test:1") == [
            "udp:192.0.2.1:1",
            "udp:[2001:db8::1]:1",
        ]


async def test_answers_are_kept_for_their_ttl_only():
    async with DnsServer(ZONE, ttl=1) as server:
        resolver = make(server)
        for _ in range(3):
            await found(resolver, "sip:a@plain.test:1")
        assert server.asked["plain.test", "A"] == 1
        await asyncio.sleep(1.1)
        await found(resolver, "sip:a@plain.test:1")
        assert server.asked["plain.test", "A"] == 2


async def test_a_storm_of_calls_asks_once():
    async with DnsServer(ZONE) as server:
        resolver = make(server)
        answers = await asyncio.gather(*(found(resolver, "sip:a@srv.test") for _ in range(200)))
        assert all(answer == answers[0] for answer in answers)
        assert set(server.asked.values()) == {1}


async def test_a_cancelled_caller_does_not_cancel_the_others():
    async with DnsServer(ZONE) as server:
        resolver = make(server)
        first, second = (asyncio.create_task(found(resolver, "sip:a@plain.test:1")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == ["udp:192.0.2.1:1"]


async def test_that_there_is_none_is_not_believed_for_ever():
    async with DnsServer({}) as server:  # answers without an SOA, which gives no time at all
        dns = Dns(nameservers=[server.address], timeout=1.0)
        resolver = Resolver(random=lambda: 0.0, dns=dns, hosts=Hosts("/nonexistent"))
        with pytest.raises(Unresolvable, match="check the spelling"):
            await found(resolver, "sip:a@unknown.test")
        kept = list(dns._resolver.cache.data.values())
        assert kept
        assert max(node.value.expiration for node in kept) <= time.time() + 60


async def test_routers_that_never_answer_srv_do_not_stop_the_call():
    async with DnsServer(ZONE, silent=("SRV", "NAPTR")) as server:
        assert await found(make(server, seconds=0.2), "sip:a@plain.test") == ["udp:192.0.2.1:5060"]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("sip:a@unknown.test", "check the spelling"),
        ("tel:+4930123", "route it to a SIP server"),
        ("sip:a@plain.test;transport=sctp", "only udp and tcp"),
        ("sips:a@plain.test", "only udp and tcp"),
        ("sip:a@plain.test:0", "no host and port"),
        ("sip:a@" + "x" * 70 + ".test", "check the name"),
        ("sip:a@a..b.test", "check the name"),
    ],
)
async def test_what_cannot_be_found_is_said_in_words(uri, words):
    async with DnsServer(ZONE) as server:
        with pytest.raises(Unresolvable, match=words):
            await found(make(server), uri)


@pytest.mark.parametrize(
    ("server", "words"),
    [({"silent": ("A",)}, "no DNS server answered"), ({"broken": ("A",)}, "check the name and the DNS server")],
)
async def test_dns_that_fails(server, words):
    async with DnsServer(ZONE, **server) as broken:
        with pytest.raises(Unresolvable, match=words):
            await found(make(broken, seconds=0.2), "sip:a@plain.test:5060")


async def test_the_hosts_file_comes_before_dns(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("192.0.2.77 srv.test\n2001:db8::7 srv.test\n")
    async with DnsServer(ZONE) as server:
        assert await found(make(server, hosts=str(path)), "sip:a@srv.test") == ["udp:192.0.2.77:5060"]
        assert await found(make(server), "sip:a@localhost") == ["udp:127.0.0.1:5060"]
        assert not server.asked


async def test_the_loop_is_never_blocked():
    async with DnsServer(ZONE, silent=("A",)) as server:
        resolver, loop = make(server, seconds=0.2), asyncio.get_running_loop()
        lookup = asyncio.create_task(found(resolver, "sip:a@plain.test:1"))
        longest, last = 0.0, loop.time()
        while not lookup.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, loop.time() - last), loop.time()
        assert longest < 0.15
        assert isinstance(lookup.exception(), Unresolvable)


async def test_closing_ends_questions():
    async with DnsServer(ZONE, silent=("A",)) as server:
        resolver = make(server, seconds=30.0)
        lookup = asyncio.create_task(resolver.resolve(Uri.parse("sip:a@plain.test:1")))
        await asyncio.sleep(0.05)
        await resolver.aclose()
        with pytest.raises(asyncio.CancelledError):
            await lookup
