"""The cells of server-side tables: what each column says of an object (k8s.io/kubernetes, pkg/printers/internalversion)."""

from collections.abc import Callable, Mapping
from typing import Any

from rootward import _clock
from rootward.dojo.wire import _kubernetes_pods

Body = Mapping[str, Any]
Cell = Callable[[Body, float], Any]
NONE = "<none>"


def human_duration(seconds: float) -> str:
    """`90s`, `5m12s`, `3h5m`, `2d4h`, `400d`: apimachinery's duration.HumanDuration."""
    if seconds < 0:
        return "0s" if seconds > -2 else "<invalid>"
    s = int(seconds)
    minutes, hours, days = s // 60, s // 3600, s // 86400
    if s < 120:
        return f"{s}s"
    if minutes < 10:
        return f"{minutes}m{s % 60}s" if s % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    years, rest = divmod(days, 365)
    return f"{years}y{rest}d" if rest and years < 8 else f"{years}y"


def since(text: Any, now_s: float) -> str:
    """How long ago a time was; `<unknown>` when there is none."""
    return human_duration(now_s - _clock.from_iso(text)) if text else "<unknown>"


def at(body: Any, path: str, default: Any = "") -> Any:
    """The value at a dotted path."""
    for step in path.split("."):
        body = body.get(step) if isinstance(body, Mapping) else None
    return default if body is None else body


def path(path: str, default: Any = NONE) -> Cell:
    return lambda body, _now_s: at(body, path, default)


def number(path: str) -> Cell:
    return lambda body, _now_s: at(body, path, 0)


def age(body: Body, now_s: float) -> str:
    return since(at(body, "metadata.creationTimestamp"), now_s)


def ready(ready: str, desired: str) -> Cell:
    return lambda body, _now_s: f"{at(body, ready, 0)}/{at(body, desired, 0)}"


def containers(field: str, where: str = "spec.template.spec.containers") -> Cell:
    return lambda body, _now_s: ",".join(str(one.get(field, "")) for one in at(body, where, ()))


def pairs(path: str) -> Cell:
    def text(body: Body, _now_s: float) -> str:
        labels = at(body, path, {})
        return ",".join(f"{k}={v}" for k, v in sorted(labels.items())) or NONE

    return text


def external(body: Body, _now_s: float) -> str:
    if at(body, "spec.type") == "ExternalName":
        return str(at(body, "spec.externalName"))
    points = at(body, "status.loadBalancer.ingress", ())
    found = [one.get("ip") or one.get("hostname", "") for one in points] + list(at(body, "spec.externalIPs", ()))
    if not found and at(body, "spec.type") == "LoadBalancer":
        return "<pending>"
    return ",".join(found) or NONE


def ports(body: Body, _now_s: float) -> str:
    def one(port: Mapping[str, Any]) -> str:
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        return f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}"

    return ",".join(one(port) for port in at(body, "spec.ports", ())) or NONE


def node_status(body: Body, _now_s: float) -> str:
    conditions = {one.get("type"): one.get("status") for one in at(body, "status.conditions", ())}
    words = ["Ready" if conditions["Ready"] == "True" else "NotReady"] if "Ready" in conditions else ["Unknown"]
    return ",".join(words + (["SchedulingDisabled"] if at(body, "spec.unschedulable", False) else []))


def node_roles(body: Body, _now_s: float) -> str:
    prefix = "node-role.kubernetes.io/"
    return (
        ",".join(sorted(k.removeprefix(prefix) for k in at(body, "metadata.labels", {}) if k.startswith(prefix)))
        or NONE
    )


def address(kind: str) -> Cell:
    return lambda body, _now_s: next(
        (a.get("address") for a in at(body, "status.addresses", ()) if a.get("type") == kind), NONE
    )


def event_object(body: Body, _now_s: float) -> str:
    involved = at(body, "involvedObject", {}) or at(body, "regarding", {})
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


def last_seen(body: Body, now_s: float) -> str:
    return since(
        at(body, "lastTimestamp")
        or at(body, "series.lastObservedTime")
        or at(body, "eventTime")
        or at(body, "metadata.creationTimestamp"),
        now_s,
    )


def size_of(*paths: str) -> Cell:
    return lambda body, _now_s: sum(len(at(body, path, {})) for path in paths)


def claim_modes(body: Body, _now_s: float) -> str:
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    return ",".join(
        short.get(mode, mode) for mode in at(body, "status.accessModes", None) or at(body, "spec.accessModes", ())
    )


def claim(body: Body, _now_s: float) -> str:
    name = at(body, "spec.claimRef.name")
    return f"{at(body, 'spec.claimRef.namespace')}/{name}" if name else ""


def hosts(body: Body, _now_s: float) -> str:
    return ",".join(rule.get("host") or "*" for rule in at(body, "spec.rules", ())) or "*"


def hpa_targets(body: Body, _now_s: float) -> str:
    current = {
        at(m, "resource.name"): at(m, "resource.current.averageUtilization", None)
        for m in at(body, "status.currentMetrics", ())
    }
    texts = []
    for metric in at(body, "spec.metrics", ()):
        name, target = at(metric, "resource.name"), at(metric, "resource.target.averageUtilization", None)
        now = current.get(name)
        texts.append(
            f"{name}: {'<unknown>' if now is None else f'{now}%'}/{'<unknown>' if target is None else f'{target}%'}"
        )
    return ", ".join(texts) or NONE


def job_status(body: Body, _now_s: float) -> str:
    true = {one.get("type") for one in at(body, "status.conditions", ()) if one.get("status") == "True"}
    return next((word for word in ("Complete", "Failed", "Suspended") if word in true), "Running")


def job_duration(body: Body, now_s: float) -> str:
    start, end = at(body, "status.startTime"), at(body, "status.completionTime")
    return since(start, _clock.from_iso(end) if end else now_s) if start else ""


def endpoints(body: Body, _now_s: float) -> str:
    found = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in at(body, "subsets", ())
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or NONE


def restarts(body: Body, now_s: float) -> str:
    count, last = _kubernetes_pods.restarts(body)
    return f"{count} ({since(last, now_s)} ago)" if last else str(count)
