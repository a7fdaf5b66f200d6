"""Which trunk a call came in by."""

import pytest

from gateway.trunks.match import Matcher
from gateway.trunks.trunk import Trunk
from signaling.sip.uri import Uri

OFFICE = Trunk("office", (Uri.parse("sip:192.0.2.1"),), "201", registers=True, line="aaaa")
BRANCH = Trunk("branch", (Uri.parse("sip:192.0.2.1:5080"),), "301", registers=True, line="bbbb")
ITSP = Trunk("itsp", (Uri.parse("sip:itsp.test"),), "4930", addresses=("203.0.113.0/28",))
PROXIED = Trunk("proxied", (Uri.parse("sip:far.test"),), "9", proxy=Uri.parse("sip:198.51.100.5;lr"))


@pytest.mark.parametrize(
    ("source", "uri", "to", "found"),
    [
        ("10.9.9.9", "sip:201@gw.test;line=aaaa", None, OFFICE),  # from anywhere: only its registrar knows that
        ("192.0.2.1", "sip:201@gw.test;line=bbbb", None, BRANCH),
        ("192.0.2.1", "sip:201@gw.test;line=nonsense", None, OFFICE),
        ("192.0.2.1", "sip:301@gw.test", None, BRANCH),
        ("192.0.2.1", "sip:777@gw.test", "sip:301@gw.test", BRANCH),
        ("192.0.2.1", "sip:777@gw.test", None, OFFICE),
        ("::ffff:192.0.2.1", "sip:777@gw.test", None, OFFICE),
        ("203.0.113.9", "sip:1@gw.test", None, ITSP),
        ("203.0.113.99", "sip:4930@gw.test", None, None),
        ("198.51.100.5", "sip:1@gw.test", None, PROXIED),
        ("not an address", "sip:1@gw.test", None, None),
    ],
)
def test_by_registration_address_and_user(source, uri, to, found):
    matcher = Matcher([OFFICE, BRANCH, ITSP, PROXIED])
    uri = Uri.parse(uri)
    assert matcher.find(source, uri, Uri.parse(to) if to else uri) is found


def test_by_user_only_where_nobody_need_prove_anything():
    matcher = Matcher([ITSP])
    uri = Uri.parse("sip:4930@gw.test")
    assert matcher.find("10.0.0.1", uri, uri) is None
    assert matcher.find("10.0.0.1", uri, uri, admitted=True) is ITSP


def test_where_its_name_leads():
    matcher = Matcher([ITSP])
    uri = Uri.parse("sip:1@gw.test")
    assert matcher.find("192.0.2.77", uri, uri) is None
    matcher.learn("itsp", ["192.0.2.77"])
    assert matcher.find("192.0.2.77", uri, uri) is ITSP
    matcher.learn("itsp", [])  # DNS is silent
    assert matcher.find("192.0.2.77", uri, uri) is ITSP
    matcher.learn("itsp", ["192.0.2.78"])
    assert matcher.find("192.0.2.77", uri, uri) is None


def test_no_line_is_no_key():
    matcher = Matcher([ITSP])
    assert matcher.by_line(Uri.parse("sip:1@gw.test;line")) is None
    assert matcher.by_line(Uri.parse("sip:1@gw.test;line=")) is None
