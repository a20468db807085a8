"""Metric families: the parts that a histogram or summary is stored as, put together again, and what a name alone tells."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from rootward.signals import series

PARTS = ("_bucket", "_count", "_sum")
_UNIT_SUFFIX = re.compile(
    r"(?<!_per)_(?P<unit>seconds|second|milliseconds|millis|ms|microseconds|us|nanoseconds|ns|minutes|hours|bytes|kilobytes|kb|kib|megabytes|mb|mib|"
    r"mebibytes|gigabytes|gb|gib|ratio|percent|percentage|pct|millicores|cores)(?=_|$)"
)
SCALES: Mapping[str, tuple[str, float]] = {
    "seconds": ("s", 1.0), "second": ("s", 1.0), "s": ("s", 1.0), "sec": ("s", 1.0),
    "milliseconds": ("s", 1e-3), "millis": ("s", 1e-3), "ms": ("s", 1e-3), "millisecond": ("s", 1e-3),
    "microseconds": ("s", 1e-6), "us": ("s", 1e-6), "nanoseconds": ("s", 1e-9), "ns": ("s", 1e-9),
    "minutes": ("s", 60.0), "min": ("s", 60.0), "hours": ("s", 3600.0), "h": ("s", 3600.0),
    "bytes": ("By", 1.0), "by": ("By", 1.0), "kilobytes": ("By", 1e3), "kb": ("By", 1e3), "kib": ("By", 1024.0),
    "megabytes": ("By", 1e6), "mb": ("By", 1e6), "mib": ("By", 2.0**20), "mebibytes": ("By", 2.0**20),
    "gigabytes": ("By", 1e9), "gb": ("By", 1e9), "gib": ("By", 2.0**30),
    "ratio": ("1", 1.0), "1": ("1", 1.0),
    "percent": ("1", 0.01), "percentage": ("1", 0.01), "pct": ("1", 0.01), "%": ("1", 0.01),
    "millicores": ("{cpu}", 1e-3), "cores": ("{cpu}", 1.0), "{cpu}": ("{cpu}", 1.0),
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Family:
    """`name` without part suffixes. `kind` is counter | gauge | histogram | summary (quantiles and, mostly, sum and count) | mean
    (sum and count only) | unknown. `labels` without `le` and `quantile`; None when the back end tells none. `unit` and `scale`:
    the unit that the values have after multiplying by `scale` ("" when neither metadata nor the name tells).
    """

    name: str
    kind: str
    unit: str
    scale: float
    labels: Mapping[str, Sequence[str]] | None
    parts: frozenset[str]
    quantiles: tuple[str, ...] = ()
    series: int = 0

    @property
    def present(self) -> frozenset[str] | None:
        """The label names that exist, None when not known."""
        return None if self.labels is None else frozenset(self.labels)

    @property
    def counts(self) -> bool:
        """Its values only grow."""
        return self.kind == "counter"


def gather(catalogue: Sequence[series.MetricInfo]) -> dict[str, Family]:
    """Families by name, in order of name; the same for every order of `catalogue`."""
    names = {info.name for info in catalogue}
    members: dict[str, list[tuple[str, series.MetricInfo]]] = {}
    for info in sorted(catalogue, key=lambda info: info.name):
        base, part = _split(info, names)
        members.setdefault(base, []).append((part, info))
    return {base: _family(base, found) for base, found in sorted(members.items())}


def _split(info: series.MetricInfo, names: set[str]) -> tuple[str, str]:
    for part in PARTS:
        if not info.name.endswith(part) or len(info.name) == len(part):
            continue
        base = info.name.removesuffix(part)
        siblings = {one for one in PARTS if base + one in names}
        if part == "_bucket" and ("le" in info.labels or len(siblings) > 1):
            return base, part
        if part != "_bucket" and (info.kind in ("histogram", "summary") or len(siblings) > 1 or base in names):
            return base, part
    return info.name, ""


def _family(base: str, members: Sequence[tuple[str, series.MetricInfo]]) -> Family:
    parts = frozenset(part for part, _ in members)
    infos = [info for _, info in members]
    whole = next((info for part, info in members if part == ""), None)
    kind = _kind(base, parts, infos, whole)
    if kind == "histogram" and parts == {""}:
        parts = frozenset(PARTS)  # listed by family: all its parts exist
    labels: dict[str, Sequence[str]] = {}
    for info in infos:
        labels.update({label: values for label, values in info.labels.items() if label not in ("le", "quantile")})
    told = any(info.labels for info in infos)
    unit, scale = unit_of(base, next((info.unit for info in infos if info.unit), ""))
    quantiles = tuple(sorted(whole.labels.get("quantile", ()))) if whole is not None else ()
    count = (
        max(info.series for info in infos if not info.name.endswith("_bucket"))
        if "_bucket" not in parts or len(parts) > 1
        else 0
    )
    return Family(base, kind, unit, scale, labels if told else None, parts, quantiles, count)


def _kind(base: str, parts: frozenset[str], infos: Sequence[series.MetricInfo], whole: series.MetricInfo | None) -> str:
    kinds = {info.kind for info in infos} - {"unknown", ""}
    if "_bucket" in parts or ("histogram" in kinds and parts == {""}):
        return "histogram"
    if whole is not None and ("quantile" in whole.labels or "summary" in kinds):
        return "summary"
    if {"_count", "_sum"} <= parts:
        return "mean"
    if whole is not None and whole.kind in ("counter", "gauge"):
        return whole.kind
    # Without metadata the suffix decides: the exposition formats ask counters to end so.
    return "counter" if base.endswith("_total") else "unknown"


def unit_of(name: str, declared: str = "") -> tuple[str, float]:
    """(unit, scale) from metadata, or from the last unit word of the name; ("", 1.0) when neither tells."""
    named = [match["unit"] for match in _UNIT_SUFFIX.finditer(name)]
    for word in (declared.strip().lower(), *reversed(named)):
        if word in SCALES and word:
            return SCALES[word]
    return "", 1.0
