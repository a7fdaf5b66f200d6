"""The databases that storage is tested with: the same tests on each."""

from __future__ import annotations

import secrets

import pytest

from tests.kit import postgres
from tests.kit.postgres import Postgres


@pytest.fixture(scope="session")
def server():
    """One PostgreSQL for all tests that do not stop it."""
    if postgres.MISSING:
        pytest.skip(postgres.MISSING)
    with Postgres() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request, tmp_path):
    """Of a new, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/calls.db"
    return await request.getfixturevalue("server").make(f"t{secrets.token_hex(4)}")
