"""Parties and their sound by HTTP, over the real call core."""

import pytest

from gateway.calls import commands as cmd
from gateway.calls import effects as fx
from gateway.calls import events as ev


async def test_a_third_party_makes_a_conference(api):
    call = api.office.talk()
    status, _, _ = await api.ask("POST", f"/v1/calls/{call}/legs", {"to": "user:carol", "timeout": 10})
    assert status == 202
    api.office.answer(api.office.rung()[-1])
    assert len((await api.good("GET", f"/v1/calls/{call}"))["legs"]) == 3


async def test_a_supervisor_whispers_and_barges_in(api):
    call = api.office.talk()
    bob = f"{call}-b1"
    await api.good("POST", f"/v1/calls/{call}/legs", {"to": "user:carol", "role": "whisper", "whisper_to": bob})
    carol = api.office.rung()[-1]
    api.office.answer(carol)
    shown = {leg["id"]: leg for leg in (await api.good("GET", f"/v1/calls/{call}"))["legs"]}
    assert (shown[carol]["role"], shown[carol]["whisper_to"]) == ("whisper", bob)
    leg = await api.good("PATCH", f"/v1/calls/{call}/legs/{carol}", {"role": "barge"})
    assert (leg["role"], leg["whisper_to"]) == ("barge", None)
    leg = await api.good("PATCH", f"/v1/calls/{call}/legs/{carol}", {"role": "whisper", "whisper_to": f"{call}-a"})
    assert (leg["role"], leg["whisper_to"]) == ("whisper", f"{call}-a")
    problem = await api.bad("PATCH", f"/v1/calls/{call}/legs/{bob}", {"role": "listen"})
    assert problem["code"] == "not-now"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"to": "user:carol", "role": "whisper"}, "say who hears the whisper"),
        ({"to": "user:carol", "role": "listen", "whisper_to": "x"}, 'belongs to the role "whisper" only'),
        ({"to": "user:carol", "whisper_to": "x"}, 'belongs to the role "whisper" only'),
    ],
)
async def test_a_whisper_has_somebody_to_hear_it(api, body, words):
    call = api.office.talk()
    problem = await api.bad("POST", f"/v1/calls/{call}/legs", body)
    assert problem["errors"] == [{"in": "body", "field": "whisper_to", "detail": words}]


async def test_hold_and_mute(api):
    call = api.office.talk()
    leg = await api.good("PATCH", f"/v1/calls/{call}/legs/{call}-a", {"hold": True, "mute": True})
    assert (leg["hold"], leg["mute"]) == (True, True)
    leg = await api.good("PATCH", f"/v1/calls/{call}/legs/{call}-a", {"hold": False})
    assert (leg["hold"], leg["mute"]) == (False, True)


async def test_changing_nothing_is_a_mistake(api):
    call = api.office.talk()
    problem = await api.bad("PATCH", f"/v1/calls/{call}/legs/{call}-a", {})
    assert "name something to change" in problem["detail"]


async def test_a_party_that_is_not_there(api):
    call = api.office.talk()
    problem = await api.bad("PATCH", f"/v1/calls/{call}/legs/x", {"mute": True})
    assert problem["code"] == "no-such-leg"
    assert f"{call}-a, {call}-b1" in problem["detail"]


async def test_a_party_leaves_a_conference(api):
    call = api.office.talk()
    await api.good("POST", f"/v1/calls/{call}/legs", {"to": "user:carol"})
    api.office.answer(api.office.rung()[-1])
    status, _, _ = await api.ask("DELETE", f"/v1/calls/{call}/legs/{call}-b1?reason=busy")
    assert status == 204
    assert len((await api.good("GET", f"/v1/calls/{call}"))["legs"]) == 2


async def test_keys_are_pressed_towards_a_party(api):
    call = api.office.talk()
    assert (await api.ask("POST", f"/v1/calls/{call}/dtmf", {"leg": f"{call}-b1", "digits": "12#"}))[0] == 204
    assert [(e.leg, e.digits) for e in api.office.took(fx.SendDigits)] == [(f"{call}-b1", "12#")]
    assert (await api.bad("POST", f"/v1/calls/{call}/dtmf", {"leg": f"{call}-b1", "digits": "1x"}))["status"] == 422


async def test_keys_are_collected(api):
    call = api.office.talk()
    body = {"leg": f"{call}-a", "max": 3, "prompt": ["say:press-a-key"]}
    id_ = (await api.good("POST", f"/v1/calls/{call}/collect", body))["id"]
    assert (await api.good("GET", f"/v1/calls/{call}"))["collects"] == [id_]
    for key in "12#":
        api.office.tell(ev.DigitHeard(f"{call}-a", key))
    (collected,) = api.office.heard(ev.DigitsCollected)
    assert (collected.id, collected.digits, collected.why) == (id_, "12", "terminator")
    problem = await api.bad("DELETE", f"/v1/calls/{call}/collect/{id_}")
    assert problem["code"] == "no-such-collect"


async def test_collecting_is_stopped(api):
    call = api.office.talk()
    id_ = (await api.good("POST", f"/v1/calls/{call}/collect", {"leg": f"{call}-a"}))["id"]
    assert (await api.ask("DELETE", f"/v1/calls/{call}/collect/{id_}"))[0] == 204
    assert [e.why for e in api.office.heard(ev.DigitsCollected)] == ["stopped"]
    assert (await api.bad("POST", f"/v1/calls/{call}/collect", {"leg": f"{call}-a", "min": 5, "max": 2}))["errors"]


async def test_play_queue_stop(api):
    call = api.office.talk()
    body = {"sources": ["tone:busy@3", "silence:0.5"], "to": f"{call}-a", "interrupt_on_dtmf": True}
    first = (await api.good("POST", f"/v1/calls/{call}/play", body))["id"]
    second = (await api.good("POST", f"/v1/calls/{call}/play", body | {"sources": ["music"]}))["id"]
    assert (await api.good("GET", f"/v1/calls/{call}"))["plays"] == [first, second]
    assert (await api.ask("DELETE", f"/v1/calls/{call}/play/{first}"))[0] == 204
    assert (await api.bad("DELETE", f"/v1/calls/{call}/play/{first}"))["code"] == "no-such-play"
    assert [p.source for p in api.office.played()] == ["tone:busy@3+silence:0.5", "music"]
    assert (await api.ask("DELETE", f"/v1/calls/{call}/play"))[0] == 204
    assert (await api.good("GET", f"/v1/calls/{call}"))["plays"] == []
    assert isinstance(api.desk.commands[-1], cmd.StopPlaying)


async def test_record_pause_resume_stop(api):
    call = api.office.talk()
    id_ = (await api.good("POST", f"/v1/calls/{call}/recordings", {"channels": 1, "beep": True}))["id"]
    path = f"/v1/calls/{call}/recordings/{id_}"
    assert (await api.good("GET", f"/v1/calls/{call}"))["recordings"] == [id_]
    assert (await api.ask("PATCH", path, {"paused": True}))[0] == 204
    assert (await api.ask("PATCH", path, {"paused": False}))[0] == 204
    assert [e.on for e in api.office.heard(ev.RecordingPaused)] == [True, False]
    assert (await api.ask("DELETE", path))[0] == 204
    assert (await api.bad("DELETE", path))["code"] == "no-such-recording"
    assert (await api.bad("POST", f"/v1/calls/{call}/recordings", {"channels": 3}))["status"] == 422
