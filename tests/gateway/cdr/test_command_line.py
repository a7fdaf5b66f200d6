"""`tandem records` speaks plainly, and shows what is there."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.cdr.command_line import moment
from gateway.cdr.model import Record
from gateway.cdr.store import Store
from gateway.cli import main
from tests.gateway.cdr.calls import plain


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TANDEM_RECORDS__URL")
    (tmp_path / "tandem.toml").write_text("[records]\nurl = 'sqlite:///calls.db'\n")
    return tmp_path


@pytest.fixture
async def three(folder):
    store = Store("sqlite:///calls.db")
    await store.open()
    evil = plain(3, user="carol", called="dave", dialled="104\n\x1b[2J", answered=False, cause="busy")
    await store.insert([plain(1), plain(2, cause="media-timeout"), evil])
    await store.aclose()


def run(*arguments: str) -> int:
    return main(["records", *arguments])


def test_list_shows_the_latest_first(three, capsys):
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "carol -> 104??[2J  busy" in lines[0], "what strangers send moves no cursor"
    assert "alice -> 102  7 s  answered by bob  ended: media-timeout" in lines[1]
    assert lines[2].endswith("c1  alice -> 102  7 s  answered by bob")


def test_list_has_filters_and_a_limit(three, capsys):
    assert run("list", "--user", "dave") == 0
    assert run("list", "--limit", "1", "--answered") == 0
    assert run("list", "--missed", "--trunk", "none") == 0
    shown = capsys.readouterr()
    assert [line.split()[2] for line in shown.out.splitlines()] == ["20270115-080003000-c3", "20270115-080002000-c2"]
    assert shown.err == "No calls.\n"


def test_export_as_json_lines_and_csv(three, folder, capfdbinary):
    assert run("export", "--since", "2027-01-15T08:00:02Z", "--until", "2027-01-15T08:00:03Z") == 0
    (line,) = capfdbinary.readouterr().out.splitlines()
    assert Record.model_validate_json(line).call == "c2"
    assert run("export", "--format", "csv", "--output", "calls.csv") == 0
    with (folder / "calls.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 4, "a header and three calls"
    assert run("export", "--format", "legs-csv", "-o", "legs.csv", "--user", "carol") == 0
    assert (folder / "legs.csv").read_text().startswith("record,leg,")
    assert json.loads(line)["cause"] == "media-timeout"


@pytest.mark.parametrize(
    "words", ["--since yesterday", "--since 7y", "--limit 0", "--format xml", "--answered --missed"]
)
def test_misuse_is_told_in_words(words, capsys):
    with pytest.raises(SystemExit) as stop:
        run("list" if "limit" in words else "export", *words.split())
    assert stop.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_what_is_wrong_is_one_line(folder, capsys, monkeypatch):
    assert run("list") == 1
    assert capsys.readouterr().err == "tandem: there are no records yet: calls.db is made when the gateway starts\n"
    (folder / "calls.db").write_bytes(b"no database" * 1000)
    assert run("list") == 1
    assert "cannot be opened or written" in capsys.readouterr().err
    monkeypatch.setenv("TANDEM_RECORDS__URL", "postgresql://u:hunter2@127.0.0.1:1/d")
    assert run("export") == 1
    said = capsys.readouterr().err
    assert said.startswith("tandem: postgresql://u:***@127.0.0.1:1/d cannot be asked: ") and said.count("\n") == 1
    assert run("list", "--config", "nothing.toml") == 2
    assert "no such file" in capsys.readouterr().err


def test_a_file_that_cannot_be_written(three, capsys):
    assert run("export", "--output", "no/such/folder.csv") == 1
    assert capsys.readouterr().err == "tandem: cannot write no/such/folder.csv: No such file or directory\n"


def test_help_reads_well(capsys):
    for words in (["--help"], ["export", "--help"], ["list", "--help"]):
        with pytest.raises(SystemExit):
            run(*words)
    text = capsys.readouterr().out
    for word in ("--since", "jsonl", "legs-csv", "--missed", "24h, 7d", "tandem records list"):
        assert word in text


def test_moments():
    assert moment("2026-11-27T14:30Z") == datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
    assert moment("2026-11-27T14:30+02:00") == datetime(2026, 11, 27, 12, 30, tzinfo=UTC)
    assert moment("2026-11-27").tzinfo is not None
    assert timedelta(days=7, minutes=-1) < datetime.now(UTC) - moment("7d") < timedelta(days=7, minutes=1)
