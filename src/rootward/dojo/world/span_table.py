"""Turns visits into OpenTelemetry spans: those of requests and calls, and the ones that libraries add inside each process."""

from typing import Any

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import instrumentation as ins
from rootward.dojo.world import span_names

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 0, 2, 3, 4, 5
ROOM = 0.22
"""Share of its own time that a server has for short spans before its first call, and after its last."""

Array = np.ndarray[Any, Any]


class Table:
    """Collects columns of spans."""

    def __init__(self, frame: fr.Frame) -> None:
        self._frame = frame
        self._looks = span_names.Looks(frame)
        self._processes: list[tm.Process] = []
        self._process_of = np.full(len(frame.fleet.pods), -1, dtype=np.int32)
        self._node = np.array([pod.node for pod in frame.fleet.pods])
        self._columns: dict[str, list[Array]] = {
            key: [] for key in ("trace", "id", "parent", "pod", "start", "took", "bad", "look")
        }
        self._kinds: list[tuple[int, int, int]] = []  # how many spans, their name, their kind
        self._bounds: dict[int, tuple[fr.FloatArray, fr.FloatArray]] = {}
        self._recipes: dict[tuple[str, int], Any] = {}
        self._habits = ins.habits(frame.draft.rng("instrumentation"))
        self._next_id = 0
        self._next_trace = 0
        self._alive = [np.array(frame.fleet.of(i), dtype=np.intp) for i in range(len(frame.layout.components))]
        for p, pod in enumerate(frame.fleet.pods):
            component = frame.layout.components[pod.component]
            if self._traced(component):
                self._process_of[p] = len(self._processes)
                self._processes.append(tm.Process(component.name, span_names.resource(frame, p)))

    def add(self, walk: Any, timed: Any, starts_s: fr.FloatArray, rng: np.random.Generator) -> int:
        """Append the spans of one walk; returns how many, those inside processes half."""
        layout = self._frame.layout
        pod = np.full(walk.count, -1, dtype=np.intp)
        holder = np.full(walk.count, -1, dtype=np.intp)
        made = 0
        for visit in walk.visits:
            part = np.arange(visit.base, visit.base + len(visit.trace))
            component = layout.components[visit.component]
            begins = starts_s[visit.trace] + timed.start_s[part]
            ids = np.full(len(part), -1)
            caller = layout.components[layout.source[visit.call]] if visit.call >= 0 else None
            if caller is not None and self._traced(caller):
                ids = self._client(visit, timed, part, begins, holder[visit.parent], pod[visit.parent], rng)
                made += len(part)
            elif caller is not None:  # a broker emits no spans: what its consumers do hangs on the producer's span
                ids = holder[visit.parent]
            if self._traced(component):
                pod[part] = self._pods(visit.component, visit.step, timed.server_bad[part], rng)
                holder[part] = self._server(visit, timed, part, begins, ids, pod[part], rng)
                made += int((~visit.refused).sum())
            else:
                holder[part], pod[part] = ids, -1
        self._next_trace += len(starts_s)
        return made

    def _traced(self, component: bp.Component) -> bool:
        return component.kind is bp.Kind.SERVICE and (self._habits.edge or component.language != "nginx")

    def _client(
        self, visit: Any, timed: Any, part: Array, begins: Array, above: Array, pods: Array, rng: np.random.Generator
    ) -> Array:
        """Spans of calls, and what their libraries add around and inside; returns the ids of the former."""
        layout = self._frame.layout
        kind = PRODUCER if layout.components[visit.component].kind is bp.Kind.QUEUE else CLIENT
        took, bad = timed.client_s[part], timed.client_bad[part]
        ids = self._ids(len(part))
        around, inside = self._recipe("client", visit.call)
        if around.spans:
            # Of several calls for one request only the first comes through the mapper; the rest is loaded lazily, row by row.
            first = np.flatnonzero(np.concatenate(([True], visit.parent[1:] != visit.parent[:-1])))
            rows = (visit.trace[first], above[first], pods[first], bad[first])
            above = above.copy()
            above[first] = self._around(around, rows, begins[first], took[first], 0.45 * timed.gap_s[part][first], rng)
        looks = self._looks.client(visit, timed, part)
        self._append(visit.trace, ids, above, pods, self._looks.client_name(visit), kind, begins, took, bad, looks)
        if inside.spans:
            self._within(inside, (visit.trace, ids, pods, bad), begins, took, 0.3 * took, rng)
        return ids

    def _server(
        self, visit: Any, timed: Any, part: Array, begins: Array, above: Array, pods: Array, rng: np.random.Generator
    ) -> Array:
        """Spans of requests and what is inside; returns the ids of those under which the requests' calls hang."""
        component = self._frame.layout.components[visit.component]
        late = 0.0003 + (0.1 * rng.uniform(size=len(part)) if component.consumer else 0.0)
        ids, kept = self._ids(len(part)), ~visit.refused
        begins, took, bad = begins + late, timed.server_s[part], timed.server_bad[part]
        looks = self._looks.server(visit, timed, part)
        kind = CONSUMER if component.consumer else SERVER
        columns = (visit.trace, ids, above, pods)
        if not kept.all():
            columns = tuple(column[kept] for column in columns)
        self._append(
            *columns, self._looks.server_name(component), kind, begins[kept], took[kept], bad[kept], looks[kept]
        )
        recipe = self._recipe("server", visit.component)
        holder = ids.copy()
        if recipe.spans and kept.any():
            rows = (visit.trace[kept], ids[kept], pods[kept], bad[kept])
            room = ROOM * timed.own_s[part][kept]
            holder[kept] = self._within(recipe, rows, begins[kept], took[kept], room, rng)
        return holder

    def _recipe(self, side: str, place: int) -> Any:
        """What is instrumented of a component (`server`) or of a call (`client`): the same in every window of one system."""
        if (side, place) not in self._recipes:
            layout = self._frame.layout
            rng = self._frame.draft.rng("instrumentation", side, place)
            if side == "server":
                self._recipes[side, place] = ins.server(layout.components[place], self._habits, rng)
            else:
                caller = layout.components[layout.source[place]]
                self._recipes[side, place] = ins.client(caller, layout.calls[place], self._habits, rng)
        return self._recipes[side, place]

    def _within(
        self,
        recipe: ins.Recipe,
        rows: tuple[Array, Array, Array, Array],
        begins: Array,
        took: Array,
        room: Array,
        rng: np.random.Generator,
    ) -> Array:
        """Spans inside others, whose `rows` are traces, ids, pods and failures; returns the ids of the recipe's holder."""
        trace, ids, pods, bad = rows
        laid = [(ids, begins, took)]
        for one in recipe.spans:
            over, since, whole = laid[one.under + 1]
            vary = rng.gamma(1.5, 1 / 1.5, len(ids))
            if one.wraps:
                lead = np.minimum(0.0004 * vary, 0.25 * room)
                at, long = since + lead, np.maximum(whole - 2 * lead, 0.5 * whole)
            else:
                most = np.minimum(room, whole) * 0.8
                long = np.minimum((one.share * room / ROOM if one.share else one.ms * 1e-3) * vary, most)
                spare = (np.minimum(room, whole) - long) * rng.uniform(size=len(ids))
                at = since + whole - long - spare if one.late else since + spare
            laid.append((self._inner(one, (trace, over, pods, bad & one.wraps), at, long, rng), at, long))
        return laid[recipe.holder + 1][0]

    def _around(
        self,
        recipe: ins.Recipe,
        rows: tuple[Array, Array, Array, Array],
        begins: Array,
        took: Array,
        room: Array,
        rng: np.random.Generator,
    ) -> Array:
        """Spans around calls, whose `rows` are traces, parents, pods and failures; returns the ids under which the calls hang."""
        trace, above, pods, bad = rows
        laid = [above]
        layers = sum(one.wraps for one in recipe.spans)
        for place, one in enumerate(recipe.spans):
            vary = rng.gamma(1.5, 1 / 1.5, len(above))
            lead = room * (layers - min(place, layers - 1)) / max(layers, 1) * rng.uniform(0.5, 1.0, len(above))
            if one.wraps:
                at, long = begins - lead, took + 2 * lead
            else:
                long = np.minimum(one.ms * 1e-3 * vary, 0.4 * lead)
                at = begins + took if one.late else begins - long
            laid.append(self._inner(one, (trace, laid[one.under + 1], pods, bad & one.wraps), at, long, rng))
        return laid[recipe.holder + 1]

    def _inner(
        self,
        one: ins.Inner,
        rows: tuple[Array, Array, Array, Array],
        begins: Array,
        took: Array,
        rng: np.random.Generator,
    ) -> Array:
        """Append one span of a recipe where chance has it; returns its ids, its parent's where it is missing."""
        trace, above, pods, bad = rows
        ids = self._ids(len(trace))
        name, look = self._looks.name(one.name), self._looks.look(("i", one.name), one.attributes)
        if one.chance >= 1.0:
            looks = np.full(len(ids), look)
            self._append(trace, ids, above, pods, name, INTERNAL, begins, took, bad, looks)
            return ids
        there = rng.uniform(size=len(ids)) < one.chance
        columns = (trace[there], ids[there], above[there], pods[there])
        looks = np.full(int(there.sum()), look)
        self._append(*columns, name, INTERNAL, begins[there], took[there], bad[there], looks)
        return np.where(there, ids, above)

    def _ids(self, count: int) -> Array:
        self._next_id += count
        return np.arange(self._next_id - count, self._next_id)

    def _append(
        self,
        trace: Array,
        ids: Array,
        parents: Array,
        pods: Array,
        name: int,
        kind: int,
        begins: Array,
        took: Array,
        bad: Array,
        looks: Array,
    ) -> None:
        values = (trace + self._next_trace, ids, parents, pods, begins, took, bad, looks)
        for key, value in zip(self._columns, values, strict=True):
            self._columns[key].append(value)
        self._kinds.append((len(ids), name, kind))

    def _ahead(self, pods: Array, times_s: Array) -> Array:
        """SDKs stamp spans with their node's clock."""
        frame = self._frame
        ahead_s = np.array([frame.ahead_s(n) for n in range(len(frame.fleet.nodes))])
        steps = np.clip(((times_s - frame.times_s[0]) / frame.step_s).astype(np.intp), 0, frame.steps - 1)
        return np.asarray(ahead_s[self._node[pods], steps])

    def _pods(self, component: int, steps: Array, bad: Array, rng: np.random.Generator) -> Array:
        """A pod that served at each step, by its share of the traffic, or of the failures where the answer was `bad`."""
        pods = self._alive[component]
        if component not in self._bounds:
            share, failing = self._frame.fleet.share[pods], self._frame.failing(component)
            self._bounds[component] = np.cumsum(share, axis=0), np.cumsum(failing, axis=0)
        even, uneven = self._bounds[component]
        bounds = np.where(bad, uneven[:, steps], even[:, steps])
        chosen = (rng.uniform(size=len(steps)) * np.maximum(bounds[-1], 1e-9) > bounds).sum(axis=0)
        return np.asarray(pods[np.minimum(chosen, len(pods) - 1)])

    def finish(self, rng: np.random.Generator) -> tm.Spans:
        """All spans in order of start, with ids as SDKs draw them."""
        column = {key: np.concatenate(parts) for key, parts in self._columns.items()}
        sizes, names, kinds = (np.array(values) for values in zip(*self._kinds, strict=True))
        start_s = column["start"] + self._ahead(column["pod"], column["start"])
        order = np.lexsort((column["id"], start_s))
        traces = rng.bytes(16 * self._next_trace).hex()
        idents = rng.bytes(8 * self._next_id).hex()
        attributes = self._looks.attributes
        return tm.Spans(
            trace_ids=[traces[32 * i : 32 * i + 32] for i in column["trace"][order].tolist()],
            span_ids=[idents[16 * i : 16 * i + 16] for i in column["id"][order].tolist()],
            parent_ids=[idents[16 * i : 16 * i + 16] if i >= 0 else "" for i in column["parent"][order].tolist()],
            process=self._process_of[column["pod"][order]],
            name=np.repeat(names, sizes)[order].astype(np.int32),
            kind=np.repeat(kinds, sizes)[order].astype(np.int8),
            start_ns=(start_s[order] * 1e6).astype(np.int64) * 1000,
            duration_ns=np.maximum((column["took"][order] * 1e6).astype(np.int64), 1) * 1000,
            status=np.where(column["bad"][order], 2, 0).astype(np.int8),
            attributes=[attributes[i] for i in column["look"][order].tolist()],
            processes=tuple(self._processes),
            names=tuple(self._looks.names),
        )
