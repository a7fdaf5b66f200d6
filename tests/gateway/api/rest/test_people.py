"""Phones, trunks, contacts, tokens."""

from dataclasses import dataclass


@dataclass
class TrunkNow:
    name: str = "office"
    server: str = "sip:pbx.example.com"
    registers: bool = True
    state: str = "registered"
    status: int = 200
    reason: str = ""
    next_refresh: float | None = 400.0
    calls: int = 2
    max_calls: int = 0


async def test_registered_phones(api):
    assert await api.good("GET", "/v1/registrations") == {
        "registrations": [
            {
                "user": "bob",
                "contact": "sip:bob@192.0.2.7",
                "source": "192.0.2.7:5060",
                "transport": "udp",
                "expires_at": "2027-01-15T08:02:40Z",
            }
        ]
    }


async def test_trunks(api):
    assert (await api.bad("GET", "/v1/trunks"))["code"] == "not-configured"
    api.sources.trunks = lambda: [TrunkNow(), TrunkNow("peer", next_refresh=None, status=0, max_calls=5)]
    office, peer = (await api.good("GET", "/v1/trunks"))["trunks"]
    assert office["next_refresh"] == "2027-01-15T08:06:40Z"
    assert (office["state"], office["max_calls"]) == ("registered", None)
    assert (peer["next_refresh"], peer["status"], peer["max_calls"]) == (None, None, 5)


async def test_contacts_know_who_is_there_and_who_talks(api):
    api.office.talk()
    token = (await api.good("POST", "/v1/tokens", {"user": "alice"}))["token"]
    _, found, _ = await api.ask("GET", "/v1/me/contacts", key=token)
    shown = {c["user"]: (c["extension"], c["signed_in"], c["on_call"]) for c in found["contacts"]}
    assert shown == {
        "alice": ("101", True, True),
        "bob": ("102", True, True),
        "carol": ("103", True, False),
        "dave": ("104", False, False),
    }


async def test_a_token_for_a_user(api):
    token = await api.good("POST", "/v1/tokens", {"user": "102"})
    assert (token["user"], token["extension"], token["expires_in"]) == ("bob", "102", 300.0)
    assert (await api.bad("POST", "/v1/tokens", {"user": "nobody"}))["code"] == "no-such-user"
