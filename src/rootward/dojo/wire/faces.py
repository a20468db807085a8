"""All faces of one production system: which vendors answer, which refuse, and one application that serves them all."""

import contextlib
import dataclasses
import functools
import importlib
import importlib.util
from collections.abc import AsyncIterator, Callable, Mapping

from starlette import applications, responses, routing, types

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import (
    _http,
    alertmanager,
    cloudwatch,
    datadog,
    elasticsearch,
    exporters,
    github,
    gitlab,
    grafana,
    jaeger,
    kubernetes,
    loki,
    pagerduty,
    prometheus,
    slack,
    tempo,
)


@dataclasses.dataclass(frozen=True, slots=True)
class _Vendor:
    """`has` tells whether there is anything of the kind to serve; `refuse` words a refusal as the vendor does."""

    app: Callable[[records.Telemetry, _clock.Clock], types.ASGIApp]
    refuse: _http.Refuse
    has: Callable[[records.Telemetry], bool]


def _has_spans(telemetry: records.Telemetry) -> bool:
    return telemetry.spans is not None and len(telemetry.spans.span_ids) > 0


def _has_logs(telemetry: records.Telemetry) -> bool:
    return telemetry.logs is not None and len(telemetry.logs.times_ns) > 0


def _has_targets(telemetry: records.Telemetry) -> bool:
    """Not where Prometheus's answers are withheld: they must not come in by another door."""
    return bool(telemetry.metrics.blocks) and "prometheus" not in telemetry.access


def _has_code(telemetry: records.Telemetry) -> bool:
    return bool(telemetry.code.commits or telemetry.code.pulls or telemetry.code.deployments)


def _refuse_prometheus(error: _http.Refused) -> responses.Response:
    """What a proxy in front of Prometheus says; the server itself knows neither permission nor outage."""
    return responses.PlainTextResponse(f"{error.message}\n", error.status)


_VENDORS = {
    "prometheus": _Vendor(prometheus.app, _refuse_prometheus, lambda t: bool(t.metrics.blocks)),
    "exporters": _Vendor(exporters.app, exporters.refuse, _has_targets),
    "loki": _Vendor(loki.app, loki.refuse, _has_logs),
    "elasticsearch": _Vendor(elasticsearch.app, elasticsearch.refuse, lambda t: _has_logs(t) or _has_spans(t)),
    "datadog": _Vendor(datadog.app, datadog.refuse, lambda t: bool(t.metrics.blocks) or _has_logs(t) or _has_spans(t)),
    "cloudwatch": _Vendor(cloudwatch.app, cloudwatch.refuse, lambda t: bool(t.metrics.blocks) or _has_logs(t)),
    "kubernetes": _Vendor(kubernetes.app, kubernetes.refuse, lambda t: bool(t.cluster.versions or t.cluster.events)),
    "jaeger": _Vendor(jaeger.app, jaeger.refuse, _has_spans),
    "tempo": _Vendor(tempo.app, tempo.refuse, _has_spans),
    "alertmanager": _Vendor(alertmanager.app, alertmanager.refuse, lambda t: bool(t.alerts or t.rules)),
    "github": _Vendor(github.app, github.refuse, _has_code),
    "gitlab": _Vendor(gitlab.app, gitlab.refuse, _has_code),
    "slack": _Vendor(slack.app, slack.refuse, lambda t: bool(t.messages)),
    "pagerduty": _Vendor(pagerduty.app, pagerduty.refuse, lambda t: bool(t.incidents or t.change_events)),
}
_GATEWAYS = {"grafana": grafana.refuse}  # faces before other faces: they have what those have
_REFUSALS = {
    "forbidden": _http.Refused(403, "Forbidden", reason="missing_scope"),
    "down": _http.Refused(503, "Service Unavailable", reason="service_unavailable"),
}


def faces(telemetry: records.Telemetry, clock: _clock.Clock) -> dict[str, types.ASGIApp]:
    """Vendor → application, for every vendor that is part of this system.

    Left out are vendors whose access is "absent" and those of which the telemetry has nothing; "forbidden" and "down" answer
    every request with 403 and 503 in the vendor's own words.

    Raises:
        errors.WorldError: `telemetry.access` names a vendor or a state that does not exist.
    """
    known = (*_VENDORS, *_GATEWAYS)
    for vendor, state in telemetry.access.items():
        if vendor not in known or state not in ("absent", *_REFUSALS):
            raise errors.WorldError(
                f"access {vendor}={state}: vendors are {', '.join(known)}; states absent, forbidden, down"
            )
    out: dict[str, types.ASGIApp] = {}
    for name, vendor_face in _VENDORS.items():
        state = telemetry.access.get(name, "")
        if state in _REFUSALS:
            out[name] = _http.refusing(functools.partial(vendor_face.refuse, _REFUSALS[state]))
        elif not state and vendor_face.has(telemetry):
            out[name] = _when_asked(functools.partial(vendor_face.app, telemetry, clock))
    return out


def _when_asked(make: Callable[[], types.ASGIApp]) -> types.ASGIApp:
    """An application that is made by its first request: most investigations ask few of the vendors."""
    made = functools.cache(make)

    async def asgi(scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        await made()(scope, receive, send)

    return asgi


def with_gateways(
    telemetry: records.Telemetry, clock: _clock.Clock, vendors: Mapping[str, types.ASGIApp]
) -> dict[str, types.ASGIApp]:
    """`vendors` (from `faces`) and what stands before them: Grafana, over whichever of them it has data sources for."""
    out = dict(vendors)
    state = telemetry.access.get("grafana", "")
    if state in _REFUSALS:
        out["grafana"] = _http.refusing(functools.partial(grafana.refuse, _REFUSALS[state]))
    elif not state and vendors:
        out["grafana"] = _when_asked(functools.partial(grafana.app, telemetry, clock, vendors))
    return out


def mcp_app(
    vendors: Mapping[str, types.ASGIApp], clock: _clock.Clock, *, loopback: bool = True
) -> applications.Starlette | None:
    """The MCP server over `vendors` as an application for `mounted`; None where the extra `mcp` is not installed."""
    if not has_mcp():
        return None
    module = importlib.import_module("rootward.dojo.wire.mcp_server")  # by name: the base install does without
    made: applications.Starlette = module.http_app(module.server(vendors, clock), loopback=loopback)
    return made


def has_mcp() -> bool:
    return importlib.util.find_spec("mcp") is not None


class _Rooted:
    """A face at its own address without a slash: AWS's clients send there, and follow no redirect."""

    def __init__(self, name: str, face: types.ASGIApp) -> None:
        self._name = name
        self._face = face

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        root = f"{scope.get('root_path', '')}/{self._name}"
        await self._face({**scope, "root_path": root, "path": f"{root}/"}, receive, send)


def mounted(vendors: Mapping[str, types.ASGIApp], mcp: applications.Starlette | None = None) -> applications.Starlette:
    """Every face under `/<vendor>` of one application, and MCP at /mcp where there is one (its lifespan must be run).

    Kubernetes answers at the root as well: `kubectl get --raw` drops the path of its server's address.
    """
    routes: list[routing.BaseRoute] = [routing.Mount(f"/{name}", app=face) for name, face in vendors.items()]
    routes += [routing.Route(f"/{name}", _Rooted(name, face)) for name, face in vendors.items()]
    last = [routing.Mount("", app=vendors["kubernetes"])] if "kubernetes" in vendors else []
    if mcp is None:
        return applications.Starlette(routes=[*routes, *last])

    @contextlib.asynccontextmanager
    async def lifespan(_app: applications.Starlette) -> AsyncIterator[None]:
        async with mcp.router.lifespan_context(mcp):
            yield

    return applications.Starlette(routes=[*routes, *mcp.routes, *last], lifespan=lifespan)


def serve_app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """All of one production system: `with_gateways` over `faces`, mounted."""
    return mounted(with_gateways(telemetry, clock, faces(telemetry, clock)))
