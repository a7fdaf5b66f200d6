"""Three parties and a supervisor on the bus, in virtual time, over bad networks."""

from media.bus import Bus
from media.formats import G722, OPUS, PCMU
from media.legs.conference import Mixer
from tests.media.legs.wires import Far, World, leg, level, loud

TONES = {"a": 400, "b": 700, "c": 1100, "d": 1500}


def room():
    world, far, media = World(), {}, {}
    for n, (name, format) in enumerate({"a": OPUS, "b": PCMU, "c": G722, "d": PCMU}.items()):
        far[name] = Far(world, format, rate=8000 if format is OPUS else None)
        bad = {"loss": 0.03, "jitter": 0.03, "seed": 40 + n}
        media[name], _ = leg(world, name, format, far[name], to_gateway=bad)
        far[name].talk(TONES[name])
    bus = Bus(media.__getitem__, media.__getitem__, lambda name, sink: Mixer(name, sink, world.clock))
    return world, far, bus


def hears(far, seconds=1.0):
    """Whose tones are in the last second of what this party was sent."""
    sound = far.sound()[-int(seconds * 8000) :]
    if loud(sound, 8000).mean() < 50:
        return ""
    return "".join(name for name, hz in TONES.items() if (level(sound, 8000, hz) > 0.1).mean() > 0.7)


def test_three_people_a_supervisor_who_listens_and_one_who_whispers():
    world, far, bus = room()
    everybody = {"a": ("b", "c"), "b": ("a", "c"), "c": ("a", "b")}
    for graph, heard in [
        ({"a": ("b",), "b": ("a",)}, "b a  "),
        (everybody, "bc ac ab "),
        (everybody | {"d": ("a", "b", "c")}, "bc ac ab abc"),
        (everybody | {"a": ("b", "c", "d"), "d": ("a", "b", "c")}, "bcd ac ab abc"),
        ({"a": ("b",), "b": ("a",)}, "b a  "),
        ({}, "   "),
    ]:
        bus.wire("room", graph)
        world.run(2)
        assert " ".join(hears(far[name]) for name in "abcd") == heard, graph
    for party in far.values():
        party.check_stream()
        assert max(party.gaps()) < 0.1, "nobody's stream ever stops"
    assert len(bus) == 0
