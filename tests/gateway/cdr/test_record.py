"""Every shape of call leaves the record that a person would write of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.calls import commands as cmd
from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.calls.ports import Contact
from gateway.cdr.draft import MANY
from gateway.cdr.record import LINGER, MOST_DRAFTS, Recorder, number_of
from tests.gateway.calls.world import BOB_PAGE, BOB_PHONE, route
from tests.gateway.cdr.calls import Books, wall


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(1_800_000_000 + seconds, UTC)


def test_a_call_that_is_answered_and_hung_up_by_its_caller():
    books = Books(contacts=[BOB_PHONE])
    call = books.dial("102")
    books.later(2).tell(ev.Ringing("c1-b1")).later(3).tell(ev.Answered("c1-b1"))
    books.later(60).tell(ev.HungUp("c1-a"))
    record = books.record()
    assert (record.call, record.id) == (call, "20270115-080000000-c1")
    assert (record.kind, record.direction, record.dialled, record.route) == ("browser", "internal", "102", "user:bob")
    assert (record.caller_number, record.caller_display, record.caller_user) == ("101", "Alice", "alice")
    assert (record.started_at, record.alerted_at, record.answered_at, record.ended_at) == (at(0), at(2), at(5), at(65))
    assert (record.duration, record.ring, record.wait, record.talk) == (65, 3, 5, 60)
    assert (record.answered_by, record.answered_kind, record.answered_user) == ("c1-b1", "sip", "bob")
    assert (record.cause, record.status, record.ended_by, record.hung_up) == ("normal", 200, "c1-a", "caller")
    caller, bob = record.legs
    assert (caller.direction, caller.role, caller.talk) == ("in", "caller", 60)
    assert (bob.direction, bob.address, bob.user, bob.ring, bob.talk) == ("out", BOB_PHONE.address, "bob", 3, 60)


def test_a_call_that_is_declined():
    books = Books(contacts=[BOB_PHONE])
    books.dial("102")
    books.tell(ev.Ringing("c1-b1")).later(4).tell(ev.Rejected("c1-b1", "declined", 603, "Not now"))
    record = books.record()
    assert (record.cause, record.status, record.talk, record.answered) == ("declined", 603, None, False)
    assert (record.hung_up, record.answered_by, record.wait, record.ring) == ("gateway", "", 4, 4)
    assert record.trail == ("user:bob: declined (603)",)
    assert (record.legs[1].cause, record.legs[1].words) == ("declined", "Not now")


def test_a_call_that_is_refused_before_it_rings():
    books = Books(max_calls=0)
    books.dial("102")
    record = books.record()
    assert (record.cause, record.status, record.alerted_at, record.ring) == ("full", 503, None, None)
    assert [leg.leg for leg in record.legs] == ["c1-a"]


def test_a_caller_who_gives_up():
    books = Books(contacts=[BOB_PHONE])
    books.dial("102")
    books.tell(ev.Ringing("c1-b1")).later(9).tell(ev.HungUp("c1-a"))
    record = books.record()
    assert (record.cause, record.hung_up, record.wait, record.talk) == ("cancelled", "caller", 9, None)


def test_a_call_that_is_forwarded_says_every_route_and_why():
    books = Books(contacts=[BOB_PHONE], routes=[route("200", "user:bob", on_no_answer="app:music", timeout=10)])
    books.dial("200")
    books.tell(ev.Ringing("c1-b1")).later(11).tell(ev.HungUp("c1-a"))
    record = books.record()
    assert [(r.route, r.because) for r in record.routes] == [("200", ""), ("200 (no-answer)", "no-answer")]
    assert (record.answered_kind, record.answered_number, record.hung_up) == ("app", "music", "caller")
    assert record.legs[1].cause == "no-answer"


def test_answered_by_one_device_the_others_say_elsewhere():
    books = Books(contacts=[BOB_PHONE, BOB_PAGE])
    books.dial("102")
    books.tell(ev.Ringing("c1-b1"), ev.Ringing("c1-b2")).answer("c1-b2").tell(ev.HungUp("c1-b2"))
    record = books.record()
    assert (record.answered_by, record.answered_kind, record.hung_up) == ("c1-b2", "browser", "callee")
    assert [leg.cause for leg in record.legs] == ["normal", "answered-elsewhere", "normal"]


def test_holding_is_added_up_and_so_is_what_is_still_held_at_the_end():
    books = Books(contacts=[BOB_PHONE])
    call = books.talk()
    books.later(1).order(call, cmd.Hold("c1-b1", True)).later(5).order(call, cmd.Hold("c1-b1", False))
    books.later(1).order(call, cmd.Hold("c1-b1", True)).later(2).tell(ev.HungUp("c1-a"))
    leg = books.record().legs[1]
    assert (leg.held, leg.holds) == (7, 2)


def test_keys_are_counted_and_never_written_down():
    books = Books(contacts=[BOB_PHONE])
    call = books.talk()
    books.order(call, cmd.SendDigits("c1-a", "4711")).tell(ev.HungUp("c1-a"))
    record = books.record()
    assert record.legs[0].keys == 4
    assert "4711" not in record.model_dump_json()


def test_a_transfer_names_who_gave_its_place_and_who_took_it():
    books = Books()
    call = books.talk("102")
    books.later(5).order(call, cmd.Transfer("c1-b1", "103"))
    new = books.rung()[-1]
    books.later(2).answer(new).later(8).tell(ev.HungUp("c1-a"))
    record = books.record()
    (transfer,) = record.transfers
    assert (transfer.leg, transfer.to, transfer.by, transfer.result) == ("c1-b1", "103", new, "done")
    legs = {leg.leg: leg for leg in record.legs}
    assert (legs["c1-b1"].cause, legs[new].user, legs[new].talk) == ("transferred", "carol", 8)
    assert (record.talk, record.hung_up) == (15, "caller")


def test_a_transfer_that_fails_says_why():
    books = Books()
    call = books.talk("102")
    books.order(call, cmd.Transfer("c1-b1", "103"))
    books.tell(ev.Rejected(books.rung()[-1], "busy", 486)).tell(ev.HungUp("c1-a"))
    (transfer,) = books.record().transfers
    assert (transfer.result, transfer.cause, transfer.status) == ("failed", "busy", 486)


def test_a_transfer_that_the_end_cuts_short():
    books = Books()
    call = books.talk("102")
    books.order(call, cmd.Transfer("c1-b1", "103")).tell(ev.HungUp("c1-a"), ev.HungUp("c1-b1"))
    record = books.record()
    assert record.transfers[0].result in ("", "failed")
    assert {leg.user for leg in record.legs} == {"alice", "bob", "carol"}


def test_a_conference_has_a_leg_for_each_and_says_who_did_not_come():
    books = Books()
    call = books.talk("102")
    books.order(call, cmd.Add("103"))
    books.answer(books.rung()[-1])
    books.order(call, cmd.Add("104"))
    books.later(5).tell(ev.HungUp("c1-a")).later(5)
    for leg in list(books.call(call).parties):
        books.tell(ev.HungUp(leg))
    record = books.record()
    assert {leg.user for leg in record.legs if leg.answered_at} == {"alice", "bob", "carol"}
    assert [(i.to, i.cause) for i in record.invitations] == [("104", "not-registered")]
    assert record.duration == 10


def test_a_supervisor_keeps_its_role():
    books = Books()
    call = books.talk("102")
    books.order(call, cmd.Add("103", role="listen"))
    new = books.rung()[-1]
    books.answer(new)
    books.order(call, cmd.SetRole(new, "whisper", whisper_to="c1-a")).tell(ev.HungUp("c1-a"))
    legs = {leg.leg: leg for leg in books.record().legs}
    assert legs[new].role == "whisper"


def test_a_call_that_a_program_places():
    books = Books()
    books.place("user:alice", "103", metadata={"ticket": "7"})
    books.later(2).tell(ev.Ringing("c1-b1")).later(2).tell(ev.Answered("c1-b1"))
    books.later(1).tell(ev.Ringing("c1-b2")).later(5).tell(ev.Answered("c1-b2"))
    books.later(30).tell(ev.HungUp("c1-b1"))
    record = books.record()
    assert (record.kind, record.direction, record.caller_display) == ("api", "internal", "A program")
    assert record.metadata == {"ticket": "7"}
    assert (record.answered_by, record.talk, record.hung_up) == ("c1-b2", 30, "caller")
    first, second = record.legs
    assert (first.role, first.user, first.talk) == ("caller", "alice", 36)
    assert (second.user, second.talk) == ("carol", 30)


def test_a_placed_call_whose_first_does_not_answer():
    books = Books()
    books.place("user:alice", "103", timeout=20)
    books.tell(ev.Ringing("c1-b1")).later(21)
    record = books.record()
    assert (record.cause, record.answered, record.talk) == ("no-answer", False, None)


def test_merged_calls_know_each_other_and_the_parties_go_on_in_one():
    books = Books()
    first, second = books.talk("102"), books.talk("103", user="dave")
    books.media(second, "c2-b1").quality(second, "c2-b1", packets_in=500, lost_in=10)
    books.later(10).merge(first, second, "c1-b1", "c2-a").later(20)
    books.quality(first, "c2-b1", packets_in=1500, lost_in=10)
    books.tell(ev.HungUp("c2-b1"))
    books.quality(first, "c2-b1", packets_in=1600, lost_in=10)
    books.later(LINGER)
    books.recorder.wake(books.now)
    records = {record.call: record for record in books.records()}
    one, two = records[first], records[second]
    assert [(link.how, link.call) for link in two.links] == [("merged into", first)]
    assert [(link.how, link.call, link.legs) for link in one.links] == [("joined by", second, ("c2-b1",))]
    gone = next(leg for leg in two.legs if leg.leg == "c2-b1")
    came = next(leg for leg in one.legs if leg.leg == "c2-b1")
    assert (two.cause, gone.moved_to, gone.talk, gone.quality.packets_in) == ("merged", first, 10, 500)
    assert (came.user, came.talk, came.quality.packets_in, came.codecs) == ("carol", 20, 1600, ("PCMU/8000",))
    assert {leg.leg: leg.cause for leg in one.legs}["c1-b1"] == "transferred"


def test_a_party_that_is_split_off_begins_a_call_that_knows_where_it_came_from():
    books = Books()
    call = books.talk("102")
    books.quality(call, "c1-b1", packets_in=50)
    books.later(4)
    books.table.split(cmd.Split(call, "c1-b1", "new"), books.now)
    books.pump()
    books.later(6).tell(ev.HungUp("c1-b1")).tell(ev.HungUp("c1-a")).quality("new", "c1-b1", packets_in=60)
    records = {record.call: record for record in books.records()}
    assert [(k.how, k.call, k.legs) for k in records[call].links] == [("split into", "new", ("c1-b1",))]
    assert [(k.how, k.call) for k in records["new"].links] == [("split from", call)]
    leg = records["new"].legs[0]
    assert (leg.leg, leg.role, leg.user, leg.talk, leg.address) == ("c1-b1", "caller", "bob", 6, "s-bob")
    before = next(leg for leg in records[call].legs if leg.leg == "c1-b1")
    assert (before.talk, before.quality.packets_in, leg.quality.packets_in) == (4, 50, 60)
    assert (records["new"].answered_kind, records["new"].answered_by) == ("app", "")


def test_how_it_sounded_is_summed_up_and_the_last_report_is_waited_for():
    books = Books(contacts=[BOB_PHONE])
    call = books.talk()
    books.media(call, "c1-a", "opus", 48000).media(call, "c1-b1")
    books.saw(ev.LegHeard(call, books.now, "c1-b1", "192.0.2.7:4000"))
    books.quality(call, "c1-b1", packets_in=100, lost_in=1, jitter_in_ms=2.0, rtt_ms=10.0, loss_out=0.0)
    books.quality(call, "c1-b1", packets_in=200, lost_in=2, jitter_in_ms=4.0, rtt_ms=30.0, loss_out=0.1, concealed=3)
    books.tell(ev.HungUp("c1-a"))
    assert books.records() == [], "its last facts are still to come"
    books.quality(call, "c1-a", packets_in=300)
    assert books.records() == []
    books.quality(call, "c1-b1", packets_in=297, lost_in=3, jitter_in_ms=3.0, rtt_ms=20.0, concealed=4)
    alice, bob = books.record().legs
    assert alice.codecs == ("opus/48000",)
    assert (bob.source, bob.heard_at) == ("192.0.2.7:4000", at(0))
    sound = bob.quality
    assert (sound.packets_in, sound.lost_in, sound.loss_in, sound.concealed) == (297, 3, 0.01, 4)
    assert (sound.jitter_in_ms.min, sound.jitter_in_ms.avg, sound.jitter_in_ms.max) == (2, 3, 4)
    assert (sound.rtt_ms.min, sound.rtt_ms.avg, sound.rtt_ms.max) == (10, 20, 30)
    assert sound.loss_out.max == 0.1
    assert alice.quality.loss_out is None and alice.quality.rtt_ms is None, "it never reported anything"


def test_a_last_report_that_does_not_come_is_not_waited_for_for_ever():
    books = Books(contacts=[BOB_PHONE])
    call = books.talk()
    books.media(call, "c1-b1").tell(ev.HungUp("c1-a"))
    assert books.recorder.wake_at() == books.now + LINGER
    books.recorder.wake(books.now + LINGER - 0.1)
    assert books.records() == []
    books.recorder.wake(books.now + LINGER)
    assert books.record().cause == "normal"
    assert books.recorder.wake_at() is None


def test_a_codec_that_changes_is_listed_once_each_time():
    books = Books(contacts=[BOB_PHONE])
    call = books.talk()
    for codec in ("PCMU", "PCMU", "G722", "PCMU"):
        books.media(call, "c1-b1", codec)
    books.tell(ev.HungUp("c1-a")).quality(call, "c1-b1")
    assert books.record().legs[1].codecs == ("PCMU/8000", "G722/8000", "PCMU/8000")


def test_recordings_have_names_and_lengths():
    books = Books(contacts=[BOB_PHONE])
    call = books.talk()
    books.order(call, cmd.Record("r1")).later(7).order(call, cmd.StopRecording("r1"))
    books.order(call, cmd.Record("r2", channels=1)).later(3).tell(ev.HungUp("c1-a"))
    made = books.record().recordings
    assert [(r.id, r.name, r.channels, r.seconds, r.why) for r in made] == [
        ("r1", "c1-1", 2, 7, "stopped"),
        ("r2", "c1-2", 1, 3, "ended"),
    ]


def test_silence_and_interruptions_are_counted():
    books = Books(contacts=[BOB_PHONE])
    call = books.talk()
    books.tell(ev.Stalled("c1-b1", 5.0), ev.Flowing("c1-b1"), ev.Stalled("c1-b1", 5.0))
    books.saw(
        *(ev.LegTransport(call, books.now, "c1-a", state) for state in ("connected", "disconnected", "connected"))
    )
    books.tell(ev.HungUp("c1-a"))
    alice, bob = books.record().legs
    assert (bob.silences, alice.interruptions) == (2, 1)


@pytest.mark.parametrize(
    ("caller", "trunk", "targets", "contact", "expected"),
    [
        (ev.Identity("+4930", "", None), "office", ("user:bob",), ("sip", "sip:bob@192.0.2.7", "bob"), "inbound"),
        (ev.Identity("101", "", "alice"), "", ("trunk:pbx/99",), ("sip", "sip:99@pbx.test", None), "outbound"),
        (ev.Identity("+4930", "", None), "office", ("trunk:pbx/99",), ("sip", "sip:99@pbx.test", None), "transit"),
        (ev.Identity("101", "", "alice"), "", ("app:echo",), ("app", "echo", None), "internal"),
    ],
)
def test_directions(caller, trunk, targets, contact, expected):
    recorder = Recorder(wall)
    kind, address, user = contact
    for event in (
        ev.CallStarted("c", 1.0, caller, "sip", "99", "c-a", trunk, "192.0.2.1"),
        ev.CallRouted("c", 1.0, "r", targets),
        ev.LegRang("c", 1.0, "c-b1", kind, address, user),
        ev.CallAnswered("c", 2.0, "c-b1", kind, 1.0),
        ev.CallEnded("c", 5.0, ending("normal"), None, 3.0),
    ):
        recorder.receive(event)
    record = recorder.next_record()
    assert (record.direction, record.trunk, record.source) == (expected, trunk, "192.0.2.1")
    assert record.trunk_out == ("pbx" if "trunk:pbx/99" in targets else "")
    assert record.hung_up == "gateway"


def test_numbers_are_taken_out_of_addresses():
    assert number_of("sip:+4930@pbx.test;transport=tcp") == "+4930"
    assert number_of("sips:100@10.0.0.1:5061") == "100"
    assert number_of("sip:192.0.2.7") == "sip:192.0.2.7"
    assert number_of("echo") == "echo"


def test_what_strangers_send_cannot_spoil_a_record():
    recorder = Recorder(wall)
    nasty = "A\0\ud800" + "x" * 10_000
    recorder.receive(ev.CallStarted("c", 1.0, ev.Identity(nasty, nasty, None), "sip", nasty, "c-a"))
    recorder.receive(ev.CallAnnotated("c", 1.0, {nasty: nasty} | {str(i): "x" for i in range(1000)}))
    recorder.receive(ev.CallEnded("c", 2.0, ending("failed", nasty), None, None))
    record = recorder.next_record()
    text = record.model_dump_json()
    assert "\\u0000" not in text and text.encode()
    assert len(record.dialled) < 300 and len(record.metadata) <= MANY


def test_one_call_cannot_grow_without_bound():
    recorder = Recorder(wall)
    recorder.receive(ev.CallStarted("c", 1.0, ev.Identity("1"), "sip", "2", "c-a"))
    for i in range(1000):
        recorder.receive(ev.LegRang("c", 1.0, f"c-b{i}", "sip", "sip:x@y", None))
        recorder.receive(ev.CallRouted("c", 1.0, "r", ("x",) * 1000))
        recorder.receive(ev.TransferStarted("c", 1.0, "c-a", "x"))
        recorder.receive(ev.TransferFailed("c", 1.0, "c-a", "x", ending("busy")))
        recorder.receive(ev.InvitationFailed("c", 1.0, "x", ending("busy")))
        recorder.receive(ev.RecordingStarted("c", 1.0, f"r{i}", "n", 1))
        recorder.receive(ev.RecordingEnded("c", 1.0, f"r{i}", "n", 1.0, "stopped"))
        recorder.receive(ev.CallJoined("c", 1.0, "d", ("e",) * 1000))
        recorder.receive(ev.LegMedia("c", 1.0, "c-a", "a" if i % 2 else "b", 8000, "sendrecv"))
    recorder.receive(ev.CallEnded("c", 2.0, ending("normal"), None, None, ("t",) * 1000))
    recorder.wake(100.0)
    record = recorder.next_record()
    lists = (record.legs, record.routes, record.transfers, record.invitations, record.recordings, record.links,
             record.trail, record.legs[0].codecs, record.routes[0].targets, record.links[0].legs)  # fmt: skip
    assert [len(each) for each in lists] == [MANY] * len(lists)
    assert len(recorder) == 0


def test_there_is_a_limit_to_open_calls_and_none_is_lost_by_it():
    recorder = Recorder(wall)
    for i in range(MOST_DRAFTS + 2):
        recorder.receive(ev.CallStarted(f"c{i}", float(i), ev.Identity("1"), "sip", "2", f"c{i}-a"))
    assert len(recorder) == MOST_DRAFTS
    assert [recorder.next_record().call, recorder.next_record().call, recorder.next_record()] == ["c0", "c1", None]


def test_what_is_open_when_the_gateway_ends_is_written_down_as_it_stands():
    books = Books(contacts=[BOB_PHONE])
    books.talk()
    books.later(5)
    books.recorder.close(books.now)
    record = books.record()
    assert (record.cause, record.talk, record.answered_user) == ("stopping", 5, "bob")


def test_events_of_calls_and_legs_that_nobody_knows_are_ignored():
    recorder = Recorder(wall)
    recorder.receive(ev.CallEnded("x", 1.0, ending("normal"), None, None))
    recorder.receive(ev.CallStarted("c", 1.0, ev.Identity("1"), "sip", "2", "c-a"))
    for event in (
        ev.LegLeft("c", 1.0, "?", ending("normal")),
        ev.RoleChanged("c", 1.0, "?", "listen"),
        ev.LegQuality("c", 1.0, "?", {}),
        ev.CallSplit("c", 1.0, "?", "d"),
        ev.CallJoined("c", 1.0, "?", ("?",)),
        ev.CallMerged("c", 1.0, "?"),
        ev.TransferDone("c", 1.0, "?", "x", "?"),
        ev.RecordingEnded("c", 1.0, "?", "n", 1.0, "failed"),
        ev.LegDescribed("c", 1.0, "c-a", "ours", "offer", "v=0"),
    ):
        recorder.receive(event)
    recorder.receive(ev.CallEnded("c", 2.0, ending("normal"), "?", None))
    assert recorder.next_record().call == "c"


def test_a_clock_that_is_set_in_mid_call_does_not_tear_it():
    now = [1_800_000_000.0]
    recorder = Recorder(lambda at: now[0] + at)
    recorder.receive(ev.CallStarted("c", 0.0, ev.Identity("1"), "sip", "2", "c-a"))
    now[0] -= 3600
    recorder.receive(ev.CallEnded("c", 10.0, ending("normal"), None, None))
    record = recorder.next_record()
    assert (record.ended_at - record.started_at).total_seconds() == 10


def test_stats_that_are_no_numbers_are_passed_over():
    books = Books(contacts=[BOB_PHONE])
    call = books.talk()
    books.quality(call, "c1-b1", packets_in="many", jitter_in_ms=float("nan"), rtt_ms=None, lost_in=True)
    books.quality(call, "c1-b1", packets_in=5, rtt_ms=float("inf"))
    books.tell(ev.HungUp("c1-a")).quality(call, "c1-b1")
    assert books.recorder.wake_at() is None
    sound = books.record().legs[1].quality
    assert (sound.packets_in, sound.rtt_ms, sound.jitter_in_ms) == (5, None, None)


def test_a_foreign_device_is_a_contact_too():
    """A phone rung by address has no user; what to call back is its number."""
    books = Books(contacts=[Contact("sip", "sip:+4930123@pbx.test", "bob")])
    books.talk()
    books.tell(ev.HungUp("c1-b1"))
    assert books.record().legs[1].number == "bob"
