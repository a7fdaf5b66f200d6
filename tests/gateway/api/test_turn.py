import base64
import hashlib
import hmac

from gateway.api.turn import IceServers, TurnConfig, credentials


def test_credentials_are_what_coturn_computes():
    username, password = credentials(b"north", "alice", 1_700_000_000.9)
    assert username == "1700000000:alice"
    assert base64.b64decode(password) == hmac.new(b"north", username.encode(), hashlib.sha1).digest()


def test_servers_for_the_page():
    turn = TurnConfig(("turn:t.example:3478",), b"north", ttl=100)
    servers = IceServers(("stun:s.example",), turn, lambda: 1000.0)("bob")
    assert servers[0] == {"urls": ["stun:s.example"]}
    assert servers[1]["username"] == "1100:bob"
    assert IceServers((), None, lambda: 0.0)("bob") == []
    assert "north" not in repr(turn)
