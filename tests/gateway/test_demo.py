"""The demo: what it sets up, what it shows, how it comes and goes."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509

from gateway.demo import box as demo_box
from gateway.demo.box import Screen, box
from gateway.demo.certificate import certificate
from gateway.demo.run import NUMBERS, PEOPLE, DemoOptions, demo_config, free_port, password, shown, tcp_free, udp_free
from gateway.parts import CannotStart
from tests.kit.ports import free_port as any_free_port

ROOT = Path(__file__).resolve().parents[2]


def options(**more) -> DemoOptions:
    return DemoOptions(port=0, sip_port=0, media_port=0, **more)


def test_its_configuration(tmp_path):
    notes = []
    config = demo_config(options(), "127.0.0.1", tmp_path, notes)
    assert [u.name for u in config.users] == [name for name, _, _ in PEOPLE]
    assert [r.match for r in config.routes] == ["600", "601", "602", "603"]
    assert len(config.server.secret.get_secret_value()) == 64
    assert config.media.recordings == str(tmp_path)
    assert not notes


def test_its_key_opens_everything_from_this_machine_alone(tmp_path):
    hash_ = "sha256:" + "0" * 64
    (key,) = demo_config(options(), "127.0.0.1", tmp_path, [], hash_).api_keys
    assert (key.hash, key.scopes, key.networks) == (hash_, ("admin",), ("127.0.0.0/8", "::1/128"))
    assert demo_config(options(), "127.0.0.1", tmp_path, []).api_keys == ()


def test_on_the_network_it_speaks_tls_and_has_better_passwords(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config = demo_config(options(lan=True), "127.0.0.1", tmp_path, [])
    assert config.server.tls_cert
    assert config.users[0].password.get_secret_value() != "alice"
    assert password("alice", False) == "alice"
    assert password("alice", True) != password("alice", True)


def test_the_page_is_told_accounts_and_numbers():
    told = shown({name: "pw" for name, _, _ in PEOPLE})
    assert told["accounts"][0] == {"user": "alice", "password": "pw", "display": "Alice Ashford", "extension": "101"}
    assert not any("password" in account for account in shown({})["accounts"])  # --lan: whoever is near reads it
    assert [n["number"] for n in told["numbers"]] == [number for number, *_ in NUMBERS]


def test_a_port_that_is_taken_is_passed_over_with_a_word():
    notes = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        found = free_port("127.0.0.1", port, "The page's port", notes, tcp_free)
    assert found > port
    assert notes == [f"The page's port {port} is taken by another program; this demo uses {found}."]


def test_no_port_at_all():
    with pytest.raises(CannotStart, match="no free port from 8080 to 8129"):
        free_port("127.0.0.1", 8080, "x", [], lambda host, port: False)


def test_an_address_of_somebody_else_has_no_free_port():
    assert not tcp_free("192.0.2.1", 8080)
    assert not udp_free("192.0.2.1", 8080)


@pytest.fixture
def screen():
    people = [(display, extension, name, name) for name, extension, display in PEOPLE]
    numbers = [(number, title, words) for number, _, title, words in NUMBERS]
    key = "tk_" + "k" * 43
    return Screen("http://127.0.0.1:8080/", "127.0.0.1:5060", people, numbers, ["A note."], lan=True, key=key)


def test_the_box_holds_together(screen, monkeypatch):
    text = box(screen)
    lines = [line for line in text.splitlines() if line.startswith(("╭", "│", "╰"))]
    assert len({len(line) for line in lines}) == 1
    for word in ("http://127.0.0.1:8080/", "127.0.0.1:5060", "alice", "603", "A note.", "Ctrl-C", "v1/docs", "tk_kkk"):
        assert word in text
    monkeypatch.setattr(demo_box, "_colours", lambda: True)
    coloured = [line for line in box(screen).splitlines() if "│" in line]
    assert "\x1b[" in "".join(coloured)
    assert len({demo_box._width(line) for line in coloured}) == 1


def test_its_certificate_is_made_once_and_renewed_when_it_is_broken(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cert, key = certificate("127.0.0.1")
    first = Path(cert).read_bytes()
    names = x509.load_pem_x509_certificate(first).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "127.0.0.1" in [str(ip) for ip in names.get_values_for_type(x509.IPAddress)]
    assert os.stat(key).st_mode & 0o077 == 0
    assert Path(certificate("127.0.0.1")[0]).read_bytes() == first
    Path(cert).write_text("nonsense")
    assert Path(certificate("127.0.0.1")[0]).read_bytes() != first


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CannotStart, match="XDG_CACHE_HOME"):
        certificate("127.0.0.1")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_comes_up_and_leaves_cleanly(number):
    command = [sys.executable, "-m", "gateway", "demo", "--media-port", "0"]
    command += ["--port", str(any_free_port()), "--sip-port", str(any_free_port())]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    assert process.stdout
    seen = ""
    while "╰" not in seen:
        line = process.stdout.readline()
        assert line, f"it ended: {seen}"
        seen += line
    process.send_signal(number)
    started = time.monotonic()
    rest = process.communicate(timeout=15)[0]
    assert process.returncode == 0, seen + rest
    assert time.monotonic() - started < 5
    assert "Traceback" not in seen + rest
    assert "leaving" in rest
