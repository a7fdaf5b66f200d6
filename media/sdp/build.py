"""Our own SDP, line by line: `make_offer`, and the pieces an answer is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from media.formats import Format
from media.sdp import webrtc as browser
from media.sdp.terms import Capabilities, LocalWebrtc, Negotiated, Slot

EVENT_TYPES = {8000: 101, 48_000: 110}
"""Payload types we like for telephone-event, by clock: one for each clock among the codecs (RFC 4733 section 2.1)."""
DYNAMIC = range(96, 128)

Codec = tuple[int, str, str]
"""(payload type, rtpmap, fmtp or "")."""


def make_offer(
    caps: Capabilities,
    *,
    session_id: int,
    version: int,
    host: str,
    port: int,
    direction: str = "sendrecv",
    webrtc: LocalWebrtc | None = None,
    rtcp_port: int | None = None,
    previous: Negotiated | None = None,
) -> bytes:
    """Return an offer of all we can do, in our order.

    host, port: where we receive RTP (a browser's are in `webrtc`).  rtcp_port: where RTCP, if not at port + 1.
    previous: what was agreed before in this session. Then every m= line keeps its place, and every payload type its
    meaning (RFC 3264 section 8.3.2).
    """
    mid = _mid(previous) if webrtc else None
    codecs = _codecs(caps, webrtc, previous)
    lines = head(session_id, version, host, webrtc, mid)
    ours = audio(
        codecs=codecs, host=host, port=port, protocol=browser.PROTOCOL if webrtc else "RTP/AVP", direction=direction,
        ptime=caps.ptime, webrtc=webrtc, setup=webrtc.setup if webrtc else "", mid=mid, rtcp_port=rtcp_port,
        rtcp_mux=webrtc is not None,
    )  # fmt: skip
    if previous is None or not previous.slots:
        return join([*lines, *ours])
    for index, slot in enumerate(previous.slots):
        lines += ours if index == previous.slot else refused(slot)
    return join(lines)


def _mid(previous: Negotiated | None) -> str:
    before = previous.slots[previous.slot].mid if previous and previous.slots else None
    return before if before is not None else "0"


def _codecs(caps: Capabilities, webrtc: LocalWebrtc | None, previous: Negotiated | None) -> list[Codec]:
    """All our codecs with payload types, then telephone-event for each clock among them."""
    taken = dict(previous.meanings) if previous else {}
    codecs = [(_type(f.rtpmap, f.payload_type, taken), f.rtpmap, fmtp(f, webrtc)) for f in caps.formats]
    if not caps.telephone_event:
        return codecs
    clocks = sorted({f.clock_rate for f in caps.formats})
    return codecs + [event(_type(event_name(clock), EVENT_TYPES.get(clock), taken), clock) for clock in clocks]


def _type(meaning: str, liked: int | None, taken: dict[int, str]) -> int:
    """The payload type a meaning has already, or a free one for it."""
    for number, known in taken.items():
        if known == meaning:
            return number
    number = liked if liked is not None and liked not in taken else next(n for n in reversed(DYNAMIC) if n not in taken)
    taken[number] = meaning
    return number


def fmtp(format: Format, webrtc: LocalWebrtc | None) -> str:
    """Our parameters: what we like to receive."""
    if format.encoding != "OPUS":
        return ""
    return browser.opus_hints(webrtc.playback_rate) if webrtc else "useinbandfec=1"


def event_name(clock_rate: int) -> str:
    return f"telephone-event/{clock_rate}"


def event(number: int, clock_rate: int) -> Codec:
    return number, event_name(clock_rate), "0-15"


def head(session_id: int, version: int, host: str, webrtc: LocalWebrtc | None, mid: str | None) -> list[str]:
    """The session's lines (RFC 8866 section 5)."""
    lines = ["v=0", f"o=- {session_id} {version} IN {address(host)}", "s=-"]
    if webrtc is None:
        return [*lines, f"c=IN {address(host)}", "t=0 0"]
    return [*lines, "t=0 0", *browser.head(webrtc, mid)]


def audio(
    *,
    codecs: Sequence[Codec],
    host: str,
    port: int,
    protocol: str,
    direction: str,
    ptime: int,
    webrtc: LocalWebrtc | None,
    setup: str,
    mid: str | None,
    rtcp_port: int | None,
    rtcp_mux: bool,
) -> list[str]:
    """Our media section."""
    if webrtc is not None:
        host, port = webrtc.host, webrtc.port
    lines = [f"m=audio {port} {protocol} {' '.join(str(number) for number, _, _ in codecs)}"]
    if webrtc is not None:
        lines += [f"c=IN {address(host)}", *browser.transport(webrtc, setup)]
    elif rtcp_port is not None and rtcp_port != port + 1 and not rtcp_mux:
        lines.append(f"a=rtcp:{rtcp_port} IN {address(host)}")  # RFC 3605
    lines += [f"a=mid:{mid}"] if mid is not None else []
    lines += [f"a={direction}", *(browser.track(webrtc) if webrtc else [])]
    lines += ["a=rtcp-mux"] if rtcp_mux else []
    for number, rtpmap, parameters in codecs:
        lines.append(f"a=rtpmap:{number} {rtpmap}")
        lines += [f"a=fmtp:{number} {parameters}"] if parameters else []
    # to a browser 20 ms goes without saying
    return lines if webrtc and ptime == 20 else [*lines, f"a=ptime:{ptime}"]


def refused(slot: Slot) -> list[str]:
    """A section we do not take, in its place (RFC 3264 section 6)."""
    lines = [f"m={slot.kind} 0 {slot.protocol} {slot.formats}"]
    return lines if slot.mid is None else [*lines, "c=IN IP4 0.0.0.0", "a=inactive", f"a=mid:{slot.mid}"]


def address(host: str) -> str:
    return f"IP6 {host}" if ":" in host else f"IP4 {host}"


def join(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")
