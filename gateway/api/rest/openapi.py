"""The API described by what serves it: an OpenAPI 3.1 document made of the declared operations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from gateway.api.rest import idempotency
from gateway.api.rest.keys import SCOPES
from gateway.api.rest.operation import MINE, OPEN, Operation
from gateway.api.rest.problem import MEDIA_TYPE, ProblemShown

Json = dict[str, Any]
REF = "#/components/schemas/{model}"
ABOUT = """\
Place and steer calls, and see what became of them. Every request carries an API key as `Authorization: Bearer tk_...`;
errors are `application/problem+json` with a stable `code`; unknown fields are refused; a POST with an `Idempotency-Key`
is done once. Everything that happens to a call is told as events."""
PARTS = {
    "call": "The call's id",
    "leg": "The id of a party (leg) of the call",
    "play": "The id of what plays",
    "collect": "The id of the collection",
    "recording": "The id of the recording",
    "name": "The file's name",
}
_Key = tuple[str, JsonSchemaMode]


def document(operations: Sequence[Operation], version: str) -> Json:
    schemas, definitions = _schemas(operations)
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.declared.path, {})[operation.declared.method.lower()] = _operation(
            operation, schemas
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tandem", "version": version, "description": ABOUT, "license": _LICENSE},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": {_named(s): _problem(s) for s in sorted({s for o in operations for s in refusals(o)})},
            "headers": {"RetryAfter": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key: tandem api-key new"},
                "person": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A user's browser token",
                },
            },
        },
    }


_LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def refusals(operation: Operation) -> set[int]:
    """Every status above 399 that this operation may answer with."""
    declared = operation.declared
    found = {400, 422, *declared.refusals}
    if declared.scope != OPEN:
        found |= {401, 403, 429}
    if operation.parts:
        found.add(404)
    if operation.body is not None:
        found |= {408, 413, 415}
    if declared.method == "POST":
        found.add(409)
    return found


def _schemas(operations: Sequence[Operation]) -> tuple[dict[_Key, Json], Json]:
    wanted: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        ("problem", "serialization", TypeAdapter(ProblemShown))
    ]
    for operation in operations:
        if operation.body is not None:
            wanted.append((operation.name, "validation", operation.body))
        if operation.answer is not None:
            wanted.append((operation.name, "serialization", TypeAdapter(operation.answer)))
    schemas, extra = TypeAdapter.json_schemas(wanted, by_alias=True, ref_template=REF)
    return schemas, extra.get("$defs", {})


def _operation(operation: Operation, schemas: dict[_Key, Json]) -> Json:
    declared = operation.declared
    found: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(operation),
        "responses": _good(operation, schemas)
        | {str(status): {"$ref": f"#/components/responses/{_named(status)}"} for status in sorted(refusals(operation))},
        "security": [] if declared.scope == OPEN else [{"person": []}] if declared.scope == MINE else [{"key": []}],
    }
    words = [operation.description] if operation.description else []
    if declared.scope in SCOPES:
        words.append(f"Scope: `{declared.scope}`.")
    if words:
        found["description"] = "\n\n".join(words)
    if operation.body is not None:
        schema = schemas[operation.name, "validation"]
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found


def _parameters(operation: Operation) -> list[Json]:
    found = [
        {"name": part, "in": "path", "required": True, "description": PARTS[part], "schema": {"type": "string"}}
        for part in operation.parts
    ]
    if operation.query is not None:
        schema = operation.query.model_json_schema()
        required = schema.get("required", [])
        found += [_query_parameter(name, part, name in required) for name, part in schema["properties"].items()]
    if operation.declared.method == "POST":
        schema = {"type": "string", "pattern": r"^[!-~]+$", "minLength": 1, "maxLength": idempotency.LONGEST}
        words = "Do this once, however often it is sent: a new value for each request, such as a UUID"
        found.append({"name": idempotency.HEADER, "in": "header", "description": words, "schema": schema})
    return found


def _query_parameter(name: str, schema: Json, required: bool) -> Json:
    """A query has no null: what may be left out is just not required."""
    kinds = [kind for kind in schema.pop("anyOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1:
        schema |= kinds[0]
    if schema.get("default", ...) is None:
        del schema["default"]
    schema.pop("title", None)
    words = schema.pop("description", "")
    return {"name": name, "in": "query", "required": required, "description": words, "schema": schema}


def _good(operation: Operation, schemas: dict[_Key, Json]) -> Json:
    declared = operation.declared
    found: Json = {"description": HTTPStatus(declared.status).phrase}
    if operation.answer is not None:
        found["content"] = {"application/json": {"schema": schemas[operation.name, "serialization"]}}
    if declared.content:
        found["content"] = found.get("content", {}) | {kind: {} for kind in declared.content}
    if declared.status == 201 and operation.declared.path.endswith(("/calls", "/unbridge")):
        found["headers"] = {"Location": {"description": "Where the call is", "schema": {"type": "string"}}}
    also = {str(status): {"description": words} for status, words in declared.also.items()}
    return {str(declared.status): found} | also


def _named(status: int) -> str:
    return re.sub(r"\W", "", HTTPStatus(status).phrase)


def _problem(status: int) -> Json:
    found: Json = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(model=ProblemShown.__name__)}}},
    }
    if status == 400:  # said by the HTTP parser, before any of this: a line or header beyond 8 KiB
        found["content"]["text/plain"] = {}
    if status == 429:
        found["headers"] = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return found
