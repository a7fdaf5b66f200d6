"""A trunk of two servers on loopback, the first of which takes everything and says nothing."""

import asyncio
import socket

from gateway.app import Gateway
from gateway.calls import events as ev
from gateway.config import Config
from gateway.parts_sip import hexadecimal
from signaling.net.endpoint import Endpoint
from signaling.sip import events as sip
from signaling.sip.address import Address
from signaling.sip.config import StackConfig
from signaling.sip.stack import Stack


async def test_a_silent_server_is_passed_over(monkeypatch):
    monkeypatch.setattr("gateway.drivers.sip.PATIENCE", 0.1)
    heard: asyncio.Queue[sip.Event] = asyncio.Queue()
    stack = Stack(StackConfig(challenge=False, registrar=None), hexadecimal, lambda user: None)
    pbx = Endpoint(stack, [Address("udp", "127.0.0.1", 0)], heard.put_nowait)
    await pbx.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        servers = [f"sip:127.0.0.1:{port}" for port in (silent.getsockname()[1], pbx.addresses[0].port)]
        trunk = {
            "name": "office",
            "servers": servers,
            "register": False,
            "called_out": [{"match": "0.", "to": "{rest}"}],
        }
        gateway = Gateway(
            Config.model_validate(
                {"server": {"port": 0}, "sip": {"port": 0}, "media": {"webrtc_port": 0}, "trunks": [trunk]}
            )
        )
        await gateway.start()
        gateway.phones.ring("x1-b1", "trunk:office/0815", None, ev.Identity("101", "Alice"), b"v=0\r\n")
        invited = await asyncio.wait_for(heard.get(), 3)
        assert isinstance(invited, sip.Invited)
        assert (str(invited.uri), str(invited.from_.uri)) == (
            f"sip:815@127.0.0.1:{pbx.addresses[0].port}",
            "sip:101@127.0.0.1",
        )
        pbx.reject(invited.call, 486)
        await asyncio.sleep(0.05)
        assert [server.state for server in gateway.trunks.views()[0].servers] == ["shaky", "up"]
        gateway.phones.release("x1-b1")
        assert gateway.trunks.views()[0].calls == 0
        await pbx.aclose()
        await gateway.stop()
