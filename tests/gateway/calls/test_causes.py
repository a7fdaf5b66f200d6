"""One table of causes, both ways."""

import pytest

from gateway.calls.causes import CAUSES, best, cause_of, cause_of_status, ending


def test_every_cause_can_refuse_a_call_and_speaks_to_people():
    for cause in CAUSES.values():
        assert cause.status == 200 or 400 <= cause.status <= 699
        assert 1 <= cause.q850 <= 127
        assert cause.words.endswith(".")


@pytest.mark.parametrize("status", range(300, 700))
def test_every_final_status_has_a_cause_in_the_table(status):
    assert cause_of_status(status) in CAUSES


@pytest.mark.parametrize("status", [404, 408, 480, 482, 486, 487, 488, 603, 410, 481, 403])
def test_a_refusal_comes_out_with_the_status_it_came_in_with(status):
    assert cause_of(cause_of_status(status)).status == status


def test_unknown_causes_are_failures():
    assert ending("made up").cause == "failed"


def test_reason_header():
    assert ending("busy").reason == 'Q.850;cause=17;text="busy"'
    assert ending("answered-elsewhere").reason.startswith("SIP;cause=200")


def test_best():
    assert best([]).cause == "not-registered"
    assert best([ending("unreachable"), ending("busy"), ending("timeout")]).cause == "busy"
    assert best([ending("no-answer"), ending("declined")]).cause == "declined"
