import random

import pytest

from media.rtp.packet import parse
from media.rtp.rtcp import ReportBlock, middle
from media.rtp.stream import Outgoing

FRAME = 960
START = 0xFFFFFF00
"""A timestamp about to wrap."""


def stream(clock_rate=8000, sequence=65534):
    return Outgoing(7, sequence, START, clock_rate)


def send(out, time, now, marker=False):
    return parse(out.packet(b"x" * 160, 0, time, now, marker))


def ahead(later, earlier):
    return (later.timestamp - earlier.timestamp) & 0xFFFFFFFF


@pytest.mark.parametrize(("clock_rate", "step"), [(8000, 160), (48000, 960)])
def test_a_steady_source(clock_rate, step):
    out = stream(clock_rate)
    packets = [send(out, 5_000_000 + i * FRAME, 100 + i * 0.02) for i in range(200)]
    assert [p.sequence for p in packets] == [(65534 + i) & 0xFFFF for i in range(200)]
    assert [p.timestamp for p in packets] == [(START + i * step) & 0xFFFFFFFF for i in range(200)]
    assert [p.marker for p in packets] == [True] + [False] * 199
    assert {p.ssrc for p in packets} == {7}
    assert (out.packets, out.octets) == (200, 32000)


def test_the_sources_own_marker_and_gaps_are_kept():
    out = stream()
    first = send(out, 0, 0)
    silent = send(out, 400 * 48, 0.4, marker=True)
    assert silent.marker
    assert ahead(silent, first) == 3200
    long = send(out, 30 * 48_000, 30.1)
    assert ahead(long, first) == 30 * 8000
    assert not long.marker


def test_network_jitter_does_not_show():
    out = stream()
    rng = random.Random(1)
    packets = [send(out, i * FRAME, i * 0.02 + rng.random() * 0.3) for i in range(100)]
    assert {ahead(b, a) for a, b in zip(packets, packets[1:], strict=False)} == {160}


def test_a_burst_after_an_outage_is_trusted():
    out = stream()
    first = send(out, 0, 0)
    late = [send(out, (i + 1) * FRAME, 3.0) for i in range(150)]
    assert ahead(late[-1], first) == 150 * 160


@pytest.mark.parametrize("start", [0, 10**12, -(10**9), 4 * FRAME])
def test_resync_places_the_new_source_by_the_wall_clock(start):
    out = stream()
    for i in range(10):
        last = send(out, i * FRAME, i * 0.02)
    out.resync()
    new = send(out, start, 0.18 + 0.5)
    assert new.marker
    assert ahead(new, last) == 4000
    assert new.sequence == (last.sequence + 1) & 0xFFFF
    following = send(out, start + FRAME, 0.7)
    assert ahead(following, new) == 160
    assert not following.marker


@pytest.mark.parametrize("start", [0, 10**12, -(10**9)])
def test_a_jump_shows_itself_without_resync(start):
    out = stream()
    for i in range(10):
        last = send(out, 7_000_000 + i * FRAME, i * 0.02)
    new = send(out, start, 0.2)
    assert new.marker
    assert ahead(new, last) == 160


def test_a_new_source_never_lands_on_the_last_frame():
    out = stream()
    last = send(out, 0, 0)
    last = send(out, FRAME, 0.02)
    out.resync()
    assert ahead(send(out, 99 * FRAME, 0.021), last) == 160


def test_a_paused_source_resumes_where_the_clock_is():
    out = stream()
    last = send(out, 0, 0)
    resumed = send(out, FRAME, 60.0)
    assert ahead(resumed, last) == 60 * 8000
    assert resumed.marker


def test_many_switches_keep_up_with_the_wall_clock():
    rng = random.Random(3)
    out = stream()
    now, before = 1000.0, None
    first = None
    for _ in range(200):
        time = rng.randrange(10**9)
        if rng.random() < 0.5:
            out.resync()
        for _ in range(rng.randint(1, 30)):
            packet = send(out, time, now)
            if before is not None:
                assert 0 < ahead(packet, before) < 8000 * 6
                assert packet.sequence == (before.sequence + 1) & 0xFFFF
            first, before = first or packet, packet
            time, now = time + FRAME, now + 0.02
        now += rng.random() * 4
    gone = (now - 1000.0) * 8000
    assert abs(ahead(before, first) - gone) < 8000 * 4.1


def test_loss_of_the_source_stays_visible():
    out = stream()
    first = send(out, 0, 0)
    out.skip(2)
    second = send(out, 3 * FRAME, 0.06)
    assert second.sequence == (first.sequence + 3) & 0xFFFF
    assert ahead(second, first) == 480
    assert out.skipped == 2


def test_retune_goes_on_in_the_new_clock():
    out = stream(8000)
    send(out, 0, 0)
    last = send(out, FRAME, 0.02)
    out.retune(48000)
    new = send(out, 2 * FRAME, 0.04)
    assert ahead(new, last) == 960
    assert ahead(send(out, 3 * FRAME, 0.06), new) == 960
    out.retune(8000)
    assert ahead(send(out, 4 * FRAME, 0.08), new) == 960 + 160


def test_events_share_the_sequence_and_not_the_time():
    out = stream()
    last = send(out, 0, 0.0)
    start = out.timestamp_at(0.005)
    assert (start - last.timestamp) & 0xFFFFFFFF == 160  # never inside the last frame
    events = [parse(out.event(b"abcd", 101, start, marker)) for marker in (True, False, False)]
    assert {e.timestamp for e in events} == {start}
    assert [e.sequence for e in events] == [(last.sequence + i) & 0xFFFF for i in (1, 2, 3)]
    assert [e.marker for e in events] == [True, False, False]
    audio = send(out, 10 * FRAME, 0.2)
    assert ahead(audio, last) == 1600
    assert audio.sequence == (last.sequence + 4) & 0xFFFF


def test_events_before_any_audio():
    out = stream()
    first, later = out.timestamp_at(50.0), out.timestamp_at(50.5)
    assert (later - first) & 0xFFFFFFFF == 4000
    audio = send(out, 123, 51.0)
    assert (audio.timestamp - first) & 0xFFFFFFFF == 8000
    assert audio.marker


def test_sender_report_and_round_trip():
    out = stream()
    last = send(out, 0, 10.0)
    report = out.sender_report(10.5, 1_700_000_000.25)
    assert (report.timestamp - last.timestamp) & 0xFFFFFFFF == 4000
    assert (report.packets, report.octets) == (1, 160)
    block = ReportBlock(7, 64, 3, 1, 80, middle(report.ntp), 65536 // 4)
    out.on_report(block, 10.5 + 0.25 + 0.08)
    assert out.rtt == pytest.approx(0.08, abs=1e-3)
    assert out.loss == 0.25
    assert out.jitter == 0.01


def test_reports_about_others_or_of_unknown_time_tell_no_round_trip():
    out = stream()
    out.on_report(ReportBlock(8, 255, 3, 1, 80, 0, 0), 1.0)
    assert (out.rtt, out.loss) == (None, 0.0)
    out.on_report(ReportBlock(7, 0, 3, 1, 80, 12345, 0), 1.0)
    out.on_report(ReportBlock(7, 0, 3, 1, 80, 0, 0), 1.0)
    assert out.rtt is None


def test_only_the_last_reports_are_remembered():
    out = stream()
    first = out.sender_report(0.0, 1.0)
    for i in range(1, 9):
        out.sender_report(i * 5.0, 1.0 + i * 5.0)
    out.on_report(ReportBlock(7, 0, 0, 0, 0, middle(first.ntp), 0), 46.0)
    assert out.rtt is None
