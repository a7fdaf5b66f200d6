import errno
import wave

import numpy as np
import pytest

from media.files import SoundFile, WavWriter


def test_what_is_written_is_a_whole_wav_after_every_write(tmp_path):
    path = tmp_path / "not" / "yet" / "there.wav"
    random = np.random.default_rng(1)
    written = np.zeros((0, 2), np.int16)
    with WavWriter(path, 8000, 2) as file:
        for n in (0, 100, 1, 8000):
            samples = random.integers(-32768, 32767, (n, 2), np.int16, endpoint=True)
            file.write(samples)
            written = np.concatenate((written, samples))
            with wave.open(str(path)) as read:
                assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (2, 2, 8000)
                assert np.array_equal(np.frombuffer(read.readframes(99999), "<i2").reshape(-1, 2), written)
            assert path.stat().st_size == 44 + written.nbytes


def test_sizes_beyond_what_a_header_can_say_are_cut(tmp_path):
    with WavWriter(tmp_path / "x.wav", 8000, 1) as file:
        file.MOST = 10
        file.write(np.ones(4, np.int16))
        file.write(np.ones(4, np.int16))
    assert (tmp_path / "x.wav").stat().st_size == 54


def test_a_full_disk_says_so_and_leaves_what_was_written(tmp_path):
    with WavWriter(tmp_path / "x.wav", 8000, 1) as file:
        file.write(np.ones(100, np.int16))
        real = file._file

        class Full:
            def write(self, data):
                if len(data) != 44:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return real.write(data)

            def __getattr__(self, name):
                return getattr(real, name)

        file._file = Full()
        with pytest.raises(OSError, match="No space"):
            file.write(np.ones(100, np.int16))
        file._file = real
    with wave.open(str(tmp_path / "x.wav")) as read:
        assert read.getnframes() == 100


def test_pieces_follow_the_rate_that_is_wanted_at_the_moment(tmp_path):
    with WavWriter(tmp_path / "x.wav", 8000, 1) as file:
        file.write(np.full(8000, 1000, np.int16))
    rate, seconds, rates = 8000, 0.0, set()
    for got, samples in SoundFile(str(tmp_path / "x.wav")).pieces(lambda: rate):  # noqa: B023  (meant to change)
        rates.add(got)
        seconds += len(samples) / got
        rate = 48000 if seconds > 0.3 else 8000
    assert rates == {8000, 48000}
    assert seconds == pytest.approx(1.0, abs=0.01)
