import pytest

from gateway.api.login import read
from tests.gateway.api.kit import running


async def test_a_token_for_the_right_password():
    async with running() as run:
        status, body = await run.login()
        assert (status, body["user"], body["extension"], body["expires_in"]) == (200, "alice", "101", 300.0)
        assert body["token"].count(".") == 2


async def test_wrong_passwords_and_wrong_names_sound_the_same_and_slow_down():
    async with running() as run:
        replies = [await run.login("alice", "nope"), await run.login("nobody", "nope")]
        assert [status for status, _ in replies] == [401, 401]
        assert replies[0][1] == replies[1][1]
        assert "wrong" in replies[0][1]["words"]
        for _ in range(5):
            await run.login("alice", "nope")
        async with run.http.post(f"{run.url}/v1/login", json={"user": "alice", "password": "wonder"}) as response:
            assert response.status == 429
            assert 1 <= int(response.headers["Retry-After"]) <= 4
            assert "Wait" in (await response.json())["words"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"user":"a"}', b'{"user":1,"password":"x"}', b'{"user":"","password":"x"}',
     b'{"user":"a","password":"x","more":1}', b'{"user":"\\ud800","password":"x"}', b"[" * 4000, b"\xff\xfe",
     b'{"user":"' + b"a" * 5000 + b'","password":"x"}', b'{"user":"a","password":"' + b"x" * 600 + b'"}'],
    ids=range(13),
)  # fmt: skip
async def test_any_other_body_is_refused_in_words(body):
    with pytest.raises(ValueError, match=r"\w"):
        read(body)
    async with running() as run:
        headers = {"Content-Type": "application/json"}
        async with run.http.post(f"{run.url}/v1/login", data=body, headers=headers) as response:
            assert response.status == 400
            assert (await response.json())["code"] == "bad-request"


async def test_a_form_of_another_site_is_refused():
    async with running() as run:
        form = {"user": "alice", "password": "wonder"}
        async with run.http.post(f"{run.url}/v1/login", data=form) as response:
            assert response.status == 415
