"""What a line of the log looks like, whose call it is of, and that nothing secret or forged is in it."""

import asyncio
import json
import logging
import sys

import pytest

from gateway.ops import call_log, logs
from gateway.ops.logs import current_call, loop_handler, make_formatter, note_call, plain


class Lines(logging.Handler):
    """Formatted lines, kept."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.addFilter(note_call)
        self.setFormatter(make_formatter(style, ["hunter2hunter2"]))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(params=["text", "json"])
def lines(request):
    handler = Lines(request.param)
    log = logging.getLogger("tandem")
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    yield handler.lines
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)


@pytest.fixture
def log():
    return logging.getLogger("tandem.test")


def call_of(line: str) -> str:
    if line.startswith("{"):
        return json.loads(line).get("call", "")
    words = line.partition(": ")[2]
    return words[1:9] if words.startswith("[") else ""


def test_a_leg_in_the_line_says_whose_it_is(lines, log):
    log.info("%s cannot be called: %s", "3f2a1b9c-b1", "no")
    log.info("played by 3f2a1b9c-music2")
    log.info("session 3f2a1b9c-0000-4000-8000-000000000000 of a page")
    log.info("3f2a1b9c")
    assert [call_of(line) for line in lines] == ["3f2a1b9c", "3f2a1b9c", "", ""]


def test_who_writes_it_may_say_whose_it_is(lines, log):
    log.info("about another's leg 00000000-a", extra={"call": "3f2a1b9c"})
    assert call_of(lines[0]) == "3f2a1b9c"


async def test_what_works_for_a_call_writes_its_lines(lines, log):
    async def work() -> None:
        current_call.set("aaaaaaaa")
        await asyncio.create_task(deeper())
        asyncio.get_running_loop().call_soon(log.info, "from a timer")
        await asyncio.sleep(0)

    async def deeper() -> None:
        log.info("from a task of a task")

    async def named() -> None:
        log.info("from a task by its name")

    await asyncio.create_task(work())
    await asyncio.create_task(named(), name="call-bbbbbbbb")
    await asyncio.create_task(named(), name="place-cccccccc-b1")
    log.info("of nobody's")
    assert [call_of(line) for line in lines] == ["aaaaaaaa", "aaaaaaaa", "bbbbbbbb", "cccccccc", ""]


def test_the_calls_own_lines(lines):
    from gateway.calls import events as ev

    call_log.write(ev.CallStarted("3f2a1b9c", 0.0, ev.Identity("101", "Alice"), "sip", "600", "3f2a1b9c-a"))
    assert call_of(lines[0]) == "3f2a1b9c"
    assert "Alice <101> (sip) calls 600" in lines[0]


def test_secrets_are_masked_in_words_arguments_and_tracebacks(lines, log):
    log.info("Authorization: Bearer abcdefghijkl")
    log.info("%s", {"password": "abcdefghijkl"})
    try:
        raise ValueError("hunter2hunter2 and token=abcdefghijkl")
    except ValueError:
        log.exception("it failed")
    assert len(lines) == 3
    for line in lines:
        assert "abcdefghijkl" not in line
        assert "hunter2hunter2" not in line
    assert "Traceback" in lines[2]


def test_a_stranger_cannot_forge_a_line(lines, log):
    log.info("hello %s", "x\n2026-01-01 00:00:00,000 ERROR   tandem: all is lost\x1b[31m")
    (line,) = lines
    assert "\n" not in line
    assert "\x1b" not in line


def test_a_traceback_is_indented_or_a_field(lines, log):
    try:
        raise ValueError("a\nERROR forged")
    except ValueError:
        log.exception("it failed")
    first, *rest = lines[0].split("\n")
    assert "it failed" in first
    if first.startswith("{"):
        assert rest == []
        assert "ValueError" in json.loads(first)["trace"]
    else:
        assert rest
        assert all(line.startswith("    ") for line in rest)


def test_json_has_its_fields():
    record = logging.LogRecord("signaling.net", logging.WARNING, "f", 1, "3f2a1b9c-a: %s", ("é",), None)
    record.created = 1_772_366_400.1234
    note_call(record)
    assert json.loads(make_formatter("json").format(record)) == {
        "time": "2026-03-01T12:00:00.123Z",
        "level": "warning",
        "logger": "signaling.net",
        "call": "3f2a1b9c",
        "leg": "3f2a1b9c-a",
        "message": "3f2a1b9c-a: é",
    }


async def test_what_nobody_caught_is_one_record(lines):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(loop_handler)

    async def fails() -> None:
        raise LookupError("nobody looks")

    def callback() -> None:
        raise ArithmeticError("in a callback")

    loop.call_soon(callback)
    task = asyncio.create_task(fails(), name="call-dddddddd")
    await asyncio.wait([task])
    del task
    await asyncio.sleep(0)
    assert len(lines) == 2
    assert any("in a callback" in line and "ArithmeticError" in line for line in lines)
    assert any("nobody looks" in line and call_of(line) == "dddddddd" for line in lines)


def test_setting_up_and_levels_of_subsystems(monkeypatch, capsys):
    root = logging.getLogger()
    kept = root.handlers[:], root.level, sys.excepthook
    monkeypatch.setattr("threading.excepthook", lambda args: None)
    try:
        logs.set_up("warning", "json", {"signaling": "debug"}, ["hunter2hunter2"])
        logging.getLogger("signaling.net.udp").debug("seen hunter2hunter2")
        logging.getLogger("media.host").info("not seen")
        logging.getLogger("media.host").warning("seen too")
        sys.excepthook(ValueError, ValueError("token=abcdefghijkl"), None)
    finally:
        root.handlers[:], sys.excepthook = kept[0], kept[2]
        root.setLevel(kept[1])
        logging.getLogger("signaling").setLevel(logging.NOTSET)
        logging.captureWarnings(False)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in lines[:2]] == ["seen ***", "seen too"]
    assert lines[2]["level"] == "critical"
    assert "abcdefghijkl" not in lines[2]["trace"]


def test_plain():
    assert plain("grün") == "grün"
    assert plain("a\r\n\tb\x00\u2028") == "a\\r\\n\\tb\\x00\\u2028"
