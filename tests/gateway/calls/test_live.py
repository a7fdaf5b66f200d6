"""What programs and people do with a live call."""

import pytest

from gateway.calls import commands as cmd
from gateway.calls import effects as fx
from gateway.calls import events as ev
from gateway.calls.errand import _ACTIONS, ERRAND
from gateway.calls.errand import Do as ErrandDo
from gateway.calls.errand import On as ErrandOn
from gateway.calls.errand import State as ErrandState
from gateway.calls.errors import BadTarget, CommandRefused, NoSuchCall, NoSuchLeg, NotNow
from gateway.calls.ports import Contact
from tests.gateway.calls.office import Office
from tests.gateway.calls.world import ALICE_PAGE, BOB_PAGE, CAROL_PHONE, route

CAROL_PAGE = Contact("browser", "s-carol", "carol")
DAVE_PHONE = Contact("sip", "sip:dave@192.0.2.9", "dave")
PEOPLE = (ALICE_PAGE, BOB_PAGE, CAROL_PHONE, DAVE_PHONE)
A, B, C = "c1-a", "c1-b1", "c1-b2"


def office(**more) -> Office:
    """Alice talks with bob (c1); carol and dave have phones."""
    made = Office(contacts=PEOPLE, **more)
    made.talk("102")
    return made


# ---- people are called in


def test_a_third_party_hears_and_is_heard_by_both():
    o = office().order("c1", cmd.Add("103"))
    assert o.took(fx.Ring)[-1].caller.user == "alice"
    o.answer(C)
    assert o.graph("c1") == {A: (B, C), B: (A, C), C: (A, B)}
    assert (o.heard(ev.LegAnswered)[0].leg, o.heard(ev.LegAnswered)[0].role) == (C, "member")
    peers = [e for e in o.took(fx.ShowPeers) if e.leg == A]
    assert [p.leg for p in peers[-1].peers] == [B, C]
    o.tell(ev.HungUp(B))
    assert o.graph("c1") == {A: (C,), C: (A,)}
    assert o.call("c1").ending is None
    o.tell(ev.HungUp(A))
    assert o.balanced()


def test_the_caller_leaves_and_two_others_talk_on():
    o = office().order("c1", cmd.Add("103")).answer(C).tell(ev.HungUp(A))
    assert o.graph("c1") == {B: (C,), C: (B,)}
    assert o.heard(ev.LegLeft)[-1].leg == A
    o.order("c1", cmd.Remove(C))
    assert o.balanced()


def test_nobody_comes():
    o = office().order("c1", cmd.Add("103", timeout=10)).tell(ev.Ringing(C)).later(11)
    (failed,) = o.heard(ev.InvitationFailed)
    assert (failed.to, failed.ending.cause) == ("103", "no-answer")
    assert o.graph("c1") == {A: (B,), B: (A,)}
    o.order("c1", cmd.Add("999"))
    assert o.heard(ev.InvitationFailed)[-1].ending.cause == "unknown-number"
    o.order("c1", cmd.Add("103")).tell(ev.Rejected("c1-b3", "busy"))
    assert o.heard(ev.InvitationFailed)[-1].ending.cause == "busy"
    o.tell(ev.HungUp(B))
    assert o.balanced()


def test_the_call_ends_while_somebody_is_being_called_in():
    o = office().order("c1", cmd.Add("103")).tell(ev.Ringing(C), ev.HungUp(A))
    assert o.call("c1").ending is None, "carol may still come"
    o.tell(ev.HungUp(B))
    assert o.balanced()


def test_one_who_waits_for_a_third_hears_it_ring():
    o = office().order("c1", cmd.Add("103")).tell(ev.Ringing(C), ev.HungUp(A))
    assert o.source(o.graph("c1")[B][0]) == "tone:ringback"
    o.answer(C)
    assert o.graph("c1") == {B: (C,), C: (B,)}


def test_a_failed_media_agreement_tries_the_next_device():
    o = office().order("c1", cmd.Add("103")).tell(ev.Ringing(C))
    o.call("c1").receive(ev.Answered(C), o.now)
    o.call("c1").receive(ev.Failed(C, "bad-sdp"), o.now)
    o.pump()
    assert o.heard(ev.InvitationFailed)[0].ending.cause == "bad-sdp"
    o.order("c1", cmd.HangUp())
    assert o.balanced()


# ---- supervisors


def test_a_supervisor_listens_whispers_and_barges_in():
    o = office().order("c1", cmd.Add("103", role="listen")).answer(C)
    assert o.graph("c1") == {A: (B,), B: (A,), C: (A, B)}
    assert not [e for e in o.took(fx.ShowPeers) if e.leg in (A, B)], "nobody sees them"
    o.order("c1", cmd.SetRole(C, "whisper", A))
    assert o.graph("c1") == {A: (B, C), B: (A,), C: (A, B)}
    o.order("c1", cmd.SetRole(C, "barge"))
    assert o.graph("c1") == {A: (B, C), B: (A, C), C: (A, B)}
    assert [e.role for e in o.heard(ev.RoleChanged)] == ["whisper", "barge"]
    o.order("c1", cmd.SetRole(C, "listen")).tell(ev.HungUp(A))
    assert o.balanced(), "two are no longer there to be listened to"


def test_who_was_whispered_to_leaves():
    o = office().order("c1", cmd.Add("104")).answer(C)
    o.order("c1", cmd.Add("103", role="whisper", whisper_to=C)).answer("c1-b3")
    assert "c1-b3" in o.graph("c1")[C]
    o.tell(ev.HungUp(C))
    assert o.graph("c1") == {A: (B,), B: (A,), "c1-b3": (A, B)}


def test_only_supervisors_change_their_role():
    o = office()
    with pytest.raises(NotNow, match="no supervisor"):
        o.order("c1", cmd.SetRole(A, "listen"))
    with pytest.raises(BadTarget, match="choose from"):
        o.order("c1", cmd.Add("103", role="king"))
    with pytest.raises(NoSuchLeg):
        o.order("c1", cmd.Add("103", role="whisper", whisper_to="c1-b9"))


# ---- transfer


def test_a_blind_transfer_replaces_who_transfers():
    o = office().order("c1", cmd.Transfer(A, "103"))
    assert o.took(fx.Ring)[-1].caller.user == "bob", "carol is told who she will talk with"
    assert o.source(o.graph("c1")[B][0]) == "tone:ringback"
    assert A not in o.graph("c1")
    o.answer(C)
    assert o.graph("c1") == {B: (C,), C: (B,)}
    assert [e.state for e in o.took(fx.ShowTransfer)] == ["started", "done"]
    assert [e.ending.cause for e in o.took(fx.HangUp) if e.leg == A] == ["transferred"]
    assert (o.heard(ev.TransferDone)[0].leg, o.heard(ev.TransferDone)[0].by) == (A, C)
    o.tell(ev.HungUp(B))
    assert o.balanced()


def test_a_transfer_that_fails_changes_nothing():
    o = office().order("c1", cmd.Transfer(B, "103")).tell(ev.Ringing(C), ev.Rejected(C, "declined"))
    assert o.graph("c1") == {A: (B,), B: (A,)}
    assert [e.state for e in o.took(fx.ShowTransfer)] == ["started", "failed"]
    assert o.heard(ev.TransferFailed)[0].ending.cause == "declined"
    o.order("c1", cmd.Transfer(B, "999"))
    assert o.heard(ev.TransferFailed)[1].ending.cause == "unknown-number"
    assert o.graph("c1") == {A: (B,), B: (A,)}


def test_who_transfers_leaves_before_it_is_done():
    o = office().order("c1", cmd.Transfer(A, "103")).tell(ev.Ringing(C), ev.HungUp(A))
    assert o.call("c1").ending is None
    o.tell(ev.Answered(C))
    assert o.graph("c1") == {B: (C,), C: (B,)}
    o.tell(ev.HungUp(C))
    assert o.balanced()


def test_who_transfers_left_and_nobody_answers():
    o = office().order("c1", cmd.Transfer(A, "103", 10)).tell(ev.Ringing(C), ev.HungUp(A)).later(11)
    assert o.heard(ev.CallEnded)[0].ending.cause == "no-answer"
    assert o.balanced()


def test_a_transfer_to_an_application():
    o = office(routes=[route("600", "app:echo")]).order("c1", cmd.Transfer(B, "600"))
    assert o.graph("c1") == {A: (A,)}
    o.tell(ev.HungUp(A))
    assert o.balanced()


def test_a_phone_transfers_by_refer():
    o = office().tell(ev.Referred(B, "103"))
    o.answer(C)
    assert o.graph("c1") == {A: (C,), C: (A,)}
    o.tell(ev.Referred(C, "c2"))
    assert o.took(fx.ShowTransfer)[-1].state == "failed"


def test_a_phone_joins_its_two_calls_by_refer():
    o = office()
    o.dial("103", user="bob", address="s-bob")
    o.answer("c2-b1")
    o.tell(ev.Referred(B, "103", replaces="c2-a"))
    assert o.graph("c1") == {A: ("c2-b1",), "c2-b1": (A,)}
    assert {e.leg for e in o.took(fx.HangUp)} == {B, "c2-a"}
    assert o.heard(ev.CallMerged)[0].into == "c1"
    o.tell(ev.HungUp("c2-b1"))
    assert o.balanced()


# ---- merging and splitting


def test_two_calls_become_one_and_two_again():
    o = office()
    o.dial("104", user="carol", kind="sip", address="sip:carol@192.0.2.8")
    o.answer("c2-b1").merge("c1", "c2")
    legs = {A, B, "c2-a", "c2-b1"}
    assert {k: set(v) for k, v in o.graph("c1").items()} == {leg: legs - {leg} for leg in legs}
    assert [e.ending.cause for e in o.heard(ev.CallEnded)] == ["merged"]
    assert not [e for e in o.took(fx.Release) if e.leg in legs]
    o.tell(ev.DigitHeard("c2-a", "5"))
    assert o.heard(ev.CallDigit)[-1].call == "c1", "the leg is known where it is now"
    o.table.split(cmd.Split("c1", "c2-a", "c9"), o.now)
    o.pump()
    assert "c2-a" not in o.graph("c1")
    assert o.call("c9").parties.keys() == {"c2-a"}
    o.tell(ev.HungUp("c2-a"))
    assert o.table.get("c9") is None
    o.order("c1", cmd.HangUp())
    assert o.balanced()


def test_what_cannot_be_merged():
    o = office()
    with pytest.raises(NotNow, match="itself"):
        o.merge("c1", "c1")
    with pytest.raises(NoSuchCall):
        o.merge("c1", "c7")
    o.dial("103", user="bob", address="s-bob")
    with pytest.raises(NotNow, match="not connected"):
        o.merge("c1", "c2")
    o.answer("c2-b1")
    with pytest.raises(NotNow, match="Fewer"):
        o.merge("c1", "c2", A, B, "c2-a")


def test_after_a_split_whoever_is_left_waits():
    o = office()
    o.table.split(cmd.Split("c1", B, "c9"), o.now)
    o.pump()
    o.later(1)
    assert o.call("c1").ending is None
    assert o.call("c9").ending is None
    o.merge("c1", "c9")
    assert o.graph("c1") == {A: (B,), B: (A,)}


def test_a_conference_by_its_name():
    o = Office(contacts=PEOPLE, routes=[route("800", "app:conference:team")])
    o.dial("800", user="alice")
    assert o.source(o.graph("c1")["c1-a"][0]) == "music", "the first waits with music"
    o.dial("800", user="carol", kind="sip", address="sip:carol@192.0.2.8")
    assert o.graph("c1") == {"c1-a": ("c2-a",), "c2-a": ("c1-a",)}
    o.dial("800", user="bob")
    assert set(o.graph("c1")) == {"c1-a", "c2-a", "c3-a"}
    o.tell(ev.HungUp("c1-a"), ev.HungUp("c2-a"))
    assert o.source(o.graph("c1")["c3-a"][0]) == "music"
    o.dial("800", user="dave", kind="sip", address="x")
    assert set(o.graph("c1")) == {"c3-a", "c4-a"}
    o.tell(ev.HungUp("c3-a"), ev.HungUp("c4-a"))
    assert o.balanced()
    o.dial("800", user="alice")
    assert o.call("c5").ending is None, "a new room by the old name"


# ---- prompts


def test_prompts_for_the_same_ears_wait_for_each_other():
    o = office().order("c1", cmd.Play("p1", ("say:1",)), cmd.Play("p2", ("say:2",)), cmd.Play("p3", ("say:3",), A))
    one, three = o.played()
    assert [e.id for e in o.heard(ev.PlayStarted)] == ["p1", "p3"]
    assert o.graph("c1") == {A: (three.leg,), B: (one.leg,)}
    o.tell(ev.Finished(one.leg))
    assert o.source(o.graph("c1")[B][0]) == "say:2"
    o.order("c1", cmd.StopPlaying())
    assert o.graph("c1") == {A: (B,), B: (A,)}
    assert [(e.id, e.why) for e in o.heard(ev.PlayEnded)] == [("p1", "done"), ("p2", "stopped"), ("p3", "stopped")]


def test_a_prompt_beside_the_conversation_and_one_that_a_key_ends():
    o = office().order("c1", cmd.Play("p", ("music",), A, mix=True, interrupt=True))
    (player,) = o.played()
    assert o.graph("c1") == {A: (B, player.leg), B: (A,)}
    o.tell(ev.DigitHeard(B, "1"))
    assert o.heard(ev.PlayEnded) == []
    o.tell(ev.DigitHeard(A, "1"))
    assert o.heard(ev.PlayEnded)[0].why == "key"
    assert o.graph("c1") == {A: (B,), B: (A,)}


def test_prompts_end_with_the_call():
    o = office().order("c1", cmd.Play("p", ("music",), loop=True), cmd.HangUp())
    assert o.heard(ev.PlayEnded)[0].why == "ended"
    assert o.balanced()


# ---- collecting


def test_keys_are_collected_after_a_prompt():
    o = office().order("c1", cmd.Collect("pin", A, most=4, prompt=("say:press-a-key",)))
    o.tell(ev.DigitHeard(A, "1"), ev.DigitHeard(B, "9"), ev.DigitHeard(A, "2"), ev.DigitHeard(A, "#"))
    (got,) = o.heard(ev.DigitsCollected)
    assert (got.id, got.leg, got.digits, got.why) == ("pin", A, "12", "terminator")
    assert o.heard(ev.PlayEnded)[0].why == "key"


def test_enough_keys_too_long_a_pause_and_none_at_all():
    o = office().order("c1", cmd.Collect("a", A, most=2)).tell(ev.DigitHeard(A, "1"), ev.DigitHeard(A, "2"))
    o.order("c1", cmd.Collect("b", A)).tell(ev.DigitHeard(A, "7")).later(6)
    o.order("c1", cmd.Collect("c", A)).later(11)
    o.order("c1", cmd.Collect("d", A), cmd.StopCollecting("d"))
    o.order("c1", cmd.Collect("e", A)).tell(ev.HungUp(A))
    got = [(e.id, e.digits, e.why) for e in o.heard(ev.DigitsCollected)]
    assert got == [
        ("a", "12", "complete"), ("b", "7", "timeout"), ("c", "", "timeout"), ("d", "", "stopped"), ("e", "", "left"),
    ]  # fmt: skip


def test_the_first_key_is_waited_for_from_the_end_of_the_prompt():
    o = office().order("c1", cmd.Collect("a", A, prompt=("say:press-a-key",), first_timeout=5)).later(20)
    assert o.heard(ev.DigitsCollected) == []
    o.tell(ev.Finished(o.played()[0].leg)).later(6)
    assert o.heard(ev.DigitsCollected)[0].why == "timeout"


# ---- recording


def test_recording_on_two_channels_paused_and_ended():
    o = office().order("c1", cmd.Record("r"))
    (recorder,) = o.took(fx.Record)
    assert recorder.channels == 2
    assert o.graph("c1") == {A: (B,), B: (A,), f"{recorder.leg}/0": (A,), f"{recorder.leg}/1": (B,)}
    o.order("c1", cmd.PauseRecording("r", True))
    assert f"{recorder.leg}/0" not in o.graph("c1")
    o.order("c1", cmd.PauseRecording("r", False)).later(30).order("c1", cmd.StopRecording("r"))
    (ended,) = o.heard(ev.RecordingEnded)
    assert (ended.name, ended.seconds, ended.why) == ("c1-1", 30.0, "stopped")


def test_recording_all_in_one_with_a_beep_and_a_third_party():
    o = office().order("c1", cmd.Record("r", channels=1, beep=True), cmd.Add("103")).answer(C)
    (recorder,) = o.took(fx.Record)
    (beep,) = (e.leg for e in o.played())
    assert set(o.graph("c1")[f"{recorder.leg}/0"]) == {A, B, C, beep}
    assert beep in o.graph("c1")[A]
    assert beep in o.graph("c1")[B]
    o.tell(ev.Finished(recorder.leg))
    assert o.heard(ev.RecordingEnded)[0].why == "failed"
    o.order("c1", cmd.HangUp())
    assert o.balanced()


# ---- refusals


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (cmd.Dial("c1-b9", "1"), NoSuchLeg),
        (cmd.Dial(A, "x"), BadTarget),
        (cmd.StopPlaying("p"), NoSuchLeg),
        (cmd.StopRecording("r"), NoSuchLeg),
        (cmd.PauseRecording("r", True), NoSuchLeg),
        (cmd.StopCollecting("c"), NoSuchLeg),
        (cmd.Remove("c1-b9"), NoSuchLeg),
        (cmd.Transfer(A, "bad:x"), BadTarget),
        (cmd.Hold("c1-b9", True), NoSuchLeg),
        (cmd.Play("p", ("x",), "c1-b9"), NoSuchLeg),
        (cmd.Annotate({str(i): "x" for i in range(65)}), BadTarget),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, cmd.Command) else "",
)
def test_orders_that_make_no_sense_are_refused_in_words(command, error):
    o = office()
    before = len(o.done)
    with pytest.raises(error) as refused:
        o.order("c1", command)
    assert refused.value.words.endswith((".", "?"))
    assert len(o.done) == before


def test_nothing_but_hanging_up_before_the_answer():
    o = Office(contacts=PEOPLE)
    o.dial("102")
    for command in (cmd.Play("p", ("music",)), cmd.Record("r"), cmd.Add("103"), cmd.Collect("c", "c1-a")):
        with pytest.raises(CommandRefused, match="not connected"):
            o.order("c1", command)
    o.order("c1", cmd.HangUp())
    assert o.balanced()


def test_metadata_is_merged_and_taken_away():
    o = office().order("c1", cmd.Annotate({"a": "1", "b": "2"}), cmd.Annotate({"a": "", "c": "3"}))
    assert o.heard(ev.CallAnnotated)[-1].metadata == {"b": "2", "c": "3"}
    view = o.call("c1").view()
    assert (view.state, view.metadata, [p.leg for p in view.parties]) == ("connected", {"b": "2", "c": "3"}, [A, B])


def test_a_silent_member_is_let_go_and_the_others_talk_on():
    o = office().order("c1", cmd.Add("103")).answer(C).tell(ev.Stalled(C, 5.0)).later(26)
    assert o.graph("c1") == {A: (B,), B: (A,)}
    assert o.heard(ev.LegLeft)[-1].ending.cause == "media-timeout"


# ---- the errand's table


def test_the_errands_table_is_whole():
    assert set(ERRAND) == set(ErrandState)
    assert {on for row in ERRAND.values() for on in row} == set(ErrandOn)
    assert {do for row in ERRAND.values() for _, dos in row.values() for do in dos} == set(ErrandDo) == set(_ACTIONS)
    for state in set(ErrandState) - {ErrandState.OVER}:
        assert ERRAND[state][ErrandOn.END][0] is ErrandState.OVER
