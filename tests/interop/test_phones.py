"""Real phones (baresip) through a real gateway: what each hears is proven by the other's tone."""

from __future__ import annotations

import asyncio

import pytest

from tests.kit import baresip
from tests.kit.baresip import Phone
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE
from tests.kit.tones import hear

pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(baresip.MISSING), reason=baresip.MISSING)]


def phone(folder, gateway, user, tone, **options) -> Phone:
    options.setdefault("password", f"{user}-secret")
    return Phone(folder, user=user, registrar=gateway.registrar, tone=tone, **options)


async def hung_up(*phones: Phone) -> None:
    for each in phones:
        await each.wait_for("CALL_CLOSED")


async def test_an_echo_is_heard(tmp_path):
    async with Gateway(tmp_path, config=OFFICE) as gateway, phone(tmp_path, gateway, "alice", 620) as alice:
        await alice.dial("600")
        await alice.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(3)
        await alice.command("hangup")
        await hung_up(alice)
    heard = hear(*alice.heard(), 620)
    assert heard.onset is not None and heard.onset < 1, heard
    assert heard.longest_gap <= 0.06, heard


@pytest.mark.parametrize(
    ("transport", "codecs_a", "codecs_b"),
    [
        ("udp", "g711", "g711"),
        ("udp", "opus", "g711"),
        ("udp", "g722", "g711"),
        ("udp", "opus", "g722"),
        ("tcp", "opus", "opus"),
    ],
)
async def test_two_phones_hear_each_other(tmp_path, transport, codecs_a, codecs_b):
    names = {"g722": ";audio_codecs=G722/16000/1"}
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(
            tmp_path, gateway, "alice", 620, codecs=codecs_a, transport=transport, extra=names.get(codecs_a, "")
        ) as alice,
        phone(
            tmp_path,
            gateway,
            "bob",
            940,
            codecs=codecs_b,
            transport=transport,
            extra=names.get(codecs_b, ""),
            auto_answer=True,
        ) as bob,
    ):
        await alice.dial("102")
        await alice.wait_for("CALL_ESTABLISHED")
        await bob.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(3.5)
        await alice.command("hangup")
        await hung_up(alice, bob)
    for who, hz in ((alice, 940), (bob, 620)):
        heard = hear(*who.heard(), hz)
        assert heard.onset is not None and heard.onset < 1, (who.user, heard)
        assert heard.longest_gap <= 0.06, (who.user, heard)
        assert heard.end - heard.onset > 2.5, (who.user, heard)


async def test_digits_arrive_once_each(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "alice", 620) as alice,
        phone(tmp_path, gateway, "bob", 940, auto_answer=True) as bob,
    ):
        await alice.dial("102")
        await bob.wait_for("CALL_ESTABLISHED")
        await alice.wait_for("CALL_ESTABLISHED")
        for key in "1159#*":
            await alice.command("sndcode", key)
            await asyncio.sleep(0.35)
        await asyncio.sleep(0.6)
        assert "".join(bob.digits()) == "1159#*"


async def test_a_caller_gives_up_while_it_rings(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "alice", 620) as alice,
        phone(tmp_path, gateway, "bob", 940) as bob,
    ):
        await alice.dial("102")
        await bob.wait_for("CALL_INCOMING")
        await alice.command("hangup")
        await hung_up(alice, bob)


async def test_a_phone_declines(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "alice", 620) as alice,
        phone(tmp_path, gateway, "bob", 940) as bob,
    ):
        await alice.dial("102")
        await bob.wait_for("CALL_INCOMING")
        await bob.command("hangup")
        closed = await alice.wait_for("CALL_CLOSED")
        assert closed["param"].startswith(("486", "603")), closed


async def test_nobody_answers(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "alice", 620) as alice,
        phone(tmp_path, gateway, "bob", 940) as bob,
    ):
        await alice.dial("102")
        closed = await alice.wait_for("CALL_CLOSED", 10)
        assert closed["param"].startswith(("408", "480", "487")), closed
        await bob.wait_for("CALL_CLOSED")


async def test_an_unknown_number_and_an_absent_user(tmp_path):
    async with Gateway(tmp_path, config=OFFICE) as gateway, phone(tmp_path, gateway, "alice", 620) as alice:
        await alice.dial("999")
        assert (await alice.wait_for("CALL_CLOSED"))["param"].startswith("404")
        alice.events.clear()
        await alice.dial("103")
        assert (await alice.wait_for("CALL_CLOSED"))["param"].startswith("480")


async def test_a_wrong_password_is_refused_and_counted(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "alice", 620, password="wrong", register=False) as alice,
    ):
        await alice.dial("600")
        closed = await alice.wait_for("CALL_CLOSED", 10)
        assert closed["param"].startswith(("401", "403")), closed
        refused = sum(v for k, v in (await gateway.metrics()).items() if "refus" in k and "_created" not in k)
        assert refused >= 1


async def test_hold_plays_music_and_resume_brings_the_voice_back(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "alice", 620) as alice,
        phone(tmp_path, gateway, "bob", 940, auto_answer=True) as bob,
    ):
        await alice.dial("102")
        await alice.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(2)
        await alice.command("hold")
        await asyncio.sleep(2)
        await alice.command("resume")
        await asyncio.sleep(2.5)
        await alice.command("hangup")
        await hung_up(alice, bob)
    pcm, rate = bob.heard()
    gaps = [(at, long) for at, long in hear(pcm, rate, 620).gaps if long > 1]
    assert len(gaps) == 1, gaps
    begin, long = gaps[0]
    music = pcm[int((begin + 0.5) * rate) : int((begin + long - 0.3) * rate)].astype(float)
    assert (music**2).mean() ** 0.5 > 100, "the held party hears nothing"
    assert hear(pcm, rate, 620).end > len(pcm) / rate - 1, "the voice did not come back"


async def test_stopping_the_gateway_says_goodbye(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE) as gateway,
        phone(tmp_path, gateway, "alice", 620) as alice,
        phone(tmp_path, gateway, "bob", 940, auto_answer=True) as bob,
    ):
        await alice.dial("102")
        await alice.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(0.5)
        assert await gateway.stop() == 0, gateway.log[-2000:]
        await hung_up(alice, bob)
