"""Records for other programs: streams of bytes, whatever strangers called themselves."""

from __future__ import annotations

import csv
import io
import json

import pytest

from gateway.calls import events as ev
from gateway.cdr.export import CALL_COLUMNS, LEG_COLUMNS, encoded
from gateway.cdr.model import Quality, Record, Spread
from tests.gateway.cdr.calls import plain


async def batches(*records):
    for record in records:
        yield [record]


async def pieces(format, *records) -> list[bytes]:
    return [piece async for piece in encoded(batches(*records), format)]


async def rows(format, *records) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(await pieces(format, *records)).decode(), newline="")))


async def test_json_lines_are_whole_records():
    first, second = plain(1), plain(2, words="two\nlines \u2028")
    lines = b"".join(await pieces("jsonl", first, second)).decode().split("\n")
    assert [Record.model_validate_json(line) for line in lines[:2]] == [first, second] and lines[2] == ""
    assert json.loads(lines[0])["started_at"] == "2027-01-15T08:00:01.000Z"


async def test_there_is_a_piece_for_each_batch():
    assert len(await pieces("jsonl", *(plain(i) for i in range(4)))) == 4
    assert len(await pieces("csv", *(plain(i) for i in range(4)))) == 5, "and the header"


@pytest.mark.parametrize(("format", "columns"), [("csv", CALL_COLUMNS), ("legs-csv", LEG_COLUMNS)])
async def test_csv_of_nothing_is_its_header(format, columns):
    assert b"".join(await pieces(format)).decode().strip() == ",".join(columns)


async def test_a_row_per_call():
    record = plain(1)
    record.verdicts = [{"code": "one-way"}, {"words": "silence"}]
    (row,) = await rows("csv", record)
    assert (row["id"], row["caller_user"], row["dialled"], row["talk"]) == (record.id, "alice", "102", "7.0")
    assert (row["verdicts"], row["answered_user"], row["hung_up"]) == ("one-way silence", "bob", "caller")


async def test_a_row_per_leg():
    record = plain(1)
    record.legs[1].codecs = ("PCMU/8000", "G722/16000")
    record.legs[1].quality = Quality(packets_in=5, rtt_ms=Spread(min=1, avg=2.5, max=4))
    alice, bob = await rows("legs-csv", record)
    assert (alice["record"], alice["leg"], alice["packets_in"]) == (record.id, "c1-a", "")
    assert (bob["codecs"], bob["packets_in"], bob["rtt_ms"], bob["loss_out"]) == (
        "PCMU/8000 G722/16000",
        "5",
        "2.5",
        "",
    )


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "@SUM(1)", "+1+1|x", "-2+cmd", "\t=1"])
async def test_no_caller_is_a_formula(name):
    (row,) = await rows("csv", plain(1, caller=ev.Identity(name, name)))
    assert row["caller_display"] == f"'{name}"


@pytest.mark.parametrize("number", ["+49 30 1234", "+49301234", "-1", "101", "a=b", 'with "quotes", and\r\nlines'])
async def test_numbers_stay_numbers(number):
    (row,) = await rows("csv", plain(1, caller=ev.Identity(number)))
    assert row["caller_number"] == number
