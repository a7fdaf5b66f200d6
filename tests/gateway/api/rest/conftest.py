"""One counter per test."""

import pytest

from tests.gateway.api.rest.kit import counter


@pytest.fixture
async def api(tmp_path):
    async with counter(tmp_path) as run:
        yield run
