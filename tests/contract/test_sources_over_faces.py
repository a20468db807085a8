"""The connectors against the dojo's faces: what a hand-made production system holds arrives unchanged, and refusals are told."""

import asyncio
import dataclasses
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from rootward import _clock
from rootward.apps import wiring
from rootward.dojo.wire import faces
from rootward.signals import protocols, records, windows
from rootward.signals.answers import Outcome
from rootward.signals.entities import Entity, EntityKind


def _sample() -> Any:
    """The hand-made shop of the dojo's own tests."""
    path = Path(__file__).resolve().parents[1] / "dojo" / "sample_telemetry.py"
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    return sys.modules[path.stem]


SHOP = _sample()
CLOCK = _clock.VirtualClock(SHOP.NOW_S)
WINDOW = windows.Window(SHOP.NOW_S - 3600.0, SHOP.NOW_S)
VENDORS = ("prometheus", "loki", "kubernetes", "jaeger", "tempo", "alertmanager", "github", "slack", "pagerduty")


def sources(*, only: str = "", access: dict[str, str] | None = None) -> protocols.Sources:
    every = faces.faces(SHOP.telemetry_of_shop(access), CLOCK)
    return wiring.sources_from_faces({k: v for k, v in every.items() if not only or k == only}, CLOCK)


def answer(question: Any) -> Any:
    found = asyncio.run(question)
    assert found.outcome is Outcome.OK, found
    assert found.warnings == () or found.source == "jaeger"
    return found.value


def test_metrics() -> None:
    source = sources().metrics[0]
    listed = answer(source.catalogue(WINDOW))
    assert [(one.name, one.kind, one.labels["job"], one.series) for one in listed] == [
        ("http_requests_total", "counter", ("checkout",), 1)
    ]
    query = protocols.MetricQuery("http_requests_total", function="rate", over_s=60.0, aggregate="sum", by=("job",))
    (line,) = answer(source.query(query, WINDOW, 60.0))
    assert line.labels == {"job": "checkout"}
    assert line.values[5:].tolist() == pytest.approx([2.0] * 56)
    wrong = asyncio.run(source.native("rate(nope[", WINDOW, 60.0))
    assert wrong.outcome is Outcome.BAD_QUERY


def test_logs_and_their_counts_agree() -> None:
    source = sources().logs[0]
    assert {one["app"] for one in answer(source.streams(WINDOW))} == {"frontend", "checkout"}
    query = protocols.LogQuery((protocols.Matcher("app", "=", "checkout"),), contains=("ERROR",))
    batch = answer(source.lines(query, WINDOW))
    assert len(batch) == 360
    assert all('"error"' in line for line in batch.lines)
    assert all(batch.trace_ids)
    assert not any("FUTURE" in line for line in batch.lines)
    (line,) = answer(source.counts(query, WINDOW, 600.0, ("app",)))
    assert line.values[1:].sum() == 360.0


def test_pages_of_logs_lose_and_double_nothing() -> None:
    http = sources().logs[0]._http
    from rootward.connectors.loki import LokiSource

    whole = answer(LokiSource("l", http).lines(protocols.LogQuery(), WINDOW))
    for newest_first in (True, False):
        query = protocols.LogQuery(newest_first=newest_first)
        paged = answer(LokiSource("l", http, page_lines=700).lines(query, WINDOW))
        assert list(paged.lines) == list(whole.lines)
        assert paged.times_s.tolist() == whole.times_s.tolist()


def test_jaeger_v1_and_v3_and_tempo_tell_the_same_spans() -> None:
    from rootward.connectors.jaeger import JaegerSource

    jaeger, tempo = sources(only="jaeger").traces[0], sources(only="tempo").traces[0]
    v3 = JaegerSource("j3", jaeger._http, api="v3")
    query = protocols.TraceQuery("checkout", errors_only=True, min_duration_s=0.3)
    batches = [answer(one.search(query, WINDOW)) for one in (jaeger, v3, tempo)]
    assert len(batches[0]) == 45
    for field in ("trace_id", "span_id", "parent_id", "service", "instance", "operation", "kind", "error"):
        assert list(getattr(batches[0], field)) == list(getattr(batches[1], field)) == list(getattr(batches[2], field))
    assert batches[0].start_s.tolist() == pytest.approx(batches[2].start_s.tolist(), abs=1e-6)
    edges = answer(jaeger.dependencies(WINDOW))
    assert [(one.caller.name, one.callee.name) for one in edges] == [("checkout", "payments"), ("frontend", "checkout")]


def test_only_one_of_two_trace_back_ends_is_asked() -> None:
    assert [one.name for one in sources().traces] == ["jaeger"]


def test_cluster() -> None:
    source = sources().clusters[0]
    pods = answer(source.objects("Pod", "shop", "app=checkout"))
    assert [one.name for one in pods] == ["checkout-7d9c6b5f4-abcde"]
    assert pods[0].body["status"]["containerStatuses"][0]["restartCount"] == 2
    (event,) = answer(source.events(WINDOW))
    assert (event.reason, event.warning, event.count) == ("BackOff", True, 3)
    assert event.entity == Entity(EntityKind.POD, "checkout-7d9c6b5f4-abcde", "shop")
    assert len(answer(source.pod_logs("checkout-7d9c6b5f4-abcde", "shop"))) > 0
    for kind, outcome in (
        ("Certificate", Outcome.BAD_QUERY),
        ("Podd", Outcome.BAD_QUERY),
        ("CronJob", Outcome.NO_DATA),
    ):
        assert asyncio.run(source.objects(kind)).outcome is outcome
    assert "did you mean Pod" in asyncio.run(source.objects("Podd")).error


def test_changes() -> None:
    github, pagerduty = sources().changes
    commit, deploy, *_ = answer(github.changes(WINDOW))
    assert (commit.kind, commit.entity.name, commit.detail["pull"]) == (records.ChangeKind.COMMIT, "checkout", "41")
    assert commit.files == {"checkout/config.yaml": "@@ -1 +1 @@\n-pool: 50\n+pool: 10"}
    assert (deploy.kind, deploy.entity.name, deploy.detail["state"]) == (
        records.ChangeKind.DEPLOY,
        "checkout",
        "success",
    )
    (flag,) = answer(pagerduty.changes(WINDOW))
    assert (flag.kind, flag.entity.name, flag.time_s) == (records.ChangeKind.FLAG, "checkout", SHOP.START_S + 900)


def test_messages_and_alerts() -> None:
    told = answer(sources().messages[0].messages(WINDOW))
    assert [(one.channel, one.author, one.text, one.bot) for one in told] == [
        ("incidents", "ana", "checkout looks odd", False),
        ("incidents", "ben", "looking", False),
        ("deploys", "deploybot", "rolled out 1.4.2", True),
    ]
    assert told[0].thread == told[1].thread
    alertmanager, pagerduty = sources().alerts
    (alert,) = answer(alertmanager.alerts(WINDOW))
    assert (alert.name, alert.ends_at_s, alert.entity.name) == ("HighErrors", None, "checkout")
    assert [one.name for one in answer(pagerduty.alerts(WINDOW))] == ["Flap", "HighErrors"]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("state", "outcome"), [("forbidden", Outcome.NOT_PERMITTED), ("down", Outcome.FAILED)])
def test_faces_that_refuse(vendor: str, state: str, outcome: Outcome) -> None:
    found = sources(only=vendor, access={vendor: state})
    (kind,) = {one.name for field in dataclasses.fields(found) for one in getattr(found, field.name)}
    assert kind == vendor
    before_s = CLOCK.now_s()
    for field in dataclasses.fields(found):
        for source in getattr(found, field.name):
            assert asyncio.run(source.ping()).outcome is outcome
    assert CLOCK.now_s() == before_s, "retrying must not bring the future into view"


@pytest.mark.parametrize("vendor", VENDORS)
def test_absent_vendors_are_left_out(vendor: str) -> None:
    found = sources(access={vendor: "absent"})
    assert vendor not in {one.name for field in dataclasses.fields(found) for one in getattr(found, field.name)}
