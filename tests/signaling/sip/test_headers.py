from __future__ import annotations

import pytest

from signaling.sip.errors import BadMessage
from signaling.sip.grammar import split_list
from signaling.sip.headers import CSeq, Headers, Via


def test_names_have_no_case_and_short_forms():
    headers = Headers([("v", "SIP/2.0/UDP h"), ("CALL-ID", "1"), ("X-New", "a")])
    assert headers.items() == [("Via", "SIP/2.0/UDP h"), ("Call-ID", "1"), ("X-New", "a")]
    assert (headers.get("VIA"), headers.get("i"), headers.get("x-new"), headers.get("To", "?")) == (
        "SIP/2.0/UDP h", "1", "a", "?",
    )  # fmt: skip
    assert "call-id" in headers
    assert "To" not in headers


def test_lists_are_split_outside_of_quotes_and_brackets():
    headers = Headers(
        [("Contact", '"a, b" <sip:a@h;x=",">;q=1, <sip:b@h?x=1,2>'), ("Contact", "sip:c@h"), ("Allow", "A,B , C")]
    )
    assert headers.all("Contact") == ['"a, b" <sip:a@h;x=",">;q=1', "<sip:b@h?x=1,2>", "sip:c@h"]
    assert headers.get("Contact") == '"a, b" <sip:a@h;x=",">;q=1'
    assert headers.all("m") == headers.all("contact")
    assert (headers.get("Allow"), headers.all("Allow")) == ("A", ["A", "B", "C"])


def test_an_empty_line_of_a_list_is_passed_over():
    headers = Headers([("Via", ""), ("Via", " , SIP/2.0/UDP h"), ("Supported", "")])
    assert headers.get("Via") == headers.all("Via")[0] == "SIP/2.0/UDP h"
    assert (headers.get("Supported", "none"), headers.all("Supported"), headers.get("Require", "none")) == (
        "",
        [],
        "none",
    )


def test_values_with_commas_of_their_own_are_not_split():
    value = 'Digest realm="a", nonce="b"'
    headers = Headers([("WWW-Authenticate", value), ("Date", "Sat, 13 Nov 2010 23:29:00 GMT"), ("X-Any", "a, b")])
    assert headers.all("WWW-Authenticate") == [value]
    assert headers.get("Date") == "Sat, 13 Nov 2010 23:29:00 GMT"
    assert headers.all("X-Any") == ["a, b"]


def test_changes_keep_the_order():
    headers = Headers([("Via", "1"), ("To", "x"), ("Via", "2"), ("From", "y")])
    headers.prepend("Via", "0")
    assert headers.all("Via") == ["0", "1", "2"]
    headers.set("Via", "9")
    headers.set("Subject", "s")
    headers.add("To", "z")
    assert headers.items() == [("Via", "9"), ("To", "x"), ("From", "y"), ("Subject", "s"), ("To", "z")]
    twin = headers.copy()
    twin.remove("to")
    assert (headers.count("To"), twin.count("To"), len(twin)) == (2, 0, 3)
    assert twin != headers == headers.copy()


def test_splitting_is_linear_in_hostile_input():
    for hostile in ("<" * 50_000 + ",", '"' * 50_001 + ",", '"\\' * 25_000 + ",", "," * 50_000):
        assert len(split_list(hostile)) <= 2


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("SIP/2.0/UDP h;branch=z9hG4bK1", None),
        ("SIP / 2.0 / tcp  h : 5060 ; branch = x ;rport", "SIP/2.0/TCP h:5060;branch=x;rport"),
        ("SIP/2.0/TLS [::1]:5061;received=[::2]", None),
        ("sip/2.0/ws abc_d.invalid;rport=1", "SIP/2.0/WS abc_d.invalid;rport=1"),
    ],
)
def test_via(text, normal):
    assert str(Via.parse(text)) == (normal or text)


def test_via_tells_the_way_back():
    via = Via.parse("SIP/2.0/UDP h;branch=b;received=[::2];rport")
    assert (via.branch, via.received, via.rport, via.wants_rport) == ("b", "::2", None, True)
    filled = via.with_params(rport=5080, received="192.0.2.1")
    assert (filled.rport, filled.received) == (5080, "192.0.2.1")
    assert str(filled) == "SIP/2.0/UDP h;branch=b;received=192.0.2.1;rport=5080"
    assert Via.parse("SIP/2.0/UDP h;rport=x").rport is None


@pytest.mark.parametrize(
    "text", ["", "UDP h", "SIP/2.0/UDP", "SIP/3.0/UDP h", "SIP/2.0/UDP h:70000", "SIP/2.0/UDP h i", "SIP/2.0/UDP ;x"]
)
def test_broken_via(text):
    with pytest.raises(BadMessage):
        Via.parse(text)


def test_cseq():
    assert CSeq.parse(" 0009  INVITE ") == CSeq(9, "INVITE")
    assert str(CSeq(9, "BYE")) == "9 BYE"
    assert CSeq.parse(f"{2**31 - 1} X").number == 2**31 - 1
    for text in ("", "1", "INVITE 1", "-1 X", f"{2**31} X", "1 A B", "99999999999 X"):
        with pytest.raises(BadMessage):
            CSeq.parse(text)
