"""Names of a system's parts and their other spellings, found in any text and exchanged for others, the same everywhere."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rootward.dojo.capsule import telemetry as tm

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
LABELS_NAMING = ("service", "app", "service_name", "application")
WORD_MIN = 3


def parts(recorded: tm.Telemetry) -> list[str]:
    """Names of workloads and of whoever reports spans, logs or request metrics; in order."""
    found = {
        str(version.body["metadata"]["name"])
        for version in recorded.cluster.versions
        if version.body.get("kind") in WORKLOADS
    }
    if recorded.spans is not None:
        found |= {process.service for process in recorded.spans.processes}
    for block in recorded.metrics.blocks:
        for labels in block.labels:
            found.update(labels[key] for key in LABELS_NAMING if key in labels)
    return sorted(name for name in found if len(name) >= WORD_MIN and re.fullmatch(r"[a-z][a-z0-9-]*", name))


def keys(value: Any) -> set[str]:
    """Every key of every mapping in a value: words of the vendors' formats, which are nobody's name."""
    if isinstance(value, Mapping):
        return {str(key) for key in value} | {word for one in value.values() for word in keys(one)}
    if isinstance(value, list | tuple):
        return {word for one in value for word in keys(one)}
    return set()


def spoken_by_formats(recorded: tm.Telemetry) -> set[str]:
    """Words that are keys somewhere in this telemetry: a part called so cannot be renamed without breaking a format."""
    found = {key for block in recorded.metrics.blocks for labels in block.labels for key in labels}
    found |= keys([version.body for version in recorded.cluster.versions])
    found |= keys(recorded.cluster.events)
    if recorded.logs is not None:
        found |= {word for line in recorded.logs.lines[:2000] for word in re.findall(r'"(\w+)":', line)}
    return found


class Exchange:
    """Exchanges names in texts, in the spellings `catalog-db`, `catalog_db`, `CATALOG_DB` and `CatalogDb`."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._spelt: dict[str, str] = {}
        for old, new in names.items():
            for spelling in (_kebab, _snake, _upper, _camel):
                self._spelt.setdefault(spelling(old), spelling(new))
        whole = _either(names)
        joined = _either(name for name in names if "-" in name)
        patterns = [rf"(?<![A-Za-z0-9_]){whole}(?![A-Za-z0-9_])"] if whole else []
        if joined:
            snake, upper = _either(map(_snake, _joined(names))), _either(map(_upper, _joined(names)))
            patterns.append(rf"(?<![A-Za-z0-9]){snake}(?![A-Za-z0-9])")
            patterns.append(rf"(?<![A-Za-z0-9]){upper}(?![A-Za-z0-9])")
        camel = _either(map(_camel, names))
        if camel:
            patterns.append(rf"(?<![A-Za-z0-9]){camel}(?=[A-Z])")
        self._find = re.compile("|".join(patterns)) if patterns else None

    def __call__(self, text: str) -> str:
        """The text with every name exchanged."""
        if self._find is None:
            return text
        return self._find.sub(lambda found: self._spelt[found.group()], text)


def _joined(names: Iterable[str]) -> list[str]:
    return [name for name in names if "-" in name]


def _either(names: Iterable[str]) -> str:
    """The longest first, so that `catalog-db` is never taken for `catalog`."""
    ordered = sorted(set(names), key=lambda name: (-len(name), name))
    return f"(?:{'|'.join(map(re.escape, ordered))})" if ordered else ""


def _kebab(name: str) -> str:
    return name


def _snake(name: str) -> str:
    return name.replace("-", "_")


def _upper(name: str) -> str:
    return _snake(name).upper()


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))
