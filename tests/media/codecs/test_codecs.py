"""The door to all codecs."""

import numpy as np
import pytest

from media.codecs import RATES, decoder, encoder
from media.errors import NoCommonCodec
from tests.media.codecs.speech import frames, likeness, speech


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("encoding", ["OPUS", "G722", "PCMU", "PCMA"])
def test_every_codec_at_every_rate(encoding, rate):
    there, back = encoder(encoding, rate), decoder(encoding, rate)
    assert (there.rate, back.rate) == (rate, rate)
    voice = speech(rate, 1)
    heard = []
    for frame in frames(voice, rate // 50):
        payload = there.encode(frame)
        assert back.duration(payload) == 960
        heard.append(back.decode(payload))
        assert len(heard[-1]) == len(frame)
    assert back.errors == 0
    assert likeness(voice, np.concatenate(heard), rate // 100) > 0.6
    assert len(back.conceal(rate // 50)) == rate // 50
    assert back.recover(payload, rate // 50) is None
    there.configure(bitrate=24_000, complexity=0, fec=True, loss_percent=5)
    assert there.encode(frame)
    there.reset()
    back.reset()
    assert len(back.decode(payload)) == rate // 50


def test_unknown_codecs_and_rates_are_refused_in_words():
    with pytest.raises(NoCommonCodec, match="no codec for G729"):
        encoder("G729", 8000)
    with pytest.raises(NoCommonCodec, match="OPUS, G722, PCMU and PCMA"):
        decoder("opus", 8000)
    with pytest.raises(ValueError, match="44100"):
        decoder("OPUS", 44100)
