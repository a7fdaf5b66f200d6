"""The trace tap: every SIP message as it comes and goes, for whoever draws ladders of it. Secrets are masked.

Nothing here runs unless somebody listens.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from signaling.sip.address import Address
from signaling.sip.errors import BadMessage
from signaling.sip.grammar import readable
from signaling.sip.mask import masked
from signaling.sip.message import Message, Response, parse_message
from signaling.sip.stack import Stack

MOST_REMEMBERED = 8192  # calls whose late messages are still told apart


@dataclass(frozen=True, slots=True)
class TracedMessage:
    """One message. `at`: the event loop's seconds."""

    at: float
    inbound: bool
    local: Address | None
    """where it came in or went out; None where no socket of ours could have sent it"""
    remote: Address
    data: bytes
    """as on the wire, secrets masked"""
    call_id: str
    """empty where the bytes are no message"""
    call: str | None
    """the stack's handle, where it belongs to a call that the stack knows or knew"""

    @property
    def transport(self) -> str:
        return self.remote.transport

    @property
    def start(self) -> str:
        """The start line."""
        return self.data.lstrip(b"\r\n").partition(b"\n")[0].strip().decode("utf-8", "replace")


OnMessage = Callable[[TracedMessage], None]


class Tracer:
    """Tells `on_message`, with the call that each message belongs to."""

    def __init__(self, stack: Stack, on_message: OnMessage) -> None:
        self._stack = stack
        self._on_message = on_message
        self._known: OrderedDict[str, None] = OrderedDict()

    def tell(self, data: bytes, inbound: bool, local: Address | None, remote: Address, now: float) -> None:
        """After the stack has seen what came in, before anybody sees what goes out."""
        if not data.strip(b"\r\n\0"):
            return  # a keep-alive
        call_id, call = "", None
        try:
            message = parse_message(data)
            call_id, call = readable(message.call_id), self._call(message, inbound)
        except BadMessage:
            pass
        self._on_message(TracedMessage(now, inbound, local, remote, masked(data), call_id, call))

    def _call(self, message: Message, inbound: bool) -> str | None:
        """Our tag is the call's handle; a message without one of ours is found by its transaction."""
        ours = message.from_ if inbound == isinstance(message, Response) else message.to
        handle = ours.tag or self._stack.owner_of(message)
        if handle is None:
            return None
        if self._stack.has_call(handle):
            self._remember(handle)
        return handle if handle in self._known else None

    def _remember(self, handle: str) -> None:
        self._known[handle] = None
        self._known.move_to_end(handle)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
