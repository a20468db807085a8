"""Loki's `patterns`: log lines folded to their shapes, `<_>` where they differ, and how often each came along the window."""

import dataclasses
import re

import numpy as np
from starlette import responses

from rootward.dojo.engines.logql import parser, store
from rootward.dojo.wire import _http, _loki_parameters

MAX_LINES = 50_000
MAX_PATTERNS = 300
MAX_TOKENS = 80
_STEP_NS = 10 * 10**9
_ANY = "<_>"
_TOKEN = re.compile(r"[^\s\[\]{}()\",;:=]+|[\s\[\]{}()\",;:=]+")
_SAME = 0.6  # share of words that lines of one shape have in common


@dataclasses.dataclass(slots=True)
class _Shape:
    tokens: list[str]
    times_ns: list[int]


def patterns(call: _http.Call, seen: store.LogStore, now_ns: int) -> responses.Response:
    """Shapes by how often they came, with counts by step; each service's lines are folded on their own."""
    start_ns, end_ns = _loki_parameters.window(call, now_ns)
    step_ns = round(_loki_parameters.duration_s(call.get("step")) * 1e9) if call.get("step") else _STEP_NS
    if (end_ns - start_ns) // max(step_ns, 1) > 11_000:
        raise _http.Refused(400, "exceeded maximum resolution of 11,000 points per time series")
    rows = seen.rows(parser.parse_selector(call.get("query")), start_ns, end_ns)
    shapes: dict[tuple[int, str], list[_Shape]] = {}
    for row in rows[-MAX_LINES:].tolist():
        _fold(shapes, _tokens(seen.lines[row]), int(seen.times_ns[row]))
    found = sorted((one for some in shapes.values() for one in some), key=lambda one: -len(one.times_ns))
    return _http.answer({"status": "success", "data": [_shown(one, step_ns) for one in found[:MAX_PATTERNS]]})


def _tokens(line: str) -> list[str]:
    """Words and what stands between them; a word with a digit in it is a value."""
    found = _TOKEN.findall(line[:4096])[:MAX_TOKENS]
    return [_ANY if any(c.isdigit() for c in token) else token for token in found]


def _fold(shapes: dict[tuple[int, str], list[_Shape]], tokens: list[str], time_ns: int) -> None:
    some = shapes.setdefault((len(tokens), tokens[0] if tokens else ""), [])
    for shape in some:
        same = sum(a == b for a, b in zip(shape.tokens, tokens, strict=True))
        if same >= _SAME * len(tokens):
            shape.tokens = [a if a == b else _ANY for a, b in zip(shape.tokens, tokens, strict=True)]
            shape.times_ns.append(time_ns)
            return
    if len(some) < MAX_PATTERNS:
        some.append(_Shape(tokens, [time_ns]))


def _shown(shape: _Shape, step_ns: int) -> dict[str, object]:
    steps, counts = np.unique(np.array(shape.times_ns) // step_ns * step_ns, return_counts=True)
    text = re.sub(r"(?:<_>){2,}", _ANY, "".join(shape.tokens))
    samples = [[at // 10**9, count] for at, count in zip(steps.tolist(), counts.tolist(), strict=True)]
    return {"pattern": text, "samples": samples}
