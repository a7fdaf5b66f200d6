"""For everybody: keyboard, screen reader, contrast, small screens, no motion, light and dark."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

import web
from tests.e2e.page.test_page_calls import connected, dial

pytestmark = pytest.mark.e2e

NAMELESS = """() => [...document.querySelectorAll("button, input, select, summary, dialog, [role=alertdialog]")]
  .filter((node) => node.checkVisibility())
  .filter((node) => !(node.ariaLabel || node.innerText?.trim() || node.labels?.length))
  .filter((node) => !node.hasAttribute("aria-labelledby"))
  .map((node) => node.outerHTML)"""

SIDEWAYS = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"

SMALL = """() => [...document.querySelectorAll("button")].filter((node) => node.checkVisibility())
  .map((node) => [node.dataset.testid, node.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24).map(([name]) => name)"""


def test_a_whole_call_by_keyboard(new_page, switchboard):
    page = new_page("?raw=1&user=alice", user=None)
    page.get_by_test_id("demo-alice").wait_for()
    page.keyboard.press("Enter")
    page.locator("[data-testid=connection][data-state=open]").wait_for()
    page.keyboard.type("6009")
    page.keyboard.press("Backspace")
    expect(page.get_by_test_id("number")).to_have_value("600")
    page.keyboard.press("Enter")
    connected(page)
    page.keyboard.type("5*")
    switchboard.wait(lambda: switchboard.party().digits == "5*", "digits")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.testid") == "hangup":
            break
    page.keyboard.press("Enter")
    switchboard.wait(lambda: not switchboard.parties, "the end")
    page.keyboard.type("123")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("number")).to_have_value("")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("number")).to_have_value("600"), "an empty field recalls the last number"
    party = switchboard.ring()
    expect(page.get_by_test_id("incoming")).to_be_visible()
    page.keyboard.press("Enter")
    connected(page)
    switchboard.tell(party, "ended", "normal", "Bob ended the call.")
    switchboard.ring()
    expect(page.get_by_test_id("incoming")).to_be_visible()
    page.keyboard.press("Escape")
    switchboard.wait(lambda: switchboard.events[-1] == "CallDeclined", "the refusal")


def test_focus_is_always_to_be_seen(new_page):
    page = new_page()
    for _ in range(12):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px", page.evaluate("document.activeElement.outerHTML")


@pytest.mark.parametrize("width", [320, 1280])
def test_every_state_has_names_and_fits(new_page, switchboard, width):
    page = new_page(user=None, viewport={"width": width, "height": 720})

    def check():
        assert page.evaluate(NAMELESS) == []
        assert not page.evaluate(SIDEWAYS)
        assert page.evaluate(SMALL) == []

    page.get_by_test_id("demo-alice").wait_for()
    check()
    page.get_by_test_id("demo-alice").click()
    page.get_by_test_id("sign-in").click()
    page.locator("[data-testid=connection][data-state=open]").wait_for()
    check()
    dial(page, "sip:somebody-with-a-very-long-name@a-very-long-domain.example.com")
    connected(page)
    page.get_by_test_id("keypad").click()
    check()
    switchboard.ring(display="Bob with a name so long that it can hardly fit on any line of any telephone")
    expect(page.get_by_test_id("incoming")).to_be_visible()
    check()
    page.get_by_test_id("answer").click()
    connected(page)
    check()
    page.get_by_test_id("hangup").click()
    page.get_by_test_id("hangup").click()
    dial(page, "nobody")
    expect(page.get_by_test_id("notice")).to_be_visible()
    check()
    page.get_by_test_id("settings").click()
    check()


@pytest.mark.parametrize("size", [(390, 700), (320, 568), (1280, 600)])
def test_the_way_out_of_a_call_is_always_to_be_seen(new_page, switchboard, size):
    page = new_page(viewport={"width": size[0], "height": size[1]})
    dial(page, "603")
    connected(page)
    page.get_by_test_id("keypad").click()
    page.keyboard.type("12")
    switchboard.tell(switchboard.party(), "dtmf", "5")
    expect(page.get_by_test_id("digits-heard")).to_be_visible()
    box = page.get_by_test_id("hangup").bounding_box()
    assert box and box["y"] >= 0 and box["y"] + box["height"] <= size[1]


def test_what_a_screen_reader_is_told(new_page, switchboard):
    page = new_page()
    dial(page, "600")
    connected(page)
    assert page.get_by_role("heading", name="Echo").is_visible()
    assert page.get_by_role("timer", name="Duration").is_visible()
    assert page.get_by_test_id("call-state").get_attribute("aria-live") == "polite"
    assert page.get_by_role("button", name="Mute").get_attribute("aria-pressed") == "false"
    assert page.get_by_role("button", name="Hang up").is_visible()
    switchboard.ring()
    expect(page.get_by_role("alertdialog", name="Incoming call from Bob Builder")).to_be_visible()
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("button", name="star").count() == 0, "hidden keys are not read"
    page.get_by_test_id("keypad").click()
    assert page.get_by_role("button", name="star").count() == 1


def test_light_and_dark(new_page):
    back = "getComputedStyle(document.documentElement).backgroundColor"
    page = new_page(color_scheme="dark")
    dark = page.evaluate(back)
    page.get_by_test_id("theme").click()
    light = page.evaluate(back)
    assert light != dark
    page.reload()
    assert page.evaluate(back) == light, "the choice is kept"
    page.get_by_test_id("settings").click()
    page.get_by_test_id("theme-select").select_option("auto")
    assert page.evaluate(back) == dark


def test_the_microphone_is_let_go_and_processing_obeys_the_switch(new_page, switchboard):
    page = new_page("")
    page.evaluate(
        """() => {
          const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          window.asked = [];
          navigator.mediaDevices.getUserMedia = async (what) => { window.asked.push([what.audio.echoCancellation,
          window.stream = await open(what)][0]); return window.stream; };
        }"""
    )
    dial(page, "600")
    connected(page)
    page.get_by_test_id("hangup").click()
    assert page.evaluate("window.stream.getTracks().every((track) => track.readyState === 'ended')")
    page.get_by_test_id("settings").click()
    page.get_by_test_id("processing").uncheck()
    page.get_by_test_id("settings-close").click()
    dial(page, "600")
    connected(page)
    assert page.evaluate("window.asked") == [True, False]


def test_without_motion(new_page):
    page = new_page(reduced_motion="reduce")
    dial(page, "ring")
    page.wait_for_function("() => document.querySelector('.avatar.pulse')")
    assert page.evaluate("getComputedStyle(document.querySelector('.avatar.pulse')).animationName") == "none"


# -- contrast, computed from the tokens


def themes():
    css = (Path(web.__file__).parent / "style" / "tokens.css").read_text()
    for selector, body in re.findall(r"(:root[^{]*)\{([^}]*)\}", css):
        yield selector.strip(), dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", body))


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


TEXT = [
    ("ink", "back"), ("ink", "card"), ("ink", "sunk"), ("quiet", "back"), ("quiet", "card"), ("quiet", "sunk"),
    ("accent-ink", "accent"), ("accent", "accent-soft"), ("on-signal", "go"), ("on-signal", "stop"), ("good", "card"),
    ("go", "card"), ("poor", "card"), ("poor", "sunk"), ("warn-ink", "warn-back"), ("card", "ink"), ("ink",
    "accent-soft"),
]  # fmt: skip
SIGNS = [("edge", "card"), ("good", "sunk"), ("fair", "card"), ("accent", "card"), ("accent", "back")]


@pytest.mark.parametrize(("selector", "tokens"), list(themes()), ids=lambda v: v if isinstance(v, str) else "")
def test_contrast_is_aa(selector, tokens):
    assert len(tokens) >= 20
    for front, back in TEXT:
        assert contrast(tokens[front], tokens[back]) >= 4.5, (selector, front, back)
    for front, back in SIGNS:
        assert contrast(tokens[front], tokens[back]) >= 3, (selector, front, back)


def test_the_dark_theme_is_the_same_by_choice_and_by_system():
    chosen, system = [tokens for selector, tokens in themes() if selector != ":root"]
    assert chosen == system
