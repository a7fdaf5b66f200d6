"""Replaces and Refer-To: read, written, refused; a Refer-To's URI is fit to be called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signaling.sip.errors import BadMessage
from signaling.sip.replaces import Replaces, parse_refer_to, refer_to
from signaling.sip.uri import Uri

CALL = Replaces("98732@sip.example.com", "r33th4x0r", "ff87ff")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("98732@sip.example.com;from-tag=ff87ff;to-tag=r33th4x0r", CALL),
        ("98732@sip.example.com ;FROM-TAG=ff87ff ;to-tag=r33th4x0r;early-only", replace(CALL, early_only=True)),
        (str(CALL), CALL),
    ],
)
def test_replaces_is_read(text, expected):
    assert Replaces.parse(text) == expected
    assert Replaces.parse(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "a", "a;to-tag=1", "a;from-tag=1", ";to-tag=1;from-tag=2", "a;to-tag;from-tag=2"])
def test_half_a_replaces_is_none(text):
    with pytest.raises(BadMessage):
        Replaces.parse(text)


def test_a_refer_to_carries_a_replaces_there_and_back():
    uri = Uri.parse("sip:carol@192.0.2.9:5070;transport=tcp")
    value = refer_to(uri, CALL)
    assert value == (
        "<sip:carol@192.0.2.9:5070;transport=tcp"
        "?Replaces=98732%40sip.example.com%3Bto-tag%3Dr33th4x0r%3Bfrom-tag%3Dff87ff>"
    )
    assert parse_refer_to(value) == (uri, CALL)
    assert parse_refer_to(refer_to(uri, None)) == (uri, None)


def test_a_refer_to_of_a_careless_phone():
    """Without brackets, with other headers, in other cases."""
    uri, replaces = parse_refer_to("sip:600@h?Require=replaces&replaces=a%40b%3bto-tag%3d1%3bfrom-tag%3d2")
    assert (str(uri), replaces) == ("sip:600@h", Replaces("a@b", "1", "2"))
    assert parse_refer_to('"The Boss" <sip:600@h>;x=y')[0] == Uri.parse("sip:600@h")


@pytest.mark.parametrize("text", ["", "<sip:>", "<sip:600@h?Replaces=nonsense>", "600"])
def test_a_refer_to_that_names_nobody(text):
    with pytest.raises(BadMessage):
        parse_refer_to(text)
