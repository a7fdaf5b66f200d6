"""What can go wrong with media.

    MediaError
     ├─ BadPacket          remote  bytes that are not RTP, RTCP or STUN
     ├─ BadDescription     remote  an SDP body that cannot be understood
     ├─ NoCommonCodec      remote  both sides speak, but no codec in common
     ├─ TransportFailed    remote  ICE or DTLS did not come up, or went down for good
     ├─ NoPorts            local   the RTP port pool is empty
     ├─ BadSource          local   a file to play that is missing or not audio
     ├─ NoSuchLeg          local   an order to a leg that is not open (any more)
     └─ BadOrder           local   an order that a leg of its kind cannot carry out

Each carries `sip_status` (what to answer a phone), `cause` (for the call record) and `retryable`.
"""

from __future__ import annotations

from typing import ClassVar


class MediaError(Exception):
    """Any fault of media. The text says what to do next."""

    sip_status: ClassVar[int] = 500
    cause: ClassVar[str] = "media-error"
    retryable: ClassVar[bool] = False


class BadPacket(MediaError):
    sip_status, cause, retryable = 400, "bad-packet", False


class BadDescription(MediaError):
    sip_status, cause, retryable = 400, "bad-sdp", False


class NoCommonCodec(MediaError):
    sip_status, cause, retryable = 488, "no-common-codec", False


class TransportFailed(MediaError):
    sip_status, cause, retryable = 480, "media-transport-failed", True


class NoPorts(MediaError):
    sip_status, cause, retryable = 503, "no-media-ports", True


class BadSource(MediaError):
    sip_status, cause, retryable = 404, "bad-media-source", False


class NoSuchLeg(MediaError):
    sip_status, cause, retryable = 481, "no-such-leg", False


class BadOrder(MediaError):
    sip_status, cause, retryable = 500, "bad-media-order", False
