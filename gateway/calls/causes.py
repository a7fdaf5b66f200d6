"""Why a call ended: one table, used in both directions.

A cause has a name (what records, metrics and the page carry), the SIP status that refuses a call for it, the Q.850
number for the Reason header (RFC 3326), and words for the person who waits. Words say what happened and, where there is
something to do, what to do next.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    name: str
    status: int
    """The SIP status that refuses or cancels a call for this cause (RFC 3261 section 21)."""
    q850: int
    """ITU-T Q.850 cause value, for `Reason: Q.850;cause=`."""
    words: str


def _table(*rows: Cause) -> dict[str, Cause]:
    return {row.name: row for row in rows}


CAUSES = _table(
    # how good calls end
    Cause("normal", 200, 16, "The call ended."),
    Cause("cancelled", 487, 16, "The caller hung up before anybody answered."),
    Cause("answered-elsewhere", 200, 26, "Answered on another device."),
    Cause("transferred", 200, 16, "The call was transferred."),
    Cause("merged", 200, 16, "The call went on as part of another one."),
    # the other side's choice
    Cause("busy", 486, 17, "The line is busy."),
    Cause("declined", 603, 21, "The call was declined."),
    Cause("no-answer", 480, 19, "Nobody answered."),
    # nobody there
    Cause("unknown-number", 404, 1, "There is no such number here. Check what you dialled."),
    Cause("not-registered", 480, 20, "Not signed in: no phone or browser is connected right now."),
    Cause("unreachable", 503, 27, "The other side cannot be reached."),
    Cause("timeout", 408, 102, "The other side does not respond."),
    Cause("gone", 410, 22, "This number is no longer in use."),
    # not allowed, or not like this
    Cause("unauthorized", 403, 21, "The other side did not accept our user name and password."),
    Cause("forbidden", 403, 21, "This call is not allowed."),
    Cause("loop", 482, 25, "The call was forwarded in a circle. Check on_busy, on_no_answer and on_unreachable."),
    Cause("no-common-codec", 488, 88, "The two sides share no audio codec."),
    Cause("bad-sdp", 400, 100, "The other side's media description (SDP) could not be understood."),
    # this gateway
    Cause("trunk-full", 503, 34, "The trunk carries as many calls as it may."),
    Cause("full", 503, 34, "The gateway carries as many calls as it may. Try again in a moment."),
    Cause("stopping", 503, 41, "The gateway is being stopped."),
    Cause("no-media-ports", 503, 34, "No free media port. Widen rtp_ports in [media]."),
    Cause("failed", 500, 41, "The call failed inside a server."),
    # a live call that ended by itself
    Cause("media-timeout", 480, 31, "No sound has arrived from one side for too long."),
    Cause("media-transport-failed", 480, 27, "The media connection to the browser could not be kept up."),
    Cause("browser-lost", 480, 27, "The browser lost its connection and did not come back in time."),
    Cause("dialog-lost", 481, 27, "The phone no longer knows this call."),
    Cause("max-duration", 480, 102, "The call reached the longest time allowed."),
)  # fmt: skip

_BY_STATUS = {
    400: "failed", 401: "unauthorized", 403: "forbidden", 404: "unknown-number", 407: "unauthorized", 408: "timeout",
    410: "gone", 415: "no-common-codec", 480: "not-registered", 481: "dialog-lost", 482: "loop", 483: "loop", 484:
    "unknown-number", 486: "busy", 487: "cancelled", 488: "no-common-codec", 503: "unreachable", 504: "timeout",
    600: "busy", 603: "declined", 604: "unknown-number", 606: "no-common-codec", 607: "declined", 608: "declined",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """Why this call, or this leg of it, ended."""

    cause: str
    status: int
    words: str

    @property
    def q850(self) -> int:
        return cause_of(self.cause).q850

    @property
    def reason(self) -> str:
        """The Reason header's value (RFC 3326): SIP's own number for "answered elsewhere", Q.850 for the rest."""
        if self.cause == "answered-elsewhere":
            return 'SIP;cause=200;text="Call completed elsewhere"'
        return f'Q.850;cause={self.q850};text="{self.cause}"'


def cause_of(name: str) -> Cause:
    """The table's row; a name from outside that is not in it means "failed"."""
    return CAUSES.get(name, CAUSES["failed"])


def ending(name: str, words: str = "", status: int | None = None) -> Ending:
    """An Ending by cause name, with the table's status and words unless better ones are known."""
    row = cause_of(name)
    return Ending(row.name, status or row.status, words or row.words)


def cause_of_status(status: int) -> str:
    """The cause behind a final SIP response to a call of ours."""
    return _BY_STATUS.get(status, "failed" if status >= 400 else "normal")


_DIVERTS = ("busy", "declined", "no-answer", "cancelled")


def best(endings: list[Ending]) -> Ending:
    """The one answer for a caller whose every target fell out (RFC 3261 section 16.7 step 6, said for people).

    What a person did (declined, busy, let it ring) tells more than what a machine could not do.
    """
    if not endings:
        return ending("not-registered")
    return min(endings, key=lambda e: (_DIVERTS.index(e.cause) if e.cause in _DIVERTS else len(_DIVERTS), e.status))
