"""Faults of networks, machines and traffic: what tells each apart is there, and what would point elsewhere is not."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import seen as sn

from rootward.dojo import faults
from rootward.dojo.faults import clock_drift as clock_drift_family
from rootward.dojo.faults import conntrack_full as conntrack_full_family
from rootward.dojo.faults import packet_loss as packet_loss_family

NO_DEPLOY = ""


def failures_by_node(seen: sn.Seen, *, late: bool) -> dict[str, float]:
    """Failed server spans as a share of all, by the machine that served them."""
    spans = seen.telemetry.spans
    assert spans is not None
    bad, total = {}, {}
    for start_ns, process, kind, status in zip(spans.start_ns, spans.process, spans.kind, spans.status, strict=True):
        if kind != 2 or (start_ns / 1e9 > seen.onset_s + 150) != late:
            continue
        node = spans.processes[process].attributes["k8s.node.name"]
        total[node] = total.get(node, 0) + 1
        bad[node] = bad.get(node, 0) + (status == 2)
    return {node: bad[node] / total[node] for node in total if total[node] >= 20}


def follows_the_machine(seen: sn.Seen, node: str, texts: Mapping[str, str]) -> None:
    """The fault's own lines come from that machine, whichever service runs there."""
    logs = seen.telemetry.logs
    assert logs is not None
    said = [
        logs.streams[stream]
        for at_ns, stream, line in zip(logs.times_ns, logs.stream, logs.lines, strict=True)
        if at_ns / 1e9 > seen.onset_s
        and any(line.endswith((text, f'{text}"')) or f'"{text}"' in line for text in texts.values())
    ]
    assert {labels["node"] for labels in said} == {node}
    assert len({labels["app"] for labels in said}) > 1


def network_policy(seen: sn.Seen) -> None:
    """One edge hangs, a policy appears, the callee itself is well and has no span for the lost attempts."""
    caller, callee = seen.cause.name.split("→")
    policies = [
        v for v in seen.telemetry.cluster.versions if v.body["kind"] == "NetworkPolicy" and v.time_s > seen.onset_s - 60
    ]
    assert policies[0].body["metadata"]["name"].startswith(callee)
    assert caller not in repr(policies[0].body["spec"]["ingress"])
    said = seen.said(r"i/o timeout|Connect timed out|ConnectTimeout|connect ETIMEDOUT", caller)
    assert said
    assert min(said) >= seen.onset_s
    assert seen.commit() is not None


def packet_loss(seen: sn.Seen) -> None:
    node = seen.cause.name
    before, after = seen.around(seen.increase("node_netstat_Tcp_RetransSegs", node=node))
    assert after > 20 * before
    others = next(
        labels["node"] for _, labels, _ in seen.matching("node_netstat_Tcp_RetransSegs") if labels["node"] != node
    )
    before, after = seen.around(seen.increase("node_netstat_Tcp_RetransSegs", node=others))
    assert after < 2 * before
    follows_the_machine(seen, node, packet_loss_family.TEXTS)
    assert seen.cause.change == NO_DEPLOY


def edge_latency(seen: sn.Seen) -> None:
    """The client's span grows, the server's does not."""
    caller, callee = seen.cause.name.split("→")
    spans = seen.telemetry.spans
    assert spans is not None
    server_of = {
        parent: took
        for parent, took, kind in zip(spans.parent_ids, spans.duration_ns, spans.kind, strict=True)
        if kind == 2
    }
    gaps: dict[bool, list[float]] = {True: [], False: []}
    for ident, start_ns, took, kind, process, look in zip(
        spans.span_ids, spans.start_ns, spans.duration_ns, spans.kind, spans.process, spans.attributes, strict=True
    ):
        if (
            kind == 3
            and look.get("peer.service") == callee
            and spans.processes[process].service == caller
            and ident in server_of
        ):
            gaps[bool(start_ns / 1e9 > seen.onset_s)].append((took - server_of[ident]) / 1e6)
    assert np.median(gaps[True]) > 50 + np.median(gaps[False])
    assert seen.cause.change == NO_DEPLOY


def conntrack_full(seen: sn.Seen) -> None:
    node = seen.cause.name
    times_s, entries = seen.level("node_nf_conntrack_entries", node=node)
    _, limit = seen.level("node_nf_conntrack_entries_limit", node=node)
    late = (times_s > seen.onset_s + 30) & (times_s < seen.onset_s + 300)
    assert (entries[late] == limit[late]).all()
    assert entries[times_s < seen.onset_s - 1000].max() < 0.3 * limit[0]
    assert any(
        "table full" in e["message"] and e["involvedObject"]["name"] == node for e in seen.telemetry.cluster.events
    )
    follows_the_machine(seen, node, conntrack_full_family.TEXTS)


def port_exhaustion(seen: sn.Seen) -> None:
    times_s, waiting = seen.level("container_network_tcp_usage_total", container=seen.cause.name, tcp_state="timewait")
    assert waiting[times_s > seen.onset_s + 420].max() > 20 * waiting[times_s < seen.onset_s - 60].max()
    said = seen.said(r"cannot assign requested address|Cannot assign requested address|EADDRNOTAVAIL", seen.cause.name)
    assert said
    assert min(said) > seen.onset_s
    assert seen.deployed()
    restarts = seen.level("kube_pod_container_status_restarts_total", container=seen.cause.name)
    assert seen.around(restarts)[1] == 0


def clock_drift(seen: sn.Seen) -> None:
    node = seen.cause.name
    times_s, offset = seen.level("node_timex_offset_seconds", node=node)
    assert offset[times_s > seen.onset_s + 600].max() > 30
    assert abs(offset[times_s < seen.onset_s - 60]).max() < 10
    follows_the_machine(seen, node, clock_drift_family.TEXTS)
    spans = seen.telemetry.spans
    assert spans is not None
    start_of = dict(zip(spans.span_ids, spans.start_ns, strict=True))
    early = [
        start_of[parent] - start
        for parent, start in zip(spans.parent_ids, spans.start_ns, strict=True)
        if parent in start_of and start / 1e9 > seen.onset_s + 300
    ]
    assert max(early) > 20e9, "children begin before their parents where clocks disagree"


def traffic_drop(seen: sn.Seen) -> None:
    before, after = seen.around(
        seen.increase("nginx_ingress_controller_requests", ingress=seen.cause.name), settle_s=400
    )
    assert after < 0.2 * before
    failed = sum(
        seen.increase("nginx_ingress_controller_requests", ingress=seen.cause.name, status=s)[1][-100:].sum()
        for s in ("502", "200")
    )
    assert failed > 0
    assert seen.commit() is not None
    assert any("DNS" in event.summary for event in seen.telemetry.change_events)


def regex_burn(seen: sn.Seen) -> None:
    before, after = seen.around(seen.increase("container_cpu_usage_seconds_total", container=seen.cause.name))
    assert after > 1.8 * before
    behind = "storefront"
    before, after = seen.around(seen.increase("container_cpu_usage_seconds_total", container=behind))
    assert after < 1.3 * before
    assert seen.said("rule 100000", seen.cause.name)
    commit = seen.commit()
    assert commit is not None
    assert "deny" in "".join(commit.files.values())


def batch_contention(seen: sn.Seen) -> None:
    """It comes at the same distance each time, and somebody innocent deployed three minutes before."""
    jobs = [e for e in seen.telemetry.cluster.events if e["involvedObject"]["name"] == seen.cause.name]
    assert len(jobs) >= 2
    assert seen.said(f"COPY .*{seen.cause.name}")
    assert set(seen.truth.decoys)
    assert seen.cause.change == NO_DEPLOY


def zone_outage(seen: sn.Seen) -> None:
    inside = {name for kind, name in seen.cause.aliases if kind == "node"}
    share = failures_by_node(seen, late=True)
    struck = [rate for node, rate in share.items() if node in inside]
    spared = [rate for node, rate in share.items() if node not in inside]
    assert min(struck) > 0.1
    assert np.mean(struck) > 2 * np.mean(spared)


def permission_revoked(seen: sn.Seen) -> None:
    caller, _ = seen.cause.name.split("→")
    said = seen.said("AccessDenied", caller)
    assert said
    assert min(said) >= seen.onset_s
    commit = seen.commit()
    assert commit is not None
    assert "Invoke" in "".join(commit.files.values())
    assert commit.time_s <= min(said)


def data_corruption(seen: sn.Seen) -> None:
    said = seen.said("could not read block|invalid page|page verification failed", seen.cause.name)
    assert said
    assert min(said) >= seen.onset_s
    times_s, errors = seen.increase("node_disk_io_errors_total")
    assert errors[times_s < seen.onset_s - 30].sum() == 0
    assert errors[times_s > seen.onset_s].sum() > 0
    mean = seen.level("pg_stat_statements_mean_exec_time_seconds", service=seen.cause.name)
    before, after = seen.around(mean)
    assert after < 3 * before, "what can be read is as quick as ever"


CASES: dict[Callable[[sn.Seen], None], tuple[str, int, str | None]] = {
    network_policy: ("web-shop", 0, "step"),
    packet_loss: ("web-shop", 0, "step"),
    edge_latency: ("payments", 1, "step"),
    conntrack_full: ("web-shop", 2, "step"),
    port_exhaustion: ("web-shop", 0, None),
    clock_drift: ("web-shop", 0, None),
    traffic_drop: ("web-shop", 0, "step"),
    regex_burn: ("web-shop", 0, "step"),
    batch_contention: ("payments", 1, "periodic"),
    zone_outage: ("web-shop", 0, "step"),
    permission_revoked: ("payments", 1, None),
    data_corruption: ("web-shop", 0, "step"),
}


@pytest.mark.parametrize("looks_like", CASES, ids=lambda check: check.__name__)
def test_what_tells_the_fault_apart_is_there(looks_like: Callable[[sn.Seen], None]) -> None:
    name, seed, shape = CASES[looks_like]
    found = sn.built(name, looks_like.__name__, seed, shape)
    assert found.truth.status == "found"
    assert found.cause.fault in faults.kinds(looks_like.__name__)
    alert = found.scenario.alert["alerts"][0]["labels"]["alertname"]
    firing = [a for a in found.telemetry.alerts if a.rule == alert and a.starts_s <= found.telemetry.now_s][-1]
    assert found.onset_s < firing.active_s
    looks_like(found)
