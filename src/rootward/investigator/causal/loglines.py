"""Log lines as counts of templates: who logs what how often, before and after the onset.

A template is a line with what varies masked (numbers, ids, quoted and bracketed values). Counts are kept per service in bins
of ten seconds, which is all that detectors need.
"""

import dataclasses
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import homes as folding
from rootward.signals import entities, series

BIN_S = 10.0
PREFIX = 260  # characters of a line that make its template
TEMPLATE_MAX = 140
TEMPLATES_MAX = 400  # per service, most frequent first; the rest is one template

_MASK = re.compile(
    r"""TraceID:\s*\S+|SpanID:\s*\S+            # correlation ids say nothing about the kind of line
    |"[^"]*"|'[^']*'                            # quoted values
    |(?<=[=:])\s*[^\s,;\]\[(){}]+               # key=value, key: value
    |\b[0-9a-f]{8}-[0-9a-f-]{27,}\b             # UUIDs
    |\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b            # hexadecimal ids
    |[-+]?\d[\d.,:/TZ+-]*                       # numbers, times, dates, versions
    """,
    re.VERBOSE,
)
_ROUGH = str.maketrans("", "", "0123456789abcdefABCDEF")
_CUT = re.compile(r"[\w.:/-]*$")  # half a word at the cut would make templates of its own
_REPEATED = re.compile(r"(<\*>[\s,;|]*){2,}")
_SERIOUS = re.compile(
    r"\b(?:error|err|fatal|panic|critical|severe|exception|traceback|emerg|alert)\b"
    r"|\w+(?:Error|Exception)\b|\blevel=(?:error|fatal)|\bE\d{4}\b",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """One service's lines. `counts` shape [templates, bins]; `bins` start times [bins], the same for all services of a case;
    `serious` marks templates that speak of errors; `example` one line of each template; `seen` marks bins that the service's
    lines cover at all."""

    entity: entities.Entity
    templates: tuple[str, ...]
    counts: series.FloatArray
    serious: tuple[bool, ...]
    example: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Logs:
    """`recorded` shape [bins]: whether anybody logged at all then; a bin in which nobody did was not recorded."""

    bins: series.FloatArray
    recorded: npt.NDArray[np.bool_]
    of: tuple[Lines, ...]


def template(line: str) -> str:
    """The line with what varies masked."""
    head = line if len(line) <= PREFIX else _CUT.sub("", line[:PREFIX])
    masked = _MASK.sub("<*>", head)
    return _REPEATED.sub("<*>", masked)[:TEMPLATE_MAX].strip()


def read(case: cases.Case, homes: folding.Homes) -> Logs | None:
    """All lines of the case, counted; None when there are none."""
    times = [logs.lines.times_s for logs in case.logs if len(logs.lines)]
    if not times:
        return None
    start_s, end_s = min(float(t[0]) for t in times), max(float(t[-1]) for t in times)
    bins = np.arange(start_s, end_s + BIN_S, BIN_S)
    parts: dict[entities.Entity, list[cases.LogsOf]] = {}
    for logs in case.logs:
        if len(logs.lines):
            parts.setdefault(homes.of(logs.entity), []).append(logs)
    every = tuple(_count(entity, parts[entity], bins) for entity in sorted(parts))
    recorded = np.asarray(np.sum([lines.counts.sum(axis=0) for lines in every], axis=0) > 0)
    return Logs(bins, recorded, every)


def _count(entity: entities.Entity, parts: Sequence[cases.LogsOf], bins: series.FloatArray) -> Lines:
    codes: dict[str, int] = {}
    example: list[str] = []
    code: list[int] = []
    # Lines that differ in digits and hexadecimal letters only share a template; masking one of them is enough, and most of the cost.
    rough: dict[str, int] = {}
    for part in parts:
        for line in part.lines.lines:
            key = line[:PREFIX].translate(_ROUGH)
            known = rough.get(key)
            if known is None:
                known = rough[key] = codes.setdefault(template(line), len(codes))
                if known == len(example):
                    example.append(line)
            code.append(known)
    times = np.concatenate([part.lines.times_s for part in parts])
    place = np.clip(((times - bins[0]) / BIN_S).astype(np.int64), 0, bins.size - 1)
    counts = np.bincount(np.array(code, dtype=np.int64) * bins.size + place, minlength=len(codes) * bins.size)
    matrix = counts.reshape(len(codes), bins.size).astype(np.float64)
    names = list(codes)
    order = np.argsort(-matrix.sum(axis=1), kind="stable")[:TEMPLATES_MAX]
    return Lines(
        entity,
        tuple(names[i] for i in order),
        matrix[order],
        tuple(bool(_SERIOUS.search(example[i][:PREFIX])) for i in order),
        tuple(example[i] for i in order),
        tuple(dict.fromkeys(part.evidence for part in parts)),
    )
