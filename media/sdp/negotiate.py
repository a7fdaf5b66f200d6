"""Offer and answer (RFC 3264): `make_answer` to their offer, `settle` with their answer to ours.

One audio section and one codec in it, so that nobody can change the codec in mid-call without a new offer. Our order of
codecs wins among what was offered; the payload types are the offerer's. Every other section is refused in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from media.errors import BadDescription, NoCommonCodec
from media.formats import Format
from media.sdp import build
from media.sdp import webrtc as browser
from media.sdp.build import make_offer
from media.sdp.direction import agreed, direction, sends, told
from media.sdp.grammar import Media, SessionDescription, parse
from media.sdp.payloads import TELEPHONE_EVENT, Payload, packet_time, payloads
from media.sdp.terms import Capabilities, LocalWebrtc, Negotiated, RemoteWebrtc, Slot

__all__ = [
    "Capabilities", "LocalWebrtc", "Negotiated", "RemoteWebrtc", "Slot", "make_answer", "make_offer", "settle",
]  # fmt: skip

_PLAIN = ("RTP/AVP", "RTP/AVPF")
_HELD = ("0.0.0.0", "::")
"""Addresses that mean hold (RFC 2543; RFC 3264 section 8.4) - except from a browser, where ICE says the address."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """The section and the codec that will be used."""

    slot: int
    media: Media
    format: Format
    payload: Payload
    event: Payload | None


def make_answer(
    offer: bytes,
    caps: Capabilities,
    *,
    session_id: int,
    version: int,
    host: str,
    port: int,
    direction: str = "sendrecv",
    webrtc: LocalWebrtc | None = None,
    rtcp_port: int | None = None,
) -> tuple[bytes, Negotiated]:
    """Return our answer and what is agreed by it. direction: what we would like; the offer may narrow it.

    Raises BadDescription for what cannot be understood, NoCommonCodec if nothing in it is for us.
    """
    description = parse(offer)
    choice = _choose(description, caps, webrtc)
    media, format, number = choice.media, choice.format, choice.payload.number
    remote = browser.read(description, media, answer=False) if webrtc else None
    host_port, theirs = _where(description, media, remote)
    ours = agreed(direction, theirs)
    mux = media.has("rtcp-mux")
    ptime = packet_time(media, format.encoding, caps.ptime)
    mid = media.get("mid")
    codecs = [(number, format.rtpmap, build.fmtp(format, webrtc))]
    codecs += [build.event(choice.event.number, choice.event.clock_rate)] if choice.event else []
    section = build.audio(
        codecs=codecs, host=host, port=port, protocol=media.protocol, direction=ours, ptime=ptime, webrtc=webrtc,
        setup=browser.answer_setup(remote, webrtc.setup) if webrtc and remote else "", mid=mid, rtcp_port=rtcp_port,
        rtcp_mux=mux,
    )  # fmt: skip
    slots = _slots(description)
    lines = build.head(session_id, version, host, webrtc, mid if _bundles(description, mid) else None)
    for index, slot in enumerate(slots):
        lines += section if index == choice.slot else build.refused(slot)
    return build.join(lines), Negotiated(
        format=format,
        payload_type=number,
        receive={number: format},
        telephone_event=choice.event.number if choice.event else None,
        telephone_event_rate=choice.event.clock_rate if choice.event else format.clock_rate,
        receive_events=frozenset([choice.event.number] if choice.event else []),
        ptime=ptime,
        direction=ours,
        fmtp=choice.payload.parameters,
        remote=host_port,
        remote_rtcp=_rtcp(media, host_port, mux),
        rtcp_mux=mux,
        webrtc=remote,
        meanings={number: format.rtpmap} | _meanings(payloads(media)),
        slots=slots,
        slot=choice.slot,
    )


def settle(our_offer: bytes, answer: bytes, caps: Capabilities) -> Negotiated:
    """Return what their answer makes of our offer.

    The codec to send is the first they list that we offered; what we offered and they took may come under our payload
    types, and under theirs where these mean nothing else to us (some send what they answered).
    """
    offered = parse(our_offer)
    slot, ours = next((i, m) for i, m in enumerate(offered.media) if m.kind == "audio" and m.port)
    description = parse(answer)
    media = _answered(description, slot, len(offered.media), plain=ours.protocol in _PLAIN)
    mine = payloads(ours)
    listed = _explained(payloads(media), mine)
    formats = [(p, f) for p in listed for f in caps.formats if p.is_(f)]
    if not formats:
        raise _no_common(listed, caps, "They answer")
    payload, format = formats[0]
    event = _event(listed, format) if caps.telephone_event else None
    remote = browser.read(description, media, answer=True) if ours.has("fingerprint") else None
    host_port, theirs = _where(description, media, remote)
    mux = media.has("rtcp-mux") and ours.has("rtcp-mux")
    taken = [f for _, f in formats]
    return Negotiated(
        format=format,
        payload_type=payload.number,
        receive=_receivable(mine, formats, taken),
        telephone_event=event.number if event else None,
        telephone_event_rate=event.clock_rate if event else format.clock_rate,
        receive_events=_receivable_events(mine, event) if event else frozenset(),
        ptime=packet_time(media, format.encoding, caps.ptime),
        direction=agreed(told(offered, ours), theirs),
        fmtp=payload.parameters,
        remote=host_port,
        remote_rtcp=_rtcp(media, host_port, mux),
        rtcp_mux=mux,
        webrtc=remote,
        meanings=_meanings([*mine, *listed]),
        slots=_slots(offered),
        slot=slot,
    )


# --- which section, which codec


def _choose(description: SessionDescription, caps: Capabilities, webrtc: LocalWebrtc | None) -> _Choice:
    """The first audio section we can take, and in it the first of OUR codecs. Raises NoCommonCodec with both lists."""
    seen: list[Payload] = []
    for slot, media in _usable(description, webrtc is not None):
        offered = payloads(media)
        for format in caps.formats:
            payload = next((p for p in offered if p.is_(format)), None)
            if payload is not None:
                return _Choice(slot, media, format, payload, _event(offered, format) if caps.telephone_event else None)
        seen += offered
    raise _no_common(seen, caps, "They offer")


def _usable(description: SessionDescription, webrtc: bool) -> list[tuple[int, Media]]:
    """Audio sections over a transport of ours. Raises NoCommonCodec that says what came instead."""
    # port 0 refuses, but a bundle-only section is meant (RFC 8843 section 6)
    active = [(i, m) for i, m in enumerate(description.media) if m.port or m.has("bundle-only")]
    spoken = [(i, m) for i, m in active if m.kind == "audio"]
    usable = [(i, m) for i, m in spoken if m.protocol.upper() in (browser.PROTOCOLS if webrtc else _PLAIN)]
    if usable:
        return usable
    if spoken:
        protocols = ", ".join(sorted({m.protocol for _, m in spoken}))
        wanted = browser.PROTOCOL if webrtc else "RTP/AVP; switch SRTP off or to optional there"
        raise NoCommonCodec(f"They offer audio over {protocols}, we take {wanted}.")
    kinds = ", ".join(f"{m.kind} ({m.protocol})" for _, m in active) or "nothing active"
    raise NoCommonCodec(f"They offer no audio but {kinds}.")


def _event(listed: Iterable[Payload], format: Format) -> Payload | None:
    """telephone-event at the codec's clock (RFC 4733 section 2.1), else at any: many list only 8000 beside Opus."""
    events = [p for p in listed if p.encoding == TELEPHONE_EVENT]
    return next(
        (p for p in events if p.clock_rate == format.clock_rate), next((p for p in events if p.clock_rate), None)
    )


def _no_common(theirs: Sequence[Payload], caps: Capabilities, they: str) -> NoCommonCodec:
    names = ", ".join(dict.fromkeys(p.name for p in theirs if p.encoding != TELEPHONE_EVENT)) or "nothing"
    ours = ", ".join(f.rtpmap for f in caps.formats)
    return NoCommonCodec(f"{they} {names}; we have {ours}. Allow one of these on the other side, or theirs here.")


def _answered(description: SessionDescription, slot: int, count: int, plain: bool) -> Media:
    """Our section in their answer."""
    if slot >= len(description.media):
        raise BadDescription(f"an answer with {len(description.media)} media sections to an offer with {count}")
    media = description.media[slot]
    if media.kind != "audio":
        raise BadDescription(f"an answer with {media.kind} where audio was offered")
    if plain and media.protocol.upper() not in _PLAIN:
        raise BadDescription(f"an answer over {media.protocol[:40]} to an offer over RTP/AVP")
    if not media.port:
        raise NoCommonCodec("The other side refused the audio (port 0).")
    return media


def _explained(listed: Iterable[Payload], ours: Iterable[Payload]) -> list[Payload]:
    """Their payload types; one without an rtpmap means what it meant in our offer."""
    meanings = {p.number: p for p in ours}
    return [p if p.encoding else meanings.get(p.number, p) for p in listed]


def _receivable(
    ours: Iterable[Payload], theirs: Iterable[tuple[Payload, Format]], taken: list[Format]
) -> dict[int, Format]:
    offered = list(ours)
    free = {p.number: f for p, f in theirs if p.number not in {q.number for q in offered}}
    return {p.number: f for p in offered for f in taken if p.is_(f)} | free


def _receivable_events(ours: Iterable[Payload], event: Payload) -> frozenset[int]:
    offered = list(ours)
    numbers = {p.number for p in offered if p.encoding == TELEPHONE_EVENT}
    return frozenset(numbers | ({event.number} - {p.number for p in offered}))


def _meanings(named: Iterable[Payload]) -> dict[int, str]:
    """First come, first kept."""
    meanings: dict[int, str] = {}
    for payload in named:
        meanings.setdefault(payload.number, payload.name)
    return meanings


# --- where to


def _where(
    description: SessionDescription, media: Media, webrtc: RemoteWebrtc | None
) -> tuple[tuple[str, int] | None, str]:
    """(where to send, their direction). On hold by address they receive nothing, whatever they say."""
    theirs = told(description, media)
    if webrtc is not None:
        return None, theirs
    host = media.host or description.session.host
    if host is None:
        raise BadDescription("no c= line: it must say at which address audio is received")
    if host in _HELD:
        return None, direction(sends(theirs), False)
    return (host, media.port), theirs


def _rtcp(media: Media, remote: tuple[str, int] | None, mux: bool) -> tuple[str, int] | None:
    """Where RTCP goes: the RTP port (RFC 5761), what a=rtcp says (RFC 3605), or the port after."""
    if remote is None or mux:
        return remote
    words = (media.get("rtcp") or "").split()
    port = int(words[0]) if words and words[0].isascii() and words[0].isdigit() and len(words[0]) < 6 else 0
    if not 0 < port < 65536:
        return remote[0], min(remote[1] + 1, 65535)
    host = words[3] if len(words) == 4 and words[3] not in _HELD else remote[0]
    return host, port


def _slots(description: SessionDescription) -> tuple[Slot, ...]:
    return tuple(Slot(m.kind, m.protocol, " ".join(m.formats), m.get("mid")) for m in description.media)


def _bundles(description: SessionDescription, mid: str | None) -> bool:
    groups = (group.split() for group in description.session.all("group"))
    return any(words[:1] == ["BUNDLE"] and mid in words[1:] for words in groups)
