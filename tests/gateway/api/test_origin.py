import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.api.origin import Origin, networks, within


class Transport:
    def __init__(self, peer):
        self.peer = peer

    def get_extra_info(self, name, default=None):
        return (self.peer, 1234) if name == "peername" else default


def request(peer="10.0.0.9", **headers):
    return make_mocked_request(
        "GET", "/v1/ws", {k.replace("_", "-"): v for k, v in headers.items()}, transport=Transport(peer)
    )


@pytest.mark.parametrize(
    ("origin", "host", "fine"),
    [
        (None, "phone.example", True),
        ("https://phone.example", "phone.example", True),
        ("https://PHONE.example", "phone.example", True),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("http://127.0.0.1:8081", "127.0.0.1:8080", False),
        ("https://evil.example", "phone.example", False),
        ("https://phone.example.evil.example", "phone.example", False),
        ("null", "phone.example", False),
        ("", "", False),
        ("http://[::1", "phone.example", False),
        ("https://friend.example/", "phone.example", True),
    ],
)
def test_the_origin_of_a_socket(origin, host, fine):
    headers = {"Host": host} | ({"Origin": origin} if origin is not None else {})
    assert Origin(("https://friend.example",), ()).allows(request(**headers)) is fine


def test_any_origin_where_so_configured():
    assert Origin(("*",), ()).allows(request(Host="a", Origin="https://b"))


def test_addresses_behind_proxies():
    origin = Origin((), ("10.0.0.0/8",))
    assert origin.address(request("10.0.0.9", X_Forwarded_For="1.2.3.4, 10.0.0.7")) == "1.2.3.4"
    assert origin.address(request("8.8.8.8", X_Forwarded_For="1.2.3.4")) == "8.8.8.8", "only ours are believed"
    assert origin.address(request("10.0.0.9", X_Forwarded_For="6.6.6.6, 1.2.3.4")) == "1.2.3.4", "the nearest stranger"
    assert origin.address(request("10.0.0.9")) == "10.0.0.9"
    assert len(origin.address(request("10.0.0.9", X_Forwarded_For="x" * 5000))) <= 64


def test_the_host_behind_proxies():
    trusting = Origin((), ("10.0.0.0/8",))
    headers = {"Host": "inner:8080", "X_Forwarded_Host": "phone.example", "Origin": "https://phone.example"}
    assert trusting.allows(request("10.0.0.9", **headers))
    assert not trusting.allows(request("8.8.8.8", **headers))


def test_networks():
    assert within("::ffff:127.0.0.1", networks(("127.0.0.0/8",)))
    assert not within("::1", networks(("127.0.0.0/8",)))
    assert not within("nonsense", networks(("0.0.0.0/0",)))
    with pytest.raises(ValueError, match=r"300\.0\.0\.0"):
        networks(("300.0.0.0/8",))
