import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events.signature import BadSignature, sign, verify

SECRET, BODY, NOW = "sixteen letters or more", b'{"a":1}', 1_772_357_405.9


def test_known_answer():
    # printf '1772357405.{"a":1}' | openssl dgst -sha256 -hmac 'sixteen letters or more'
    assert sign(SECRET, BODY, NOW) == "t=1772357405,v1=f994cba5757026f8fe1d4b906feac08f00011a0fa9c2026038aca5e7dbd62063"
    verify(SECRET, sign(SECRET, BODY, NOW), BODY, NOW)


def test_one_of_several_is_enough():
    both = sign("another secret of old", BODY, NOW) + "," + sign(SECRET, BODY, NOW).partition(",")[2]
    verify(SECRET, both, BODY, NOW + 299)


@pytest.mark.parametrize(
    ("header", "body", "now"),
    [
        (sign(SECRET, BODY, NOW), b'{"a":2}', NOW),
        (sign("another secret of old", BODY, NOW), BODY, NOW),
        (sign(SECRET, BODY, NOW), BODY, NOW + 302),
        (sign(SECRET, BODY, NOW), BODY, NOW - 302),
        (sign(SECRET, BODY, NOW).replace("t=17", "t=18"), BODY, NOW),
        ("", BODY, NOW),
        ("t=,v1=", BODY, NOW),
        ("t=-5,v1=0", BODY, NOW),
        ("t=٣,v1=é", BODY, NOW),
        ("t=1772357405", BODY, NOW),
        ("v1=0,t=" + "9" * 400, BODY, NOW),
    ],
)
def test_what_is_not_ours(header, body, now):
    with pytest.raises(BadSignature):
        verify(SECRET, header, body, now)


@given(st.text())
def test_any_header_is_refused_in_words(header):
    with pytest.raises(BadSignature, match=r"^The signature .*\.$"):
        verify(SECRET, header, BODY, NOW)
