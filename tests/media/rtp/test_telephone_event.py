import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.frame import Digit
from media.rtp.telephone_event import KEYS, SILENCE, EventReceiver, EventSender

TICK = 0.02


def event(key, duration, end=False):
    return struct.pack("!BBH", KEYS.index(key), (0x80 if end else 0) | 10, duration)


def press(key, timestamp, steps=5, step=160, ends=3):
    """The packets of one key as a common sender makes them: (payload, timestamp, marker)."""
    updates = [(event(key, step * (i + 1)), timestamp, i == 0) for i in range(steps)]
    return updates + [(event(key, min(step * (steps + 1), 0xFFFF), True), timestamp, False)] * ends


def hear(packets, receiver=None, start=0.0):
    receiver = receiver or EventReceiver(8000)
    heard = []
    for i, packet in enumerate(packets):
        heard += receiver.receive(*packet, start + i * TICK)
    return heard


def keys(digits):
    """Keys whose going down and coming up were both told, in order."""
    assert [d.end for d in digits] == [False, True] * (len(digits) // 2)
    assert [d.key for d in digits[::2]] == [d.key for d in digits[1::2]]
    return "".join(d.key for d in digits[::2])


ONE = press("1", 1000)
TWO = press("2", 9000)


def test_one_key():
    assert hear(ONE) == [Digit("1", False), Digit("1", True, 960 / 8000)]


def test_all_keys():
    packets = [p for i, key in enumerate(KEYS) for p in press(key, i * 3000)]
    assert keys(hear(packets)) == "0123456789*#ABCD"


@pytest.mark.parametrize(
    ("name", "packets", "expected"),
    [
        ("no marker anywhere", [(p, t, False) for p, t, _ in ONE + TWO], "12"),
        ("marker on every packet", [(p, t, True) for p, t, _ in ONE + TWO], "12"),
        ("start lost", ONE[3:] + TWO[1:], "12"),
        ("only one end came", ONE[-1:] + TWO[-1:], "12"),
        ("ends doubled by the network", ONE + ONE[-3:] + TWO + ONE[-1:] + TWO[-3:], "12"),
        ("everything twice", [p for p in ONE + TWO for _ in (0, 1)], "12"),
        ("all ends lost, another key", ONE[:5] + TWO, "12"),
        ("ends overtaken by the next key", ONE[:5] + TWO[:2] + ONE[5:] + TWO[2:], "12"),
        ("same key twice", ONE + press("1", 3000), "11"),
        ("same key twice, no marker, all ends of the first lost", ONE[:5] + press("1", 3000)[1:], "11"),
        ("same key twice, no marker at all", [(p, t, False) for p, t, _ in ONE + press("1", 3000)], "11"),
        ("only the start of each", [ONE[0], TWO[0], press("3", 15000)[0], *press("4", 20000)], "1234"),
        ("timestamps wrap", press("1", 0xFFFFFF00) + press("2", 3000), "12"),
    ],
)
def test_no_key_lost_and_none_doubled(name, packets, expected):
    assert keys(hear(packets)) == expected


def test_a_whole_key_overtaken_by_the_next_is_not_lost():
    assert sorted(d.key for d in hear(TWO[:3] + ONE + TWO[3:]) if d.end) == ["1", "2"]


def test_all_ends_lost_and_nothing_follows():
    receiver = EventReceiver(8000)
    assert receiver.wake_at() is None
    hear(ONE[:5], receiver)
    assert receiver.wake_at() == pytest.approx(4 * TICK + SILENCE)
    assert receiver.wake(0.1) == []
    assert receiver.wake(4 * TICK + SILENCE) == [Digit("1", True, 800 / 8000)]
    assert receiver.wake_at() is None
    assert hear(ONE[5:], receiver, 1.0) == []  # stragglers
    assert receiver.wake(9.0) == []


def test_a_long_key_in_segments():
    receiver = EventReceiver(8000)
    packets = press("5", 0, steps=409, ends=0)  # up to 65440
    packets += [(event("5", 0xFFFF), 0, False)] * 3
    packets += [(event("5", 160 * (i + 1)), 0xFFFF, False) for i in range(20)]
    packets += [(event("5", 3360, True), 0xFFFF, False)] * 3
    assert hear(packets, receiver) == [Digit("5", False), Digit("5", True, (0xFFFF + 3360) / 8000)]


def test_segments_whose_border_was_lost():
    packets = press("5", 0, steps=406, ends=0) + [(event("5", 3360, True), 0xFFFF, False)]
    assert keys(hear(packets)) == "5"


def test_segments_as_chromium_begins_them():
    packets = press("5", 0, steps=68, step=960, ends=0) + [(event("5", 0xFFFF), 0, False)]
    packets += [(event("5", 500), 66240, False), (event("5", 1460, True), 66240, False)]
    assert keys(hear(packets, EventReceiver(48000))) == "5"


def test_a_sender_that_moves_the_timestamp_during_a_key():
    moving = [(event("7", 160 * (i + 1)), 1000 + 160 * i, i == 0) for i in range(5)]
    moving += [(event("7", 960, True), 1800 + 160 * i, False) for i in range(3)]
    assert hear(moving) == [Digit("7", False), Digit("7", True, 960 / 8000)]


def test_duration_at_48_khz():
    assert hear(press("9", 5, step=960), EventReceiver(48000))[1].duration == 0.12


def test_what_is_no_key_is_counted():
    receiver = EventReceiver(8000)
    assert receiver.receive(struct.pack("!BBH", 16, 10, 160), 1, True, 0.0) == []  # flash
    assert receiver.receive(b"\x01\x0a\x00", 2, True, 0.0) == []
    assert (receiver.ignored, receiver.bad) == (1, 1)


def test_random_digits_through_loss_and_duplication():
    """Any packets of a key may be lost but one, any may come twice: still each key exactly once, in order."""
    rng = random.Random(5)
    for _ in range(300):
        dialled = "".join(rng.choice(KEYS[:12]) for _ in range(6))
        packets = []
        for i, key in enumerate(dialled):
            whole = press(key, (0xFFFFE000 + i * 2400) & 0xFFFFFFFF)
            kept = [p for p in whole if rng.random() > 0.5] or [rng.choice(whole)]
            packets += [p for p in kept for _ in range(1 + (rng.random() < 0.2))]
        receiver = EventReceiver(8000)
        heard = hear([(p, t, rng.random() < 0.1 and m) for p, t, m in packets], receiver)
        heard += receiver.wake(99.0)
        assert keys(heard) == dialled


@given(st.lists(st.tuples(st.binary(max_size=6), st.integers(0, 2**32 - 1), st.booleans()), max_size=60))
@settings(derandomize=True, max_examples=200)
def test_any_bytes_give_keys_that_go_down_and_come_up(packets):
    receiver = EventReceiver(8000)
    keys(hear(packets, receiver) + receiver.wake(1e6))
    assert len(receiver._seen) <= 32


# --- sending


def send(sender, start, beats, beat=TICK, rate=8000, jitter=lambda: 0.0):
    """Run a sender at the beat: [(now, payload, timestamp, marker)]."""
    sent = []
    for i in range(beats):
        now = start + i * beat + jitter()
        for payload, timestamp, marker in sender.next(now, round(now * rate) & 0xFFFFFFFF):
            sent.append((now, payload, timestamp, marker))
    return sent


def fields(sent):
    return [(*struct.unpack("!BBH", payload), timestamp, marker) for _, payload, timestamp, marker in sent]


def test_a_dialled_key_on_the_wire():
    sender = EventSender(8000)
    sender.queue("5", 1.0, duration=0.1)
    assert sender.busy
    assert not sender.sounding
    sent = send(sender, 1.0, 20)
    assert fields(sent) == [
        (5, 10, 160, 8000, True),
        (5, 10, 320, 8000, False),
        (5, 10, 480, 8000, False),
        (5, 10, 640, 8000, False),
        (5, 10, 800, 8000, False),
        (5, 0x8A, 800, 8000, False),
        (5, 0x8A, 800, 8000, False),
        (5, 0x8A, 800, 8000, False),
    ]
    assert [round(now - 1.0, 2) for now, *_ in sent] == [0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14]
    assert not sender.busy


@pytest.mark.parametrize(("gap", "rest"), [(0.08, 0.08), (0.0, 0.06), (0.5, 0.5)])
def test_keys_in_a_row_rest_between(gap, rest):
    sender = EventSender(8000)
    sender.queue("11", 0.0, duration=0.1, gap=gap)
    sent = send(sender, 0.0, 60)
    starts = sorted({timestamp for _, _, timestamp, _ in sent})
    assert len(starts) == 2
    assert (starts[1] - starts[0]) / 8000 == pytest.approx(0.1 + rest, abs=1e-3)


def test_a_held_key():
    sender = EventSender(48000)
    sender.press("#", 0.0)
    sent = send(sender, 0.0, 10, rate=48000)
    sender.release(0.2)
    sent += send(sender, 0.2, 10, rate=48000)
    assert [d for _, _, d, _, _ in fields(sent)] == [960 * i for i in range(1, 11)] + [9600] * 3
    assert not sender.busy


def test_a_short_press_is_made_long_enough():
    sender = EventSender(8000)
    sender.press("1", 0.0)
    sender.release(0.001)
    assert fields(send(sender, 0.0, 10))[-1][:3] == (1, 0x8A, 320)


def test_release_with_the_length_known():
    sender = EventSender(8000)
    sender.press("1", 0.0)
    sender.release(0.5, duration=0.1)
    assert fields(send(sender, 0.0, 50))[-1][2] == 800


def test_a_release_never_takes_back_what_was_told():
    sender = EventSender(8000)
    sender.press("1", 0.0)
    sent = send(sender, 0.0, 5)
    sender.release(0.085)
    sent += send(sender, 0.1, 5)
    durations = [d for _, _, d, _, _ in fields(sent)]
    assert durations == sorted(durations)
    assert durations[-1] == 800


def test_a_key_never_released_is_let_go():
    sender = EventSender(8000)
    sender.press("1", 0.0)
    send(sender, 0.0, 3100)
    assert not sender.busy


@pytest.mark.parametrize("rate", [8000, 48000])
def test_a_long_key_is_sent_in_segments_and_heard_as_one(rate):
    sender = EventSender(rate)
    sender.queue("0", 0.0, duration=20.0)
    sent = send(sender, 0.0, 1100, rate=rate)
    assert max(d for _, _, d, _, _ in fields(sent)) == 0xFFFF
    assert sum(marker for *_, marker in sent) == 1
    receiver = EventReceiver(rate)
    assert [d for now, *packet in sent for d in receiver.receive(*packet, now)] == [
        Digit("0", False),
        Digit("0", True, 20.0),
    ]


def test_cancel_ends_the_key_on_the_wire():
    sender = EventSender(8000)
    sender.queue("123", 0.0, duration=1.0)
    sent = send(sender, 0.0, 5)
    sender.cancel(0.1)
    sent += send(sender, 0.1, 20)
    assert {key for key, *_ in fields(sent)} == {1}
    assert [flags for _, flags, *_ in fields(sent)][-3:] == [0x8A] * 3
    assert not sender.busy


@pytest.mark.parametrize("bad", ["1e", "12 3", "+", "٣"])
def test_a_wrong_key_is_refused_before_any_is_sent(bad):
    sender = EventSender(8000)
    with pytest.raises(ValueError, match="not a DTMF key"):
        sender.queue(bad, 0.0)
    assert not sender.busy


def test_small_letters_are_keys_too():
    sender = EventSender(8000)
    sender.press("a", 0.0)
    assert fields(send(sender, 0.0, 1))[0][0] == 12


@given(st.text("0123456789*#ABCD", max_size=8), st.floats(0, 0.3), st.floats(0, 0.2), st.integers(0, 99))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_what_is_sent_is_heard(digits, duration, gap, seed):
    rng = random.Random(seed)
    sender = EventSender(8000)
    sender.queue(digits, 0.0, duration, gap)
    sent = send(sender, 0.0, 400, jitter=lambda: rng.random() * 0.015)
    receiver = EventReceiver(8000)
    spared = {timestamp: i for i, (_, _, timestamp, _) in enumerate(sent)}.values()  # one packet of each key
    came = [sent[i] for i in range(len(sent)) if i in spared or rng.random() > 0.3]
    heard = [d for now, *packet in came for d in receiver.receive(*packet, now)]
    assert keys(heard + receiver.wake(99.0)) == digits
    assert not sender.busy


def test_a_key_said_to_be_longer_than_it_was_does_not_delay_the_next():
    """baresip counts in the audio's 48 kHz under telephone-event/8000: 180 ms are told as 1.08 s."""
    sender = EventSender(8000)
    sender.press("1", 0.0)
    sender.release(0.18, 1.08)
    sender.press("2", 0.5)
    sender.release(0.68, 1.08)
    keys = [p[0] for n in range(50) for p, _, _ in sender.next(n * 0.02, round(n * 160))]
    began = next(n for n in range(50) if n * 0.02 >= 0.5)
    assert keys.index(2) < began + 6
    assert not sender.busy
