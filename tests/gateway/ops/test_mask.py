"""No secret of any shape that this gateway handles comes out of the mask; harmless text comes out as it went in."""

import pytest

from gateway.api.turn import credentials
from gateway.config.tables import Config
from gateway.ops.mask import Mask, secrets_in

SECRET = "s3cr3t-W0rd"
_, TURN = credentials(b"shared", "alice", 1_900_000_000)
DIGEST = "6629fae49393a05397450978507c4ef1"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f'Authorization: Digest username="bob", realm="tandem", nonce="abc", response="{DIGEST}", qop=auth', DIGEST),
        (f"Proxy-Authorization: Digest username=bob, response={DIGEST}", DIGEST),
        (f'trying response="{DIGEST}"', DIGEST),
        (f"Authorization: Bearer {SECRET}", SECRET),
        (f"authorization: Basic {SECRET}==", SECRET),
        (f"{{'Authorization': 'Bearer {SECRET}', 'X': 1}}", SECRET),
        (f"[('Authorization', 'Basic {SECRET}')]", SECRET),
        (f"(b'Authorization', b'Bearer {SECRET}')", SECRET),
        (f"b'REGISTER sip:x\\r\\nAuthorization: Digest response=\"{DIGEST}\"\\r\\n'", DIGEST),
        (f"X-API-Key: {SECRET}", SECRET),
        (f"Cookie: session={SECRET}", SECRET),
        (f"GET /v1/calls?key={SECRET}&x=1", SECRET),
        (f"GET /v1/events?api_key={SECRET}", SECRET),
        (f"GET /v1/ws?token={SECRET} HTTP/1.1", SECRET),
        (f'{{"user": "alice", "password": "{SECRET}"}}', SECRET),
        (f'{{"type": "hello", "token": "{SECRET}"}}', SECRET),
        (f'{{"type": "resume", "session": "s1", "resume": "{SECRET}"}}', SECRET),
        (f"password='{SECRET} with spaces'", SECRET),
        (f"Credentials(user='101', password='{SECRET}')", SECRET),
        (f"static-auth-secret={SECRET}", SECRET),
        (f"TANDEM_TURN__SECRET={SECRET}", SECRET),
        (f"X-Tandem-Signature: {SECRET}", SECRET),
        (f"the token eyJhbGciOi.eyJzdWIi.{SECRET} is over", SECRET),
        (f"sent Bearer {SECRET} to it", SECRET),
        (f"postgresql+asyncpg://tandem:{SECRET}@db/tandem", SECRET),
        (f"https://me:{SECRET}@example.com/hook", SECRET),
        (f"<sip:alice:{SECRET}@example.com>", SECRET),
        (f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{TURN}{TURN}", TURN),
        ("a=ice-pwd:9b8F3kq0c1VbYkL1xQf2Zz", "9b8F3kq0c1VbYkL1xQf2Zz"),
        (f"allocating as 1900000000:alice with {TURN}", TURN),
        (f"{{'username': '1900000000:alice', 'credential': '{TURN}'}}", TURN),
    ],
)
def test_it_hides(text, secret):
    masked = Mask()(text)
    assert secret not in masked
    assert "***" in masked


@pytest.mark.parametrize(
    "text",
    [
        "Alice <101> (browser) calls 600",
        "trunk office: failed (403 Forbidden)",
        "3f2a1b9c-b1 cannot be called: no address for sip:pbx.example.com:5080;transport=tcp",
        "ready: page https://phone.example.com:8443/, SIP on udp:192.0.2.1:5060",
        "port 5060 on 127.0.0.1 is taken by another program",
        "ended: busy, not answered [user:bob: busy (486)]",
        "<sip:alice@example.com:5060>;tag=1",
        "a request without Authorization was challenged",
    ],
)
def test_it_leaves_alone(text):
    assert Mask()(text) == text


def test_what_the_configuration_keeps_secret_is_found_wherever_it_stands():
    config = Config.model_validate(
        {
            "server": {"secret": "x" * 32},
            "turn": {"urls": ["turn:t.example.com"], "secret": "turn-secret"},
            "users": [{"name": "alice", "password": "alice-secret"}, {"name": "bob", "password": "bob"}],
            "trunks": [{"name": "office", "server": "sip:192.0.2.1", "user": "1", "password": "trunk-secret"}],
        }
    )
    found = set(secrets_in(config))
    assert found >= {"x" * 32, "turn-secret", "alice-secret", "trunk-secret"}
    mask = Mask(found)
    assert mask("words turn-secret, alice-secret!trunk-secret") == "words ***, ***!***"
    assert mask("bob calls alice") == "bob calls alice"  # a password that short is everybody's word


@pytest.mark.parametrize(
    "piece",
    [
        "token-",
        "a-",
        "a.",
        "a://",
        "a://b:",
        "sip:a:",
        "eyJ-",
        "eyJa.",
        "password=",
        "authorization",
        '"',
        "\\",
        "bearer ",
    ],
)
def test_what_strangers_send_takes_no_time_worth_speaking_of(piece):
    masked = Mask()(piece * 30_000)  # hours, if an expression went back over it again and again
    assert len(masked) < 40_000
