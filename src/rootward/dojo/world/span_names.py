"""Turns visits into OpenTelemetry spans: names, kinds, attributes and resources after the semantic conventions."""

from typing import Any

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import log_formats as lf

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
SYSTEMS = {bp.Kind.DATABASE: "postgresql", bp.Kind.CACHE: "redis", bp.Kind.QUEUE: "kafka"}
SDK = {"go": "go", "java": "java", "python": "python", "node": "nodejs", "nginx": "cpp"}


class Table:
    """Collects columns of spans."""

    def __init__(self, frame: fr.Frame) -> None:
        self._frame = frame
        self._processes: list[tm.Process] = []
        self._of_pod: dict[int, int] = {}
        self._node = np.array([pod.node for pod in frame.fleet.pods])
        self._ahead_s = np.array([frame.ahead_s(n) for n in range(len(frame.fleet.nodes))])
        self._names: dict[str, int] = {}
        self._columns: dict[str, list[np.ndarray[Any, Any]]] = {
            key: [] for key in ("trace", "id", "parent", "process", "name", "kind", "start", "took", "status", "look")
        }
        self._looks: list[dict[str, Any]] = []
        self._look_of: dict[tuple[Any, ...], int] = {}
        self._bounds: dict[int, tuple[fr.FloatArray, fr.FloatArray]] = {}
        self._next_id = 0
        self._next_trace = 0
        self._alive = [np.array(frame.fleet.of(i), dtype=np.intp) for i in range(len(frame.layout.components))]
        for p, pod in enumerate(frame.fleet.pods):
            component = frame.layout.components[pod.component]
            if component.kind is bp.Kind.SERVICE:
                self._of_pod[p] = len(self._processes)
                self._processes.append(tm.Process(component.name, _resource(frame, p)))

    def add(self, walk: Any, timed: Any, starts_s: fr.FloatArray, rng: np.random.Generator) -> int:
        """Append the spans of one walk; returns how many."""
        frame, layout = self._frame, self._frame.layout
        total = walk.count
        pod = np.full(total, -1, dtype=np.intp)
        server = np.full(total, -1, dtype=np.intp)
        made = 0
        for visit in walk.visits:
            part = np.arange(visit.base, visit.base + len(visit.trace))
            component = layout.components[visit.component]
            begins = starts_s[visit.trace] + timed.start_s[part]
            if visit.call >= 0:
                caller = layout.components[layout.source[visit.call]]
                traced = caller.kind is bp.Kind.SERVICE
                ids = self._next_id + np.arange(len(part))
                parents = server[visit.parent]
                if traced:
                    self._next_id += len(part)
                    bad = timed.client_bad[part]
                    kind = PRODUCER if component.kind is bp.Kind.QUEUE else CLIENT
                    self._append(
                        visit.trace,
                        ids,
                        parents,
                        pod[visit.parent],
                        self._client_name(visit),
                        kind,
                        begins,
                        timed.client_s[part],
                        bad,
                        self._client_looks(visit, timed, part),
                    )
                    made += len(part)
                else:  # a broker emits no spans: what its consumers do hangs on the producer's span
                    ids = parents
            else:
                ids = np.full(len(part), -1)
            if component.kind is bp.Kind.SERVICE:
                pod[part] = self._pods(visit.component, visit.step, timed.server_bad[part], rng)
                mine = self._next_id + np.arange(len(part))
                self._next_id += len(part)
                kept = ~visit.refused
                kind = CONSUMER if component.consumer else SERVER
                looks = self._server_looks(visit, timed, part)
                late = 0.0003 + (0.1 * rng.uniform(size=len(part)) if component.consumer else 0.0)
                self._append(
                    visit.trace[kept],
                    mine[kept],
                    ids[kept],
                    pod[part][kept],
                    self._server_name(component),
                    kind,
                    (begins + late)[kept],
                    timed.server_s[part][kept],
                    timed.server_bad[part][kept],
                    looks[kept],
                )
                server[part] = mine
                made += int(kept.sum())
            else:
                server[part], pod[part] = ids, -1
        self._next_trace += len(starts_s)
        del frame
        return made

    def _append(
        self,
        trace: Any,
        ids: Any,
        parents: Any,
        pods: Any,
        name: int,
        kind: int,
        begins: Any,
        took: Any,
        bad: Any,
        looks: Any,
    ) -> None:
        process = np.array([self._of_pod[int(p)] for p in pods], dtype=np.int32)
        size = len(ids)
        values = (
            trace + self._next_trace,
            ids,
            parents,
            process,
            np.full(size, name),
            np.full(size, kind),
            begins + self._ahead(pods, begins),
            took,
            np.where(bad, 2, 0),
            looks,
        )
        for key, value in zip(self._columns, values, strict=True):
            self._columns[key].append(value)

    def _ahead(self, pods: Any, times_s: Any) -> Any:
        """SDKs stamp spans with their node's clock."""
        frame = self._frame
        steps = np.clip(((times_s - frame.times_s[0]) / frame.step_s).astype(np.intp), 0, frame.steps - 1)
        return self._ahead_s[self._node[pods], steps]

    def _pods(self, component: int, steps: Any, bad: Any, rng: np.random.Generator) -> Any:
        """A pod that served at each step, by its share of the traffic, or of the failures where the answer was `bad`."""
        pods = self._alive[component]
        if component not in self._bounds:
            share, failing = self._frame.fleet.share[pods], self._frame.failing(component)
            self._bounds[component] = np.cumsum(share, axis=0), np.cumsum(failing, axis=0)
        even, uneven = self._bounds[component]
        bounds = np.where(bad, uneven[:, steps], even[:, steps])
        chosen = (rng.uniform(size=len(steps)) * np.maximum(bounds[-1], 1e-9) > bounds).sum(axis=0)
        return pods[np.minimum(chosen, len(pods) - 1)]

    def _name(self, text: str) -> int:
        return self._names.setdefault(text, len(self._names))

    def _client_name(self, visit: Any) -> int:
        call = self._frame.layout.calls[visit.call]
        target = self._frame.layout.components[visit.component]
        if target.kind is bp.Kind.QUEUE:
            return self._name(f"{call.operation or target.name} publish")
        if target.kind in SYSTEMS:
            return self._name(
                call.operation.split(" ")[0] + (f" {target.name}" if call.protocol == "sql" else "") or "query"
            )
        route = target.routes[0]
        return self._name(f"{route.method}/{route.path}" if call.protocol == "grpc" else route.method)

    def _server_name(self, component: bp.Component) -> int:
        route = component.routes[0]
        if component.consumer:
            return self._name(f"{component.name} process")
        return self._name(
            f"{route.method}/{route.path}" if component.style == "grpc" else f"{route.method} {route.path}"
        )

    def _look(self, key: tuple[Any, ...], attributes: dict[str, Any]) -> int:
        if key not in self._look_of:
            self._look_of[key] = len(self._looks)
            self._looks.append(attributes)
        return self._look_of[key]

    def _system(self, visit: Any) -> str:
        """The broker from which a consumer got what it processes."""
        layout = self._frame.layout
        return layout.components[layout.source[visit.call]].language if visit.call >= 0 else "kafka"

    def _server_looks(self, visit: Any, timed: Any, part: Any) -> Any:
        component = self._frame.layout.components[visit.component]
        route = component.routes[0]
        fine: dict[str, Any]
        if component.consumer:
            fine = {
                "messaging.system": self._system(visit),
                "messaging.operation.type": "process",
                "messaging.consumer.group.name": f"{component.name}-consumers",
            }
            broken = {**fine, "error.type": "ProcessingError"}
        elif component.style == "grpc":
            fine = {
                "rpc.system": "grpc",
                "rpc.service": route.method,
                "rpc.method": route.path,
                "rpc.grpc.status_code": 0,
            }
            broken = {**fine, "rpc.grpc.status_code": 13}
        else:
            fine = {
                "http.request.method": route.method,
                "http.route": route.path,
                "url.path": route.path,
                "http.response.status_code": 200,
            }
            broken = {**fine, "http.response.status_code": 500, "error.type": "500"}
        good, bad = self._look(("s", visit.component, 0), fine), self._look(("s", visit.component, 1), broken)
        looks = np.where(timed.server_bad[part], bad, good)
        unrouted = self._frame.draft.level(fr.UNROUTED, visit.component, 0.0)[visit.step] > 0.5
        if unrouted.any():
            unknown = self._look(("s", visit.component, 2), {**fine, "http.response.status_code": 404})
            looks = np.where(unrouted & ~timed.server_bad[part], unknown, looks)
        return looks

    def _client_looks(self, visit: Any, timed: Any, part: Any) -> Any:
        layout = self._frame.layout
        call, target = layout.calls[visit.call], layout.components[visit.component]
        where = target.host or target.name
        fine: dict[str, Any] = {"server.address": where, "peer.service": target.name if not target.host else where}
        status: tuple[str, Any, Any] = ("http.response.status_code", 200, 500)
        if target.kind is bp.Kind.DATABASE:
            fine |= {
                "db.system": "postgresql",
                "db.system.name": "postgresql",
                "db.namespace": target.name.removesuffix("-db").replace("-", "_"),
                "db.query.text": call.operation,
                "server.port": 5432,
            }
            status = ("db.response.status_code", "00000", "57014")
        elif target.kind is bp.Kind.CACHE:
            fine |= {
                "db.system": "redis",
                "db.system.name": "redis",
                "db.operation.name": call.operation,
                "server.port": 6379,
            }
            status = ("db.response.status_code", "OK", "ERR")
        elif target.kind is bp.Kind.QUEUE:
            fine |= {
                "messaging.system": target.language,
                "messaging.destination.name": target.name,
                "messaging.operation.type": "publish",
            }
            status = (
                ("messaging.kafka.error_code", 0, 7)
                if target.language == "kafka"
                else ("messaging.rabbitmq.reply_code", 200, 541)
            )
        elif call.protocol == "grpc":
            fine |= {"rpc.system": "grpc", "rpc.service": target.routes[0].method, "rpc.method": target.routes[0].path}
            status = ("rpc.grpc.status_code", 0, 13)
        else:
            scheme = "https" if target.host else "http"
            fine |= {
                "http.request.method": target.routes[0].method,
                "url.full": f"{scheme}://{where}{target.routes[0].path}",
            }
        good = self._look(("c", visit.call, 0), {**fine, status[0]: status[1]})
        bad = self._look(("c", visit.call, 1), {**fine, status[0]: status[2], "error.type": str(status[2])})
        late = self._look(("c", visit.call, 2), {**fine, "error.type": "timeout"})
        refused = np.full(len(part), self._look(("c", visit.call, 3), {**fine, "error.type": "connection_error"}))
        code = self._frame.draft.codes.get(visit.call)
        if code:
            told = self._look(("c", visit.call, 4), {**fine, status[0]: code, "error.type": code})
            many = self._frame.draft.knobs.refused[visit.step, visit.call] > lf.ORDINARILY_REFUSED
            refused = np.where(many, told, refused)
        outcome = np.where(timed.client_bad[part], bad, good)
        outcome = np.where(
            timed.client_bad[part] & (timed.server_s[part] > self._frame.draft.knobs.timeout_s[visit.call]),
            late,
            outcome,
        )
        return np.where(visit.refused, refused, outcome)

    def finish(self, rng: np.random.Generator) -> tm.Spans:
        """All spans in order of start, with ids as SDKs draw them."""
        column = {key: np.concatenate(parts) for key, parts in self._columns.items()}
        order = np.lexsort((column["id"], column["start"]))
        traces = rng.bytes(16 * self._next_trace).hex()
        idents = rng.bytes(8 * self._next_id).hex()
        return tm.Spans(
            trace_ids=[traces[32 * i : 32 * i + 32] for i in column["trace"][order].tolist()],
            span_ids=[idents[16 * i : 16 * i + 16] for i in column["id"][order].tolist()],
            parent_ids=[idents[16 * i : 16 * i + 16] if i >= 0 else "" for i in column["parent"][order].tolist()],
            process=column["process"][order].astype(np.int32),
            name=column["name"][order].astype(np.int32),
            kind=column["kind"][order].astype(np.int8),
            start_ns=(column["start"][order] * 1e6).astype(np.int64) * 1000,
            duration_ns=np.maximum((column["took"][order] * 1e6).astype(np.int64), 1) * 1000,
            status=column["status"][order].astype(np.int8),
            attributes=[self._looks[i] for i in column["look"][order].tolist()],
            processes=tuple(self._processes),
            names=tuple(self._names),
        )


def _resource(frame: fr.Frame, p: int) -> dict[str, Any]:
    pod = frame.fleet.pods[p]
    component = frame.layout.components[pod.component]
    return {
        "service.name": component.name,
        "service.namespace": frame.layout.plan.namespace,
        "service.version": pod.version,
        "k8s.namespace.name": frame.layout.namespace(pod.component),
        "k8s.deployment.name": component.name,
        "k8s.pod.name": pod.name,
        "k8s.node.name": frame.fleet.nodes[pod.node],
        "host.name": pod.name,
        "telemetry.sdk.language": SDK.get(component.language, "go"),
    }
