import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.rtp.packet import Packet
from media.rtp.rtcp import SenderReport, middle, ntp
from media.rtp.stream import Incoming

FRAME = 960


def packet(sequence, timestamp, ssrc=9, payload=b"x" * 160):
    return Packet(0, False, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, payload)


def run(incoming, numbers, *, start=0.0, ssrc=9, step=160, first=0):
    return [incoming.receive(packet(n, first + n * step, ssrc), start + n * 0.02) for n in numbers]


def test_numbers_never_wrap():
    incoming = Incoming(8000)
    got = [incoming.receive(packet(65500 + i, 0xFFFFFF00 + i * 160), 5 + i * 0.02) for i in range(3 * 65536 // 100)]
    assert [b[0] - a[0] for a, b in zip(got, got[1:], strict=False)] == [1] * (len(got) - 1)
    assert [b[1] - a[1] for a, b in zip(got, got[1:], strict=False)] == [FRAME] * (len(got) - 1)
    assert incoming.report_block(1.0).highest == 65500 + len(got) - 1
    assert incoming.lost == 0


def test_the_first_packet_is_heard_at_once():
    assert Incoming(8000).receive(packet(3, 4), 1.0) is not None


def test_opus_clock():
    incoming = Incoming(48000)
    first, second = run(incoming, [0, 1], step=960)
    assert second[1] - first[1] == FRAME


def test_reordering_gives_smaller_numbers():
    incoming = Incoming(8000)
    got = run(incoming, [10, 12, 11, 13])
    base = got[0]
    assert [(s - base[0], (t - base[1]) // FRAME) for s, t in got] == [(0, 0), (2, 2), (1, 1), (3, 3)]
    assert incoming.lost == 0


def test_loss_since_the_last_report_and_in_total():
    incoming = Incoming(8000)
    run(incoming, [n for n in range(100) if n % 4])
    block = incoming.report_block(2.0)
    assert (block.fraction, block.lost) == (24 * 256 // 99, 24)  # the first packet is number 1
    run(incoming, range(100, 200))
    block = incoming.report_block(4.0)
    assert (block.fraction, block.lost, incoming.loss) == (0, 24, 0.0)
    assert incoming.lost == 24


def test_duplicates_make_the_loss_negative_but_no_fraction():
    incoming = Incoming(8000)
    run(incoming, [0, 1, 1, 1, 2])
    block = incoming.report_block(1.0)
    assert (block.fraction, block.lost) == (0, -2)
    assert incoming.lost == 0


def test_all_lost_is_255():
    incoming = Incoming(8000)
    run(incoming, [0])
    incoming.report_block(1.0)
    run(incoming, [2500])
    assert incoming.report_block(2.0).fraction == 255


def test_jitter_by_the_appendix():
    incoming = Incoming(8000)
    jitter, transit = 0.0, None
    rng = random.Random(4)
    for n in range(300):
        now = n * 0.02 + rng.random() * 0.01
        incoming.receive(packet(n, n * 160), now)
        if transit is not None:
            jitter += (abs(now - n * 0.02 - transit) - jitter) / 16
        transit = now - n * 0.02
    assert incoming.jitter == pytest.approx(jitter, rel=1e-6)
    assert incoming.report_block(9.0).jitter == int(jitter * 8000)


def test_events_touch_neither_time_nor_jitter():
    incoming = Incoming(8000)
    run(incoming, [0, 1])
    for n in range(2, 1000):  # a key held for 20 s, audio going on beside it
        assert incoming.receive(packet(2 * n, 320), n * 0.02, True) is not None
        got = incoming.receive(packet(2 * n + 1, n * 160), n * 0.02)
    first = 999 - 1
    assert got[1] == 960 + (first + 1) * FRAME
    assert incoming.jitter == pytest.approx(0, abs=1e-9)
    assert incoming.restarts == 0


def test_another_ssrc_needs_two_packets_in_a_row():
    incoming = Incoming(8000)
    got = run(incoming, range(50))
    assert run(incoming, [70], ssrc=1, first=9_000_000, start=-0.1) == [None]
    second = run(incoming, [71, 72], ssrc=1, first=9_000_000, start=-0.1)
    assert [s for s, _ in second] == [got[-1][0] + 1, got[-1][0] + 2]
    gone = (71 * 0.02 - 0.1) - 49 * 0.02
    assert second[0][1] - got[-1][1] == pytest.approx(gone * 48000, abs=1)
    assert incoming.ssrc == 1
    assert incoming.restarts == 1


def test_two_senders_at_once_do_not_flap():
    incoming = Incoming(8000)
    for n in range(100):
        assert incoming.receive(packet(n, n * 160, 1), n * 0.02) is not None
        if n:
            assert incoming.receive(packet(n + 500, n * 160, 2), n * 0.02) is None
    assert incoming.ssrc == 1
    assert incoming.refused == 99


def test_a_jump_of_the_sequence_needs_two_in_a_row():
    incoming = Incoming(8000)
    run(incoming, range(10))
    assert incoming.receive(packet(30000, 1600), 0.2) is None
    assert incoming.receive(packet(10, 1600), 0.2) is not None
    assert incoming.receive(packet(40000, 1760), 0.22) is None
    sequence, time = incoming.receive(packet(40001, 1920), 0.24)
    assert incoming.receive(packet(40002, 2080), 0.26) == (sequence + 1, time + FRAME)
    assert incoming.lost == 0
    assert incoming.report_block(1.0).highest == 40002


def test_statistics_restart_with_the_source_totals_go_on():
    incoming = Incoming(8000)
    run(incoming, [0, 5])
    assert incoming.lost == 4
    run(incoming, range(20, 30), ssrc=3)
    assert incoming.report_block(1.0).lost == 0
    assert incoming.lost == 4
    assert incoming.packets == 2 + 9


def test_a_leap_of_the_timestamp_is_no_leap_of_the_time():
    incoming = Incoming(8000)
    got = run(incoming, range(10))
    for leap in (50_000_000, -50_000_000, 2**31 - 1):
        _, time = incoming.receive(packet(10, 9 * 160 + leap), 0.2)
        assert time - got[-1][1] == pytest.approx(FRAME, abs=1)
        incoming = Incoming(8000)
        got = run(incoming, range(10))


def test_a_long_silence_is_believed():
    incoming = Incoming(8000)
    got = run(incoming, range(10))
    _, time = incoming.receive(packet(10, 9 * 160 + 60 * 8000), 0.18 + 60.5)
    assert time - got[-1][1] == 60 * 48000


def test_retune_to_another_clock():
    incoming = Incoming(8000)
    got = run(incoming, range(10))
    incoming.retune(48000)
    first = incoming.receive(packet(10, 77), 0.2)
    second = incoming.receive(packet(11, 77 + 960), 0.22)
    assert first[1] - got[-1][1] == pytest.approx(FRAME, abs=1)
    assert second[1] - first[1] == FRAME


def test_lsr_and_dlsr():
    incoming = Incoming(8000)
    assert incoming.report_block(0.0) is None
    run(incoming, [0])
    assert (incoming.report_block(1.0).lsr, incoming.report_block(1.0).dlsr) == (0, 0)
    stamp = ntp(1_700_000_000.5)
    incoming.on_sender_report(SenderReport(8, 1, 0, 0, 0), 1.0)
    incoming.on_sender_report(SenderReport(9, stamp, 0, 0, 0), 2.0)
    block = incoming.report_block(2.5)
    assert (block.lsr, block.dlsr) == (middle(stamp), 32768)


@given(
    st.lists(
        st.tuples(st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1), st.integers(0, 3), st.booleans()), max_size=60
    )
)
@settings(derandomize=True, max_examples=300)
def test_whatever_comes_the_time_keeps_close_to_the_wall_clock(packets):
    incoming = Incoming(8000)
    now = 0.0
    for sequence, timestamp, ssrc, event in packets:
        now += 0.02
        got = incoming.receive(packet(sequence, timestamp, ssrc), now, event)
        incoming.report_block(now)
        if got is not None and not event:
            assert abs(got[1] - now * 48000) < 48000 * 2 * 62
