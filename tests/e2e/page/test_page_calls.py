"""Calls as a person makes them, with sound both ways."""

import pytest
from playwright.sync_api import expect

from tests.e2e.page.kit import MIC_HZ, PLAYED_HZ

pytestmark = pytest.mark.e2e

HEARD = """async () => {
  const call = window.tandem.phone.current;
  const meter = window.tandem.sounds.meter(call.audio.srcObject);
  meter.analyser.fftSize = 16384;
  await new Promise((done) => setTimeout(done, 500));
  const bins = new Float32Array(meter.analyser.frequencyBinCount);
  meter.analyser.getFloatFrequencyData(bins);
  meter.close();
  const at = bins.indexOf(Math.max(...bins));
  return bins[at] < -70 || call.audio.muted ? 0 : (at * window.tandem.sounds.context.sampleRate) / 16384;
}"""


def dial(page, number):
    page.get_by_test_id("number").fill(number)
    page.keyboard.press("Enter")


def connected(page):
    expect(page.get_by_test_id("call-state")).to_contain_text("Connected", timeout=8000)


def near(hertz):
    return pytest.approx(hertz, abs=6)


def test_sound_both_ways_meters_quality_and_the_end(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    expect(page.get_by_test_id("peer")).to_have_text("Echo")
    party = switchboard.party()
    switchboard.wait(lambda: party.tone() == near(MIC_HZ), "the microphone's tone")
    assert page.evaluate(HEARD) == near(PLAYED_HZ)
    for meter in ("level-you", "level-them"):
        assert float(page.get_by_test_id(meter).get_attribute("data-level")) > 0.4
    expect(page.get_by_test_id("quality")).to_have_text("Good", timeout=5000)
    expect(page.get_by_test_id("codec")).to_have_text("Opus")
    expect(page.get_by_test_id("timer")).not_to_have_text("00:00")
    far = {"codec_in": "PCMU", "loss_in": 0.031, "jitter_in_ms": 4.2, "rtt_ms": 21}
    switchboard.tell(party, "quality", {"peer": far})
    page.locator(".quality summary").click()
    expect(page.get_by_test_id("figure-far-codec")).to_have_text("G.711 µ-law")
    expect(page.get_by_test_id("figure-far-loss")).to_have_text("3.1 %")
    page.get_by_test_id("hangup").click()
    expect(page.get_by_test_id("number")).to_be_visible()
    expect(page.get_by_test_id("toast")).to_have_text("You ended the call.")
    switchboard.wait(lambda: not switchboard.parties, "the call's end")
    assert page.evaluate("document.querySelectorAll('audio').length") == 0


def test_the_far_end_hangs_up(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    switchboard.tell(switchboard.party(), "ended", "normal", "Echo ended the call.")
    expect(page.get_by_test_id("toast")).to_have_text("Echo ended the call.")
    expect(page.get_by_test_id("number")).to_be_visible()
    expect(page.get_by_test_id("recent").first).to_contain_text("Echo")


def test_ringback_is_heard_before_the_answer_and_the_caller_gives_up(new_page, switchboard):
    page = new_page()
    dial(page, "ring")
    expect(page.get_by_test_id("call-state")).to_have_text("Ringing")
    page.wait_for_function("() => window.tandem.phone.current.media === 'connected'")
    assert page.evaluate(HEARD) == near(PLAYED_HZ)
    assert page.get_by_test_id("timer").is_hidden()
    assert page.get_by_test_id("hold").is_disabled()
    page.get_by_test_id("hangup").click()
    switchboard.wait(lambda: switchboard.events[-1] == "HungUp", "the hang-up")


@pytest.mark.parametrize(
    ("number", "title", "words", "again"),
    [
        ("busy", "busy is busy", "on another call", True),
        ("nobody", "Could not reach nobody", "There is no number", False),
        ("declines", "declines declined", "declined", True),
        ("away", "away did not answer", "nobody picked up", True),
        ("Alice Liddell", "This is your own number", "101 is your own number.", False),
    ],
)
def test_why_a_call_came_to_nothing(new_page, number, title, words, again):
    page = new_page()
    dial(page, number)
    expect(page.get_by_test_id("notice-title")).to_have_text(title)
    notice = page.get_by_test_id("notice")
    expect(notice).to_contain_text(words)
    assert notice.get_attribute("role") == "alert"
    assert page.get_by_test_id("call-again").is_visible() is again
    page.get_by_test_id("notice-close").click()
    expect(notice).to_be_hidden()


def test_keys_both_ways(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    page.get_by_test_id("keypad").click()
    for key in ("1", "star", "0", "pound"):
        page.get_by_test_id(f"dtmf-{key}").click()
    page.keyboard.type("77")
    party = switchboard.party()
    switchboard.wait(lambda: party.digits == "1*0#77", "the digits")
    expect(page.get_by_test_id("digits-sent")).to_have_text("1*0#77")
    for key in "5#":
        switchboard.tell(party, "dtmf", key)
    heard = page.get_by_test_id("digits-heard")
    expect(heard).to_have_text("They pressed 5#")
    page.evaluate("() => void (window.tandem.phone.current.heardAt -= 11000)")
    expect(heard).to_be_hidden()
    switchboard.tell(party, "dtmf", "8")
    expect(heard).to_have_text("They pressed 8")
    expect(heard).to_be_visible()


def test_keys_typed_with_the_keypad_closed_are_to_be_seen(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    sent = page.get_by_test_id("digits-sent")
    expect(sent).to_be_hidden()
    page.keyboard.type("4*")
    expect(sent).to_be_visible()
    expect(sent).to_have_text("4*")
    assert page.get_by_test_id("dtmf-1").is_hidden()


@pytest.mark.parametrize("typed", ["music", "  MUSIC ", "602"])
def test_names_of_the_directory_dial_their_number(new_page, switchboard, typed):
    page = new_page()
    assert page.get_by_test_id("number").get_attribute("placeholder") == "Number or name"
    dial(page, typed)
    connected(page)
    expect(page.get_by_test_id("peer")).to_have_text("Music")
    expect(page.get_by_test_id("call-hint")).to_have_text("Sit back")
    assert page.evaluate("window.tandem.state().calls[0].peer") == "602"


def test_the_first_words_of_one_title_are_enough(new_page):
    page = new_page()
    number = "(typed) => window.tandem.phone.book.numberFor(typed)"
    typed = ["Bob", "bob builder", "Bob B", "tones", "record and", "alice", "sip:bob@example.com", "000", ""]
    said = ["102", "102", "Bob B", "601", "603", "101", "sip:bob@example.com", "000", ""]
    assert [page.evaluate(number, one) for one in typed] == said


def test_the_quality_is_told_when_there_is_a_call_and_an_old_toast_goes(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    page.get_by_test_id("hangup").click()
    expect(page.get_by_test_id("toast")).to_be_visible()
    dial(page, "ring")
    page.wait_for_function("() => window.tandem.phone.current?.media === 'connected'")
    expect(page.get_by_test_id("toast")).to_have_count(0)
    assert page.get_by_test_id("quality").is_hidden()
    switchboard.tell(switchboard.party(), "answered")
    expect(page.get_by_test_id("quality")).to_be_visible()


def test_a_pressed_button_keeps_its_contrast_under_the_mouse(new_page):
    page = new_page(reduced_motion="reduce")
    dial(page, "600")
    connected(page)
    mute = page.get_by_test_id("mute")
    mute.click()
    colours = "(disc) => [getComputedStyle(disc).backgroundColor, getComputedStyle(disc).color]"
    page.mouse.move(0, 0)
    away = mute.locator(".disc").evaluate(colours)
    mute.hover()
    assert mute.locator(".disc").evaluate(colours) == away


DESKTOP = """() => {
  window.shown = [];
  window.Notification = class extends EventTarget {
    static permission = "default";
    static asked = 0;
    static async requestPermission() { this.asked += 1; return (this.permission = "granted"); }
    constructor(title) { super(); window.shown.push(Object.assign(this, { title, open: true })); }
    close() { this.open = false; }
  };
}"""


def test_the_desktop_shows_a_call_only_when_allowed_and_out_of_sight(new_page, switchboard):
    page = new_page()
    page.evaluate(DESKTOP)
    page.evaluate("() => void Object.defineProperty(document, 'hidden', {get: () => window.away ?? false})")
    page.evaluate("() => void (window.away = true)")
    party = switchboard.ring()
    expect(page.get_by_test_id("incoming")).to_be_visible()
    assert page.evaluate("[window.shown.length, Notification.asked]") == [0, 0], "nobody was asked"
    page.get_by_test_id("decline").click()
    page.get_by_test_id("settings").click()
    page.get_by_test_id("notify").click()
    expect(page.get_by_test_id("notify")).to_have_text("Turn off")
    page.get_by_test_id("settings-close").click()
    party = switchboard.ring()
    expect(page.get_by_test_id("incoming")).to_be_visible()
    assert page.evaluate("window.shown.map(({title, open}) => [title, open])") == [["Bob Builder is calling", True]]
    switchboard.tell(party, "ended", "cancelled", "Bob gave up.", 487)
    page.wait_for_function("() => !window.shown[0].open")
    page.evaluate("() => void (window.away = false)")
    switchboard.ring()
    expect(page.get_by_test_id("incoming")).to_be_visible()
    assert page.evaluate("window.shown.length") == 1, "the page itself is enough"


def test_mute_and_hold(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    party = switchboard.party()
    switchboard.wait(lambda: party.tone() == near(MIC_HZ), "the microphone's tone")
    mute = page.get_by_test_id("mute")
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "true")
    expect(mute).to_contain_text("Unmute")
    switchboard.wait(lambda: party.tone() == 0, "silence")
    mute.click()
    switchboard.wait(lambda: party.tone() == near(MIC_HZ), "the tone again")
    hold = page.get_by_test_id("hold")
    hold.click()
    expect(page.get_by_test_id("call-state")).to_have_text("On hold")
    switchboard.wait(lambda: party.tone() == 0, "silence on hold")
    assert page.evaluate("window.tandem.phone.current.audio.muted")
    hold.click()
    expect(page.get_by_test_id("call-state")).to_have_text("Connected")
    switchboard.tell(party, "held", "peer", True)
    expect(page.get_by_test_id("call-state")).to_have_text("They put you on hold")
    assert "HoldChanged" in switchboard.events
    assert "MuteChanged" in switchboard.events


def test_the_page_rings_and_answers(new_page, switchboard):
    page = new_page()
    party = switchboard.ring()
    expect(page.get_by_test_id("incoming-peer")).to_have_text("Bob Builder")
    assert page.title().startswith("☎ Bob Builder")
    assert page.evaluate("document.activeElement.dataset.testid") == "answer"
    page.get_by_test_id("answer").click()
    connected(page)
    switchboard.wait(lambda: party.tone() == near(MIC_HZ), "the microphone's tone")
    assert page.evaluate(HEARD) == near(PLAYED_HZ)
    page.get_by_test_id("hangup").click()
    switchboard.wait(lambda: switchboard.events[-1] == "HungUp", "the hang-up")


def test_decline_and_missed(new_page, switchboard):
    page = new_page()
    switchboard.ring()
    page.get_by_test_id("decline").click()
    switchboard.wait(lambda: switchboard.events[-1] == "CallDeclined", "the refusal")
    party = switchboard.ring(display="Carol")
    expect(page.get_by_test_id("incoming-peer")).to_have_text("Carol")
    switchboard.tell(party, "ended", "cancelled", "Carol gave up.", 487)
    expect(page.get_by_test_id("incoming")).to_have_count(0)
    expect(page.get_by_test_id("toast")).to_have_text("Carol gave up.")
    expect(page.get_by_test_id("recent").first).to_contain_text("Missed")
    assert page.evaluate("window.tandem.sounds.blocked") is False


def test_call_waiting_switching_and_two_ends(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    first = switchboard.party()
    second = switchboard.ring()
    expect(page.get_by_test_id("incoming-note")).to_contain_text("on hold")
    page.get_by_test_id("answer").click()
    expect(page.get_by_test_id("peer")).to_have_text("Bob Builder")
    connected(page)
    switchboard.wait(lambda: second.tone() == near(MIC_HZ), "the second hears")
    assert first.tone() == 0, "the first is held"
    strip = page.get_by_test_id("switch")
    expect(strip).to_have_count(2)
    strip.first.click()
    expect(page.get_by_test_id("peer")).to_have_text("Echo")
    switchboard.wait(lambda: first.tone() == near(MIC_HZ) and second.tone() == 0, "they changed places")
    page.get_by_test_id("hangup").click()
    expect(page.get_by_test_id("peer")).to_have_text("Bob Builder")
    expect(page.get_by_test_id("call-state")).to_have_text("On hold")
    page.get_by_test_id("hold").click()
    switchboard.wait(lambda: second.tone() == near(MIC_HZ), "the second is back")


def test_a_third_call_is_declined_as_busy(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    switchboard.ring()
    expect(page.get_by_test_id("incoming")).to_be_visible()
    page.keyboard.press("Escape")
    switchboard.wait(lambda: switchboard.events[-1] == "CallDeclined", "the refusal")
    connected(page)


def test_a_new_call_beside_one(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    page.get_by_test_id("new-call").click()
    expect(page.get_by_test_id("number")).to_be_visible()
    expect(page.get_by_test_id("switch")).to_have_count(1)
    dial(page, "602")
    connected(page)
    expect(page.get_by_test_id("switch")).to_have_count(2)
    assert [call["held"] for call in page.evaluate("window.tandem.state().calls")] == [True, False]


def test_two_windows_of_one_person(new_page, switchboard):
    first, second = new_page(), new_page()
    assert first.evaluate("JSON.parse(sessionStorage['tandem.session']).session") != second.evaluate(
        "JSON.parse(sessionStorage['tandem.session']).session"
    )
    dial(first, "600")
    connected(first)
    expect(second.get_by_test_id("number")).to_be_visible()
