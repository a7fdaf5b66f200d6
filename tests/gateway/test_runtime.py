"""The hand: order within a call, independence between calls, failures as events, nothing left."""

import asyncio
from itertools import count

import pytest

from gateway import runtime
from gateway.calls import commands as cmd
from gateway.calls import events as ev
from gateway.calls.apps import RecordAndPlay
from gateway.calls.ports import Contact
from gateway.calls.router import Router
from gateway.calls.settings import CallSettings
from gateway.calls.table import CallTable
from gateway.runtime import Runtime
from media import events as me
from media.errors import BadSource, NoCommonCodec
from media.host import OpenPlayer, OpenSip, OpenWebrtc
from tests.gateway.calls.world import USERS, Directory, route

BOB = Contact("sip", "sip:bob@192.0.2.7", "bob")


class Media:
    """Keeps what it is ordered; can be made to fail, or to wait."""

    def __init__(self) -> None:
        self.orders: list[tuple] = []
        self.open_legs: set[str] = set()
        self.fail: dict[str, Exception] = {}
        self.gate: dict[str, asyncio.Event] = {}

    def open(self, order) -> None:
        self.orders.append(("open", order))
        if order.leg in self.fail:
            raise self.fail[order.leg]
        assert order.leg not in self.open_legs
        self.open_legs.add(order.leg)

    async def _negotiate(self, verb, leg, body=b""):
        self.orders.append((verb, leg, body))
        if f"{verb} {leg}" in self.gate:
            await self.gate[f"{verb} {leg}"].wait()
        if f"{verb} {leg}" in self.fail:
            raise self.fail[f"{verb} {leg}"]
        return f"{verb} of {leg}".encode()

    async def offer(self, leg):
        return await self._negotiate("offer", leg)

    async def accept(self, leg, offer):
        return await self._negotiate("accept", leg, offer)

    async def settle(self, leg, answer):
        await self._negotiate("settle", leg, answer)

    def wire(self, group, graph):
        self.orders.append(("wire", group, dict(graph)))
        for sink, sources in graph.items():
            assert {sink.partition("/")[0], *sources} <= self.open_legs

    def stats(self, leg):
        return me.LegStats()

    async def close(self, leg):
        await asyncio.sleep(0)
        self.open_legs.remove(leg)

    def __getattr__(self, verb):
        return lambda *args: self.orders.append((verb, *args))


class Driver:
    def __init__(self) -> None:
        self.said: list[tuple] = []

    def __getattr__(self, verb):
        if verb.startswith("__"):
            raise AttributeError(verb)
        return lambda *args: self.said.append((verb, *args))

    def verbs(self, leg):
        return [verb for verb, who, *_ in self.said if who == leg]


class Rig:
    def __init__(self, routes=(), **settings) -> None:
        numbers = count(1)
        self.news: list[ev.CallEvent] = []
        self.media, self.phones, self.pages = Media(), Driver(), Driver()
        table = CallTable(
            CallSettings(**settings), Router(list(routes), USERS), Directory(BOB), lambda: f"x{next(numbers)}"
        )
        self.runtime = Runtime(table, recordings=self.folder, publish=self.news.append)
        self.runtime.connect(self.media, {"sip": self.phones, "browser": self.pages})

    folder = None

    async def arrive(self, dialled="102", kind="browser", body=b"an offer"):
        leg = self.runtime.incoming(ev.Incoming(kind, "dev", ev.Identity("101", user="alice"), dialled), body)
        await self.settled()
        return leg

    async def settled(self):
        for _ in range(30):
            await asyncio.sleep(0)

    async def tell(self, event, body=b""):
        self.runtime.tell(event, body)
        await self.settled()

    def nothing_left(self):
        assert len(self.runtime.table) == 0
        assert not self.media.open_legs
        assert not self.runtime._legs and not self.runtime._queues and not self.runtime._workers
        assert self.runtime.table.wake_at() is None


@pytest.fixture
def rig(tmp_path, monkeypatch):
    monkeypatch.setattr(Rig, "folder", tmp_path / "recordings")
    return Rig


async def test_bodies_take_their_way_unread(rig):
    r = rig()
    caller = await r.arrive()
    await r.tell(ev.Ringing("x1-b1"))
    await r.tell(ev.Answered("x1-b1"), b"their answer")
    assert ("accept", caller, b"an offer") in r.media.orders
    assert ("settle", "x1-b1", b"their answer") in r.media.orders
    assert (
        "ring",
        "x1-b1",
        BOB.address,
        "bob",
        ev.Identity("101", user="alice"),
        b"offer of x1-b1",
        69,
        (),
    ) in r.phones.said
    assert r.pages.said[-1] == ("answer", caller, b"accept of x1-a")
    assert ("wire", "x1", {"x1-a": ("x1-b1",), "x1-b1": ("x1-a",)}) in r.media.orders
    await r.tell(ev.HungUp(caller))
    assert r.phones.verbs("x1-b1") == ["ring", "hang_up", "release"]
    r.nothing_left()


async def test_a_caller_without_an_offer_gets_ours_with_the_answer(rig):
    r = rig()
    caller = await r.arrive(kind="sip", body=b"")
    await r.tell(ev.Answered("x1-b1"), b"an answer")
    assert r.phones.said[-1] == ("answer", caller, b"offer of x1-a")
    await r.tell(ev.AnswerArrived(caller), b"in the ACK")
    assert r.media.orders[-1] == ("settle", caller, b"in the ACK")


async def test_early_media_and_an_answer_without_a_body(rig):
    r = rig()
    await r.arrive()
    await r.tell(ev.EarlyMedia("x1-b1"), b"early")
    await r.tell(ev.Answered("x1-b1"))
    assert [o for o in r.media.orders if o[0] == "settle"] == [("settle", "x1-b1", b"early")]
    assert r.pages.verbs("x1-a")[-1] == "answer"


async def test_an_answer_without_any_description_is_no_answer(rig):
    r = rig()
    await r.arrive()
    await r.tell(ev.Answered("x1-b1"))
    assert r.phones.verbs("x1-b1") == ["ring", "hang_up", "release"]
    assert r.pages.verbs("x1-a")[-2:] == ["reject", "release"]
    r.nothing_left()


async def test_media_that_cannot_be_agreed_refuses_the_call(rig):
    r = rig()
    r.media.fail["accept x1-a"] = NoCommonCodec("We speak PCMU.")
    await r.arrive()
    (verb, _, why) = next(s for s in r.pages.said if s[0] == "reject")
    assert (why.status, why.words) == (488, "We speak PCMU.")
    r.nothing_left()


async def test_media_that_breaks_is_no_dead_call(rig):
    r = rig()
    r.media.fail["x1-a"] = RuntimeError("a bug")
    await r.arrive()
    assert "reject" in r.pages.verbs("x1-a")
    assert r.runtime.failed["AcceptOffer: RuntimeError"] == 1


async def test_a_slow_call_holds_up_no_other_and_nothing_is_reordered(rig):
    r = rig()
    gate = r.media.gate["accept x1-a"] = asyncio.Event()
    await r.arrive()
    await r.arrive()
    await r.tell(ev.Answered("x2-b1"), b"quick")
    assert ("answer", "x2-a", b"accept of x2-a") in r.pages.said
    await r.tell(ev.HungUp("x1-a"))
    assert "release" not in r.pages.verbs("x1-a")
    gate.set()
    await r.settled()
    assert r.pages.verbs("x1-a") == ["progress", "release"]
    assert len(r.runtime.table) == 1


async def test_a_player_that_cannot_play_is_passed_over(rig):
    r = rig()
    await r.arrive()
    r.media.fail["x1-ringback1"] = BadSource("no such tone")
    await r.tell(ev.Ringing("x1-b1"))
    assert isinstance(r.media.orders[-1], tuple)
    await r.tell(ev.Answered("x1-b1"), b"answer")
    assert r.pages.verbs("x1-a")[-1] == "answer"


async def test_hold_of_a_phone_is_seen_in_its_offer(rig):
    r = rig()
    await r.arrive()
    await r.tell(ev.Answered("x1-b1"), b"answer")
    await r.tell(ev.Reoffered("x1-b1"), b"sendonly")
    r.runtime.on_media(me.Negotiated("x1-b1", "PCMU", 8000, "recvonly"))
    await r.settled()
    assert r.phones.said[-2] == ("answer_reoffer", "x1-b1", b"accept of x1-b1")
    assert ("show_held", "x1-a", "peer", True) in r.pages.said
    opened = [o[1] for o in r.media.orders if o[0] == "open"]
    assert opened[-1] == OpenPlayer("x1-hold1", "music", loop=True, rate=48000)


async def test_a_re_offer_that_cannot_be_accepted_is_refused_and_the_call_goes_on(rig):
    r = rig()
    await r.arrive()
    await r.tell(ev.Answered("x1-b1"), b"answer")
    r.media.fail["accept x1-b1"] = NoCommonCodec("no")
    await r.tell(ev.Reoffered("x1-b1"), b"strange")
    assert r.phones.said[-1] == ("refuse_reoffer", "x1-b1", 488)
    assert len(r.runtime.table) == 1


@pytest.mark.parametrize("error", [RuntimeError("a defect"), TimeoutError()])
async def test_a_re_offer_that_fails_for_any_reason_is_refused_and_the_next_one_works(rig, error):
    r = rig()
    await r.arrive()
    await r.tell(ev.Answered("x1-b1"), b"answer")
    r.media.fail["accept x1-b1"] = error
    await r.tell(ev.Reoffered("x1-b1"), b"strange")
    assert r.phones.said[-1] == ("refuse_reoffer", "x1-b1", 500)
    assert r.runtime.failed[f"AnswerReoffer: {type(error).__name__}"] == 1
    del r.media.fail["accept x1-b1"]
    await r.tell(ev.Reoffered("x1-b1"), b"better")
    assert r.phones.said[-1] == ("answer_reoffer", "x1-b1", b"accept of x1-b1")


async def test_a_re_offer_that_takes_too_long_is_refused(rig, monkeypatch):
    monkeypatch.setattr(runtime, "MEDIA_PATIENCE", 0.01)
    r = rig()
    await r.arrive()
    await r.tell(ev.Answered("x1-b1"), b"answer")
    r.media.gate["accept x1-b1"] = asyncio.Event()
    r.runtime.tell(ev.Reoffered("x1-b1"), b"slow")
    await asyncio.sleep(0.05)
    assert r.phones.said[-1] == ("refuse_reoffer", "x1-b1", 500)


async def test_what_media_tells_reaches_call_and_page(rig):
    r = rig()
    await r.arrive()
    await r.tell(ev.Answered("x1-b1"), b"answer")
    for event in (
        me.Connected("x1-a"),
        me.Quality("x1-a", me.LegStats(codec_in="OPUS")),
        me.DigitPressed("x1-b1", "7", 0.1),
        me.Refused(None, "garbage", 3),
        me.Stalled("x1-b1", 5.0),
        me.Resumed("x1-b1"),
        me.LocalCandidate("x1-a", "candidate:1"),
    ):
        r.runtime.on_media(event)
    await r.settled()
    assert ("show_media", "x1-a", "connected") in r.pages.said
    assert ("show_digit", "x1-a", "7") in r.pages.said
    assert ("candidate", "x1-a", "candidate:1") in r.pages.said
    assert next(s[2]["codec_in"] for s in r.pages.said if s[0] == "show_quality") == "OPUS"
    assert r.runtime.refused["garbage"] == 3
    r.runtime.on_media(me.Failed("x1-a", "DTLS went down"))
    await r.settled()
    r.nothing_left()


async def test_recordings_are_files_that_players_find(rig, tmp_path, monkeypatch):
    monkeypatch.setattr(RecordAndPlay, "long_enough", True)
    r = rig([route("603", "app:record")])
    await r.arrive("603")
    await r.tell(ev.Finished("x1-play1"))
    await r.tell(ev.DigitHeard("x1-a", "#"))
    sources = [o[1].source for o in r.media.orders if o[0] == "open" and isinstance(o[1], OpenPlayer)]
    assert f"file:{tmp_path}/recordings/x1.wav" in sources[-1]
    (tmp_path / "recordings" / "x1.wav").write_bytes(b"RIFF")
    await r.tell(ev.HungUp("x1-a"))
    assert not (tmp_path / "recordings" / "x1.wav").exists()
    r.nothing_left()


async def test_stop_ends_everything(rig):
    r = rig()
    await r.arrive()
    await r.arrive(kind="sip")
    await r.tell(ev.Answered("x1-b1"), b"answer")
    await r.runtime.stop(1.0)
    assert "hang_up" in r.phones.verbs("x1-b1")
    assert "reject" in r.phones.verbs("x2-a")
    r.nothing_left()


async def test_deadlines_fire(rig):
    r = rig(ring_timeout=0.02)
    await r.arrive()
    await asyncio.sleep(0.06)
    assert next(n for n in r.news if isinstance(n, ev.CallEnded)).ending.cause == "timeout"
    r.nothing_left()


async def test_browsers_and_phones_get_legs_of_their_kind(rig):
    r = rig()
    await r.arrive()
    opened = [o[1] for o in r.media.orders if o[0] == "open"]
    assert opened == [OpenWebrtc("x1-a", playback_rate=8000), OpenSip("x1-b1")]


async def test_commands_for_calls_that_are_over_do_nothing(rig):
    r = rig()
    r.runtime.ask("x9-a", cmd.Hold("x9-a", True))
    r.runtime.tell(ev.HungUp("x9-a"))
    r.runtime.candidate("x9-a", "candidate")
