"""Kamailio as the office PBX: we are its extension 201, a desk phone is its 11, alice is ours."""

from __future__ import annotations

import asyncio

import pytest

from tests.kit import baresip, kamailio
from tests.kit.baresip import Phone
from tests.kit.gateway import Gateway
from tests.kit.kamailio import Kamailio
from tests.kit.office import OFFICE
from tests.kit.ports import free_port
from tests.kit.tones import hear

MISSING = baresip.MISSING or kamailio.MISSING
pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

TRUNK = """
[[trunks]]
name = "office"
server = "sip:{server}"
user = "201"
password = "{password}"
{more}

[[routes]]
match = "201"
trunk = "office"
to = ["user:alice"]

[[routes]]
match = "8."
trunk = "none"
to = ["trunk:office/{rest}"]
"""


def config(server: str, password: str = "trunk-secret", more: str = "") -> str:
    trunk = TRUNK.replace("{server}", server).replace("{password}", password).replace("{more}", more)
    return OFFICE + trunk


def alice(folder, gateway, **options) -> Phone:
    return Phone(folder, user="alice", password="alice-secret", registrar=gateway.registrar, tone=620, **options)


def desk(folder, pbx, **options) -> Phone:
    return Phone(folder, user="11", password="desk-secret", registrar=pbx.address, tone=940, codecs="g711", **options)


async def until_told(gateway: Gateway, words: str, times: int = 1, seconds: float = 15) -> None:
    for _ in range(int(seconds * 20)):
        if gateway.log.count(words) >= times:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"the gateway never says {words!r}: {gateway.log[-2000:]}")


async def talk(caller: Phone, called: Phone, number: str) -> None:
    """`caller` dials, `called` answers by itself; both hear the other's tone."""
    await caller.dial(number)
    await caller.wait_for("CALL_ESTABLISHED")
    await called.wait_for("CALL_ESTABLISHED")
    await asyncio.sleep(2)
    await caller.command("hangup")
    for each in (caller, called):
        await each.wait_for("CALL_CLOSED")
    for who, other in ((caller, called), (called, caller)):
        heard = hear(*who.heard(), other.tone)
        assert heard.onset is not None and heard.onset < 1, (who.user, heard)


async def test_a_call_out_and_a_call_in(tmp_path):
    async with Kamailio(tmp_path) as pbx, Gateway(tmp_path, config=config(pbx.address)) as gateway:
        await until_told(gateway, "trunk office: registered (200")
        async with (
            alice(tmp_path, gateway, auto_answer=True) as here,
            desk(tmp_path, pbx, auto_answer=True) as there,
        ):
            await talk(here, there, "811")
            for phone in (here, there):
                phone.events.clear()
            await talk(there, here, "201")
    assert "11 (sip) calls 201" in gateway.log.replace('"', ""), gateway.log[-2000:]


async def test_the_pbx_by_name_over_tcp(tmp_path):
    """Its calls come from where its name leads: nobody asks it for a password."""
    async with Kamailio(tmp_path) as pbx:
        server = f"office.localhost:{pbx.port}"
        text = config(server, more='transport = "tcp"')
        async with (
            Gateway(tmp_path, config=text) as gateway,
            desk(tmp_path, pbx) as there,
            alice(tmp_path, gateway, auto_answer=True) as here,
        ):
            await until_told(gateway, "trunk office: registered (200")
            await talk(there, here, "201")


async def test_the_registration_survives_a_restart_of_the_pbx(tmp_path):
    async with (
        Kamailio(tmp_path, expires=6) as pbx,
        Gateway(tmp_path, config=config(pbx.address)) as gateway,
        alice(tmp_path, gateway, auto_answer=True) as here,
    ):
        await until_told(gateway, "trunk office: registered (200")
        await pbx.stop()
        await until_told(gateway, "trunk office: failed")
        assert "cannot be reached" in gateway.log
        already = gateway.log.count("trunk office: registered (200")
        await pbx.start()
        await until_told(gateway, "trunk office: registered (200", already + 1, 30)
        async with desk(tmp_path, pbx) as there:
            await talk(there, here, "201")


async def refused(tmp_path, text: str) -> tuple[str, str]:
    """What alice's phone is told when she calls out, and the gateway's log."""
    async with Gateway(tmp_path, config=text) as gateway, alice(tmp_path, gateway) as here:
        await until_told(gateway, "trunk office: ", 2)
        await here.dial("811")
        closed = await here.wait_for("CALL_CLOSED", 15)
        await until_told(gateway, "ended: ")
        return str(closed["param"]), gateway.log


async def test_a_wrong_password(tmp_path):
    async with Kamailio(tmp_path) as pbx:
        told, log = await refused(tmp_path, config(pbx.address, password="wrong"))
    assert told.startswith("403 Trunk office: "), told
    assert "ended: unauthorized" in log
    assert f"{pbx.address} refuses our sign-in (" in log
    assert 'Check user ("201"), auth_user ("201"), password of trunk office' in log
    assert "wrong" not in log


async def test_a_pbx_that_is_not_there(tmp_path):
    server = f"127.0.0.1:{free_port()}"
    told, log = await refused(tmp_path, config(server))
    assert told.startswith("503 Trunk office: no server of it takes the call"), told
    assert "ended: unreachable" in log
    assert f"{server} cannot be reached" in log


async def test_a_caller_id_that_the_pbx_forbids(tmp_path):
    async with Kamailio(tmp_path) as pbx:
        told, log = await refused(tmp_path, config(pbx.address, more='caller_number = "pass"'))
    assert told.startswith("403 Trunk office: "), told
    assert "forbids this call (403 Not Your Number)" in told
    assert "ended: forbidden" in log
    assert "trunk office: registered (200" in log


async def test_the_next_server_is_called_when_one_is_not_there(tmp_path):
    async with Kamailio(tmp_path) as pbx:
        nowhere = f"127.0.0.1:{free_port()}"
        text = config(nowhere, more=f'servers = ["sip:{pbx.address}"]')
        async with (
            Gateway(tmp_path, config=text) as gateway,
            desk(tmp_path, pbx, auto_answer=True) as there,
            alice(tmp_path, gateway) as here,
        ):
            await until_told(gateway, "trunk office#2: registered (200")
            await talk(here, there, "811")
            assert f"sip:{nowhere} does not take the call" in gateway.log


async def test_options_tell_that_the_pbx_is_gone_and_back(tmp_path):
    async with Kamailio(tmp_path) as pbx:
        text = config(pbx.address, more="probe = 0.5")
        async with Gateway(tmp_path, config=text) as gateway, alice(tmp_path, gateway) as here:
            await until_told(gateway, "is up")
            await pbx.stop()
            await until_told(gateway, "is down")
            await here.dial("811")
            closed = await here.wait_for("CALL_CLOSED")
            assert closed["param"].startswith("503 Trunk office is down"), closed
            assert (await gateway.metrics())['tandem_trunk_servers_up{trunk="office"}'] == 0
            ups = gateway.log.count("is up")
            await pbx.start()
            await until_told(gateway, "is up", ups + 1)
            assert (await gateway.metrics())['tandem_trunk_servers_up{trunk="office"}'] == 1
