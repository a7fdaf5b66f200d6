"""What is left of calls: asked of the stores, honest where there is none."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.api.rest.records import wants_text
from gateway.api.rest.sources import RecordPage, RecordsAway, TraceView, Wanted


class Store:
    """A store in memory."""

    def __init__(self, count: int) -> None:
        self.rows = [{"id": f"r{i}", "call": f"c{i}", "cause": "normal"} for i in reversed(range(count))]
        self.asked: list[Wanted] = []
        self.away = False

    def _here(self) -> None:
        if self.away:
            raise RecordsAway

    async def get(self, id: str) -> Mapping[str, Any] | None:
        self._here()
        return next((row for row in self.rows if id in (row["id"], row["call"])), None)

    async def list(self, wanted: Wanted, cursor: str | None, limit: int) -> RecordPage:
        self._here()
        self.asked.append(wanted)
        start = 0 if cursor is None else [row["id"] for row in self.rows].index(cursor) + 1
        page = self.rows[start : start + limit]
        return RecordPage(page, page[-1]["id"] if start + limit < len(self.rows) else None)

    async def recent(self, user: str, limit: int) -> Sequence[Mapping[str, Any]]:
        return [{"user": user}] * limit

    async def export(self, wanted: Wanted, format: str) -> AsyncIterator[bytes]:
        self._here()
        for row in self.rows:
            yield f"{format} {row['id']}\n".encode()


class Traces:
    async def trace(self, call: str) -> TraceView | None:
        return TraceView("a -> b INVITE", [{"method": "INVITE"}]) if call.startswith("c1") else None


async def test_without_a_store(api):
    for path in ("/v1/records", "/v1/records/x", "/v1/records/export", "/v1/records/x/trace"):
        problem = await api.bad("GET", path)
        assert (problem["status"], problem["code"]) == (503, "not-configured")


async def test_records_page_by_page(api):
    api.sources.records = Store(5)
    found, path = [], "/v1/records?limit=2"
    while path:
        page = await api.good("GET", path)
        found += [record["id"] for record in page["records"]]
        path = page["next"] and f"/v1/records?limit=2&cursor={page['next']}"
    assert found == ["r4", "r3", "r2", "r1", "r0"]
    problem = await api.bad("GET", "/v1/records?cursor=WyJyZWNvcmRzIiwibm9uZSJd")
    assert problem["errors"][0]["field"] == "cursor"


async def test_filters_reach_the_store(api):
    api.sources.records = store = Store(1)
    query = "since=2026-01-31T12:00:00Z&until=2026-02-01T00:00:00%2B01:00&user=bob&answered=false&verdict=true&text=x"
    await api.good("GET", f"/v1/records?{query}")
    (wanted,) = store.asked
    assert wanted.since == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert wanted.until == datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert (wanted.user, wanted.answered, wanted.verdict, wanted.text) == ("bob", False, True, "x")


@pytest.mark.parametrize("time", ["2026-01-31T12:00:00", "yesterday", "9999-12-31T23:59:59Z", "1.5e300"])
async def test_a_time_that_is_none(api, time):
    api.sources.records = Store(1)
    assert (await api.bad("GET", f"/v1/records?since={time}"))["errors"][0]["field"] == "since"


async def test_one_record(api):
    api.sources.records = Store(3)
    assert (await api.good("GET", "/v1/records/r1")) == {"id": "r1", "call": "c1", "cause": "normal"}
    assert (await api.bad("GET", "/v1/records/r9"))["code"] == "no-such-record"


async def test_a_store_that_is_away(api):
    api.sources.records = store = Store(3)
    store.away = True
    for path in ("/v1/records", "/v1/records/r1", "/v1/records/export"):
        assert (await api.bad("GET", path))["code"] == "records-away"


async def test_export(api):
    api.sources.records = Store(3)
    status, text, headers = await api.ask("GET", "/v1/records/export?format=legs-csv")
    assert (status, text) == (200, b"legs-csv r2\nlegs-csv r1\nlegs-csv r0\n")
    assert headers["Content-Type"] == "text/csv"
    assert headers["Content-Disposition"] == 'attachment; filename="records.csv"'
    status, text, headers = await api.ask("HEAD", "/v1/records/export")
    assert (status, text, headers["Content-Type"]) == (200, None, "application/x-ndjson")
    api.sources.records = Store(0)
    assert (await api.ask("GET", "/v1/records/export"))[:2] == (200, None)


async def test_traces_as_text_and_as_json(api):
    api.sources.traces = Traces()
    call = api.office.talk()
    _, text, headers = await api.ask("GET", f"/v1/calls/{call}/trace", Accept="text/plain")
    assert (text, headers["Content-Type"]) == (b"a -> b INVITE", "text/plain; charset=utf-8")
    assert await api.good("GET", f"/v1/records/{call}/trace") == {"call": call, "steps": [{"method": "INVITE"}]}
    assert (await api.bad("GET", "/v1/calls/c1x/trace"))["code"] == "no-such-call"
    assert (await api.bad("GET", "/v1/records/c2/trace"))["code"] == "no-such-trace"


@pytest.mark.parametrize(
    ("accept", "text"),
    [("", False), ("*/*", False), ("text/plain", True), ("text/plain;q=0.9, */*", True),
     ("application/json, text/plain", False), ("text/html", False)],
)  # fmt: skip
def test_text_is_for_who_names_it(accept, text):
    assert wants_text(accept) is text


async def test_a_recording_whole_and_in_part(api, tmp_path):
    (tmp_path / "c1-1.wav").write_bytes(b"RIFF" + b"x" * 96)
    status, body, headers = await api.ask("GET", "/v1/recordings/c1-1")
    assert (status, len(body), headers["Content-Type"]) == (200, 100, "audio/wav")
    assert headers["Content-Disposition"] == 'attachment; filename="c1-1.wav"'
    status, body, _ = await api.ask("GET", "/v1/recordings/c1-1.wav", Range="bytes=0-3")
    assert (status, body) == (206, b"RIFF")


@pytest.mark.parametrize(
    "name",
    [
        "missing",
        "..%2Fsecret",
        "%2e%2e%2fsecret",
        ".hidden",
        "link",
        "note.txt",
        "a%00b",
        "sub%2Fa",
        "%C3%A9",
        "x" * 300,
    ],
)
async def test_no_name_leads_out_of_the_folder(api, tmp_path, name):
    outside = tmp_path.parent / "secret.wav"
    outside.write_bytes(b"secret")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.wav").write_bytes(b"secret")
    (tmp_path / ".hidden.wav").write_bytes(b"secret")
    (tmp_path / "note.txt").write_bytes(b"secret")
    os.symlink(outside, tmp_path / "link.wav")
    assert (await api.bad("GET", f"/v1/recordings/{name}"))["status"] == 404


async def test_own_recent_calls(api):
    token = (await api.good("POST", "/v1/tokens", {"user": "bob"}))["token"]
    assert (await api.bad("GET", "/v1/me/calls", key=token))["code"] == "not-configured"
    api.sources.records = Store(1)
    _, found, _ = await api.ask("GET", "/v1/me/calls?limit=2", key=token)
    assert found == {"calls": [{"user": "bob"}, {"user": "bob"}]}
