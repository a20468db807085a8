"""Server-side tables (meta.k8s.io/v1): what `kubectl get` asks an API server for."""

from collections.abc import Mapping, Sequence
from typing import Any

from rootward.dojo.wire import (
    _kubernetes_cells,
    _kubernetes_columns,
    _kubernetes_columns_more,
    _kubernetes_resources,
)

_COLUMNS = {**_kubernetes_columns_more.BY_KIND, **_kubernetes_columns.BY_KIND}


def table(
    resource: _kubernetes_resources.Resource,
    bodies: Sequence[_kubernetes_cells.Body],
    meta: Mapping[str, Any],
    now_s: float,
    include: str,
) -> dict[str, Any]:
    """A meta.k8s.io/v1 Table; `include` is the request's includeObject: None, Metadata (default) or Object."""
    columns = _COLUMNS.get((resource.group, resource.kind), _kubernetes_columns.PLAIN)
    definitions = [
        {
            "name": c.name,
            "type": c.kind,
            "format": "name" if c.name == "Name" else "",
            "description": c.name,
            "priority": int(c.wide),
        }
        for c in columns
    ]
    rows = []
    for body in bodies:
        row: dict[str, Any] = {"cells": [column.cell(body, now_s) for column in columns]}
        if include == "Object":
            row["object"] = body
        elif include != "None":
            row["object"] = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": body["metadata"],
            }
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": dict(meta),
        "columnDefinitions": definitions,
        "rows": rows,
    }
