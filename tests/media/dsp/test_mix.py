import numpy as np

from media.dsp.levels import SILENCE, level, peak
from media.dsp.mix import mix, total, without


def of(*values):
    return np.array(values, np.int16)


def test_sums_saturate_both_ways():
    assert mix([of(30000, -30000, 5), of(10000, -10000, 6)]).tolist() == [32767, -32768, 11]
    assert mix([of(32767), of(32767), of(-32767), of(-32767)]).tolist() == [0]


def test_one_talker_is_passed_on_and_nobodys_frame_is_written_into():
    one, other = of(1, 2), of(3, 4)
    assert mix([one]) is one
    mix([one, other])
    assert one.tolist() == [1, 2]


def test_everybody_hears_all_but_themselves():
    talkers = [of(30000), of(20000), of(-5)]
    everybody = total(talkers)
    assert [without(everybody, own).tolist() for own in talkers] == [[19995], [29995], [32767]]


def test_levels():
    time = np.arange(800) / 8000
    assert abs(level(np.full(160, 32767, np.int16))) < 0.001
    assert abs(level((32767 * np.sin(2 * np.pi * 1000 * time)).astype(np.int16)) + 3.01) < 0.01
    assert abs(level(np.full(160, -3277, np.int16)) + 20) < 0.01
    assert level(np.full(160, -32768, np.int16)) == 0
    assert level(np.zeros(160, np.int16)) == level(np.zeros(0, np.int16)) == SILENCE


def test_peaks():
    assert peak(of(3, -32768, 100)) == 32768
    assert peak(of(-3, 7)) == 7
    assert peak(np.zeros(0, np.int16)) == 0
