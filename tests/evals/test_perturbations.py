"""Perturbations: each changes what it says, consistently in all signals, and nothing else; what must not matter does not."""

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rootward import _clock, _rng, errors
from rootward.apps import subjects
from rootward.dojo.capsule import checks
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.engines.promql import engine
from rootward.dojo.wire import faces
from rootward.evals import grading, materials, perturbations
from rootward.evals import plan as plans
from rootward.evals.perturbations import extra_noise, metric_names, spelling, stamps, synonyms, variant

ITEM = plans.Item("slow_query/generated-8/41", "generated", 8, "slow_query", 41, hours=1.5, step_s=60.0, retries=4)
APPLIED = [name for name in perturbations.names() if name != perturbations.CLEAN]


@pytest.fixture(scope="module")
def material() -> materials.Material:
    return materials.build(ITEM)


@pytest.fixture(scope="module")
def variants(material: materials.Material) -> dict[str, variant.Variant]:
    return {name: materials.perturbed(ITEM, material, name) for name in perturbations.names()}


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys of mappings left out."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)


def printed(made: variant.Variant | materials.Material) -> str:
    """All of a scenario as text, to tell two of them apart."""
    telemetry = made.scenario.telemetry
    numbers = [float(np.nansum(np.where(tm.is_stale(b.values), 0.0, b.values))) for b in telemetry.metrics.blocks]
    times = [b.times_s.tolist() for b in telemetry.metrics.blocks]
    rest = [telemetry.now_s, None if telemetry.logs is None else telemetry.logs.times_ns.tolist()]
    return json.dumps([list(texts(made.scenario)), dict(telemetry.access), numbers, times, rest, made.truth.to_json()])


def test_the_same_seed_makes_the_same_variant_and_leaves_the_original_alone(
    material: materials.Material, variants: dict[str, variant.Variant]
) -> None:
    before = printed(material)
    for name in APPLIED:
        assert printed(materials.perturbed(ITEM, material, name)) == printed(variants[name]), name
    assert printed(material) == before


@pytest.mark.parametrize("name", perturbations.names())
def test_every_perturbation_changes_something_and_leaves_a_sound_scenario(
    material: materials.Material, variants: dict[str, variant.Variant], name: str
) -> None:
    made = variants[name]
    assert made.applied
    assert printed(made) != printed(material) or name == "synonyms"
    assert perturbations.describe(name)
    known = len(checks.content_problems(material.scenario))
    assert len(checks.content_problems(made.scenario)) <= known
    served = faces.faces(made.scenario.telemetry, _clock.VirtualClock(made.scenario.telemetry.now_s))
    assert "prometheus" in served


def firing(made: variant.Variant | materials.Material) -> dict[int, bool]:
    """Whether each rule's query, asked at the alert's start, returns anything, by the rule's place."""
    telemetry = made.scenario.telemetry
    ask = engine.Engine(telemetry.metrics)
    at_s = _clock.from_iso(made.scenario.alert["alerts"][0]["startsAt"])
    return {place: bool(ask.instant(rule.expr, at_s).series) for place, rule in enumerate(telemetry.rules)}


@pytest.mark.parametrize(
    "name", ["rename_services", "rename_metrics", "units", "shifted_clock", "paraphrased_alert", "time_zone"]
)
def test_rules_say_the_same_in_other_names_units_and_times(
    material: materials.Material, variants: dict[str, variant.Variant], name: str
) -> None:
    expected = firing(material)
    assert any(expected.values())
    assert not all(expected.values())
    assert firing(variants[name]) == expected


def test_no_old_name_is_left_anywhere(material: materials.Material, variants: dict[str, variant.Variant]) -> None:
    made = variants["rename_services"]
    old = sorted(made.originals.values(), key=len, reverse=True)
    find = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(map(re.escape, old))})(?![A-Za-z0-9_])")
    metric_names_only = {
        labels["__name__"] for block in made.scenario.telemetry.metrics.blocks for labels in block.labels
    }
    left = [text for text in texts(made.scenario) if text not in metric_names_only and find.search(text)]
    assert left == []
    assert sum(bool(find.search(text)) for text in texts(material.scenario)) > 100
    assert made.truth.causes[0].name != material.truth.causes[0].name
    back = [made.originals.get(name, name) for name in made.truth.path]
    assert back == list(material.truth.path)
    assert {len(b.labels) for b in made.scenario.telemetry.metrics.blocks} == {
        len(b.labels) for b in material.scenario.telemetry.metrics.blocks
    }


def test_names_are_exchanged_in_every_spelling_and_only_as_words() -> None:
    exchange = spelling.Exchange({"catalog": "heron", "catalog-db": "heron-db"})
    assert exchange("catalog-db.shop:5432 CATALOG_DB_HOST catalog_db CatalogHighLatency CatalogDbDown") == (
        "heron-db.shop:5432 HERON_DB_HOST heron_db HeronHighLatency HeronDbDown"
    )
    assert (
        exchange("catalog-6f7d9c5b4-x2x4b recatalog catalogs catalog_items_total")
        == "heron-6f7d9c5b4-x2x4b recatalog catalogs catalog_items_total"
    )
    assert spelling.Exchange({})("anything") == "anything"


def test_a_part_named_like_a_key_of_a_format_keeps_its_name(material: materials.Material) -> None:
    telemetry = material.scenario.telemetry
    assert {"service", "pod", "metadata", "__name__"} <= spelling.spoken_by_formats(telemetry)


def test_milliseconds_are_a_thousand_times_seconds(
    material: materials.Material, variants: dict[str, variant.Variant]
) -> None:
    def sums(made: variant.Variant | materials.Material, word: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for block in made.scenario.telemetry.metrics.blocks:
            for labels, row in zip(block.labels, block.values, strict=True):
                name = labels["__name__"]
                if word in name and name.startswith(("http_", "grpc_", "nginx_")):
                    shown = name.replace(word, "")
                    found[shown] = found.get(shown, 0.0) + float(np.nansum(np.where(tm.is_stale(row), 0.0, row)))
        return found

    before, after = sums(material, "_seconds"), sums(variants["units"], "_milliseconds")
    assert set(before) == set(after) != set()
    for name, value in before.items():
        factor = 1000 if name.endswith("_sum") else 1
        assert after[name] == pytest.approx(value * factor)
    bounds = {labels["le"] for block in variants["units"].scenario.telemetry.metrics.blocks for labels in block.labels if labels["__name__"].endswith("_milliseconds_bucket")}  # fmt: skip
    assert {"5", "+Inf"} <= bounds


@pytest.mark.parametrize(
    ("expr", "changed"),
    [
        ("histogram_quantile(0.99, sum by (le) (rate(a_seconds_bucket[5m]))) > 0.5", "histogram_quantile(0.99, sum by (le) (rate(a_ms_bucket[5m]))) > 500"),
        ("sum(rate(a_seconds_count{code=~\"5..\"}[5m])) / sum(rate(a_seconds_count[5m])) > 0.02", "sum(rate(a_ms_count{code=~\"5..\"}[5m])) / sum(rate(a_ms_count[5m])) > 0.02"),
        ("b_seconds > 0.5", "b_seconds > 0.5"),
        ("xa_seconds_sum > 1", "xa_seconds_sum > 1"),
    ],
    ids=["quantile", "ratio", "another metric", "only as a word"],
)  # fmt: skip
def test_thresholds_follow_the_unit_of_what_they_are_compared_with(expr: str, changed: str) -> None:
    rule = tm.AlertRule("R", expr, 60, {}, {})
    alert = {"alerts": [{"labels": {}, "generatorURL": "https://p/graph?g0.expr=a_seconds_sum+%3E+1&g0.tab=1"}]}
    scenario = tm.Scenario(tm.Telemetry("x", 0, 1, 1, rules=(rule,)), alert)
    made = metric_names.renamed(scenario, {"a_seconds": "a_ms"}, factor=1000)
    assert made.telemetry.rules[0].expr == changed
    assert made.alert["alerts"][0]["generatorURL"] == "https://p/graph?g0.expr=a_ms_sum+%3E+1000&g0.tab=1"


def test_the_whole_world_is_later_and_nothing_tells_the_old_day(
    material: materials.Material, variants: dict[str, variant.Variant]
) -> None:
    made = variants["shifted_clock"]
    before, after = material.scenario.telemetry, made.scenario.telemetry
    assert after.now_s - before.now_s == made.later_s > 86_400
    assert after.logs is not None
    assert before.logs is not None
    assert (after.logs.times_ns - before.logs.times_ns == int(made.later_s) * 10**9).all()
    assert after.messages[0].time_s - before.messages[0].time_s == made.later_s
    cause, moved = material.truth.causes[0], made.truth.causes[0]
    assert (moved.onset_s or 0) - (cause.onset_s or 0) == made.later_s
    day = _clock.to_iso(before.now_s)[:10]
    old = {day, day.replace("-", "/"), f"{day[8:]}/"}
    told = [text for text in texts(made.scenario) if day in text or day.replace("-", "/") in text]
    assert told == [], old
    assert sum(day in text for text in texts(material.scenario)) > 100


STAMPS = [
    ("2026-08-04T09:16:54.883Z", "2026-08-05T10:16:54.883Z", "2026-08-04T14:46:54.883+05:30"),
    ("2026-08-04 09:16:54.883 UTC [31]", "2026-08-05 10:16:54.883 UTC [31]", "2026-08-04 14:46:54.883 +05:30 [31]"),
    ("2026-08-04 09:16:54,883 ERROR", "2026-08-05 10:16:54,883 ERROR", "2026-08-04 14:46:54,883 ERROR"),
    ("[04/Aug/2026:23:30:00 +0000]", "[06/Aug/2026:00:30:00 +0000]", "[05/Aug/2026:05:00:00 +0530]"),
    ("2026/08/04 09:20:10 [error]", "2026/08/05 10:20:10 [error]", "2026/08/04 14:50:10 [error]"),
    ("1:M 31 Dec 2026 23:34:15.158 *", "1:M 02 Jan 2027 00:34:15.158 *", "1:M 01 Jan 2027 05:04:15.158 *"),
    ('{"time":1785834840958}', '{"time":1785924840958}', '{"time":1785834840958}'),
    ("E0804 09:20:10.123456 1 x.go:3]", "E0805 10:20:10.123456 1 x.go:3]", "E0804 14:50:10.123456 1 x.go:3]"),
    ("unhappy since about 22:10 UTC", "unhappy since about 23:10 UTC", "unhappy since about 03:40 +05:30"),
    ("GET /2026-99-99T99:99:99 10.0.0.1:8080 v1.2.3", "GET /2026-99-99T99:99:99 10.0.0.1:8080 v1.2.3", "GET /2026-99-99T99:99:99 10.0.0.1:8080 v1.2.3"),
    ("no time at all", "no time at all", "no time at all"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "later", "elsewhere"), STAMPS, ids=[text for text, _, _ in STAMPS])
def test_times_are_found_in_the_forms_that_software_writes(text: str, later: str, elsewhere: str) -> None:
    assert stamps.moved(text, 90_000) == later
    assert stamps.moved(text, 19_800, zone="+05:30") == elsewhere


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.text(alphabet='0123456789-:T/ ZUC+.Aug"time', max_size=40), st.integers(-(10**7), 10**7))
def test_any_text_can_be_moved(text: str, seconds: int) -> None:
    assert isinstance(stamps.moved(text, seconds), str)
    assert isinstance(stamps.moved(text, seconds, zone="-07:00"), str)


def test_logs_tell_another_zone_and_come_in_at_the_same_time(
    material: materials.Material, variants: dict[str, variant.Variant]
) -> None:
    before, after = material.scenario.telemetry, variants["time_zone"].scenario.telemetry
    assert before.logs is not None
    assert after.logs is not None
    assert (before.logs.times_ns == after.logs.times_ns).all()
    changed = sum(one != other for one, other in zip(before.logs.lines, after.logs.lines, strict=True))
    assert changed > 0.5 * len(before.logs.lines)
    assert after.cluster == before.cluster


def test_another_order_holds_the_same_things(
    material: materials.Material, variants: dict[str, variant.Variant]
) -> None:
    def series(made: variant.Variant | materials.Material) -> list[tuple[str, float, float]]:
        return sorted(
            (json.dumps(dict(labels), sort_keys=True), float(np.nanmax(row)), float(block.times_s[0]))
            for block in made.scenario.telemetry.metrics.blocks
            for labels, row in zip(block.labels, np.where(tm.is_stale(block.values), -1.0, block.values), strict=True)
        )

    def lines(made: variant.Variant | materials.Material) -> list[tuple[str, str]]:
        logs = made.scenario.telemetry.logs
        assert logs is not None
        return [
            (line, json.dumps(dict(logs.streams[s]), sort_keys=True))
            for line, s in zip(logs.lines, logs.stream, strict=True)
        ]

    def spans(made: variant.Variant | materials.Material) -> list[tuple[str, str, str]]:
        kept = made.scenario.telemetry.spans
        assert kept is not None
        return [
            (i, kept.names[n], kept.processes[p].service)
            for i, n, p in zip(kept.span_ids, kept.name, kept.process, strict=True)
        ]

    made = variants["reordered"]
    assert series(made) == series(material)
    assert lines(made) == lines(material)
    assert spans(made) == spans(material)
    assert made.scenario.telemetry.metrics.blocks[0].labels != material.scenario.telemetry.metrics.blocks[0].labels


@settings(max_examples=60, derandomize=True, deadline=None)
@given(hnp.arrays(np.float64, (3, 9), elements=st.sampled_from([0.0, 1.0, 2.0, 5.0, 7.0, np.nan])), st.integers(0, 99))
def test_restless_counters_stay_counters(values: tm.FloatArray, seed: int) -> None:
    same = extra_noise.counters(values, np.ones(values.shape[1]))
    np.testing.assert_allclose(same, values)
    factor = np.exp(_rng.stream(seed, "x").standard_normal(values.shape[1]))
    made = extra_noise.counters(values, factor)
    assert (np.isnan(made) == np.isnan(values)).all()
    for old, new in zip(values, made, strict=True):
        known, told = old[np.isfinite(old)], new[np.isfinite(old)]
        rising = np.diff(known) >= 0
        assert (np.diff(told)[rising] >= -1e-9).all()
        assert (told == np.rint(told)).all()


def test_lost_scrapes_are_lost_for_a_whole_target(
    material: materials.Material, variants: dict[str, variant.Variant]
) -> None:
    before, after = (
        material.scenario.telemetry.metrics.blocks,
        variants["drop_samples"].scenario.telemetry.metrics.blocks,
    )
    kept = sum(len(block.times_s) for block in after) / sum(len(block.times_s) for block in before)
    assert 0.78 < kept < 0.92


@pytest.mark.parametrize(("name", "gone"), [("drop_logs", {"loki"}), ("drop_traces", {"jaeger", "tempo"}), ("drop_changes", {"github", "pagerduty", "slack"}), ("other_faces", {"jaeger"})])  # fmt: skip
def test_what_is_dropped_is_not_served(
    material: materials.Material, variants: dict[str, variant.Variant], name: str, gone: set[str]
) -> None:
    def served(made: variant.Variant | materials.Material) -> set[str]:
        telemetry = made.scenario.telemetry
        return set(faces.faces(telemetry, _clock.VirtualClock(telemetry.now_s)))

    assert served(material) - served(variants[name]) == gone


def test_what_is_not_there_cannot_be_taken_away(material: materials.Material) -> None:
    telemetry = dataclasses.replace(
        material.scenario.telemetry, access={"loki": "down", "jaeger": "absent", "tempo": "absent"}
    )
    bare = dataclasses.replace(material, scenario=tm.Scenario(telemetry, material.scenario.alert))
    assert not materials.perturbed(ITEM, bare, "drop_logs").applied
    assert not materials.perturbed(ITEM, bare, "drop_traces").applied
    assert not materials.perturbed(ITEM, bare, "other_faces").applied


def test_the_alert_is_named_and_worded_otherwise_everywhere(
    material: materials.Material, variants: dict[str, variant.Variant]
) -> None:
    made = variants["paraphrased_alert"]
    old, new = (one.scenario.alert["alerts"][0] for one in (material, made))
    assert new["labels"]["alertname"] != old["labels"]["alertname"]
    assert new["labels"]["service"] == old["labels"]["service"]
    assert new["annotations"]["summary"] != old["annotations"]["summary"]
    assert new["labels"]["alertname"] in {rule.name for rule in made.scenario.telemetry.rules}
    assert not any(old["labels"]["alertname"] in text for text in texts(made.scenario))


def test_synonyms_leave_no_phrase_as_it_was() -> None:
    logs = tm.Logs(
        np.array([1, 2]),
        np.array([0, 0], dtype=np.int32),
        ["request failed: x", "upstream a responded with status 500"],
        ({"app": "a"},),
    )
    telemetry = tm.Telemetry("x", 0, 1, 1, logs=logs, messages=(tm.ChatMessage(1, "c", "u", "anyone looking at a?"),))
    made = synonyms.apply(tm.Scenario(telemetry, {"alerts": []}), materials.oracle.Truth("quiet"), _rng.stream(0))
    assert made.scenario.telemetry.logs is not None
    assert list(made.scenario.telemetry.logs.lines) == [
        "could not complete the request: x",
        "upstream a replied with code 500",
    ]
    assert made.scenario.telemetry.messages[0].text == "is somebody on a?"


def test_answers_are_compared_under_the_old_names(
    variants: dict[str, variant.Variant], material: materials.Material
) -> None:
    subject = subjects.Embedded()
    base = grading._row(ITEM, subject, variant.Variant(material.scenario, material.truth), {}, "", 0)
    for name in ("rename_services", "reordered", "shifted_clock"):
        row = grading._row(ITEM, subject, variants[name], {}, name, 0)
        assert (row.verdict, row.scores["right"]) == (base.verdict, base.scores["right"]), name
    assert any(":" in part or "/" in part for part in (base.verdict,))


def test_a_perturbation_that_is_not_there_is_told_what_is() -> None:
    with pytest.raises(errors.InputError, match="rename_services"):
        perturbations.load("rename_service")
    assert perturbations.chosen(["all"]) == perturbations.names()
    assert perturbations.chosen(["units", "clean", "units"]) == ("clean", "units")
