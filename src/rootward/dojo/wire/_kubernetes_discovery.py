"""What kubectl asks of an API server before anything else: aggregated discovery in one answer, and the schemas behind `explain`.

Schemas are drawn from the objects that there are: fields and types as they occur.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rootward.dojo.wire import _http, _kubernetes_resources

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_MAX_SAMPLES = 40
_MAX_DEPTH = 12
_TEXTS = {
    "apiVersion": "APIVersion defines the versioned schema of this representation of an object.",
    "kind": "Kind is a string value representing the REST resource this object represents.",
    "metadata": "Standard object's metadata.",
    "spec": "Specification of the desired behavior of the object.",
    "status": "Most recently observed status of the object.",
    "data": "Data contains the configuration data.",
}


def wants_aggregated(call: _http.Call) -> bool:
    accepted = call.headers.get("accept", "").replace(" ", "")
    return "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" in accepted


def aggregated(resources: Sequence[_kubernetes_resources.Resource], *, core: bool) -> dict[str, Any]:
    """`GET /api` or `GET /apis` in one document."""
    groups: dict[str, dict[str, list[_kubernetes_resources.Resource]]] = {}
    for one in resources:
        if (one.group == "") == core:
            groups.setdefault(one.group, {}).setdefault(one.version, []).append(one)
    items = [
        {
            "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
            "versions": [
                {"version": version, "resources": [_described(one) for one in some], "freshness": "Current"}
                for version, some in versions.items()
            ],
        }
        for group, versions in groups.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _described(one: _kubernetes_resources.Resource) -> dict[str, Any]:
    kind = {"group": one.group, "version": one.version, "kind": one.kind}
    out: dict[str, Any] = {
        "resource": one.plural,
        "responseKind": kind,
        "scope": "Namespaced" if one.namespaced else "Cluster",
        "singularResource": one.kind.lower(),
        "verbs": list(_kubernetes_resources.VERBS),
    }
    if one.short:
        out["shortNames"] = list(one.short)
    if one.categories:
        out["categories"] = list(one.categories)
    if (one.group, one.plural) == ("", "pods"):
        out["subresources"] = [{"subresource": "log", "responseKind": kind, "verbs": ["get"]}]
    return out


def openapi_index(resources: Sequence[_kubernetes_resources.Resource]) -> dict[str, Any]:
    """`GET /openapi/v3`: where the schemas of each group and version are."""
    found = dict.fromkeys(f"apis/{one.api_version}" if one.group else "api/v1" for one in resources)
    return {"paths": {name: {"serverRelativeURL": f"/openapi/v3/{name}"} for name in found}}


def openapi(
    api_version: str, samples: Iterable[tuple[_kubernetes_resources.Resource, Sequence[Mapping[str, Any]]]]
) -> dict[str, Any]:
    """`GET /openapi/v3/<group and version>`: one path and schema a kind."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for resource, bodies in samples:
        schema = _merged([{"apiVersion": "", "kind": "", "metadata": {}}, *bodies[:_MAX_SAMPLES]], 0)
        kind = {"group": resource.group, "kind": resource.kind, "version": resource.version}
        name = f"io.k8s.api.{(resource.group or 'core').partition('.')[0]}.{resource.version}.{resource.kind}"
        schemas[name] = {**schema, "description": f"{resource.kind}.", "x-kubernetes-group-version-kind": [kind]}
        where = "/namespaces/{namespace}" if resource.namespaced else ""
        base = f"/apis/{api_version}" if resource.group else "/api/v1"
        reference = {"schema": {"$ref": f"#/components/schemas/{name}"}}
        get = {
            "x-kubernetes-action": "get",
            "x-kubernetes-group-version-kind": kind,
            "responses": {"200": {"description": "OK", "content": {"application/json": reference}}},
        }
        paths[f"{base}{where}/{resource.plural}/{{name}}"] = {"get": get}
    info = {"title": "Kubernetes", "version": "v1.31.2"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _merged(values: Sequence[Any], depth: int) -> dict[str, Any]:
    """A schema that all of the values have."""
    maps = [one for one in values if isinstance(one, Mapping)]
    lists = [one for one in values if isinstance(one, list | tuple)]
    if maps and depth < _MAX_DEPTH:
        names = dict.fromkeys(name for one in maps for name in one)
        if len(names) > 60:  # labels, data: names are values there
            return {"type": "object", "additionalProperties": {"type": "string"}}
        return {
            "type": "object",
            "properties": {
                name: {
                    **_merged([one[name] for one in maps if name in one], depth + 1),
                    **({"description": _TEXTS[name]} if depth == 0 and name in _TEXTS else {}),
                }
                for name in sorted(names)
            },
        }
    if lists and depth < _MAX_DEPTH:
        inner = [value for one in lists for value in one]
        return {"type": "array", "items": _merged(inner, depth + 1) if inner else {"type": "object"}}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": next((kinds[type(one)] for one in values if type(one) in kinds), "object")}
