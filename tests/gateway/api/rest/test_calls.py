"""Calls by HTTP, over the real call core."""

import pytest

from gateway.calls import commands as cmd
from gateway.calls import effects as fx


async def test_click_to_call_rings_the_first_then_the_second(api):
    status, call, headers = await api.ask(
        "POST", "/v1/calls", {"from": "user:carol", "to": "user:bob", "caller_id": {"number": "555"}, "timeout": 20}
    )
    assert status == 201
    assert headers["Location"] == f"/v1/calls/{call['id']}"
    assert (call["kind"], call["state"]) == ("api", "trying")
    (carol,) = api.office.rung()
    assert api.office.took(fx.Ring)[0].caller.number == "user:bob"
    api.office.answer(carol)
    api.office.answer(api.office.rung()[1])
    shown = await api.good("GET", headers["Location"])
    assert shown["state"] == "connected"
    assert {leg["who"]["user"] for leg in shown["legs"]} == {"carol", "bob"}
    assert shown["started_at"] == "2027-01-15T08:01:40Z"
    assert api.office.took(fx.Ring)[1].caller.number == "555"


async def test_a_call_without_from_plays_and_waits(api):
    call = await api.good("POST", "/v1/calls", {"to": "user:carol", "on_answer": {"play": ["tone:beep", "music"]}})
    api.office.answer(api.office.rung()[0])
    shown = await api.good("GET", f"/v1/calls/{call['id']}")
    assert shown["state"] == "connected"
    assert [p.source for p in api.office.played()] == ["tone:beep+music"]
    assert shown["plays"] == ["play"]


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "to", "is missing: add it"),
        ({"to": "user:bob", "timout": 1}, "timout", 'is unknown: did you mean "timeout"?'),
        ({"to": 5}, "to", "expected a valid string"),
        ({"to": "fax:1"}, "to", '"fax:1" is no target'),
        ({"to": "app:ecko"}, "to", 'there is no app "ecko"'),
        ({"to": "a b"}, "to", "is no target: write user:NAME"),
        ({"to": "user:bob", "on_answer": "bridge"}, "on_answer", "who is to be rung first?"),
        ({"to": "user:bob", "from": "101", "on_answer": "park"}, "on_answer", "leave out one of the two"),
        ({"to": "user:bob", "on_answer": {"play": []}}, "on_answer.play", "at least 1 item"),
        ({"to": "user:bob", "on_answer": {"plya": ["music"]}}, "on_answer.play", "is missing"),
        ({"to": "user:bob", "on_answer": {"play": ["tone:bizy"]}}, "on_answer.play.0", "cannot play tone:bizy"),
        ({"to": "user:bob", "on_answer": "pork"}, "on_answer", "expected 'bridge' or 'park'"),
        ({"to": "user:bob", "headers": {"Via": "x"}}, "headers", '"Via" is not yours to set'),
        ({"to": "user:bob", "headers": {"X-A": "a\r\nVia: x"}}, "headers.X-A", "one line"),
        ({"to": "user:bob", "metadata": {"a b": "c"}}, "metadata", '"a b" is no key'),
        ({"to": "user:bob", "metadata": {"a": 1}}, "metadata.a", "expected a valid string"),
        ({"to": "user:bob", "timeout": 0}, "timeout", "expected greater than or equal to 1"),
        ({"to": "user:bob", "record": "yes"}, "record", "expected a valid boolean"),
        ({"to": "user:bob", "caller_id": {"nummer": "1"}}, "caller_id.number", "is missing"),
        ({"to": "user:bob", "caller_id": {"number": "a<b"}}, "caller_id.number", "should match pattern"),
    ],
)
async def test_what_is_not_right_is_named_with_what_to_do(api, body, field, words):
    problem = await api.bad("POST", "/v1/calls", body)
    assert (problem["status"], problem["code"]) == (422, "not-valid")
    assert problem["errors"][0] | {"detail": ""} == {"in": "body", "field": field, "detail": ""}
    assert words in problem["errors"][0]["detail"]
    assert not api.office.rung()


async def test_all_wrong_fields_are_named_at_once(api):
    problem = await api.bad("POST", "/v1/calls", {"on_answer": {"plya": 1}, "recrod": True})
    assert {e["field"] for e in problem["errors"]} == {"to", "on_answer.play", "on_answer.plya", "recrod"}
    words = {e["field"]: e["detail"] for e in problem["errors"]}
    assert words["on_answer.plya"] == 'is unknown: did you mean "play"?'
    assert words["recrod"] == 'is unknown: did you mean "record"?'
    assert "(and 3 more)" in problem["detail"]


async def test_a_target_that_the_desk_refuses(api):
    api.office.table.stopping = True
    problem = await api.bad("POST", "/v1/calls", {"to": "user:bob"})
    assert (problem["status"], problem["code"]) == (503, "not-taken")


async def test_lists_with_filters(api):
    first = api.office.talk()
    api.office.now += 1
    second = (await api.good("POST", "/v1/calls", {"to": "user:carol", "metadata": {"ticket": "7", "crm": "x"}}))["id"]

    async def ids(query: str) -> list[str]:
        return [call["id"] for call in (await api.good("GET", f"/v1/calls{query}"))["calls"]]

    assert await ids("") == [first, second]
    assert await ids("?state=connected") == [first]
    assert await ids("?user=BOB") == [first]
    assert await ids("?user=carol") == [second]
    assert await ids("?number=102") == [first]
    assert await ids("?metadata=ticket") == [second]
    assert await ids("?metadata=ticket%3D7&state=trying") == [second]
    assert await ids("?metadata=ticket%3D8") == []


async def test_pages_neither_skip_nor_repeat_while_calls_come_and_go(api):
    calls = [api.office.talk(user=user, dialled="103") for user in ("alice", "bob", "dave")]
    page = await api.good("GET", "/v1/calls?limit=1")
    assert [call["id"] for call in page["calls"]] == calls[:1]
    api.office.order(calls[0], cmd.HangUp())
    page = await api.good("GET", f"/v1/calls?limit=1&cursor={page['next']}")
    assert [call["id"] for call in page["calls"]] == calls[1:2]
    page = await api.good("GET", f"/v1/calls?limit=1&cursor={page['next']}")
    assert ([call["id"] for call in page["calls"]], page["next"]) == (calls[2:], None)


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=x", "limit", "expected a valid integer"),
        ("state=happy", "state", "expected 'setup'"),
        ("stat=setup", "stat", 'did you mean "state"?'),
        ("cursor=AAAA", "cursor", "is no cursor of this list"),
        ("cursor=WyJjYWxscyIsMSwyXQ", "cursor", "is no cursor of this list"),
        ("cursor=WyJyZWNvcmRzIiwieCJd", "cursor", "is no cursor of this list"),
        ("limit=1&limit=2", "limit", "send it once"),
    ],
)
async def test_what_is_not_right_in_a_query(api, query, field, words):
    problem = await api.bad("GET", f"/v1/calls?{query}")
    assert problem["status"] == 422
    assert (problem["errors"][0]["in"], problem["errors"][0]["field"]) == ("query", field)
    assert words in problem["errors"][0]["detail"]


async def test_a_query_where_none_is_read(api):
    call = api.office.talk()
    problem = await api.bad("GET", f"/v1/calls/{call}?verbose=1")
    assert problem["errors"] == [{"in": "query", "field": "verbose", "detail": "is unknown: there are none"}]


async def test_metadata_is_set_and_taken_away(api):
    call = api.office.talk()
    await api.good("PATCH", f"/v1/calls/{call}", {"metadata": {"a": "1", "b": "2"}})
    shown = await api.good("PATCH", f"/v1/calls/{call}", {"metadata": {"a": "", "c": "3"}})
    assert shown["metadata"] == {"b": "2", "c": "3"}


async def test_hanging_up_with_a_reason(api):
    call = api.office.talk()
    status, body, _ = await api.ask("DELETE", f"/v1/calls/{call}?reason=declined")
    assert (status, body) == (204, None)
    assert (await api.bad("GET", f"/v1/calls/{call}"))["code"] == "no-such-call"
    assert (await api.bad("DELETE", f"/v1/calls/{call}"))["code"] == "no-such-call"


async def test_two_calls_become_one_and_two_again(api):
    first, second = api.office.talk(), api.office.talk(user="dave", dialled="103")
    joined = await api.good("POST", f"/v1/calls/{first}/bridge", {"call": second})
    assert len(joined["legs"]) == 4
    leg = f"{second}-a"
    status, alone, headers = await api.ask("POST", f"/v1/calls/{first}/unbridge", {"leg": leg})
    assert status == 201
    assert headers["Location"] == f"/v1/calls/{alone['id']}"
    assert [party["id"] for party in alone["legs"]] == [leg]
    assert len((await api.good("GET", f"/v1/calls/{first}"))["legs"]) == 3


async def test_a_call_is_not_joined_with_itself_nor_with_one_that_is_over(api):
    call = api.office.talk()
    assert (await api.bad("POST", f"/v1/calls/{call}/bridge", {"call": call}))["status"] == 422
    assert (await api.bad("POST", f"/v1/calls/{call}/bridge", {"call": "c99"}))["code"] == "no-such-call"


async def test_a_blind_transfer(api):
    call = api.office.talk()
    status, _, _ = await api.ask("POST", f"/v1/calls/{call}/transfer", {"leg": f"{call}-a", "to": "user:carol"})
    assert status == 202
    api.office.answer(api.office.rung()[-1])
    assert {leg["who"]["user"] for leg in (await api.good("GET", f"/v1/calls/{call}"))["legs"]} == {"bob", "carol"}


async def test_an_attended_transfer(api):
    first, second = api.office.talk(), api.office.talk("103")
    body = {"leg": f"{first}-a", "call": second, "leg_other": f"{second}-a"}
    await api.good("POST", f"/v1/calls/{first}/transfer", body)
    assert {leg["who"]["user"] for leg in (await api.good("GET", f"/v1/calls/{first}"))["legs"]} == {"bob", "carol"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"leg": "x"}, "to"),
        ({"leg": "x", "call": "y"}, "leg_other"),
        ({"leg": "x", "call": "y", "leg_other": "z", "to": "101"}, "to"),
        ({"leg": "x", "to": "101", "tiemout": 3}, "tiemout"),
    ],
)
async def test_a_transfer_is_the_one_or_the_other(api, body, field):
    call = api.office.talk()
    problem = await api.bad("POST", f"/v1/calls/{call}/transfer", body)
    assert [e["field"] for e in problem["errors"]] == [field]


async def test_what_cannot_be_now(api):
    call = api.office.dial("102")
    leg = f"{call}-a"
    problem = await api.bad("POST", f"/v1/calls/{call}/transfer", {"leg": leg, "to": "user:carol"})
    assert (problem["status"], problem["code"]) == (409, "not-now")


async def test_a_call_that_fails_at_once_is_shown_as_ended(api):
    call = await api.good("POST", "/v1/calls", {"to": "999"})
    assert (call["state"], call["legs"], call["dialled"]) == ("ended", [], "999")
