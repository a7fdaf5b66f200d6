"""Rules about being refused by a PBX, or not being heard by it: passwords, caller ids, outages."""

from __future__ import annotations

from .facts import CallFacts
from .leg import LegFacts
from .rules import Rule, capital, failed_with
from .sip_rules import ALL_OF_T1

CALLER_CHOICE = ("busy", "declined", "no-answer", "cancelled", "answered-elsewhere")


def _refused_by(leg: LegFacts, *statuses: int) -> bool:
    """It gave this final answer to our call."""
    status = leg.sip.status or (leg.left.status if leg.left is not None else 0)
    return leg.called and leg.kind == "sip" and leg.left is not None and not leg.up and status in statuses


def _password(call: CallFacts, leg: LegFacts) -> str | None:
    sip = leg.sip
    if not _refused_by(leg, 401, 403, 407) or not sip.refusals:
        return None
    key = f"password (and auth_user, realm) of trunk {leg.trunk}" if leg.trunk else "password of the trunk"
    return (
        f"Wrong password: {leg.who} asked for credentials, got them and asked again ({sip.status} {sip.reason}, "
        f"{sip.challenges + sip.refusals} times). Correct {key}."
    )


def _no_credentials(call: CallFacts, leg: LegFacts) -> str | None:
    sip = leg.sip
    if not _refused_by(leg, 401, 407) or sip.authorized or not sip.challenges:
        return None
    return (
        f"{capital(leg.who)} asks for a user name and password ({sip.status or 401} {sip.reason or 'Unauthorized'}), "
        "and none is configured for it. Call it by a trunk with user and password."
    )


def _caller_id(call: CallFacts, leg: LegFacts) -> str | None:
    registered, said = call.setup.trunk_users.get(leg.trunk, ""), leg.sip.from_user
    if not _refused_by(leg, 403) or leg.sip.refusals or not registered or not said or said == registered:
        return None
    return (
        f"403 by {leg.who}: the From user {said} is not the registered one, {registered}. Set caller_id of trunk "
        f"{leg.trunk} to "
        '"pai" or "rpid" (From is then the registered user), or leave caller_number empty.'
    )


def _forbidden(call: CallFacts, leg: LegFacts) -> str | None:
    if not _refused_by(leg, 403):
        return None
    return (
        f"{capital(leg.who)} forbids this call (403 {leg.sip.reason or 'Forbidden'}). Its rules for this line, "
        "number or caller id do not allow it; if it does not say so of every call, ask who runs it, else look at "
        "user and password."
    )


def _unreachable(call: CallFacts, leg: LegFacts) -> str | None:
    gone = failed_with(call, leg, "timeout", "unreachable")
    sip = leg.sip
    if not leg.called or leg.kind != "sip" or not gone or sip.answers or leg.up or leg.left is None:
        return None
    if sip.attempts:
        asked = f"no answer to {sip.invites} INVITEs" + (f" to {sip.remote}" if sip.remote else "")
        within = f" within {ALL_OF_T1} s" if leg.left.cause == "timeout" else ""
    else:
        asked, within = leg.left.words.rstrip(".") or "it cannot be called", ""
    key = f"server and transport of trunk {leg.trunk}" if leg.trunk else "its address"
    return (
        f"{capital(leg.who)} is unreachable: {asked}{within}. See whether it runs, whether {key} are right, and "
        "whether a firewall lets SIP through."
    )


def _error(call: CallFacts, leg: LegFacts) -> str | None:
    if not _refused_by(leg, *range(500, 600)) or not leg.sip.answers:
        return None
    return (
        f"{capital(leg.who)} failed inside: it answered {leg.sip.status} {leg.sip.reason}. Look into its log at this "
        "time; a second server in servers of the trunk takes over when one fails."
    )


def _number(call: CallFacts, leg: LegFacts) -> str | None:
    if not leg.trunk or not _refused_by(leg, 404, 484, 604):
        return None
    number = leg.address.partition("/")[2]
    return (
        f"{capital(leg.who)} does not know the number {number} ({leg.sip.status or 404}). If it should, give the "
        "trunk the rewrite it expects (called_out), for example with or without the outside prefix or +."
    )


TRUNKS = (
    Rule(
        "wrong-password", "error", "The PBX asked for credentials twice: it did not accept ours.",
        "Correct `password`, `auth_user` or `realm` of the trunk.",
        of_leg=_password, explains=("forbidden",),
    ),
    Rule(
        "no-credentials", "error", "The PBX asks for credentials, and there are none for it.",
        "Call it by a trunk with `user` and `password`.", of_leg=_no_credentials,
    ),
    Rule(
        "caller-id-refused", "error", "The PBX takes calls of its registered user only, and From named another.",
        "Set `caller_id` of the trunk.", of_leg=_caller_id, explains=("forbidden",),
    ),
    Rule(
        "forbidden", "error", "The PBX does not allow this call (403).",
        "Look at its rules for this line and number.", of_leg=_forbidden,
    ),
    Rule(
        "pbx-unreachable", "error", "Nothing came back from the phone or PBX: down, wrong address, or a firewall.",
        "See whether it runs; check `server` and `transport` of the trunk.", of_leg=_unreachable,
    ),
    Rule(
        "pbx-error", "error", "The PBX answered with a failure of its own (5xx).", "Look into its log.", of_leg=_error,
    ),
    Rule(
        "number-refused", "error", "The PBX does not know the number as it was sent.",
        "Rewrite it with `called_out` of the trunk.", of_leg=_number,
    ),
)  # fmt: skip
