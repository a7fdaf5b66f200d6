"""What the stack tells: every event a frozen dataclass; `call` is the opaque handle that the stack's verbs take.

Each call ends with exactly one of `Rejected`, `Cancelled` and `Ended`, unless the application ended it itself by
`reject` or `bye`; after that its handle is unknown. Bodies are bytes that nobody here has looked into.
"""

from __future__ import annotations

from dataclasses import dataclass

from signaling.sip.address import Address
from signaling.sip.headers import Headers
from signaling.sip.identity import Identities
from signaling.sip.registrar import Registered, Unregistered
from signaling.sip.registration import RegistrationChanged
from signaling.sip.replaces import Replaces
from signaling.sip.uri import NameAddr, Uri


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody calls. Owed: `progress`, then `answer` or `reject`."""

    call: str
    uri: Uri
    """whom the caller wants (the Request-URI)"""
    from_: NameAddr
    to: NameAddr
    body: bytes
    """the offer; empty when the caller wants ours, which it then answers in `Acked`"""
    content_type: str
    headers: Headers
    source: Address
    user: str | None
    """the account that proved by digest to be calling; None from a trusted network"""
    max_forwards: int = 70
    """hops that the call may still take; whoever carries it on sends one less (RFC 3261 section 16.6 (3))"""
    replaces: str | None = None
    """our call that this one is to take the place of (RFC 3891): answer this, then end that one"""

    peer: str | None = None
    """the name under which `admit` knows the caller"""

    @property
    def identities(self) -> Identities:
        """What the network says of the caller, and of whom was called first; read anew on each use."""
        return Identities.of(self.headers)


@dataclass(frozen=True, slots=True)
class Progressed:
    """Our call has got somewhere: 180 it rings, 183 with a body is early media. Several phones may ring at once."""

    call: str
    status: int
    reason: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answered:
    """Our call is answered; the ACK is on its way."""

    call: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """Our call did not come about. By ourselves: 408 nobody answered, 503 nowhere to send it, 487 our `cancel`."""

    call: str
    status: int
    reason: str
    contacts: tuple[Uri, ...] = ()
    """where to try instead (3xx)"""
    retry_after: int | None = None
    cause: str | None = None
    """the Reason header's words, or our own error's cause"""
    warning: str | None = None
    """the first Warning header's words (RFC 3261 section 20.43)"""


@dataclass(frozen=True, slots=True)
class Acked:
    """The caller has our answer. A body is its answer to an offer made in ours."""

    call: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The caller gave up before an answer."""

    call: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over: BYE came, or the other side is no longer there."""

    call: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reinvited:
    """A new offer in mid-call (re-INVITE or UPDATE). Owed: `answer_reinvite` or `reject_reinvite`."""

    call: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ReinviteAnswered:
    """Our new offer is answered."""

    call: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ReinviteRejected:
    """Our new offer is refused; everything stays as it was."""

    call: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class InfoReceived:
    """INFO in mid-call, already answered 200: DTMF of phones that do not speak RFC 4733."""

    call: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Referred:
    """The other side asks us to call somebody else (REFER). Owed, within seconds: `accept_refer` or `refuse_refer`."""

    call: str
    refer_to: Uri
    """without headers: fit to be called"""
    replaces: Replaces | None
    """the call that the new one is to take the place of: an attended transfer"""
    referred_by: NameAddr | None
    id: int
    """tells the REFERs of one call apart"""
    headers: Headers


@dataclass(frozen=True, slots=True)
class ReferProgress:
    """How it goes with a REFER of ours, by the status that the new call has got so far."""

    call: str
    status: int
    reason: str
    over: bool
    """nothing more will be heard of it; with a provisional status: of an outcome that stays unknown"""
    id: int


@dataclass(frozen=True, slots=True)
class ReferRefused:
    """Our REFER is refused, or the other side fell silent over it. The call stands."""

    call: str
    status: int
    reason: str
    id: int


@dataclass(frozen=True, slots=True)
class OptionsAnswered:
    """What became of our `options`."""

    id: str
    status: int | None
    """None: no answer, or no way to send it; then `reason` says which"""
    reason: str
    seconds: float
    """from asking to hearing, challenge and failed targets included"""
    headers: Headers
    """of the answer: Allow, Supported, Accept, User-Agent, Server"""
    by: Address | None
    """the target that was asked last"""


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """Something unusable came in: it is counted, and answered where an answer is possible."""

    why: str
    source: Address


Event = (
    Invited
    | Progressed
    | Answered
    | Rejected
    | Acked
    | Cancelled
    | Ended
    | Reinvited
    | ReinviteAnswered
    | ReinviteRejected
    | InfoReceived
    | Referred
    | ReferProgress
    | ReferRefused
    | OptionsAnswered
    | MessageRefused
    | Registered
    | Unregistered
    | RegistrationChanged
)

__all__ = [
    "Acked",
    "Answered",
    "Cancelled",
    "Ended",
    "Event",
    "InfoReceived",
    "Invited",
    "MessageRefused",
    "OptionsAnswered",
    "Progressed",
    "ReferProgress",
    "ReferRefused",
    "Referred",
    "Registered",
    "RegistrationChanged",
    "ReinviteAnswered",
    "ReinviteRejected",
    "Reinvited",
    "Rejected",
    "Unregistered",
]
