"""`python -m bench`: Tandem's media path and the naive aiortc design, same machine, same run, same load; ratios.

Writes bench/out/latest.json: {"rows": [{"scenario", "subject", "calls", "us_per_call_tick", "calls_per_core", "loss",
"delay_p50_ms", "delay_p99_ms", ...}], "ratios": {...}}. Figures are process CPU time (user + system), never wall time.
A call-tick is 20 ms of one call: one packet each way. calls_per_core = 20 000 us / (us per call-tick), at 100 % of one.

Machines are noisy, neighbours on the same host above all: subjects take turns for several rounds, and each row is that
subject's best round, the one that was disturbed least ("rounds" has what each of them cost).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out" / "latest.json"
SUBJECTS = {"tandem": "bench.tandem", "naive": "bench.naive"}
ENCODINGS = {"transcode": "OPUS", "passthrough": "PCMU"}

SATURATED = 92
"""Percent of a core above which packets queue up: what such a row says of cost and delay is wrong."""

Row = dict[str, Any]


def pinned(core: int, command: list[str]) -> list[str]:
    """Keep subject and generator on cores of their own where there are two."""
    if (os.cpu_count() or 1) < 2 or subprocess.run(["which", "taskset"], capture_output=True, check=False).returncode:
        return command
    return ["taskset", "-c", str(core), *command]


def measure(scenario: str, subject: str, calls: int, seconds: float) -> Row:
    """One row: start the subject, load it, stop it."""
    gateway = subprocess.Popen(
        pinned(0, [sys.executable, "-m", SUBJECTS[subject], *([scenario] if subject == "tandem" else [])]),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert gateway.stdout is not None
        port = gateway.stdout.readline().strip()
        if not port:
            raise SystemExit(f"{subject} did not start")
        load = pinned(1, [sys.executable, "-m", "bench.load", port, str(calls), str(seconds), ENCODINGS[scenario]])
        done = subprocess.run(load, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 120, check=False)
        if done.returncode or not done.stdout:
            raise SystemExit(f"the load generator failed on {scenario}/{subject}:\n{done.stderr[-2000:]}")
        row: Row = {"scenario": scenario, "subject": subject, **json.loads(done.stdout)}
    finally:
        gateway.kill()
        gateway.wait()
    if row["core_percent"] > SATURATED:
        row["void"] = f"{calls} calls are more than this core carries just now: try --calls {calls * 2 // 3}"
    elif row["packets_per_second"] < 49.5:
        row["void"] = "the generator fell behind; figures of this row are not to be trusted"
    return row


def best(scenario: str, plan: list[tuple[str, int]], rounds: int, seconds: float) -> list[Row]:
    """One row for each subject and number of calls: the least disturbed round of each."""
    found: dict[tuple[str, int], list[Row]] = {each: [] for each in plan}
    for number in range(1, rounds + 1):
        for subject, calls in plan:
            words = f"{scenario}: {subject}, {calls} calls, round {number} of {rounds} ..."
            print(words, file=sys.stderr, flush=True)
            found[subject, calls].append(_carried(scenario, subject, calls, seconds))
    return [_best_of(rows) for rows in found.values()]


def _carried(scenario: str, subject: str, calls: int, seconds: float) -> Row:
    """A round with as many of the calls as the core carries."""
    row = measure(scenario, subject, calls, seconds)
    while row["core_percent"] > SATURATED and calls > 10:
        calls = calls * 2 // 3
        row = measure(scenario, subject, calls, seconds)
    return row


def _best_of(rows: list[Row]) -> Row:
    sound = [row for row in rows if "void" not in row] or rows
    best = min(sound, key=lambda row: row["us_per_call_tick"])
    return {**best, "rounds": [row["us_per_call_tick"] for row in rows]}


COLUMNS = {
    "scenario": "scenario",
    "subject": "subject",
    "calls": "calls",
    "us_per_call_tick": "us/call-tick",
    "calls_per_core": "calls/core",
    "delay_p50_ms": "delay p50",
    "delay_p99_ms": "p99 ms",
    "loss": "loss",
    "lateness_p99_ms": "late p99",
    "setup_ms_cpu": "set-up ms",
    "rss_mb": "MB",
    "threads": "threads",
}


def table(rows: list[Row]) -> str:
    cells = [list(COLUMNS.values())] + [[str(row.get(key)) for key in COLUMNS] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    return "\n".join("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in cells)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--calls", type=int, default=100, help="calls for Tandem (default 100; at 1-10 calls figures mean little)"
    )
    parser.add_argument(
        "--naive-calls", type=int, default=10, help="calls for the naive design (default 10, where it is best)"
    )
    parser.add_argument("--seconds", type=float, default=8, help="measured time of each round (default 8)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each subject (default 3)")
    parser.add_argument("--scenario", choices=list(ENCODINGS), action="append", help="default: all")
    arguments = parser.parse_args()
    scenarios = arguments.scenario or list(ENCODINGS)
    rows: list[Row] = []
    for scenario in scenarios:
        plan = [("tandem", arguments.calls)]
        if scenario == "transcode":
            plan = [("naive", arguments.naive_calls), ("tandem", arguments.naive_calls), *plan]
        rows += best(scenario, plan, arguments.rounds, arguments.seconds)
    print(table(rows))
    ratios = compare(rows)
    for name, value in ratios.items():
        print(f"{name}: {value}")
    for row in rows:
        if "void" in row:
            print(f"VOID {row['scenario']}/{row['subject']}: {row['void']}")
    OUT.parent.mkdir(exist_ok=True)
    machine = {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "at": time.time(),
    }
    OUT.write_text(json.dumps({"rows": rows, "ratios": ratios, "machine": machine}, indent=1))
    print(f"written: {OUT.relative_to(ROOT)}")


def compare(rows: list[Row]) -> dict[str, float]:
    """Tandem against the naive design on the Opus<->PCMU bridge."""
    bridge = [row for row in rows if row["scenario"] == "transcode"]
    naive = [row for row in bridge if row["subject"] == "naive"]
    tandem = [row for row in bridge if row["subject"] == "tandem"]
    if not naive or not tandem:
        return {}
    most = max(tandem, key=lambda row: row["calls"])
    ratios = {"calls per core, tandem / naive": round(most["calls_per_core"] / naive[0]["calls_per_core"], 1)}
    if most["delay_p50_ms"] is not None and naive[0]["delay_p50_ms"] is not None:
        ratios["delay saved, p50 ms"] = round(naive[0]["delay_p50_ms"] - most["delay_p50_ms"], 1)
    return ratios


if __name__ == "__main__":
    main()
