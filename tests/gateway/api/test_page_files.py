"""The page's files as they lie in the package: complete, self-contained, within the content policy."""

import re
import tomllib
from pathlib import Path

import pytest

from gateway.api.assets import TYPES
from gateway.api.config import PAGE

SCRIPTS = sorted(PAGE.rglob("*.js"))
FILES = [path for path in sorted(PAGE.rglob("*")) if path.suffix in TYPES]
INDEX = (PAGE / "index.html").read_text()


def test_every_module_is_fetched_at_once_and_not_one_after_the_other():
    preloaded = re.findall(r'rel="modulepreload" href="([^"]+)"', INDEX)
    assert preloaded == [path.relative_to(PAGE).as_posix() for path in SCRIPTS]


def test_every_style_is_used():
    linked = {*re.findall(r'rel="stylesheet" href="([^"]+)"', INDEX), "style/docs.css"}  # of /v1/docs
    assert sorted(linked) == [path.relative_to(PAGE).as_posix() for path in sorted(PAGE.rglob("*.css"))]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_imports_lead_to_files_of_the_page(path):
    for name in re.findall(r'(?:from|import) "([^"]+)"', path.read_text()):
        assert name.startswith("."), f"{name}: nothing is fetched from elsewhere"
        assert (path.parent / name).resolve() in SCRIPTS, name


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_nothing_breaks_the_content_policy_or_leaves_the_page(path):
    text = path.read_text()
    for forbidden in ("innerHTML", "eval(", "document.write", "cdn.", "@import", 'style="', "onclick="):
        assert forbidden not in text, forbidden
    for address in re.findall(r"(?:https?|wss?)://[\w.-]+", text):
        assert address == "http://www.w3.org", address


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_a_module_is_small_and_says_what_it_is(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) <= 400


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_every_icon_exists(path):
    symbols = set(re.findall(r'<symbol id="([\w-]+)"', (PAGE / "icons.svg").read_text()))
    used = re.findall(r'\bicon\("([\w-]+)"\)', path.read_text())
    assert set(used) <= symbols


def test_the_package_ships_the_page():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert "web" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
