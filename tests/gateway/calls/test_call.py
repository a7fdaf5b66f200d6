"""One test per thing that happens to calls."""

from dataclasses import replace

import pytest

from gateway.calls import commands as cmd
from gateway.calls import effects as fx
from gateway.calls import events as ev
from gateway.calls.call import Call
from gateway.calls.ports import Contact
from gateway.calls.router import Router
from gateway.calls.settings import CallSettings
from gateway.calls.states import State

from .world import BOB_PAGE, BOB_PHONE, CAROL_PHONE, USERS, Directory, World, route

A, B1, B2 = "c1-a", "c1-b1", "c1-b2"
BOB_ONLY_PHONE = {"contacts": (BOB_PHONE,)}
TALK = {A: (B1,), B1: (A,)}


# ---------------------------------------------------------------- setting up


def test_the_callers_media_is_agreed_before_anybody_is_disturbed():
    world = World(ready=False)
    assert world.state is State.SETUP
    assert not world.took(fx.Ring)
    world.tell(ev.Ready(A))
    assert [r.address for r in world.took(fx.Ring)] == [BOB_PAGE.address, BOB_PHONE.address]


def test_a_caller_without_a_common_codec_is_refused_and_nobody_rings():
    world = World(ready=False).tell(ev.Failed(A, "no-common-codec", "We speak PCMU, it speaks G729."))
    reject = world.last(fx.Reject)
    assert (reject.ending.status, reject.ending.words) == (488, "We speak PCMU, it speaks G729.")
    assert not world.took(fx.Ring)


def test_an_unknown_number_is_refused_in_words():
    world = World("999")
    assert world.last(fx.Reject).ending.status == 404
    assert "999" in world.last(fx.Reject).ending.words
    assert world.state is State.ENDED


def test_a_user_without_a_device_is_not_registered():
    world = World("104")
    assert (world.ended.ending.cause, world.ended.ending.status) == ("not-registered", 480)
    assert world.ended.trail == ("user:dave: not-registered (480)",)


def test_all_devices_of_a_user_ring_at_once_and_the_caller_hears_it():
    world = World().tell(ev.Ringing(B1), ev.Ringing(B2))
    assert [p.stage for p in world.took(fx.Progress)] == ["trying", "early"]
    assert world.graph == {A: ("c1-ringback1",)}
    assert world.last(fx.Play).source == "tone:ringback"


def test_a_phone_that_calls_makes_its_own_ringing_tone():
    world = World(kind="sip").tell(ev.Ringing(B1))
    assert [p.stage for p in world.took(fx.Progress)] == ["trying", "ringing"]
    assert not world.took(fx.Play)


def test_whoever_calls_their_own_number_rings_their_other_devices():
    phone = Contact("sip", "sip:alice@192.0.2.9", "alice")
    world = World("101", contacts=(Contact("browser", "s-alice", "alice"), phone))
    assert [r.address for r in world.took(fx.Ring)] == [phone.address]


def test_a_user_in_too_many_calls_is_busy():
    assert World(room=False).ended.ending.cause == "busy"


# ---------------------------------------------------------------- answering


def test_the_first_answer_wins_and_the_others_are_told_so():
    world = World().answered(B2)
    assert world.state is State.CONNECTED
    assert world.took(fx.Answer) == [fx.Answer(A)]
    cancel = world.last(fx.Cancel)
    assert (cancel.leg, cancel.ending.cause) == (B1, "answered-elsewhere")
    assert "Call completed elsewhere" in cancel.ending.reason
    assert world.graph == {A: (B2,), B2: (A,)}
    assert fx.Release("c1-ringback1") in world.done


def test_two_answers_at_once_leave_one():
    world = World(ready=False).tell(ev.Ready(A), ev.Answered(B1), ev.Answered(B2))
    assert world.last(fx.HangUp).leg == B2
    world.tell(ev.Ready(B1))
    assert world.state is State.CONNECTED
    assert world.graph == TALK


def test_the_caller_is_answered_only_when_the_targets_answer_holds():
    world = World(ready=False).tell(ev.Ready(A), ev.Answered(B1))
    assert not world.took(fx.Answer)
    world.tell(ev.Failed(B1, "no-common-codec"))
    assert world.last(fx.HangUp).leg == B1
    assert world.state is State.ALERTING  # the other phone may still answer
    world.tell(ev.Answered(B2), ev.Ready(B2))
    assert world.took(fx.Answer) == [fx.Answer(A)]


def test_an_answer_whose_media_never_settles_is_given_up():
    world = World(ready=False, **BOB_ONLY_PHONE).tell(ev.Ready(A), ev.Answered(B1)).later(20)
    assert world.ended.ending.cause == "timeout"
    assert world.last(fx.HangUp).leg == B1


# ---------------------------------------------------------------- not answering


def test_nobody_answers():
    world = World(**BOB_ONLY_PHONE).tell(ev.Ringing(B1)).later(30)
    assert (world.ended.ending.cause, world.ended.ending.status) == ("no-answer", 480)
    assert world.last(fx.Cancel).leg == B1


def test_a_phone_that_gives_no_sign_of_life_is_not_said_to_have_rung():
    assert World(**BOB_ONLY_PHONE).later(30).ended.ending.cause == "timeout"


def test_busy_is_passed_on_when_it_was_the_last_device():
    world = World().tell(ev.Rejected(B2, "busy", 486, "Busy Here"))
    assert world.state is State.TRYING
    world.tell(ev.Rejected(B1, "busy", 486))
    assert (world.ended.ending.cause, world.ended.ending.status) == ("busy", 486)


def test_a_persons_no_counts_for_all_their_devices():
    world = World().tell(ev.Ringing(B1), ev.Ringing(B2), ev.Rejected(B1, "declined"))
    assert world.last(fx.Cancel).leg == B2
    assert (world.ended.ending.cause, world.ended.ending.status) == ("declined", 603)


def test_what_a_person_did_tells_more_than_what_a_machine_could_not():
    world = World().tell(ev.Rejected(B1, "unreachable", 503), ev.Rejected(B2, "busy", 486))
    assert world.ended.ending.cause == "busy"


def test_the_caller_gives_up_while_it_rings():
    world = World().tell(ev.Ringing(B1), ev.HungUp(A))
    assert world.ended.ending.cause == "cancelled"
    assert {c.leg for c in world.took(fx.Cancel)} == {B1, B2}
    assert not world.took(fx.Reject)  # it has left; the driver said 487
    assert world.state is State.ENDED


# ---------------------------------------------------------------- hunting


def test_sequential_targets_ring_one_after_the_other():
    world = World("700", routes=[route("700", "user:carol", "user:bob", strategy="sequential", timeout=10)])
    assert [r.address for r in world.took(fx.Ring)] == [CAROL_PHONE.address]
    world.tell(ev.Ringing(B1)).later(10)
    assert world.last(fx.Cancel).leg == B1
    assert [r.address for r in world.took(fx.Ring)][1:] == [BOB_PAGE.address, BOB_PHONE.address]
    world.answered("c1-b3")
    assert world.graph == {A: ("c1-b3",), "c1-b3": (A,)}


def test_sequential_skips_who_is_not_there():
    world = World("700", routes=[route("700", "user:dave", "user:carol", strategy="sequential")])
    assert [r.address for r in world.took(fx.Ring)] == [CAROL_PHONE.address]


@pytest.mark.parametrize(
    ("forward", "happening"),
    [
        ("on_busy", ev.Rejected(B1, "busy", 486)),
        ("on_busy", ev.Rejected(B1, "declined", 603)),
        ("on_unreachable", ev.Rejected(B1, "unreachable", 503)),
    ],
)
def test_forward(forward, happening):
    routes = [route("user:bob", "user:bob", **{forward: "user:carol"})]
    world = World(routes=routes, contacts=(BOB_PHONE, CAROL_PHONE)).tell(happening)
    assert world.last(fx.Ring).address == CAROL_PHONE.address
    assert world.answered(B2).state is State.CONNECTED
    assert [n.because for n in world.news if isinstance(n, ev.CallRouted)] == ["", forward[3:].replace("_", "-")]


def test_forward_on_no_answer_to_a_number_with_a_route_of_its_own():
    routes = [route("user:bob", "user:bob", on_no_answer="602"), route("602", "app:music")]
    world = World(routes=routes, **BOB_ONLY_PHONE).tell(ev.Ringing(B1)).later(30)
    assert world.state is State.CONNECTED
    assert world.last(fx.Play).source == "music"


def test_forward_when_not_registered():
    routes = [route("104", "user:dave", on_unreachable="app:echo")]
    assert World("104", routes=routes).graph == {A: (A,)}


def test_forwards_in_a_circle_are_cut():
    routes = [route("801", "user:dave", on_unreachable="802"), route("802", "user:dave", on_unreachable="801")]
    world = World("801", routes=routes)
    assert (world.ended.ending.cause, world.ended.ending.status) == ("loop", 482)


def test_a_route_may_refuse():
    from gateway.calls.causes import Ending

    world = World(
        "0900", routes=[route("0900.", "app:echo"), route("0900", refusal=Ending("forbidden", 403, "Not here."))]
    )
    assert world.last(fx.Reject).ending == Ending("forbidden", 403, "Not here.")


# ---------------------------------------------------------------- early media


def test_early_media_is_heard_before_the_answer():
    world = World(**BOB_ONLY_PHONE).tell(ev.Ringing(B1), ev.EarlyMedia(B1))
    assert world.state is State.EARLY
    assert world.last(fx.Progress).stage == "early"
    assert world.graph == TALK
    assert fx.Release("c1-ringback1") in world.done
    assert world.tell(ev.Answered(B1)).state is State.CONNECTED


def test_the_first_that_sounds_is_heard_the_first_that_answers_wins():
    world = World().tell(ev.EarlyMedia(B1), ev.EarlyMedia(B2))
    assert world.graph == TALK
    world.tell(ev.Answered(B2))
    assert world.graph == {A: (B2,), B2: (A,)}
    assert world.last(fx.Cancel).leg == B1


def test_after_early_media_that_ends_it_rings_on():
    world = World().tell(ev.Ringing(B2), ev.EarlyMedia(B1), ev.Rejected(B1, "unreachable", 503))
    assert world.state is State.ALERTING
    assert world.graph == {A: ("c1-ringback2",)}


# ---------------------------------------------------------------- in the call


def connected(**more) -> World:
    return World(**(BOB_ONLY_PHONE | more)).answered(B1)


@pytest.mark.parametrize(("leaver", "stays"), [(A, B1), (B1, A)])
def test_either_side_hangs_up(leaver, stays):
    world = connected().later(5).tell(ev.HungUp(leaver))
    assert world.took(fx.HangUp) == [fx.HangUp(stays, world.ended.ending)]
    assert (world.ended.ending.cause, world.ended.by, world.ended.talked) == ("normal", leaver, 5.0)
    assert world.state is State.ENDED


def test_both_hang_up_at_the_same_moment():
    assert connected().tell(ev.HungUp(A), ev.HungUp(B1)).state is State.ENDED


def test_hold_plays_music_to_the_other_side_and_resume_joins_them_again():
    world = connected().ask(cmd.Hold(A, True))
    music = world.last(fx.Play)
    assert (music.source, music.loop) == ("music", True)
    assert world.graph == {B1: (music.leg,)}
    assert world.took(fx.ShowHeld) == [fx.ShowHeld(A, "me", True), fx.ShowHeld(B1, "peer", True)]
    world.ask(cmd.Hold(A, False))
    assert world.graph == TALK
    assert world.last(fx.Release).leg == music.leg


def test_both_hold():
    world = connected().ask(cmd.Hold(A, True), cmd.Hold(B1, True))
    assert world.graph == {}
    world.ask(cmd.Hold(A, False))
    assert world.graph == {A: (world.last(fx.Play).leg,)}
    world.ask(cmd.Hold(B1, False))
    assert world.graph == TALK


def test_hold_with_silence_by_configuration():
    world = connected(settings=CallSettings(hold="silence")).ask(cmd.Hold(B1, True))
    assert world.last(fx.Play).source == "silence"


def test_mute():
    world = connected().ask(cmd.Mute(A, True), cmd.Mute(A, True), cmd.Mute(A, False))
    assert world.took(fx.Mute) == [fx.Mute(A, True), fx.Mute(A, False)]


def test_digits_from_the_page_are_pressed_on_the_phone():
    world = connected().ask(cmd.SendDigits(A, "1#"))
    assert world.took(fx.SendDigits) == [fx.SendDigits(B1, "1#")]
    assert [n.key for n in world.news if isinstance(n, ev.CallDigit)] == ["1", "#"]


def test_digits_heard_from_the_phone_are_shown_on_the_page():
    world = connected().tell(ev.DigitHeard(B1, "5"))
    assert world.took(fx.ShowDigit) == [fx.ShowDigit(A, "5")]
    assert not world.took(fx.SendDigits)  # media passes on by itself what it hears


def test_a_re_offer_changes_the_leg_in_place():
    world = connected().tell(ev.Reoffered(A))
    assert world.last(fx.AnswerReoffer) == fx.AnswerReoffer(A)
    assert world.state is State.CONNECTED


def test_silence_ends_the_call_after_a_while():
    world = connected().tell(ev.Stalled(B1, 5.0)).later(24)
    assert world.state is State.CONNECTED
    world.later(2)
    assert (world.ended.ending.cause, world.ended.by) == ("media-timeout", B1)


def test_sound_that_returns_calls_it_off():
    assert connected().tell(ev.Stalled(B1, 5.0), ev.Flowing(B1)).later(60).state is State.CONNECTED


def test_a_held_party_may_be_silent_for_long():
    world = connected().ask(cmd.Hold(B1, True)).tell(ev.Stalled(B1, 5.0)).later(1700)
    assert world.state is State.CONNECTED
    world.ask(cmd.Hold(B1, False)).later(26)
    assert world.ended.ending.cause == "media-timeout"


def test_a_holder_that_died_is_missed_at_last():
    world = connected().tell(ev.Stalled(B1, 5.0)).ask(cmd.Hold(B1, True)).later(1700)
    assert world.state is State.CONNECTED
    world.later(100)
    assert (world.ended.ending.cause, world.ended.by) == ("media-timeout", B1)


def test_nobody_is_missed_who_may_be_silent_for_ever():
    world = connected(settings=CallSettings(hold_timeout=0)).ask(cmd.Hold(B1, True)).tell(ev.Stalled(B1, 5.0))
    assert world.later(7200).state is State.CONNECTED


def test_the_longest_call():
    world = connected(settings=CallSettings(max_duration=600)).later(600)
    assert world.ended.ending.cause == "max-duration"
    assert {h.leg for h in world.took(fx.HangUp)} == {A, B1}


def test_media_that_fails_ends_the_call_with_words_for_both():
    world = connected().tell(ev.Failed(A, "media-transport-failed"))
    assert {h.leg for h in world.took(fx.HangUp)} == {A, B1}


def test_hanging_up_by_the_gateway_is_no_answer_to_a_ringing_caller():
    world = World().ask(cmd.HangUp())
    assert world.last(fx.Reject).ending.status == 480


def test_the_browser_is_asked_for_what_the_phone_can_carry():
    world = World(contacts=(BOB_PAGE,))
    assert world.took(fx.AcceptOffer)[0].rate == 48000
    world = connected()
    assert world.took(fx.AcceptOffer)[0].rate == 8000
    assert not world.took(fx.Tune)
    world.tell(ev.RateAgreed(B1, 16000))
    assert world.took(fx.Tune) == [fx.Tune(A, 16000)]


# ---------------------------------------------------------------- applications


def app(name: str) -> World:
    return World("600", routes=[route("600", f"app:{name}")])


def test_echo():
    world = app("echo")
    assert world.state is State.CONNECTED
    assert world.graph == {A: (A,)}


def test_tones_say_and_play_what_is_pressed():
    world = app("tones").tell(ev.DigitHeard(A, "3"))
    play = world.last(fx.Play)
    assert play.source == "say:3+tone:busy"
    assert world.graph == {A: (play.leg,)}
    assert fx.Release("c1-play1") in world.done
    assert world.ask(cmd.SendDigits(A, "*")).last(fx.Play).source == "say:*"


def test_record_and_play_back():
    world = app("record").tell(ev.Finished("c1-play1"))
    record = world.last(fx.Record)
    assert world.graph == {f"{record.leg}/0": (A,), f"{record.leg}/1": (A,)}
    world.later(3).tell(ev.DigitHeard(A, "#"))
    play = world.last(fx.Play)
    assert play.source == "say:you-said+recording:c1+say:goodbye"
    assert world.done.index(fx.Release(record.leg)) < world.done.index(play)  # the file is whole before it is read
    world.tell(ev.Finished(play.leg))
    assert world.ended.ending.cause == "normal"
    assert fx.Discard("c1") in world.done


def test_recording_stops_by_itself():
    world = app("record").tell(ev.Finished("c1-play1")).later(31)
    assert "recording:c1" in world.last(fx.Play).source


def test_nothing_said():
    world = app("record").tell(ev.Finished("c1-play1"), ev.DigitHeard(A, "#"))
    assert world.last(fx.Play).source == "say:recording-empty+say:goodbye"


def test_an_app_nobody_wrote():
    assert app("nonsense").ended.ending.cause == "unknown-number"


def test_a_phone_that_is_diverted_to_a_number_here_is_followed():
    w = World("103", kind="sip").tell(ev.Rejected("c1-b1", "unreachable", 480, "", ("sip:x@y.test", "sip:102@z.test")))
    assert [r.user for r in w.took(fx.Ring)] == ["carol", "bob", "bob"]
    w.answered("c1-b2")
    assert w.state is State.CONNECTED


def test_a_phone_that_is_diverted_elsewhere_is_not_followed():
    w = World("103").tell(ev.Rejected("c1-b1", "unreachable", 480, "", ("sip:0900@y.test",)))
    assert len(w.took(fx.Ring)) == 1
    assert w.ended.ending.words == "It has moved to sip:0900@y.test; only numbers here are followed."


def test_phones_that_are_diverted_in_a_circle():
    w = World("103", settings=CallSettings(forward_limit=3))
    for n in range(1, 5):
        w.tell(ev.Rejected(f"c1-b{n}", "unreachable", 480, "", ("sip:103@z.test",)))
    assert (w.ended.ending.cause, len(w.took(fx.Ring))) == ("loop", 4)


def test_a_call_goes_through_so_many_servers_and_no_more():
    assert World("103", hops=1).last(fx.Ring).hops == 0
    w = World("103", hops=0)
    assert not w.took(fx.Ring)
    assert (w.ended.ending.status, w.ended.ending.cause) == (483, "loop")
    assert "too many servers" in w.ended.ending.words
    assert World("600", hops=0, routes=[route("600", "app:echo")]).state is State.CONNECTED


def test_routes_and_forwards_know_where_a_call_came_from():
    routes = [
        route("1", "user:carol", on_unreachable="2", trunks=("office",)),
        route("2", "app:music", sources=("192.0.2.0/24",)),
        route("any", "app:echo"),
    ]
    incoming = ev.Incoming("sip", "x", ev.Identity("+4930"), "1", trunk="office", source="192.0.2.1")
    for known, targets in ((incoming, ["user:carol", "app:music"]), (replace(incoming, trunk=""), ["app:echo"])):
        call = Call(
            "c9",
            known,
            settings=CallSettings(),
            router=Router(routes, USERS),
            directory=Directory(),
            room=lambda u: True,
        )
        call.begin(1.0)
        call.receive(ev.Ready("c9-a"), 1.0)
        call.receive(ev.Rejected("c9-b1", "unreachable", 503), 1.0)
        routed = [n for n in iter(call.next_event, None) if isinstance(n, ev.CallRouted)]
        assert [target for n in routed for target in n.targets] == targets
