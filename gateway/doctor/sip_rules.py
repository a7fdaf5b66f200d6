"""Rules about messages: calls that do not come about, and dialogs that break."""

from __future__ import annotations

from .facts import CallFacts
from .leg import LegFacts
from .rules import Rule, capital, failed_with

REPEATS = 3
"""Repeats of a 200 that one lost packet does not explain."""
ALL_OF_T1 = 32
"""Seconds that a request may go unanswered (64*T1, RFC 3261 section 17.1.1.2)."""


def _ack_lost(call: CallFacts, leg: LegFacts) -> str | None:
    sip = leg.sip
    if leg.called or sip.acked or sip.our_oks < REPEATS or failed_with(call, leg, "cancelled"):
        return None
    return (
        f"The answer to {leg.who} was never acknowledged (lost ACK): our 200 OK went out {sip.our_oks} times to "
        f"{sip.remote} and no ACK came. The phone or a proxy cannot send to the Contact of our answer: set "
        "advertised in [sip] to the address that phones reach this gateway by, and switch SIP ALG off in routers."
    )


def _ack_unheard(call: CallFacts, leg: LegFacts) -> str | None:
    if not leg.called or leg.sip.their_oks <= REPEATS:
        return None
    return (
        f"{capital(leg.who)} answered {leg.sip.their_oks} times although each answer was acknowledged: our ACK does "
        "not reach the Contact of its answer. Set its external address in the phone or PBX, and switch SIP ALG off "
        "in routers."
    )


def _dialog_lost(call: CallFacts, leg: LegFacts) -> str | None:
    if not failed_with(call, leg, "dialog-lost"):
        return None
    who = capital(leg.who)
    return f"{who} no longer knew this call (481): it was restarted, or has lost it. Look into its log at this time."


def _bad_sdp(call: CallFacts, leg: LegFacts) -> str | None:
    if not failed_with(call, leg, "bad-sdp"):
        return None
    why = f" {leg.left.words}" if leg.left and leg.left.words else ""
    return f"The media description (SDP) of {leg.who} could not be understood.{why} See the trace of this call."


def _no_route(call: CallFacts) -> str | None:
    if call.ending is None or call.ending.cause != "unknown-number" or call.targets:
        return None
    return (
        f"No route: nothing in [[routes]] and no user's extension matches {call.dialled}, dialled by {call.caller}. "
        f"Add a route; `tandem route --from {call.caller or 'X'} --to {call.dialled}` shows which rules were tried."
    )


def _nobody_there(call: CallFacts) -> str | None:
    rang = any(leg.called for leg in call.legs.values())
    if call.ending is None or call.ending.cause != "not-registered" or rang or not call.targets:
        return None
    return (
        f"{', '.join(call.targets)} cannot be called: no phone is registered there and no page is signed in. Sign "
        "in, or give the route an on_unreachable."
    )


def _stranger(call: CallFacts) -> str | None:
    caller = next((leg for leg in call.parties if not leg.called), None)
    if call.ending is None or call.ending.cause != "forbidden" or caller is None or caller.user is not None:
        return None
    if any(leg.called for leg in call.legs.values()):
        return None
    whom = f"trunk {call.trunk}" if call.trunk else "a stranger: nobody who has signed in"
    return (
        f"This gateway refused the call to {call.dialled}: {call.caller} is {whom}, and no route lets such callers "
        "there. Let the phone sign in with user and password, or set from_trunks in the route."
    )


def _loop(call: CallFacts) -> str | None:
    if call.ending is None or call.ending.cause != "loop":
        return None
    return (
        f"The call was forwarded in a circle ({' -> '.join(call.routes) or call.dialled}). Look at on_busy, "
        "on_no_answer and on_unreachable of these routes, and at forwards in the PBX that lead back here."
    )


def _full(call: CallFacts) -> str | None:
    words = {
        "full": "This gateway carries as many calls as it may: raise max_calls, max_calls_per_user or call_rate.",
        "no-media-ports": "No free media port was left: widen rtp_ports in [media], two for each phone in a call.",
    }
    return None if call.ending is None else words.get(call.ending.cause)


SIGNALING = (
    Rule(
        "ack-lost", "error", "Our 200 OK was repeated and never acknowledged; the call ends after 32 s.",
        "Set `advertised` in `[sip]`; switch SIP ALG off in routers.",
        of_leg=_ack_lost, explains=("one-way-audio", "no-media", "media-stopped"),
    ),
    Rule(
        "ack-not-arriving", "error", "The other side repeats its answer: our ACK does not reach it.",
        "Set the external address in the phone or PBX; switch SIP ALG off in routers.",
        of_leg=_ack_unheard,
    ),
    Rule(
        "dialog-lost", "error", "The other side answered 481 in mid-call: it was restarted.",
        "Look into its log.", of_leg=_dialog_lost,
    ),
    Rule(
        "bad-sdp", "error", "The other side's SDP could not be understood.",
        "See the trace; report it to the vendor.", of_leg=_bad_sdp,
    ),
    Rule(
        "no-route", "error", "No route and no extension matches the number.",
        "Add a route; `tandem route` shows which were tried.", of_call=_no_route,
    ),
    Rule(
        "nobody-registered", "error", "The user exists, but no phone and no page of theirs is connected.",
        "Sign in, or set `on_unreachable`.", of_call=_nobody_there,
    ),
    Rule(
        "stranger-refused", "error", "A caller who has not signed in, or a trunk, wants where only users may call.",
        "Let the phone sign in, or set `from_trunks` in the route.", of_call=_stranger,
    ),
    Rule(
        "forwarding-loop", "error", "Forwards lead back to where they began.",
        "Look at `on_busy`, `on_no_answer`, `on_unreachable`, and at the PBX's forwards.", of_call=_loop,
    ),
    Rule(
        "gateway-full", "error", "A limit of this gateway was reached.",
        "Raise the limits in `[calls]`, or widen `rtp_ports` in `[media]`.", of_call=_full,
    ),
)  # fmt: skip
