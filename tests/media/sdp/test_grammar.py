import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import BadDescription
from media.sdp.grammar import MAX_SIZE, parse
from tests.media.sdp.samples import SAMPLES

SMALL = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 9 RTP/AVP 0\r\na=x:y:z\r\na=x\r\n"
)


@pytest.mark.parametrize("name", SAMPLES)
def test_parsed_gives_the_same_bytes(name):
    assert bytes(parse(SAMPLES[name])) == SAMPLES[name]


def test_sections_and_attributes():
    description = parse(SAMPLES["firefox-audio-video-data"])
    assert [(m.kind, m.port, m.protocol) for m in description.media] == [
        ("audio", 9, "UDP/TLS/RTP/SAVPF"),
        ("video", 9, "UDP/TLS/RTP/SAVPF"),
        ("application", 9, "UDP/DTLS/SCTP"),
    ]
    assert description.media[0].formats == ("109", "9", "0", "8", "101")
    assert description.session.get("fingerprint").startswith("sha-256 3D:0B")
    assert description.media[0].get("fingerprint") is None
    assert description.media[0].has("rtcp-mux")
    assert description.media[2].get("sctp-port") == "5000"


def test_values_and_flags():
    media = parse(SMALL).media[0]
    assert media.all("x") == ["y:z", ""]
    assert media.get("y") is None
    assert parse(SMALL).session.host == "127.0.0.1"
    assert media.host is None


@pytest.mark.parametrize(
    ("line", "host"),
    [
        (b"IN IP4 224.2.1.1/127", "224.2.1.1"),
        (b"IN IP4 224.2.1.1/127/3 ", "224.2.1.1"),
        (b"IN IP6 ff15::101/3", "ff15::101"),
        (b"IN IP4 phone.example.com", "phone.example.com"),
        (b"  IN  IP4  10.0.0.1", "10.0.0.1"),
    ],
)
def test_connections(line, host):
    assert parse(SMALL.replace(b"IN IP4 127.0.0.1\r\nt", line + b"\r\nt")).session.host == host


@pytest.mark.parametrize(
    "line",
    [b"IN IP4", b"IN IP4 300.1.1.1", b"IN IP4 ::1", b"IN IP6 127.0.0.1", b"ATM NSAP 1", b"IN IP4 a b", b"IN IP4 -", b"",
     b"IN IP4 1.2.3.4.5", b"IN IP4 \xe4.com"],
)  # fmt: skip
def test_bad_connections(line):
    with pytest.raises(BadDescription, match="line 4"):
        _ = parse(SMALL.replace(b"IN IP4 127.0.0.1\r\nt", line + b"\r\nt")).session.host


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty", b"", "empty"),
        ("blank", b"\r\n \r\n", "empty"),
        ("no v=", SMALL[5:], "v=0"),
        ("another version", SMALL.replace(b"v=0", b"v=1"), "line 1 .*v=0"),
        ("JSON", b'{"type": "offer"}', "line 1"),
        ("no letter", SMALL.replace(b"s=-", b"=-"), "line 3"),
        ("capital letter", SMALL.replace(b"s=-", b"S=-"), "line 3"),
        ("a word", SMALL.replace(b"s=-", b"session"), "line 3"),
        ("NUL", SMALL.replace(b"s=-", b"s=\0"), "line 3"),
        ("m= without formats", SMALL.replace(b"RTP/AVP 0", b"RTP/AVP"), "line 6"),
        ("port too high", SMALL.replace(b"audio 9", b"audio 65536"), "no port"),
        ("negative port", SMALL.replace(b"audio 9", b"audio -1"), "no port"),
        ("port of words", SMALL.replace(b"audio 9", b"audio nine"), "no port"),
        ("port of other digits", SMALL.replace(b"audio 9", "audio ٩".encode()), "ASCII"),
        ("too long", SMALL + b"a=" + bytes([120]) * MAX_SIZE, "bytes"),
        ("too many sections", SMALL + b"m=audio 9 RTP/AVP 0\r\n" * 64, "65 media sections"),
    ],
)
def test_refused_with_the_line(name, data, words):
    with pytest.raises(BadDescription, match=words):
        parse(data)


def test_port_with_count():
    assert parse(SMALL.replace(b"audio 9", b"audio 49170/2")).media[0].port == 49170


LETTERS = st.sampled_from("abcimopstvz")
LINES = st.lists(
    st.tuples(LETTERS, st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30)),
    max_size=12,
)


@given(LINES, st.sampled_from(["\r\n", "\n", "\r"]))
@settings(derandomize=True, max_examples=300)
def test_any_lines_are_kept_or_refused(lines, end):
    data = ("v=0" + end + "".join(f"{kind}={value}{end}" for kind, value in lines)).encode()
    try:
        assert bytes(parse(data)) == data
    except BadDescription:
        pass


@given(st.binary(max_size=100))
@settings(derandomize=True, max_examples=300)
def test_any_bytes_are_kept_or_refused(data):
    for body in (data, b"v=0\r\n" + data, SMALL + data):
        try:
            assert bytes(parse(body)) == body
        except BadDescription:
            pass


def test_mangled_bodies_are_kept_or_refused():
    rng = random.Random(7)
    bodies = list(SAMPLES.values())
    for _ in range(1500):
        data = bytearray(rng.choice(bodies))
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            assert bytes(parse(bytes(data))) == data
        except BadDescription:
            pass
