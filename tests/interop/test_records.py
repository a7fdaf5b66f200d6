"""Real phones call through a real gateway, and its database goes away in the middle: every call has its record."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from tests.kit import baresip, postgres
from tests.kit.baresip import Phone
from tests.kit.gateway import ROOT, Gateway
from tests.kit.office import OFFICE
from tests.kit.postgres import Postgres

pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(baresip.MISSING), reason=baresip.MISSING)]


def alice(folder, gateway) -> Phone:
    return Phone(folder, user="alice", password="alice-secret", registrar=gateway.registrar, tone=620)


async def exported(gateway, *arguments: str) -> list[dict]:
    """What `tandem records export` gives, run as a person runs it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "records", "export", "--config", str(gateway.folder / "tandem.toml"),
        *arguments,
        cwd=ROOT, env=gateway.environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await process.communicate()
    assert process.returncode == 0, errors
    return [json.loads(line) for line in out.splitlines()]


async def test_a_call_leaves_its_record_with_how_it_sounded(tmp_path):
    async with Gateway(tmp_path, config=OFFICE) as gateway, alice(tmp_path, gateway) as phone:
        await phone.dial("600")
        await phone.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(2)
        await phone.command("hangup")
        await phone.wait_for("CALL_CLOSED")
        await phone.dial("999")
        await phone.wait_for("CALL_CLOSED", param="404")
        await gateway.stop()
        good, refused = await exported(gateway)
    assert (good["caller_user"], good["dialled"], good["hung_up"], good["cause"]) == (
        "alice",
        "600",
        "caller",
        "normal",
    )
    assert good["answered_kind"] == "app" and good["talk"] > 1.5
    leg = good["legs"][0]
    assert leg["codecs"] and leg["heard_at"]
    assert leg["quality"]["packets_in"] > 50 and leg["quality"]["lost_in"] == 0
    assert (refused["status"], refused["cause"], refused["talk"]) == (404, "unknown-number", None)


@pytest.mark.skipif(bool(postgres.MISSING), reason=postgres.MISSING)
async def test_a_database_that_goes_away_in_mid_call_loses_no_record_and_disturbs_no_call(tmp_path):
    with Postgres() as server:
        env = {"TANDEM_RECORDS__URL": await server.make("tandem")}
        async with Gateway(tmp_path, config=OFFICE, env=env) as gateway, alice(tmp_path, gateway) as phone:
            await phone.dial("600")
            await phone.wait_for("CALL_ESTABLISHED")
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(1)
            await phone.command("hangup")
            await phone.wait_for("CALL_CLOSED")
            await phone.dial("999")
            await phone.wait_for("CALL_CLOSED", param="404")
            await reached(gateway, "tandem_records_spooled", 2)
            assert list((tmp_path / "spool").glob("records-*.jsonl"))
            await asyncio.to_thread(server.start)
            await reached(gateway, "tandem_records_written", 2)
            found = await exported(gateway, "--user", "alice")
            log = gateway.log
        assert [(r["dialled"], r["cause"]) for r in found] == [("600", "normal"), ("999", "unknown-number")]
        assert found[0]["talk"] > 0.9
        assert not list((tmp_path / "spool").glob("records-*.jsonl"))
        assert log.count("is away") == log.count("is back") == 1
        assert "s3cret" not in log and "Traceback" not in log


async def reached(gateway, name: str, value: float) -> None:
    for _ in range(200):
        if (await gateway.metrics())[name] >= value:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{name} did not reach {value}: {gateway.log[-2000:]}")
