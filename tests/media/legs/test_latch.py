from collections import Counter

import pytest

from media.legs.latch import PROBATION, SILENT, Latch
from media.rtp.packet import header

PHONE, NAT, STRANGER = ("10.0.0.5", 4000), ("198.51.100.7", 40_000), ("203.0.113.9", 5004)


NUMBERS = Counter()  # each stream counts its packets


def packet(n=0, ssrc=1):
    return header(0, False, n, n * 160, ssrc) + b"x"


@pytest.fixture
def latch():
    latch = Latch()
    latch.state(PHONE)
    return latch


def hear(latch, source, now, count=1, ssrc=1):
    """How many of `count` packets were admitted; what a leg does with its latch."""
    admitted = 0
    for _ in range(count):
        n = NUMBERS[source, ssrc] = NUMBERS[source, ssrc] + 1
        if source == latch.pinned or latch.admit(packet(n, ssrc), source, now):
            latch.heard_at = now
            admitted += 1
    return admitted


def test_the_stated_address_is_believed_at_once(latch):
    assert latch.target == PHONE
    assert hear(latch, PHONE, 0) == 1
    assert latch.target == PHONE


def test_a_phone_behind_nat_proves_itself_by_six_packets(latch):
    assert hear(latch, NAT, 0, PROBATION - 1) == 0
    assert latch.target == PHONE, "we send where the SDP says until then"
    assert hear(latch, NAT, 0) == 1
    assert latch.target == NAT


def test_two_sources_at_once_prove_nothing(latch):
    for _ in range(20):
        assert hear(latch, NAT, 0, 2) == hear(latch, STRANGER, 0, 2) == 0
    assert latch.pinned is None


def test_packets_out_of_sequence_prove_nothing(latch):
    """Whoever repeats one packet, or writes random numbers, is no phone."""
    assert not any(latch.admit(packet(7), STRANGER, 0) for _ in range(50))
    assert not any(latch.admit(packet(n * 977), STRANGER, 0) for n in range(50))


def test_a_lost_packet_is_no_matter(latch):
    assert [latch.admit(packet(n), NAT, 0) for n in (1, 2, 4, 5, 8, 9)] == [False] * 5 + [True]


def test_a_flood_of_garbage_does_not_keep_a_phone_out(latch):
    for n in range(PROBATION):
        assert latch.admit(packet(n), NAT, n * 0.02) == (n == PROBATION - 1)
        for ssrc in range(100):
            assert not latch.admit(packet(ssrc * 331 % 65536, ssrc % 5 + 10), STRANGER, n * 0.02)


def test_one_source_with_changing_ssrc_proves_nothing(latch):
    assert [hear(latch, NAT, 0, 2, ssrc=n) for n in range(10)] == [0] * 10


@pytest.mark.parametrize("data", [b"", b"hello world, this is not RTP", b"\x00" * 12, b"\x80\x00\x00"])
def test_what_is_not_rtp_proves_nothing(latch, data):
    assert not any(latch.admit(data, NAT, 0) for _ in range(20))


def test_a_stranger_never_takes_a_running_stream(latch):
    hear(latch, NAT, 0, PROBATION)
    for now in range(10):
        assert hear(latch, NAT, now) == 1
        assert hear(latch, STRANGER, now, 50) == 0
    assert latch.target == NAT


def test_after_silence_another_source_may_prove_itself(latch):
    hear(latch, NAT, 0, PROBATION)
    assert hear(latch, STRANGER, SILENT - 0.01, 20) == 0
    moved = ("198.51.100.7", 40_002)
    assert hear(latch, moved, SILENT, PROBATION) == 1
    assert latch.target == moved


def test_the_stated_address_takes_its_place_back(latch):
    """Who came first with six packets was a stranger."""
    hear(latch, STRANGER, 0, PROBATION)
    assert hear(latch, PHONE, 0.1) == 1
    assert hear(latch, STRANGER, 0.1, 50) == 0
    assert latch.target == PHONE


def test_media_before_the_answer_is_latched_by_probation():
    latch = Latch()
    assert latch.target is None
    assert hear(latch, NAT, 0, PROBATION) == 1
    latch.state(NAT)
    assert hear(latch, NAT, 0.1) == 1


def test_a_new_description_with_another_address_starts_anew(latch):
    hear(latch, NAT, 0, PROBATION)
    latch.state(PHONE)
    assert latch.target == NAT, "the same address again is no news"
    latch.state(None)
    assert latch.target == NAT, "held by address"
    latch.state(("10.0.0.6", 4000))
    assert latch.target == ("10.0.0.6", 4000)
    assert hear(latch, NAT, 0, PROBATION - 1) == 0


def test_ipv6_sources_have_four_parts():
    latch = Latch()
    latch.state(("2001:db8::5", 4000))
    assert latch.admit(packet(), ("2001:db8::5", 4000, 0, 0), 0)
    assert latch.target == ("2001:db8::5", 4000, 0, 0)
