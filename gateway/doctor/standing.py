"""What is wrong beside calls: trunks that cannot register, phones that do not know their password. Pure, bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

from signaling.sip.errors import BadMessage
from signaling.sip.message import Request, Response, parse_message

from .rules import Verdict

V = TypeVar("V")
MOST_PHONES = 256
REFUSED = (401, 403, 407)
SILENT = (408, 503)


class Standing:
    """The present state; a success takes its verdict back."""

    def __init__(self) -> None:
        self._trunks: dict[str, Verdict] = {}
        self._phones: OrderedDict[str, Verdict] = OrderedDict()
        self._tries: OrderedDict[str, tuple[str, int]] = OrderedDict()
        """Call-ID -> the phone that gave credentials, and how often they were refused."""

    def verdicts(self) -> dict[str, Verdict]:
        """By whom it is about: "trunk:office", "phone:101@192.0.2.7"."""
        return {**self._trunks, **self._phones}

    def registration(self, trunk: str, state: str, status: int, reason: str) -> None:
        """How a registration of ours stands: `signaling.sip.registration.RegistrationChanged`."""
        if state == "failed":
            self._trunks[f"trunk:{trunk}"] = _registration(trunk, status, reason)
        elif state != "registering":
            self._trunks.pop(f"trunk:{trunk}", None)

    def message(self, data: bytes, inbound: bool, host: str) -> None:
        """One SIP message outside our own calls: phones that register or call, with their credentials."""
        try:
            message = parse_message(data)
        except BadMessage:
            return
        if message.cseq.method not in ("REGISTER", "INVITE"):
            return
        if isinstance(message, Request):
            if inbound and any(message.headers.get(n) for n in ("Authorization", "Proxy-Authorization")):
                user = (message.to if message.method == "REGISTER" else message.from_).uri.user or ""
                refusals = self._tries.pop(message.call_id, ("", 0))[1]
                _put(self._tries, message.call_id, (f"{user}@{host}", refusals))
        elif not inbound and message.call_id in self._tries:
            self._answered(message)

    def _answered(self, response: Response) -> None:
        phone, refusals = self._tries[response.call_id]
        challenges = (response.headers.get(n) or "" for n in ("WWW-Authenticate", "Proxy-Authenticate"))
        if response.status in REFUSED and not any("stale=true" in c.lower() for c in challenges):
            self._tries[response.call_id] = (phone, refusals + 1)
            _put(self._phones, f"phone:{phone}", _wrong(phone, refusals + 1))
        elif 180 <= response.status < 300:
            self._phones.pop(f"phone:{phone}", None)
            self._tries.pop(response.call_id, None)


def _put(into: OrderedDict[str, V], key: str, value: V) -> None:
    into[key] = value
    into.move_to_end(key)
    if len(into) > MOST_PHONES:
        into.popitem(last=False)


def _wrong(phone: str, times: int) -> Verdict:
    return Verdict(
        "phone-wrong-password", "error",
        f"The phone {phone} gave a wrong user name or password ({times} times). Correct them in the phone: user and "
        "password as in [[users]], the domain or realm as in [sip].",
    )  # fmt: skip


def _registration(trunk: str, status: int, reason: str) -> Verdict:
    said = f"{status} {reason}".strip()
    if status in REFUSED:
        return Verdict(
            "wrong-password", "error",
            f"Trunk {trunk} cannot register: the PBX does not accept user and password ({said}). Correct user, "
            "auth_user, password or realm of the trunk.",
        )  # fmt: skip
    if status in SILENT:
        return Verdict(
            "pbx-unreachable", "error",
            f"Trunk {trunk} cannot register: the PBX does not answer ({said}). See whether it runs, whether server "
            "and transport are right, and whether a firewall lets SIP through. It is tried again by itself.",
        )  # fmt: skip
    return Verdict(
        "registration-refused", "error",
        f"Trunk {trunk} cannot register: the PBX says {said}. Look for this user in the PBX, and into its log.",
    )  # fmt: skip


STANDING_CODES = {
    "phone-wrong-password": "A phone registers or calls with credentials that are not right.",
    "registration-refused": "The PBX refuses the registration for another reason than the password.",
}
"""Codes that only this file says, and their causes."""
