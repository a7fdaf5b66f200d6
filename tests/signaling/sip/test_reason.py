"""The Reason header, out and in (RFC 3326)."""

from __future__ import annotations

import pytest

from signaling.sip.headers import Headers
from signaling.sip.message import Response
from signaling.sip.reason import reason_header, words


@pytest.mark.parametrize(
    ("said", "value", "heard"),
    [
        ("lunch", 'SIP;text="lunch"', "lunch"),
        ('she said "no"', 'SIP;text="she said \\"no\\""', 'she said "no"'),
        ("Q.850;cause=16", "Q.850;cause=16", "Q.850 16"),
        ('SIP;cause=200;text="Call completed elsewhere"', None, "Call completed elsewhere"),
        ("line\r\nInjected: yes", 'SIP;text="line  Injected: yes"', "line  Injected: yes"),
    ],
)
def test_there_and_back(said, value, heard):
    ((name, written),) = reason_header(said)
    assert (name, written) == ("Reason", value or said)
    assert words(Response(487, "", Headers([(name, written)]))) == heard


def test_nothing_said():
    assert reason_header(None) == reason_header("") == []
    assert words(Response(487, "")) is None
