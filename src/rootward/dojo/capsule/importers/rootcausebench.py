"""RootCauseBench (Edge Delta, Apache-2.0): synthetic incidents with an alert, logs, metrics, traces, commits, deploys and flags.

Layout: `<scenario>/ground_truth.json` beside `data/{alert.json,logs.ndjson,metrics.csv,traces.json,context/{commits,deploys,flags}.json}`
and sometimes `data/status_feed.json`. `patterns.json` counts log patterns: a view derived from logs, and not served.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rootward import _clock, errors
from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import _csv, _metrics, _sources, _spans, _webhook

EXPECTED = "RootCauseBench's <scenario>/ground_truth.json beside data/alert.json"
REPOSITORY = "example/services"  # the data name none, and GitHub's API needs one
ENVIRONMENT = "production"
SETTLE_S = 60.0
SAME_TRACE = "same"  # how the data say "the trace of the span before"
TRACE_ID, SPAN_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")
STATUS = {"OK": 1, "ERROR": 2}
SPAN_FIELDS = frozenset(
    ("trace_id", "span_id", "parent_id", "service", "name", "start", "duration_ms", "status", "attributes")
)
Record = Mapping[str, Any]


def cases(src: Path) -> Iterator[tuple[str, telemetry.Scenario, oracle.Truth]]:
    """Every scenario at `src`.

    Raises:
        DatasetError: `src` holds no RootCauseBench data, or a file of it is damaged.
    """
    with _sources.opened(src) as root:
        for path in _sources.find(root, "ground_truth.json", expected=EXPECTED):
            yield _case(path)


def count(src: Path) -> int:
    """How many scenarios lie in the folder `src`."""
    return len(_sources.find(src, "ground_truth.json", expected=EXPECTED))


def _case(truth_path: Path) -> tuple[str, telemetry.Scenario, oracle.Truth]:
    folder = truth_path.parent / "data"
    try:
        return f"rootcausebench-{truth_path.parent.name}", _scenario(folder), _truth(_json(truth_path, dict))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise errors.DatasetError(f"{folder}: not laid out as RootCauseBench ({error!r})") from error


def _truth(document: Record) -> oracle.Truth:
    commit = str(document["root_cause_commit"])
    cause = oracle.Cause(
        kind="service", name=str(document["first_failing_service"]), change="" if commit == "none" else commit
    )
    decoys = tuple(str(decoy) for decoy in document.get("decoy_deploy_commits", ()))
    return oracle.Truth("found", (cause,), decoys=decoys, original=dict(document))


def _scenario(folder: Path) -> telemetry.Scenario:
    alert = _json(folder / "alert.json", dict)
    fired_s = _clock.from_iso(alert["fired_at"])
    logs = _logs(_lines(folder / "logs.ndjson"))
    spans = _spans_of(_json(folder / "traces.json", list))
    metrics = _series(folder / "metrics.csv")
    commits = _json(folder / "context" / "commits.json", list)
    deploys = _json(folder / "context" / "deploys.json", list)
    changes = _flags(_json(folder / "context" / "flags.json", list))
    messages = _status_feed(folder / "status_feed.json")
    last_records = [fired_s, *_ends(logs.times_ns), *_ends(spans.start_ns)]
    labels, annotations, rule = _alert(alert)
    times_s = metrics.blocks[0].times_s if metrics.blocks else np.array([fired_s])
    now_s = max(last_records) + SETTLE_S
    data = telemetry.Telemetry(
        name="production",
        start_s=min(float(times_s[0]), float(logs.times_ns[0]) / 1e9 if len(logs.times_ns) else fired_s),
        end_s=max(float(times_s[-1]), now_s),
        now_s=now_s,
        metrics=metrics,
        logs=logs,
        spans=spans,
        code=telemetry.Code(commits=_commits(commits), deployments=_deployments(deploys, commits)),
        change_events=changes,
        messages=messages,
        rules=(rule,),
        alerts=(_webhook.fired(labels, annotations, starts_s=fired_s),),
    )
    data = dataclasses.replace(data, access=_webhook.absent(data))
    return telemetry.Scenario(data, _webhook.payload(labels, annotations, starts_s=fired_s, expr=rule.expr))


def _ends(times_ns: telemetry.IntArray) -> list[float]:
    return [float(times_ns[-1]) / 1e9] if len(times_ns) else []


def _alert(alert: Record) -> tuple[dict[str, str], dict[str, str], telemetry.AlertRule]:
    labels = {
        "alertname": str(alert["monitor"]),
        "service": str(alert["service"]),
        "metric": _metric_name(alert["metric"]),
        "severity": str(alert["severity"]),
    }
    annotations = {"summary": str(alert["summary"]), "description": str(alert.get("detail", ""))}
    annotations |= {"threshold": str(alert["threshold"]), "observed": str(alert["observed"])}
    annotations = {name: text for name, text in annotations.items() if text}
    expr = f'{labels["metric"]}{{service="{labels["service"]}"}} > {alert["threshold"]}'
    return (
        labels,
        annotations,
        telemetry.AlertRule(labels["alertname"], expr, 0.0, {"severity": labels["severity"]}, annotations),
    )


def _metric_name(text: str) -> str:
    """A legal Prometheus name; the data's own are, but for a few hyphens."""
    return re.sub(r"[^a-zA-Z0-9_:]", "_", str(text))


def _series(path: Path) -> telemetry.Metrics:
    header, *body = _csv.rows(path) or [[]]
    if header != ["timestamp", "service", "metric", "value"]:
        raise errors.DatasetError(f"{path}: expected columns timestamp,service,metric,value")
    samples: dict[tuple[str, str], dict[float, float]] = {}
    for time, service, metric, value in body:
        samples.setdefault((_metric_name(metric), service), {})[_clock.from_iso(time)] = float(value)
    moments = np.array(sorted({time_s for series in samples.values() for time_s in series}))
    series = [
        (
            {"__name__": metric, "service": service},
            np.array([values.get(time_s, np.nan) for time_s in moments.tolist()]),
        )
        for (metric, service), values in sorted(samples.items())
    ]
    names = {metric for metric, _ in samples}
    meta = {
        name: telemetry.MetricMeta(_kind(name, [row for labels, row in series if labels["__name__"] == name]))
        for name in names
    }
    return telemetry.Metrics((_metrics.block(moments, series),) if series else (), meta)


def _kind(name: str, rows: Sequence[telemetry.FloatArray]) -> str:
    """A counter only if the name says so and no series of it ever falls."""
    rises = all(np.all(np.diff(row[~np.isnan(row)]) >= 0) for row in rows)
    return "counter" if name.endswith("_total") and rises else "gauge"


def _logs(texts: Sequence[str]) -> telemetry.Logs:
    """Every line as it was written, JSON with all its attributes, in a stream per service."""
    records: list[tuple[int, str, Record]] = []
    for text in texts:
        record = json.loads(text)
        records.append((round(_clock.from_iso(record["timestamp"]) * 1e9), text, record))
    records.sort(key=lambda entry: entry[0])
    streams: dict[str, int] = {}
    stream = [streams.setdefault(str(record["service"]), len(streams)) for _, _, record in records]
    return telemetry.Logs(
        times_ns=np.array([time_ns for time_ns, _, _ in records], dtype=np.int64),
        stream=np.array(stream, dtype=np.int32),
        lines=[text for _, text, _ in records],
        streams=tuple({"service": service} for service in streams),
        trace_ids=[_trace_id(str(record.get("trace_id") or "")) for _, _, record in records],
    )


def _trace_id(text: str) -> str:
    """The id itself where it is one of OpenTelemetry's, else 32 hex digits that stand for it."""
    if not text or TRACE_ID.fullmatch(text):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _span_id(trace: str, text: str) -> str:
    """Like `_trace_id`, with 16 digits; short ids such as "a1" are unique only within their trace."""
    if not text or SPAN_ID.fullmatch(text):
        return text
    return hashlib.sha256(f"{trace}/{text}".encode()).hexdigest()[:16]


def _spans_of(records: Sequence[Record]) -> telemetry.Spans:
    rows: list[tuple[int, str, Record]] = []
    trace = ""
    for record in records:
        trace = trace if record["trace_id"] == SAME_TRACE else _trace_id(str(record["trace_id"]))
        rows.append((round(_clock.from_iso(record["start"]) * 1e9), trace, record))
    rows.sort(key=lambda row: row[0])
    ids = [(trace, _span_id(trace, str(record["span_id"]))) for _, trace, record in rows]
    parents = [(trace, _span_id(trace, str(record["parent_id"] or ""))) for _, trace, record in rows]
    services: dict[str, int] = {}
    names: dict[str, int] = {}
    process = [services.setdefault(str(record["service"]), len(services)) for _, _, record in rows]
    name = [names.setdefault(str(record["name"]), len(names)) for _, _, record in rows]
    return telemetry.Spans(
        trace_ids=[trace for trace, _ in ids],
        span_ids=[span for _, span in ids],
        parent_ids=[span for _, span in parents],
        process=np.array(process, dtype=np.int32),
        name=np.array(name, dtype=np.int32),
        kind=_spans.kinds(ids, parents, process),
        start_ns=np.array([start_ns for start_ns, _, _ in rows], dtype=np.int64),
        duration_ns=np.array([round(float(record["duration_ms"]) * 1e6) for _, _, record in rows], dtype=np.int64),
        status=np.array([STATUS.get(str(record["status"]), 0) for _, _, record in rows], dtype=np.int8),
        attributes=[_attributes(record) for _, _, record in rows],
        processes=tuple(telemetry.Process(service) for service in services),
        names=tuple(names),
    )


def _attributes(record: Record) -> dict[str, Any]:
    return {**record.get("attributes", {}), **{key: value for key, value in record.items() if key not in SPAN_FIELDS}}


def _commits(records: Sequence[Record]) -> tuple[telemetry.Commit, ...]:
    """In order of time. A diff that does not say which of several files it is about stands at the first of them."""
    ordered = sorted(records, key=lambda record: _clock.from_iso(record["timestamp"]))
    commits, parent = [], ""
    for record in ordered:
        paths = [str(path) for path in record["files_changed"]]
        patches = {path: (record["diff"] or "") if index == 0 else "" for index, path in enumerate(paths)}
        commits.append(
            telemetry.Commit(
                time_s=_clock.from_iso(record["timestamp"]),
                sha=str(record["sha"]),
                author=str(record["author"]),
                message=str(record["message"]),
                repository=REPOSITORY,
                files=patches,
                parent=parent,
            )
        )
        parent = str(record["sha"])
    return tuple(commits)


def _deployments(records: Sequence[Record], commits: Sequence[Record]) -> tuple[telemetry.Deployment, ...]:
    author_of = {commit["sha"]: str(commit["author"]) for commit in commits}
    ordered = sorted(records, key=lambda record: _clock.from_iso(record["timestamp"]))
    return tuple(
        telemetry.Deployment(
            time_s=_clock.from_iso(record["timestamp"]),
            id=number,
            sha=str(record["commit_sha"]),
            repository=REPOSITORY,
            environment=ENVIRONMENT,
            creator=author_of.get(record["commit_sha"], ""),
            description=f"{record['service']} {record['version']}",
            payload={
                "service": str(record["service"]),
                "version": str(record["version"]),
                "commit": str(record["commit_sha"]),
            },
            finished_s=_clock.from_iso(record["timestamp"]),
        )
        for number, record in enumerate(ordered, 1)
    )


def _flags(records: Sequence[Record]) -> tuple[telemetry.ChangeEvent, ...]:
    ordered = sorted(records, key=lambda record: _clock.from_iso(record["timestamp"]))
    return tuple(
        telemetry.ChangeEvent(
            time_s=_clock.from_iso(record["timestamp"]),
            id=f"flag-{number}",
            summary=f"Feature flag {record['flag']} {record['change']}",
            source="feature-flags",
            service=str(record["service"]),
            details={
                "kind": "flag",
                **{field: str(record[field]) for field in ("flag", "change", "actor") if field in record},
            },
        )
        for number, record in enumerate(ordered, 1)
    )


def _status_feed(path: Path) -> tuple[telemetry.ChatMessage, ...]:
    """A status page's feed, as the integration that posts it into a channel would."""
    if not path.is_file():
        return ()
    feed = _json(path, dict)
    return tuple(
        telemetry.ChatMessage(
            time_s=_clock.from_iso(event["timestamp"]),
            channel=str(feed["source"]),
            user=str(feed["source"]),
            text=f"[{event['status']}] {feed['component']}: {event['detail']}",
            bot=True,
        )
        for event in feed["events"]
    )


def _json(path: Path, kind: type) -> Any:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise errors.DatasetError(f"{path} is not JSON: {error}; expected {EXPECTED}") from error
    if not isinstance(document, kind):
        raise errors.DatasetError(f"{path}: expected a JSON {'object' if kind is dict else 'list'}")
    return document


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise errors.DatasetError(f"{path}: expected one JSON object per line ({error})") from error
