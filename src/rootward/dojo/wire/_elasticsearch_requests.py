"""What a request to Elasticsearch says: its body, its address, and the identifiers of scrolls, points in time and asynchronous searches."""

import base64
import json
import urllib.parse
import zlib
from collections.abc import Mapping
from typing import Any

from rootward.dojo.wire import _elasticsearch_replies as replies
from rootward.dojo.wire import _http

MAX_SEARCHES = 100
"""Searches of one `_msearch`."""


def from_query(call: _http.Call) -> dict[str, Any]:
    """What the address says of a search: it wins over the body."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(call.url).query, keep_blank_values=True))
    out: dict[str, Any] = {}
    if query.get("q"):
        operator = query.get("default_operator", "or")
        more = {"default_field": query["df"]} if query.get("df") else {}
        out["query"] = {"query_string": {"query": query["q"], "default_operator": operator, **more}}
    for name in ("size", "from", "track_total_hits", "timeout", "terminate_after"):
        if query.get(name):
            out[name] = query[name]
    if query.get("sort"):
        out["sort"] = query["sort"].split(",")
    for name, key in (("_source", "_source"), ("_source_includes", "includes"), ("_source_excludes", "excludes")):
        if query.get(name):
            listed = query[name].split(",")
            out["_source"] = query[name] if name == "_source" else {**out.get("_source", {}), key: listed}
    if query.get("docvalue_fields"):
        out["docvalue_fields"] = query["docvalue_fields"].split(",")
    return out


def read_json(body: bytes) -> dict[str, Any]:
    """A body as an object, nothing as an empty one; raises Refusal."""
    if not body.strip():
        return {}
    try:
        data = json.loads(body, parse_constant=_no_constant)
        if b"\\u" in body:
            json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        reason = f"[1:{getattr(error, 'colno', 1)}] {str(error)[:120] or 'too deeply nested'}"
        raise replies.Refusal(400, replies.plain("x_content_parse_exception", reason)) from error
    if not isinstance(data, dict):
        raise replies.Refusal(
            400,
            {
                **replies.plain("parsing_exception", "Expected [START_OBJECT] but found [START_ARRAY]"),
                "line": 1,
                "col": 1,
            },
        )
    return data


def _no_constant(text: str) -> Any:
    raise ValueError(
        f"Unrecognized token '{text}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    )


def pairs(body: bytes) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    lines = body.split(b"\n")
    if lines and not lines[-1].strip():
        lines.pop()
    else:
        raise replies.Refusal(
            400, replies.plain("illegal_argument_exception", "The msearch request must be terminated by a newline [\n]")
        )
    if len(lines) % 2 or len(lines) > 2 * MAX_SEARCHES or not lines:
        raise replies.Refusal(
            400, replies.plain("action_request_validation_exception", "Validation Failed: 1: no requests added;")
        )
    parsed = [read_json(line) for line in lines]
    return list(zip(parsed[::2], parsed[1::2], strict=True))


def packed(state: Mapping[str, Any]) -> str:
    """State of a scroll, point in time or asynchronous search as an opaque identifier: nothing is kept here."""
    return base64.urlsafe_b64encode(zlib.compress(_http.encode(state), 9)).decode()


def unpacked(identifier: Any, kind: str) -> dict[str, Any]:
    """What `packed` packed; raises Refusal for anything else."""
    missing = {
        "p": "search_context_missing_exception",
        "s": "search_context_missing_exception",
        "a": "resource_not_found_exception",
    }
    refusal = replies.Refusal(
        404, replies.plain(missing[kind], f"No search context found for id [{str(identifier)[:60]}]")
    )
    try:
        engine = zlib.decompressobj()
        raw = engine.decompress(base64.urlsafe_b64decode(str(identifier).encode("ascii")), _http.MAX_BODY_BYTES)
        state = json.loads(raw)
        known = isinstance(state, dict) and state.get("k") == kind and isinstance(state.get("i"), str)
        if (
            not known
            or not isinstance(state.get("t"), int | float)
            or (kind != "p" and not isinstance(state.get("b"), dict))
        ):
            raise refusal
        if kind == "s" and not (isinstance(state.get("o"), int) and state["o"] >= 0):
            raise refusal
    except (ValueError, zlib.error, RecursionError) as error:
        raise refusal from error
    return dict(state)
