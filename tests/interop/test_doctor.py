"""Faults caused on purpose, with real peers through a real gateway: each gets its own verdict, a good call none."""

from __future__ import annotations

import asyncio
import inspect
import re

import pytest

from gateway.doctor.doctor import RULES
from signaling.net.endpoint import Endpoint
from tests.kit import baresip
from tests.kit.bad_phone import NOISE, BadPhone, bad_pbx
from tests.kit.baresip import Phone
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE
from tests.kit.ports import free_port

pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(baresip.MISSING), reason=baresip.MISSING)]
traced = pytest.mark.skipif(
    "on_message" not in inspect.signature(Endpoint).parameters,
    reason="SIP IS NOT TRACED here: the verdicts that need messages are NOT tested with real peers",
)

CODES = {rule.code for rule in RULES}
OPEN = OFFICE.replace('domains = ["127.0.0.1"]', 'domains = ["127.0.0.1"]\ntrusted = ["127.0.0.0/8"]')
TRUNK = """
[[trunks]]
name = "office"
server = "sip:127.0.0.1:{port}"
user = "pbx-user"
password = "not-this"
register = false

[[routes]]
match = "0."
to = ["trunk:office/{{rest}}"]
"""


def codes(gateway: Gateway) -> list[str]:
    """What the doctor wrote into the log."""
    lines = re.findall(r"tandem\.calls: \S+ ([a-z0-9-]+): ", gateway.log)
    return [code for code in lines if code in CODES]


async def said(gateway: Gateway, *, seconds: float = 5.0) -> list[str]:
    """... once the call has ended."""
    for _ in range(int(seconds * 20)):
        if " ended: " in gateway.log:
            await asyncio.sleep(0.1)
            return codes(gateway)
        await asyncio.sleep(0.05)
    raise AssertionError(f"the call did not end: {gateway.log[-2000:]}")


def person(folder, gateway, user: str, **options) -> Phone:
    return Phone(folder, user=user, password=f"{user}-secret", registrar=gateway.registrar, tone=620, **options)


async def talk(folder, gateway: Gateway, seconds: float) -> None:
    async with person(folder, gateway, "alice") as alice, person(folder, gateway, "bob", auto_answer=True):
        await alice.dial("102")
        await alice.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(seconds)
        await alice.command("hangup")
        await alice.wait_for("CALL_CLOSED")


async def test_a_good_call_gets_none(tmp_path):
    async with Gateway(tmp_path, config=OFFICE) as gateway:
        await talk(tmp_path, gateway, 14)
        assert await said(gateway) == []


async def test_wrong_advertised_address(tmp_path):
    config = OFFICE.replace("webrtc_port = 0", 'webrtc_port = 0\nrtp_advertised = "127.99.99.1"')
    async with Gateway(tmp_path, config=config) as gateway:
        await talk(tmp_path, gateway, 6)
        assert set(await said(gateway)) == {"our-address-unreachable"}
        assert "127.99.99.1" in gateway.log


async def answered(folder, gateway: Gateway, act) -> None:
    """A bad phone calls bob, who answers; then it does what it does."""
    bad = BadPhone(("127.0.0.1", gateway.sip))
    try:
        async with person(folder, gateway, "bob", auto_answer=True):
            bad.request("INVITE", "102", bad.sdp())
            assert await bad.final() == 200
            await act(bad)
    finally:
        bad.close()


async def test_one_way_rtp(tmp_path):
    async def act(bad: BadPhone) -> None:
        bad.request("ACK", "102")
        await asyncio.sleep(6)
        bad.request("BYE", "102", cseq=2)

    async with Gateway(tmp_path, config=OPEN) as gateway:
        await answered(tmp_path, gateway, act)
        assert await said(gateway) == ["one-way-audio"]


async def test_far_end_silence(tmp_path):
    async def act(bad: BadPhone) -> None:
        bad.request("ACK", "102")
        await bad.say(19)
        bad.request("BYE", "102", cseq=2)

    async with Gateway(tmp_path, config=OPEN) as gateway:
        await answered(tmp_path, gateway, act)
        assert await said(gateway) == ["far-end-silence"]


@traced
async def test_a_lost_ack(tmp_path):
    async def act(bad: BadPhone) -> None:
        await bad.say(34, NOISE)

    async with Gateway(tmp_path, config=OPEN) as gateway:
        await answered(tmp_path, gateway, act)
        assert await said(gateway) == ["ack-lost"]


async def refused(gateway: Gateway, number: str, payloads: str = "8", maps: str = "") -> int:
    bad = BadPhone(("127.0.0.1", gateway.sip))
    try:
        bad.request("INVITE", number, bad.sdp(payloads, maps))
        status = await bad.final()
        bad.request("ACK", number)
        return status
    finally:
        bad.close()


async def test_codec_mismatch(tmp_path):
    async with Gateway(tmp_path, config=OPEN) as gateway:
        assert await refused(gateway, "600", "18", "a=rtpmap:18 G729/8000\r\n") == 488
        assert await said(gateway) == ["codec-mismatch"]
        assert "offers G729 only" in gateway.log


async def test_no_route(tmp_path):
    async with Gateway(tmp_path, config=OPEN) as gateway:
        assert await refused(gateway, "999") == 404
        assert await said(gateway) == ["no-route"]


@traced
@pytest.mark.parametrize(
    ("status", "code"),
    [("401 Unauthorized", "wrong-password"), ("403 Forbidden", "forbidden"), ("500 Oops", "pbx-error")],
)
async def test_a_pbx_that_refuses(tmp_path, status, code):
    def answer(invite: str) -> tuple[str, ...]:
        return (status, 'WWW-Authenticate: Digest realm="pbx", nonce="n1"') if "401" in status else (status,)

    async with bad_pbx(answer) as port, Gateway(tmp_path, config=OFFICE + TRUNK.format(port=port)) as gateway:
        async with person(tmp_path, gateway, "alice") as alice:
            await alice.dial("0123")
            await alice.wait_for("CALL_CLOSED")
        assert set(await said(gateway)) == {code}


@traced
async def test_a_pbx_that_is_down(tmp_path):
    async with (
        Gateway(tmp_path, config=OFFICE + TRUNK.format(port=free_port())) as gateway,
        person(tmp_path, gateway, "alice") as alice,
    ):
        await alice.dial("0123")
        assert await said(gateway, seconds=40) == ["pbx-unreachable"]


async def test_a_stranger_who_calls_out(tmp_path):
    async with Gateway(tmp_path, config=OPEN + TRUNK.format(port=free_port())) as gateway:
        assert await refused(gateway, "0123") == 403
        assert await said(gateway) == ["stranger-refused"]
