"""What Elasticsearch says about itself and its indices: info, health, `_cat`, mappings, field capabilities."""

import fnmatch
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette import responses

from rootward.dojo.wire import _elasticsearch_indices as indices
from rootward.dojo.wire import _elasticsearch_replies as replies
from rootward.dojo.wire import _elasticsearch_search as searching
from rootward.dojo.wire import _http, _ids

CLUSTER = "logging"
NODE_NAME = "logging-es-default-0"


def info(call: _http.Call) -> responses.Response:
    data = {
        "name": NODE_NAME,
        "cluster_name": CLUSTER,
        "cluster_uuid": _ids.opaque("", "cluster", CLUSTER, length=22, alphabet=_ids.UPPER + _ids.UPPER[:26].lower()),
        "version": {
            "number": replies.VERSION,
            "build_flavor": "default",
            "build_type": "docker",
            "build_hash": "0b7fe68d2e369469ff9e9f344ab6df64ab9c5293",
            "build_date": "2025-09-16T22:05:19.073893347Z",
            "build_snapshot": False,
            "lucene_version": "10.2.2",
            "minimum_wire_compatibility_version": "8.19.0",
            "minimum_index_compatibility_version": "8.0.0",
        },
        "tagline": "You Know, for Search",
    }
    return replies.answer(call, data)


def health(call: _http.Call, catalogue: indices.Catalogue) -> responses.Response:
    names = catalogue.resolve(call.path.get("index", "_all"))
    shards = len(names)
    data = {
        "cluster_name": CLUSTER,
        "status": "green",
        "timed_out": False,
        "number_of_nodes": 3,
        "number_of_data_nodes": 3,
        "active_primary_shards": shards,
        "active_shards": 2 * shards,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": 0,
        "unassigned_primary_shards": 0,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0,
    }
    if call.get("level") in ("indices", "shards"):
        one = {
            "status": "green",
            "number_of_shards": 1,
            "number_of_replicas": 1,
            "active_primary_shards": 1,
            "active_shards": 2,
        }
        data["indices"] = dict.fromkeys(names, one)
    return replies.answer(call, data)


def mappings(call: _http.Call, catalogue: indices.Catalogue) -> responses.Response:
    names = catalogue.resolve(call.path.get("index", "_all"), lenient=call.get("ignore_unavailable") == "true")
    data = {name: {"mappings": indices.mapping(catalogue.fields_of([name]))} for name in names}
    return replies.answer(call, data)


def field_mapping(call: _http.Call, catalogue: indices.Catalogue) -> responses.Response:
    names = catalogue.resolve(call.path.get("index", "_all"))
    patterns = call.path["fields"].split(",")
    out = {}
    for name in names:
        fields = {
            field: {"full_name": field, "mapping": {field.rpartition(".")[2]: {"type": kind}}}
            for field, kind in catalogue.fields_of([name]).items()
            if any(fnmatch.fnmatchcase(field, one) for one in patterns)
        }
        out[name] = {"mappings": fields}
    return replies.answer(call, out)


def settings(call: _http.Call, catalogue: indices.Catalogue) -> responses.Response:
    names = catalogue.resolve(call.path.get("index", "_all"))
    return replies.answer(call, {name: {"settings": indices.settings(catalogue, name)} for name in names})


def described(call: _http.Call, catalogue: indices.Catalogue) -> responses.Response:
    """GET /INDEX: aliases, mappings and settings."""
    names = catalogue.resolve(call.path["index"], lenient=call.get("ignore_unavailable") == "true")
    data = {
        name: {
            "aliases": {alias: {} for alias in catalogue.aliases_of(name)},
            "mappings": indices.mapping(catalogue.fields_of([name])),
            "settings": indices.settings(catalogue, name),
        }
        for name in names
    }
    return replies.answer(call, data)


def aliases(call: _http.Call, catalogue: indices.Catalogue) -> responses.Response:
    names = catalogue.resolve(call.path.get("index", "_all"))
    wanted = call.path.get("alias", "*")
    out = {}
    for name in names:
        found: dict[str, dict[str, Any]] = {
            alias: {}
            for alias in catalogue.aliases_of(name)
            if any(fnmatch.fnmatchcase(alias, p) for p in wanted.split(","))
        }
        if found or wanted == "*":
            out[name] = {"aliases": found}
    if not out and "*" not in wanted:
        text = f"alias [{wanted}] missing"
        return responses.Response(
            _http.encode({"error": text, "status": 404}),
            404,
            headers={"X-elastic-product": "Elasticsearch"},
            media_type="application/json",
        )
    return replies.answer(call, out)


def field_caps(call: _http.Call, catalogue: indices.Catalogue, body: Mapping[str, Any]) -> responses.Response:
    names = catalogue.resolve(call.path.get("index", "_all"), lenient=call.get("ignore_unavailable") == "true")
    wanted = body.get("fields") or call.get("fields").split(",")
    patterns = [str(one) for one in (wanted if isinstance(wanted, list) else [wanted]) if one]
    if not patterns:
        raise replies.Refusal(
            400, replies.plain("action_request_validation_exception", "Validation Failed: 1: no fields specified;")
        )
    by_index = {name: catalogue.fields_of([name]) for name in names}
    fields: dict[str, dict[str, Any]] = {}
    for name, kind in sorted({pair for found in by_index.values() for pair in found.items()}):
        if not any(fnmatch.fnmatchcase(name, one) for one in patterns):
            continue
        for end in range(1, name.count(".") + 1):
            parent = ".".join(name.split(".")[:end])
            if any(fnmatch.fnmatchcase(parent, one) for one in patterns):
                fields[parent] = {"object": _capability("object", searchable=False, aggregatable=False)}
        fields.setdefault(name, {})[kind] = _capability(kind, searchable=True, aggregatable=kind != "text")
    return replies.answer(call, {"indices": names, "fields": dict(sorted(fields.items()))})


def _capability(kind: str, *, searchable: bool, aggregatable: bool) -> dict[str, Any]:
    return {"type": kind, "metadata_field": False, "searchable": searchable, "aggregatable": aggregatable}


def resolve_index(call: _http.Call, catalogue: indices.Catalogue) -> responses.Response:
    names = catalogue.resolve(call.path["name"])
    listed = [
        {"name": name, "aliases": catalogue.aliases_of(name), "attributes": ["open"], "mode": "standard"}
        for name in names
    ]
    known = [
        {"name": alias, "indices": [name for name in names if alias in catalogue.aliases_of(name)]}
        for alias in indices.ALIASES
    ]
    return replies.answer(
        call, {"indices": listed, "aliases": [one for one in known if one["indices"]], "data_streams": []}
    )


def stats(call: _http.Call, catalogue: indices.Catalogue) -> responses.Response:
    names = catalogue.resolve(call.path.get("index", "_all"))

    def one(found: Sequence[str]) -> dict[str, Any]:
        count = sum(catalogue.counts[name] for name in found)
        return {"docs": {"count": count, "deleted": 0}, "store": {"size_in_bytes": count * indices.BYTES_PER_DOCUMENT}}

    data = {
        "_shards": searching.shards(2 * len(names)),
        "_all": {"primaries": one(names), "total": one(names)},
        "indices": {
            name: {"uuid": replies.index_uuid(name), "primaries": one([name]), "total": one([name])} for name in names
        },
    }
    return replies.answer(call, data)


def _cat_indices(call: _http.Call, catalogue: indices.Catalogue) -> list[dict[str, str]]:
    out = []
    for name in sorted(catalogue.resolve(call.path.get("name", "_all"))):
        count = catalogue.counts[name]
        size = count * indices.BYTES_PER_DOCUMENT
        out.append(
            {
                "health": "green",
                "status": "open",
                "index": name,
                "uuid": replies.index_uuid(name),
                "pri": "1",
                "rep": "1",
                "docs.count": str(count),
                "docs.deleted": "0",
                "store.size": _size(call, 2 * size),
                "pri.store.size": _size(call, size),
                "dataset.size": _size(call, size),
            }
        )
    return out


def _size(call: _http.Call, size: int) -> str:
    scale = {"b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}.get(call.get("bytes"))
    return str(size // scale) if scale else indices.size_text(size)


def _cat_aliases(_call: _http.Call, catalogue: indices.Catalogue) -> list[dict[str, str]]:
    return [
        {
            "alias": alias,
            "index": name,
            "filter": "-",
            "routing.index": "-",
            "routing.search": "-",
            "is_write_index": "-",
        }
        for name in catalogue.names
        for alias in catalogue.aliases_of(name)
    ]


def _cat_count(call: _http.Call, catalogue: indices.Catalogue) -> list[dict[str, str]]:
    count = sum(catalogue.counts[name] for name in catalogue.resolve(call.path.get("name", "_all")))
    return [
        {
            "epoch": str(int(catalogue.now_ms // 1000)),
            "timestamp": indices.day_text(catalogue.now_ms),
            "count": str(count),
        }
    ]


def _cat_health(_call: _http.Call, catalogue: indices.Catalogue) -> list[dict[str, str]]:
    shards = len(catalogue.names)
    return [
        {
            "epoch": str(int(catalogue.now_ms // 1000)),
            "timestamp": indices.day_text(catalogue.now_ms),
            "cluster": CLUSTER,
            "status": "green",
            "node.total": "3",
            "node.data": "3",
            "shards": str(2 * shards),
            "pri": str(shards),
            "relo": "0",
            "init": "0",
            "unassign": "0",
            "unassign.pri": "0",
            "pending_tasks": "0",
            "max_task_wait_time": "-",
            "active_shards_percent": "100.0%",
        }
    ]


def _cat_nodes(_call: _http.Call, catalogue: indices.Catalogue) -> list[dict[str, str]]:
    del catalogue
    return [
        {
            "ip": f"10.132.{_ids.number('node', str(i), digits=2)}.{10 + _ids.number('host', str(i), digits=2)}",
            "heap.percent": str(30 + _ids.number("heap", str(i), digits=2) // 3),
            "ram.percent": str(60 + _ids.number("ram", str(i), digits=2) // 3),
            "cpu": str(3 + _ids.number("cpu", str(i), digits=2) // 10),
            "load_1m": f"{_ids.number('load', str(i), digits=2) / 50:.2f}",
            "load_5m": f"{_ids.number('load5', str(i), digits=2) / 50:.2f}",
            "load_15m": f"{_ids.number('load15', str(i), digits=2) / 50:.2f}",
            "node.role": "cdfhilmrstw",
            "master": "*" if i == 0 else "-",
            "name": f"{NODE_NAME[:-1]}{i}",
        }
        for i in range(3)
    ]


CAT: dict[str, Callable[[_http.Call, indices.Catalogue], list[dict[str, str]]]] = {
    "indices": _cat_indices,
    "aliases": _cat_aliases,
    "count": _cat_count,
    "health": _cat_health,
    "nodes": _cat_nodes,
}
_RIGHT = ("docs.count", "docs.deleted", "store.size", "pri.store.size", "dataset.size", "pri", "rep")


def cat(call: _http.Call, catalogue: indices.Catalogue) -> responses.Response:
    """A table as text, or as JSON with format=json; `h` chooses columns, `s` sorts, `v` shows the head."""
    rows = CAT[call.path["what"]](call, catalogue)
    names = list(rows[0]) if rows else []
    if call.get("h"):
        names = [name for pattern in call.get("h").split(",") for name in names if fnmatch.fnmatchcase(name, pattern)]
    for part in reversed([one for one in call.get("s").split(",") if one][:10]):
        key, _, direction = part.partition(":")
        rows.sort(key=lambda row: _natural(row.get(key, "")), reverse=direction == "desc")
    if call.get("format") == "json" or "json" in call.headers.get("accept", ""):
        return replies.answer(call, [{name: row[name] for name in names} for row in rows])
    shown = "v" in call.fields and call.get("v", "true") != "false"
    table = [[row[name] for name in names] for row in rows]
    if shown:
        table.insert(0, names)
    widths = [max(len(line[i]) for line in table) for i in range(len(names))] if table else []
    text = "".join(
        " ".join(
            cell.rjust(width) if name in _RIGHT else cell.ljust(width)
            for cell, width, name in zip(line, widths, names, strict=True)
        ).rstrip()
        + "\n"
        for line in table
    )
    return responses.PlainTextResponse(text, headers={"X-elastic-product": "Elasticsearch"})


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(json.loads(text)), "")
    except (ValueError, TypeError):
        return (1, 0.0, text)
