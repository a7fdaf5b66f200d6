"""Both laws against the Recommendation, against a second derivation (G.191's loops) and against FFmpeg."""

import numpy as np
import pytest

from media.codecs import decoder, encoder, pyav
from media.codecs.g711 import A_TO_MU, DECODE, ENCODE, MU_TO_A
from tests.media.codecs.speech import snr, speech

ALL_CODES = bytes(range(256))


def g191_mu_expand(code: int) -> int:
    sign = -1 if code < 0x80 else 1
    exponent, mantissa = ~code >> 4 & 7, ~code & 15
    step = 4 << exponent + 1
    return sign * ((0x80 << exponent) + step * mantissa + step // 2 - 4 * 33)


def g191_a_expand(code: int) -> int:
    inner = (code ^ 0x55) & 0x7F
    exponent, mantissa = inner >> 4, inner & 15
    if exponent > 0:
        mantissa += 16
    size = (mantissa << 4) + 8
    if exponent > 1:
        size <<= exponent - 1
    return size if code > 127 else -size


def g191_mu_compress(sample: int) -> int:
    size = min(((~sample if sample < 0 else sample) >> 2) + 33, 0x1FFF)
    segment, rest = 1, size >> 6
    while rest:
        segment, rest = segment + 1, rest >> 1
    code = 8 - segment << 4 | 15 - (size >> segment & 15)
    return code | 0x80 if sample >= 0 else code


def g191_a_compress(sample: int) -> int:
    size = (~sample if sample < 0 else sample) >> 4
    if size > 15:
        exponent = 1
        while size > 31:
            size, exponent = size >> 1, exponent + 1
        size += (exponent << 4) - 16
    return (size | 0x80 if sample >= 0 else size) ^ 0x55


@pytest.mark.parametrize(("encoding", "expand"), [("PCMU", g191_mu_expand), ("PCMA", g191_a_expand)])
def test_every_code_decodes_as_the_reference_says(encoding, expand):
    assert decoder(encoding, 8000).decode(ALL_CODES).tolist() == [expand(code) for code in range(256)]


@pytest.mark.parametrize(("encoding", "compress"), [("PCMU", g191_mu_compress), ("PCMA", g191_a_compress)])
def test_every_sample_encodes_as_the_reference_says(encoding, compress):
    everything = np.arange(-32768, 32768).astype(np.int16)
    assert list(encoder(encoding, 8000).encode(everything)) == [compress(int(sample)) for sample in everything]


@pytest.mark.parametrize("encoding", ["PCMU", "PCMA"])
def test_every_code_survives_the_way_there_and_back(encoding):
    codes = encoder(encoding, 8000).encode(decoder(encoding, 8000).decode(ALL_CODES))
    different = [code for code in range(256) if codes[code] != code]
    # mu-law has two zeros, and 0 is written as the positive one
    assert different == ([0x7F] if encoding == "PCMU" else [])


def test_known_values():
    mu, a = DECODE["PCMU"], DECODE["PCMA"]
    assert (mu[0xFF], mu[0x7F], mu[0x80], mu[0x00]) == (0, 0, 32124, -32124)
    assert (a[0xD5], a[0x55], a[0xAA], a[0x2A]) == (8, -8, 32256, -32256)
    assert ENCODE["PCMU"][0] == 0xFF
    assert ENCODE["PCMA"][0] == 0xD5


@pytest.mark.parametrize(("encoding", "name"), [("PCMU", "pcm_mulaw"), ("PCMA", "pcm_alaw")])
def test_equal_to_ffmpeg_both_ways(encoding, name):
    theirs = pyav.decode(pyav.context(name, "r", 8000), ALL_CODES)
    ours = decoder(encoding, 8000).decode(ALL_CODES)
    assert theirs is not None
    assert theirs.tolist() == ours.tolist()
    voice = speech(8000)
    packet = pyav.encode(pyav.context(name, "w", 8000), voice)
    # FFmpeg splits the difference at another place: never more than one step away
    gap = np.abs(DECODE[encoding][np.frombuffer(packet, np.uint8)].astype(int) - voice)
    mine = np.abs(decoder(encoding, 8000).decode(encoder(encoding, 8000).encode(voice)).astype(int) - voice)
    assert mine.mean() <= gap.mean() * 1.05 + 2


def test_law_to_law_is_one_translate():
    mu, a = ENCODE["PCMU"], ENCODE["PCMA"]
    assert ALL_CODES.translate(MU_TO_A) == bytes(int(a[int(value)]) for value in DECODE["PCMU"])
    assert ALL_CODES.translate(A_TO_MU) == bytes(int(mu[int(value)]) for value in DECODE["PCMA"])


@pytest.mark.parametrize("encoding", ["PCMU", "PCMA"])
def test_speech_keeps_35_db(encoding):
    voice = speech(8000)
    assert snr(voice, decoder(encoding, 8000).decode(encoder(encoding, 8000).encode(voice)), 0) > 35


def test_durations_and_lengths():
    mine = decoder("PCMU", 8000)
    assert [mine.duration(b"\xff" * n) for n in (0, 80, 160, 161, 240)] == [0, 480, 960, 966, 1440]
    assert len(mine.decode(b"")) == 0
    assert mine.recover(b"\xff" * 160, 160) is None


@pytest.mark.parametrize("encoding", ["PCMU", "PCMA"])
def test_a_lost_frame_sounds_like_what_was_before(encoding):
    voice = speech(8000)[4000:]
    payload = encoder(encoding, 8000).encode(voice)
    mine = decoder(encoding, 8000)
    for i in range(0, 1600, 160):
        mine.decode(payload[i : i + 160])
    made = mine.conceal(160)
    assert np.abs(made).max() > np.abs(voice[1440:1600]).max() / 3
    assert len(mine.decode(payload[1760:1920])) == 160


def test_results_are_nobody_elses():
    mine = decoder("PCMU", 8000)
    first = mine.decode(b"\x00" * 160)
    mine.decode(b"\x80" * 160)
    assert set(first.tolist()) == {-32124}
