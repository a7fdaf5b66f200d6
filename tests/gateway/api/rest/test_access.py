"""Who may do what: keys, scopes, addresses, rates, browser tokens."""

import pytest

from gateway.api.rest.access import Access
from gateway.api.rest.keys import ApiKey, Keyring, hashed, new_key, table
from gateway.api.rest.operation import MINE
from tests.gateway.api.rest.kit import ELSEWHERE, FULL, NOBODY, READER, SLOW, counter


def test_a_key_is_shown_once_and_kept_as_its_hash():
    key, hash_ = new_key()
    assert key.startswith("tk_")
    assert len(key) == 46
    assert new_key()[0] != key
    known = ApiKey("crm", hash_, frozenset({"calls:read"}))
    ring = Keyring([ApiKey("other", hashed("tk_other"), frozenset()), known])
    assert ring.find(key) is known
    assert ring.find(key + "x") is None
    assert ring.find("tk_\udc00") is None
    assert hash_ not in repr(known)


def test_the_table_to_paste_is_configuration():
    import tomllib

    from gateway.config.tables import ApiKeyTable

    (row,) = tomllib.loads(table("crm", hashed("tk_x"), ["calls:read", "admin"]))["api_keys"]
    assert ApiKeyTable(**row).scopes == ("calls:read", "admin")


async def test_without_a_key(api):
    problem = await api.bad("GET", "/v1/calls", key="")
    assert (problem["status"], problem["code"]) == (401, "no-key")
    assert "Authorization: Bearer tk_" in problem["detail"]
    _, _, headers = await api.ask("GET", "/v1/calls", key="")
    assert headers["WWW-Authenticate"] == 'Bearer realm="tandem"'
    assert headers["Content-Security-Policy"]


async def test_without_any_key_in_the_configuration(tmp_path):
    async with counter(tmp_path, keys=()) as api:
        problem = await api.bad("GET", "/v1/calls", key="")
        assert "has no API keys yet" in problem["detail"]
        assert "tandem api-key new" in problem["detail"]


@pytest.mark.parametrize("shown", ["Basic dGs6", "Bearer", "Bearer ", "tk_full"])
async def test_what_is_no_bearer(api, shown):
    status, problem, _ = await api.ask("GET", "/v1/calls", key="", Authorization=shown)
    assert (status, problem["code"]) == (401, "no-key")


async def test_a_key_does_what_its_scopes_say(api):
    assert (await api.ask("GET", "/v1/calls", key=READER))[0] == 200
    problem = await api.bad("POST", "/v1/calls", {"to": "user:bob"}, key=READER)
    assert (problem["status"], problem["code"]) == (403, "wrong-scope")
    assert 'The key "reader" lacks the scope calls:write' in problem["detail"]
    _, _, headers = await api.ask("POST", "/v1/calls", {"to": "user:bob"}, key=READER)
    assert 'error="insufficient_scope", scope="calls:write"' in headers["WWW-Authenticate"]
    assert not api.office.rung()


async def test_a_key_is_used_from_where_it_may(api):
    problem = await api.bad("GET", "/v1/calls", key=ELSEWHERE)
    assert (problem["status"], problem["code"]) == (403, "wrong-address")
    assert "127.0.0.1" in problem["detail"]


async def test_wrong_keys_are_slowed_down_and_right_ones_are_not(api):
    statuses = [(await api.ask("GET", "/v1/calls", key=NOBODY))[0] for _ in range(8)]
    assert statuses == [401] * 6 + [429] * 2
    _, problem, headers = await api.ask("GET", "/v1/calls", key=NOBODY)
    assert problem["code"] == "too-many-wrong-keys"
    assert headers["Retry-After"] == "2"
    assert (await api.ask("GET", "/v1/calls", key=FULL))[0] == 200
    api.office.now += 2
    assert (await api.ask("GET", "/v1/calls", key=NOBODY))[0] == 401


async def test_each_key_has_its_allowance(api):
    statuses = [(await api.ask("GET", "/v1/calls", key=SLOW))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]
    _, problem, headers = await api.ask("GET", "/v1/calls", key=SLOW)
    assert problem["code"] == "too-many"
    assert headers["Retry-After"] == "1"
    assert (await api.ask("GET", "/v1/calls", key=READER))[0] == 200
    api.office.now += 1
    assert (await api.ask("GET", "/v1/calls", key=SLOW))[0] == 200


async def test_a_persons_token_opens_a_persons_own(api):
    token = (await api.good("POST", "/v1/tokens", {"user": "101"}))["token"]
    status, found, _ = await api.ask("GET", "/v1/me/contacts", key=token)
    assert status == 200
    assert found["contacts"][0]["user"] == "alice"
    problem = await api.bad("GET", "/v1/calls", key=token)
    assert (problem["status"], problem["code"]) == (403, "wrong-scope")
    problem = await api.bad("GET", "/v1/me/contacts")
    assert "browser token" in problem["detail"]


async def test_a_token_that_is_forged_or_old(api):
    token = (await api.good("POST", "/v1/tokens", {"user": "alice"}))["token"]
    head, claims, signature = token.split(".")
    assert (await api.bad("GET", "/v1/me/contacts", key=f"{head}.{claims}.{signature[::-1]}"))["code"] == "bad-token"
    api.office.now += 1_000
    problem = await api.bad("GET", "/v1/me/contacts", key=token)
    assert (problem["status"], problem["code"]) == (401, "bad-token")
    assert "expired" in problem["detail"]


async def test_persons_are_forgotten_before_they_become_many(api, monkeypatch):
    monkeypatch.setattr("gateway.api.rest.access.MOST_PERSONS", 2)
    access: Access = api.rest.access
    for user in ("alice", "bob", "carol"):
        token = (await api.good("POST", "/v1/tokens", {"user": user}))["token"]
        assert (await api.ask("GET", "/v1/me/contacts", key=token))[0] == 200
    assert [*access._allowances] == ["full", "user:carol"]


def test_the_scope_of_people_is_no_keys_scope():
    from gateway.api.rest.keys import SCOPES

    assert MINE not in SCOPES
