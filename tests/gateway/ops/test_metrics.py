"""What is counted, that no label grows without end, and that docs/metrics.md lists exactly what there is."""

import re
from dataclasses import asdict
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry, generate_latest

from gateway.app import Gateway
from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.config.tables import Config
from gateway.ops.metrics import Metrics, Sources
from gateway.ops.recall import MOST, Recall
from media.events import LegStats

DOCS = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"
CALLER = ev.Identity("101")


def fold(*events, **sources) -> dict[str, float]:
    registry = CollectorRegistry()
    metrics = Metrics(registry, Sources(**sources))
    for event in events:
        metrics.publish(event)
    rows = (line.rsplit(" ", 1) for line in generate_latest(registry).decode().splitlines() if line[0] != "#")
    return {name: float(value) for name, value in rows}


def test_set_up_is_until_it_rings_and_counted_once():
    got = fold(
        ev.CallStarted("c", 10.0, CALLER, "sip", "102", "c-a"),
        ev.CallAlerting("c", 10.4, "c-b1"),
        ev.CallAlerting("c", 10.5, "c-b2"),
        ev.CallAnswered("c", 13.0, "c-b1", "browser", 3.0),
        ev.CallStarted("d", 10.0, CALLER, "sip", "600", "d-a"),
        ev.CallAnswered("d", 10.1, "d-app", "app", 0.1),
        ev.CallStarted("e", 10.0, CALLER, "sip", "102", "e-a"),
        ev.CallEnded("e", 11.0, ending("cancelled"), "e-a", None),
    )
    assert got["tandem_call_setup_seconds_count"] == 2
    assert round(got["tandem_call_setup_seconds_sum"], 6) == 0.5
    assert round(got["tandem_call_answer_seconds_sum"], 6) == 3.1


def test_refusals_by_cause_and_status():
    got = fold(
        ev.CallEnded("a", 1.0, ending("unknown-number"), None, None),
        ev.CallEnded("b", 1.0, ending("stopping"), None, None),
        ev.CallEnded("c", 1.0, ending("cancelled"), "c-a", None),
        ev.CallEnded("d", 1.0, ending("media-timeout"), None, 20.0),
    )
    refused = {name: value for name, value in got.items() if name.startswith("tandem_calls_refused_total")}
    assert refused == {
        'tandem_calls_refused_total{cause="unknown-number",status="404"}': 1,
        'tandem_calls_refused_total{cause="stopping",status="503"}': 1,
    }


def report(leg: str, **figures) -> ev.LegQuality:
    return ev.LegQuality("c", 1.0, leg, asdict(LegStats(**figures)))


def test_loss_jitter_and_round_trip_by_kind_and_direction():
    got = fold(
        ev.CallStarted("c", 0.0, CALLER, "browser", "102", "c-a"),
        ev.LegRang("c", 0.0, "c-b1", "sip", "sip:102@phone", None),
        report("c-a", packets_in=250, packets_out=250, loss_in=0.02, jitter_in_ms=12, jitter_out_ms=4, rtt_ms=80),
        report("c-a", packets_in=250, packets_out=500, loss_in=0.9, loss_out=0.5, rtt_ms=80),  # nothing came: no figure
        report("c-b1", packets_in=250, packets_out=250, jitter_in_ms=3),  # sends no reports of its own
        report("unheard-of", packets_in=1),
    )
    assert got['tandem_rtp_loss_ratio_count{direction="in",kind="browser"}'] == 1
    assert got['tandem_rtp_loss_ratio_sum{direction="in",kind="browser"}'] == 0.02
    assert got['tandem_rtp_loss_ratio_count{direction="out",kind="browser"}'] == 2
    assert got['tandem_rtp_jitter_seconds_sum{direction="in",kind="browser"}'] == 0.012
    assert got['tandem_rtp_rtt_seconds_sum{kind="browser"}'] == 0.16
    assert got['tandem_rtp_jitter_seconds_sum{direction="in",kind="sip"}'] == 0.003
    assert 'tandem_rtp_rtt_seconds_sum{kind="sip"}' not in got
    assert got['tandem_rtp_loss_ratio_count{direction="in",kind="other"}'] == 1


def test_trunks_and_queues():
    got = fold(trunks=lambda: {"office": True, "backup": False}, queues={"webhooks": lambda: 7})
    assert got['tandem_trunk_registered{trunk="office"}'] == 1
    assert got['tandem_trunk_registered{trunk="backup"}'] == 0
    assert got['tandem_queue_depth{queue="webhooks"}'] == 7


def test_memory_is_short():
    recall: Recall[int] = Recall()
    for number in range(MOST + 10):
        recall[str(number)] = number
    recall["10"] = 0
    recall["new"] = 1
    assert len(recall) == MOST
    assert "10" in recall
    assert "11" not in recall


async def test_the_documentation_lists_all_and_no_other():
    tables = {"server": {"port": 0}, "sip": {"port": 0}, "media": {"webrtc_port": 0}}
    gateway = Gateway(Config.model_validate(tables))
    await gateway.start()
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{gateway.web.urls[0]}metrics") as answer:
            text = await answer.text()
    finally:
        await gateway.stop()
    served = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    # each counter and histogram brings a gauge with the time of its making
    served = {name for name in served if not name.endswith("_created")}
    listed = set(re.findall(r"^\| `(\w+)`", DOCS.read_text(), re.MULTILINE))
    assert served == listed
