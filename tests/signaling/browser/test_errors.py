import inspect
import re

import pytest

from signaling.browser import errors

KINDS = [e for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, errors.BrowserError)]
CONCRETE = [e for e in KINDS if e not in (errors.BrowserError, errors.BadMessage)]


@pytest.mark.parametrize("kind", CONCRETE)
def test_carries_what_the_gateway_needs(kind):
    assert {"code", "sip_status", "cause", "retryable"} <= vars(kind).keys()
    assert 400 <= kind.sip_status < 700
    assert re.fullmatch(r"[a-z-]+", kind.code)
    assert kind.close is None or kind.close == 1000 or 4000 <= kind.close < 5000  # RFC 6455 7.4.2


def test_codes_and_close_codes_are_unique():
    assert len({e.code for e in CONCRETE}) == len(CONCRETE)
    closes = [e.close for e in CONCRETE if e.close]
    assert len(set(closes)) == len(closes)


def test_tree_in_the_docstring_is_true():
    drawn = set(re.findall(r"[├└]─ (\w+)", errors.__doc__ or ""))
    assert drawn == {e.__name__ for e in KINDS} - {"BrowserError"}
