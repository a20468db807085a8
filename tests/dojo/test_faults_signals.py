"""Every family leaves the signals that tell it apart, reaches the alert through the model, and is not painted on."""

import functools

import numpy as np
import pytest

from rootward.dojo import oracle, world
from rootward.dojo.capsule import telemetry as tm

HOURS = 1.5
PLACES = {
    "bad_deploy": ("web-shop", 0), "cache_loss": ("payments", 1), "certificate_expiry": ("web-shop", 0),
    "cpu_throttling": ("payments", 1), "dns_failure": ("web-shop", 0), "lock_contention": ("payments", 1),
    "memory_leak": ("web-shop", 0), "pool_exhaustion": ("payments", 1), "retry_storm": ("web-shop", 0),
    "slow_query": ("payments", 1), "third_party_slow": ("web-shop", 0), "traffic_spike": ("payments", 1),
}  # fmt: skip
"""One world and seed per family, so that all worlds' parts take their turn; the benchmark covers the rest."""


@functools.cache
def built(name: str, fault: str, seed: int) -> tuple[tm.Scenario, oracle.Truth]:
    return world.build(name, fault, seed, hours=HOURS, shape="step")


def rows(telemetry: tm.Telemetry, name: str, **labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and the sum over matching series, absent samples as 0."""
    total = None
    for block in telemetry.metrics.blocks:
        picked = [
            row
            for one, row in zip(block.labels, block.values, strict=True)
            if one["__name__"] == name and all(one.get(k) == v for k, v in labels.items())
        ]
        if picked:
            part = np.where(np.isnan(picked), 0.0, picked).sum(axis=0)
            total = (block.times_s, part if total is None else total[1] + part)
    assert total is not None, f"no series {name} {labels}"
    return total


def increase(telemetry: tm.Telemetry, name: str, **labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Per step increases of counters, each series apart, resets and gaps as 0."""
    times_s, total = None, None
    for block in telemetry.metrics.blocks:
        for one, row in zip(block.labels, block.values, strict=True):
            if one["__name__"] == name and all(one.get(k) == v for k, v in labels.items()):
                seen = np.where(np.isnan(row), 0.0, row)  # the staleness marker is a signalling NaN
                step = np.where(np.isnan(row[1:]) | np.isnan(row[:-1]), 0.0, np.diff(seen))
                times_s, total = block.times_s[1:], np.maximum(step, 0.0) + (0.0 if total is None else total)
    assert times_s is not None, f"no series {name} {labels}"
    return times_s, total


def before_after(
    series: tuple[np.ndarray, np.ndarray], onset_s: float, now_s: float, *, settle_s: float = 60.0
) -> tuple[float, float]:
    times_s, values = series
    return (
        float(values[times_s < onset_s - 30].mean()),
        float(values[(times_s > onset_s + settle_s) & (times_s <= max(now_s, onset_s + settle_s + 120))].max()),
    )


@pytest.mark.parametrize("fault", PLACES)
def test_the_alert_fires_after_the_onset_and_is_reached_from_the_cause(fault: str) -> None:
    name, seed = PLACES[fault]
    scenario, truth = built(name, fault, seed)
    telemetry, cause = scenario.telemetry, truth.causes[0]
    label = scenario.alert["alerts"][0]["labels"]
    firing = [a for a in telemetry.alerts if a.rule == label["alertname"] and a.starts_s <= telemetry.now_s]
    assert truth.status == "found"
    assert cause.fault == fault
    assert cause.onset_s is not None
    assert cause.onset_s < firing[-1].active_s <= firing[-1].starts_s < telemetry.now_s <= telemetry.end_s
    assert telemetry.now_s - cause.onset_s < 55 * 60
    assert truth.path[-1] == label["service"]
    assert truth.path[0] == cause.name or cause.kind == "external"


class TestSignals:
    def case(self, fault: str) -> tuple[tm.Telemetry, oracle.Cause, float, float]:
        scenario, truth = built(PLACES[fault][0], fault, PLACES[fault][1])
        cause = truth.causes[0]
        assert cause.onset_s is not None
        return scenario.telemetry, cause, cause.onset_s, scenario.telemetry.now_s

    def test_bad_deploy(self) -> None:
        telemetry, cause, onset_s, _ = self.case("bad_deploy")
        assert any(d.sha == cause.change and d.payload["service"] == cause.name for d in telemetry.code.deployments)
        assert telemetry.logs is not None
        at_s = telemetry.logs.times_ns / 1e9
        stack = [
            at_s[k] for k, line in enumerate(telemetry.logs.lines)
            if telemetry.logs.streams[telemetry.logs.stream[k]]["app"] == cause.name
            and any(word in line for word in ("NullPointer", "panic", "KeyError", "TypeError"))
        ]  # fmt: skip
        assert len(stack) > 3
        assert min(stack) >= onset_s

    def test_memory_leak(self) -> None:
        telemetry, cause, onset_s, now_s = self.case("memory_leak")
        killed = [e for e in telemetry.cluster.events if e["reason"] == "OOMKilling" and cause.name in e["message"]]
        assert killed
        low, high = before_after(
            rows(telemetry, "kube_pod_container_status_restarts_total", container=cause.name), onset_s, now_s
        )
        assert low == 0
        assert high >= 1

    def test_cpu_throttling(self) -> None:
        telemetry, cause, onset_s, now_s = self.case("cpu_throttling")
        low, high = before_after(
            increase(telemetry, "container_cpu_cfs_throttled_periods_total", container=cause.name), onset_s, now_s
        )
        assert high > 5 * max(low, 1.0)

    def test_pool_exhaustion(self) -> None:
        telemetry, cause, onset_s, now_s = self.case("pool_exhaustion")
        full = 0.0
        for taken, limit in (
            ("hikaricp_connections_active", "hikaricp_connections_max"),
            ("pgxpool_acquired_conns", "pgxpool_max_conns"),
        ):
            for block in telemetry.metrics.blocks:
                late = (block.times_s > onset_s) & (block.times_s < now_s)
                named = {}
                for one, row in zip(block.labels, block.values, strict=True):
                    if one["__name__"] in (taken, limit) and one["pod"].startswith(cause.name):
                        key = (one["pod"], one.get("pool", one.get("db")))
                        named.setdefault(key, {})[one["__name__"]] = row[late]
                for pair in named.values():
                    seen = ~np.isnan(pair[taken])
                    full = max(full, float((pair[taken][seen] / pair[limit][seen]).max(initial=0.0)))
        assert full == pytest.approx(1.0)

    def test_slow_query(self) -> None:
        telemetry, cause, onset_s, now_s = self.case("slow_query")
        low, high = before_after(
            rows(telemetry, "pg_stat_statements_mean_exec_time_seconds", service=cause.name), onset_s, now_s
        )
        assert high > 8 * low
        assert any(c.sha == cause.change and "DROP INDEX" in "".join(c.files.values()) for c in telemetry.code.commits)

    def test_lock_contention(self) -> None:
        telemetry, cause, onset_s, now_s = self.case("lock_contention")
        low, high = before_after(
            rows(telemetry, "pg_stat_activity_count", service=cause.name, wait_event_type="Lock"), onset_s, now_s
        )
        assert low == 0
        assert high >= 1
        assert telemetry.logs is not None
        assert any("still waiting for" in line for line in telemetry.logs.lines)

    def test_cache_loss(self) -> None:
        telemetry, cause, onset_s, now_s = self.case("cache_loss")
        times_s, hits = increase(telemetry, "redis_keyspace_hits_total", service=cause.name)
        _, misses = increase(telemetry, "redis_keyspace_misses_total", service=cause.name)
        ratio = hits / np.maximum(hits + misses, 1)
        assert ratio[times_s < onset_s].mean() > 0.85
        assert ratio[(times_s > onset_s + 240) & (times_s < now_s + 120)].mean() < 0.45

    def test_certificate_expiry(self) -> None:
        telemetry, cause, onset_s, _now_s = self.case("certificate_expiry")
        _, ends_s = rows(telemetry, "x509_cert_not_after", secret_name=f"{cause.name}-tls")
        assert ends_s[-1] == np.floor(onset_s)
        assert telemetry.logs is not None
        assert any("expired" in line or "CertificateExpired" in line for line in telemetry.logs.lines)
        assert cause.change == ""

    def test_dns_failure(self) -> None:
        telemetry, _, onset_s, now_s = self.case("dns_failure")
        low, high = before_after(increase(telemetry, "coredns_dns_responses_total", rcode="SERVFAIL"), onset_s, now_s)
        assert high > 10 * max(low, 0.2)

    def test_retry_storm_outlives_its_trigger(self) -> None:
        telemetry, cause, onset_s, _now_s = self.case("retry_storm")
        family = "container_cpu_usage_seconds_total"
        times_s, used = increase(telemetry, family, container=cause.name)
        usual = used[times_s < onset_s].mean()
        late = used[(times_s > onset_s + 900) & (times_s < onset_s + 2400)]
        assert late.mean() > 1.3 * usual, "the stall lasted 150 s at most, the overload stays"

    def test_traffic_spike(self) -> None:
        telemetry, cause, onset_s, now_s = self.case("traffic_spike")
        low, high = before_after(
            increase(telemetry, "nginx_ingress_controller_requests", ingress=cause.name), onset_s, now_s
        )
        assert high > 1.8 * low

    def test_third_party_slow(self) -> None:
        telemetry, cause, onset_s, _now_s = self.case("third_party_slow")
        spans = telemetry.spans
        assert spans is not None
        mine = np.array([a.get("server.address") == cause.name for a in spans.attributes])
        at_s, took_s = spans.start_ns / 1e9, spans.duration_ns / 1e9
        early, late = mine & (at_s < onset_s), mine & (at_s > onset_s + 240)
        assert took_s[late].mean() > 3 * took_s[early].mean()


@pytest.mark.parametrize("name", ["web-shop", "data-pipeline"])
@pytest.mark.parametrize(
    ("fault", "status"), [("no_fault", "no_fault"), ("outside", "outside"), ("missing_evidence", "quiet")]
)
def test_special_scenarios_name_no_cause(name: str, fault: str, status: str) -> None:
    scenario, truth = built(name, fault, 2)
    assert truth.status == status
    assert truth.causes == ()
    assert truth.path == ()
    assert scenario.alert["alerts"]
    if fault == "missing_evidence":
        assert scenario.telemetry.access["loki"] == "down"
        assert scenario.telemetry.access["kubernetes"] == "forbidden"


def test_an_outside_cause_leaves_the_inside_healthy() -> None:
    scenario, _ = built("web-shop", "outside", 2)
    inside = [
        a
        for a in scenario.telemetry.alerts
        if a.rule != "SiteProbeFailing" and a.starts_s > scenario.telemetry.now_s - 1800
    ]
    assert inside == []
    assert rows(scenario.telemetry, "probe_success")[1][-40:].mean() < 0.8


def test_an_ordinary_day_pages_nobody() -> None:
    scenario, truth = built("payments", "bad_deploy", 1)
    onset_s = truth.causes[0].onset_s
    assert onset_s is not None
    early = [a for a in scenario.telemetry.alerts if a.labels["severity"] == "critical" and a.starts_s < onset_s]
    assert early == []


def test_load_reaches_only_those_below() -> None:
    """A slow third party makes its callers slow, and nobody else."""
    scenario, truth = built("web-shop", "third_party_slow", 0)
    onset_s, now_s = truth.causes[0].onset_s, scenario.telemetry.now_s
    assert onset_s is not None
    family = "http_request_duration_seconds"
    times_s, spent = increase(scenario.telemetry, f"{family}_sum", service="catalog")
    _, count = increase(scenario.telemetry, f"{family}_count", service="catalog")
    mean = spent / np.maximum(count, 1)
    assert mean[(times_s > onset_s) & (times_s < now_s)].mean() < 2 * mean[times_s < onset_s].mean()
