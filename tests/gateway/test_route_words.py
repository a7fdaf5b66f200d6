"""`tandem route` says where a call would go, and why."""

import pytest

from gateway.cli import main

CONFIG = """\
[calls]
timezone = "Europe/Berlin"

[[users]]
name = "alice"
password = "x"
extension = "101"
display = "Alice"

[[users]]
name = "bob"
password = "x"
extension = "102"

[[groups]]
name = "sales"
members = ["alice", "bob"]
strategy = "sequential"
timeout = 12

[[trunks]]
name = "office"
server = "sip:pbx.test"
servers = ["sip:192.0.2.9;transport=tcp"]
user = "201"
password = "secret-word"
caller_id = "pai"
called_out = [{ match = "0.", to = "+49{rest}" }]
caller_out = [{ match = "1XX", to = "+4930{number}" }]
called_in = [{ match = "re:^[+]4930(.*)", to = "{1}" }]
caller_in = [{ match = "re:^[+]49(.*)", to = "0{1}" }]

[[routes]]
match = "7XX"
trunk = "office"
from = "re:^0"
hours = "Mo-Fr 08:00-18:00"
to = ["group:sales"]
on_no_answer = "app:record"

[[routes]]
match = "0."
trunk = "none"
source = "10.0.0.0/8"
to = ["trunk:office"]

[[routes]]
match = "9"
to = ["101"]
webhook = "https://crm.test/route"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tandem.toml").write_text(CONFIG)


def ask(capsys, *arguments: str) -> tuple[str, int]:
    code = main(["route", *arguments])
    told = capsys.readouterr()
    assert "secret-word" not in told.out + told.err
    return told.out + told.err, code


def test_what_a_trunk_is_sent(capsys):
    text, code = ask(capsys, "--from", "alice", "--to", "030 12-3", "--source", "10.0.0.7", "--at", "2026-11-27T09:00")
    assert code == 0
    assert text == (
        "Caller: 101 (user alice) from 10.0.0.7\n"
        "Called: 030123\n"
        "When:   Fri 2026-11-27 09:00 Europe/Berlin\n"
        "\n"
        '  route 1 (match = "7XX"): match: "030123" is not 7XX\n'
        '  route 2 (match = "0."): taken\n'
        "\n"
        "Ring for 30 s:\n"
        "  trunk:office/030123\n"
        "    INVITE sip:+4930123@pbx.test\n"
        '      From: "Alice" <sip:201@pbx.test>\n'
        '      P-Asserted-Identity: "Alice" <sip:+4930101@pbx.test>\n'
        "    INVITE sip:+4930123@192.0.2.9;transport=tcp\n"
        '      From: "Alice" <sip:201@192.0.2.9>\n'
        '      P-Asserted-Identity: "Alice" <sip:+4930101@192.0.2.9>\n'
    )


def test_a_trunks_own_rules_come_first(capsys):
    text, code = ask(capsys, "--from", "+4940555", "--to", "+4930701", "--trunk", "Office", "--at", "2026-11-27T07:30Z")
    assert code == 0
    for line in (
        "Caller: 040555 (no account here) by trunk office",
        "Called: 701",
        "When:   Fri 2026-11-27 08:30 Europe/Berlin",
        "1. Ring for 12 s:\n  user:alice\n2. Ring for 12 s:\n  user:bob\nIf nobody answers: app:record\n",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--from", "030", "--to", "701"), "trunk: the call came in by no trunk, not by office"),
        (("--from", "x", "--to", "701", "--trunk", "office"), "from: the caller is x, not re:^0"),
        (
            ("--from", "030", "--to", "701", "--trunk", "office", "--at", "2026-11-28T09:00"),
            "hours: it is Sa 09:00, not Mo-Fr 08:00-18:00",
        ),
        (("--from", "alice", "--to", "01"), "source: where the call came from is not known"),
        (("--from", "alice", "--to", "01", "--source", "192.0.2.1"), "source: the call came from 192.0.2.1"),
    ],
)
def test_why_not(capsys, arguments, why):
    text, code = ask(capsys, *arguments)
    assert code == 1
    assert why in text
    assert "Refused: 404 unknown-number." in text


def test_a_number_behind_a_number_and_a_webhook(capsys):
    text, code = ask(capsys, "--from", "bob", "--to", "9")
    assert code == 0
    assert "101, as if dialled:" in text
    assert "no route needed, user:alice: taken" in text
    assert "Ask https://crm.test/route; without an answer in 2 s:\nRing for 30 s:\n  user:alice" in text


def test_a_stranger_is_told_why_no_trunk_is_taken(capsys):
    (text, code) = ask(capsys, "--from", "+44", "--to", "01", "--source", "10.1.1.1")
    assert code == 1
    assert "Refused: 403 forbidden. A call from outside does not go out again by a trunk." in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--at", "noon"), '"noon" is no time; write it like 2026-11-27T09:00'),
        (("--trunk", "offce"), 'there is no trunk "offce"; there are: office'),
        (("--source", "here"), '"here" is no address; write one like 192.0.2.7'),
    ],
)
def test_questions_that_cannot_be_meant(capsys, arguments, words):
    text, code = ask(capsys, "--from", "alice", "--to", "1", *arguments)
    assert code == 2
    assert text == f"tandem route: {words}\n"
