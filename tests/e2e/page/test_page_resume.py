"""Sockets drop, pages reload, servers restart: calls go on where they can, and the page says so where they cannot."""

import pytest
from playwright.sync_api import expect

from tests.e2e.page.kit import MIC_HZ
from tests.e2e.page.test_page_calls import connected, dial, near

pytestmark = pytest.mark.e2e

TONE = near(MIC_HZ)


@pytest.fixture
def in_call(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    switchboard.wait(lambda: switchboard.party().tone() == TONE, "the microphone's tone")
    return page


def drop_network_noise(complaints):
    noise = ("WebSocket connection to", "ERR_CONNECTION_REFUSED", "ERR_INTERNET_DISCONNECTED")
    complaints[:] = [said for said in complaints if not any(words in said for words in noise)]


def test_a_cut_socket_is_not_noticed_by_the_call(in_call, switchboard, complaints):
    party = switchboard.party()
    switchboard.cut()
    switchboard.wait(lambda: "SessionResumed" in switchboard.events, "the resume")
    assert party.offers == 1, "the same peer connection goes on"
    assert party.tone() == TONE
    in_call.keyboard.type("9")
    switchboard.wait(lambda: party.digits == "9", "a digit on the new socket")
    drop_network_noise(complaints)


def test_words_and_countdown_while_the_server_is_away_and_nothing_said_is_lost(in_call, switchboard, complaints):
    party = switchboard.party()
    in_call.context.set_offline(True)
    in_call.evaluate("window.tandem.connection.socket.close()")
    expect(in_call.get_by_test_id("connection")).to_have_text("Reconnecting", timeout=4000)
    banner = in_call.get_by_test_id("banner")
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("Your calls go on")
    expect(in_call.get_by_test_id("countdown")).to_contain_text("in ")
    in_call.keyboard.type("42")
    in_call.context.set_offline(False)
    expect(in_call.get_by_test_id("connection")).to_have_text("Online", timeout=6000)
    expect(banner).to_be_hidden()
    switchboard.wait(lambda: party.digits == "42", "what was pressed meanwhile")
    drop_network_noise(complaints)


def test_a_reload_in_mid_call_goes_on(in_call, switchboard):
    party = switchboard.party()
    in_call.get_by_test_id("mute").click()
    expect(in_call.get_by_test_id("timer")).to_have_text("00:02")
    in_call.reload()
    connected(in_call)
    assert "SessionClosed" not in switchboard.events
    assert party.offers == 2
    expect(in_call.get_by_test_id("peer")).to_have_text("Echo")
    expect(in_call.get_by_test_id("mute")).to_have_attribute("aria-pressed", "true")
    assert in_call.get_by_test_id("timer").inner_text() >= "00:02"
    in_call.get_by_test_id("mute").click()
    switchboard.wait(lambda: party.tone() == TONE, "the tone after the reload")
    in_call.reload()
    connected(in_call)
    switchboard.wait(lambda: party.tone() == TONE, "the tone after the second reload")
    in_call.get_by_test_id("hangup").click()
    switchboard.wait(lambda: not switchboard.parties, "the end")


def test_a_reload_while_it_rings(new_page, switchboard):
    page = new_page()
    party = switchboard.ring()
    expect(page.get_by_test_id("incoming")).to_be_visible()
    page.reload()
    page.get_by_test_id("answer").click()
    connected(page)
    switchboard.wait(lambda: party.tone() == TONE, "the tone")


def test_a_call_that_ended_while_the_page_was_away(in_call, switchboard):
    party = switchboard.party()
    in_call.goto("about:blank")
    switchboard.wait(lambda: switchboard.events[-1] == "SessionLost", "the loss")
    switchboard.tell(party, "ended", "normal", "Echo ended the call.")
    in_call.goto(switchboard.url)
    expect(in_call.get_by_test_id("connection")).to_have_text("Online")
    expect(in_call.get_by_test_id("number")).to_be_visible()


def test_a_page_that_never_comes_back_ends_its_calls(in_call, switchboard):
    in_call.close()
    switchboard.wait(lambda: switchboard.events[-1] == "SessionClosed", "the window's end", 12)
    assert not switchboard.parties


def test_a_duplicated_tab_is_a_session_of_its_own(in_call, switchboard):
    kept = in_call.evaluate("sessionStorage['tandem.session']")
    twin = in_call.context.new_page()
    twin.add_init_script(f"sessionStorage['tandem.session'] = sessionStorage['tandem.session'] ?? {kept!r}")
    twin.goto(switchboard.url)
    expect(twin.get_by_test_id("connection")).to_have_text("Online", timeout=6000)
    expect(twin.get_by_test_id("number")).to_be_visible()
    assert len(switchboard.sessions) == 2
    connected(in_call)
    assert "SessionLost" not in switchboard.events


def test_a_server_that_stops_and_comes_back(in_call, switchboard, complaints):
    switchboard.go_down()
    expect(in_call.get_by_test_id("notice")).to_contain_text("The server is stopping")
    expect(in_call.get_by_test_id("banner")).to_contain_text("Reconnecting")
    expect(in_call.get_by_test_id("banner")).not_to_contain_text("Your calls go on")
    recent = in_call.get_by_test_id("recent").first.locator(".pill svg use")
    assert recent.evaluate("(use) => use.getBoundingClientRect().width") > 5, "icons do without the server"
    switchboard.come_back()
    in_call.get_by_test_id("retry").click()
    expect(in_call.get_by_test_id("connection")).to_have_text("Online", timeout=8000)
    dial(in_call, "600")
    connected(in_call)
    drop_network_noise(complaints)


def test_the_session_goes_on_in_another_window(new_page, switchboard):
    page = new_page()
    kept = page.evaluate("JSON.parse(sessionStorage['tandem.session'])")
    page.evaluate(
        """({session, resume}) => new Promise((done) => {
          const other = (window.other = new WebSocket(`ws://${location.host}/v1/ws`));
          const keys = {type: "resume", version: 1, session, resume, ack: 0, reloaded: true};
          other.onopen = () => other.send(JSON.stringify(keys));
          other.onmessage = done;
        })""",
        kept,
    )
    expect(page.get_by_test_id("banner")).to_contain_text("in another window")
    page.get_by_test_id("retry").click()
    expect(page.get_by_test_id("connection")).to_have_text("Online")


def test_sign_out_ends_everything(in_call, switchboard):
    in_call.get_by_test_id("sign-out").focus()
    in_call.keyboard.press("Enter")
    dialog = in_call.get_by_test_id("sign-out-dialog")
    expect(dialog).to_contain_text("End the call and sign out?")
    in_call.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    connected(in_call)
    in_call.keyboard.press("Enter")
    in_call.keyboard.press("Tab")
    in_call.keyboard.press("Enter")
    expect(in_call.get_by_test_id("sign-in")).to_be_visible()
    switchboard.wait(lambda: switchboard.events[-2:] == ["HungUp", "SessionClosed"], "the hang-up before the end")
    in_call.reload()
    expect(in_call.get_by_test_id("sign-in")).to_be_visible()
