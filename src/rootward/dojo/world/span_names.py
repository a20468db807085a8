"""What spans are called and what they say: names, attributes and resources after OpenTelemetry's semantic conventions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import log_formats as lf

SYSTEMS = {bp.Kind.DATABASE: "postgresql", bp.Kind.CACHE: "redis", bp.Kind.QUEUE: "kafka"}
SDK = {"go": "go", "java": "java", "python": "python", "node": "nodejs", "nginx": "cpp"}


class Looks:
    """Names and attributes, each kept once: spans refer to them by number."""

    def __init__(self, frame: fr.Frame) -> None:
        self._frame = frame
        self.names: dict[str, int] = {}
        self.attributes: list[Mapping[str, Any]] = []
        self._look_of: dict[tuple[Any, ...], int] = {}

    def name(self, text: str) -> int:
        """The number of a name."""
        return self.names.setdefault(text, len(self.names))

    def client_name(self, visit: Any) -> int:
        call = self._frame.layout.calls[visit.call]
        target = self._frame.layout.components[visit.component]
        if target.kind is bp.Kind.QUEUE:
            return self.name(f"{call.operation or target.name} publish")
        if target.kind in SYSTEMS:
            return self.name(
                call.operation.split(" ")[0] + (f" {target.name}" if call.protocol == "sql" else "") or "query"
            )
        route = target.routes[0]
        return self.name(f"{route.method}/{route.path}" if call.protocol == "grpc" else route.method)

    def server_name(self, component: bp.Component) -> int:
        route = component.routes[0]
        if component.consumer:
            return self.name(f"{component.name} process")
        return self.name(
            f"{route.method}/{route.path}" if component.style == "grpc" else f"{route.method} {route.path}"
        )

    def look(self, key: tuple[Any, ...], attributes: Mapping[str, Any]) -> int:
        """The number of a set of attributes; equal keys mean equal attributes."""
        if key not in self._look_of:
            self._look_of[key] = len(self.attributes)
            self.attributes.append(attributes)
        return self._look_of[key]

    def _system(self, visit: Any) -> str:
        """The broker from which a consumer got what it processes."""
        layout = self._frame.layout
        return layout.components[layout.source[visit.call]].language if visit.call >= 0 else "kafka"

    def server(self, visit: Any, timed: Any, part: Any) -> Any:
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
        good, bad = self.look(("s", visit.component, 0), fine), self.look(("s", visit.component, 1), broken)
        looks = np.where(timed.server_bad[part], bad, good)
        unrouted = self._frame.draft.level(fr.UNROUTED, visit.component, 0.0)[visit.step] > 0.5
        if unrouted.any():
            unknown = self.look(("s", visit.component, 2), {**fine, "http.response.status_code": 404})
            looks = np.where(unrouted & ~timed.server_bad[part], unknown, looks)
        return looks

    def client(self, visit: Any, timed: Any, part: Any) -> Any:
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
        good = self.look(("c", visit.call, 0), {**fine, status[0]: status[1]})
        bad = self.look(("c", visit.call, 1), {**fine, status[0]: status[2], "error.type": str(status[2])})
        late = self.look(("c", visit.call, 2), {**fine, "error.type": "timeout"})
        refused = np.full(len(part), self.look(("c", visit.call, 3), {**fine, "error.type": "connection_error"}))
        code = self._frame.draft.codes.get(visit.call)
        if code:
            told = self.look(("c", visit.call, 4), {**fine, status[0]: code, "error.type": code})
            many = self._frame.draft.knobs.refused[visit.step, visit.call] > lf.ORDINARILY_REFUSED
            refused = np.where(many, told, refused)
        outcome = np.where(timed.client_bad[part], bad, good)
        outcome = np.where(
            timed.client_bad[part] & (timed.server_s[part] > self._frame.draft.knobs.timeout_s[visit.call]),
            late,
            outcome,
        )
        return np.where(visit.refused, refused, outcome)


def resource(frame: fr.Frame, p: int) -> dict[str, Any]:
    """What every span of a pod's process says of it."""
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
