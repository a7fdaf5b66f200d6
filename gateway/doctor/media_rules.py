"""Rules about the way of the audio: who sends what from where, and how well it arrives."""

from __future__ import annotations

from .addresses import WORDS, host_of, kind, out_of_reach
from .facts import BAD_JITTER, BAD_LOSS, BAD_RTT, CallFacts
from .leg import LegFacts
from .rules import Rule, capital, failed_with

PATIENCE = 4.0
"""Seconds without a packet after which one may speak of silence: shorter calls are not judged."""
STOPPED = 10.0
"""Seconds; phones that suppress silence also pause, but come back."""
ENOUGH = 250
"""Packets, five seconds of them: fewer make no percentage."""
OFTEN = 2
"""Bad measurements, one each few seconds: one alone is chance."""
SILENCE = -70.0
"""dBov. A-law has no zero: its quietest is -72."""
SILENT_LEVELS = 4
"""Moments of loudness, one each few seconds: people also listen."""
LOST = 0.03


def _unheard(call: CallFacts, leg: LegFacts) -> bool:
    """Its audio was due, and not one packet came."""
    return not leg.heard and leg.expected(call.now) >= PATIENCE


def _no_rtp(call: CallFacts, leg: LegFacts) -> str:
    return f"No RTP from {leg.who} in the {leg.expected(call.now):.0f} s since the answer"


def _their_address(call: CallFacts, leg: LegFacts) -> str | None:
    if leg.kind != "sip" or leg.theirs is None or leg.ours is None or not _unheard(call, leg):
        return None
    host, ours = leg.theirs.host, leg.ours.host
    if not host or not out_of_reach(host, ours):
        return None
    return (
        f"{_no_rtp(call, leg)}: its SDP gave {WORDS[kind(host)]}, {host}, that this gateway ({ours}) cannot reach. "
        "Set its external address (NAT, STUN) in the phone or PBX, or put the gateway into its network."
    )


def _our_address(call: CallFacts, leg: LegFacts) -> str | None:
    """We told an address that they cannot send to."""
    if not _unheard(call, leg) or leg.ours is None:
        return None
    ours = leg.ours.host
    them = [h for h in (host_of(leg.sip.remote), leg.theirs.host if leg.theirs else "") if h]
    far = next((h for h in them if kind(ours) == "unspecified" or out_of_reach(ours, h)), None)
    if leg.kind != "sip":
        return None
    if far is not None:
        why = f"{WORDS[kind(ours)]} that it cannot reach from {far}"
    elif ours == call.setup.rtp_advertised and kind(call.setup.rtp_host) == "loopback" and kind(ours) != "loopback":
        why = f"but rtp_host in [media] only listens on {call.setup.rtp_host}: nothing from outside can arrive"
    elif ours == call.setup.rtp_advertised != call.setup.rtp_host and not call.proven:
        why = "as rtp_advertised in [media] says, and no phone has been heard there since the gateway was started"
    else:
        return None
    return (
        f"{_no_rtp(call, leg)}: our SDP gave {ours}, {why}. Set rtp_advertised (and rtp_host) in [media] to the "
        "address that phones reach this gateway by, and let UDP to rtp_ports through the firewall."
    )


def _latched(call: CallFacts, leg: LegFacts) -> str | None:
    if leg.kind != "sip" or not leg.stated or not leg.source:
        return None
    stated, source = leg.stated, host_of(leg.source)
    if kind(stated) in ("name", "unspecified") or stated == source:
        return None
    if kind(stated) == kind(source) == "loopback":
        return None  # the same machine by another name
    return (
        f"The SDP of {leg.who} says {stated}, its packets come from {leg.source}: audio was latched onto that. Nothing "
        "needs to be done here; to have it right, set the external address (NAT, STUN) in the phone or PBX."
    )


def _one_way(call: CallFacts, leg: LegFacts) -> str | None:
    heard = [p for p in call.others(leg) if p.heard]
    if not _unheard(call, leg) or not heard or (leg.kind == "browser" and not leg.connected):
        return None
    other = heard[0]
    ports = "webrtc_port" if leg.kind == "browser" else "rtp_ports"
    return (
        f"One-way audio: {other.who} was heard, {leg.who} was not. {_no_rtp(call, leg)}. Let UDP from it to {ports} of "
        "[media] through firewall and NAT, and look whether it is muted or has no microphone."
    )


def _nobody(call: CallFacts) -> str | None:
    due = [p for p in call.parties if p.expected(call.now) >= PATIENCE and (p.kind == "sip" or p.connected)]
    if not due or any(p.heard for p in call.parties):
        return None
    names = " nor from ".join(p.who for p in due)
    return (
        f"No audio packet came from {names} since the answer. Let UDP to rtp_ports and webrtc_port of [media] "
        "through the firewall, and set rtp_advertised and webrtc_advertised where the gateway is behind NAT."
    )


def _stopped(call: CallFacts, leg: LegFacts) -> str | None:
    quiet = leg.silent_at_end
    gave_up = leg.heard and failed_with(call, leg, "media-timeout")
    if not leg.heard or not (gave_up or quiet >= STOPPED):
        return None
    seconds = f"for the last {quiet:.0f} s" if quiet else "in the end"
    return (
        f"The audio of {leg.who} came well, then stopped: no packet {seconds} of the call. Its network went away, a "
        "NAT or firewall forgot the stream, or it suppresses silence (switch that off: VAD, comfort noise)."
    )


def _silent(call: CallFacts, leg: LegFacts) -> str | None:
    figures = leg.figures
    if figures.levels < SILENT_LEVELS or figures.loudest > SILENCE or leg.kind != "sip" or not call.others(leg):
        return None
    return (
        f"{capital(leg.who)} sent {figures.packets_in} packets, but all of them silence (never above "
        f"{figures.loudest:.0f} dBov): its microphone is off or muted there, or the line behind it is dead."
    )


def _codecs(call: CallFacts, leg: LegFacts) -> str | None:
    if not failed_with(call, leg, "no-common-codec"):
        return None
    theirs = leg.theirs.codecs if leg.theirs else ()
    mine = ", ".join(leg.ours.codecs if leg.ours and leg.ours.codecs else call.setup.codecs) or "what [media] says"
    if leg.theirs and leg.theirs.security in ("SDES", "SRTP"):
        return (
            f"{capital(leg.who)} wants encrypted audio only (RTP/SAVP). Phones are spoken to in plain RTP here: switch "
            "SRTP off, or to optional, in the phone or PBX."
        )
    if theirs and not set(theirs) & set(leg.ours.codecs if leg.ours else call.setup.codecs):
        return (
            f"The two sides share no codec: {leg.who} offers {', '.join(theirs)} only, this gateway speaks {mine}. "
            "Enable one of these in the phone or PBX, or add one to codecs in [media]."
        )
    status = f" ({leg.sip.status} {leg.sip.reason})" if leg.sip.status else ""
    return (
        f"The two sides share no codec: {leg.who} refuses what this gateway offers{status}, which is {mine}. Enable "
        "one of these in the phone or PBX."
    )


def _loss_in(call: CallFacts, leg: LegFacts) -> str | None:
    f = leg.figures
    if f.packets_in < ENOUGH or f.loss_in < LOST:
        return None
    return (
        f"{f.loss_in:.1%} of the packets from {leg.who} were lost on the way ({f.lost_in} of "
        f"{f.packets_in + f.lost_in}). Look at its Wi-Fi or uplink, and give voice priority (DSCP EF)."
    )


def _loss_out(call: CallFacts, leg: LegFacts) -> str | None:
    f = leg.figures
    if f.packets_out < ENOUGH or f.lossy_out < OFTEN:
        return None
    return (
        f"{capital(leg.who)} lost up to {f.loss_out:.1%} of our packets (its RTCP reports, above {BAD_LOSS:.0%} in "
        f"{f.lossy_out} of {f.measured}). Look at its Wi-Fi or downlink, and give voice priority (DSCP EF)."
    )


def _jitter(call: CallFacts, leg: LegFacts) -> str | None:
    f = leg.figures
    if f.packets_in < ENOUGH or f.jittery < OFTEN:
        return None
    return (
        f"The packets of {leg.who} came unevenly: jitter up to {f.jitter_ms:.0f} ms (above {BAD_JITTER:.0f} ms in "
        f"{f.jittery} of {f.measured} measurements). Look for other traffic on its line, Wi-Fi or VPN."
    )


def _rtt(call: CallFacts, leg: LegFacts) -> str | None:
    f = leg.figures
    if f.far < OFTEN:
        return None
    return (
        f"The way to {leg.who} and back took up to {f.rtt_ms:.0f} ms (above {BAD_RTT:.0f} ms in {f.far} of "
        f"{f.measured} measurements): people talk over each other. Look for a VPN, a relay far away, or a full "
        "uplink."
    )


def _keys(call: CallFacts, leg: LegFacts) -> str | None:
    agreed = leg.ours is not None and leg.theirs is not None and leg.ours.keys and leg.theirs.keys
    if not agreed or not leg.sip.keys_by_info:
        return None
    return (
        f"{capital(leg.who)} sent {leg.sip.keys_by_info} keys by SIP INFO although RFC 4733 was agreed. They were "
        "passed on; set its DTMF mode to RFC 2833 / RFC 4733 so that keys keep their place in the audio."
    )


_SILENCES = ("one-way-audio", "no-media")

MEDIA = (
    Rule(
        "their-address-unreachable", "error",
        "The phone's or PBX's SDP names a private or loopback address that this gateway cannot send to; nothing "
        "came from it.",
        "Set the external address (NAT, STUN) in the phone or PBX, or put the gateway into its network.",
        of_leg=_their_address, explains=_SILENCES,
    ),
    Rule(
        "our-address-unreachable", "error",
        "Our SDP names an address that the other side cannot send to; nothing came from it.",
        "Set `rtp_advertised` in `[media]`.",
        of_leg=_our_address, explains=_SILENCES,
    ),
    Rule(
        "media-latched", "note",
        "The phone is behind NAT: its packets come from another address than its SDP says. They are heard all the "
        "same.",
        "Nothing. To have it right, set the external address in the phone or PBX.",
        of_leg=_latched,
    ),
    Rule(
        "one-way-audio", "error",
        "One side sends audio, the other never did.",
        "Let UDP to `rtp_ports` through firewall and NAT on the silent side; look for a muted or missing microphone.",
        of_leg=_one_way, explains=("no-media",),
    ),
    Rule(
        "no-media", "error",
        "The call was answered, but nobody's audio reached the gateway.",
        "Let UDP to `rtp_ports` and `webrtc_port` through; set `rtp_advertised` and `webrtc_advertised` behind NAT.",
        of_call=_nobody,
    ),
    Rule(
        "media-stopped", "error",
        "Audio came, then stopped for good: a network or NAT that went away, or silence suppression.",
        "Switch silence suppression off; raise UDP timeouts in the firewall.",
        of_leg=_stopped,
    ),
    Rule(
        "far-end-silence", "warning",
        "Packets came, but they held nothing but silence.",
        "Look at the microphone, mute key and headset of the other side, and at the line behind a PBX.",
        of_leg=_silent,
    ),
    Rule(
        "codec-mismatch", "error",
        "No codec is common to both sides, or one side wants encrypted audio only.",
        "Enable one of the codecs of `[media]` on the other side, or add one here.",
        of_leg=_codecs,
    ),
    Rule(
        "loss-in", "warning", "Over 3 % of the party's packets never came.",
        "Look at its network; prefer a cable to Wi-Fi.",
        of_leg=_loss_in,
    ),
    Rule(
        "loss-out", "warning",
        "The party reported (RTCP) to have lost over 5 % of our packets, more than once.",
        "Look at its network; prefer a cable to Wi-Fi.",
        of_leg=_loss_out,
    ),
    Rule(
        "jitter", "warning", "Packets came unevenly: over 60 ms of jitter, more than once.",
        "Look for other traffic on the line, Wi-Fi or a VPN.",
        of_leg=_jitter,
    ),
    Rule(
        "far-away", "warning", "The round trip took over 500 ms, more than once.",
        "Look for a VPN, a far relay, or a full uplink.",
        of_leg=_rtt,
    ),
    Rule(
        "dtmf-by-info", "note", "The phone sends keys by SIP INFO although RFC 4733 was agreed.",
        "Set its DTMF mode to RFC 2833 / RFC 4733.",
        of_leg=_keys,
    ),
)  # fmt: skip
