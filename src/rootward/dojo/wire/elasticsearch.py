"""Elasticsearch's HTTP API (9.1; clients of versions 8 and 9, and OpenSearch's) over logs and spans, read only.

Shapes follow elastic.co/docs/api/doc/elasticsearch; what would write is refused as an index with a write block refuses it.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette import applications, convertors, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.columns import tokens
from rootward.dojo.engines.elastic import rejection
from rootward.dojo.wire import _elasticsearch_catalogue as catalogue_pages
from rootward.dojo.wire import _elasticsearch_documents as documents
from rootward.dojo.wire import _elasticsearch_hits as hits
from rootward.dojo.wire import _elasticsearch_indices as indices
from rootward.dojo.wire import _elasticsearch_replies as replies
from rootward.dojo.wire import _elasticsearch_requests as requests
from rootward.dojo.wire import _elasticsearch_search as searching
from rootward.dojo.wire import _http

refuse = replies.refuse
_BOTH = ("GET", "POST")
_READ = ("GET", "HEAD")
_WRITES = ("PUT", "POST", "DELETE")
_EVERY = ("GET", "HEAD", "POST", "PUT", "DELETE")


class _Indices(convertors.Convertor[str]):
    """Names of indices in an address; between `<` and `>` (date math) there may be a slash."""

    regex = "(?:<[^<>]*>|[^/<])+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


convertors.register_url_convertor("indices", _Indices())


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.logs` and `telemetry.spans`."""
    face = _Face(telemetry, clock)
    pages = catalogue_pages
    table: list[tuple[str, Callable[[_http.Call], responses.Response], Sequence[str]]] = [
        ("/", pages.info, _READ),
        ("/_cluster/health", face.about(pages.health), _READ),
        ("/_cluster/health/{index:indices}", face.about(pages.health), _READ),
        ("/_cat/{what}", face.cat, _READ),
        ("/_cat/{what}/{name}", face.cat, _READ),
        ("/_license", face.licence, _READ),
        ("/_search/scroll", face.scroll, (*_BOTH, "DELETE")),
        ("/_pit", face.close_pit, ("DELETE",)),
        ("/_async_search/{id}", face.async_result, ("GET", "DELETE")),
        ("/_resolve/index/{name}", face.about(pages.resolve_index), _READ),
        ("/_alias/{alias}", face.about(pages.aliases), _READ),
        ("/_data_stream", lambda call: replies.answer(call, {"data_streams": []}), _READ),
        ("/_data_stream/{name}", lambda call: replies.answer(call, {"data_streams": []}), _READ),
    ]
    for name, page, methods in (
        ("_search", face.search, _BOTH),
        ("_async_search", face.async_search, ("POST",)),
        ("_msearch", face.msearch, _BOTH),
        ("_count", face.count, _BOTH),
        ("_validate/query", face.validate, _BOTH),
        ("_field_caps", face.field_caps, _BOTH),
        ("_mapping", face.about(pages.mappings), _READ),
        ("_mapping/field/{fields}", face.about(pages.field_mapping), _READ),
        ("_settings", face.about(pages.settings), _READ),
        ("_alias", face.about(pages.aliases), _READ),
        ("_aliases", face.about(pages.aliases), _READ),
        ("_stats", face.about(pages.stats), _READ),
        ("_analyze", face.analyze, _BOTH),
    ):
        table += [(f"/{name}", page, methods), (f"/{{index:indices}}/{name}", page, methods)]
    table += [
        ("/{index:indices}/_pit", face.open_pit, ("POST",)),
        ("/{index:indices}/_doc/{id}", face.document, _READ),
        ("/{index:indices}/_source/{id}", face.source, _READ),
        ("/{index:indices}", face.about(pages.described), _READ),
        ("/{path:path}", face.write, _WRITES),
    ]
    routes = [_http.route(path, face.guarded(handler), refuse, methods, raw=True) for path, handler, methods in table]
    return _http.application(routes, refuse)


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock

    @functools.cached_property
    def _documents(self) -> documents.Documents:
        return documents.documents(self._telemetry)  # made when first asked for: most systems are never asked

    def _catalogue(self, at_ms: float | None = None) -> indices.Catalogue:
        now_ms = self._clock.now_s() * 1000
        return indices.Catalogue(self._documents, now_ms if at_ms is None else min(at_ms, now_ms))

    def guarded(self, handler: Callable[[_http.Call], responses.Response]) -> _http.Handler:
        """The handler with the engine's rejections worded, and the media type checked first."""

        def guarded(call: _http.Call) -> responses.Response:
            replies.media_type(call)
            try:
                return handler(call)
            except rejection.Rejection as error:
                raise replies.rejected(error, self._names(call), call.body) from error

        return guarded

    def _names(self, call: _http.Call) -> list[str]:
        return self._catalogue().resolve(call.path.get("index", "_all"), lenient=True)

    def about(
        self, page: Callable[[_http.Call, indices.Catalogue], responses.Response]
    ) -> Callable[[_http.Call], responses.Response]:
        return lambda call: page(call, self._catalogue())

    def cat(self, call: _http.Call) -> responses.Response:
        if call.path["what"] not in catalogue_pages.CAT:
            raise replies.Refusal(
                400,
                replies.plain(
                    "illegal_argument_exception",
                    f"no handler found for uri [/_cat/{call.path['what'][:60]}] and method [GET]",
                ),
            )
        return catalogue_pages.cat(call, self._catalogue())

    def licence(self, call: _http.Call) -> responses.Response:
        licence = {
            "status": "active",
            "uid": "5c1c1c0f-6a9b-4f0b-9c3f-2b7a6d0e4b11",
            "type": "basic",
            "max_nodes": 1000,
            "issued_to": catalogue_pages.CLUSTER,
            "issuer": "elasticsearch",
            "start_date_in_millis": -1,
        }
        return replies.answer(call, {"license": licence})

    def _request(
        self, call: _http.Call, body: Mapping[str, Any], catalogue: indices.Catalogue, *, scroll: int | None = None
    ) -> searching.Request:
        merged = {**body, **requests.from_query(call)}
        names = catalogue.resolve(
            call.path.get("index", "_all"),
            lenient=call.get("ignore_unavailable") == "true",
            allow_none=call.get("allow_no_indices") != "false",
        )
        return searching.Request(names, merged, typed=call.get("typed_keys") == "true", skip=scroll)

    def search(self, call: _http.Call) -> responses.Response:
        body = requests.read_json(call.body)
        pit = body.get("pit")
        if pit is not None:
            return self._search_pit(call, body, pit)
        if call.get("scroll"):
            searching.keep_alive(call.get("scroll"), "scroll")
            state = {
                "b": {**body, **requests.from_query(call)},
                "i": call.path.get("index", "_all"),
                "o": 0,
                "t": self._catalogue().now_ms,
            }
            return replies.answer(call, self._scrolled(state))
        catalogue = self._catalogue()
        out = searching.search(catalogue, self._request(call, body, catalogue))
        if call.get("rest_total_hits_as_int") == "true" and "total" in out["hits"]:
            out["hits"]["total"] = out["hits"]["total"]["value"]
        return replies.answer(call, out)

    def _search_pit(self, call: _http.Call, body: Mapping[str, Any], pit: Any) -> responses.Response:
        if call.path.get("index"):
            reason = "Validation Failed: 1: [indices] cannot be used with point in time. Do not specify any index with point in time.;"
            raise replies.Refusal(400, replies.plain("action_request_validation_exception", reason))
        state = requests.unpacked(pit.get("id") if isinstance(pit, Mapping) else None, "p")
        catalogue = self._catalogue(state["t"])
        request = searching.Request(
            catalogue.resolve(state["i"]), {**body, **requests.from_query(call)}, typed=call.get("typed_keys") == "true"
        )
        with_tie = dict(request.body)
        if with_tie.get("sort") is not None and "_shard_doc" not in str(with_tie["sort"]):
            given = with_tie["sort"] if isinstance(with_tie["sort"], list) else [with_tie["sort"]]
            with_tie["sort"] = [*given, {"_shard_doc": "asc"}]
            after = with_tie.get("search_after")
            if isinstance(after, list) and len(after) == len(given):
                with_tie["sort"] = given
        request = searching.Request(request.names, with_tie, typed=request.typed)
        return replies.answer(call, {"pit_id": pit["id"], **searching.search(catalogue, request)})

    def open_pit(self, call: _http.Call) -> responses.Response:
        if not call.get("keep_alive"):
            raise replies.Refusal(
                400,
                replies.plain(
                    "action_request_validation_exception", "Validation Failed: 1: [keep_alive] is not specified;"
                ),
            )
        searching.keep_alive(call.get("keep_alive"), "keep_alive")
        catalogue = self._catalogue()
        names = catalogue.resolve(call.path["index"])
        state = {"k": "p", "i": call.path["index"], "t": catalogue.now_ms}
        return replies.answer(call, {"id": requests.packed(state), "_shards": searching.shards(len(names))})

    def close_pit(self, call: _http.Call) -> responses.Response:
        requests.unpacked(requests.read_json(call.body).get("id"), "p")
        return replies.answer(call, {"succeeded": True, "num_freed": 1})

    def scroll(self, call: _http.Call) -> responses.Response:
        body = requests.read_json(call.body)
        given = body.get("scroll_id") or call.get("scroll_id")
        if call.method == "DELETE":
            freed = given if isinstance(given, list) else [given]
            for one in freed[: requests.MAX_SEARCHES]:
                requests.unpacked(one, "s")
            return replies.answer(call, {"succeeded": True, "num_freed": len(freed)})
        return replies.answer(call, self._scrolled(requests.unpacked(given, "s")))

    def _scrolled(self, state: Mapping[str, Any]) -> dict[str, Any]:
        catalogue = self._catalogue(state["t"])
        request = searching.Request(catalogue.resolve(state["i"]), state["b"], skip=state["o"])
        out = searching.search(catalogue, request)
        following = {**state, "k": "s", "o": state["o"] + len(out["hits"]["hits"])}
        return {"_scroll_id": requests.packed(following), **out}

    def async_search(self, call: _http.Call) -> responses.Response:
        catalogue = self._catalogue()
        body = requests.read_json(call.body)
        request = self._request(call, body, catalogue)
        keep = call.get("keep_on_completion") == "true"
        state = {"k": "a", "i": call.path.get("index", "_all"), "b": dict(request.body), "t": catalogue.now_ms}
        return replies.answer(
            call, {**({"id": requests.packed(state)} if keep else {}), **_completed(catalogue, request)}
        )

    def async_result(self, call: _http.Call) -> responses.Response:
        state = requests.unpacked(call.path["id"], "a")
        if call.method == "DELETE":
            return replies.answer(call, {"acknowledged": True})
        catalogue = self._catalogue(state["t"])
        request = searching.Request(catalogue.resolve(state["i"]), state["b"])
        return replies.answer(call, {"id": call.path["id"], **_completed(catalogue, request)})

    def msearch(self, call: _http.Call) -> responses.Response:
        pairs = requests.pairs(call.body)
        found = [self._one(call, head, body) for head, body in pairs]
        return replies.answer(call, {"took": sum(one.get("took", 1) for one in found), "responses": found})

    def _one(self, call: _http.Call, head: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        wanted = head.get("index") or call.path.get("index") or "_all"
        expression = ",".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted)
        catalogue = self._catalogue()
        try:
            names = catalogue.resolve(expression, lenient=head.get("ignore_unavailable") in (True, "true"))
            request = searching.Request(names, body, typed=call.get("typed_keys") == "true")
            return {**searching.search(catalogue, request), "status": 200}
        except replies.Refusal as error:
            return {"error": dict(error.error), "status": error.status}
        except rejection.Rejection as error:
            refused = replies.rejected(error, catalogue.resolve(expression, lenient=True), call.body)
            return {"error": dict(refused.error), "status": refused.status}

    def count(self, call: _http.Call) -> responses.Response:
        catalogue = self._catalogue()
        request = self._request(call, requests.read_json(call.body), catalogue)
        for name in request.body:
            if name not in ("query", "min_score"):
                raise rejection.parsing(f"request does not support [{name[:100]}]")
        _, mask, _ = searching.matching(catalogue, request, scoring=False)
        return replies.answer(call, {"count": int(mask.sum()), "_shards": searching.shards(len(request.names))})

    def validate(self, call: _http.Call) -> responses.Response:
        catalogue = self._catalogue()
        request = self._request(call, requests.read_json(call.body), catalogue)
        shown = {"_shards": {"total": 1, "successful": 1, "failed": 0}}
        try:
            searching.matching(catalogue, request, scoring=False)
        except rejection.Rejection as error:
            more = {"error": f"{error.kind}: {error.reason}"} if call.get("explain") == "true" else {}
            return replies.answer(call, {**shown, "valid": False, **more})
        return replies.answer(call, {**shown, "valid": True})

    def field_caps(self, call: _http.Call) -> responses.Response:
        return catalogue_pages.field_caps(call, self._catalogue(), requests.read_json(call.body))

    def analyze(self, call: _http.Call) -> responses.Response:
        body = requests.read_json(call.body)
        text = body.get("text", call.get("text"))
        listed = text if isinstance(text, list) else [text]
        out, position = [], 0
        for one in listed[:100]:
            for word, start, end in tokens.spans(str(one or "")):
                kind = "<NUM>" if word.replace(".", "").isdigit() else "<ALPHANUM>"
                out.append(
                    {"token": word, "start_offset": start, "end_offset": end, "type": kind, "position": position}
                )
                position += 1
        if len(out) > 10_000:
            reason = "The number of tokens produced by calling _analyze has exceeded the allowed maximum of [10000]. This limit can be set by changing the [index.analyze.max_token_count] index level setting."
            raise replies.Refusal(400, replies.plain("illegal_state_exception", reason))
        return replies.answer(call, {"tokens": out})

    def _row(self, call: _http.Call) -> tuple[str, int | None]:
        catalogue = self._catalogue()
        (name, *_) = catalogue.resolve(call.path["index"], allow_none=False)
        table = self._documents.table
        row = documents.row_of(call.path["id"], table.count, table.salt)
        known = row is not None and bool(catalogue.visible[row]) and table.columns["_index"].at(row) == name
        return name, row if known else None

    def document(self, call: _http.Call) -> responses.Response:
        name, row = self._row(call)
        head = {"_index": name, "_id": call.path["id"]}
        if row is None:
            return replies.answer(call, {**head, "found": False}, 404)
        return replies.answer(
            call,
            {**head, "_version": 1, "_seq_no": row, "_primary_term": 1, "found": True, "_source": self._source(row)},
        )

    def source(self, call: _http.Call) -> responses.Response:
        name, row = self._row(call)
        if row is None:
            raise replies.Refusal(
                404,
                replies.plain("resource_not_found_exception", f"Document not found [{name}]/[{call.path['id'][:100]}]"),
            )
        return replies.answer(call, self._source(row))

    def _source(self, row: int) -> dict[str, Any]:
        return hits.nested(hits.record_of(self._documents.table, row))

    def write(self, call: _http.Call) -> responses.Response:
        del call
        index = next(iter(self._catalogue().names), "logs")
        reason = f"index [{index}] blocked by: [FORBIDDEN/8/index write (api)];"
        raise replies.Refusal(403, replies.plain("cluster_block_exception", reason))


def _completed(catalogue: indices.Catalogue, request: searching.Request) -> dict[str, Any]:
    now = int(catalogue.now_ms)
    out = {
        "is_partial": False,
        "is_running": False,
        "start_time_in_millis": now,
        "expiration_time_in_millis": now + 432_000_000,
    }
    found = searching.search(catalogue, request)
    return {**out, "completion_time_in_millis": now + found["took"], "response": found}
