from __future__ import annotations

from dataclasses import replace

import pytest

from signaling.sip.errors import BadMessage
from signaling.sip.uri import LONGEST, NameAddr, Uri


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sip:alice@example.com", ("sip", "alice", None, "example.com", None)),
        ("SIPS:alice:pw@example.com:5061", ("sips", "alice", "pw", "example.com", 5061)),
        ("sip:192.0.2.1", ("sip", None, None, "192.0.2.1", None)),
        ("sip:a@[2001:db8::1]:5062", ("sip", "a", None, "2001:db8::1", 5062)),
        ("sip:@192.0.2.1", ("sip", "", None, "192.0.2.1", None)),
        ("sip:a%20b@h", ("sip", "a b", None, "h", None)),
        ("sip:a@b.example@h", ("sip", "a@b.example", None, "h", None)),
        ("sip:andré@h", ("sip", "andré", None, "h", None)),
        ("tel:+1-555;phone-context=x", ("tel", "+1-555", None, "", None)),
        ("urn:service:sos", ("urn", None, None, "service:sos", None)),
    ],
)
def test_parts_of_a_uri_and_back(text, parts):
    uri = Uri.parse(text)
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == parts
    assert str(uri) == text


@pytest.mark.parametrize(
    "text",
    ["", "alice", "sip:", "sip:a@", "1sip:a@b", "sip:a@b:99999", "sip:a@b:x", "sip:a b@c", "sip:<a@b>",
     "sip:a@b\r\nX: y", "sip:a@[::1", "sip:a@b;x=\x7f", "sip:a@h\udcff", "sip:" + "a" * LONGEST + "@b"],
)  # fmt: skip
def test_what_is_not_a_uri_is_refused_in_words(text):
    with pytest.raises(BadMessage) as caught:
        Uri.parse(text)
    assert str(caught.value)


def test_a_uri_that_is_made_or_changed_is_escaped():
    assert str(Uri("sip", "a b@c;d", "p:w", "h", 5060)) == "sip:a%20b%40c;d:p%3Aw@h:5060"
    assert str(Uri("sip", "\r\nX: y", None, "h")) == "sip:%0D%0AX%3A%20y@h"
    assert str(replace(Uri.parse("sip:a@h;x=y"), user="b")) == "sip:b@h;x=y"
    assert str(Uri("sip", None, None, "::1", 5060)) == "sip:[::1]:5060"


def test_parameters():
    uri = Uri.parse("sip:a@h;Transport=TCP;lr;x=%41?Subject=y")
    assert (uri.transport, uri.param("LR"), uri.param("x"), uri.param("no"), uri.headers) == (
        "tcp",
        "",
        "%41",
        None,
        "Subject=y",
    )
    assert str(uri.with_params(transport="udp", lr=None, ob="")) == "sip:a@h;transport=udp;x=%41;ob?Subject=y"
    assert Uri.parse("sips:h").transport == "tls"
    assert Uri.parse("sips:h;transport=ws").transport == "wss"
    assert Uri.parse("sip:h").transport is None


@pytest.mark.parametrize(  # RFC 3261 19.1.4, its own examples
    ("one", "other", "same"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", True),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", True),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", True),
        ("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
         "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", True),
        ("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
         "sip:alice@atlanta.com?priority=urgent&subject=project%20x", True),
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", False),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", False),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", False),
    ],
)  # fmt: skip
def test_comparison(one, other, same):
    assert Uri.parse(one).same_as(Uri.parse(other)) is same
    assert Uri.parse(other).same_as(Uri.parse(one)) is same


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ('"A \\"q\\" B" <sip:a@h>;tag=1', 'A "q" B', "sip:a@h", "1"),
        ("Alice Smith <sip:a@h;x=y>; tag = 1 ;z", "Alice Smith", "sip:a@h;x=y", "1"),
        ("sip:a@h;tag=1", "", "sip:a@h", "1"),
        ("<sip:a@h>", "", "sip:a@h", None),
        ('"<sip:not@me>" <sip:a@h>', "<sip:not@me>", "sip:a@h", None),
        ("sip:+1;ext=2@h;tag=1", "", "sip:+1;ext=2@h", "1"),
    ],
)
def test_addresses(text, display, uri, tag):
    address = NameAddr.parse(text)
    assert (address.display, str(address.uri), address.tag) == (display, uri, tag)
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["", "<sip:a@h", '"x <sip:a@h>', '"a" b <sip:c@h>', "<sip:a@h> x", "sip:a@h?x=y", "sip:a@h, sip:b@h", "<>", "*"],
)
def test_broken_addresses(text):
    with pytest.raises(BadMessage):
        NameAddr.parse(text)


def test_tags_and_parameters_can_be_set():
    address = NameAddr.parse('"A" <sip:a@h>;x=1')
    assert str(address.with_tag("t")) == '"A" <sip:a@h>;x=1;tag=t'
    assert str(address.with_tag("t").with_tag("u").with_tag(None)) == '"A" <sip:a@h>;x=1'
    assert str(address.with_params({"X": "2", "y": "a b", "z": None})) == '"A" <sip:a@h>;X=2;y="a b";z'
    assert NameAddr.parse('<sip:a@h>;+sip.instance="<urn:1;2>";q=1').param("+SIP.Instance") == "<urn:1;2>"


def test_a_display_name_cannot_forge_anything():
    made = NameAddr('x" <sip:evil@h>\r\nEvil: yes', Uri.parse("sip:a@h"))
    assert "\n" not in str(made)
    assert NameAddr.parse(str(made)).uri.user == "a"


def test_latin1_names_are_readable_and_go_out_as_they_came():
    raw = b'"Andr\xe9" <sip:a@h>'.decode("utf-8", "surrogateescape")
    assert NameAddr.parse(raw).display == "André"
    assert str(NameAddr.parse(raw)) == raw
