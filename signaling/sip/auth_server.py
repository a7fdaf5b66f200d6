"""Challenging and checking who calls or registers (RFC 3261 22, RFC 7616, RFC 8760).

A nonce is a time stamp, a serial number and a keyed hash of both: nothing is stored for a challenge that is never
answered. Once used, its counts are kept (bounded), so that no answer is good twice. A right answer to an old nonce is
told `stale`, upon which a phone tries again by itself; a wrong one is not, upon which it asks its owner. Wrong answers
are counted by user and source; whoever goes on gets refused unheard for a while.

The seal covers the host that was challenged. An answer to a nonce that we did not give to that host (forged, from
before a restart, from a phone that has moved) is not looked into: it is told `stale` (RFC 7616 3.3) whatever the
password, so it can neither try passwords nor, from an invented address, lock out the user who lives there.

Only MD5 is offered unless told otherwise, as PBXs do: phones (all built on libre, baresip among them) give up at the
sight of a second algorithm that they do not know, whatever RFC 8760 2.4 says about passing it over.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from signaling.sip.digest import ALGORITHMS, Proof, format_fields, parse_fields
from signaling.sip.message import Request

_MOST_NONCES = 20_000
_MOST_CULPRITS = 4096
_WINDOW = 64  # nonce counts may overtake each other by so many on UDP
_NEEDED = ("username", "nonce", "uri", "response")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who it is (None: nobody we know), whether only the nonce was too old, and the reason in words for the log."""

    user: str | None
    stale: bool = False
    reason: str = ""
    blocked: bool = False  # too many wrong answers: a 403, not one more challenge
    foreign: bool = False  # the nonce is none that we gave to this sender


@dataclass(slots=True)
class _Used:
    issued: float
    highest: int = 0
    seen: int = 0  # bit i: count highest - i was used


class DigestServer:
    """One realm's challenges. `secret` may be shared by processes and outlive restarts."""

    def __init__(
        self,
        realm: str,
        secret: bytes | str,
        algorithms: Sequence[str] = ("MD5",),
        nonce_ttl: float = 300.0,
        *,
        most_failures: int = 20,
        forgive_after: float = 60.0,
    ) -> None:
        unknown = [name for name in algorithms if name not in ALGORITHMS]
        if unknown or not algorithms:
            raise ValueError(f"digest algorithms {unknown}: choose from {', '.join(ALGORITHMS)}")
        self.realm = realm
        self.failures = 0  # wrong answers since the start
        self._secret = secret.encode() if isinstance(secret, str) else secret
        self._algorithms = tuple(algorithms)
        self._ttl = nonce_ttl
        self._most_failures, self._forgive_after = most_failures, forgive_after
        self._serial = 0
        self._used: OrderedDict[str, _Used] = OrderedDict()
        self._floor = float("-inf")  # nonces issued up to then have been forgotten: they count as stale
        self._culprits: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def challenge(self, now: float, stale: bool = False, source: str = "") -> list[str]:
        """One header value per algorithm, the strongest first (RFC 8760 2.3). `source`: the host that is challenged."""
        nonce = self._nonce(now, source)
        fields = [{"realm": self.realm, "nonce": nonce, "algorithm": name, "qop": "auth"} for name in self._algorithms]
        return [_challenge_text(each, stale) for each in fields]

    def verify(
        self,
        request: Request,
        lookup: Callable[[str], str | None],
        now: float,
        proxy: bool = False,
        source: str = "",
        canonical: Callable[[str], str | None] = str,
    ) -> Verdict:
        """Check the credentials in a request; `lookup` gives a user's password, `source` the sender's host.

        `canonical`: whose name it is, so that guesses at one account count together, however it is spelt.
        """
        fields = self._ours(request, "Proxy-Authorization" if proxy else "Authorization")
        if fields is None:
            return Verdict(None, reason="no credentials for this realm")
        missing = [name for name in _NEEDED if not fields.get(name)]
        if missing:
            return Verdict(None, reason=f"credentials without {', '.join(missing)}")
        issued = self._issued(fields["nonce"], source)
        if issued is None:
            words = "the nonce is not one that was given to this sender"
            return Verdict(None, stale=True, reason=words, foreign=True)
        culprit = (source, canonical(fields["username"]) or fields["username"])
        if source and self._is_blocked(culprit, now):
            return Verdict(
                None, reason=f"too many wrong answers for {fields['username']!r} from {source}", blocked=True
            )
        wrong = self._wrong(fields, request, lookup)
        if wrong:
            self._blame(culprit, now)
            return Verdict(None, reason=wrong)
        old = self._old(fields, issued, now)
        if old:
            return Verdict(None, stale=True, reason=old)
        self._culprits.pop(culprit, None)
        return Verdict(fields["username"])

    def _ours(self, request: Request, header: str) -> dict[str, str] | None:
        for value in request.headers.all(header):
            for scheme, fields in parse_fields(value):
                if scheme == "digest" and fields.get("realm") == self.realm:
                    return fields
        return None

    def _wrong(self, fields: dict[str, str], request: Request, lookup: Callable[[str], str | None]) -> str:
        """Why the hash is not right; "" when it is.

        The `uri` field may differ from the Request-URI: proxies rewrite that one.
        """
        algorithm = (fields.get("algorithm") or "MD5").upper()
        if algorithm.removesuffix("-SESS") not in self._algorithms:
            return f"algorithm {algorithm[:20]!r} was not offered"
        qop = fields.get("qop", "").lower()
        if qop not in ("", "auth") or (qop and not (fields.get("nc") and fields.get("cnonce"))):
            return f"qop {qop[:20]!r} was not offered, or its nc or cnonce is missing"
        password = lookup(fields["username"])
        proof = Proof(
            fields["username"], self.realm, fields["nonce"], request.method, fields["uri"], qop,
            fields.get("nc", ""), fields.get("cnonce", ""), request.body, algorithm.endswith("-SESS"),
        )  # fmt: skip
        expected = proof.hashed(algorithm.removesuffix("-SESS"), password or "")
        same = hmac.compare_digest(expected.encode(), fields["response"].lower().encode("utf-8", "surrogateescape"))
        if password is None:
            return f"no user {fields['username'][:40]!r}"  # found out after the same work as for a wrong password
        return "" if same else f"wrong password for {fields['username'][:40]!r}"

    def _nonce(self, now: float, source: str) -> str:
        self._serial += 1
        stamp = f"{int(now * 1000):x}-{self._serial:x}"
        return f"{stamp}-{self._seal(stamp, source)}"

    def _seal(self, stamp: str, source: str) -> str:
        return hmac.new(self._secret, repr((self.realm, source, stamp)).encode(), "sha256").hexdigest()[:32]

    def _issued(self, nonce: str, source: str) -> float | None:
        """When we gave it to `source`; None when we did not."""
        stamp, _, seal = nonce.rpartition("-")
        if not nonce.isascii() or not hmac.compare_digest(seal, self._seal(stamp, source)):
            return None
        return int(stamp.partition("-")[0], 16) / 1000

    def _old(self, fields: dict[str, str], issued: float, now: float) -> str:
        """Why a right answer is too late; "" when it is good, and then it is used up."""
        if not -1.0 <= now - issued <= self._ttl or issued <= self._floor:
            return "the nonce has expired"
        count = _hex(fields.get("nc", "")) if fields.get("qop") else 1  # without qop a nonce is good once
        if count is None or not self._use(fields["nonce"], issued, count, now):
            return "the nonce count was used before"
        return ""

    def _use(self, nonce: str, issued: float, count: int, now: float) -> bool:
        used = self._used.get(nonce)
        if used is None:
            used = self._used[nonce] = _Used(issued)
            self._forget(now)
        ahead = count - used.highest
        if ahead > 0:
            used.seen = ((used.seen << min(ahead, _WINDOW)) | 1) & ((1 << _WINDOW) - 1)
            used.highest = count
            return True
        if -ahead >= _WINDOW or used.seen >> -ahead & 1:
            return False
        used.seen |= 1 << -ahead
        return True

    def _forget(self, now: float) -> None:
        while self._used:
            nonce, oldest = next(iter(self._used.items()))
            if len(self._used) <= _MOST_NONCES and now - oldest.issued <= self._ttl:
                return
            if len(self._used) > _MOST_NONCES:
                self._floor = max(self._floor, oldest.issued)
            del self._used[nonce]

    def _is_blocked(self, culprit: tuple[str, str], now: float) -> bool:
        failures, latest = self._culprits.get(culprit, (0, now))
        if now - latest > self._forgive_after:
            self._culprits.pop(culprit, None)
            return False
        return failures >= self._most_failures

    def _blame(self, culprit: tuple[str, str], now: float) -> None:
        self.failures += 1
        failures, _ = self._culprits.pop(culprit, (0, now))
        self._culprits[culprit] = (failures + 1, now)
        if len(self._culprits) > _MOST_CULPRITS:
            self._culprits.popitem(last=False)


def _challenge_text(fields: dict[str, str], stale: bool) -> str:
    text = format_fields({name: value for name, value in fields.items() if name != "qop"})
    return f'{text}, qop="{fields["qop"]}"' + (", stale=true" if stale else "")  # here qop is a quoted list


def _hex(text: str) -> int | None:
    try:
        return int(text, 16) if 0 < len(text) <= 8 else None
    except ValueError:
        return None
