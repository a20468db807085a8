"""How Elasticsearch writes answers and refusals: headers, content types, `pretty`, `filter_path`, and its errors' shapes."""

import fnmatch
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette import responses

from rootward.dojo.engines.elastic import aggregate, rejection
from rootward.dojo.wire import _http, _ids

VERSION = "9.1.4"
NODE = "kq3Zf0vTQ5uWm2Yc1dE8Rg"
_HEADERS = {"X-elastic-product": "Elasticsearch"}
_COMPATIBLE = ("8", "9")


class Refusal(_http.Refused):
    """A refusal with Elasticsearch's whole error object."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        super().__init__(status, str(error.get("reason", "")))
        self.error = error


def answer(call: _http.Call, data: Any, status: int = 200) -> responses.Response:
    """JSON as the caller wants it: filtered, indented, in the media type of its version of the client."""
    if call.get("filter_path"):
        wanted = [path for path in call.get("filter_path").split(",") if path][:100]
        keep = [path.split(".") for path in wanted if not path.startswith("-")]
        data = (_kept(data, keep) if keep else data) or {}
    pretty = "pretty" in call.fields and call.get("pretty", "true") != "false"
    body = (
        json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        if pretty
        else _http.encode(data)
    )
    return responses.Response(body, status, headers=_HEADERS, media_type=media_type(call))


def media_type(call: _http.Call) -> str:
    """The media type of the answer; raises Refusal for a version of the API that this server does not speak."""
    for name in ("accept", "content-type"):
        stated = call.headers.get(name, "")
        version = stated.partition("compatible-with=")[2][:4].strip()
        if version and version not in _COMPATIBLE:
            reason = f"Invalid media-type value on headers [{'Accept' if name == 'accept' else 'Content-Type'}]"
            raise Refusal(400, plain("media_type_header_exception", reason))
        if version and name == "accept":
            return f"application/vnd.elasticsearch+json;compatible-with={version}"
    return "application/json"


def _kept(data: Any, paths: Sequence[Sequence[str]]) -> Any:
    """What filter_path leaves: names may hold `*`, and `**` stands for any depth."""
    if isinstance(data, list):
        kept = [_kept(one, paths) for one in data]
        return [one for one in kept if one not in (None, {}, [])]
    if not isinstance(data, Mapping):
        return None
    out = {}
    for key, value in data.items():
        below: list[Sequence[str]] = []
        whole = False
        for path in paths:
            if path[0] == "**":
                below.append(path)
            rest = path[1:] if path[0] == "**" else path
            if not rest:
                whole = True
            elif fnmatch.fnmatchcase(key, rest[0]):
                whole = whole or len(rest) == 1
                below.append(rest[1:])
        below = [path for path in below if path]
        found = value if whole else _kept(value, below) if below else None
        if whole or found not in (None, {}, []):
            out[key] = found
    return out


def plain(kind: str, reason: str, **more: Any) -> dict[str, Any]:
    """An error with itself as its root cause."""
    cause = {"type": kind, "reason": reason, **more}
    return {"root_cause": [cause], **cause}


def no_such_index(name: str) -> Refusal:
    more = {"resource.type": "index_or_alias", "resource.id": name, "index_uuid": "_na_", "index": name}
    return Refusal(404, plain("index_not_found_exception", f"no such index [{name}]", **more))


def rejected(error: rejection.Rejection, indices: Sequence[str], body: bytes = b"") -> Refusal:
    """The engine's rejection as Elasticsearch answers it."""
    if error.kind == "too_many_buckets_exception":
        cause = {"type": error.kind, "reason": error.reason, "max_buckets": aggregate.MAX_BUCKETS}
        return Refusal(
            error.status,
            {
                "root_cause": [],
                "type": "search_phase_execution_exception",
                "reason": "",
                "phase": "fetch",
                "grouped": True,
                "failed_shards": [],
                "caused_by": cause,
            },
        )
    more: dict[str, Any] = {}
    if error.caused_by:
        more["caused_by"] = {"type": error.caused_by[0], "reason": error.caused_by[1]}
    if error.phase:
        return Refusal(error.status, _shards_failed(error, more, indices))
    if error.kind == "parsing_exception":
        more = {"line": 1, "col": _column(error.reason, body), **more}
    where = f"[1:{_column(error.reason, body)}] " if error.kind == "x_content_parse_exception" else ""
    return Refusal(error.status, plain(error.kind, where + error.reason, **more))


def _shards_failed(error: rejection.Rejection, more: Mapping[str, Any], indices: Sequence[str]) -> dict[str, Any]:
    index = indices[0] if indices else "_na_"
    where = {"index_uuid": index_uuid(index), "index": index} if error.kind == "query_shard_exception" else {}
    cause = {"type": error.kind, "reason": error.reason, **where}
    failed = [
        {
            "shard": 0,
            "index": one,
            "node": NODE,
            "reason": {**cause, **({"index_uuid": index_uuid(one), "index": one} if where else {}), **more},
        }
        for one in indices[:5] or [index]
    ]
    out = {
        "root_cause": [cause],
        "type": "search_phase_execution_exception",
        "reason": "all shards failed",
        "phase": "query",
        "grouped": True,
        "failed_shards": failed,
    }
    return {**out, "caused_by": {**cause, **more}} if more or error.kind == "illegal_argument_exception" else out


@functools.lru_cache(maxsize=1024)
def index_uuid(name: str) -> str:
    return _ids.opaque("", "index", name, length=22, alphabet=_ids.UPPER + _ids.UPPER[:26].lower() + "-_")


def _column(reason: str, body: bytes) -> int:
    """Where the name that the reason quotes stands in the request."""
    quoted = reason.rpartition("[")[2].partition("]")[0]
    at = body.find(f'"{quoted}"'.encode()) if quoted else -1
    return at + 1 if at >= 0 else 1


def refuse(error: _http.Refused) -> responses.Response:
    """Any refusal in Elasticsearch's words."""
    if isinstance(error, Refusal):
        body: dict[str, Any] = {"error": dict(error.error), "status": error.status}
        return responses.Response(_http.encode(body), error.status, headers=_HEADERS, media_type="application/json")
    kinds = {
        403: "security_exception",
        404: "resource_not_found_exception",
        413: "content_too_long_exception",
        503: "cluster_block_exception",
    }
    words = {
        403: "action [indices:data/read/search] is unauthorized for API key of user [viewer], this action is granted by the index privileges [read,all]",
        405: "Incorrect HTTP method for uri, allowed: [GET, HEAD, POST]",
        503: "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];",
    }
    if error.status == 405:
        return responses.Response(
            _http.encode({"error": words[405], "status": 405}), 405, headers=_HEADERS, media_type="application/json"
        )
    message = (
        words.get(error.status, error.message)
        if error.message in ("Forbidden", "Service Unavailable")
        else error.message
    )
    shaped = plain(kinds.get(error.status, "illegal_argument_exception"), message)
    return responses.Response(
        _http.encode({"error": shaped, "status": error.status}),
        error.status,
        headers=_HEADERS,
        media_type="application/json",
    )
