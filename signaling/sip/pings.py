"""Asking who is there: OPTIONS outside of a call (RFC 3261 section 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signaling.sip.address import Address
from signaling.sip.auth import DigestClient
from signaling.sip.client import ClientRequest
from signaling.sip.core import Core
from signaling.sip.errors import SipError, TooMany, WrongState
from signaling.sip.events import OptionsAnswered
from signaling.sip.headers import Headers
from signaling.sip.message import Request, Response
from signaling.sip.uri import NameAddr, Uri

MOST = 1000  # that are unanswered at once
TOLD = ("Allow", "Supported", "Accept", "User-Agent", "Server")


@dataclass(slots=True)
class _Ping:
    id: str
    sent: float
    client: ClientRequest | None = None


class Pings:
    """All OPTIONS of one stack that are not answered yet."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._open: dict[str, _Ping] = {}

    def send(
        self,
        uri: Uri,
        targets: Sequence[Address],
        from_: NameAddr,
        route: Sequence[NameAddr],
        digest: DigestClient | None,
        now: float,
    ) -> str:
        if not targets:
            raise WrongState(f"no address for {uri} is known: look it up first")
        if len(self._open) >= MOST:
            raise TooMany(f"{MOST} unanswered OPTIONS at once is the limit: ask less often")
        ping = _Ping(self._core.random(16), now)
        self._open[ping.id] = ping
        request = self._request(uri, from_.with_tag(ping.id), route, targets[0])
        ping.client = ClientRequest(
            self._core, request, targets, lambda result, at: self._result(ping, result, at), digest=digest
        )
        ping.client.send(now)
        return ping.id

    def _request(self, uri: Uri, from_: NameAddr, route: Sequence[NameAddr], to: Address) -> Request:
        headers = Headers([("Route", str(each)) for each in route])
        for name, value in (
            ("Max-Forwards", "70"),
            ("From", str(from_)),
            ("To", f"<{uri}>"),
            ("Call-ID", self._core.random(32)),
            ("CSeq", "1 OPTIONS"),
            ("Contact", self._core.contact(to.transport, from_.uri.user)),
            ("Accept", ", ".join(self._core.config.accept)),
            ("Supported", self._core.supported),
            ("User-Agent", self._core.config.user_agent),
        ):
            headers.add(name, value)
        return Request("OPTIONS", uri, headers)

    def _result(self, ping: _Ping, result: Response | SipError, now: float) -> None:
        if isinstance(result, Response) and result.status < 200:
            return
        self._open.pop(ping.id, None)
        by = ping.client.peer if ping.client is not None and ping.client.transaction is not None else None
        ping.client = None  # which holds us
        if isinstance(result, Response):
            told = Headers((name, value) for name, value in result.headers.items() if name in TOLD)
            status, reason = result.status, result.reason
        else:
            told, status, reason = Headers(), None, str(result)
        self._core.events.append(OptionsAnswered(ping.id, status, reason, now - ping.sent, told, by))
