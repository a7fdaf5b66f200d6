"""The description and its page agree with what is served."""

import re

import pytest
from openapi_spec_validator import validate

from gateway.api.rest.keys import SCOPES
from gateway.api.rest.operation import operation, operations
from gateway.api.rest.problem import TITLES


async def test_the_document_is_valid_and_complete(api):
    document = await api.good("GET", "/v1/openapi.json")
    validate(document)
    assert document["openapi"].startswith("3.1")
    served = {
        (route.method, route.resource.canonical)
        for route in api.server._runner.app.router.routes()
        if route.resource.canonical.startswith("/v1/") and route.method not in ("HEAD", "*")
    }
    described = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    beside = {("GET", "/v1/ws"), ("POST", "/v1/login"), ("GET", "/v1/demo"), ("GET", "/v1/docs")}
    assert served - described == beside | {("GET", "/v1/openapi.json")}
    assert described <= served


async def test_every_operation_says_what_it_does_and_what_it_needs(api):
    document = await api.good("GET", "/v1/openapi.json")
    for path, methods in document["paths"].items():
        for method, found in methods.items():
            assert found["summary"], (path, method)
            assert found["security"], (path, method)
            assert "422" in found["responses"]
    scopes = {o.declared.scope for o in api.rest.api.operations}
    assert scopes <= {*SCOPES, "me"}


async def test_the_page_is_readable_without_anything_from_elsewhere(api):
    status, body, headers = await api.ask("GET", "/v1/docs", key="")
    text = body.decode()
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for forbidden in ("<script", "style=", "onclick", "cdn."):
        assert forbidden not in text
    assert set(re.findall(r"https?://[\w.:-]+", text)) == {"http://127.0.0.1:8080"}
    for path in re.findall(r'(?:href|src)="(/[^"]+)"', text):
        assert (await api.ask("GET", path))[0] == 200, path
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
    assert set(TITLES) <= anchors  # where the type of a problem leads
    for found in api.rest.api.operations:
        assert f'id="{found.name}"' in text


async def test_what_the_page_shows_as_an_example_is_accepted(api):
    """Every body in a curl example is valid: at worst its call is not there."""
    import html
    import json

    _, body, _ = await api.ask("GET", "/v1/docs")
    for text in re.findall(r"<code>(curl .*?)</code>", body.decode(), re.DOTALL):
        command = html.unescape(text)
        sent = re.search(r"-X (\w+) .* -d '(.*)' \\\n  http://127.0.0.1:8080(\S+)", command)
        if sent:
            status, answer, _ = await api.ask(sent[1], sent[3], json.loads(sent[2]))
            assert status in (200, 201, 202, 204, 404), (command, answer)


def test_a_declaration_that_does_not_agree_with_its_path():
    class Wrong:
        @operation("GET /v1/calls/{call}", "calls:read")
        async def show(self, leg: str) -> None:
            """Show."""

    with pytest.raises(TypeError, match="do not agree"):
        list(operations(Wrong()))
