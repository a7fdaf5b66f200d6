"""A program decides where a call goes: it is asked by a signed POST, and has little time to answer.

It is sent the facts of the call,

    {"call": "9be1", "kind": "sip", "caller": "+4930123", "display": "", "user": "", "dialled": "600",
     "trunk": "office", "source": "192.0.2.7"}

and answers with exactly one of `forward`, `reject`, `app` and `play`. Anything else, and silence, is a `HookFailed`
with words: the call then goes where its route says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from gateway.calls.causes import Ending
from gateway.config.types import TargetText
from gateway.events.post import NotPosted, Poster, host
from gateway.events.vocabulary import plain

MOST_OF_ANSWER = 64 * 1024
_VISIBLE = r"^[^\x00-\x1f\x7f]*$"
"""No control characters: these words and sources go on into lines of SIP and of logs."""
Target = Annotated[TargetText, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00-\x20\x7f]+$")]
Source = Annotated[str, StringConstraints(min_length=1, max_length=2_048, pattern=_VISIBLE)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Reject(_Strict):
    status: Annotated[int, Field(ge=400, le=699)] = 403
    words: Annotated[str, StringConstraints(max_length=256, pattern=_VISIBLE)] = "This call is not allowed."


class Decision(_Strict):
    """What the program wants: exactly one of the first four."""

    forward: Annotated[list[Target], Field(min_length=1, max_length=50)] | None = None
    reject: Reject | None = None
    app: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_\-]{0,31}$")] | None = None
    play: Annotated[list[Source], Field(min_length=1, max_length=20)] | None = None
    """Sources as a play command takes them: what the caller hears before the call ends."""
    strategy: Literal["parallel", "sequential"] = "parallel"
    timeout: Annotated[float, Field(gt=0, le=3_600)] | None = None
    """Seconds to ring each group of targets; only with `forward`."""

    @model_validator(mode="after")
    def _one(self) -> Decision:
        given = [name for name in ("forward", "reject", "app", "play") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of forward, reject, app and play")
        if given != ["forward"] and self.model_fields_set & {"strategy", "timeout"}:
            raise ValueError("strategy and timeout belong to forward")
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        """As a route's `to` has them; none for `reject` and `play`."""
        return (f"app:{self.app}",) if self.app is not None else tuple(self.forward or ())

    @property
    def refusal(self) -> Ending | None:
        return Ending("forbidden", self.reject.status, self.reject.words) if self.reject is not None else None


@dataclass(frozen=True, slots=True)
class HookFailed:
    """It could not be asked, or did not answer anything that means something here."""

    why: str
    """"no-answer", "status" or "bad-answer"."""
    words: str


class RouteHook:
    """`secret` signs (empty: not signed), `timeout` is all the time (seconds) that a program has."""

    def __init__(self, poster: Poster, secret: str, timeout: float = 2.0) -> None:
        self._poster, self._secret, self._timeout = poster, secret, timeout

    async def ask(self, url: str, facts: Mapping[str, object]) -> Decision | HookFailed:
        body = json.dumps(plain(facts), ensure_ascii=False).encode()
        try:
            answer = await self._poster.post(
                url, self._secret, body, {"Accept": "application/json"}, self._timeout, MOST_OF_ANSWER
            )
        except NotPosted as error:
            return HookFailed("no-answer", f"The route webhook at {host(url)}: {error}.")
        if answer.status != 200:
            return HookFailed("status", f"The route webhook at {host(url)} answers {answer.status} instead of 200.")
        if not answer.whole:
            return HookFailed("bad-answer", f"The route webhook at {host(url)} answers more than 64 KiB.")
        return read(answer.body, host(url))


def read(body: bytes, where: str) -> Decision | HookFailed:
    """The decision in an answer's body. An app that is not there is refused as a target that is not."""
    try:
        decision = Decision.model_validate_json(body)
        if decision.app is not None:
            Decision(forward=[f"app:{decision.app}"])
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in found["loc"])
        words = found["msg"].removeprefix("Value error, ")
        return HookFailed(
            "bad-answer", f"The answer of the route webhook at {where} is not right: {place} {words}"[:512]
        )
    return decision
