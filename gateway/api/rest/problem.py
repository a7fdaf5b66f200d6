"""What is answered when a request cannot be done: application/problem+json (RFC 9457), in words that say what to do.

    {"type": "/v1/docs#no-such-call", "title": "There is no such call", "status": 404, "code": "no-such-call",
     "detail": "...", "errors": [{"in": "body", "field": "to", "detail": "is missing: add it"}]}

`type` leads to the page that explains the code; programs compare `code`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"
EXPLAINED_AT = "/v1/docs#"

TITLES: dict[str, str] = {
    "bad-json": "The body is not JSON",
    "cut-off": "The request ended too early",
    "no-key": "An API key is needed",
    "bad-key": "This API key is not known here",
    "bad-token": "This token cannot be used",
    "wrong-scope": "The key may not do this",
    "wrong-address": "The key may not be used from this address",
    "not-found": "There is nothing at this path",
    "no-such-call": "There is no such call",
    "no-such-leg": "There is no such party in this call",
    "no-such-play": "Nothing of this id plays",
    "no-such-collect": "No keys are being collected under this id",
    "no-such-recording": "There is no such recording",
    "no-such-record": "There is no such record",
    "no-such-trace": "There is no trace of this call",
    "no-such-user": "There is no such user",
    "method-not-allowed": "This method is not for this path",
    "too-slow": "The request did not arrive in time",
    "not-now": "The call is not in a state for this",
    "refused": "The call refuses this",
    "in-progress": "The first request with this Idempotency-Key is still running",
    "too-large": "The body is too large",
    "wrong-type": "The body is of a kind that is not read here",
    "not-valid": "Something in the request is not right",
    "bad-target": "This target means nothing here",
    "key-reused": "This Idempotency-Key was used for another request",
    "too-many": "Too many requests",
    "too-many-wrong-keys": "Too many wrong keys from this address",
    "failed": "Something failed inside the gateway",
    "not-taken": "The gateway takes no more calls now",
    "records-away": "The store of records cannot be reached",
    "not-configured": "This gateway is not set up for this",
}
"""Every code there is, and its title. The documentation page lists them."""


class FieldError(BaseModel):
    """One thing in the request that is not right, and what to do about it."""

    model_config = ConfigDict(frozen=True)

    where: str = Field(alias="in", description='"body", "query" or "header"')
    field: str = Field(description='Its path: "on_answer.play.0"; empty for the whole')
    detail: str = Field(description="What to do")


class ProblemShown(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="Where the code is explained")
    title: str
    status: int
    code: str = Field(description="For programs: it stays the same")
    detail: str = Field(description="For people: what happened and what to do")
    errors: list[FieldError] = Field(default=[], description="Which fields are not right")


class Problem(Exception):
    """Raised anywhere on the way to an answer."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = tuple(errors), dict(headers or {})

    def response(self) -> web.Response:
        shown = ProblemShown(
            type=EXPLAINED_AT + self.code,
            title=TITLES.get(self.code, TITLES["refused"]),
            status=self.status,
            code=self.code,
            detail=self.detail,
            errors=list(self.errors),
        )
        return web.Response(
            status=self.status,
            body=shown.model_dump_json(by_alias=True, exclude_defaults=True).encode(),
            headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", **self.headers},
        )


def field_error(where: str, field: str, detail: str) -> FieldError:
    return FieldError.model_validate({"in": where, "field": field, "detail": detail})


def not_valid(where: str, field: str, detail: str) -> Problem:
    """One wrong field."""
    return Problem(422, "not-valid", f"{field}: {detail}", [field_error(where, field, detail)])


def not_configured(what: str) -> Problem:
    return Problem(503, "not-configured", what)
