import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.dtmf_info import KEYS, digits


@pytest.mark.parametrize(
    ("kind", "body", "keys"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", b"Signal= #\r\nDuration= 160", "#"),
        ("Application/DTMF-Relay; charset=utf-8", b"signal: 11\r\n", "#"),
        ("application/dtmf-relay", b"Signal=10\n", "*"),
        ("application/dtmf", b"7", "7"),
        ("application/dtmf", b" d ", "D"),
        ("application/vnd.nortelnetworks.digits", b"p=Digit-Collection\r\ny=Digits\r\nd=42", "42"),
        ("application/dtmf", b"", ""),
        ("application/dtmf", b"hello", ""),
        ("application/dtmf-relay", b"Duration=160", ""),
        ("text/plain", b"5", ""),
    ],
)
def test_styles(kind, body, keys):
    assert digits(kind, body) == keys


@settings(derandomize=True, max_examples=300)
@given(st.sampled_from(["application/dtmf", "application/dtmf-relay"]), st.binary(max_size=60))
def test_anything_is_keys_or_nothing(kind, body):
    assert set(digits(kind, body)) <= set(KEYS)
