"""Rules about pages: microphone, loudspeaker, and the way their audio takes (ICE)."""

from __future__ import annotations

from .addresses import WORDS, kind, out_of_reach
from .facts import CallFacts
from .leg import LegFacts
from .media_rules import PATIENCE, SILENT_LEVELS
from .rules import LegPredicate, Rule, capital, failed_with

DIGITAL_SILENCE = -90.0
"""dBov: less than a microphone in a quiet room gives, even behind the browser's noise suppression."""
_MUTE = ("one-way-audio", "far-end-silence", "no-media", "microphone-missing")


def _told(code: str, words: str) -> LegPredicate:
    """The page reported it itself."""

    def predicate(call: CallFacts, leg: LegFacts) -> str | None:
        detail = leg.reports.get(code)
        if leg.kind != "browser" or detail is None:
            return None
        return capital(words.format(who=leg.who, detail=f" ({detail})" if detail else ""))

    return predicate


def _missing(call: CallFacts, leg: LegFacts) -> str | None:
    if leg.kind != "browser":
        return None
    detail = leg.reports.get("microphone-missing")
    listens = (
        leg.theirs is not None and leg.theirs.direction in ("recvonly", "inactive") and call.answered_at is not None
    )
    if detail is None and not listens:
        return None
    return (
        f"{capital(leg.who)} has no microphone in this call{f' ({detail})' if detail else ''}: it could only listen. "
        "Plug one in, or choose one in the page's settings, then call again."
    )


def _silent(call: CallFacts, leg: LegFacts) -> str | None:
    if leg.kind != "browser":
        return None
    figures = leg.figures
    measured = figures.levels >= SILENT_LEVELS and figures.loudest <= DIGITAL_SILENCE and bool(call.others(leg))
    if "microphone-silent" not in leg.reports and not measured:
        return None
    return (
        f"The microphone of {leg.who} gave nothing but silence. Look at its mute key and at the system's sound "
        "settings, or choose another in the page's settings."
    )


def _turn(call: CallFacts, leg: LegFacts) -> str | None:
    detail = leg.reports.get("turn-unreachable")
    if detail is None or leg.connected:
        return None  # it got through without
    return (
        f"{capital(leg.who)} could not reach the TURN server ({detail or 'no details'}), and no other way for its "
        "audio was found. See whether that server runs, whether its address in urls of [turn] is right from "
        "outside, and whether the network lets UDP and TCP to it through."
    )


def _turn_refused(call: CallFacts, leg: LegFacts) -> str | None:
    detail = leg.reports.get("turn-refused")
    if detail is None or leg.connected:
        return None
    return (
        f"The TURN server did not accept the credentials of {leg.who} ({detail or 'no details'}), and no other way "
        "for its audio was found. Give secret in [turn] and the server's static-auth-secret the same value, see "
        "that both clocks are right, and that a page which was open for longer than ttl has been reloaded."
    )


def _ice(call: CallFacts, leg: LegFacts) -> str | None:
    if leg.kind != "browser" or leg.connected:
        return None
    given_up = "ice-failed" in leg.reports or failed_with(call, leg, "media-transport-failed")
    if not given_up and leg.expected(call.now) < 2 * PATIENCE:
        return None
    ours = [host for _, host in leg.ours.candidates] if leg.ours else []
    where = f" It was told to send to {', '.join(ours[:3])}." if ours else ""
    return (
        f"No way was found for the audio of {leg.who} (ICE).{where} Let UDP to webrtc_port of [media] through, set "
        "webrtc_advertised to the address that browsers reach this gateway by, or offer a TURN server in [turn]."
    )


def _advertised(call: CallFacts, leg: LegFacts) -> str | None:
    """All that we told a page is out of its reach; its own candidates, where it sent any, say where it is."""
    if _ice(call, leg) is None or leg.ours is None or leg.theirs is None:
        return None
    ours = [host for _, host in leg.ours.candidates]
    theirs = [host for typ, host in leg.theirs.candidates if typ in ("srflx", "host") and kind(host) == "public"]
    if not ours or not theirs or not all(out_of_reach(o, t) for o in ours for t in theirs):
        return None
    return (
        f"No way was found for the audio of {leg.who}: our SDP gave it {ours[0]}, {WORDS[kind(ours[0])]} that it "
        f"cannot reach from {theirs[0]}. Set webrtc_advertised in [media]."
    )


def _dropped(call: CallFacts, leg: LegFacts) -> str | None:
    if (
        leg.kind != "browser"
        or not leg.connected
        or not failed_with(call, leg, "media-transport-failed", "media-timeout")
    ):
        return None
    return (
        f"The media connection to {leg.who} was up and broke ({max(1, leg.drops)} times), and did not come back. Its "
        "network changed or is very weak, or a firewall closed the stream."
    )


def _lost(call: CallFacts, leg: LegFacts) -> str | None:
    if leg.kind != "browser" or not failed_with(call, leg, "browser-lost"):
        return None
    return (
        f"{capital(leg.who)} lost its connection to the gateway and did not come back in time: the page was closed, "
        "the computer slept, or its network is gone. A longer resume_window in [browser] waits longer."
    )


BROWSER = (
    Rule(
        "microphone-denied", "error", "The person or the browser's policy refused the microphone.",
        "Allow it with the symbol beside the address bar; open the page by https.",
        of_leg=_told(
            "microphone-denied",
            "{who} was not allowed to use the microphone{detail}. Allow it with the microphone or lock symbol "
            "beside the address bar (the page has to be opened by https), then call again.",
        ),
        explains=_MUTE,
    ),
    Rule(
        "microphone-busy", "error", "The microphone is there but cannot be opened.",
        "Close the program that uses it.",
        of_leg=_told(
            "microphone-busy",
            "The microphone could not be opened by {who}{detail}: another program may be using it. Close that, then "
            "call again.",
        ),
        explains=_MUTE,
    ),
    Rule(
        "microphone-missing", "warning", "The browser has no microphone, or joined only to listen.",
        "Plug one in or choose one in the page's settings.",
        of_leg=_missing, explains=("one-way-audio", "far-end-silence", "no-media"),
    ),
    Rule(
        "microphone-silent", "warning", "The microphone gave nothing but silence.",
        "Look at its mute key and the system's sound settings.",
        of_leg=_silent, explains=("one-way-audio", "far-end-silence"),
    ),
    Rule(
        "turn-unreachable", "error", "The browser cannot reach the TURN server, and has no other way.",
        "See whether it runs, whether `urls` in `[turn]` is right from outside, and whether the network lets it "
        "through.",
        of_leg=_turn, explains=("ice-failed", "webrtc-address-unreachable", "one-way-audio", "no-media"),
    ),
    Rule(
        "turn-refused", "error", "The TURN server does not accept the credentials that the browser was given.",
        "Give the gateway and the server the same secret; mind both clocks.",
        of_leg=_turn_refused, explains=("ice-failed", "webrtc-address-unreachable", "one-way-audio", "no-media"),
    ),
    Rule(
        "webrtc-address-unreachable", "error", "Our candidates name addresses that the browser cannot reach.",
        "Set `webrtc_advertised` in `[media]`.",
        of_leg=_advertised, explains=("ice-failed", "one-way-audio", "no-media"),
    ),
    Rule(
        "ice-failed", "error", "No way was found between browser and gateway.",
        "Let UDP to `webrtc_port` through, set `webrtc_advertised`, or offer a TURN server.",
        of_leg=_ice, explains=("one-way-audio", "no-media"),
    ),
    Rule(
        "media-connection-lost", "error", "The browser's media connection broke and did not come back.",
        "Look at its network; raise UDP timeouts in the firewall.",
        of_leg=_dropped, explains=("media-stopped",),
    ),
    Rule(
        "browser-lost", "error", "The page was closed, slept or lost its network for longer than the resume window.",
        "Nothing, or a longer `resume_window` in `[browser]`.",
        of_leg=_lost, explains=("media-stopped", "media-connection-lost"),
    ),
)  # fmt: skip
