"""The network's words about a caller: read where they can be, passed over where not."""

from __future__ import annotations

from signaling.sip.headers import Headers
from signaling.sip.identity import Identities
from tests.signaling.sip.peer import Peer


def read(*lines):
    return Identities.of(Headers(lines))


def test_nothing_said():
    said = read()
    assert said == Identities() and not said.withheld


def test_asserted_identities_of_both_kinds():
    said = read(("P-Asserted-Identity", '"Alice" <sip:101@pbx>, <tel:+4930123>'), ("Privacy", "id;critical"))
    assert [str(each.uri) for each in said.asserted] == ["sip:101@pbx", "tel:+4930123"]
    assert said.asserted[0].display == "Alice"
    assert (said.privacy, said.withheld) == ({"id", "critical"}, True)


def test_remote_party_id():
    line = '"Bob" <sip:102@pbx>;party=calling;screen=yes;privacy=full, <sip:600@pbx>;party=called'
    first, second = read(("Remote-Party-ID", line)).remote_parties
    assert (first.address.display, first.party, first.privacy, first.screened) == ("Bob", "calling", "full", True)
    assert (second.party, second.privacy, second.screened) == ("called", "off", False)
    assert read(("Remote-Party-ID", line)).withheld


def test_a_diverted_call():
    said = read(
        ("Diversion", '<sip:200@pbx>;reason=no-answer;counter=2, <sip:100@pbx>;reason="user-busy"'),
        ("History-Info", "<sip:100@pbx?Reason=SIP%3Bcause%3D486>;index=1, <sip:200@pbx;cause=408>;index=1.1"),
    )
    assert [(each.address.uri.user, each.reason, each.counter) for each in said.diversions] == [
        ("200", "no-answer", 2),
        ("100", "user-busy", 1),
    ]
    assert [(each.address.uri.user, each.index, each.cause) for each in said.history] == [
        ("100", "1", 486),
        ("200", "1.1", 408),
    ]


def test_what_cannot_be_read_is_passed_over():
    said = read(
        ("P-Asserted-Identity", "nonsense, <sip:101@pbx>"),
        ("Diversion", "<>;counter=x"),
        ("History-Info", "<sip:a@b?%zz>;index=1"),
        ("Remote-Party-ID", "<sip:1@h>;privacy"),
    )
    assert [each.uri.user for each in said.asserted] == ["101"]
    assert said.diversions == () and said.history[0].cause is None and said.remote_parties[0].privacy == "off"


def test_an_invitation_tells_it():
    peer = Peer()
    peer.give(peer.request("INVITE", headers="P-Asserted-Identity: <sip:101@pbx>\nPrivacy: none\n"))
    (invited,) = peer.events()
    assert invited.identities.asserted[0].uri.user == "101"
    assert not invited.identities.withheld


def test_a_refusal_tells_its_warning():
    peer = Peer()
    _, invite = peer.invited()
    peer.answer(invite, 403, headers=(("Warning", '399 pbx.example "Caller ID is not yours", 399 b "x"'),))
    (rejected,) = peer.events()
    assert (rejected.status, rejected.warning, rejected.cause) == (403, "Caller ID is not yours", None)
