"""Samples as exporters write them: the text format 0.0.4 and OpenMetrics 1.0 (prometheus.io/docs/instrumenting/exposition_formats)."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import histograms, lookups, values
from rootward.dojo.wire import _prometheus_json

PLAIN_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_PARTS = ("_bucket", "_sum", "_count")
_UNKNOWN = records.MetricMeta("untyped")

Labels = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation that a bucket counts: `value` in the metric's unit, `time_s` since the epoch."""

    labels: Mapping[str, str]
    value: float
    time_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """`labels` without the metric's name; `exemplar` only shown in OpenMetrics."""

    name: str
    labels: Labels
    value: float
    exemplar: Exemplar | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Family:
    """What shares one TYPE line."""

    name: str
    meta: records.MetricMeta
    samples: list[Sample]


def family_of(name: str, meta: Mapping[str, records.MetricMeta]) -> str:
    """The family that a series' name belongs to: without _bucket, _sum or _count where that is a histogram or summary."""
    for part in _PARTS:
        base = name.removesuffix(part)
        if name not in meta and base != name and base in meta and meta[base].kind in ("histogram", "summary"):
            return base
    return name


def families(
    found: Iterable[lookups.Current],
    meta: Mapping[str, records.MetricMeta],
    *,
    without: Mapping[str, str],
    exemplar_of: Callable[[values.LabelSet], Exemplar | None],
) -> list[Family]:
    """In order of name; labels that are equal to those of `without` are left out, as the scraper adds them."""
    out: dict[str, Family] = {}
    for one in found:
        name = values.name_of(one.labels)
        group = family_of(name, meta)
        family = out.setdefault(group, Family(group, meta.get(group, _UNKNOWN), []))
        labels = tuple(pair for pair in one.labels if pair[0] != values.NAME and without.get(pair[0]) != pair[1])
        exemplar = exemplar_of(one.labels) if family.meta.kind == "histogram" and name.endswith("_bucket") else None
        family.samples.append(Sample(name, labels, one.value, exemplar))
    for family in out.values():
        family.samples.sort(key=_place)
    return [out[name] for name in sorted(out)]


def _place(sample: Sample) -> tuple[Labels, int, float, str]:
    """One histogram after the other, each bucket by bucket, then its sum and its count."""
    bound = math.inf
    rest = []
    for name, text in sample.labels:
        if name == histograms.LE:
            bound = histograms.bound(text)
        else:
            rest.append((name, text))
    part = next((number for number, suffix in enumerate(_PARTS) if sample.name.endswith(suffix)), 0)
    return tuple(rest), part, bound, sample.name


def plain(found: Iterable[Family]) -> str:
    """The text format."""
    lines: list[str] = []
    for family in found:
        if family.meta.help:
            lines.append(f"# HELP {family.name} {_help(family.meta.help)}\n")
        lines.append(f"# TYPE {family.name} {family.meta.kind}\n")
        lines += [
            f"{one.name}{labels_text(one.labels)} {_prometheus_json.number(one.value)}\n" for one in family.samples
        ]
    return "".join(lines)


def open_metrics(found: Iterable[Family]) -> str:
    """OpenMetrics: counters' families lose their _total, unknown is called so, buckets carry exemplars."""
    lines: list[str] = []
    for family in found:
        name, kind = family.name, family.meta.kind
        if kind == "counter":
            kind = "counter" if name.endswith("_total") else "unknown"
            name = name.removesuffix("_total") if kind == "counter" else name
        lines.append(f"# TYPE {name} {'unknown' if kind == 'untyped' else kind}\n")
        if family.meta.unit and name.endswith(f"_{family.meta.unit}"):
            lines.append(f"# UNIT {name} {family.meta.unit}\n")
        if family.meta.help:
            lines.append(f"# HELP {name} {_help(family.meta.help)}\n")
        lines += [_open_line(one) for one in family.samples]
    return "".join([*lines, "# EOF\n"])


def _open_line(sample: Sample) -> str:
    line = f"{sample.name}{labels_text(sample.labels)} {_prometheus_json.number(sample.value)}"
    if sample.exemplar is not None:
        labels = labels_text(tuple(sample.exemplar.labels.items())) or "{}"
        line += f" # {labels} {_prometheus_json.number(sample.exemplar.value)} {sample.exemplar.time_s:.3f}"
    return f"{line}\n"


def labels_text(labels: Labels) -> str:
    """{a="b",c="d"}, or nothing for none."""
    if not labels:
        return ""
    return f"{{{','.join(f'{name}={quoted(text)}' for name, text in labels)}}}"


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return f'"{escaped}"'


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
