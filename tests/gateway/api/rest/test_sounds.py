"""What a program may have played."""

import pytest

from gateway.api.rest.problem import Problem
from gateway.api.rest.sounds import Sounds
from media.host import check_source


@pytest.fixture
def sounds(tmp_path):
    folder = tmp_path / "sounds"
    (folder / "de").mkdir(parents=True)
    tone = __import__("wave").open(str(folder / "de" / "hello.wav"), "wb")
    with tone:
        tone.setnchannels(1)
        tone.setsampwidth(2)
        tone.setframerate(8000)
        tone.writeframes(b"\0\0" * 800)
    (folder / "text.wav").write_text("no sound")
    (tmp_path / "secret.wav").write_bytes((folder / "de" / "hello.wav").read_bytes())
    (folder / "link.wav").symlink_to(tmp_path / "secret.wav")
    return Sounds(check_source, folder, ("Sounds.example.com", "10.0.0.5:8000"))


GOOD = ["tone:busy", "tone:hz:440@2", "say:thank-you", "say:12#", "music", "silence", "silence:2", "say:1+tone:beep",
        "https://sounds.example.com/a.mp3?x=1", "http://10.0.0.5:8000/a.wav"]  # fmt: skip


def test_what_can_be_played(sounds):
    assert sounds.checked(GOOD, "sources") == tuple(GOOD)
    (path,) = sounds.checked(["file:de/hello.wav"], "sources")
    assert path.startswith("file:/")
    assert path.endswith("/sounds/de/hello.wav")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("tone:bizy", "cannot play tone:bizy"),
        ("say:hello-world-x", "cannot be said"),
        ("silence:-1", "no number of seconds"),
        ("recording:abc", "cannot play"),
        ("gopher:x", "cannot play"),
        ("", "cannot play"),
        ("file:missing.wav", 'no file "missing.wav"'),
        ("file:../secret.wav", "no file"),
        ("file:link.wav", "no file"),
        ("file:/etc/passwd", "below the folder"),
        ("file:de", "no file"),
        ("file:a\0b", "below the folder"),
        ("file:de/hello.wav+file:../secret.wav", "below the folder"),
        ("tone:busy+file:../secret.wav", "each file on its own"),
        ("file:text.wav", "text.wav"),
        ("https://evil.example.com/", 'nothing is fetched from "evil.example.com"'),
        ("https://sounds.example.com@evil.example.com/", "without user and password"),
        ("https://user@sounds.example.com/", "without user and password"),
        ("http://10.0.0.5/a.wav", 'nothing is fetched from "10.0.0.5"'),
        ("http://169.254.169.254/latest", "add it to fetch_from"),
        ("http://[::1", "is no URL"),
        ("http://sounds.example.com:99999/", "is no URL"),
        ("HTTP://sounds.example.com/", "cannot play"),
    ],
)
def test_what_cannot(sounds, source, words):
    with pytest.raises(Problem) as refused:
        sounds.checked(["music", source], "sources")
    (error,) = refused.value.errors
    assert error.field == "sources.1"
    assert words in error.detail


def test_without_a_folder_and_hosts_there_are_no_files_and_urls():
    for source, words in (("file:a.wav", 'set "sounds" in [api]'), ("https://a.test/", "add it to fetch_from")):
        with pytest.raises(Problem) as refused:
            Sounds(check_source, None, ()).checked([source], "prompt")
        assert words in refused.value.errors[0].detail
