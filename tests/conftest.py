"""What every test has: no gateway of a test keeps its records in this folder."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def records_elsewhere(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    os.environ["TANDEM_RECORDS__URL"] = f"sqlite:///{folder}/calls.db"
    os.environ["TANDEM_RECORDS__SPOOL"] = str(folder / "spool")
    yield
    del os.environ["TANDEM_RECORDS__URL"], os.environ["TANDEM_RECORDS__SPOOL"]
