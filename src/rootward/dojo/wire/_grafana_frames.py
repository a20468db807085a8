"""What Grafana's data frames are made of, and what it says of a back end that refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from rootward.dojo.wire import _inside

Frame = dict[str, Any]


def field(name: str, kind: str, go: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "typeInfo": {"frame": go}, **more}


def frame(
    query: Mapping[str, Any], fields: Sequence[Mapping[str, Any]], values: Sequence[Sequence[Any]], **more: Any
) -> Frame:
    """One frame of a query's answer: columns with their values."""
    schema = {"refId": query.get("refId", "A"), **more, "fields": list(fields)}
    return {"schema": schema, "data": {"values": [list(column) for column in values]}}


def failed(reply: _inside.Reply) -> dict[str, Any]:
    """A query's result where its back end answered with an error, in that one's words."""
    data = reply.json()
    if isinstance(data, Mapping) and isinstance(data.get("error"), Mapping):  # Elasticsearch
        causes = data["error"].get("root_cause") or [data["error"]]
        text = str(causes[0].get("reason", ""))
    elif isinstance(data, Mapping) and "error" in data:
        text = f"{data.get('errorType', 'error')}: {data['error']}"
    else:
        text = reply.text().strip()
    return {"error": text, "errorSource": "downstream", "status": 400 if reply.status < 500 else 502}
