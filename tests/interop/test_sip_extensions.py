"""REFER, PRACK and session timers of a bare endpoint against sipp and baresip: no gateway, no media."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from signaling.net.endpoint import Endpoint
from signaling.sip.address import Address
from signaling.sip.config import StackConfig
from signaling.sip.events import (
    Answered,
    Ended,
    Event,
    Invited,
    Progressed,
    ReferProgress,
    Referred,
    ReferRefused,
)
from signaling.sip.replaces import Replaces
from signaling.sip.stack import Stack
from signaling.sip.uri import NameAddr, Uri
from tests.kit import baresip
from tests.kit.baresip import Phone
from tests.kit.ports import free_port

pytestmark = pytest.mark.interop
SCENARIOS = Path(__file__).parent / "sipp"
sipp_only = pytest.mark.skipif(not shutil.which("sipp"), reason="sipp (Debian: sip-tester) is not installed")
baresip_only = pytest.mark.skipif(bool(baresip.MISSING), reason=baresip.MISSING)

SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
E = TypeVar("E")
CAROL = "sip:carol@127.0.0.1"


class Party:
    """An endpoint, what it was told, and how it reacts."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.react: Callable[[Event], object] = lambda event: None
        chance = random.Random(1)
        config = StackConfig(challenge=False)
        stack = Stack(config, lambda n: f"{chance.getrandbits(4 * n):0{n}x}", lambda user: None)
        listen = [Address(each, "127.0.0.1", 0) for each in ("udp", "tcp")]
        self.endpoint = Endpoint(stack, listen, self._on_event)
        self._changed = asyncio.Event()

    def _on_event(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()
        self.react(event)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.endpoint.addresses[0].port}"

    async def hears(self, kind: type[E], number: int = 1) -> E:
        async with asyncio.timeout(10):
            while len(found := [each for each in self.events if isinstance(each, kind)]) < number:
                self._changed.clear()
                await self._changed.wait()
        return found[number - 1]


@asynccontextmanager
async def a_party() -> AsyncIterator[Party]:
    party = Party()
    await party.endpoint.start()
    try:
        yield party
    finally:
        await party.endpoint.aclose(0.2)


async def sipp(folder: Path, scenario: str, *args: str) -> asyncio.subprocess.Process:
    with (folder / "sipp.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *("sipp", "-sf", str(SCENARIOS / scenario), "-m", "1", "-nostdin", "-trace_err", "-timeout", "20s"),
            *("-i", "127.0.0.1", *args),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


async def succeeded(process: asyncio.subprocess.Process, folder: Path) -> None:
    assert await process.wait() == 0, complaints(folder)


def complaints(folder: Path) -> str:
    return "".join(path.read_text(errors="replace")[-2000:] for path in folder.glob("*.log"))


@sipp_only
async def test_sipp_requires_prack_asks_for_a_timer_and_transfers(tmp_path):
    async with a_party() as party:

        def react(event: Event) -> None:
            match event:
                case Invited(call=call):
                    party.endpoint.progress(call, 180)
                    party.endpoint.answer(call, SDP)
                case Referred(call=call):
                    party.endpoint.accept_refer(call)
                    party.endpoint.notify_refer(call, 200)

        party.react = react
        process = await sipp(tmp_path, "uac_refer.xml", "-p", str(free_port()), party.place)
        referred = await party.hears(Referred)
        assert str(referred.refer_to) == CAROL
        assert referred.replaces == Replaces("other@call", "1", "2")
        await asyncio.sleep(0.5)  # both NOTIFYs first
        party.endpoint.bye(referred.call)
        await succeeded(process, tmp_path)
        await party.endpoint.drain(1)
        assert party.endpoint.stack.calls() == 0


@sipp_only
async def test_sipp_answers_reliably_and_refuses_to_be_transferred(tmp_path):
    async with a_party() as party:
        port = free_port()
        process = await sipp(tmp_path, "uas_reliable.xml", "-p", str(port))
        await asyncio.sleep(0.5)
        me = NameAddr.parse("<sip:alice@127.0.0.1>")
        call = await party.endpoint.invite(Uri.parse(f"sip:sipp@127.0.0.1:{port}"), from_=me, body=SDP)
        progressed = await party.hears(Progressed)
        assert (progressed.status, b"s=early" in progressed.body) == (183, True)
        assert b"s=early" in (await party.hears(Answered)).body
        party.endpoint.refer(call, Uri.parse(CAROL))
        assert (await party.hears(ReferRefused)).status == 603
        party.endpoint.bye(call)
        await succeeded(process, tmp_path)


def a_phone(folder: Path, party: Party, **options: object) -> Phone:
    return Phone(
        folder, user="alice", password="x", registrar=party.place, tone=620, register=False, codecs="g711", **options
    )


@baresip_only
@pytest.mark.parametrize("outcome", [200, 486])
async def test_a_phone_hands_its_call_on(tmp_path, outcome):
    async with a_party() as party, a_phone(tmp_path, party) as phone:

        def react(event: Event) -> None:
            match event:
                case Invited(call=call):
                    party.endpoint.answer(call, SDP)
                case Referred(call=call):
                    party.endpoint.accept_refer(call)
                    party.endpoint.notify_refer(call, 180)

        party.react = react
        await phone.dial("bob")
        await phone.wait_for("CALL_ESTABLISHED")
        await phone.command("transfer", f"sip:carol@{party.place}")
        referred = await party.hears(Referred)
        assert (referred.refer_to.user, referred.replaces) == ("carol", None)
        party.endpoint.notify_refer(referred.call, outcome)
        if outcome == 486:
            await phone.wait_for("TRANSFER_FAILED", param="486 Busy Here")
        assert (await party.hears(Ended)).call == referred.call  # baresip hangs up, whatever it hears


@baresip_only
async def test_a_phone_goes_where_it_is_sent(tmp_path):
    async with a_party() as party, a_phone(tmp_path, party, auto_answer=True) as phone:
        party.react = lambda event: party.endpoint.answer(event.call, SDP) if isinstance(event, Invited) else None
        uri = Uri.parse(f"sip:alice@{phone.host}:5060")
        call = await party.endpoint.invite(uri, from_=NameAddr.parse(f"<sip:bob@{party.place}>"), body=SDP)
        await party.hears(Answered)
        party.endpoint.refer(call, Uri.parse(f"sip:carol@{party.place}"))
        invited = await party.hears(Invited)
        assert invited.uri.user == "carol"
        await phone.wait_for("CALL_ESTABLISHED")
        heard = 1
        while not (progress := await party.hears(ReferProgress, heard)).over:
            heard += 1
        assert progress.status == 200
