"""What trunks and phones are told about where we are."""

from gateway import parts_sip
from gateway.config import Config
from signaling.sip.address import Address

LISTENING = [Address("udp", "127.0.0.1", 5060), Address("tcp", "127.0.0.1", 5070)]


def contact(server: str, listening=LISTENING) -> str:
    trunk = {"name": "pbx", "server": server, "user": "201", "password": "p"}
    config = Config.model_validate({"trunks": [trunk]})
    (registration,) = parts_sip.registrations(config, parts_sip.trunks(config), listening)
    assert len(registration.contact.param("line")) == 16
    return str(registration.contact.with_params(line=None))


def test_a_trunk_is_told_the_transport_and_the_port_that_belongs_to_it():
    assert contact("sip:pbx.test") == contact("sip:pbx.test;transport=udp") == "sip:201@127.0.0.1:5060"
    assert contact("sip:pbx.test;transport=tcp") == "sip:201@127.0.0.1:5070;transport=tcp"
    assert contact("sip:pbx.test", LISTENING[1:]) == "sip:201@127.0.0.1:5070;transport=tcp"
