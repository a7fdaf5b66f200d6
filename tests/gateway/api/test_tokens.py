import base64
import json
import random

import jwt
import pytest

from gateway.api.tokens import AUDIENCE, Tokens
from signaling.browser.errors import TokenExpired, TokenInvalid
from signaling.browser.session import Identity

SECRET = b"s" * 32
ALICE = Identity("alice", "Alice A.", "101")


def tokens(now: float = 1_000_000.0, secret: bytes = SECRET) -> Tokens:
    return Tokens(secret, 300, lambda: now)


def test_what_was_issued_is_good_until_it_expires():
    token, ttl = tokens().issue(ALICE)
    assert ttl == 300
    assert tokens().verify(token) == ALICE
    assert tokens(1_000_299).verify(token) == ALICE
    assert tokens(1_000_304).verify(token) == ALICE, "clocks may differ a little"
    with pytest.raises(TokenExpired):
        tokens(1_000_306).verify(token)


def test_a_short_secret_is_refused_with_a_way_out():
    with pytest.raises(ValueError, match="openssl rand"):
        tokens(secret=b"short")


def claims(**more):
    return {"sub": "alice", "aud": AUDIENCE, "exp": 1_000_300} | more


def forged():
    yield "another key", jwt.encode(claims(), b"x" * 32, "HS256")
    yield "another algorithm", jwt.encode(claims(), b"s" * 64, "HS512")
    yield "another purpose", jwt.encode(claims(aud="operator"), SECRET, "HS256")
    yield "no purpose", jwt.encode({"sub": "alice", "exp": 1_000_300}, SECRET, "HS256")
    yield "no end", jwt.encode({"sub": "alice", "aud": AUDIENCE}, SECRET, "HS256")
    yield "nobody", jwt.encode({"aud": AUDIENCE, "exp": 1_000_300}, SECRET, "HS256")
    yield "an end that is no time", jwt.encode({"sub": "alice", "aud": AUDIENCE}, SECRET, "HS256")
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=").decode()
    yield "unsigned", f"{head}.{body}."
    yield "empty", "."
    yield "garbage", "not a token at all"


@pytest.mark.parametrize(("why", "token"), list(forged()), ids=lambda v: v if len(v) < 30 else "")
def test_forged_tokens(why, token):
    with pytest.raises(TokenInvalid):
        tokens().verify(token)


def test_any_text_is_verified_or_refused():
    rng = random.Random(3)
    good, _ = tokens().issue(ALICE)
    for _ in range(3_000):
        token = list(good)
        for _ in range(rng.randint(1, 5)):
            token[rng.randrange(len(token))] = chr(rng.randrange(32, 1000))
        with pytest.raises(TokenInvalid):
            tokens().verify("".join(token))
