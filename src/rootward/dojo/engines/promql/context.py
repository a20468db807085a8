"""What every part of one query's evaluation may look at, and how a part evaluates its own arguments."""

import dataclasses
from collections.abc import Callable

import numpy as np

from rootward.dojo.engines.promql import budget, memory, native_store, options, printing, store, tree, values

IntArray = values.IntArray
Walk = Callable[["Context", tree.Expr, IntArray], values.Value]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Context:
    """One query: `start_ms`, `end_ms` are what start() and end() mean; nothing after `until_ms` exists yet.

    `memory` outlives the query; `budget` is what the whole request may cost. `walk` evaluates any node (`evaluate.walk`). `notes` collects warnings and infos, in order, each once.
    """

    store: store.Store
    settings: options.Options
    query: str
    start_ms: int
    end_ms: int
    step_ms: int
    until_ms: int
    walk: Walk
    budget: budget.Budget
    memory: memory.Memory
    notes: dict[str, None] = dataclasses.field(default_factory=dict)
    natives: native_store.NativeStore | None = None

    def value(self, node: tree.Expr, times_ms: IntArray) -> values.Value:
        return self.walk(self, node, times_ms)

    def vector(self, node: tree.Expr, times_ms: IntArray) -> values.Vector:
        value = self.walk(self, node, times_ms)
        assert isinstance(value, values.Vector), "the parser checks types"
        return value

    def vector_again(self, node: tree.Expr, times_ms: IntArray) -> values.Vector:
        """As `vector`, from memory if it is there, at the same cost to the budget; not to be written to.

        What had something to note is worked out anew each time, since notes tell places in the query.
        """
        span = (self.start_ms, self.end_ms, self.until_ms, self.settings.lookback_ms)
        key = (printing.line(node), times_ms.tobytes(), *span)
        kept = self.memory.get(key)
        if kept is None:
            noted, spent, samples = len(self.notes), self.budget.spent, self.budget.samples
            found = self.vector(node, times_ms)
            if len(self.notes) == noted:
                self.memory.put(key, memory.Kept(found, self.budget.spent - spent, self.budget.samples - samples))
            return found
        self.budget.spend(kept.spent)
        self.budget.samples += kept.samples
        return kept.vector

    def scalar(self, node: tree.Expr, times_ms: IntArray) -> values.FloatArray:
        value = self.walk(self, node, times_ms)
        assert isinstance(value, values.Scalar), "the parser checks types"
        return value.values

    def note(self, text: str, node: tree.Expr | None = None) -> None:
        """`node` is where in the query it applies."""
        at = node.start if node is not None else 0
        line = self.query.count("\n", 0, at)
        self.notes.setdefault(f"{text} ({line + 1}:{at - self.query.rfind(chr(10), 0, at)})")

    def reference_ms(self, node: tree.Selector | tree.Subquery, times_ms: IntArray) -> IntArray:
        """Where a selector or subquery looks at each step: @ and offset applied."""
        offset_ms = node.offset_ms or 0
        if node.at is None:
            return times_ms - offset_ms
        if isinstance(node.at, tree.Edge):
            moment = self.start_ms if node.at is tree.Edge.START else self.end_ms
        else:
            moment = node.at
        return np.full(len(times_ms), moment - offset_ms, dtype=np.int64)

    def select(self, node: tree.Selector) -> IntArray:
        return self.store.select(node.name, node.matchers, self.settings, self.budget)

    def selected(self, node: tree.Selector, times_ms: IntArray, *, stamps: bool = False) -> values.Vector:
        """A vector selector's current samples, or when they were taken."""
        ids, reference = self.select(node), self.reference_ms(node, times_ms)
        self.budget.spend(len(ids) * (budget.SERIES + len(times_ms)))
        samples, present = store.instants(self.store, ids, reference, self.until_ms, self.settings, stamps=stamps)
        self.budget.samples += int(present.sum())
        return values.Vector([self.store.labels[i] for i in ids.tolist()], samples, present)
