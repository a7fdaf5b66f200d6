"""Real phones on loopback, registered under each name of one account."""

import asyncio

import pytest

from gateway.app import Gateway
from gateway.calls import events as ev
from gateway.config import Config
from gateway.parts_sip import hexadecimal
from signaling.net.endpoint import Endpoint
from signaling.sip import events as sip
from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.config import StackConfig
from signaling.sip.registration import Registration
from signaling.sip.stack import Stack
from signaling.sip.uri import Uri

USER = {"name": "alice", "password": "secret", "extension": "101"}
CONFIG = {"server": {"port": 0}, "sip": {"port": 0}, "media": {"webrtc_port": 0}, "users": [USER]}
BEHIND_NAT = Uri.parse("sip:phone@192.0.2.9:5099")
"""What it says of itself: nothing can be sent there."""


@pytest.mark.parametrize("name", ["alice", "101", "Alice"])
async def test_a_phone_is_called_where_it_registered_from_by_whatever_name(name):
    gateway = Gateway(Config.model_validate(CONFIG))
    await gateway.start()
    heard: asyncio.Queue[sip.Event] = asyncio.Queue()
    stack = Stack(StackConfig(challenge=False, registrar=None), hexadecimal, lambda user: None)
    phone = Endpoint(stack, [Address("udp", "127.0.0.1", 0)], heard.put_nowait)
    await phone.start()
    server = Uri("sip", None, None, "127.0.0.1", gateway.endpoint.addresses[0].port)
    aor = Uri("sip", name, None, server.host, server.port)
    phone.register(
        Registration(aor, server, BEHIND_NAT, Credentials(name, "secret"), 60, random=hexadecimal, id="phone")
    )
    while getattr(await asyncio.wait_for(heard.get(), 3), "state", "") != "registered":
        pass

    assert gateway.phones.contacts("101") == gateway.phones.contacts("alice")
    (contact,) = gateway.phones.contacts("alice")
    assert contact.user == "alice"
    gateway.phones.ring("x1-b1", contact.address, contact.user, ev.Identity("102"), b"v=0\r\n")
    invited = await asyncio.wait_for(heard.get(), 3)
    assert isinstance(invited, sip.Invited)
    assert invited.uri.user == "phone"

    phone.reject(invited.call, 486)
    await asyncio.sleep(0.05)
    await phone.aclose()
    await gateway.stop()
