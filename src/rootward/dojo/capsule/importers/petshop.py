"""PetShop (Hardt et al., CLeaR 2024, arXiv 2311.04806): X-Ray and CloudWatch metrics of a shop on AWS, as an exporter publishes them.

Layout: `<traffic>/graph.csv` (row calls column), `<traffic>/noissue/metrics.csv` and, anywhere below, folders with `target.json` and
`metrics.csv`, whose three header rows are node, metric and statistic; one row per five minutes. See docs/reference/capsule.md
for names and units. The fault-free months lie after the faults: see `_history`.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rootward import errors
from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import _csv, _history, _metrics, _sources, _webhook

EXPECTED = "PetShop's <traffic>/train/issue_N/target.json beside metrics.csv, with graph.csv in a folder above"
EXPECTED_NOISSUE = "PetShop's <traffic>/noissue/metrics.csv"
STEP_S = 300.0
SETTLE_S = 60.0  # the alert is looked at a minute after the last sample
QUIET_CASES = 8  # fault-free windows per traffic pattern
UNITS = {"latency": "seconds", "availability": "percent", "requests": "requests per five minutes"}
KINDS = (  # X-Ray's node types → kinds of entity; the rest are services
    ("Lambda", "function"),
    ("DynamoDB::Table", "database"),
    ("Database::SQL", "database"),
    ("SQS::Queue", "queue"),
    ("remote", "external"),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Table:
    """`columns`: (node, metric, statistic) → values over `times_s`, NaN where there is none."""

    times_s: telemetry.FloatArray
    columns: dict[tuple[str, str, str], telemetry.FloatArray]


def cases(
    src: Path, *, fault_free: bool = False, baseline: str = "auto"
) -> Iterator[tuple[str, telemetry.Scenario, oracle.Truth]]:
    """Every issue at `src`, or (`fault_free`) windows of the fault-free period.

    Raises:
        DatasetError: `src` holds no PetShop data, or a file of it is damaged.
    """
    with _sources.opened(src) as root:
        if fault_free:
            yield from _quiet_cases(root)
            return
        for target in _sources.find(root, "target.json", expected=EXPECTED):
            yield _case(target, root, baseline)


def count(src: Path) -> int:
    """How many issues lie in the folder `src`."""
    return len(_sources.find(src, "target.json", expected=EXPECTED))


def _case(target_path: Path, root: Path, baseline: str) -> tuple[str, telemetry.Scenario, oracle.Truth]:
    document = _read_target(target_path)
    table = _read_table(target_path.parent / "metrics.csv")
    graph = _above(target_path, "graph.csv")
    noissue = _above(target_path, "noissue/metrics.csv")
    moved_s, tables = 0.0, [table]
    if noissue is not None:
        normal = _read_table(noissue)
        moved_s = _history.shift_s(normal.times_s, table.times_s[0], step_s=STEP_S, baseline=baseline)
        tables.insert(0, Table(normal.times_s - moved_s, normal.columns))
    target, cause = document["target"], document["root_cause"]
    top = root if graph is None else graph.parent.parent
    case_id = "-".join(("petshop", *target_path.parent.relative_to(top).parts))
    name = "petshop" if graph is None else f"petshop-{graph.parent.name}"
    data = _telemetry(tables, graph, now_s=float(table.times_s[-1]) + SETTLE_S, name=name)
    scenario = _alert(data, str(target["node"]), str(target["metric"]), str(target["agg"]), float(target["timestamp"]))
    kind = kind_of(str(cause["node"]))
    truth = oracle.Truth(
        status="found",
        causes=(
            oracle.Cause(
                kind=kind, name=cause["node"], aliases=() if kind == "service" else (("service", cause["node"]),)
            ),
        ),
        note=_history.note(moved_s),
        original=document,
    )
    return case_id, scenario, truth


def _quiet_cases(root: Path) -> Iterator[tuple[str, telemetry.Scenario, oracle.Truth]]:
    for path in _sources.find(root, "metrics.csv", expected=EXPECTED_NOISSUE):
        if path.parent.name != "noissue":
            continue
        table = _read_table(path)
        node, traffic = _front(table), path.parent.parent.name
        spread = np.linspace(len(table.times_s) // 2, len(table.times_s) - 4, QUIET_CASES).astype(int)
        for number, index in enumerate(np.unique(spread)):
            metric, starts_s = ("latency", "availability")[number % 2], float(table.times_s[index])
            now_s = starts_s + 2 * STEP_S + SETTLE_S
            data = _telemetry([table], _above(path, "graph.csv"), now_s=now_s, name=f"petshop-{traffic}")
            truth = oracle.Truth(status="no_fault", note="a window of the period in which nothing was injected")
            yield f"petshop-{traffic}-noissue_{number}", _alert(data, node, metric, "Average", starts_s), truth


def _front(table: Table) -> str:
    """The node that users meet: the one with the most requests among those that are neither clients nor third parties."""
    totals = {
        node: float(np.nansum(values))
        for (node, metric, _), values in table.columns.items()
        if metric == "requests" and "_" not in node
    }
    return max(totals, key=lambda node: (totals[node], node)) if totals else next(iter(table.columns))[0]


def _telemetry(tables: list[Table], graph: Path | None, *, now_s: float, name: str) -> telemetry.Telemetry:
    blocks = [_block(table) for table in tables]
    if len(blocks) == 2:  # a moved period ends where the issue's own samples begin
        blocks[0] = _metrics.until(blocks[0], -np.inf, _own_end(blocks))
    recorded = _metrics.merged(blocks)
    served = [recorded] if graph is None else [recorded, _metrics.edges(recorded.times_s, _read_graph(graph))]
    statistics = {(metric, statistic) for table in tables for _, metric, statistic in table.columns}
    meta = {
        metric_name(metric, statistic): telemetry.MetricMeta(
            "gauge", f"CloudWatch statistic {statistic} of {metric} per X-Ray node", UNITS.get(metric, "")
        )
        for metric, statistic in sorted(statistics)
    }
    return telemetry.Telemetry(
        name=name,
        start_s=float(recorded.times_s[0]),
        end_s=max(float(recorded.times_s[-1]), now_s),
        now_s=now_s,
        metrics=telemetry.Metrics(tuple(served), {**meta, _metrics.EDGE_METRIC: _metrics.EDGE_META}),
    )


def _own_end(blocks: list[telemetry.MetricBlock]) -> float:
    normal, issue = blocks
    overlaps = normal.times_s[0] < issue.times_s[0] <= normal.times_s[-1]
    return float(np.nextafter(issue.times_s[0], -np.inf)) if overlaps else np.inf


def _alert(data: telemetry.Telemetry, node: str, metric: str, statistic: str, starts_s: float) -> telemetry.Scenario:
    labels = {
        "alertname": f"XRay{metric.capitalize()}",
        "service": node,
        "metric": metric,
        "statistic": statistic,
        "severity": "critical",
    }
    annotations = {"summary": f"{metric} ({statistic}) of {node} is out of its usual range"}
    expr = f'{metric_name(metric, statistic)}{{service="{node}"}}'
    fired = _webhook.fired(labels, annotations, starts_s=starts_s)
    data = dataclasses.replace(data, alerts=(fired,))
    data = dataclasses.replace(data, access=_webhook.absent(data))
    return telemetry.Scenario(data, _webhook.payload(labels, annotations, starts_s=starts_s, expr=expr))


def metric_name(metric: str, statistic: str) -> str:
    """CloudWatch's metric and statistic as exporters spell them: aws_xray_latency_p99."""
    return f"aws_xray_{metric}_{statistic}".lower()


def kind_of(node: str) -> str:
    """The kind of entity that a node's X-Ray type stands for."""
    node_type = node_type_of(node)
    return next((kind for part, kind in KINDS if part in node_type), "service")


def node_type_of(node: str) -> str:
    """What X-Ray calls the node's type: the part after the last underscore ("AWS::ECS::Fargate", "remote", "client"), or ""."""
    return next((node[at + 1 :] for at in [node.rfind("_")] if at > 0 and _is_type(node[at + 1 :])), "")


def _is_type(text: str) -> bool:
    return "::" in text or text in {"remote", "client"}


def _block(table: Table) -> telemetry.MetricBlock:
    series = []
    for (node, metric, statistic), values in table.columns.items():
        labels = {"__name__": metric_name(metric, statistic), "service": node}
        if node_type := node_type_of(node):
            labels["service_type"] = node_type
        series.append((labels, values))
    return _metrics.block(table.times_s, series)


def _above(path: Path, name: str) -> Path | None:
    """`name` in the nearest folder above `path` that has it; None if the part given does not include it."""
    return next((folder / name for folder in list(path.parents)[1:4] if (folder / name).is_file()), None)


def _read_target(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
        target, cause = document["target"], document["root_cause"]
        float(target["timestamp"])
        texts = (target["node"], target["metric"], target["agg"], cause["node"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise errors.DatasetError(
            f"{path}: expected target.{{node,metric,agg,timestamp}} and root_cause.node ({error!r})"
        ) from error
    if not all(isinstance(text, str) for text in texts):
        raise errors.DatasetError(f"{path}: nodes, metric and agg are not all texts")
    return document


def _read_table(path: Path) -> Table:
    table = _csv.rows(path)
    head, body = table[:3], [row for row in table[3:] if row[0] != "unix_timestamp"]
    if [row[0] for row in head] != ["microservice", "metric", "statistic"]:
        raise errors.DatasetError(f"{path}: expected PetShop's header rows microservice, metric and statistic")
    width = len(head[0])
    cells = _csv.numbers(path, body, width=width)
    return Table(cells[:, 0], {(head[0][i], head[1][i], head[2][i]): cells[:, i] for i in range(1, width)})


def _read_graph(path: Path) -> list[tuple[str, str]]:
    """Edges (caller, callee) of an adjacency matrix in which the row calls the column."""
    header, *body = _csv.rows(path) or [[]]
    cells = _csv.numbers(path, [row[1:] for row in body], width=len(header) - 1)
    return sorted((body[i][0], header[j + 1]) for i, j in zip(*np.nonzero(cells > 0), strict=True))
