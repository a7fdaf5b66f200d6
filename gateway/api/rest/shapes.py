"""What goes over the wire about calls, as it is asked: strict, unknown fields refused, every text bounded."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from gateway.calls.apps import APPS
from gateway.calls.router import Target

OWN_HEADERS = ("Subject", "Priority", "Alert-Info", "Call-Info", "User-to-User", "Answer-Mode")
METADATA_KEYS = 32
SOURCES = 32


class Asked(BaseModel):
    """Base of what clients send as JSON: no unknown fields, no guessing at types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_alias=True)


class Query(BaseModel):
    """Base of what clients send behind the question mark."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _target(text: str) -> str:
    """Raises ValueError in words."""
    if not text.isprintable() or re.search(r"[\s{}<>\"]", text):
        raise ValueError("is no target: write user:NAME, sip:USER@HOST, trunk:NAME/NUMBER, app:NAME or a number")
    target = Target.parse(text)
    if target.kind == "app" and target.value.partition(":")[0] not in APPS:
        raise ValueError(f'there is no app "{target.value}": choose from {", ".join(APPS)}')
    return text


def _line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("write one line of printable characters")
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name in headers:
        if not re.fullmatch(r"[Xx]-[A-Za-z0-9.\-]{1,60}", name) and name.title() not in {
            h.title() for h in OWN_HEADERS
        }:
            raise ValueError(f'"{name}" is not yours to set: use X-... or one of {", ".join(OWN_HEADERS)}')
    return headers


def _metadata(metadata: dict[str, str]) -> dict[str, str]:
    for key in metadata:
        if not re.fullmatch(r"[A-Za-z0-9_.\-]{1,64}", key):
            raise ValueError(f'"{key[:80]}" is no key: 1 to 64 of A-Z a-z 0-9 _ . -')
    return metadata


TargetText = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_target)]
Line = Annotated[str, Field(max_length=256), AfterValidator(_line)]
LegId = Annotated[str, Field(min_length=1, max_length=64)]
CallId = Annotated[str, Field(min_length=1, max_length=64)]
Metadata = Annotated[
    dict[str, Annotated[str, Field(max_length=512), AfterValidator(_line)]],
    Field(max_length=METADATA_KEYS, description="Your own words about the call; an empty value takes a key away"),
    AfterValidator(_metadata),
]
Keys = Annotated[str, Field(pattern=r"^[0-9A-D*#]{1,64}$", description="DTMF keys: 0-9 * # A-D")]
RingSeconds = Annotated[float, Field(ge=1, le=600, description="Seconds to ring")]
SoundText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=512,
        description="`tone:busy`, `say:thank-you`, `music`, `silence:2`, `file:NAME` in the folder `sounds`, or a URL "
        "of a host in `fetch_from`",
    ),
]
SoundTexts = Annotated[list[SoundText], Field(min_length=1, max_length=SOURCES)]
Role = Literal["member", "listen", "whisper", "barge"]
Reason = Literal["normal", "busy", "declined", "no-answer", "forbidden", "gone", "unreachable", "failed"]


class CallerId(Asked):
    """Who is shown as calling."""

    number: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!#-;=?-~]+$")]
    display: Line = ""


class PlayOnAnswer(Asked):
    """Play these one after the other, then wait for further commands."""

    play: SoundTexts


def _on_answer_kind(found: Any) -> str:  # noqa: ANN401 - whatever was sent
    return "PlayOnAnswer" if isinstance(found, dict | PlayOnAnswer) else "str"


OnAnswer = Annotated[
    Annotated[Literal["bridge", "park"], Tag("str")] | Annotated[PlayOnAnswer, Tag("PlayOnAnswer")],
    Discriminator(_on_answer_kind),
]


class PlaceCall(Asked):
    """A call to begin. With `from`, that one is rung first and then joined with `to`; without, `to` is rung."""

    from_: TargetText | None = Field(None, alias="from", description="Who is rung first, for click-to-call")
    to: TargetText = Field(
        description="user:NAME, sip:USER@HOST, trunk:NAME/NUMBER, app:NAME, or a number as if dialled"
    )
    caller_id: CallerId | None = Field(None, description="Who `to` is told is calling")
    headers: Annotated[
        dict[str, Annotated[str, Field(max_length=256), AfterValidator(_line)]],
        Field(max_length=16, description="Further SIP headers for phones: X-... and " + ", ".join(OWN_HEADERS)),
        AfterValidator(_headers),
    ] = {}
    timeout: RingSeconds | None = None
    max_duration: Annotated[float, Field(ge=1, le=86_400, description="Seconds; the call is ended then")] | None = None
    metadata: Metadata = {}
    record: bool = Field(False, description="Record from the moment both talk")
    on_answer: OnAnswer | None = Field(
        None, description='"bridge" (needs `from`), "park" (wait for commands), or {"play": [...]}'
    )


class Annotation(Asked):
    """What to change of the call itself."""

    metadata: Metadata


class ChangeLeg(Asked):
    """What to change of a party; what is left out stays."""

    hold: bool | None = Field(None, description="Put the others on hold on its behalf, or take them back")
    mute: bool | None = Field(None, description="Nobody hears it, or everybody again")
    role: Role | None = None
    whisper_to: LegId | None = Field(None, description="Whom alone a whispering supervisor talks to")


class AddParty(Asked):
    """Somebody to call into a live call."""

    to: TargetText
    role: Role = Field("member", description='"member" talks with all; a supervisor hears all and is heard by nobody '
                       '("listen"), by `whisper_to` alone ("whisper"), or by all ("barge")')  # fmt: skip
    whisper_to: LegId | None = None
    timeout: RingSeconds | None = None
    caller_id: CallerId | None = None


class Dtmf(Asked):
    leg: LegId = Field(description="Who hears the keys")
    digits: Keys


class CollectKeys(Asked):
    """Gather the keys that a party presses; the event DigitsCollected tells them."""

    leg: LegId
    min: Annotated[int, Field(ge=1, le=128)] = 1
    max: Annotated[int, Field(ge=1, le=128)] = 32
    terminators: Annotated[str, Field(pattern=r"^[0-9A-D*#]{0,16}$", description="Keys that end it")] = "#"
    first_timeout: Annotated[float, Field(ge=0.5, le=300, description="Seconds for the first key")] = 10.0
    digit_timeout: Annotated[float, Field(ge=0.5, le=60, description="Seconds between keys")] = 5.0
    prompt: Annotated[list[SoundText], Field(max_length=SOURCES, description="Played first; a key ends it")] = []


class PlaySound(Asked):
    """Let a party, or all, hear something. What is played to ears that already hear something waits its turn."""

    sources: SoundTexts
    to: LegId | None = Field(None, description="A party; left out: all")
    loop: bool = False
    mix: bool = Field(False, description="Hear it besides the others, not instead of them")
    interrupt_on_dtmf: bool = False


class StartRecording(Asked):
    channels: Literal[1, 2] = Field(2, description="2: who called on the left, all others on the right; 1: mixed")
    beep: bool = Field(False, description="Tell everybody by a beep")


class ChangeRecording(Asked):
    paused: bool = Field(description="Write silence instead of sound")


class BlindTransfer(Asked):
    """Let somebody take a party's place once they answer; if they do not, all stays as it was."""

    leg: LegId = Field(description="Who gives its place away and leaves")
    to: TargetText
    timeout: RingSeconds | None = None


class AttendedTransfer(Asked):
    """Join the parties that somebody talks with in two calls; that one leaves both."""

    leg: LegId = Field(description="Who transfers, in this call")
    call: CallId = Field(description="The other call")
    leg_other: LegId = Field(description="Who transfers, in the other call")


def _transfer_kind(found: Any) -> str:  # noqa: ANN401
    attended = isinstance(found, AttendedTransfer) or (isinstance(found, dict) and {"call", "leg_other"} & found.keys())
    return "AttendedTransfer" if attended else "BlindTransfer"


TransferAsked = Annotated[
    Annotated[BlindTransfer, Tag("BlindTransfer")] | Annotated[AttendedTransfer, Tag("AttendedTransfer")],
    Discriminator(_transfer_kind),
]


class Bridge(Asked):
    call: CallId = Field(description="The other call: all its parties come over into this one")


class Unbridge(Asked):
    leg: LegId = Field(description="Who gets a call of its own again")


class MintToken(Asked):
    user: Annotated[str, Field(min_length=1, max_length=64, description="A user's name or extension")]


class Page(Query):
    limit: Annotated[int, Field(ge=1, le=200, description="How many at most")] = 50
    cursor: Annotated[str, Field(max_length=512, description="`next` of the page before")] | None = None
