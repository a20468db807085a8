"""Faults of data stores, runtimes and software: what tells each apart is there, and what would point elsewhere is not."""

from collections.abc import Callable

import numpy as np
import pytest
import seen as sn
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward.dojo import faults, world
from rootward.dojo.engines.promql import engine


def n_plus_one(seen: sn.Seen) -> None:
    """Many more statements from one service and many siblings in a trace, each statement as quick as before."""
    user = seen.cause.name.replace("-", "_")
    before, after = seen.around(seen.increase("pg_stat_statements_calls_total", user=user))
    assert after > 5 * before
    assert seen.deployed()
    spans = seen.telemetry.spans
    assert spans is not None
    counts: dict[str, int] = {}
    for start_ns, parent, look in zip(spans.start_ns, spans.parent_ids, spans.attributes, strict=True):
        if start_ns / 1e9 > seen.onset_s + 240 and look.get("db.system") == "postgresql":
            counts[parent] = counts.get(parent, 0) + 1
    assert max(counts.values()) >= 12
    database = next(name for name in seen.truth.decoys if name.endswith("-db"))
    before, after = seen.around(seen.increase("container_cpu_usage_seconds_total", container=database))
    assert after < 2 * before


def feature_flag(seen: sn.Seen) -> None:
    """The flag's share moves, failures follow, nothing was deployed there."""
    flag = next(name for kind, name in seen.cause.aliases if kind == "flag")
    before, after = seen.around(seen.increase("feature_flag_evaluation_success_total", key=flag, variant="on"))
    assert after > 1.5 * before + 1
    assert any(event.details.get("flag") == flag for event in seen.telemetry.change_events)
    assert seen.cause.change == ""
    lines = seen.said(flag, seen.cause.name)
    assert lines
    assert min(lines) > seen.onset_s


def credentials_rotated(seen: sn.Seen) -> None:
    """Every client is refused within a minute or two of the same moment."""
    said = "password authentication failed"
    clients = [name for name in seen.truth.decoys if seen.said(said, name)]
    firsts = [min(seen.said(said, name)) for name in clients]
    assert len(firsts) >= 1
    assert min(firsts) >= seen.onset_s
    assert max(firsts) - min(firsts) < 240
    commit = seen.commit()
    assert commit is not None
    assert "credentials" in next(iter(commit.files))
    before, after = seen.around(seen.level("pg_stat_database_numbackends", service=seen.cause.name))
    assert after < before


def integer_overflow(seen: sn.Seen) -> None:
    """Only inserts fail; the sequence stands at its end; reads of the same database go on."""
    said = seen.said("integer out of range|reached maximum value of sequence")
    assert said
    assert min(said) >= seen.onset_s
    _, last = seen.level("pg_sequences_last_value", service=seen.cause.name)
    assert last[-1] == 2_147_483_647
    assert seen.cause.change == ""
    spans = seen.telemetry.spans
    assert spans is not None
    failed = {
        look["db.query.text"].split(" ")[0]
        for status, look in zip(spans.status, spans.attributes, strict=True)
        if status == 2 and look.get("error.type") in ("22003", "2200H")
    }
    assert failed == {"INSERT"}


def db_storage_full(seen: sn.Seen) -> None:
    """The volume has nothing left, writes are refused for it, reads of the same database are not."""
    claim = f"data-{seen.cause.name}-0"
    _, left = seen.level("kubelet_volume_stats_available_bytes", persistentvolumeclaim=claim)
    assert left[0] > 1e9
    assert left[-60:].max() == 0
    said = seen.said("No space left on device")
    assert said
    assert min(said) > seen.onset_s
    spans = seen.telemetry.spans
    assert spans is not None
    failed = {
        look["db.query.text"].split(" ")[0]
        for status, look in zip(spans.status, spans.attributes, strict=True)
        if status == 2 and look.get("error.type") == "53100"
    }
    assert failed <= {"INSERT", "UPDATE", "DELETE"}
    node_left = seen.level("node_filesystem_avail_bytes")[1]
    assert node_left.min() > 0.5 * node_left.max()


def replication_lag(seen: sn.Seen) -> None:
    """The replica is minutes behind while the primary writes much; the primary's statements are as quick as before."""
    database = seen.cause.name
    _, lag_s = seen.level("pg_replication_lag_seconds", server=f"{database}-ro:5432")
    assert lag_s[:60].max() < 1
    assert lag_s.max() > 60
    before, after = seen.around(seen.increase("pg_stat_replication_pg_current_wal_lsn_bytes", service=database))
    assert after > 20 * before
    assert seen.said(f"{database}-ro")
    before, after = seen.around(seen.level("pg_stat_statements_mean_exec_time_seconds", service=database))
    assert after < 2 * before
    times_s, used = seen.increase("container_cpu_usage_seconds_total", container=database)
    early = used[(times_s > seen.onset_s - 60) & (times_s < seen.onset_s)].mean()
    assert early > 1.1 * used[times_s < seen.onset_s - 900].mean(), "the report burns before the lag begins"


def db_failover(seen: sn.Seen) -> None:
    """An event, a new start time, a short drop of connections, and quiet afterwards."""
    reasons = {e["reason"] for e in seen.telemetry.cluster.events if e["involvedObject"]["name"] == seen.cause.name}
    assert {"FailingOver", "FailoverTarget"} <= reasons
    _, started_s = seen.level("pg_postmaster_start_time_seconds", service=seen.cause.name)
    assert started_s[0] < seen.telemetry.start_s < seen.onset_s < started_s[-1]
    said = seen.said("administrator command|AdminShutdown")
    assert min(said) >= seen.onset_s
    assert np.quantile(said, 0.9) < seen.onset_s + 600


def io_storm(seen: sn.Seen) -> None:
    """Sessions wait for IO and the node's processors with them; all statements slow down, none waits for a lock."""
    database = seen.cause.name
    before, after = seen.around(seen.level("pg_stat_activity_count", service=database, wait_event_type="IO"))
    assert after > 4 * before + 0.3
    assert seen.around(seen.level("pg_stat_activity_count", service=database, wait_event_type="Lock"))[1] == 0
    node = next(labels["node"] for _, labels, _ in seen.matching("container_memory_rss", container=database))
    before, after = seen.around(seen.increase("node_cpu_seconds_total", node=node, mode="iowait"))
    assert after > 10 * before
    assert seen.said("checkpoints are occurring too frequently|to prevent wraparound", database)
    slower = []
    for times_s, _, row in seen.matching("pg_stat_statements_mean_exec_time_seconds", service=database):
        before, after = seen.around((times_s, np.nan_to_num(row)))
        slower.append(after / before)
    assert min(slower) > 3


def shm_exhaustion(seen: sn.Seen) -> None:
    """Shared memory is full, the disks are not, and some runs of one statement fail."""
    database = seen.cause.name
    before, after = seen.around(seen.level("container_fs_usage_bytes", container=database, device="shm"))
    assert before < 6e6
    assert after > 6e7
    assert seen.said("could not resize shared memory segment", database)
    _, left = seen.level("kubelet_volume_stats_available_bytes", persistentvolumeclaim=f"data-{database}-0")
    assert left.min() > 0.9 * left[0]


def log_disk_full(seen: sn.Seen) -> None:
    """The volume of the log files fills up since debug logging was turned on; the node's own disk does not."""
    claim = f"logs-{seen.cause.name}"
    times_s, used = seen.level("kubelet_volume_stats_used_bytes", persistentvolumeclaim=claim)
    assert (np.diff(used)[times_s[1:] > seen.onset_s + 60][:8] > 1e6).all()
    assert seen.level("kubelet_volume_stats_available_bytes", persistentvolumeclaim=claim)[1][-40:].max() == 0
    commit = seen.commit()
    assert commit is not None
    assert "debug" in "".join(commit.files.values())
    lines = seen.said(" DEBUG ", seen.cause.name)
    assert len(lines) > 20
    assert min(lines) >= seen.onset_s
    assert min(seen.said("No space left on device", seen.cause.name)) > seen.onset_s + 60


def lags(seen: sn.Seen) -> dict[str, np.ndarray]:
    """The blamed consumer's lag by partition, at every scrape."""
    group = f"{seen.cause.name}-consumers"
    found = seen.matching("kafka_consumergroup_lag", consumergroup=group)
    return {labels["partition"]: row for _, labels, row in found}


def consumer_lag(seen: sn.Seen) -> None:
    """Every partition falls behind, by as much as its share, since a release; nothing repeats."""
    grown = [row[-40:].mean() / max(row[:100].mean(), 1.0) for row in lags(seen).values()]
    assert min(grown) > 10
    assert max(grown) < 4 * min(grown)
    assert seen.deployed()
    assert not seen.said("Seek to offset|rebalanc", seen.cause.name)


def poison_pill(seen: sn.Seen) -> None:
    """One partition stands still at one offset that the consumer names again and again; the others are worked off."""
    grown = sorted(row[-40:].mean() / max(row[:100].mean(), 1.0) for row in lags(seen).values())
    assert grown[-1] > 20
    assert grown[-2] < 3
    times = seen.said(r"Error while processing record [\w-]+@\d+", seen.cause.name)
    assert len(times) > 10
    assert min(times) >= seen.onset_s
    logs = seen.telemetry.logs
    assert logs is not None
    (offset,) = {int(line.split("@")[1].split(":")[0]) for line in logs.lines if "Error while processing rec" in line}
    standing = [
        float(np.abs(row[-40:] - offset).max())
        for _, labels, row in seen.matching("kafka_consumergroup_current_offset")
        if labels["consumergroup"] == f"{seen.cause.name}-consumers"
    ]
    assert min(standing) < 100, "where the exporter says that the group stands is what the consumer names"


def rebalance_loop(seen: sn.Seen) -> None:
    """The group keeps losing its members and says so; its coordinator counts generations."""
    members = seen.level("kafka_consumergroup_members", consumergroup=f"{seen.cause.name}-consumers")
    before, after = seen.around(members)
    assert after < 0.6 * before
    assert seen.said(
        "group is rebalancing|consumer poll timeout|maximum poll interval|[Rr]ebalance in progress", seen.cause.name
    )
    assert seen.said("Preparing to rebalance group")
    commit = seen.commit()
    assert commit is not None
    assert "MAX_POLL_INTERVAL" in "".join(commit.files.values())
    assert min(row[-40:].mean() for row in lags(seen).values()) > 100


def broker_blocked(seen: sn.Seen) -> None:
    """Memory rises to the watermark because nobody reads one queue; then the alarm, and publishers that wait."""
    broker = seen.cause.name
    alarm = seen.level("rabbitmq_alarms_memory_used_watermark", service=broker)
    assert seen.around(alarm) == (0.0, 1.0)
    _, used = seen.level("rabbitmq_process_resident_memory_bytes", pod=f"{broker}-0")
    _, limit = seen.level("rabbitmq_resident_memory_limit_bytes", pod=f"{broker}-0")
    assert used[0] < 0.5 * limit[0] < 0.9 * used[-1]
    before, after = seen.around(seen.level("rabbitmq_queue_messages_ready", queue=f"{broker}.audit"))
    assert after > 1.5 * before
    assert seen.level("rabbitmq_queue_consumers", queue=f"{broker}.audit")[1][-1] == 0
    assert seen.said("low on memory")
    assert seen.said("memory resource limit alarm set", broker)
    commit = seen.commit()
    assert commit is not None
    assert commit.time_s < seen.onset_s - 120


def gc_storm(seen: sn.Seen) -> None:
    """Collection takes most of the time and goes on when the load is back to what it was."""
    name = seen.cause.name
    overhead = seen.level("jvm_gc_overhead", application=name)
    before, after = seen.around(overhead, settle_s=900.0, until_s=2000.0)
    pods = len(list(seen.matching("jvm_gc_overhead", application=name)))
    assert before < 0.01 * pods
    assert after > 0.3 * pods
    (door,) = [one for one in seen.truth.decoys if one in ("gateway", "api-edge", "ingest-lb")]
    load = seen.increase("nginx_ingress_controller_requests", ingress=door)
    before, after = seen.around(load, settle_s=900.0, until_s=2000.0)
    assert after < 1.3 * before, "the load is long back to normal"
    spent = seen.increase("http_server_requests_seconds_sum", application=name)
    count = seen.increase("http_server_requests_seconds_count", application=name)
    slow = seen.around((spent[0], spent[1] / np.maximum(count[1], 1)), settle_s=900.0, until_s=2000.0)
    assert slow[1] > 5 * slow[0]


def fd_exhaustion(seen: sn.Seen) -> None:
    """Descriptors climb to their limit since the release, then calls fail for want of one; memory does not climb."""
    name = seen.cause.name
    for used, limit in (
        ("process_open_fds", "process_max_fds"),
        ("process_files_open_files", "process_files_max_files"),
    ):
        rows = [row for _, _, row in seen.matching(used, pod=f"{name}-*")]
        if rows:
            most = next(iter(seen.matching(limit, pod=f"{name}-*")))[2]
            assert max(np.nanmax(row) for row in rows) == np.nanmax(most)
    said = seen.said("(?i)too many open files|EMFILE", name)
    assert len(said) > 5
    assert min(said) > seen.onset_s + 60
    assert seen.deployed()
    before, after = seen.around(seen.level("container_memory_working_set_bytes", container=name))
    assert after < 1.5 * before


def errors_by_version(seen: sn.Seen) -> dict[str, float]:
    """The share of the culprit's server spans since the onset that failed, by version."""
    spans = seen.telemetry.spans
    assert spans is not None
    found: dict[str, list[int]] = {}
    for start_ns, kind, status, process in zip(spans.start_ns, spans.kind, spans.status, spans.process, strict=True):
        resource = spans.processes[process].attributes
        if kind == 2 and start_ns / 1e9 > seen.onset_s + 90 and resource["service.name"] == seen.cause.name:
            found.setdefault(resource["service.version"], []).append(int(status == 2))
    return {version: float(np.mean(bad)) for version, bad in found.items()}


def canary(seen: sn.Seen) -> None:
    """Only the new version fails, on a minority of the pods; the old one is as well as before."""
    by_version = errors_by_version(seen)
    assert len(by_version) == 2
    assert max(by_version.values()) > 0.2
    assert min(by_version.values()) < 0.05
    versions = [p.attributes["service.version"] for p in seen.telemetry.spans.processes if p.service == seen.cause.name]
    fresh = max(by_version, key=lambda version: by_version[version])
    assert versions.count(fresh) <= 0.5 * len(versions)
    assert seen.deployed()


def zonal(seen: sn.Seen) -> None:
    """Only the new version fails, and it lives in one zone, where other services are as well as elsewhere."""
    canary(seen)
    by_version = errors_by_version(seen)
    fresh = max(by_version, key=lambda version: by_version[version])
    nodes = {v.body["metadata"]["name"]: v.body for v in seen.telemetry.cluster.versions if v.body["kind"] == "Node"}

    def zones(version: str) -> set[str]:
        return {
            nodes[p.attributes["k8s.node.name"]]["metadata"]["labels"]["topology.kubernetes.io/zone"]
            for p in seen.telemetry.spans.processes
            if p.service == seen.cause.name and p.attributes["service.version"] == version
        }

    assert len(zones(fresh)) == 1
    assert len(zones(min(by_version, key=lambda version: by_version[version]))) > 1
    assert any("wave 1 of" in message.text for message in seen.telemetry.messages)


def version_skew(seen: sn.Seen) -> None:
    """Callers cannot read what the culprit answers well; the culprit itself does not fail, in either version."""
    by_version = errors_by_version(seen)
    assert len(by_version) == 2
    assert max(by_version.values()) < 0.05
    callers = [one for one in seen.truth.decoys if seen.said(f"response of {seen.cause.name}", one)]
    assert callers
    assert not seen.said("unmarshal|UnrecognizedProperty|ValidationError|ZodError|protobuf|parsing", seen.cause.name)
    assert seen.deployed()


def config_push(seen: sn.Seen) -> None:
    """Several services crash while parsing the same file, within the minute, and none of them was released."""
    crashed = [name for kind, name in seen.cause.aliases if kind == "service" and seen.said("routing.yaml", name)]
    assert len(crashed) >= 3
    firsts = [min(seen.said("routing.yaml", name)) for name in crashed]
    assert min(firsts) >= seen.onset_s
    assert max(firsts) - min(firsts) < 120
    reasons = {event["reason"] for event in seen.telemetry.cluster.events}
    assert "BackOff" in reasons
    commit = seen.commit()
    assert commit is not None
    assert commit.repository.endswith("/platform")


def broker_partition(seen: sn.Seen) -> None:
    """Nodes of the broker cannot reach one another and say so; memory is no matter, and the queue's home cannot be found."""
    broker = seen.cause.name
    before, after = seen.around(seen.level("rabbitmq_unreachable_cluster_peers_count", service=broker))
    assert before == 0
    assert after >= 2
    assert seen.level("rabbitmq_alarms_memory_used_watermark", service=broker)[1].max() == 0
    assert seen.said("running_partitioned_network|minority", broker)
    assert min(seen.said("is down or inaccessible")) >= seen.onset_s
    assert seen.cause.change == ""


CASES: dict[str, tuple[str, int, Callable[[sn.Seen], None]]] = {
    "n_plus_one": ("web-shop", 0, n_plus_one),
    "feature_flag": ("payments", 1, feature_flag),
    "credentials_rotated": ("payments", 1, credentials_rotated),
    "integer_overflow": ("web-shop", 0, integer_overflow),
    "db_storage_full": ("web-shop", 0, db_storage_full),
    "replication_lag": ("web-shop", 0, replication_lag),
    "db_failover": ("payments", 1, db_failover),
    "io_storm": ("web-shop", 0, io_storm),
    "shm_exhaustion": ("payments", 1, shm_exhaustion),
    "consumer_lag": ("payments", 1, consumer_lag),
    "poison_pill": ("web-shop", 0, poison_pill),
    "rebalance_loop": ("web-shop", 0, rebalance_loop),
    "broker_blocked": ("data-pipeline", 0, broker_blocked),
    "broker_partition": ("payments", 1, broker_partition),
    "gc_storm": ("payments", 1, gc_storm),
    "fd_exhaustion": ("web-shop", 1, fd_exhaustion),
    "canary": ("web-shop", 1, canary),
    "canary in one zone": ("web-shop", 0, zonal),
    "version_skew": ("web-shop", 0, version_skew),
    "config_push": ("web-shop", 1, config_push),
    "log_disk_full": ("payments", 1, log_disk_full),
}
each_family = pytest.mark.parametrize("fault", CASES)


def seen_of(fault: str) -> sn.Seen:
    name, seed, _ = CASES[fault]
    return sn.built(name, fault.split(" ", maxsplit=1)[0], seed, "step")


@each_family
def test_what_tells_the_family_apart_is_there(fault: str) -> None:
    CASES[fault][2](seen_of(fault))


@each_family
def test_the_truth_is_sane_and_the_page_follows_the_onset(fault: str) -> None:
    seen = seen_of(fault)
    label = seen.scenario.alert["alerts"][0]["labels"]
    firing = [a for a in seen.telemetry.alerts if a.rule == label["alertname"] and a.starts_s <= seen.telemetry.now_s]
    assert seen.truth.status == "found"
    assert seen.cause.fault in faults.kinds(fault.split(" ", maxsplit=1)[0])
    assert seen.onset_s < firing[-1].active_s <= firing[-1].starts_s < seen.telemetry.now_s
    assert seen.truth.path[0] == seen.cause.name
    assert seen.truth.path[-1] == label["service"]
    assert seen.cause.name not in seen.truth.decoys
    if seen.cause.change:
        assert seen.commit() is not None


@each_family
def test_nobody_is_paged_before_the_onset(fault: str) -> None:
    seen = seen_of(fault)
    early = [a.rule for a in seen.telemetry.alerts if a.labels["severity"] == "critical" and a.starts_s < seen.onset_s]
    assert early == []


@each_family
def test_the_pages_rule_holds_over_the_very_data_that_is_served(fault: str) -> None:
    seen = seen_of(fault)
    telemetry = seen.telemetry
    label = seen.scenario.alert["alerts"][0]["labels"]["alertname"]
    rule = next(rule for rule in telemetry.rules if rule.name == label)
    firing = [a for a in telemetry.alerts if a.rule == label and a.starts_s <= telemetry.now_s][-1]
    evaluator = engine.Engine(telemetry.metrics)
    assert len(evaluator.instant(rule.expr, firing.starts_s).series) >= 1
    assert len(evaluator.instant(rule.expr, firing.active_s - 90.0).series) == 0


@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_what_a_consumer_has_and_what_it_lacks_is_what_was_produced(seed: int) -> None:
    """Whatever the seed: offset and lag of every partition add up, and nobody goes back."""
    seen = sn.Seen(*world.build("web-shop", "poison_pill", seed, hours=sn.HOURS))
    ends = {labels["partition"]: row for _, labels, row in seen.matching("kafka_topic_partition_current_offset")}
    behind = lags(seen)
    group = f"{seen.cause.name}-consumers"
    for _, labels, row in seen.matching("kafka_consumergroup_current_offset", consumergroup=group):
        partition = labels["partition"]
        assert (row + behind[partition] == ends[partition]).all(), seed
        assert (behind[partition] >= 0).all(), seed
    assert sum(row[-1] > 50 * max(row[:100].mean(), 1.0) for row in behind.values()) == 1, seed


@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_writes_fail_only_once_the_volume_is_full(seed: int) -> None:
    seen = sn.Seen(*world.build("payments", "db_storage_full", seed, hours=sn.HOURS))
    times_s, left = seen.level(
        "kubelet_volume_stats_available_bytes", persistentvolumeclaim=f"data-{seen.cause.name}-0"
    )
    assert (np.diff(left)[times_s[1:] > seen.onset_s] <= 0).all(), seed
    full_s = times_s[np.argmax(left == 0)]
    assert full_s > seen.onset_s, seed
    assert min(seen.said("could not extend file|DiskFull|No space left")) >= full_s - 30, seed


@pytest.mark.parametrize("name", ["web-shop", "payments"])
def test_what_exporters_show_of_a_fault_they_show_on_any_day(name: str) -> None:
    """The names of metrics give nothing away: a world with a fault has no more of them than one with another."""

    def names(fault: str) -> set[str]:
        blocks = sn.built(name, fault, 1, "step").telemetry.metrics.blocks
        return {labels["__name__"] for block in blocks for labels in block.labels}

    seen = [names(fault) for fault in ("db_storage_full", "feature_flag", "credentials_rotated")]
    assert all(one == seen[0] for one in seen)
    assert np.all([len(one) > 100 for one in seen])
