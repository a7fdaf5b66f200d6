import asyncio
import errno
import os
import wave

import numpy as np
import pytest

from media.clock import Clock
from media.events import Failed, Finished
from media.files import WavWriter
from media.frame import Digit, Flush
from media.legs.recorder import BEHIND, Recorder
from tests.media.legs.listener import Made

TICKS = 960


def at_once(job):
    job()


class Studio:
    """A recorder on a clock that is moved by hand, and what it says."""

    def __init__(self, path, *, run=at_once, **more):
        self.path = path
        self.clock = Clock(manual=True, start=1234.5)
        self.events = []
        self.recorder = Recorder("r", str(path), self.clock, self.events.append, run=run, **more)
        self.time = [77_000, 5_000_000_000]

    async def start(self):
        await self.recorder.start()
        return self

    def say(self, channel, value, rate=8000, seconds=0.02):
        made = Made(rate).frame(np.full(int(rate * seconds), value, np.int16), self.time[channel])
        self.time[channel] += made.duration
        self.recorder.channel(channel).write(made)

    def talk(self, seconds, left=None, right=None, rate=8000):
        for _ in range(round(seconds * 50)):
            for channel, value in enumerate((left, right)):
                if value is not None:
                    self.say(channel, value, rate)
                else:
                    self.time[channel] += TICKS
            self.clock.advance(0.02)

    def read(self):
        with wave.open(str(self.path)) as file:
            assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
            self.rate = file.getframerate()
            return np.frombuffer(file.readframes(10**9), "<i2").reshape(-1, 2)


async def test_two_sides_on_one_clock_equally_long(tmp_path):
    studio = await Studio(tmp_path / "call.wav").start()
    studio.talk(1.0)
    studio.talk(2.0, left=1000)
    studio.talk(1.5, left=1000, right=-2000)
    studio.talk(0.5)
    studio.talk(1.0, right=-2000)
    await studio.recorder.aclose()
    sound = studio.read()
    assert studio.rate == 8000
    assert len(sound) == pytest.approx(6.0 * 8000, abs=1)
    assert np.flatnonzero(sound[:, 0]).tolist() == list(range(8000, 36000))
    assert np.flatnonzero(sound[:, 1]).tolist() == [*range(24000, 36000), *range(40000, 48000)]
    assert studio.events == [Finished("r")]
    assert len(studio.clock) == 0
    assert studio.recorder.seconds == pytest.approx(6.0, abs=0.001)
    assert studio.recorder.peak == 2000


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.5, 3.37, 10.0])
async def test_as_long_as_it_lasted_even_if_nobody_spoke(tmp_path, seconds):
    studio = await Studio(tmp_path / "x.wav").start()
    studio.clock.advance(seconds)
    await studio.recorder.aclose()
    assert len(studio.read()) / 8000 == pytest.approx(seconds, abs=0.001)
    assert not studio.read().any()
    assert studio.recorder.peak == 0


async def test_a_phone_and_a_browser_whose_clocks_differ_stay_together(tmp_path):
    """Five minutes; one side's clock is 0.05 % slow. Each marks every tenth second with a click."""
    studio = await Studio(tmp_path / "x.wav").start()
    made = Made(8000)
    sent = 0
    for i in range(15_000):
        loud = i % 500 == 250
        studio.say(0, 9000 if loud else 20)
        if i % 2000 != 1999:  # one frame fewer in 2000
            studio.recorder.channel(1).write(made.frame(np.full(160, 9000 if loud else 20, np.int16), sent * TICKS))
            sent += 1
        studio.clock.advance(0.02)
    await studio.recorder.aclose()
    sound = studio.read()
    clicks = [np.flatnonzero(np.diff((sound[:, side] > 5000).astype(int)) == 1) for side in (0, 1)]
    assert len(clicks[0]) == len(clicks[1]) == 30
    assert np.abs(clicks[0] - clicks[1]).max() <= 0.06 * 8000
    assert len(sound) == 300 * 8000


@pytest.mark.parametrize(
    ("rate", "there"), [(8000, 16000), (8000, 48000), (16000, 8000), (16000, 48000), (16000, 16000)]
)
async def test_other_rates_are_converted(tmp_path, rate, there):
    studio = await Studio(tmp_path / "x.wav", rate=rate).start()
    studio.talk(1.0, left=3000, rate=there)
    assert studio.recorder.channel(0).rate == rate
    await studio.recorder.aclose()
    sound = studio.read()
    assert studio.rate == rate
    assert len(sound) == rate
    assert np.abs(sound[rate // 10 : -rate // 10, 0] - 3000).max() < 60


async def test_the_file_is_whole_every_second_up_to_a_second_ago(tmp_path):
    studio = await Studio(tmp_path / "x.wav").start()
    for second in range(1, 8):
        studio.talk(1.0, left=700 + second)
        sound = studio.read()
        assert len(sound) / 8000 >= second - 2.25
        assert (sound[:, 0] > 700).all()
    # what a killed process leaves is what was just read
    await studio.recorder.aclose()


async def test_digits_leave_no_trace_and_a_flush_no_hole(tmp_path):
    studio = await Studio(tmp_path / "x.wav").start()
    studio.talk(0.1, left=1000)
    studio.recorder.channel(0).write(Digit("5", end=False))
    studio.recorder.channel(0).write(Flush())
    studio.recorder.channel(0).write(Digit("5", end=True, duration=0.1))
    studio.talk(0.1, left=1000)
    await studio.recorder.aclose()
    assert (studio.read()[:, 0] == 1000).all()


async def test_before_and_after_nothing_is_recorded(tmp_path):
    studio = Studio(tmp_path / "x.wav")
    studio.say(0, 1000)
    await studio.recorder.aclose()
    assert not (tmp_path / "x.wav").exists()
    assert studio.events == []
    studio = await Studio(tmp_path / "y.wav").start()
    await studio.recorder.start()
    studio.talk(0.5, left=1000)
    await studio.recorder.aclose()
    await studio.recorder.aclose()
    studio.say(0, 1000)
    await studio.recorder.start()
    studio.clock.advance(5)
    assert len(studio.read()) == 4000
    assert studio.events == [Finished("r")]


async def test_folders_are_made(tmp_path):
    studio = await Studio(tmp_path / "2026" / "11" / "x.wav").start()
    studio.talk(0.1, left=1)
    await studio.recorder.aclose()
    assert len(studio.read()) == 800


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "disk is full. Free some space"),
        (errno.EACCES, "may not be written. Give this user write permission"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "Input/output error. Give another path"),
    ],
)
async def test_a_disk_that_fails_is_told_once_and_the_call_goes_on(tmp_path, monkeypatch, code, words):
    studio = await Studio(tmp_path / "x.wav").start()
    studio.talk(3.0, left=1000)
    before = len(studio.read())

    def broken(self, samples):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(WavWriter, "write", broken)
    studio.talk(5.0, left=1000, right=1000)
    assert [type(event) for event in studio.events] == [Failed]
    assert words in studio.events[0].reason
    assert str(studio.path) in studio.events[0].reason
    assert len(studio.clock) == 0
    await studio.recorder.aclose()
    assert len(studio.events) == 1
    assert len(studio.read()) == before >= 8000


async def test_a_disk_that_fails_at_the_end_is_told_too(tmp_path, monkeypatch):
    studio = await Studio(tmp_path / "x.wav").start()
    studio.talk(0.5, left=1000)
    monkeypatch.setattr(WavWriter, "write", lambda self, samples: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    await studio.recorder.aclose()
    assert [type(event) for event in studio.events] == [Failed]


@pytest.mark.parametrize(("path", "words"), [("", "it is a folder"), ("file/x.wav", "Give another path")])
async def test_a_path_that_cannot_be(tmp_path, path, words):
    (tmp_path / "file").touch()
    studio = await Studio(tmp_path / path).start()
    studio.talk(1.0, left=1)
    assert [type(event) for event in studio.events] == [Failed]
    assert words in studio.events[0].reason


async def test_a_disk_that_hangs_does_not_fill_the_memory(tmp_path):
    jobs = []
    studio = await Studio(tmp_path / "x.wav", run=jobs.append).start()
    for _ in range(BEHIND + 5):
        studio.clock.advance(1.0)
    assert [type(event) for event in studio.events] == [Failed]
    assert "too slow" in studio.events[0].reason
    for job in jobs:
        job()
    assert len(studio.read()) >= BEHIND * 8000


async def test_in_real_threads(tmp_path):
    from media import background

    clock, events = Clock(), []
    recorder = Recorder("r", str(tmp_path / "x.wav"), clock, events.append, run=background.submit)
    await recorder.start()
    recorder.channel(0).write(Made().frame(np.full(160, 500, np.int16), 0))
    await asyncio.sleep(0)
    await recorder.aclose()
    assert events == [Finished("r")]
    assert (tmp_path / "x.wav").stat().st_size >= 44
    clock.close()
