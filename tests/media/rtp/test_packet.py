import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import BadPacket
from media.rtp import packet
from media.rtp.packet import Packet

PLAIN = bytes.fromhex("800012340000a0b0deadbeef") + b"sound"


def test_parse_plain_packet():
    assert packet.parse(PLAIN) == Packet(0, False, 0x1234, 0xA0B0, 0xDEADBEEF, b"sound")


def test_marker_and_payload_type_share_a_byte():
    data = packet.header(111, True, 65535, 0xFFFFFFFF, 1)
    assert data[1] == 0xEF
    assert packet.parse(data) == Packet(111, True, 65535, 0xFFFFFFFF, 1, b"")


@pytest.mark.parametrize(
    ("name", "data", "payload"),
    [
        ("two CSRCs", b"\x82" + PLAIN[1:12] + bytes(8) + b"x", b"x"),
        ("extension", b"\x90" + PLAIN[1:12] + b"\xbe\xde\x00\x02" + bytes(8) + b"x", b"x"),
        ("empty extension", b"\x90" + PLAIN[1:12] + b"\xbe\xde\x00\x00" + b"x", b"x"),
        ("padding", b"\xa0" + PLAIN[1:12] + b"x\x00\x00\x03", b"x"),
        ("only padding", b"\xa0" + PLAIN[1:12] + b"\x01", b""),
        ("all of it", b"\xb1" + PLAIN[1:12] + bytes(4) + b"\xbe\xde\x00\x01" + bytes(4) + b"x\x01", b"x"),
    ],
)
def test_unusual_headers(name, data, payload):
    assert packet.parse(data).payload == payload


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nothing", b""),
        ("cut header", PLAIN[:11]),
        ("version 1", b"\x40" + PLAIN[1:]),
        ("version 3", b"\xc0" + PLAIN[1:]),
        ("CSRCs cut off", b"\x8f" + PLAIN[1:]),
        ("extension cut off", b"\x90" + PLAIN[1:12] + b"\xbe\xde"),
        ("extension too long", b"\x90" + PLAIN[1:12] + b"\xbe\xde\x00\x09" + bytes(8)),
        ("padding of 0", b"\xa0" + PLAIN[1:12] + b"x\x00"),
        ("padding too long", b"\xa0" + PLAIN[1:12] + b"x\x07"),
        ("padding in the header", b"\xa0" + PLAIN[1:11] + b"\x05"),
    ],
)
def test_refused(name, data):
    with pytest.raises(BadPacket):
        packet.parse(data)


@given(
    st.integers(0, 127), st.booleans(), st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1),
    st.binary(max_size=200),
)  # fmt: skip
@settings(derandomize=True)
def test_built_is_parsed(payload_type, marker, sequence, timestamp, ssrc, payload):
    data = packet.header(payload_type, marker, sequence, timestamp, ssrc) + payload
    assert packet.parse(data) == (payload_type, marker, sequence, timestamp, ssrc, payload)


@given(st.binary(max_size=64))
@settings(derandomize=True, max_examples=500)
def test_any_bytes_are_parsed_or_refused(data):
    try:
        packet.parse(data)
    except BadPacket:
        pass


def test_mangled_packets_are_parsed_or_refused():
    rng = random.Random(1)
    for _ in range(20_000):
        data = bytearray(PLAIN + bytes(20))
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            packet.parse(bytes(data[: rng.randint(0, len(data))]))
        except BadPacket:
            pass


def test_rtcp_is_told_from_rtp():
    assert packet.is_rtcp(b"\x80\xc8\x00\x06")  # sender report
    assert packet.is_rtcp(b"\x81\xcf")  # XR
    assert not packet.is_rtcp(PLAIN)
    assert not packet.is_rtcp(b"\x80\xef")  # payload type 111 with marker
    assert not packet.is_rtcp(b"\x80")
