"""People and machines around the calls: a person's own page, browser tokens, registered phones, trunks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from gateway.api.rest import shapes
from gateway.api.rest.access import Caller
from gateway.api.rest.desk import Live
from gateway.api.rest.operation import MINE, operation
from gateway.api.rest.problem import Problem, not_configured
from gateway.api.rest.records import MISSING, RecordShown, asking
from gateway.api.rest.sources import PhoneView, Sources, TrunkView
from gateway.calls.router import Account
from signaling.browser.session import Identity


class Contact(BaseModel):
    """Somebody who can be called."""

    user: str
    extension: str | None
    display: str
    signed_in: bool = Field(description="A page is signed in or a phone is registered")
    on_call: bool


class Contacts(BaseModel):
    contacts: list[Contact]


class HowMany(shapes.Query):
    limit: Annotated[int, Field(ge=1, le=100, description="How many at most")] = 20


class RecentCalls(BaseModel):
    calls: list[RecordShown] = Field(description="Each with its time, direction, number and how it ended")


class Token(BaseModel):
    """A browser token: what a page shows when it connects."""

    token: str
    expires_in: float = Field(description="Seconds; it only opens a session, which lives on by itself")
    user: str
    extension: str | None


class Phone(BaseModel):
    """A phone that is registered here."""

    user: str
    contact: str
    source: str = Field(description="Where its packets come from")
    transport: str
    expires_at: datetime


class Phones(BaseModel):
    registrations: list[Phone]


class Trunk(BaseModel):
    """Another SIP server, such as the office PBX."""

    name: str
    server: str
    registers: bool
    state: str = Field(description='"registering", "registered", "failed", "up", "down" or "off"')
    status: int | None = Field(description="The SIP status of its last answer to a REGISTER")
    reason: str = Field(description="Why it is so, and what to do; empty when all is well")
    next_refresh: datetime | None
    calls: int
    max_calls: int | None


class Trunks(BaseModel):
    trunks: list[Trunk]


class Mine:
    TAG = "A person's own"

    def __init__(self, live: Live, sources: Sources) -> None:
        self._live, self._sources = live, sources

    @operation("GET /v1/me/contacts", MINE)
    async def my_contacts(self) -> Contacts:
        """See whom you can call.

        Everybody with an account, and whether they are there."""
        busy = {party.identity.user for view in self._live.desk.views() for party in view.parties}
        return Contacts(contacts=[self._contact(account, busy) for account in self._sources.people.everyone()])

    def _contact(self, account: Account, busy: set[str | None]) -> Contact:
        return Contact(
            user=account.name,
            extension=account.extension,
            display=account.display or account.name,
            signed_in=bool(self._sources.directory.contacts(account.name)),
            on_call=account.name in busy,
        )

    @operation("GET /v1/me/calls", MINE, refusals=(503,))
    async def my_calls(self, query: HowMany, caller: Caller) -> RecentCalls:
        """See your own recent calls.

        The newest first."""
        if self._sources.records is None:
            raise not_configured(MISSING)
        with asking():
            found = await self._sources.records.recent(caller.user or caller.name, query.limit)
        return RecentCalls(calls=[RecordShown(dict(call)) for call in found])


class Around:
    TAG = "Phones, trunks, tokens"

    def __init__(self, live: Live, sources: Sources, issue: Callable[[Identity], tuple[str, float]]) -> None:
        self._live, self._sources, self._issue = live, sources, issue

    @operation("GET /v1/registrations", "system:read")
    async def list_registrations(self) -> Phones:
        """See which phones are registered here."""
        return Phones(registrations=[self._phone(view) for view in self._sources.phones()])

    def _phone(self, view: PhoneView) -> Phone:
        return Phone(
            user=view.user,
            contact=view.contact,
            source=view.source,
            transport=view.transport,
            expires_at=self._live.at(view.expires_at),
        )

    @operation("GET /v1/trunks", "system:read", refusals=(503,))
    async def list_trunks(self) -> Trunks:
        """See the trunks and whether they work."""
        if self._sources.trunks is None:
            raise not_configured("No trunks are watched here.")
        return Trunks(trunks=[self._trunk(view) for view in self._sources.trunks()])

    def _trunk(self, view: TrunkView) -> Trunk:
        return Trunk(
            name=view.name,
            server=view.server,
            registers=view.registers,
            state=view.state,
            status=view.status or None,
            reason=view.reason,
            next_refresh=None if view.next_refresh is None else self._live.at(view.next_refresh),
            calls=view.calls,
            max_calls=view.max_calls or None,
        )

    @operation("POST /v1/tokens", "tokens:write", 201, refusals=(404,))
    async def mint_token(self, body: shapes.MintToken) -> Token:
        """Mint a browser token for a user.

        For a page of yours whose people have signed in with you already."""
        if (account := self._sources.people.find(body.user)) is None:
            raise Problem(404, "no-such-user", f'There is no user "{body.user}": add it under [[users]].')
        display = account.display or account.name
        token, expires_in = self._issue(Identity(account.name, display, account.extension))
        return Token(token=token, expires_in=expires_in, user=account.name, extension=account.extension)
