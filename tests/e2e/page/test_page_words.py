"""What can go wrong before and at the start of a call, and what the page says then."""

import pytest
from playwright.sync_api import expect

from tests.e2e.page.kit import PLAYED_HZ
from tests.e2e.page.test_page_calls import HEARD, connected, dial, near

pytestmark = pytest.mark.e2e


def test_sign_in_errors_in_words(new_page, switchboard, complaints):
    page = new_page("?user=alice", user=None)
    page.get_by_test_id("demo-alice").wait_for()
    error = page.get_by_test_id("sign-in-error")
    page.get_by_test_id("password").fill("")
    page.get_by_test_id("sign-in").click()
    expect(error).to_have_text("Enter your password.")
    page.get_by_test_id("password").fill("nope")
    page.keyboard.press("Enter")
    expect(error).to_contain_text("wrong")
    assert error.get_attribute("role") == "alert"
    assert page.evaluate("document.activeElement.id") == "password"
    for _ in range(6):
        page.get_by_test_id("sign-in").click()
        page.get_by_test_id("sign-in").is_enabled()
        page.wait_for_timeout(60)
    expect(error).to_contain_text("Too many attempts")
    switchboard.go_down()
    page.get_by_test_id("sign-in").click()
    expect(error).to_contain_text("cannot be reached")
    complaints.clear()  # Chromium logs each 4xx


def test_the_name_is_remembered_and_the_password_is_not(new_page):
    page = new_page()
    page.get_by_test_id("sign-out").click()
    page.goto(page.url.split("?")[0])
    expect(page.locator("#user")).to_have_value("alice")
    assert "wonder" not in page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")


def test_the_demo_fills_in_who_was_asked_for(new_page):
    page = new_page("?user=bob", user=None)
    expect(page.locator("#password")).to_have_value("builder")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("me")).to_have_text("Bob Builder · 102")


def test_a_token_from_another_life(new_page, complaints):
    page = new_page("?user=alice", user=None)
    page.evaluate("sessionStorage['tandem.session'] = JSON.stringify({token: 'a.b.c', user: 'alice'})")
    page.reload()
    expect(page.get_by_test_id("sign-in-error")).to_contain_text("Sign in again")


def test_a_microphone_that_is_denied(new_page, switchboard):
    page = new_page(microphone=False)
    dial(page, "600")
    notice = page.get_by_test_id("notice")
    expect(notice).to_contain_text("The microphone is blocked")
    expect(notice).to_contain_text("beside the address bar")
    assert "CallRequested" not in switchboard.events
    party = switchboard.ring()
    page.get_by_test_id("answer").click()
    expect(notice).to_contain_text("The microphone is blocked")
    expect(page.get_by_test_id("incoming")).to_be_visible()
    page.get_by_test_id("decline").click()
    switchboard.wait(lambda: party.call not in switchboard.parties, "the refusal")


def test_no_microphone_at_all(new_page, chromium, switchboard):
    page = new_page(browser=chromium(fake_microphone=False))
    dial(page, "600")
    expect(page.get_by_test_id("notice")).to_contain_text("No microphone found")
    expect(page.get_by_test_id("recent").first).to_contain_text("No microphone")
    page.get_by_test_id("listen-only").click()
    connected(page)
    expect(page.get_by_test_id("media-trouble")).to_contain_text("They cannot hear you")
    assert page.evaluate(HEARD) == near(PLAYED_HZ)
    assert page.get_by_test_id("mute").is_disabled()
    page.get_by_test_id("hangup").click()
    switchboard.ring()
    page.get_by_test_id("answer").click()
    page.get_by_test_id("listen-only").click()
    connected(page)
    page.wait_for_function("() => window.tandem.state().calls[0].media === 'connected'")
    assert page.evaluate(HEARD) == near(PLAYED_HZ)


EVIL = "<img src=x onerror='window.pwned=1'><b>Mallory</b>"


def test_names_and_words_are_never_markup(new_page, switchboard):
    page = new_page()
    party = switchboard.ring(from_="sip:mallory@example.com", display=EVIL)
    expect(page.get_by_test_id("incoming-peer")).to_have_text(EVIL)
    page.get_by_test_id("answer").click()
    connected(page)
    expect(page.get_by_test_id("peer")).to_have_text(EVIL)
    page.get_by_test_id("new-call").click()
    expect(page.get_by_test_id("switch")).to_contain_text(EVIL)
    switchboard.tell(party, "ended", "failed", EVIL, 500)
    expect(page.get_by_test_id("notice-text")).to_have_text(EVIL)
    expect(page.get_by_test_id("recent").first).to_contain_text(EVIL)
    party = switchboard.ring(display=EVIL)
    switchboard.tell(party, "ended", "cancelled", EVIL, 487)
    expect(page.get_by_test_id("toast")).to_have_text(EVIL)
    page.reload()
    expect(page.get_by_test_id("recent").first).to_contain_text(EVIL)
    assert page.evaluate("[window.pwned ?? 0, document.querySelectorAll('img[src=x], main b').length]") == [0, 0]


def test_a_page_that_is_not_secure(new_page, chromium, switchboard, complaints):
    browser = chromium("--host-resolver-rules=MAP phone.test 127.0.0.1")
    page = new_page(user=None, browser=browser, url=f"http://phone.test:{switchboard.port}/", microphone=False)
    expect(page.get_by_test_id("insecure")).to_contain_text("https://")
    complaints[:] = [said for said in complaints if "403" not in said]  # the demo's people are for its own address


def test_a_reload_without_the_microphone_still_hears(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    page.context.clear_permissions()
    page.reload()
    expect(page.get_by_test_id("media-trouble")).to_contain_text("They cannot hear you", timeout=8000)
    page.wait_for_function("() => window.tandem.state().calls[0].media === 'connected'")


def test_no_way_for_the_media(new_page, complaints):
    page = new_page()
    broken = "RTCPeerConnection.prototype.setRemoteDescription = () => Promise.reject(new Error('no common codec'))"
    page.evaluate(f"() => void ({broken})")
    dial(page, "600")
    expect(page.get_by_test_id("notice")).to_contain_text("could not be connected")
    complaints.clear()


def test_a_browser_that_waits_for_a_click(new_page, switchboard):
    page = new_page()
    page.evaluate(
        """() => {
          const play = HTMLMediaElement.prototype.play;
          HTMLMediaElement.prototype.play = function () {
            HTMLMediaElement.prototype.play = play;
            return Promise.reject(new DOMException("no gesture", "NotAllowedError"));
          };
        }"""
    )
    dial(page, "600")
    hear = page.get_by_test_id("hear")
    expect(hear).to_contain_text("Click to hear")
    hear.click()
    expect(hear).to_be_hidden()
    assert page.evaluate("!document.querySelector('audio').paused")
