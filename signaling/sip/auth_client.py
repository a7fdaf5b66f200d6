"""Answering a digest challenge (RFC 3261 22.2 and 22.3, RFC 8760).

The client remembers the nonce of each realm, so that the next request can bring its answer along and save a round trip.
A realm that refuses an answer to its own fresh challenge has refused the password: asking again would only lock the
account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from signaling.sip.digest import Challenge, Proof, format_fields, parse_challenges, parse_fields
from signaling.sip.headers import CSeq
from signaling.sip.message import Request, Response

_PAIRS = (("WWW-Authenticate", "Authorization"), ("Proxy-Authenticate", "Proxy-Authorization"))
_MOST_REALMS = 8
_MOST_ROUNDS = 3  # a server that calls every nonce stale gets no endless chase


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and password, for one realm or (None) for whoever asks."""

    username: str
    password: str = field(repr=False)
    realm: str | None = None


@dataclass(slots=True)
class _Known:
    challenge: Challenge
    header: str
    count: int = 0


class DigestClient:
    """One user's answers to the challenges of servers and proxies. `random(n)` gives n hexadecimal digits."""

    def __init__(self, credentials: Credentials, random: Callable[[int], str]) -> None:
        self._credentials = credentials
        self._random = random
        self._known: dict[tuple[str, str], _Known] = {}
        self._rounds = 0

    def answer(self, response: Response, request: Request) -> Request | None:
        """`request` once more, with credentials and the next CSeq; None when it is refused or cannot be answered.

        The Via is left as it was: a new branch is the stack's to give.
        """
        chosen = self._chosen(response)
        if not chosen or not self._may_answer(chosen, request):
            return None
        for header, challenge in chosen:
            self._known[header, challenge.realm] = _Known(challenge, header)
        while len(self._known) > _MOST_REALMS:
            self._known.pop(next(iter(self._known)))
        again = Request(request.method, request.uri, request.headers.copy(), request.body)
        again.headers.set("CSeq", str(CSeq(request.cseq.number + 1, request.method)))
        self._put(again, [self._known[header, challenge.realm] for header, challenge in chosen])
        return again

    def attach(self, request: Request) -> None:
        """Bring the answer to known challenges along, unasked (22.2), where nonces may be used again (qop)."""
        reusable = [known for known in self._known.values() if known.challenge.qop]
        if reusable:
            self._put(request, reusable)

    def _chosen(self, response: Response) -> list[tuple[str, Challenge]]:
        """Per realm the strongest challenge that can be answered (RFC 8760 2.4); all realms that are ours."""
        best: dict[tuple[str, str], Challenge] = {}
        for asked, answered in _PAIRS:
            for challenge in parse_challenges(response.headers.all(asked)):
                key = (answered, challenge.realm)
                wanted = self._credentials.realm in (None, challenge.realm) and challenge.answerable
                if wanted and (key not in best or challenge.strength < best[key].strength):
                    best[key] = challenge
        return [(header, challenge) for (header, _), challenge in list(best.items())[:_MOST_REALMS]]

    def _may_answer(self, chosen: list[tuple[str, Challenge]], request: Request) -> bool:
        before = {(header, c.realm): _given(request, header, c.realm) for header, c in chosen}
        fresh = [key for key, given in before.items() if given is None or int(given.get("nc") or "1", 16) > 1]
        if len(fresh) == len(chosen):  # nothing was refused: first challenges, or answers attached to old nonces
            self._rounds = 0
            return True
        self._rounds += 1
        stale = all(c.stale or (header, c.realm) in fresh for header, c in chosen)
        return self._rounds <= _MOST_ROUNDS and (bool(fresh) or stale)

    def _put(self, request: Request, known: list[_Known]) -> None:
        for header in {each.header for each in known}:
            request.headers.remove(header)
        for each in known:
            each.count += 1
            request.headers.add(each.header, self._authorization(each, request))

    def _authorization(self, known: _Known, request: Request) -> str:
        challenge, user = known.challenge, self._credentials
        qop = next((word for word in ("auth", "auth-int") if word in challenge.qop), "")
        cnonce = self._random(16) if qop or challenge.session else ""
        nc = f"{known.count:08x}" if qop else ""
        uri = str(request.uri)
        proof = Proof(
            user.username, challenge.realm, challenge.nonce, request.method, uri, qop, nc, cnonce,
            request.body, challenge.session,
        )  # fmt: skip
        fields = {"username": user.username, "realm": challenge.realm, "nonce": challenge.nonce, "uri": uri}
        fields["response"] = proof.hashed(challenge.hash_name, user.password)
        optional = {
            "algorithm": challenge.algorithm,
            "cnonce": cnonce,
            "opaque": challenge.opaque,
            "qop": qop,
            "nc": nc,
        }
        return format_fields(fields | {name: value for name, value in optional.items() if value})


def _given(request: Request, header: str, realm: str) -> dict[str, str] | None:
    """The answer that `request` already carries for a realm."""
    for value in request.headers.all(header):
        for scheme, fields in parse_fields(value):
            if scheme == "digest" and fields.get("realm") == realm:
                return fields
    return None
