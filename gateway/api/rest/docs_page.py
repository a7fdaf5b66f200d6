"""/v1/docs: the OpenAPI document as a page to read, made once at start. Without a script; its one style is the page's.

Everything shown comes from the document, so the page cannot say what the API does not do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from gateway.api.rest.keys import SCOPES
from gateway.api.rest.problem import TITLES

Json = dict[str, Any]
DEPTH = 4
"""How deep an example goes."""

_HEAD = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tandem: the API</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style/tokens.css">
<link rel="stylesheet" href="/style/docs.css">
</head>
<body>
"""


def page(document: Json) -> str:
    return "".join([_HEAD, *_navigation(document), "<main>", *_introduction(document), *_tags(document), *_codes(),
                    "</main></body></html>"])  # fmt: skip


def _navigation(document: Json) -> Iterator[str]:
    yield '<nav aria-label="Operations"><p><a href="#top">Tandem API</a></p>'
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2><ul>"
        for _, _, operation in _of_tag(document, tag["name"]):
            yield f'<li><a href="#{operation["operationId"]}">{escape(operation["summary"])}</a></li>'
        yield "</ul>"
    yield '<h2>Errors</h2><ul><li><a href="#errors">All codes</a></li></ul></nav>'


def _introduction(document: Json) -> Iterator[str]:
    info = document["info"]
    yield f'<header id="top"><h1>{escape(info["title"])} <small>{escape(info["version"])}</small></h1>'
    yield f"<p>{_prose(info['description'])}</p>"
    yield '<p>The same for machines: <a href="/v1/openapi.json">/v1/openapi.json</a> (OpenAPI 3.1).</p>'
    yield "<pre><code>tandem api-key new --name NAME --scope calls:read --scope calls:write\n"
    yield 'curl -H "Authorization: Bearer $TANDEM_KEY" http://127.0.0.1:8080/v1/calls</code></pre>'
    yield '<table><caption>Scopes</caption><thead><tr><th scope="col">Scope</th><th scope="col">May</th></tr></thead>'
    yield "<tbody>"
    for scope, words in SCOPES.items():
        yield f'<tr><th scope="row"><code>{escape(scope)}</code></th><td>{escape(words)}</td></tr>'
    yield "</tbody></table></header>"


def _of_tag(document: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method.upper(), path, operation


def _tags(document: Json) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<section><h2>{escape(tag['name'])}</h2>"
        for method, path, operation in _of_tag(document, tag["name"]):
            yield from _operation(document, method, path, operation)
        yield "</section>"


def _operation(document: Json, method: str, path: str, operation: Json) -> Iterator[str]:
    yield f'<article id="{operation["operationId"]}"><h3>{escape(operation["summary"])}</h3>'
    yield f'<p class="route"><b class="{method.lower()}">{method}</b> <code>{escape(path)}</code></p>'
    for paragraph in operation.get("description", "").split("\n\n"):
        if paragraph:
            yield f"<p>{_prose(paragraph)}</p>"
    yield from _parameters(operation)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body is not None:
        yield from _fields(document, body)
    yield f"<pre><code>{escape(_curl(document, method, path, body))}</code></pre>"
    yield from _answers(document, operation)
    yield "</article>"


def _parameters(operation: Json) -> Iterator[str]:
    rows = [
        (p["name"], p["in"] + (", needed" if p.get("required") else ""), p["schema"], p.get("description", ""))
        for p in operation["parameters"]
    ]
    if rows:
        yield _HEADINGS.format("Parameters")
        for name, where, schema, words in rows:
            yield _row(name, f"{_kind(schema)}, {where}", words or schema.get("description", ""))
        yield "</tbody></table>"


_HEADINGS = (
    '<table><caption>{}</caption><thead><tr><th scope="col">Name</th><th scope="col">Kind</th>'
    '<th scope="col">Words</th></tr></thead><tbody>'
)


def _row(name: str, kind: str, words: str) -> str:
    cells = f"<td>{escape(kind)}</td><td>{_prose(words)}</td>"
    return f'<tr><th scope="row"><code>{escape(name)}</code></th>{cells}</tr>'


def _fields(document: Json, schema: Json) -> Iterator[str]:
    """A table of the body's fields; of a choice between two bodies, one each."""
    schema = _resolved(document, schema)
    for choice in schema.get("oneOf", []):
        yield from _fields(document, choice)
    if "properties" not in schema:
        return
    yield _HEADINGS.format(f"Body: {escape(schema.get('title', ''))}")
    for name, part in schema["properties"].items():
        needed = ", needed" if name in schema.get("required", []) else ""
        yield _row(name, _kind(_resolved(document, part)) + needed, _words(document, part))
    yield "</tbody></table>"


def _words(document: Json, schema: Json) -> str:
    found = schema.get("description") or next((k["description"] for k in _kinds(schema) if "description" in k), "")
    default = schema.get("default")
    return found + (f" (default `{json.dumps(default)}`)" if default not in (None, {}, []) else "")


def _kind(schema: Json) -> str:
    if kinds := _kinds(schema):
        return " or ".join(dict.fromkeys(_kind(kind) for kind in kinds))
    if "enum" in schema or "const" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    return schema["$ref"].rpartition("/")[2] if "$ref" in schema else str(schema.get("type", "anything"))


def _kinds(schema: Json) -> list[Json]:
    return [kind for kind in (*schema.get("anyOf", ()), *schema.get("oneOf", ())) if kind.get("type") != "null"]


def _resolved(document: Json, schema: Json) -> Json:
    if "$ref" in schema:
        found: Json = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _curl(document: Json, method: str, path: str, body: Json | None) -> str:
    for name in ("call", "leg", "play", "collect", "recording", "name"):
        path = path.replace("{" + name + "}", name.upper())
    verb = "" if method == "GET" else f" -X {method}"
    if body is not None:
        verb += f" -H 'Content-Type: application/json' -d '{json.dumps(_example(document, body, DEPTH))}'"
    return f'curl -H "Authorization: Bearer $TANDEM_KEY"{verb} \\\n  http://127.0.0.1:8080{path}'


def _example(document: Json, schema: Json, depth: int) -> Any:  # noqa: ANN401 - any JSON
    """What is needed, filled with something; of a body where nothing is needed, its first field."""
    schema = _resolved(document, schema)
    if kinds := _kinds(schema):
        return _example(document, kinds[0], depth)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            names = schema.get("required") or list(schema.get("properties", {}))[:1]
            return {n: _example(document, schema["properties"][n], depth - 1) for n in names} if depth else {}
        case "array":
            return [_example(document, schema.get("items", {}), depth - 1)] if depth else []
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", 1)
        case _:
            return _TEXTS.get(schema.get("title", ""), "...")


_TEXTS = {"To": "user:alice", "User": "alice", "Leg": "LEG", "Digits": "12#", "Call": "OTHER"}


def _answers(document: Json, operation: Json) -> Iterator[str]:
    yield "<p>Answers "
    found = []
    for status, answer in operation["responses"].items():
        if "$ref" in answer:
            answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        found.append(f"<b>{status}</b> {escape(answer['description'])}")
    yield ", ".join(found) + "</p>"


def _codes() -> Iterator[str]:
    yield '<section id="errors"><h2>Errors</h2><p>Each has these codes in <code>code</code>, and in '
    yield "<code>detail</code> and <code>errors</code> words that say what to do.</p><dl>"
    for code, title in TITLES.items():
        yield f'<dt id="{code}"><code>{code}</code></dt><dd>{escape(title)}.</dd>'
    yield "</dl></section>"


def _prose(text: str) -> str:
    """Text with `code` in it."""
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
