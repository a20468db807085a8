"""What each importer makes of its data: names, units, times, edges, alert and truth, as a recorded production would have served them."""

import json
from pathlib import Path

import authors_layouts as layouts
import numpy as np
import pytest

from rootward import _clock, errors
from rootward.dojo.capsule import importers, telemetry
from rootward.dojo.capsule.importers import _history, _nezha_records, _spans, _webhook


def series(data: telemetry.Telemetry, **labels: str) -> tuple[telemetry.FloatArray, telemetry.FloatArray]:
    """(times, values) of the one series with these labels, samples only."""
    found = [
        (block.times_s, values)
        for block in data.metrics.blocks
        for own, values in zip(block.labels, block.values, strict=True)
        if labels.items() <= own.items()
    ]
    [(times_s, values)] = found
    present = ~telemetry.is_stale(values)
    return times_s[present], values[present]


def only(name: str, src: Path, **options: object) -> tuple[telemetry.Telemetry, dict, object]:
    [(_, scenario, truth)] = importers.cases(name, src, **options)
    return scenario.telemetry, scenario.alert["alerts"][0], truth


# PetShop


def test_petshop_metrics_carry_the_node_its_type_and_cloudwatch_s_names(tmp_path: Path) -> None:
    data, alert, truth = only("petshop", layouts.petshop(tmp_path))
    times_s, values = series(
        data, __name__="aws_xray_latency_p99", service="PetSearch_AWS::ECS::Fargate", service_type="AWS::ECS::Fargate"
    )
    assert values[-5:].tolist() == [1.0] * 5
    assert times_s[-5:].tolist() == [layouts.ISSUE_START_S + 300 * i for i in range(5)]
    assert data.metrics.meta["aws_xray_latency_p99"].unit == "seconds"
    assert data.metrics.meta["aws_xray_availability_average"].unit == "percent"
    assert alert["labels"]["service"] == "PetSite"
    assert (alert["labels"]["metric"], alert["labels"]["statistic"]) == ("latency", "Average")
    assert _clock.from_iso(alert["startsAt"]) == layouts.ISSUE_START_S + 548
    assert 'aws_xray_latency_average{service="PetSite"}' in layouts_unquote(alert["generatorURL"])
    [cause] = truth.causes
    assert (cause.kind, cause.name, cause.fault) == ("service", "PetSearch_AWS::ECS::Fargate", "")
    assert truth.original["metadata"] == {"x": 1}


def layouts_unquote(url: str) -> str:
    import urllib.parse

    return urllib.parse.unquote_plus(url)


def test_petshop_missing_cells_are_no_samples(tmp_path: Path) -> None:
    data, _, _ = only("petshop", layouts.petshop(tmp_path), baseline="recorded")
    times_s, values = series(data, __name__="aws_xray_requests_sum", service="adopt_AWS::Lambda::Function")
    assert layouts.ISSUE_START_S + 300 not in times_s.tolist()
    assert not np.isnan(values).any()


def test_petshop_call_graph_becomes_edges_that_keep_being_drawn(tmp_path: Path) -> None:
    data, _, _ = only("petshop", layouts.petshop(tmp_path))
    for server in ("PetSearch_AWS::ECS::Fargate", "adopt_AWS::Lambda::Function"):
        _, values = series(data, __name__="traces_service_graph_request_total", client="PetSite", server=server)
        assert (np.diff(values) > 0).all()


def test_petshop_fault_free_months_after_the_fault_are_moved_before_it_by_whole_days(tmp_path: Path) -> None:
    data, _, truth = only("petshop", layouts.petshop(tmp_path))
    times_s, values = series(data, __name__="aws_xray_latency_average", service="PetSite")
    moved_s = int(truth.note.split("moved by ")[1].split(" s")[0])
    assert moved_s % 86_400 == 0
    assert times_s[0] == layouts.NORMAL_START_S + moved_s
    assert values.tolist() == [0.1] * (len(values) - 5) + [1.0] * 5
    assert np.diff(times_s).max() <= 300.0
    recorded, _, plain = only("petshop", layouts.petshop(tmp_path), baseline="recorded")
    assert plain.note == ""
    assert (
        series(recorded, __name__="aws_xray_latency_average", service="PetSite")[0][-1]
        == layouts.NORMAL_START_S + 587 * 300
    )
    assert recorded.now_s < layouts.NORMAL_START_S


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        ("lambdastatusupdater_AWS::Lambda::Function", "function"),
        ("petInfo_AWS::DynamoDB::Table", "database"),
        ("adoptions@db.rds.amazonaws.com_Database::SQL", "database"),
        ("https://sqs.amazonaws.com/q_AWS::SQS::Queue", "queue"),
        ("www.amazon.com_remote", "external"),
        ("lambda_step_readDDB", "service"),
        ("PetSearch_client", "service"),
    ],
)
def test_petshop_kinds_follow_the_node_type(tmp_path: Path, node: str, kind: str) -> None:
    _, _, truth = only("petshop", layouts.petshop(tmp_path, cause=node))
    [cause] = truth.causes
    assert (cause.kind, cause.name) == (kind, node)
    assert ("service", node) in ((cause.kind, cause.name), *cause.aliases)


# Sock Shop


def test_sockshop_names_units_and_onset(tmp_path: Path) -> None:
    data, alert, truth = only("sockshop", layouts.sockshop(tmp_path))
    onset_s = 1_652_565_600 + 60 + 3 * 86_400
    times_s, values = series(data, __name__="container_cpu_usage_percent", service="carts-db")
    assert (values[0], values[-1]) == (1.0, 100.0)
    assert (times_s[0], times_s[60]) == (1_652_565_600, onset_s)
    series(data, __name__="request_duration_seconds", service="carts", quantile="0.5")
    assert not [
        own for block in data.metrics.blocks for own in block.labels if own.get("quantile") == "0.99"
    ]  # empty column
    assert "service" not in alert["labels"]
    assert _clock.from_iso(alert["startsAt"]) == onset_s
    [cause] = truth.causes
    assert (cause.name, cause.fault, cause.onset_s) == ("carts", "cpu_overload", onset_s)
    assert truth.note == ""


def test_sockshop_normal_part_can_be_moved_to_the_fault(tmp_path: Path) -> None:
    data, _, truth = only("sockshop", layouts.sockshop(tmp_path, "carts-db-mem"), baseline="adjacent")
    times_s, _ = series(data, __name__="container_memory_usage_bytes", service="carts")
    assert np.diff(times_s).tolist() == [1.0] * 119
    assert "moved by +259200 s" in truth.note
    assert (truth.causes[0].name, truth.causes[0].fault) == ("carts-db", "memory_pressure")


def test_sockshop_folder_that_names_no_fault_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.DatasetError, match="names no service and metric"):
        only("sockshop", layouts.sockshop(tmp_path, "carts-disk"))


@pytest.mark.parametrize("baseline", ["auto", "recorded", "adjacent"])
@pytest.mark.parametrize("gap_s", [-400_000.0, -3600.0, 1.0, 3600.0, 400_000.0])
@pytest.mark.parametrize("length_s", [300.0, 180_000.0])
def test_a_moved_period_never_leaves_a_hole_or_invents_overlap(baseline: str, gap_s: float, length_s: float) -> None:
    times_s = np.arange(0.0, length_s, 60.0)
    first_s = times_s[-1] + gap_s
    seconds = _history.shift_s(times_s, first_s, step_s=60.0, baseline=baseline)
    before = (times_s - seconds)[times_s - seconds < first_s]
    if baseline == "adjacent" or (baseline == "auto" and gap_s < 0):
        assert first_s - before[-1] <= 60.0
        assert len(before) >= len(times_s) * _history.KEPT_SHARE_MIN - 1
    else:
        assert seconds == 0.0


def test_an_unknown_baseline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.DatasetError, match="not one of auto"):
        only("sockshop", layouts.sockshop(tmp_path), baseline="yesterday")


# Nezha


def test_nezha_pod_metrics_in_base_units(tmp_path: Path) -> None:
    data, _, _ = only("nezha", layouts.nezha(tmp_path))
    pod, service = layouts.PODS[1], "ts-order-service"
    expected = {
        "pod_cpu_usage_cores": 0.0025,
        "pod_memory_usage_bytes": 300 * 2**20,
        "pod_request_success_ratio": 1.0,
        "pod_server_request_duration_seconds": 0.2,
    }
    for name, value in expected.items():
        assert series(data, __name__=name, pod=pod, service=service)[1].tolist() == pytest.approx([value] * 53)
    assert series(data, __name__="node_cpu_utilization_ratio", node="10.0.0.8")[1][0] == 0.5
    assert series(data, __name__="kube_pod_info", pod=pod, node="10.0.0.8", created_by_name=pod[:-6])[1][0] == 1.0
    series(data, __name__="kube_pod_info", pod=layouts.PODS[0], node="10.0.0.7")  # dependency.csv names its node
    edge = {"source_workload": "ts-gateway-service", "destination_workload": service}
    assert series(data, __name__="istio_request_duration_seconds", reporter="source", **edge)[1][0] == 0.05
    series(data, __name__="traces_service_graph_request_total", client="ts-gateway-service", server=service)


def test_nezha_alert_and_truth_are_on_the_clock_of_inject_time(tmp_path: Path) -> None:
    data, alert, truth = only("nezha", layouts.nezha(tmp_path))
    assert _clock.from_iso(alert["startsAt"]) == layouts.INJECT_S + 30
    assert alert["labels"]["service"] == "ts-gateway-service"  # where the traces begin
    assert series(data, __name__="frontend_request_success_ratio", service="ts-gateway-service")[1][0] == 1.0
    [cause] = truth.causes
    assert (cause.kind, cause.name, cause.fault, cause.onset_s) == (
        "service",
        "ts-order-service",
        "code_return",
        layouts.INJECT_S,
    )
    assert ("pod", layouts.PODS[1]) in cause.aliases
    assert truth.original["inject_timestamp"] == "1674953044"


@pytest.mark.parametrize(("zone_s", "stamp_off_s"), [(0, 0), (8 * 3600, 0), (-8 * 3600, 200_000_000)])
def test_nezha_clocks_that_are_off_are_brought_together(tmp_path: Path, zone_s: int, stamp_off_s: int) -> None:
    data, _, _ = only("nezha", layouts.nezha(tmp_path, zone_s=zone_s, stamp_off_s=stamp_off_s))
    first_s = layouts.INJECT_S - 55
    assert data.logs.times_ns[0] / 1e9 == pytest.approx(first_s)
    assert data.spans.start_ns[0] / 1e9 == pytest.approx(first_s)
    assert data.start_s == layouts.MIDNIGHT_S + 8 * 3600 + 9


def test_nezha_logs_lose_the_envelope_and_repeated_and_torn_rows_and_get_sane_times(tmp_path: Path) -> None:
    data, _, _ = only("nezha", layouts.nezha(tmp_path))
    assert len(data.logs.lines) == 3 * 51
    assert data.logs.lines[0] == "INFO order 0 é"
    assert data.logs.streams == (
        {"app": "ts-order-service", "container": "server", "node": "10.0.0.8", "pod": layouts.PODS[1]},
    )
    at = data.logs.lines.index("not JSON")  # its TimeUnixNano was Go's zero time
    assert data.logs.times_ns[at] / 1e9 == pytest.approx(layouts.MIDNIGHT_S + 8 * 3600 + 42 * 60 + 40.295)
    assert (np.diff(data.logs.times_ns) >= 0).all()
    assert data.logs.trace_ids[0] == data.spans.trace_ids[0]


def test_nezha_spans_know_who_served_whom(tmp_path: Path) -> None:
    data, _, _ = only("nezha", layouts.nezha(tmp_path))
    spans = data.spans
    assert len(spans.span_ids) == 300
    by_service = {spans.processes[p].service: set() for p in spans.process}
    for process, kind in zip(spans.process, spans.kind, strict=True):
        by_service[spans.processes[process].service].add(int(kind))
    assert by_service == {"ts-gateway-service": {_spans.SERVER}, "ts-order-service": {_spans.SERVER}}
    assert set(spans.parent_ids) >= {""}
    assert set(spans.duration_ns.tolist()) == {5_000_000, 2_999_000}
    order = next(process for process in spans.processes if process.service == "ts-order-service")
    assert order.attributes["k8s.pod.name"] == layouts.PODS[1]


def test_nezha_without_records_around_the_fault_has_no_loki_rather_than_silence(tmp_path: Path) -> None:
    root = layouts.nezha(tmp_path)
    for path in root.rglob("08_4*_log.csv"):
        path.rename(path.with_name(path.name.replace("08_4", "03_1")))
    data, _, _ = only("nezha", root)
    assert data.logs is None
    assert data.access["loki"] == "absent"
    assert "jaeger" not in data.access


def test_nezha_is_looked_at_when_its_records_end(tmp_path: Path) -> None:
    data, _, _ = only("nezha", layouts.nezha(tmp_path))
    assert layouts.INJECT_S + 120 <= data.now_s <= layouts.INJECT_S + 180


def test_nezha_damaged_beyond_a_torn_row_is_refused(tmp_path: Path) -> None:
    root = layouts.nezha(tmp_path)
    path = next(root.rglob("08_44_trace.csv"))
    path.write_text(path.read_text() + "torn\n" * 100)
    with pytest.raises(errors.DatasetError, match="08_44_trace"):
        only("nezha", root)


@pytest.mark.parametrize(
    ("pod", "service"),
    [
        ("frontend-579b9bff58-t2dbm", "frontend"),
        ("ts-ui-dashboard-5477b965f-2chkr", "ts-ui-dashboard"),
        ("ts-preserve-service-b5ccf8557-j4txs", "ts-preserve-service"),
        ("redis-cart-0", "redis-cart-0"),
        ("mysql", "mysql"),
    ],
)
def test_a_pod_belongs_to_the_service_it_is_named_after(pod: str, service: str) -> None:
    assert _nezha_records.service_of(pod) == service


def test_span_kinds_from_where_spans_ran() -> None:
    ids = [("t", "a"), ("t", "b"), ("t", "c"), ("t", "d"), ("t", "e")]
    parents = [("t", ""), ("t", "a"), ("t", "b"), ("t", "c"), ("t", "lost")]
    kinds = _spans.kinds(ids, parents, [0, 0, 1, 1, 2])
    assert kinds.tolist() == [_spans.SERVER, _spans.CLIENT, _spans.SERVER, _spans.UNSPECIFIED, _spans.UNSPECIFIED]


# RootCauseBench


def test_rootcausebench_changes_come_from_commits_deploys_and_flags(tmp_path: Path) -> None:
    data, alert, truth = only("rootcausebench", layouts.rootcausebench(tmp_path))
    first, second = data.code.commits
    assert (first.sha, second.sha, second.parent) == (layouts.CULPRIT, layouts.DECOY, layouts.CULPRIT)
    assert first.files == {"a.go": "@@ -1 +1 @@", "b.go": ""}
    [deployment] = data.code.deployments
    assert deployment.payload == {"service": "checkout", "version": "v1", "commit": layouts.CULPRIT}
    [flag] = data.change_events
    assert flag.details == {"kind": "flag", "flag": "rail", "change": "off->on", "actor": "lena"}
    [message] = data.messages
    assert message.bot
    assert "degraded" in message.text
    assert alert["labels"] == {"alertname": "p99", "service": "checkout", "metric": "p99_ms", "severity": "critical"}
    assert data.rules[0].expr == 'p99_ms{service="checkout"} > 800'
    [cause] = truth.causes
    assert (cause.name, cause.change, truth.decoys) == ("checkout", layouts.CULPRIT, (layouts.DECOY,))


def test_rootcausebench_without_a_culprit_has_no_change(tmp_path: Path) -> None:
    _, _, truth = only("rootcausebench", layouts.rootcausebench(tmp_path, commit="none"))
    assert truth.causes[0].change == ""
    assert truth.original["root_cause_commit"] == "none"


def test_rootcausebench_lines_metrics_and_spans(tmp_path: Path) -> None:
    data, _, _ = only("rootcausebench", layouts.rootcausebench(tmp_path))
    assert [json.loads(line)["msg"] for line in data.logs.lines] == ["m1", "m2", "m3"]
    assert all(len(trace) == 32 for trace in data.logs.trace_ids)
    times_s, values = series(data, __name__="err_or_total", service="cart")
    assert len(times_s) == 29
    assert data.metrics.meta["err_or_total"].kind == "counter"
    assert data.spans.trace_ids[0] == data.spans.trace_ids[1] == "4cc84c02d84493ebb3627463cd734b40"
    assert data.spans.parent_ids == ["", data.spans.span_ids[0]]
    assert data.spans.attributes == [{}, {"error": "x"}]
    assert data.spans.kind.tolist() == [2, 2]
    assert data.spans.status.tolist() == [2, 2]
    assert values[0] == 0.0


def test_a_webhook_is_alertmanager_s_form() -> None:
    payload = _webhook.payload({"alertname": "A", "b": "c"}, {"summary": "s"}, starts_s=0.0, expr="up == 0")
    [alert] = payload["alerts"]
    assert (payload["version"], payload["status"], alert["status"]) == ("4", "firing", "firing")
    assert alert["startsAt"] == "1970-01-01T00:00:00.000Z"
    assert alert["generatorURL"].endswith("g0.expr=up+%3D%3D+0&g0.tab=1")
    assert _webhook.fingerprint({}) == "cbf29ce484222325"  # FNV-1a's offset: no labels
    assert _webhook.fingerprint({"b": "c", "alertname": "A"}) == alert["fingerprint"]
