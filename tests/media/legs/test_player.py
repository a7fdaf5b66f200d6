import threading

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from media.clock import Clock
from media.dsp.levels import level
from media.errors import BadSource
from media.events import Failed, Finished
from media.files import SoundFile
from media.legs.player import AHEAD, FRAME, Player
from tests.media.legs.listener import Listener


def at_once(job):
    job()


class Stage:
    """One player and one listener on a clock that is moved by hand."""

    def __init__(self, source, *, rate=8000, run=at_once, **more):
        self.clock = Clock(manual=True)
        self.events = []
        self.ear = Listener(rate)
        self.player = Player("p", source, self.clock, self.events.append, run=run, **more)
        self.player.connect(self.ear)


def write(path, samples, rate, channels=1, codec=None):
    """int16[n] or int16[n, channels] into a file of the format its name says."""
    layout = "mono" if channels == 1 else "stereo"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            codec or ("libmp3lame" if path.suffix == ".mp3" else "pcm_s16le"), rate=rate, layout=layout
        )
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.int16).reshape(1, -1), "s16", layout)
        frame.sample_rate = rate
        for ready in resampler.resample(frame):
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


def sine(frequency, rate, seconds, size=8000):
    return np.rint(size * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


def loudest(samples, rate):
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))) * rate / len(samples))


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
async def test_frames_are_20_ms_on_a_continuous_clock_at_the_listeners_rate(rate):
    stage = Stage("tone:hz:440", rate=rate)
    await stage.player.start()
    stage.clock.advance(1.0)
    audio = stage.ear.audio
    assert len(audio) == 50
    assert [frame.time for frame in audio] == [i * FRAME for i in range(50)]
    assert {(len(frame.samples), frame.rate, frame.payload, frame.encoding) for frame in audio} == {
        (rate // 50, rate, b"", "")
    }
    assert [frame.marker for frame in audio] == [True] + [False] * 49
    assert loudest(stage.ear.heard(), rate) == pytest.approx(440, abs=1)
    assert stage.player.underruns == 0


@pytest.mark.parametrize(
    ("source", "seconds"),
    [
        ("tone:beep", 0.25),
        ("tone:hz:300@1.5", 1.5),
        ("silence:0.5", 0.5),
        ("tone:beep+silence:0.25+tone:beep", 0.75),
        ("tone:dtmf:1#", 0.48),
        ("tone:sit@5", 5.0),
    ],
)
async def test_it_ends_when_it_is_over(source, seconds):
    stage = Stage(source)
    await stage.player.start()
    stage.clock.advance(seconds + 0.2)
    assert len(stage.ear.heard()) / 8000 == pytest.approx(seconds, abs=0.0201)
    assert stage.events == [Finished("p")]
    assert stage.ear.flushes == 0  # what is on its way must still be heard
    assert len(stage.clock) == 0
    await stage.player.aclose()
    assert stage.ear.flushes == 0


async def test_finished_comes_only_after_the_last_frame_has_been_played():
    stage = Stage("silence:0.1")
    await stage.player.start()
    stage.clock.advance(0.1)
    assert (len(stage.ear.audio), stage.events) == (5, [])
    stage.clock.advance(0.02)
    assert stage.events == [Finished("p")]


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
async def test_spoken_digits_and_music_are_bundled(rate):
    stage = Stage("say:welcome, 12*#+music", rate=rate)
    await stage.player.start()
    stage.clock.advance(10)
    assert level(stage.ear.heard()[: rate * 3]) > -35
    assert level(stage.ear.heard()[-rate * 3 :]) > -35
    assert stage.events == []


async def test_music_loops_without_a_seam():
    stage = Stage("music", loop=True)
    await stage.player.start()
    stage.clock.advance(81)
    heard = stage.ear.heard()
    assert len(heard) == 81 * 8000
    assert np.array_equal(heard[: 40 * 8000], heard[40 * 8000 : 80 * 8000])
    steps = np.abs(np.diff(heard.astype(int)))
    assert steps[40 * 8000 - 40 : 40 * 8000 + 40].max() <= steps.max()
    assert not stage.ear.gaps()


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (11025, 1), (22050, 2), (44100, 2), (48000, 1), (96000, 2)])
@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
async def test_files_of_any_rate_and_channels(tmp_path, rate, channels, suffix):
    if suffix == ".mp3" and rate == 96000:
        rate = 32000
    tone = sine(600, rate, 1.0)
    path = write(tmp_path / f"a+b{suffix}", np.stack([tone] * channels, 1), rate, channels)
    stage = Stage(f"file:{path}", rate=16000)
    await stage.player.start()
    stage.clock.advance(2)
    heard = stage.ear.heard()
    assert len(heard) / 16000 == pytest.approx(1.0, abs=0.09)
    assert loudest(heard[3200:12800], 16000) == pytest.approx(600, abs=4)
    assert level(heard[3200:12800]) == pytest.approx(level(tone), abs=1)
    assert stage.events == [Finished("p")]


@pytest.mark.parametrize("codec", ["pcm_mulaw", "pcm_alaw", "pcm_u8", "pcm_s24le", "pcm_f32le"])
def test_any_wav(tmp_path, codec):
    path = write(tmp_path / "x.wav", sine(600, 8000, 0.5), 8000, codec=codec)
    heard = np.concatenate([samples for _, samples in SoundFile(str(path)).pieces(lambda: 8000)])
    assert len(heard) == 4000
    assert loudest(heard, 8000) == pytest.approx(600, abs=4)


def bad_files(folder):
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("this is no sound at all, however long it may be" * 50)
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/x.mp3\n")
    write(folder / "whole.wav", sine(600, 8000, 0.5), 8000)
    (folder / "nothing.wav").write_bytes((folder / "whole.wav").read_bytes()[:44])
    return folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.wav", "does not exist.*path"),
        ("", "is a folder"),
        ("empty.wav", "empty.*Convert it to WAV or MP3"),
        ("text.wav", "begins with b'this is '.*Convert"),
        ("list.m3u8", "EXTM3U.*Convert"),
        ("nothing.wav", "no sound|not audio|empty"),
    ],
)
def test_a_bad_file_is_refused_at_once_in_words(tmp_path, name, words):
    with pytest.raises(BadSource, match=f"(?s){tmp_path}.*{words}"):
        Stage(f"file:{bad_files(tmp_path)}/{name}")


@pytest.mark.parametrize(
    "source",
    ["", "file:", "say:", "say:x1", "say:music", "tone:", "tone:nothing", "tone:busy@", "tone:busy@-1", "silence:x"]
    + ["http://example.org/a.mp3", "music2", "tone:beep+nonsense", "+", "tone:beep+", "silence:nan"],
)
def test_a_bad_source_is_refused_in_words(source):
    with pytest.raises(BadSource, match="write|use|give|play|say"):
        Stage(source)


async def test_a_damaged_file_is_played_as_far_as_it_goes(tmp_path):
    path = write(tmp_path / "x.mp3", sine(600, 16000, 3), 16000)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = b"\xff" * 400
    path.write_bytes(data[: -len(data) // 8])
    stage = Stage(f"file:{path}")
    await stage.player.start()
    stage.clock.advance(4)
    assert len(stage.ear.audio) > 75
    assert stage.events == [Finished("p")]


async def test_a_file_that_vanishes_before_its_turn_fails_in_words(tmp_path):
    path = write(tmp_path / "x.wav", sine(600, 8000, 0.2), 8000)
    stage = Stage(f"silence:0.3+file:{path}")
    path.unlink()
    await stage.player.start()
    stage.clock.advance(1)
    assert len(stage.ear.audio) == 15
    assert [type(event) for event in stage.events] == [Failed]
    assert "does not exist" in stage.events[0].reason


async def test_nobody_connected_nothing_played_and_the_pause_is_a_gap():
    stage = Stage("tone:hz:440")
    await stage.player.start()
    stage.clock.advance(0.1)
    stage.player.disconnect(stage.ear)
    assert stage.ear.flushes == 1
    assert len(stage.clock) == 0
    stage.clock.advance(1.0)
    stage.player.disconnect(stage.ear)  # unknown by now
    stage.player.connect(stage.ear)
    stage.player.connect(stage.ear)  # twice changes nothing
    stage.clock.advance(0.1)
    assert len(stage.ear.audio) == 10
    assert stage.ear.gaps() == [50 * FRAME]
    assert [frame.marker for frame in stage.ear.audio] == ([True] + [False] * 4) * 2


async def test_all_listeners_hear_the_same_at_the_highest_rate_asked():
    stage = Stage("tone:hz:440")
    other = Listener(16000)
    assert stage.player.rate == 8000
    stage.player.connect(other)
    assert stage.player.rate == 16000
    await stage.player.start()
    stage.clock.advance(0.2)
    assert stage.ear.audio == other.audio
    assert {frame.rate for frame in other.audio} == {16000}
    stage.player.disconnect(other)
    stage.clock.advance(2.0)
    assert stage.ear.audio[-1].rate == 8000
    assert not stage.ear.gaps()


async def test_stop_in_the_middle_is_a_flush_and_no_event():
    stage = Stage("music")
    await stage.player.start()
    stage.clock.advance(0.5)
    await stage.player.aclose()
    await stage.player.aclose()
    stage.clock.advance(0.5)
    assert len(stage.ear.audio) == 25
    assert stage.ear.flushes == 1
    assert stage.events == []
    assert len(stage.clock) == 0


async def test_a_listener_may_leave_while_it_is_written_to():
    stage = Stage("tone:hz:440")
    leaver = Listener()
    leaver.write = lambda frame: stage.player.disconnect(leaver)
    stage.player.connect(leaver)
    await stage.player.start()
    stage.clock.advance(0.1)
    assert len(stage.ear.audio) == 5


async def test_a_long_file_is_not_read_whole(tmp_path):
    path = write(tmp_path / "long.wav", sine(600, 8000, 120), 8000)
    jobs = []
    stage = Stage(f"file:{path}", run=jobs.append)
    await stage.player.start()
    stage.clock.advance(0.06)
    assert stage.player.underruns == 3  # the disk is slow: silence, nobody waits
    longest = 0
    for _ in range(600):
        while jobs:
            jobs.pop(0)()
        longest = max(longest, len(stage.player._ready))
        stage.clock.advance(0.02)
    assert longest <= AHEAD + 1
    assert len(stage.ear.audio) == 600
    assert stage.player.underruns == 3
    await stage.player.aclose()
    for job in jobs:
        job()


async def test_a_loop_of_nothing_does_not_hang(tmp_path):
    stage = Stage("silence:0.001", loop=True)
    await stage.player.start()
    stage.clock.advance(0.1)
    path = write(tmp_path / "x.wav", sine(600, 8000, 0.2), 8000)
    vanishing = Stage(f"file:{path}", loop=True)
    path.unlink()
    await vanishing.player.start()
    vanishing.clock.advance(0.1)
    assert [type(event) for event in vanishing.events] == [Failed]


async def test_jobs_may_run_in_any_thread(tmp_path):
    path = write(tmp_path / "x.wav", sine(600, 44100, 1.5), 44100)

    def run(job):
        thread = threading.Thread(target=job)
        thread.start()
        thread.join()

    stage = Stage(f"file:{path}", run=run)
    await stage.player.start()
    stage.clock.advance(2)
    assert len(stage.ear.heard()) == 12_000
    assert stage.events == [Finished("p")]
    await stage.player.aclose()
