"""Whatever is wrong with a request, the answer is a problem in words."""

import asyncio
import json
import logging

import pytest

from gateway.api.rest.api import Api
from tests.gateway.api.rest.kit import FULL

PLACE = "/v1/calls"


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad-json"),
        (b"", "application/json", 400, "bad-json"),
        (b"\xff\xfe", "application/json", 400, "bad-json"),
        (b'{"to": "\\ud800"}', "application/json", 400, "bad-json"),
        (b"[" * 5000, "application/json", 400, "bad-json"),
        (b"[]", "application/json", 422, "not-valid"),
        (b"null", "application/json", 422, "not-valid"),
        (b'{"to": "101", "timeout": NaN}', "application/json", 422, "not-valid"),
        (b'{"to": "101", "timeout": 1e999}', "application/json", 422, "not-valid"),
        (b'{"to": "101"}', "text/plain", 415, "wrong-type"),
        (b"to=101", "application/x-www-form-urlencoded", 415, "wrong-type"),
        (b'{"to": "' + b"1" * 70_000 + b'"}', "application/json", 413, "too-large"),
    ],
)
async def test_a_body_that_cannot_be_read(api, body, kind, status, code):
    problem = await api.bad("POST", PLACE, body, Content_Type=kind)
    assert (problem["status"], problem["code"]) == (status, code)


async def test_a_body_that_does_not_come(api):
    rest: Api = api.rest.api
    rest._patience = 0.05
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    head = f"POST {PLACE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {FULL}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 20\r\n\r\n{{".encode())
    answer = await reader.readuntil(b"}")
    assert b" 408 " in answer.splitlines()[0]
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["code"] == "too-slow"
    writer.close()


async def test_a_method_that_is_not_for_a_path(api):
    status, problem, headers = await api.ask("PUT", "/v1/calls/c1")
    assert (status, problem["code"]) == (405, "method-not-allowed")
    assert headers["Allow"] == "DELETE, GET, HEAD, PATCH"
    for method, path in (("GET", "/v1/login"), ("POST", "/v1/ws"), ("DELETE", "/v1/openapi.json"), ("OPTIONS", PLACE)):
        assert (await api.bad(method, path))["status"] == 405


async def test_head_is_get_without_a_body(api):
    status, body, headers = await api.ask("HEAD", PLACE)
    assert (status, body) == (200, None)
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/v1/", "/v1/cals", "/v1/calls/", "/v1/calls/c1/nothing", "/v1/%2e%2e%2fx", "/v1//"])
async def test_a_path_that_leads_nowhere(api, path):
    problem = await api.bad("GET", path, key="")
    assert (problem["status"], problem["code"]) == (404, "not-found")


async def test_the_nearest_path_is_named(api):
    assert "Did you mean /v1/calls?" in (await api.bad("GET", "/v1/cals"))["detail"]


async def test_no_get_changes_anything(api):
    for operation in api.rest.api.operations:
        if operation.declared.scope == "calls:write":
            assert operation.declared.method in ("POST", "PATCH", "DELETE"), operation.label


async def test_a_fault_of_ours_tells_nothing_of_the_inside(api, monkeypatch, caplog):
    monkeypatch.setattr(api.desk, "views", lambda: 1 / 0)
    with caplog.at_level(logging.CRITICAL):
        problem = await api.bad("GET", PLACE)
    assert (problem["status"], problem["code"]) == (500, "failed")
    assert "Zero" not in str(problem)


async def test_security_headers_and_no_store_are_on_every_answer(api):
    for method, path in (("GET", PLACE), ("GET", "/v1/docs"), ("GET", "/v1/nothing"), ("POST", PLACE)):
        _, _, headers = await api.ask(method, path, {} if method == "POST" else None)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in headers
        assert headers["Cache-Control"] in ("no-store", "no-cache")


async def test_answers_are_counted_by_what_was_asked(api):
    await api.ask("GET", PLACE)
    await api.ask("GET", PLACE, key="")
    assert dict(api.rest.api.answered) == {("list_calls", 200): 1, ("list_calls", 401): 1}
