"""Ingresses of the nginx at a system's doors: which path leads to which Service, over time."""

from collections.abc import Iterator

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import detours as detoured
from rootward.dojo.world import frame as fr
from rootward.dojo.world import objects

OLD_S = 86_400.0 * 40
CLASS = "nginx"


def versions(frame: fr.Frame) -> Iterator[tm.ObjectVersion]:
    start_s = float(frame.times_s[0]) - 1.0
    yield tm.ObjectVersion(
        start_s,
        objects.body(
            "networking.k8s.io/v1",
            "IngressClass",
            "",
            CLASS,
            start_s - OLD_S,
            spec={"controller": "k8s.io/ingress-nginx"},
        ),
    )
    for door in frame.layout.entries:
        if frame.layout.components[door].language != "nginx":
            continue
        turned: list[detoured.Detour | detoured.Unserved] = [*frame.draft.detours, *frame.draft.unserved]
        turns = [at for one in turned if one.door == door for at in (one.at, one.until)]
        edges = sorted({0, *(at for at in turns if 0 < at < frame.steps)})
        # An Ingress leads only to services of its own namespace.
        behind = [int(frame.layout.target[e]) for e in frame.layout.calls_from(door)]
        for namespace in dict.fromkeys(frame.layout.namespace(i) for i in behind):
            for step in edges:
                time_s = start_s if step == 0 else float(frame.times_s[step])
                yield tm.ObjectVersion(time_s, _body(frame, door, namespace, step))


def _body(frame: fr.Frame, door: int, namespace: str, step: int) -> objects.Body:
    layout, component = frame.layout, frame.layout.components[door]
    paths = []
    for behind in dict.fromkeys(int(layout.target[e]) for e in layout.calls_from(door)):
        callee = layout.components[behind]
        if callee.kind is not bp.Kind.SERVICE or layout.namespace(behind) != namespace:
            continue
        name, port = callee.name, objects.port_of(callee)
        for detour in frame.draft.detours:
            if (detour.door, detour.behind) == (door, behind) and detour.at <= step < detour.until:
                name, port = detour.other, detour.port
        backend = {"service": {"name": name, "port": {"number": port}}}
        paths.append({"path": f"/{callee.name}", "pathType": "Prefix", "backend": backend})
    host = f"www.{layout.plan.domain}"
    named = [
        one.other
        for one in frame.draft.unserved
        if (one.door, one.namespace) == (door, namespace) and one.at <= step < one.until
    ]
    return objects.body(
        "networking.k8s.io/v1",
        "Ingress",
        namespace,
        component.name,
        float(frame.times_s[0]) - OLD_S,
        metadata={"labels": objects.labels(component)},
        spec={
            "ingressClassName": named[-1] if named else CLASS,
            "tls": [{"hosts": [host], "secretName": f"{component.name}-tls"}],
            "rules": [{"host": host, "http": {"paths": paths}}],
        },
        status={
            "loadBalancer": {"ingress": [{"hostname": f"lb-{objects.uid(host)[:8]}.elb.eu-central-1.amazonaws.com"}]}
        },
    )
