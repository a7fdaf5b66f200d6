"""What was said by SIP in one leg's dialog, as far as it explains a call. Pure; counts, keeps no message."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.sip.errors import BadMessage
from signaling.sip.message import Request, Response, parse_message

CHALLENGES = (401, 407)
KEYS = ("application/dtmf-relay", "application/dtmf", "audio/telephone-event")


@dataclass(slots=True)
class SipTalk:
    """Counts of one dialog. "ours" went out, "theirs" came in."""

    remote: str = ""
    """Where their messages came from, or ours went to: "udp:192.0.2.7:5060"."""
    invites: int = 0
    """INVITEs of ours, repeats included."""
    attempts: int = 0
    """INVITEs of ours, each counted once."""
    authorized: int = 0
    """... that carried credentials."""
    answers: int = 0
    """Responses to them, of any kind."""
    challenges: int = 0
    """401 or 407 to an INVITE that carried no credentials."""
    refusals: int = 0
    """... to one that did, and not because a nonce was old."""
    status: int = 0
    """Their final answer to our INVITE."""
    reason: str = ""
    from_user: str = ""
    """Whom we said to be."""
    our_oks: int = 0
    """200s of ours to one INVITE of theirs, repeats included."""
    acked: bool = True
    """The last of them was acknowledged."""
    their_oks: int = 0
    """200s of theirs to one INVITE of ours, repeats included."""
    keys_by_info: int = 0
    _invite: tuple[str, int] = ("", -1)
    _with_credentials: bool = False
    _ok: tuple[str, int] = ("", -1)

    def add(self, data: bytes, inbound: bool, remote: str) -> tuple[str, str] | None:
        """One message. Returns ("offer" or "answer", its SDP) where it carries one."""
        try:
            message = parse_message(data)
        except BadMessage:
            return None
        self.remote = remote
        if isinstance(message, Request):
            self._request(message, inbound)
        elif message.cseq.method == "INVITE":
            self._response(message, inbound)
        return _description(message)

    def _request(self, request: Request, inbound: bool) -> None:
        number = (request.call_id, request.cseq.number)  # a trunk with several servers is called several times
        if request.method == "INVITE" and not inbound:
            self.invites += 1
            if number != self._invite:
                self._invite, self.attempts, self.their_oks = number, self.attempts + 1, 0
                self._with_credentials = any(request.headers.get(n) for n in ("Authorization", "Proxy-Authorization"))
                self.authorized += self._with_credentials
                self.from_user = request.from_.uri.user or ""
        elif request.method == "ACK" and inbound and number == self._ok:
            self.acked = True
        elif request.method == "INFO" and inbound and request.content_type in KEYS:
            self.keys_by_info += 1

    def _response(self, response: Response, inbound: bool) -> None:
        ok = 200 <= response.status < 300
        if not inbound:
            if ok:
                number = (response.call_id, response.cseq.number)
                again, self._ok = number == self._ok, number
                self.our_oks = self.our_oks + 1 if again else 1
                self.acked = self.acked if again else False
            return
        self.answers += 1
        self.their_oks += ok
        if response.status >= 200:
            self.status, self.reason = response.status, response.reason
        if response.status in CHALLENGES:
            self._challenged(response)

    def _challenged(self, response: Response) -> None:
        if not self._with_credentials:
            self.challenges += 1
        elif "stale=true" not in " ".join(_challenges(response)).lower().replace('"', ""):
            self.refusals += 1


def _challenges(response: Response) -> list[str]:
    return [*response.headers.all("WWW-Authenticate"), *response.headers.all("Proxy-Authenticate")]


def _description(message: Request | Response) -> tuple[str, str] | None:
    if message.content_type != "application/sdp" or not message.body:
        return None
    offer = isinstance(message, Request) and message.method in ("INVITE", "UPDATE")
    return ("offer" if offer else "answer", message.body.decode("utf-8", "replace"))
