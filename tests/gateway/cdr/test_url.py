"""Which addresses of databases are taken, and that no password is ever shown."""

from __future__ import annotations

import importlib.util

import pytest

from gateway.cdr import url
from gateway.config.file import ConfigError, load


@pytest.mark.parametrize(
    ("text", "driver", "file"),
    [
        ("sqlite:///records/calls.db", "sqlite+aiosqlite:///records/calls.db", "records/calls.db"),
        ("sqlite+aiosqlite:////var/lib/x.db", "sqlite+aiosqlite:////var/lib/x.db", "/var/lib/x.db"),
        ("postgresql://u:p@h:5433/d", "postgresql+asyncpg://u:p@h:5433/d", None),
        ("postgres://h/d", "postgresql+asyncpg://h/d", None),
        ("postgresql+asyncpg://u@/d?host=/run/postgresql", "postgresql+asyncpg://u@/d?host=/run/postgresql", None),
    ],
)
def test_good_ones(text, driver, file):
    assert (url.problem(text), url.with_driver(text), url.file_of(text)) == ("", driver, file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no database we know"),
        ("calls.db", "no database we know"),
        ("mysql://u:hunter2@h/d", "no database we know"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://calls.db", "names no file"),
        ("postgresql://u:hunter2@h", "lacks a host or a database"),
        ("postgresql://u:hunter2@h:port/d", "lacks a host or a database"),
        ("postgresql:///d", "lacks a host or a database"),
        ("postgresql://u:hun/ter2@h/d", "lacks a host or a database"),
        ("postgresql://[u:hunter2@h/d", "lacks a host or a database"),
    ],
)
def test_bad_ones_say_what_would_be_right_and_no_password(text, words):
    said = url.problem(text)
    assert words in said and "sqlite:///records/calls.db" in said
    assert "hunter2" not in said and "ter2" not in said


def test_a_driver_that_is_missing_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(url, "find_spec", lambda name: None)
    assert url.problem("postgresql://h/d") == "PostgreSQL needs its driver: pip install tandem-gateway[postgres]"
    assert importlib.util.find_spec("sqlite3") is not None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:p@h:1/d?password=p", "postgresql://u:***@h:1/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u:p#w@h/d", "postgresql://***"),
        ("postgresql://u:p?w@h/d", "postgresql://***"),
        ("postgresql://[u:p@h/d", "postgresql://***"),
        ("sqlite:///records/calls.db?x=y", "sqlite:///records/calls.db"),
    ],
)
def test_masked(text, shown):
    assert url.masked(text) == shown


@pytest.mark.parametrize("wrong", ["'mysql://u:hunter2@h/d'", "['hunter2']"])
def test_the_configuration_names_the_key_and_hides_the_password(tmp_path, monkeypatch, wrong):
    monkeypatch.delenv("TANDEM_RECORDS__URL")
    path = tmp_path / "tandem.toml"
    path.write_text(f"[records]\nurl = {wrong}\n")
    with pytest.raises(ConfigError) as error:
        load(path)
    assert "tandem.toml:2: url in [records]: " in str(error.value)
    assert "hunter2" not in str(error.value)


def test_one_that_is_not_used_may_be_anything(tmp_path, monkeypatch):
    monkeypatch.delenv("TANDEM_RECORDS__URL")
    path = tmp_path / "tandem.toml"
    path.write_text("[records]\nenabled = false\nurl = 'later'\n")
    config = load(path)
    assert not config.records.enabled and "later" not in repr(config)
