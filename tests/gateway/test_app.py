"""The parts put together, on free ports of 127.0.0.1."""

import asyncio
import socket

import aiohttp
import pytest

from gateway.app import CannotStart, Gateway
from gateway.config.tables import Config, TrunkTable


def config(**more) -> Config:
    tables = {"server": {"port": 0}, "sip": {"port": 0}, "media": {"webrtc_port": 0}}
    users = [{"name": "alice", "password": "secret", "extension": "101", "display": "Alice"}]
    for table, keys in more.items():
        tables[table] = tables.get(table, {}) | keys
    return Config.model_validate(tables | {"users": users})


async def test_it_starts_serves_and_stops():
    gateway = Gateway(config())
    await gateway.start()
    url = gateway.web.urls[0]
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{url}healthz") as answer:
            assert (await answer.json())["status"] == "ok"
        async with http.get(f"{url}metrics") as answer:
            text = await answer.text()
        for name in (
            "tandem_calls ",
            "tandem_sip_dialogs ",
            "tandem_media_legs ",
            "tandem_rtp_ports ",
            "tandem_tasks ",
        ):
            assert name in text
        async with http.post(f"{url}v1/login", json={"user": "101", "password": "secret"}) as answer:
            assert (await answer.json())["user"] == "alice"
    await gateway.stop()
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


async def test_it_stops_wholly_whatever_goes_wrong_on_the_way(monkeypatch):
    trunk = {"name": "pbx", "server": "sip:127.0.0.1:9", "user": "1", "password": "p"}
    gateway = Gateway(config().model_copy(update={"trunks": (TrunkTable.model_validate(trunk),)}))
    monkeypatch.setattr(gateway.endpoint, "register", lambda registration: None)  # so there is none to take back
    await gateway.start()
    await gateway.stop()
    again = Gateway(config())
    await again.start()

    async def defect(patience):
        raise RuntimeError("a defect")

    monkeypatch.setattr(again.runtime, "stop", defect)
    with pytest.raises(RuntimeError, match="a defect"):
        await again.stop()
    await asyncio.sleep(0)
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


async def test_options_are_answered():
    gateway = Gateway(config())
    await gateway.start()
    port = gateway.endpoint.addresses[0].port
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        phone.bind(("127.0.0.1", 0))
        here = f"127.0.0.1:{phone.getsockname()[1]}"
        request = (
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKx;rport\r\n"
            f"From: <sip:x@{here}>;tag=1\r\nTo: <sip:127.0.0.1:{port}>\r\nCall-ID: 1@{here}\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        await loop.sock_sendto(phone, request.encode(), ("127.0.0.1", port))
        answer = await asyncio.wait_for(loop.sock_recv(phone, 4096), 3)
    assert answer.startswith(b"SIP/2.0 200 ")
    await gateway.stop()


@pytest.mark.parametrize(
    ("table", "key", "kind"),
    [
        ("server", "port", socket.SOCK_STREAM),
        ("sip", "port", socket.SOCK_DGRAM),
        ("sip", "port", socket.SOCK_STREAM),
        ("media", "webrtc_port", socket.SOCK_DGRAM),
    ],
)
async def test_a_port_that_is_taken_is_named(table, key, kind):
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        gateway = Gateway(config(**{table: {key: port}}))
        with pytest.raises(CannotStart) as error:
            await gateway.start()
    assert f"port {port} on 127.0.0.1 is taken" in str(error.value)
    assert f"{key} in [{table}]" in str(error.value)
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


async def test_an_address_that_is_not_ours():
    gateway = Gateway(config(server={"host": "192.0.2.1"}))
    with pytest.raises(CannotStart, match="no address of this machine"):
        await gateway.start()


def test_a_certificate_that_is_none(tmp_path):
    (tmp_path / "x.pem").write_text("nonsense")
    path = str(tmp_path / "x.pem")
    with pytest.raises(CannotStart, match="cannot be used"):
        Gateway(config(server={"tls_cert": path, "tls_key": path}))


async def test_a_program_places_a_call_and_ends_it():
    from gateway.api.rest.keys import new_key

    key, hash_ = new_key()
    table = config().model_dump() | {"api_keys": [{"name": "crm", "hash": hash_, "scopes": ["admin"]}]}
    table |= {"users": [{"name": "alice", "password": "secret", "extension": "101"}], "trunks": [], "routes": []}
    gateway = Gateway(Config.model_validate(table))
    await gateway.start()
    api, silent = f"{gateway.web.urls[0]}v1", socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))  # a phone that never answers
    phone = f"sip:nobody@127.0.0.1:{silent.getsockname()[1]}"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http:
        async with http.get(f"{api}/registrations") as answer:
            assert await answer.json() == {"registrations": []}
        async with http.post(f"{api}/calls", json={"to": phone, "metadata": {"a": "b"}}) as answer:
            call = await answer.json()
            assert (answer.status, call["kind"], call["metadata"]) == (201, "api", {"a": "b"})
        async with http.get(f"{api}/calls/{call['id']}") as answer:
            assert [leg["kind"] for leg in (await answer.json())["legs"]] == ["sip"]
        async with http.delete(f"{api}/calls/{call['id']}") as answer:
            assert answer.status == 204
        async with http.post(f"{api}/calls", json={"to": "user:alice"}) as answer:
            assert answer.status == 201
    silent.close()
    await gateway.stop()
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []
