import pytest

from media.bus import Bus
from media.frame import Flush


class Party:
    """A leg that remembers what it was connected to and hears."""

    rate, encoding = 8000, ""

    def __init__(self, name, log):
        self.name, self.log, self.sinks, self.heard = name, log, [], []

    def connect(self, sink):
        self.log.append(f"{self.name} > {sink.name}")
        if sink not in self.sinks:
            self.sinks.append(sink)

    def disconnect(self, sink):
        self.log.append(f"{self.name} x {sink.name}")
        if sink in self.sinks:
            self.sinks.remove(sink)
            sink.write(Flush())

    def write(self, frame):
        self.heard.append(frame)

    def say(self, what):
        for sink in tuple(self.sinks):
            sink.write(what)


class Mixer:
    def __init__(self, name, sink, alive):
        self.name, self.sink, self.inputs, self.alive = f"mix({name})", sink, {}, alive
        alive.append(self)

    def input(self, source):
        return self.inputs.setdefault(source, Inlet(f"{self.name}.{source}", self.sink))

    def drop(self, source):
        self.inputs.pop(source)

    def close(self):
        assert not self.inputs
        self.alive.remove(self)


class Inlet:
    rate, encoding = 8000, ""

    def __init__(self, name, sink):
        self.name, self.sink = name, sink

    def write(self, frame):
        if not isinstance(frame, Flush):
            self.sink.write(frame)


class World:
    def __init__(self):
        self.log, self.mixers = [], []
        self.parties = {name: Party(name, self.log) for name in ("a", "b", "c", "d", "rec", "rec/0", "rec/1")}
        self.bus = Bus(self.parties.__getitem__, self.parties.__getitem__, lambda n, s: Mixer(n, s, self.mixers))

    def changes(self):
        changes, self.log[:] = list(self.log), []
        return changes

    def hears(self, name):
        """Who this party hears, found by ear."""
        party = self.parties[name]
        for other in self.parties.values():
            other.say(other.name)
        heard = [x for x in party.heard if isinstance(x, str)]
        for other in self.parties.values():
            other.heard.clear()
        assert len(heard) == len(set(heard)), "heard twice"
        return "".join(sorted(heard))


@pytest.fixture
def world():
    return World()


def test_a_bridge_is_two_wires(world):
    world.bus.wire("call", {"a": ("b",), "b": ("a",)})
    assert world.changes() == ["b > a", "a > b"]
    assert (world.hears("a"), world.hears("b")) == ("b", "a")
    assert str(world.bus) == "b -> a\na -> b"


def test_the_same_graph_again_touches_nothing(world):
    world.bus.wire("call", {"a": ("b",), "b": ("a",)})
    world.changes()
    world.bus.wire("call", {"b": ("a",), "a": ("b",)})
    assert world.changes() == []


def test_a_third_party_brings_a_mixer_and_takes_it_along(world):
    world.bus.wire("call", {"a": ("b",), "b": ("a",)})
    world.bus.wire("call", {"a": ("b", "c"), "b": ("a", "c"), "c": ("a", "b")})
    assert [world.hears(n) for n in "abc"] == ["bc", "ac", "ab"]
    assert len(world.mixers) == 3
    assert str(world.bus).splitlines()[0] == "b + c => mixer -> a"
    world.changes()
    world.bus.wire("call", {"a": ("b", "c", "d"), "b": ("a", "c"), "c": ("a", "b")})
    assert world.changes() == ["d > mix(a).d"], "the others' wires stay as they are"
    world.bus.wire("call", {"a": ("b",), "b": ("a",)})
    assert world.mixers == []
    assert (world.hears("a"), world.hears("b"), world.hears("c")) == ("b", "a", "")


def test_an_echo_is_a_party_that_hears_itself(world):
    world.bus.wire("call", {"a": ("a",)})
    assert world.hears("a") == "a"


def test_old_sources_go_before_new_ones_come(world):
    world.bus.wire("call", {"a": ("b",), "b": ("a",)})
    world.changes()
    world.bus.wire("call", {"a": ("c",), "c": ("a",)})
    assert world.changes() == ["b x a", "a x b", "c > a", "a > c"]


def test_a_sink_that_loses_its_source_is_flushed(world):
    world.bus.wire("call", {"a": ("b",)})
    world.bus.wire("call", {})
    assert world.parties["a"].heard == [Flush()]
    assert len(world.bus) == 0


def test_two_groups_share_a_sink(world):
    world.bus.wire("one", {"d": ("a",)})
    world.bus.wire("two", {"d": ("b", "a")})
    assert world.hears("d") == "ab"
    world.bus.wire("one", {})
    assert world.hears("d") == "ab", "the second still names both"
    world.bus.wire("two", {"d": ("b",)})
    assert world.hears("d") == "b"


def test_a_name_twice_is_a_name_once(world):
    world.bus.wire("call", {"a": ("b", "b")})
    assert world.hears("a") == "b"
    assert world.mixers == []


def test_an_unknown_name_changes_nothing(world):
    world.bus.wire("call", {"a": ("b",)})
    world.changes()
    with pytest.raises(KeyError):
        world.bus.wire("call", {"a": ("c",), "b": ("nobody",)})
    assert world.changes() == []
    assert world.hears("a") == "b"


def test_a_party_that_is_gone_is_unplugged_everywhere(world):
    world.bus.wire("call", {"a": ("b", "c"), "b": ("a",), "rec/0": ("a",), "rec/1": ("b",)})
    world.bus.forget("b")
    assert (world.hears("a"), world.hears("b"), world.hears("rec/0")) == ("c", "", "a")
    assert world.mixers == []
    world.bus.forget("rec")
    assert str(world.bus) == "c -> a"
    world.bus.forget("a")
    assert len(world.bus) == 0
    assert all(not party.sinks for party in world.parties.values())


def test_refresh_connects_again(world):
    world.bus.wire("call", {"a": ("b", "c"), "d": ("b",)})
    world.changes()
    world.bus.refresh("a")
    world.bus.refresh("nobody")
    assert world.changes() == ["b > mix(a).b", "c > mix(a).c"]


def test_any_sequence_of_graphs_ends_as_declared(world):
    import random

    rng = random.Random(7)
    names = ["a", "b", "c", "d"]
    for _ in range(300):
        graph = {n: tuple(rng.sample(names, rng.randrange(4))) for n in rng.sample(names, rng.randrange(5))}
        world.bus.wire("call", graph)
        for name in names:
            assert world.hears(name) == "".join(sorted(graph.get(name, ())))
    world.bus.wire("call", {})
    assert world.mixers == []
    assert all(not party.sinks for party in world.parties.values())
