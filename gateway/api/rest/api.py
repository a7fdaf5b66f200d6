"""Serves operations: lets the caller in, reads and checks what was sent, calls the handler, answers.

Everything that can go wrong on the way is a `Problem`; what no rule foresaw is logged and answered with a 500 that
tells nothing of the inside.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.api.rest.access import Access, Caller
from gateway.api.rest.explain import not_right, unknown
from gateway.api.rest.idempotency import Replays, fingerprint, idempotency_key
from gateway.api.rest.operation import OPEN, Operation, Reply
from gateway.api.rest.problem import Problem, field_error
from gateway.calls.errors import CommandRefused

log = logging.getLogger(__name__)

JSON = "application/json"
BODY_PATIENCE = 10.0
"""Seconds for a body to come."""
NOBODY = Caller("")


class Api:
    """`clock` is monotonic time."""

    def __init__(
        self,
        operations: Iterable[Operation],
        access: Access,
        clock: Callable[[], float],
        patience: float = BODY_PATIENCE,
    ) -> None:
        self.operations = tuple(operations)
        self.answered: Counter[tuple[str, int]] = Counter()
        """By operation and status, for /metrics: bounded by what is declared."""
        self._access, self._patience = access, patience
        self._replays = Replays(clock)

    def routes(self) -> list[web.AbstractRouteDef]:
        return [self._route(operation) for operation in self.operations]

    def _route(self, operation: Operation) -> web.RouteDef:
        async def handle(request: web.Request) -> web.StreamResponse:
            response = await self._handle(operation, request)
            self.answered[operation.name, response.status] += 1
            return response

        add = web.get if operation.declared.method == "GET" else _adding(operation.declared.method)
        return add(operation.declared.path, handle)

    async def _handle(self, operation: Operation, request: web.Request) -> web.StreamResponse:
        try:
            scope = operation.declared.scope
            caller = NOBODY if scope == OPEN else self._access.admit(request, scope)
            if operation.declared.method != "POST" or (key := idempotency_key(request)) is None:
                return await self._act(operation, request, caller)
            body = await self._body(request)

            async def once() -> web.Response:
                response = await self._act(operation, request, caller)
                assert isinstance(response, web.Response)  # no POST streams
                return response

            return await self._replays.once(caller.name, key, fingerprint(request, body), once)
        except Problem as problem:
            return problem.response()

    async def _act(self, operation: Operation, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The answer, or the problem in its place."""
        try:
            arguments = await self._arguments(operation, request, caller)
            return _answer(operation, await operation.handler(**arguments))
        except Problem as problem:
            return problem.response()
        except CommandRefused as refused:
            return Problem(refused.status, refused.code, refused.words).response()
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:
            log.exception("%s failed", operation.label)
            return Problem(500, "failed", "This is a fault of the gateway: its log says more.").response()

    async def _arguments(self, operation: Operation, request: web.Request, caller: Caller) -> dict[str, Any]:
        arguments: dict[str, Any] = {part: request.match_info[part] for part in operation.parts}
        if operation.query is not None:
            arguments["query"] = _query(operation.query, request)
        else:
            _no_query(request)
        if operation.body is not None:
            body = await self._body(request)
            try:
                arguments["body"] = operation.body.validate_json(body)
            except ValidationError as error:
                raise not_right(error, "body", operation.body_shape) from None
        if "caller" in operation.wants:
            arguments["caller"] = caller
        if "request" in operation.wants:
            arguments["request"] = request
        return arguments

    async def _body(self, request: web.Request) -> bytes:
        if request.content_type != JSON:
            words = f"Send the body as {JSON}, with this Content-Type."
            raise Problem(415, "wrong-type", words, headers={"Accept-Post": JSON})
        try:
            async with asyncio.timeout(self._patience):
                return await request.read()
        except TimeoutError:
            words = f"The body did not arrive within {self._patience:g} seconds. Try again."
            raise Problem(408, "too-slow", words, headers={"Connection": "close"}) from None
        except web.HTTPRequestEntityTooLarge:
            most = request.client_max_size
            raise Problem(413, "too-large", f"At most {most} bytes are read. Send less.") from None
        except web.RequestPayloadError:
            raise Problem(400, "cut-off", "The body ended before it was complete. Send it again.") from None


def _adding(method: str) -> Callable[..., web.RouteDef]:
    return lambda path, handler: web.route(method, path, handler)


def _query(model: type[BaseModel], request: web.Request) -> BaseModel:
    names = [name for name, _ in request.query.items()]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Problem(422, "not-valid", f"{twice}: is given twice", [field_error("query", twice, "send it once")])
    try:
        return model.model_validate_strings(dict(request.query))
    except ValidationError as error:
        raise not_right(error, "query", model) from None


def _no_query(request: web.Request) -> None:
    if request.query:
        name = next(iter(request.query))
        error = field_error("query", name, unknown(name, ()))
        raise Problem(422, "not-valid", f"{name}: nothing is asked in the query here", [error])


def _answer(operation: Operation, result: object) -> web.StreamResponse:
    headers = {"Cache-Control": "no-store"}
    if isinstance(result, web.StreamResponse):
        return result
    if isinstance(result, Reply):
        headers |= result.headers
        result = result.body
    if result is None:
        return web.Response(status=operation.declared.status, headers=headers)
    assert isinstance(result, BaseModel)
    body = result.model_dump_json(by_alias=True).encode()
    return web.Response(status=operation.declared.status, body=body, headers=headers | {"Content-Type": JSON})
