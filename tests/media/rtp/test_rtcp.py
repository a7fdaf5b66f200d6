import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import BadPacket
from media.rtp import rtcp
from media.rtp.rtcp import Bye, ReceiverReport, ReportBlock, Sdes, SenderReport, compound, parse_compound

BLOCK = ReportBlock(0x11223344, 64, -3, 0x0001FFFF, 160, 0xAABBCCDD, 65536)
OTHER = ReportBlock(5, 0, 0x7FFFFF, 1, 0, 0, 0)
SR = SenderReport(1, rtcp.ntp(1.5), 8000, 50, 8000, (BLOCK,))
RR = ReceiverReport(2, (BLOCK, OTHER))
SDES = Sdes(((1, "a@b"), (2, "four")))
BYE = Bye((1, 2), "bye bye")


@pytest.mark.parametrize("reports", [(SR, SDES), (RR, SDES), (ReceiverReport(2), SDES, BYE), (SR, SDES, Bye((1,)))])
def test_built_is_parsed(reports):
    data = compound(*reports)
    assert len(data) % 4 == 0
    assert parse_compound(data) == list(reports)


def test_wire_form_of_a_sender_report():
    # from RFC 3550 section 6.4.1, built by hand
    wire = bytes.fromhex(
        "81c8000c 00000001 83aa7e81 80000000 00001f40 00000032 00001f40"
        "11223344 40fffffd 0001ffff 000000a0 aabbccdd 00010000"
    )
    assert bytes(SR) == wire
    assert parse_compound(wire) == [SR]


def test_lost_is_signed_24_bits_and_clamped():
    for lost, read in [(-1, -1), (0x7FFFFF, 0x7FFFFF), (1 << 30, 0x7FFFFF), (-(1 << 30), -0x800000)]:
        block = ReportBlock(1, 0, lost, 0, 0, 0, 0)
        [report] = parse_compound(bytes(ReceiverReport(9, (block,))))
        assert isinstance(report, ReceiverReport)
        assert report.reports[0].lost == read


def test_unknown_types_are_stepped_over():
    xr = bytes.fromhex("80cf0002 00000001 04000000")
    feedback = bytes.fromhex("8fcd0003 00000001 00000002 00000000")
    assert parse_compound(bytes(RR) + xr + feedback + bytes(SDES)) == [RR, SDES]


def test_profile_extension_of_a_report_is_ignored():
    longer = bytearray(bytes(ReceiverReport(2)) + b"more")
    longer[3] += 1
    assert parse_compound(bytes(longer)) == [ReceiverReport(2)]


def test_sdes_other_items_are_ignored():
    # CNAME "x", TOOL "t", end
    body = bytes.fromhex("00000007 01 01 78 06 01 74 00 00")
    assert parse_compound(bytes(ReceiverReport(1)) + bytes.fromhex("81ca0003") + body)[1] == Sdes(((7, "x"),))


def test_long_names_are_cut_at_a_character():
    [_, sdes] = parse_compound(compound(ReceiverReport(1), Sdes(((1, "ä" * 200),))))
    assert sdes == Sdes(((1, "ä" * 127),))


def test_padding_at_the_end():
    padded = bytearray(bytes(ReceiverReport(1)) + bytes(3) + b"\x04")
    padded[0] |= 0x20
    padded[3] += 1
    assert parse_compound(bytes(padded)) == [ReceiverReport(1)]
    with pytest.raises(BadPacket):
        parse_compound(bytes(padded) + bytes(ReceiverReport(1)))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nothing", b""),
        ("cut header", b"\x80\xc9"),
        ("version 1", b"\x40" + bytes(RR)[1:]),
        ("longer than the datagram", bytes(RR)[:-4]),
        ("rest of two bytes", bytes(ReceiverReport(1)) + b"\x80\xc9"),
        ("begins with SDES", bytes(SDES) + bytes(RR)),
        ("fewer blocks than counted", b"\x9f" + bytes(RR)[1:]),
        ("empty sender report", b"\x80\xc8\x00\x00"),
        ("empty receiver report", b"\x80\xc9\x00\x00"),
        ("BYE without its source", bytes(ReceiverReport(1)) + b"\x81\xcb\x00\x00"),
        ("SDES without its chunk", bytes(ReceiverReport(1)) + b"\x81\xca\x00\x00"),
        ("SDES item too long", bytes(ReceiverReport(1)) + b"\x81\xca\x00\x02\x00\x00\x00\x01\x01\xff\x00\x00"),
        ("padding of 0", b"\xa0\xc9\x00\x02" + bytes(8)),
    ],
)
def test_refused(name, data):
    with pytest.raises(BadPacket):
        parse_compound(data)


def test_reduced_size_may_begin_with_anything():
    assert parse_compound(bytes(SDES), reduced=True) == [SDES]


def test_too_many_blocks_is_our_own_fault():
    with pytest.raises(ValueError, match="31"):
        bytes(ReceiverReport(1, (OTHER,) * 32))


@given(st.binary(max_size=120))
@settings(derandomize=True, max_examples=500)
def test_any_bytes_are_parsed_or_refused(data):
    for start in (b"", b"\x81\xc8", b"\x81\xc9\x00\x01", bytes(ReceiverReport(1)) + b"\x82\xca"):
        try:
            parse_compound(start + data)
        except BadPacket:
            pass


def test_mangled_packets_are_parsed_or_refused():
    rng = random.Random(2)
    good = compound(SR, SDES, BYE)
    for _ in range(10_000):
        data = bytearray(good)
        for _ in range(rng.randint(1, 5)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            parse_compound(bytes(data[: rng.randint(0, len(data))]))
        except BadPacket:
            pass


def test_ntp():
    assert rtcp.ntp(0) >> 32 == 2_208_988_800
    assert rtcp.middle(0x1111222233334444) == 0x22223333
    assert rtcp.ntp(2_085_978_496) == 0  # 7 February 2036
