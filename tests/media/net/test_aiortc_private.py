"""What we use of aiortc's and aioice's inside is still there, and works as we rely on it."""

from __future__ import annotations

import asyncio
import datetime
import gc
import weakref
from collections.abc import Callable

import aiortc.rtcdtlstransport
import pytest

from media.errors import TransportFailed
from media.net import aiortc_private
from media.net.aiortc_private import Dtls, Identity, Turnstile, moved
from media.net.srtp import SrtpError


async def test_nothing_has_moved():
    """Fails after an upgrade of aiortc or aioice that touches what we rely on, and says which part."""
    assert not moved(), f"moved in this version of aiortc or aioice: {', '.join(moved())}"


async def test_what_moved_is_named(monkeypatch):
    monkeypatch.delattr(aiortc.rtcdtlstransport.RTCDtlsTransport, "_set_role")
    assert moved() == ["aiortc.RTCDtlsTransport._set_role"]
    aiortc_private.require.cache_clear()
    with pytest.raises(TransportFailed, match=r"RTCDtlsTransport\._set_role: install aiortc 1\.16"):
        aiortc_private.require()


def pair(
    one: Identity | None = None, other: Identity | None = None, lossy: Callable[[bytes], bool] = lambda data: False
):
    """Two associations, wired to each other."""
    turnstile = Turnstile()
    ends: list[Dtls] = []
    byes: list[str] = []

    def to(index: int) -> Callable[[bytes], None]:
        return lambda data: None if lossy(data) else ends[index].feed(data)

    ends.append(Dtls(one or Identity(), to(1), lambda: byes.append("server"), turnstile))
    ends.append(Dtls(other or Identity(), to(0), lambda: byes.append("client"), turnstile))
    return ends[0], ends[1], byes


async def shake(server: Dtls, client: Dtls, of_server: Identity, of_client: Identity, patience: float = 3.0):
    return await asyncio.gather(
        server.handshake("server", [of_client.fingerprint], patience),
        client.handshake("client", [of_server.fingerprint], patience),
        return_exceptions=True,
    )


PACKET = b"\x80\x6f\0\1" + bytes(4) + b"\0\0\0\7" + b"hello"


async def test_a_handshake_yields_keys_both_ways():
    mine, theirs = Identity(), Identity()
    server, client, byes = pair(mine, theirs)
    ours, others = await shake(server, client, mine, theirs)
    assert others.unprotect(ours.protect(PACKET)) == ours.unprotect(others.protect(PACKET)) == PACKET
    with pytest.raises(SrtpError):
        others.unprotect(PACKET + bytes(16))
    await client.aclose()
    for _ in range(5):
        await asyncio.sleep(0)
    assert byes == ["server"], "close_notify is heard at once, by the other side only"
    await server.aclose()


async def test_the_context_is_shared():
    identity = Identity()
    one, two = (identity.certificate._create_ssl_context(aiortc.rtcdtlstransport.SRTP_PROFILES) for _ in range(2))
    assert one is two


async def test_a_wrong_fingerprint_is_refused_by_name():
    mine, theirs, stranger = Identity(), Identity(), Identity()
    server, client, _ = pair(mine, theirs)
    ours, others = await shake(server, client, mine, stranger)
    assert isinstance(ours, TransportFailed) and "does not match a=fingerprint" in str(ours)
    await asyncio.gather(server.aclose(), client.aclose())


async def test_an_unknown_fingerprint_algorithm_is_refused_by_name():
    server, client, _ = pair()
    with pytest.raises(TransportFailed, match="sha-256"):
        await server.handshake("server", [("sha-1", "00:11")], 1.0)
    await asyncio.gather(server.aclose(), client.aclose())


async def test_a_handshake_that_nobody_answers_ends():
    server, client, _ = pair(lossy=lambda data: True)
    with pytest.raises(TransportFailed, match=r"not finished after 0\.1 s"):
        await client.handshake("client", [Identity().fingerprint], 0.1)
    await asyncio.gather(server.aclose(), client.aclose())


async def test_bytes_that_are_no_dtls_do_not_end_an_association():
    mine, theirs = Identity(), Identity()
    server, client, byes = pair(mine, theirs)
    server.feed(b"\x16garbage")
    server.feed(b"\x16\xfe\xff" + bytes(40))
    ours, others = await shake(server, client, mine, theirs)
    server.feed(b"\x17\xfe\xfd" + bytes(60))
    for _ in range(5):
        await asyncio.sleep(0)
    assert others.unprotect(ours.protect(PACKET)) == PACKET and not byes
    await asyncio.gather(server.aclose(), client.aclose())


async def test_closing_leaves_no_task_and_no_cycle():
    """No full collection may fall into a call, so what a call leaves behind must go by counting alone."""
    mine, theirs = Identity(), Identity()
    server, client, _ = pair(mine, theirs)
    keys = await shake(server, client, mine, theirs)
    inside = [weakref.ref(server._transport), weakref.ref(server._transport._tx_srtp), weakref.ref(server._shim)]
    gc.collect()
    gc.disable()
    try:
        await asyncio.gather(server.aclose(), client.aclose())
        del server, client, keys
        for _ in range(3):
            await asyncio.sleep(0)
        assert [ref() for ref in inside] == [None] * 3
        assert asyncio.all_tasks() == {asyncio.current_task()}
    finally:
        gc.enable()


async def test_a_turn_of_the_loop_lets_one_step_through():
    turnstile, passed = Turnstile(), []

    async def step(n: int) -> None:
        await turnstile.pass_()
        passed.append(n)

    tasks = [asyncio.create_task(step(n)) for n in range(5)]
    most = 0
    while len(passed) < 5:
        before = len(passed)
        await asyncio.sleep(0)
        most = max(most, len(passed) - before)
    assert most == 1 and passed == [0, 1, 2, 3, 4]
    await asyncio.gather(*tasks)


def test_a_certificate_is_renewed_in_time():
    identity, day = Identity(), datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.UTC)
    assert not identity.aged(now + 25 * day) and identity.aged(now + 29 * day)
