"""Log lines as counts of templates: who logs what how often, before and after the onset.

A template is a line with what varies masked (numbers, ids, quoted and bracketed values). Counts are kept per service in bins
of ten seconds, which is all that detectors need.
"""

import dataclasses
import functools
import json
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


_TEXTS = ("msg", "message", "log", "body", "event", "error", "err", "exception")
_LEVELS = ("level", "severity", "lvl", "levelname")
_SEVERE = 50  # of the numeric levels of bunyan and pino: error


def spoken(line: str) -> str:
    """What a line says: of a JSON object its level and its message, of any other line all of it. Quotes in JSON hold no mere values."""
    if not line.startswith("{"):
        return line
    try:
        said = json.loads(line)
    except ValueError:
        return line
    if not isinstance(said, dict):
        return line
    level = next((said[key] for key in _LEVELS if key in said), "")
    if isinstance(level, int):
        level = "error" if level >= _SEVERE else "info"
    texts = [str(said[key]) for key in _TEXTS if said.get(key) and not isinstance(said[key], dict | list)]
    return " ".join([str(level), *texts]) if texts else line


def template(line: str) -> str:
    """The line with what varies masked."""
    line = spoken(line)
    head = line if len(line) <= PREFIX else _CUT.sub("", line[:PREFIX])
    masked = _MASK.sub("<*>", head)
    return _REPEATED.sub("<*>", masked)[:TEMPLATE_MAX].strip()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """`of[i]` shape [lines of `case.logs[i]`]: the kind of each line, an index into `example`, which holds the first line of each.

    Lines that differ in digits and hexadecimal letters only are of one kind: whoever looks for words need look at one of them."""

    of: tuple[npt.NDArray[np.int64], ...]
    example: tuple[str, ...]


@functools.lru_cache(maxsize=1)  # several detectors of one judgement look at the same lines
def kinds(case: cases.Case) -> Kinds:
    """Of all lines of the case."""
    codes: dict[str, int] = {}
    example: list[str] = []
    found = []
    for logs in case.logs:
        own = []
        for line in logs.lines.lines:
            # What templates are made of, apart from the rest: ids of other lengths move the cut.
            rough = line.translate(_ROUGH)
            if len(line) > PREFIX:
                rough = f"{len(line[:PREFIX].translate(_ROUGH))} {rough}"
            code = codes.setdefault(rough, len(example))
            if code == len(example):
                example.append(line)
            own.append(code)
        found.append(np.array(own, dtype=np.int64))
    return Kinds(tuple(found), tuple(example))


def read(case: cases.Case, homes: folding.Homes) -> Logs | None:
    """All lines of the case, counted; None when there are none."""
    times = [logs.lines.times_s for logs in case.logs if len(logs.lines)]
    if not times:
        return None
    start_s, end_s = min(float(t[0]) for t in times), max(float(t[-1]) for t in times)
    bins = np.arange(start_s, end_s + BIN_S, BIN_S)
    known = kinds(case)
    templates = [template(line) for line in known.example]
    parts: dict[entities.Entity, list[_Part]] = {}
    for logs, own in zip(case.logs, known.of, strict=True):
        if len(logs.lines):
            parts.setdefault(homes.of(logs.entity), []).append((logs, own))
    every = tuple(_count(entity, parts[entity], bins, templates) for entity in sorted(parts))
    recorded = np.asarray(np.sum([lines.counts.sum(axis=0) for lines in every], axis=0) > 0)
    return Logs(bins, recorded, every)


_Part = tuple[cases.LogsOf, npt.NDArray[np.int64]]
"""Lines with their kinds."""


def _count(entity: entities.Entity, parts: Sequence[_Part], bins: series.FloatArray, templates: Sequence[str]) -> Lines:
    codes: dict[str, int] = {}
    example: list[str] = []
    known: dict[int, int] = {}
    code = []
    for logs, own in parts:
        distinct, first, place = np.unique(own, return_index=True, return_inverse=True)
        for row in np.argsort(first):
            kind = int(distinct[row])
            if kind not in known:
                known[kind] = codes.setdefault(templates[kind], len(codes))
                if known[kind] == len(example):
                    example.append(logs.lines.lines[first[row]])
        code.append(np.array([known[int(kind)] for kind in distinct], dtype=np.int64)[place])
    times = np.concatenate([logs.lines.times_s for logs, _ in parts])
    place = np.clip(((times - bins[0]) / BIN_S).astype(np.int64), 0, bins.size - 1)
    counts = np.bincount(np.concatenate(code) * bins.size + place, minlength=len(codes) * bins.size)
    matrix = counts.reshape(len(codes), bins.size).astype(np.float64)
    names = list(codes)
    order = np.argsort(-matrix.sum(axis=1), kind="stable")[:TEMPLATES_MAX]
    return Lines(
        entity,
        tuple(names[i] for i in order),
        matrix[order],
        tuple(bool(_SERIOUS.search(spoken(example[i])[:PREFIX])) for i in order),
        tuple(example[i] for i in order),
        tuple(dict.fromkeys(logs.evidence for logs, _ in parts)),
    )
