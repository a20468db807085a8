"""How many traces are asked for: many small ones, or few large ones."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from rootward import _tasks
from rootward.investigator import frame as framing
from rootward.investigator import ledger, options
from rootward.investigator.probing import notebook, traces
from rootward.signals import alerts, answers, entities, protocols, records, windows

NOW_S = 1_760_000_000.0
ALERT = alerts.Alert("Slow", NOW_S - 600, entity=entities.Entity(entities.EntityKind.SERVICE, "shop"))


def batch(count: int, spans_each: int) -> records.SpanBatch:
    rows = count * spans_each
    roots = [row % spans_each == 0 for row in range(rows)]
    return records.SpanBatch(
        trace_id=[f"{row // spans_each:032x}" for row in range(rows)],
        span_id=[f"{row:016x}" for row in range(rows)],
        parent_id=["" if root else f"{row - 1:016x}" for row, root in enumerate(roots)],
        service=["shop"] * rows,
        instance=[""] * rows,
        operation=["GET /"] * rows,
        kind=["server"] * rows,
        start_s=np.full(rows, NOW_S - 300),
        duration_s=np.ones(rows),
        error=[False] * rows,
        attributes=[{}] * rows,
    )


@dataclasses.dataclass
class Recorder:
    """A back end all of whose traces have so many spans; keeps how many traces were asked for."""

    spans_each: int
    asked: list[int] = dataclasses.field(default_factory=list)
    name: str = "recorder"

    def _answer(self, value: Any, window: windows.Window | None = None) -> answers.Answer[Any]:
        return answers.Answer(answers.Outcome.OK, self.name, "q", window, value)

    async def services(self, window: windows.Window, _limits: protocols.Limits) -> answers.Answer[Sequence[str]]:
        return self._answer(["shop"], window)

    async def search(self, query: protocols.TraceQuery, window: windows.Window, _limits: protocols.Limits) -> Any:
        self.asked.append(query.traces)
        return self._answer(batch(query.traces, self.spans_each), window)

    async def dependencies(self, window: windows.Window, _limits: protocols.Limits) -> answers.Answer[Any]:
        return self._answer([], window)


@pytest.mark.parametrize(("spans_each", "traces_each"), [(1, 240), (10, 240), (22, 136), (100, 30), (5000, 20)])
def test_large_traces_are_few_and_small_ones_many(spans_each: int, traces_each: int) -> None:
    source = Recorder(spans_each)
    chosen = options.Options()
    frame = framing.frame(ALERT, now_s=NOW_S, chosen=chosen)
    _tasks.run(traces.read(source, frame, chosen, notebook.Notebook(ledger.Ledger("T"))))  # type: ignore[arg-type]
    scouts, *rest = source.asked
    assert scouts == traces.SCOUT_TRACES
    assert rest == [traces_each] * 2  # of the time before, and of the trouble
