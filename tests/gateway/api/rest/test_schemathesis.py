"""Thousands of requests that nobody thought of, against the whole document: with a valid key, and with none.

The server runs in a thread of its own, over the real call core with two live calls. Half of the requests are about
these calls, so that not everything ends at "there is no such call".
"""

import asyncio
import itertools
import threading
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gateway.api.login_guard import LoginGuard
from gateway.api.rest.access import Access
from gateway.calls.commands import HangUp
from tests.gateway.api.rest.kit import FULL, Counter, counter
from tests.gateway.api.rest.test_people import TrunkNow
from tests.gateway.api.rest.test_records import Store, Traces

EXAMPLES = 12
DOCUMENT = Counter(Path()).rest.document
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""The same requests in each run, so that a failure is a change of ours."""
JUDGEMENT = [positive_data_acceptance]
"""A document cannot say that a target exists, or that a call is in a state for something."""

config = schemathesis.config.SchemathesisConfig()
schema = schemathesis.openapi.from_dict(DOCUMENT, config=config)


class World:
    """The server's thread."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ready, self._over = folder, threading.Event(), asyncio.Event()
        self.turn = itertools.count()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with counter(self._folder) as self.api:
            self.api.sources.records, self.api.sources.traces = Store(3), Traces()
            self.api.sources.trunks = lambda: [TrunkNow()]
            access: Access = self.api.rest.access
            access._guard = LoginGuard(0)  # remembers nobody: hundreds of wrong keys are tried on purpose
            self._ready.set()
            await self._over.wait()

    def __enter__(self) -> "World":
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def two_calls(self) -> list[str]:
        """Live ones, whatever the requests before have done to them."""
        return asyncio.run_coroutine_threadsafe(self._two_calls(), self._loop).result(20)

    async def _two_calls(self) -> list[str]:
        self.api.office.now += 1
        for call in [v.id for v in self.api.desk.views() if v.state != "connected"]:
            self.api.office.table.command(self.api.office.call(call), HangUp(), self.api.office.now)
            self.api.office.pump()
        while len(self.api.desk.views()) < 2:
            self.api.office.talk(dialled="103", user="dave")
        return [v.id for v in self.api.desk.views()]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with World(tmp_path_factory.mktemp("recordings")) as running:
        yield running


def aimed(case, calls: list[str]) -> None:
    """At a call, a party, a second call that are there."""
    if "call" not in (case.path_parameters or {}):
        return
    case.path_parameters["call"] = calls[0]
    if "leg" in case.path_parameters:
        case.path_parameters["leg"] = f"{calls[0]}-a"
    if isinstance(case.body, dict):
        for name, value in (("leg", f"{calls[0]}-a"), ("call", calls[1]), ("leg_other", f"{calls[1]}-a")):
            if isinstance(case.body.get(name), str):
                case.body[name] = value


@schema.parametrize()
@BOUNDED
def test_with_a_valid_key(case, world):
    if next(world.turn) % 2:
        aimed(case, world.two_calls())
    case.call_and_validate(
        base_url=world.api.url, headers={"Authorization": f"Bearer {FULL}"}, excluded_checks=JUDGEMENT
    )


@schema.parametrize()
@BOUNDED
def test_without_a_key(case, world):
    response = case.call_and_validate(base_url=world.api.url, excluded_checks=JUDGEMENT)
    assert response.status_code in (401, 404, 405)  # the latter for what is no operation at all
    if response.status_code == 401:
        assert response.json()["code"] in ("no-key", "bad-token", "bad-key")
