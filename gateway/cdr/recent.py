"""A record as one of its people saw it: whom to call back, and whether it was missed."""

from __future__ import annotations

from gateway.cdr.model import RecentCall, Record


def seen_by(user: str, record: Record) -> RecentCall:
    if record.caller_user == user:
        return _made(record)
    mine = [leg for leg in record.legs if leg.user == user]
    took = next((leg for leg in mine if leg.answered_at is not None), None)
    return RecentCall(
        id=record.id,
        at=record.started_at,
        direction="in",
        number=record.caller_number,
        display=record.caller_display,
        answered=took is not None,
        elsewhere=took is None and record.answered,
        talk=took.talk if took is not None else None,
        cause=record.cause,
        words=record.words,
        verdicts=record.verdicts,
    )


def _made(record: Record) -> RecentCall:
    return RecentCall(
        id=record.id,
        at=record.started_at,
        direction="out",
        number=record.dialled,
        display=next((leg.display for leg in record.legs if leg.leg == record.answered_by), ""),
        answered=record.answered,
        talk=record.talk,
        cause=record.cause,
        words=record.words,
        verdicts=record.verdicts,
    )
