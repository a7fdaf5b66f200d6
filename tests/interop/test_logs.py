"""The log of a gateway at work, at its most talkative: each line of a call has the call's id, no line has a secret."""

from __future__ import annotations

import asyncio
import base64
import json
import re

import aiohttp
import pytest

from tests.kit import baresip
from tests.kit.baresip import Phone
from tests.kit.gateway import Gateway
from tests.kit.office import OFFICE

pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(baresip.MISSING), reason=baresip.MISSING)]

TURN_SECRET = "the-relays-own-secret"
CONFIG = (
    OFFICE
    + f"""
[log]
level = "debug"
format = "json"

[turn]
urls = ["turn:127.0.0.1:9"]
secret = "{TURN_SECRET}"

[[trunks]]
name = "office"
server = "sip:127.0.0.1:9"
user = "100"
password = "trunk-secret-word"
"""
)


async def test_it_tells_calls_apart_and_keeps_secrets(tmp_path):
    async with Gateway(tmp_path, config=CONFIG) as gateway:
        phones = [
            Phone(tmp_path, user=user, registrar=gateway.registrar, tone=440, password=f"{user}-secret", **more)
            for user, more in (("alice", {}), ("bob", {"auto_answer": True}))
        ]
        async with phones[0] as alice, phones[1] as bob:
            token, credential = await sign_in(gateway)
            await alice.dial("102")
            await alice.wait_for("CALL_ESTABLISHED")
            await bob.wait_for("CALL_ESTABLISHED")
            await alice.command("hangup")
            await bob.wait_for("CALL_CLOSED")
            await asyncio.sleep(0.3)
        assert await gateway.stop() == 0
        log = gateway.log
    records = [json.loads(line) for line in log.splitlines()]  # nothing but records: no stray line
    calls = {record["call"] for record in records if record["logger"] == "tandem.calls"}
    (call,) = calls
    told = [record["message"] for record in records if record.get("call") == call]
    assert any("calls 102" in words for words in told)
    assert any("ended: normal" in words for words in told)
    for record in records:
        if re.search(rf"\b{call}\b", record["message"]):
            assert record["call"] == call, record
    secrets = [TURN_SECRET, "trunk-secret-word", "alice-secret", "bob-secret", token, credential]
    assert [secret for secret in secrets if secret in log] == []
    assert not re.search(r"response=\"?[0-9a-f]{32}", log)


async def sign_in(gateway: Gateway) -> tuple[str, str]:
    """carol's token, and the TURN password that her page is given."""
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{gateway.url}/v1/login", json={"user": "carol", "password": "carol-secret"}) as answer:
            token = (await answer.json())["token"]
        async with http.ws_connect(f"{gateway.url}/v1/ws") as socket:
            await socket.send_json({"type": "hello", "version": 1, "token": token})
            welcome = await socket.receive_json()
    (server,) = welcome["ice_servers"]
    assert len(base64.b64decode(server["credential"])) == 20
    return token, server["credential"]
