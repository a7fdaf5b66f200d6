"""Any bytes are either parsed or raise BadMessage, never anything else; what is parsed can be answered and sent."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sip import sipfrag
from signaling.sip.address import Address
from signaling.sip.auth import Credentials, DigestClient, DigestServer
from signaling.sip.digest import parse_challenges, parse_fields
from signaling.sip.errors import BadMessage
from signaling.sip.framing import Framer
from signaling.sip.grammar import parse_params, quote, split_list, unquote
from signaling.sip.headers import CSeq, Headers, Via
from signaling.sip.identity import Identities
from signaling.sip.message import MAX_HEADERS, Request, Response, parse_message, reply
from signaling.sip.registrar import Registrar
from signaling.sip.registration import Registration
from signaling.sip.replaces import Replaces, parse_refer_to, refer_to
from signaling.sip.uri import NameAddr, Uri
from tests.signaling.sip.samples import BAD, CHALLENGED, COMPACT, GOOD
from tests.torture.messages import APPLICATION, INVALID, VALID

CORPUS = [
    *GOOD.values(),
    *BAD.values(),
    *VALID.values(),
    *APPLICATION.values(),
    *(each[0] for each in INVALID.values()),
]
SPICE = [b"\r\n", b"\n ", b'"', b"<", b">", b";", b",", b"=", b"\x00", b"\xff", b"%", b"\\", b"@", b":", b"[", b"?",
         b" ", b"Content-Length: ", b"99999999999999999999", b"-1", b"\xe2\x80\xa8", b"\x1c", b"SIP/2.0"]  # fmt: skip
TEXT = st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from('"<>;,=%\\@:[]?\r\n\udcff '), max_size=60)
fuzz = settings(derandomize=True, max_examples=300, deadline=None, database=None)


def mangled(seed: int) -> bytes:
    """A message of the corpus with a few wounds."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(CORPUS))
    for _ in range(chance.randint(1, 6)):
        at, to = sorted(chance.randint(0, len(data)) for _ in range(2))
        match chance.randint(0, 4):
            case 0:
                data[at:at] = chance.choice(SPICE)
            case 1:
                del data[at : min(to, at + 40)]
            case 2:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                data[at:at] = data[at : min(to, at + 200)]
            case 4:
                data[at : at + 1] = chance.choice(SPICE) * chance.randint(1, 50)
    return bytes(data)


def read(data: bytes) -> None:
    try:
        message = parse_message(data)
    except BadMessage as error:
        if error.request is not None:
            parse_back(bytes(reply(error.request, error.status, to_tag="t")))
        return
    _ = message.via, message.from_, message.to, message.call_id, message.cseq, message.contacts
    _ = message.content_type, message.max_forwards, message.headers.all("Supported")
    if len(message.headers) == MAX_HEADERS:
        return  # with our Content-Length it may be one too many
    again = parse_message(bytes(message))
    assert bytes(again) == bytes(message)
    if isinstance(message, Request):
        answer = parse_message(bytes(reply(message, 200, to_tag="t")))
        assert answer.cseq == message.cseq


def parse_back(data: bytes) -> None:
    """An answer to something broken may be as broken as what it copies, but it must be framed."""
    assert Framer().feed(data) == [data]


@pytest.mark.parametrize("block", range(20))
def test_mangled_messages(block):
    for seed in range(block * 250, block * 250 + 250):
        read(mangled(seed))


@fuzz
@given(st.binary(max_size=400))
def test_any_bytes(data):
    read(data)


@fuzz
@given(TEXT)
def test_any_text_in_any_place(text):
    for parse in (Uri.parse, NameAddr.parse, Via.parse, CSeq.parse):
        try:
            parsed = parse(text)
        except BadMessage:
            continue
        assert parse(str(parsed)) == parsed
    for read_value in (Replaces.parse, parse_refer_to):
        try:
            read_value(text)
        except BadMessage:
            continue
    sipfrag.parse(text.encode("utf-8", "surrogateescape"))
    split_list(text)
    parse_params(text)
    parse_fields(text)
    parse_challenges([text])
    assert unquote(quote(text)) == text.replace("\r", " ").replace("\n", " ")


@fuzz
@given(TEXT, TEXT)
def test_any_words_about_a_caller(one, other):
    names = ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy", "Diversion", "History-Info")
    Identities.of(Headers((name, value) for name in names for value in (one, f"<sip:a@h?{other}>;{one}={other}")))


@fuzz
@given(st.text(alphabet="abz09.-@!%*_+`'~", min_size=1, max_size=20), st.booleans())
def test_a_replaces_survives_its_way_through_a_uri(text, early):
    replaces = Replaces(text, text.replace("@", ""), "b", early) if text.replace("@", "") else Replaces(text, "a", "b")
    assert parse_refer_to(refer_to(Uri.parse("sip:600@h"), replaces)) == (Uri.parse("sip:600@h"), replaces)


@fuzz
@given(TEXT, TEXT, TEXT)
def test_what_is_made_from_any_text_is_read_back(user, password, display):
    uri = Uri("sip", user, password, "h", 5060)
    assert Uri.parse(str(uri)).hostport == "h:5060"
    assert Uri.parse(str(uri)) == Uri.parse(str(Uri.parse(str(uri))))
    address = NameAddr.parse(str(NameAddr(display, uri, (("tag", "1"),))))
    assert (address.tag, address.uri.host) == ("1", "h")


@fuzz
@given(TEXT, TEXT)
def test_no_header_value_breaks_a_message(name_value, reason):
    made = Response(200, reason, Headers([("Via", "SIP/2.0/UDP h"), ("Subject", name_value)]), b"x")
    head, _, body = bytes(made).partition(b"\r\n\r\n")
    assert (head.count(b"\r\n"), body) == (3, b"x")


@pytest.mark.parametrize("block", range(5))
def test_streams_never_lose_their_way_or_their_memory(block):
    for seed in range(block * 60, block * 60 + 60):
        chance = random.Random(seed)
        data = b"".join(mangled(seed * 7 + n) if chance.random() < 0.3 else COMPACT for n in range(4))
        framer, at = Framer(max_head=4096, max_body=4096), 0
        try:
            while at < len(data):
                step = chance.randint(1, 500)
                for message in framer.feed(data[at : at + step]):
                    read(message)
                at += step
        except BadMessage:
            assert framer.broken is not None
        assert framer.pending <= 8192 + 500


@pytest.mark.parametrize("block", range(5))
def test_digest_both_sides_survive_anything(block):
    for seed in range(block * 100, block * 100 + 100):
        chance = random.Random(seed)
        server = DigestServer("tandem", "s")
        client = DigestClient(Credentials("alice", "wonder"), lambda n, c=chance: f"{c.getrandbits(4 * n):0{n}x}")
        challenges = [wounded(value, chance) for value in server.challenge(0.0)]
        request = Request("INVITE", Uri.parse("sip:600@h"), Headers([("CSeq", "1 INVITE")]))
        again = client.answer(Response(401, "", Headers([("WWW-Authenticate", each) for each in challenges])), request)
        if again is None:
            continue
        before = again.headers.all("Authorization")[0]
        again.headers.set("Authorization", wounded(before, chance))
        verdict = server.verify(again, {"alice": "wonder"}.get, chance.choice([-1e9, 0.0, 1e9]))
        assert verdict.user in (None, "alice")


def wounded(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(0, 3)):
        at = chance.randint(0, len(text))
        spice = chance.choice(['"', ",", "=", " ", "x", "\udcff", "é", "٣", "", "-", "Digest "])
        text = text[:at] + spice + text[at + chance.randint(0, 2) :]
    return text


def test_registrar_and_registration_answer_whatever_comes():
    count = iter(range(1, 10**9))
    registrar = Registrar(DigestServer("t", "s"), {"101": "pw"}.get)
    registration = Registration(
        *map(Uri.parse, ("sip:101@h", "sip:h", "sip:101@i")),
        Credentials("101", "pw"),
        random=lambda n: f"{next(count):0{n}x}",
    )
    for seed in range(1500):
        try:
            message = parse_message(mangled(seed))
        except BadMessage:
            continue
        if isinstance(message, Request):
            assert registrar.handle(message, Address("udp", "192.0.2.1", 5060), float(seed)).status >= 200
        else:
            registration.next_request(float(seed))
            message.headers.set("CSeq", str(CSeq(registration._cseq, "REGISTER")))
            registration.on_response(message, float(seed))
    for seed in range(300):
        chance = random.Random(seed)
        message = parse_message(CHALLENGED)
        message.headers.set("WWW-Authenticate", wounded(message.headers.all("WWW-Authenticate")[0], chance))
        registration.next_request(1e6 + seed * 1e4)
        message.headers.set("CSeq", str(CSeq(registration._cseq, "REGISTER")))
        registration.on_response(message, 1e6 + seed * 1e4)
    assert registration.wake_at() is None or registration.wake_at() > 0
