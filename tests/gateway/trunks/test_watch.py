"""Names and OPTIONS, by the clock."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from gateway.trunks import watch as watching
from gateway.trunks.metrics import TrunkCollector
from gateway.trunks.trunk import Trunk
from gateway.trunks.trunks import Trunks
from gateway.trunks.watch import Watch
from signaling.sip.address import Address
from signaling.sip.errors import Unresolvable
from signaling.sip.uri import Uri

ONE, TWO, NUMBER = (Uri.parse(text) for text in ("sip:one.test", "sip:two.test", "sip:192.0.2.1"))


class Net:
    """DNS and OPTIONS as the test wants them."""

    def __init__(self, *trunks: Trunk) -> None:
        self.trunks = Trunks(trunks)
        self.names: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.looked_up = asyncio.Event()
        self.was_asked = asyncio.Event()
        self.watch = Watch(self.trunks, self.resolve, self.ask)

    async def resolve(self, uri):
        self.looked_up.set()
        if uri.host not in self.names:
            raise Unresolvable(f"{uri.host} has no address")
        return [Address("udp", host, 5060) for host in self.names[uri.host]]

    async def ask(self, trunk, server):
        if server == TWO and "two.test" not in self.names:
            raise Unresolvable("two.test has no address")
        self.asked.append(str(server))
        self.was_asked.set()
        return f"o{len(self.asked)}"

    async def __aenter__(self):
        self.watch.start()
        return self

    async def __aexit__(self, *exc):
        await self.watch.aclose()
        assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []

    def states(self, name="office"):
        return [server.state for server in self.trunks.view(name).servers]


async def test_names_are_looked_up_again_and_again(monkeypatch):
    monkeypatch.setattr(watching, "NAMES_EVERY", 0.001)
    net = Net(Trunk("office", (ONE, NUMBER)))
    net.names["one.test"] = ["192.0.2.77"]
    uri = Uri.parse("sip:1@gw.test")
    async with net:
        await net.looked_up.wait()
        await asyncio.sleep(0)
        assert net.trunks.matcher.find("192.0.2.77", uri, uri) is not None
        del net.names["one.test"]  # DNS is silent: what was known stays
        await asyncio.sleep(0.01)
        assert net.trunks.matcher.find("192.0.2.77", uri, uri) is not None
        net.names["one.test"] = ["192.0.2.78"]
        await asyncio.sleep(0.01)
        assert net.trunks.matcher.find("192.0.2.77", uri, uri) is None
        assert net.trunks.matcher.find("192.0.2.78", uri, uri) is not None


async def test_nothing_to_do_makes_no_tasks():
    async with Net(Trunk("office", (NUMBER,))):
        assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(("status", "state"), [(200, "up"), (404, "up"), (401, "up"), (503, "down"), (None, "shaky")])
async def test_what_answers_mean(status, state):
    net = Net(Trunk("office", (NUMBER,), probe=60))
    async with net:
        await net.was_asked.wait()
        await asyncio.sleep(0)
        net.watch.answered("o1", status, "reason")
        net.watch.answered("o1", 200, "again")  # nobody waits for it any more
        net.watch.answered("o99", 200, "nobody's")
        assert net.states() == [state]


async def test_silence_is_heard_and_so_is_a_return(monkeypatch):
    monkeypatch.setattr(watching, "PATIENCE", 0.002)
    trunk = Trunk("office", (NUMBER, TWO), probe=0.005)
    net = Net(trunk)
    async with net:
        for _ in range(1000):
            if net.states() == ["down", "down"]:
                break
            await asyncio.sleep(0.002)
        assert net.trunks.servers(trunk, 1e9) == ()
        assert "no answer in" in net.trunks.why_down(trunk)
        net.was_asked.clear()
        await net.was_asked.wait()
        await asyncio.sleep(0)
        net.watch.answered(f"o{len(net.asked)}", 200, "OK")
        assert net.states()[0] == "up"


def test_figures():
    trunk = Trunk("office", (ONE, TWO), max_calls=1)
    trunks, registry = Trunks([trunk]), CollectorRegistry()
    registry.register(TrunkCollector(trunks.views))
    trunks.begin(trunk, "a", 0)
    trunks.begin(trunk, "b", 0)
    text = generate_latest(registry).decode()
    for line in (
        'tandem_trunk_state{state="off",trunk="office"} 1.0',
        'tandem_trunk_state{state="up",trunk="office"} 0.0',
        'tandem_trunk_calls{trunk="office"} 1.0',
        'tandem_trunk_servers_up{trunk="office"} 2.0',
        'tandem_trunk_refused_total{trunk="office"} 1.0',
    ):
        assert line in text
