"""Who calls: as a trunk is told, and as it tells."""

from dataclasses import replace

import pytest

from gateway.calls.events import Identity
from gateway.trunks.identity import incoming, outgoing
from gateway.trunks.rewrite import Rule, Rules
from gateway.trunks.trunk import CallerId, Trunk
from signaling.sip.headers import Headers
from signaling.sip.uri import NameAddr, Uri

PBX = Uri.parse("sip:pbx.test:5080")
OFFICE = Trunk("office", (PBX,), "201")
PEER = Trunk("peer", (PBX,))
ALICE = Identity("101", "Alice", "alice")
HIDDEN = Identity("anonymous", "Anonymous")
NOBODY = '"Anonymous" <sip:anonymous@anonymous.invalid>'
TO_E164 = Rules([Rule("1XX", "+4930{number}")])


@pytest.mark.parametrize(
    ("trunk", "policy", "caller", "from_", "headers"),
    [
        (OFFICE, CallerId(), ALICE, '"Alice" <sip:201@pbx.test>', {}),
        (PEER, CallerId(), ALICE, '"Alice" <sip:101@gw.test>', {}),
        (OFFICE, CallerId(number="pass"), ALICE, '"Alice" <sip:101@pbx.test>', {}),
        (OFFICE, CallerId(number="pass", outward=TO_E164), ALICE, '"Alice" <sip:+4930101@pbx.test>', {}),
        (OFFICE, CallerId(number="+49300"), ALICE, '"Alice" <sip:+49300@pbx.test>', {}),
        (OFFICE, CallerId(domain="itsp.test"), ALICE, '"Alice" <sip:201@itsp.test>', {}),
        (
            OFFICE, CallerId("pai", outward=TO_E164), ALICE, '"Alice" <sip:201@pbx.test>',
            {"P-Asserted-Identity": '"Alice" <sip:+4930101@pbx.test>'},
        ),
        (
            OFFICE, CallerId("rpid", number="+49300"), ALICE, '"Alice" <sip:201@pbx.test>',
            {"Remote-Party-ID": '"Alice" <sip:+49300@pbx.test>;party=calling;privacy=off;screen=yes'},
        ),
        (
            OFFICE, CallerId(private=True), ALICE, NOBODY,
            {"P-Preferred-Identity": '"Alice" <sip:201@pbx.test>', "Privacy": "id"},
        ),
        (
            OFFICE, CallerId("pai", private=True), ALICE, NOBODY,
            {"P-Asserted-Identity": '"Alice" <sip:101@pbx.test>', "Privacy": "id"},
        ),
        (
            OFFICE, CallerId("rpid"), HIDDEN, NOBODY,
            {
                "Remote-Party-ID": '"Anonymous" <sip:201@pbx.test>;party=calling;privacy=full;screen=yes',
                "Privacy": "id",
            },
        ),
        (PEER, CallerId(), HIDDEN, NOBODY, {"Privacy": "id"}),
        (PEER, CallerId(), Identity("sip:eve@x.test"), "<sip:eve@gw.test>", {}),
    ],
)  # fmt: skip
def test_what_a_trunk_is_told(trunk, policy, caller, from_, headers):
    told = outgoing(replace(trunk, caller_id=policy), PBX, caller, "gw.test")
    assert (str(told.from_), dict(told.headers)) == (from_, headers)


FROM = NameAddr.parse('"Front desk" <sip:30@pbx.test>;tag=1')


@pytest.mark.parametrize(
    ("believed", "headers", "caller"),
    [
        (("pai", "rpid", "from"), {}, Identity("30", "Front desk")),
        (("pai", "from"), {"P-Asserted-Identity": "<sip:+4930@pbx.test>"}, Identity("+4930", "Front desk")),
        (("pai", "from"), {"P-Asserted-Identity": '"X" <tel:+4930>'}, Identity("+4930", "X")),
        (("from",), {"P-Asserted-Identity": "<sip:+4930@pbx.test>"}, Identity("30", "Front desk")),
        (("rpid", "from"), {"Remote-Party-ID": '"R" <sip:7@p.test>;party=calling'}, Identity("7", "R")),
        (("pai", "from"), {"P-Asserted-Identity": "<<<"}, Identity("30", "Front desk")),
        (("pai",), {}, Identity("sip:30@pbx.test", "Front desk")),
        (("pai", "from"), {"P-Asserted-Identity": "<sip:30@pbx.test>", "Privacy": "id"}, HIDDEN),
        (("from",), {"Privacy": "none"}, Identity("30", "Front desk")),
        (("from",), {"Remote-Party-ID": "<sip:7@p.test>;privacy=full"}, HIDDEN),
        (("from",), {"Privacy": "critical; USER"}, HIDDEN),
    ],
)
def test_what_a_trunk_tells(believed, headers, caller):
    trunk = replace(OFFICE, caller_id=CallerId(believed=believed))
    assert incoming(trunk, FROM, Headers(headers.items())) == caller


def test_a_caller_without_a_name():
    from_ = NameAddr.parse("<sip:anonymous@anonymous.invalid>")
    assert incoming(OFFICE, from_, Headers()) == HIDDEN


def test_numbers_from_a_trunk_are_rewritten():
    trunk = replace(OFFICE, caller_id=CallerId(inward=Rules([Rule("re:^[+]49(.*)", "0{1}"), Rule("+.", "00{rest}")])))
    assert incoming(trunk, NameAddr.parse("<sip:+4930@x.test>"), Headers()).number == "030"
    assert incoming(trunk, NameAddr.parse("<sip:+4430@x.test>"), Headers()).number == "004430"
    assert incoming(trunk, NameAddr.parse("<sip:30@x.test>"), Headers()).number == "30"
