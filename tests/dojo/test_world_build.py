"""Worlds are whole, repeatable, quiet about what they are, and refuse what does not exist."""

import dataclasses
import functools
import hashlib
import json
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.dojo import faults, world
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.engines.promql import engine, options
from rootward.dojo.wire import _prometheus_recorded
from rootward.dojo.world import layout as lay
from rootward.dojo.world.plans import generated

HOURS = 1.5


@functools.cache
def built(name: str, fault: str, seed: int):
    return world.build(name, fault, seed, hours=HOURS)


def digest(telemetry: tm.Telemetry) -> str:
    """A hash over every byte that a face could serve."""
    found = hashlib.sha256()
    for block in telemetry.metrics.blocks:
        found.update(block.times_s.tobytes() + block.values.tobytes() + json.dumps(block.labels).encode())
    for part in (telemetry.logs, telemetry.spans):
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            found.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    for part in (telemetry.cluster, telemetry.code, telemetry.change_events, telemetry.messages, telemetry.rules):
        found.update(repr(part).encode())
    found.update(repr((telemetry.alerts, telemetry.incidents, telemetry.access, telemetry.now_s)).encode())
    return found.hexdigest()


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, truth = built("web-shop", "slow_query", 3)
    again, truth_again = world.build("web-shop", "slow_query", 3, hours=HOURS)
    assert digest(first.telemetry) == digest(again.telemetry)
    assert first.alert == again.alert
    assert truth == truth_again


def test_another_seed_gives_another_world() -> None:
    first, _ = built("web-shop", "slow_query", 3)
    other, _ = world.build("web-shop", "slow_query", 4, hours=HOURS)
    assert digest(first.telemetry) != digest(other.telemetry)
    assert first.telemetry.start_s % 60 != 0


@pytest.mark.parametrize("name", world.names())
def test_every_world_has_every_kind_of_signal(name: str) -> None:
    scenario, truth = built(name, "pool_exhaustion", 1)
    telemetry = scenario.telemetry
    assert world.describe(name)
    assert len(telemetry.metrics.blocks) > 5
    assert telemetry.logs is not None
    assert len(telemetry.logs.lines) > 1000
    assert telemetry.spans is not None
    assert len(telemetry.spans.span_ids) > 1000
    kinds = {version.body["kind"] for version in telemetry.cluster.versions}
    assert {"Pod", "Node", "Deployment", "ReplicaSet", "StatefulSet", "Service", "Endpoints", "ConfigMap"} <= kinds
    assert telemetry.code.commits
    assert telemetry.messages
    assert telemetry.rules
    assert truth.causes[0].fault == "pool_exhaustion"


def test_metrics_are_well_formed() -> None:
    scenario, _ = built("payments", "bad_deploy", 2)
    names = set()
    for block in scenario.telemetry.metrics.blocks:
        assert (np.diff(block.times_s) > 0).all()
        for labels, row in zip(block.labels, block.values, strict=True):
            names.add(labels["__name__"])
            seen = row[~tm.is_stale(row)]
            assert np.isfinite(seen).all(), labels
            named = scenario.telemetry.metrics.meta.get(labels["__name__"])
            if named is not None and named.kind == "gauge":
                continue  # cAdvisor has a gauge that is called a total
            if labels["__name__"].endswith(("_bucket", "_count", "_total")) and "restarts" not in labels["__name__"]:
                falls = seen[1:] < seen[:-1]
                assert not falls.any() or "count" in labels["__name__"], labels
    assert {"istio_requests_total", "container_cpu_usage_seconds_total", "hikaricp_connections_active", "up"} <= names
    assert {"pg_stat_activity_count", "redis_keyspace_hits_total", "kafka_consumergroup_lag"} <= names
    assert {"node_load1", "coredns_dns_responses_total", "x509_cert_not_after", "kube_pod_info"} <= names


def test_buckets_of_a_histogram_rise_with_their_bound() -> None:
    scenario, _ = built("web-shop", "slow_query", 3)
    family = "http_server_request_duration_seconds_bucket"
    groups: dict[tuple[tuple[str, str], ...], dict[float, np.ndarray]] = {}
    for block in scenario.telemetry.metrics.blocks:
        for labels, row in zip(block.labels, block.values, strict=True):
            if labels["__name__"] == family:
                key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
                groups.setdefault(key, {})[float(labels["le"])] = row
    assert groups
    for rows in groups.values():
        ordered = np.array([rows[bound] for bound in sorted(rows)])
        there = ~tm.is_stale(ordered[0])
        assert (np.diff(ordered[:, there], axis=0) >= 0).all()


def test_spans_form_trees_and_logs_are_in_order() -> None:
    scenario, _ = built("web-shop", "third_party_slow", 1)
    spans, logs = scenario.telemetry.spans, scenario.telemetry.logs
    assert spans is not None
    assert logs is not None
    known = dict(zip(spans.span_ids, spans.trace_ids, strict=True))
    assert len(known) == len(spans.span_ids)
    for trace, parent in zip(spans.trace_ids, spans.parent_ids, strict=True):
        assert parent == "" or known[parent] == trace
    assert (np.diff(spans.start_ns) >= 0).all()
    assert (spans.duration_ns > 0).all()
    assert (np.diff(logs.times_ns) >= 0).all()


def test_alert_is_an_alertmanager_webhook_about_something_that_fired() -> None:
    scenario, _ = built("payments", "bad_deploy", 2)
    alert = scenario.alert
    assert alert["version"] == "4"
    assert alert["status"] == "firing"
    labels = alert["alerts"][0]["labels"]
    assert {"alertname", "severity", "service", "namespace"} <= set(labels)
    rules = {rule.name: rule for rule in scenario.telemetry.rules}
    assert labels["alertname"] in rules
    assert {"summary", "description"} <= set(alert["alerts"][0]["annotations"])
    assert "{{" not in json.dumps(alert["alerts"][0]["annotations"])


TELLTALE = re.compile(r"\b(fault|chaos|simulat\w*|dojo|inject\w*|synthetic|rootward)\b", re.IGNORECASE)


@pytest.mark.parametrize("fault", ["memory_leak", "lock_contention", "outside", "cache_loss"])
def test_nothing_tells_that_it_is_a_simulation(fault: str) -> None:
    scenario, _ = built("web-shop", fault, 1)
    telemetry = scenario.telemetry
    assert telemetry.logs is not None
    assert telemetry.spans is not None
    texts = [
        *telemetry.logs.lines,
        repr(telemetry.cluster),
        repr(telemetry.code),
        repr(telemetry.change_events),
        repr(telemetry.messages),
        repr(telemetry.rules),
        repr(telemetry.metrics.meta),
        repr(scenario.alert),
        repr(telemetry.spans.names),
        *(repr(block.labels) for block in telemetry.metrics.blocks),
    ]
    assert [match.group() for text in texts for match in [TELLTALE.search(text)] if match] == []


def test_noise_can_be_left_out_without_moving_the_truth() -> None:
    quiet, truth = world.build("web-shop", "certificate_expiry", 1, hours=HOURS, noise=False)
    _, noisy_truth = built("web-shop", "certificate_expiry", 1)
    assert truth.causes == noisy_truth.causes
    assert len(quiet.telemetry.code.deployments) < len(
        built("web-shop", "certificate_expiry", 1)[0].telemetry.code.deployments
    )
    assert truth.decoys == ()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("web-shp", "bad_deploy"), "web-shop"),
        (("web-shop", "memory_leek"), "memory_leak"),
        (("payments", "slowquery"), "slow_query"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(arguments: tuple[str, str], hint: str) -> None:
    with pytest.raises(errors.WorldError, match=hint):
        world.build(*arguments)


@pytest.mark.parametrize("options", [{"hours": 0.2}, {"step_s": 0.0}, {"services": 20}, {"hours": float("nan")}])
def test_senseless_sizes_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(errors.WorldError):
        world.build("web-shop", "bad_deploy", 0, **options)


def test_generated_worlds_are_bounded() -> None:
    for services in (1, 4, 1001):
        with pytest.raises(errors.WorldError, match="5 to 1000"):
            world.build("generated", "bad_deploy", 0, services=services)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), services=st.integers(5, 120))
@example(seed=3, services=1000)
def test_any_generated_plan_lays_out(seed: int, services: int) -> None:
    layout = lay.lay_out(generated.blueprint(seed, services))
    names = [component.name for component in layout.components]
    assert len(names) == len(set(names)) == services
    assert (layout.rate >= 0).all()
    assert (layout.source < layout.target).all()
    assert (layout.replicas >= 1).all()


def test_faults_and_worlds_describe_themselves() -> None:
    assert set(faults.common()) | set(faults.special()) == set(faults.names())
    assert {"missing_evidence", "no_fault", "outside"} <= set(faults.special())
    for name in faults.names():
        assert faults.load(name).name == name
        assert faults.load(name).summary in faults.describe(name)
    with pytest.raises(errors.WorldError, match="dns_failure"):
        faults.describe("dns_failures")


def test_the_seed_chooses_when_no_fault_is_named() -> None:
    _, truth = world.build("web-shop", None, 11, hours=HOURS)
    assert truth.original["family"] in faults.common()


@pytest.mark.parametrize(("name", "fault"), [("web-shop", "slow_query"), ("payments", "missing_evidence")])
def test_the_alerts_rule_holds_over_the_very_data_that_is_served(name: str, fault: str) -> None:
    scenario, _ = built(name, fault, 3)
    telemetry = scenario.telemetry
    label = scenario.alert["alerts"][0]["labels"]["alertname"]
    rule = next(rule for rule in telemetry.rules if rule.name == label)
    firing = [a for a in telemetry.alerts if a.rule == label and a.starts_s <= telemetry.now_s][-1]
    evaluator = engine.Engine(telemetry.metrics)
    assert len(evaluator.instant(rule.expr, firing.starts_s).series) == 1
    assert len(evaluator.instant(rule.expr, firing.active_s - 90.0).series) == 0


@pytest.mark.parametrize("name", world.names())
def test_recording_rules_hold_rates_and_shares_of_every_service_and_machine(name: str) -> None:
    scenario, _ = built(name, "slow_query", 3)
    telemetry = scenario.telemetry
    settings = options.Options(experimental=False)
    evaluator = engine.Engine(_prometheus_recorded.with_recorded(telemetry, settings), settings)

    def now(query: str) -> dict[str, float]:
        found = evaluator.instant(query, telemetry.now_s).series
        return {dict(one.labels).get("service", str(one.labels)): float(one.values[0]) for one in found}

    rates, errors_of = now("service:http_requests:rate5m"), now("service:http_request_errors:ratio_rate5m")
    assert len(rates) > 5
    assert min(rates.values()) >= 0
    assert set(errors_of) <= set(rates)
    for share in ("service:http_request_errors:ratio_rate5m", "instance:node_cpu_utilisation:rate5m"):
        assert all(0 <= value <= 1 for value in now(share).values()), share
    assert now("instance:node_memory_utilisation:ratio")
    assert now("namespace_container:container_cpu_usage_seconds:sum_rate5m")


def test_native_histograms_hold_the_observations_of_the_classic_ones() -> None:
    scenario, _ = built("web-shop", "slow_query", 3)
    metrics = scenario.telemetry.metrics
    assert metrics.histograms
    evaluator, now_s = engine.Engine(metrics), scenario.telemetry.now_s
    family, service = "http_request_duration_seconds", metrics.histograms[0].labels["service"]

    def value(query: str) -> float:
        return float(evaluator.instant(query, now_s).series[0].values[0])

    classic = value(f'sum(rate({family}_count{{service="{service}"}}[5m]))')
    assert value(f"sum(histogram_count(rate({family}[5m])))") == pytest.approx(classic)
    for bound in (0.01, 0.05):  # what classic buckets say of the same requests
        share = value(
            f'sum(rate({family}_bucket{{service="{service}",le="{bound}"}}[5m])) / sum(rate({family}_count{{service="{service}"}}[5m]))'
        )
        assert value(f"histogram_fraction(0, {bound}, sum(rate({family}[5m])))") == pytest.approx(share, abs=0.05)
    for one in metrics.histograms:
        assert (one.cells[2:].sum(axis=0) == one.cells[0]).all()
