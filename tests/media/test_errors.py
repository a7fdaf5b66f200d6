import pytest

from media import errors


def concrete(kind=errors.MediaError):
    return [kind, *(found for sub in kind.__subclasses__() for found in concrete(sub))]


@pytest.mark.parametrize("kind", concrete())
def test_every_error_says_what_to_answer_and_to_record(kind):
    assert 400 <= kind.sip_status < 700
    assert kind.cause and kind.cause == kind.cause.lower()
    assert isinstance(kind.retryable, bool)
    assert kind is errors.MediaError or kind.__name__ in (errors.__doc__ or ""), "the tree is drawn whole"


def test_causes_are_told_apart():
    causes = [kind.cause for kind in concrete()]
    assert len(causes) == len(set(causes))
