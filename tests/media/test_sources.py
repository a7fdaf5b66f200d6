from media import sounds, sources
from media.files import SoundFile, WavWriter
from media.sources import Silence, Sounding, Sounds


def test_only_a_plus_before_a_source_joins(tmp_path):
    path = tmp_path / "1+2+tone.wav"
    with WavWriter(path, 8000, 1) as file:
        file.write(sounds.load("1", 8000))
    clips = sources.parse(f"tone:us:busy@2+file:{path}+say:you-said 12#+silence:1+music+silence")
    assert [type(clip) for clip in clips] == [Sounding, SoundFile, Sounds, Silence, Sounds, Silence]
    assert clips[1].path == str(path)
    assert clips[2].names == ("you-said", "1", "2", "pound")


def test_every_bundled_sound_is_there_and_small():
    assert {"welcome", "after-the-beep", "you-said", "press-a-key", "goodbye", "thank-you", "recording-empty"} <= set(
        sounds.phrases()
    )
    for name in sounds.phrases():
        assert 0.2 < len(sounds.load(name, 8000)) / 8000 <= 60
    assert sounds.spell("19*#aD") == ("1", "9", "star", "pound", "a", "d")
    assert sounds.load("1", 8000) is sounds.load("1", 8000)
    assert not sounds.load("1", 8000).flags.writeable


def test_music_is_exactly_its_twelve_bars():
    assert len(sounds.load("music", 8000)) == 40 * 8000
    assert len(sounds.load("music", 48000)) == 40 * 48000


def test_a_change_of_rate_goes_on_where_it_was():
    rate = 8000
    made = []
    for piece_rate, samples in Sounds(("welcome",)).pieces(lambda: rate):  # noqa: B023  (meant to change)
        made.append(len(samples) / piece_rate)
        rate = 16000 if len(made) > 3 else 8000
    assert abs(sum(made) - len(sounds.load("welcome", 8000)) / 8000) < 0.001
