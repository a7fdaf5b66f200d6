"""The house's rules as tests: who may import whom, every room has its card, files stay small, errors carry answers."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gateway", "signaling", "media")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MODULES = [name for package in PACKAGES for _, name, _ in pkgutil.walk_packages([str(ROOT / package)], package + ".")]
LONGEST = 500


def test_import_rules_hold():
    lint = Path(sys.executable).with_name("lint-imports")
    command = str(lint) if lint.exists() else shutil.which("lint-imports")
    assert command, "import-linter is missing: run `make test`"
    done = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.name == "__init__.py"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_every_room_has_its_card(path):
    card = ast.get_docstring(ast.parse(path.read_text())) or ""
    for line in ("I am", "I may use", "I never", "wakes me"):
        assert line in card, f"{path.relative_to(ROOT)}: its docstring does not say «{line}»"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_outgrows_its_concept(path):
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path.relative_to(ROOT)} has no docstring"


def test_every_folder_of_tests_is_a_package():
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert not [str(f) for f in folders if not (f / "__init__.py").exists()]


def concrete_errors():
    for name in MODULES:
        if name.rsplit(".", 1)[-1] != "errors":
            continue
        for _, kind in inspect.getmembers(importlib.import_module(name), inspect.isclass):
            if issubclass(kind, Exception) and kind.__module__ == name:
                yield kind


@pytest.mark.parametrize("kind", list(concrete_errors()), ids=lambda k: f"{k.__module__}.{k.__name__}")
def test_every_error_carries_its_answer(kind):
    assert 400 <= kind.sip_status <= 699
    assert re.fullmatch(r"[a-z0-9-]+", kind.cause)
    assert isinstance(kind.retryable, bool)


def test_every_module_can_be_imported():
    for name in MODULES:
        importlib.import_module(name)
