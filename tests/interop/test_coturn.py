"""coturn with our configuration, by its own client: nobody without credentials, nowhere but to where it should."""

from __future__ import annotations

import asyncio
import shutil
import time

import pytest

from gateway.api.turn import credentials
from tests.kit import coturn
from tests.kit.coturn import Coturn

MISSING = coturn.MISSING or (
    "" if shutil.which("turnutils_uclient") else "turnutils_uclient (Debian: coturn) is missing"
)
pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

SECRET = "of-these-tests-only"


async def client(relay: Coturn, *args: str) -> str:
    """What turnutils_uclient says about one message through the relay. It tries for ever: some seconds tell enough."""
    process = await asyncio.create_subprocess_exec(
        "turnutils_uclient", "-n", "1", "-m", "1", "-c", "-p", str(relay.port), *args, "127.0.0.1",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = b""
    try:
        async with asyncio.timeout(8):
            while b"error" not in said and (more := await process.stdout.read(4096)):
                said += more
    except TimeoutError:
        pass
    if process.returncode is None:
        process.kill()
    await process.wait()
    return said.decode(errors="replace")


def minted(ttl: float, secret: str = SECRET) -> tuple[str, ...]:
    user, password = credentials(secret.encode(), "alice", time.time() + ttl)
    return "-u", user, "-w", password


@pytest.mark.parametrize(
    "peer",
    ["10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.18.0.6", "192.168.1.1", "198.18.0.1", "224.0.0.1"],
)
async def test_it_relays_to_no_private_place(tmp_path, peer):
    async with Coturn(tmp_path, SECRET) as relay:
        assert "403 (Forbidden IP)" in await client(relay, *minted(600), "-e", peer)


async def test_what_is_let_through_is_that_address_alone(tmp_path):
    async with Coturn(tmp_path, SECRET, peers="10.1.2.3") as relay:
        assert "403" in await client(relay, *minted(600), "-e", "10.1.2.4")
        assert "error" not in await client(relay, *minted(600), "-e", "10.1.2.3")
        assert "ALLOCATE processed, success" in relay.log


async def test_who_has_no_good_credentials_gets_no_relay(tmp_path):
    async with Coturn(tmp_path, SECRET, peers="127.0.0.1") as relay:
        for who in (minted(-5), minted(600, "another"), ("-u", "alice", "-w", SECRET), ()):
            await client(relay, *who, "-e", "127.0.0.1")
        assert "ALLOCATE processed, success" not in relay.log
        assert SECRET not in relay.log


async def test_without_a_secret_it_does_not_start(tmp_path):
    process = await asyncio.create_subprocess_exec(
        "sh", str(coturn.START), env={"PATH": "/usr/bin:/bin"}, stderr=asyncio.subprocess.PIPE
    )
    _, words = await process.communicate()
    assert process.returncode == 2
    assert b"set TURN_SECRET" in words
