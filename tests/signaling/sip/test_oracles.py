"""Two independent parsers as witnesses: what they accept we accept, and mean the same by it.

Known differences, ours on purpose:
* sipmessage refuses folded lines, bare LF and bytes that are not UTF-8; phones send them.
* aiosipua accepts about anything (a Via without host, a missing To); we say 400.
* sipmessage takes the last `>` of a line for the end of an address, so that `+sip.instance="<urn:...>"` confuses it.
* aiosipua leaves a password in the user.
* aiosipua keeps display names raw (quotes' escapes included) and Latin-1 bytes as replacement characters.
"""

from __future__ import annotations

import itertools

import aiosipua
import pytest
import sipmessage
from aiosipua.auth import SipDigestAuth, build_credentials
from aiosipua.headers import parse_address, parse_uri

from signaling.sip.auth import Credentials, DigestClient, DigestServer
from signaling.sip.digest import parse_fields
from signaling.sip.headers import Headers, Via
from signaling.sip.message import Request, Response, parse_message
from signaling.sip.uri import NameAddr, Uri
from tests.signaling.sip.samples import GOOD
from tests.torture.messages import APPLICATION, VALID

NOT_FOR_SIPMESSAGE = {"folded", "latin1", "lf-only", "leading-crlf", "odd-via", "challenged"}
URIS = [
    "sip:alice@example.com",
    "sips:a:pw@h.example:5061;transport=tcp;lr",
    "sip:192.0.2.1:5062",
    "sip:[2001:db8::1]:5060",
]
ADDRESSES = [
    '"Alice" <sip:a@h.example>;tag=1', "Alice <sip:a@h.example;lr>;q=0.5", "sip:a@h.example;tag=2", "<sip:a@h.example>",
]  # fmt: skip
VIAS = [
    "SIP/2.0/UDP h.example:5060;branch=z9hG4bK1;rport",
    "SIP/2.0/TLS [2001:db8::1]:5061;branch=x",
    "SIP/2.0/WS h.example",
]


@pytest.mark.parametrize("name", [name for name in GOOD if name not in NOT_FOR_SIPMESSAGE])
def test_messages_mean_the_same_to_sipmessage(name):
    data = GOOD[name].replace(b';+sip.instance="<urn:uuid:1>"', b"")
    ours, theirs = parse_message(data), sipmessage.Message.parse(data)
    assert theirs.body == ours.body
    assert (theirs.call_id, theirs.cseq.sequence, theirs.cseq.method) == (
        ours.call_id,
        ours.cseq.number,
        ours.cseq.method,
    )
    assert len(theirs.via) == len(ours.headers.all("Via"))
    assert (theirs.from_address.name or "", theirs.from_address.parameters.get("tag")) == (
        ours.from_.display,
        ours.from_.tag,
    )
    assert [str(each.uri) for each in theirs.contact] == [str(each.uri) for each in ours.contacts]
    if isinstance(ours, Request):
        assert (theirs.method, str(theirs.uri)) == (ours.method, str(ours.uri))
    else:
        assert (theirs.code, theirs.phrase) == (ours.status, ours.reason)


@pytest.mark.parametrize("name", [name for name in GOOD | VALID | APPLICATION if name != "lf-only"])
def test_messages_mean_the_same_to_aiosipua(name):
    data = (GOOD | VALID | APPLICATION)[name].lstrip(b"\r\n")
    ours, theirs = parse_message(data), aiosipua.SipMessage.parse(data)
    assert (theirs.call_id, theirs.cseq.seq, theirs.cseq.method) == (ours.call_id, ours.cseq.number, ours.cseq.method)
    assert (theirs.to_addr.tag, theirs.from_addr.tag) == (ours.to.tag, ours.from_.tag)
    if isinstance(ours, Request):
        assert theirs.method == ours.method
    assert isinstance(ours, Response) == isinstance(theirs, aiosipua.SipResponse)


@pytest.mark.parametrize("text", URIS)
def test_uris(text):
    ours, one, two = Uri.parse(text), sipmessage.URI.parse(text), parse_uri(text)
    host = f"[{ours.host}]" if ":" in ours.host else ours.host
    assert (one.scheme, one.user, one.password, one.host, one.port) == (
        ours.scheme,
        ours.user,
        ours.password,
        host,
        ours.port,
    )
    assert (two.scheme, (two.user or "").partition(":")[0], two.port) == (ours.scheme, ours.user or "", ours.port)
    assert str(ours) == str(one) == text


@pytest.mark.parametrize("text", ADDRESSES)
def test_addresses(text):
    ours, one, two = NameAddr.parse(text), sipmessage.Address.parse(text), parse_address(text)
    assert (one.name or "", str(one.uri), one.parameters.get("tag")) == (ours.display, str(ours.uri), ours.tag)
    assert (two.display_name or "", two.tag) == (ours.display, ours.tag)


@pytest.mark.parametrize("text", VIAS)
def test_vias(text):
    ours, theirs = Via.parse(text), sipmessage.Via.parse(text)
    host = f"[{ours.host}]" if ":" in ours.host else ours.host
    assert (theirs.transport, theirs.host, theirs.port) == (ours.transport, host, ours.port)
    assert (
        theirs.parameters.branch if hasattr(theirs.parameters, "branch") else theirs.parameters.get("branch")
    ) == ours.branch
    assert str(ours) == str(theirs) == text


@pytest.mark.parametrize("name", GOOD)
def test_what_we_write_both_can_read(name):
    data = bytes(parse_message(GOOD[name]))
    assert aiosipua.SipMessage.parse(data).call_id == parse_message(data).call_id
    if name not in ("latin1", "challenged"):
        assert bytes(sipmessage.Message.parse(data).body) == parse_message(data).body


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_our_server_knows_the_digest_of_aiosipua(algorithm):
    server = DigestServer("tandem", "s", [algorithm])
    (challenge,) = server.challenge(0.0)
    credentials = build_credentials(
        SipDigestAuth("alice", "wonder"), aiosipua.headers.parse_auth(challenge), "INVITE", "sip:600@h"
    )
    request = Request("INVITE", Uri.parse("sip:600@h"), Headers([("Authorization", str(credentials))]))
    if not str(credentials).startswith("Digest"):
        request.headers.set("Authorization", aiosipua.headers.stringify_auth(credentials))
    assert server.verify(request, {"alice": "wonder"}.get, 0.0).user == "alice"


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_aiosipua_computes_what_our_client_does(algorithm):
    count = itertools.count(1)
    client = DigestClient(Credentials("alice", "wonder"), lambda n: f"{next(count):0{n}x}")
    challenge = f'Digest realm="r", nonce="n", algorithm={algorithm}, qop="auth"'
    request = Request("BYE", Uri.parse("sip:600@h"), Headers([("CSeq", "1 BYE")]))
    again = client.answer(Response(401, "", Headers([("WWW-Authenticate", challenge)])), request)
    assert again is not None
    ((_, fields),) = parse_fields(again.headers.all("Authorization")[0])
    theirs = build_credentials(
        SipDigestAuth("alice", "wonder"),
        aiosipua.headers.parse_auth(challenge),
        "BYE",
        "sip:600@h",
        cnonce=fields["cnonce"],
    )
    assert theirs is not None
    text = aiosipua.headers.stringify_auth(theirs)
    assert fields["response"] in text
