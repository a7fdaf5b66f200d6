"""The lite agent, check by check."""

from __future__ import annotations

import random
import re

import pytest
from aioice import stun
from hypothesis import given, settings
from hypothesis import strategies as st

from media.errors import BadPacket
from media.ice.lite import Credentials, LiteAgent, parse_check, plain_host

HOME, AWAY, FAR = ("192.0.2.1", 4000), ("192.0.2.1", 4001), ("198.51.100.9", 5000)


def agent(seed: int = 1) -> LiteAgent:
    made = LiteAgent(random.Random(seed).getrandbits)
    made.expect("peer")
    return made


def check(to: Credentials, peer: str = "peer", *, pwd: str | None = None, use: bool = False, **more: object) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{to.ufrag}:{peer}"
    message.attributes["PRIORITY"] = 1853824767
    message.attributes.update({"ICE-CONTROLLING": 7} | {name.replace("_", "-"): value for name, value in more.items()})
    if use:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity((to.pwd if pwd is None else pwd).encode())
    return bytes(message)


def test_credentials_are_ice_chars_and_unlike():
    made = [Credentials.make(random.Random(n).getrandbits) for n in range(50)]
    assert len({c.ufrag for c in made}) == len({c.pwd for c in made}) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9+/]{8}", c.ufrag) and re.fullmatch(r"[A-Za-z0-9+/]{24}", c.pwd) for c in made)
    assert made[0].pwd not in repr(made[0])


def test_a_valid_check_is_answered_and_latches():
    ours = agent()
    verdict = ours.receive(parse_check(check(ours.local)), HOME, 1.0)
    answer = stun.parse_message(verdict.answer)
    assert answer.message_class is stun.Class.RESPONSE and answer.attributes["XOR-MAPPED-ADDRESS"] == HOME
    assert answer.check_message_integrity(ours.local.pwd.encode()) and "FINGERPRINT" in answer.attributes
    assert ours.address == HOME and ours.consent.checked_at == 1.0 and not verdict.refused


def test_before_nomination_the_latest_check_wins_afterwards_only_a_nominating_one():
    ours = agent()
    for source in (HOME, AWAY):
        ours.receive(parse_check(check(ours.local)), source, 1.0)
        assert ours.address == source
    ours.receive(parse_check(check(ours.local, use=True)), HOME, 2.0)
    ours.receive(parse_check(check(ours.local)), FAR, 3.0)
    assert ours.address == HOME, "a check without USE-CANDIDATE moves nothing any more"
    ours.receive(parse_check(check(ours.local, use=True)), FAR, 4.0)
    assert ours.address == FAR and ours.moves == 4


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (lambda a: check(a.local, pwd="x" * 24), "stun-bad-integrity"),
        (lambda a: check(a.local, peer="someone"), "stun-wrong-peer"),
        (lambda a: check(Credentials("unknown1", "x" * 24)), "stun-unknown-user"),
    ],
    ids=["integrity", "peer", "user"],
)
def test_strangers_get_silence(data, why):
    ours = agent()
    verdict = ours.receive(parse_check(data(ours)), FAR, 1.0)
    assert verdict == (None, why, ()) and ours.address is None and not ours.consent.given


def test_a_check_without_integrity_gets_silence():
    ours = agent()
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": f"{ours.local.ufrag}:peer"})
    message.add_fingerprint()
    assert ours.receive(parse_check(bytes(message)), FAR, 1.0).refused == "stun-bad-integrity"


def test_who_wants_to_be_controlled_is_told_487_and_believed_nothing():
    ours = agent()
    verdict = ours.receive(parse_check(check(ours.local, ICE_CONTROLLED=9)), HOME, 1.0)
    answer = stun.parse_message(verdict.answer)
    assert answer.error_code == 487 and answer.check_message_integrity(ours.local.pwd.encode())
    assert ours.address is None and verdict.refused == "stun-role-conflict"


def test_while_our_offer_is_out_our_half_of_the_name_is_enough():
    ours = LiteAgent(random.Random(1).getrandbits)
    assert ours.receive(parse_check(check(ours.local, peer="whoever")), HOME, 1.0).answer
    ours.expect("peer")
    assert ours.receive(parse_check(check(ours.local, peer="whoever")), HOME, 1.0).refused == "stun-wrong-peer"


def test_two_generations_are_good_until_the_new_one_is_used():
    ours = agent()
    old = ours.local
    ours.receive(parse_check(check(old, use=True)), HOME, 1.0)
    new = ours.restart()
    ours.expect("peer2")
    assert new != old and set(ours.ufrags) == {old.ufrag, new.ufrag}
    assert ours.receive(parse_check(check(old, use=True)), HOME, 2.0).answer
    assert ours.receive(parse_check(check(new, "peer")), AWAY, 3.0).refused == "stun-wrong-peer"
    verdict = ours.receive(parse_check(check(new, "peer2")), AWAY, 3.0)
    assert verdict.retired == (old.ufrag,) and ours.address == AWAY, "the old nomination counts no more"
    assert ours.receive(parse_check(check(old)), HOME, 4.0).refused == "stun-unknown-user"


def test_restarts_that_nobody_used_do_not_end_the_one_in_use():
    ours = agent()
    used = ours.local
    ours.receive(parse_check(check(used)), HOME, 1.0)
    first, second = ours.restart(), ours.restart()
    assert set(ours.ufrags) == {used.ufrag, second.ufrag} and first.ufrag not in ours.ufrags
    assert ours.receive(parse_check(check(used)), HOME, 2.0).answer


@pytest.mark.parametrize(
    ("source", "mapped"),
    [
        (("::ffff:192.0.2.7", 9, 0, 0), ("192.0.2.7", 9)),
        (("fe80::1%eth0", 9, 0, 2), ("fe80::1", 9)),
        (("2001:db8::1", 9, 0, 0), ("2001:db8::1", 9)),
    ],
)
def test_addresses_of_a_dual_stack_socket_are_told_plainly(source, mapped):
    ours = agent()
    answer = stun.parse_message(ours.receive(parse_check(check(ours.local)), source, 1.0).answer)
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == mapped and ours.address == source
    assert plain_host(source[0]) == mapped[0]


def test_what_is_no_check_is_named():
    ours = agent()
    good = check(ours.local)
    bare = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)
    nameless = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    nameless.add_message_integrity(b"x")
    for data, why in (
        (b"", "stun-malformed"),
        (good[:-1], "stun-malformed"),
        (good[:-1] + b"\0", "stun-malformed"),  # FINGERPRINT
        (bytes(bare), "stun-no-fingerprint"),
        (bytes(response), "stun-not-a-check"),
        (bytes(nameless), "stun-no-username"),
    ):
        with pytest.raises(BadPacket, match=why):
            parse_check(data)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(data):
    try:
        parse_check(b"\0\x01" + data)
    except BadPacket:
        pass


def test_a_mangled_check_never_latches():
    ours, dice = agent(), random.Random(5)
    good = check(ours.local, use=True)
    for _ in range(4000):
        data = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        if data == good or data[:-8] == good[:-8]:
            continue  # only FINGERPRINT, which the HMAC does not cover
        try:
            verdict = ours.receive(parse_check(bytes(data)), FAR, 1.0)
        except BadPacket:
            continue
        assert verdict.answer is None or bytes(data[:2]) + bytes(data[4:-8]) == good[:2] + good[4:-8]
    assert ours.address in (None, FAR)
