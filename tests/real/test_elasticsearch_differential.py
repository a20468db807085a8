"""The same documents in our face and in osmem-server, an OpenSearch-compatible server that no one here wrote: same hits, same buckets.

Scores are compared loosely: it counts a collection's statistics in its own way. Those of exact values are left out: OpenSearch
gives them all 1.0, Elasticsearch weighs them by rarity.
"""

import json
import urllib.request

import dojo_server
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette import testclient

from rootward import _clock
from rootward.dojo.wire import elasticsearch

osmem = pytest.importorskip(
    "osmem_server", reason="osmem-server not installed: queries were not compared with another engine"
)

pytestmark = pytest.mark.filterwarnings("default")  # osmem-server leaves its pipe to the garbage collector
INDEX = "logs-shop-2024.05.01"
START = 1714557600000
QUERIES = [
    {"match_all": {}},
    {"match_none": {}},
    {"match": {"message": "GET pay"}},
    {"match": {"message": {"query": "GET cart", "operator": "and"}}},
    {"match": {"message": {"query": "level msg status nothing", "minimum_should_match": "75%"}}},
    {"match": {"message": {"query": "cartt", "fuzziness": "AUTO"}}},
    {"match": {"http.code": 500}},
    {"match_phrase": {"message": "GET cart"}},
    {"match_phrase": {"message": "cart GET"}},
    {"match_phrase": {"message": {"query": "GET 200", "slop": 3}}},
    {"match_phrase_prefix": {"message": "GET ca"}},
    {"match_bool_prefix": {"message": "status ca"}},
    {"multi_match": {"query": "checkout", "fields": ["service.name", "message"]}},
    {"multi_match": {"query": "pay", "fields": ["message^3", "log.level"], "type": "phrase"}},
    {"term": {"log.level": "error"}},
    {"term": {"log.level": {"value": "ERROR", "case_insensitive": True}}},
    {"term": {"message": "pay"}},
    {"term": {"message": "GET"}},
    {"term": {"ms": 11}},
    {"terms": {"log.level": ["error", "warn"]}},
    {"terms": {"ms": [1, 3, 5]}},
    {"range": {"ms": {"gte": 10, "lt": 20}}},
    {"range": {"ms": {"gt": 90}}},
    {"range": {"service.name": {"gte": "d"}}},
    {"range": {"@timestamp": {"gte": "2024-05-01T10:10:00Z", "lt": "2024-05-01T10:20:00Z"}}},
    {"range": {"@timestamp": {"gte": "2024-05-01T10:10", "lte": "2024-05-01T10:20"}}},
    {"range": {"@timestamp": {"gt": "2024-05-01T10:10", "lt": "2024-05-01T10:20"}}},
    {"range": {"@timestamp": {"gte": "2024-05-01||+10h/h", "lte": "2024-05-01T10:30:00Z||/h"}}},
    {"range": {"@timestamp": {"gte": "2024-05-01T12:30:00", "time_zone": "+02:00"}}},
    {"range": {"@timestamp": {"gte": "01/05/2024 10:50", "format": "dd/MM/yyyy HH:mm"}}},
    {"range": {"@timestamp": {"gte": 1714560000000}}},
    {"range": {"@timestamp": {"gte": "1714560000", "format": "epoch_second"}}},
    {"exists": {"field": "trace.id"}},
    {"exists": {"field": "kubernetes"}},
    {"exists": {"field": "nothing"}},
    {"prefix": {"kubernetes.pod.name": "checkout-7d9"}},
    {"prefix": {"message": "ca"}},
    {"wildcard": {"kubernetes.pod.name": "*-7d9c6b5f4-?????"}},
    {"wildcard": {"message": "c?rt"}},
    {"wildcard": {"service.name": {"value": "CHECK*", "case_insensitive": True}}},
    {"regexp": {"service.name": "front.*|nothing"}},
    {"regexp": {"service.name": "ront.*"}},
    {"fuzzy": {"service.name": "chekout"}},
    {"bool": {"must": [{"match": {"message": "pay"}}], "filter": [{"term": {"log.level": "error"}}]}},
    {"bool": {"should": [{"term": {"ms": 1}}, {"term": {"ms": 3}}]}},
    {"bool": {"filter": [{"term": {"log.level": "error"}}], "should": [{"term": {"ms": 1}}]}},
    {"bool": {"filter": [{"exists": {"field": "ms"}}], "should": [{"term": {"ms": 1}}], "minimum_should_match": 1}},
    {"bool": {"must_not": [{"term": {"service.name": "checkout"}}]}},
    {"bool": {"must_not": {"exists": {"field": "trace.id"}}, "must": {"term": {"service.name": "checkout"}}}},
    {"bool": {}},
    {"constant_score": {"filter": {"term": {"ms": 1}}}},
    {"dis_max": {"queries": [{"term": {"ms": 1}}, {"match": {"message": "GET"}}]}},
    {"query_string": {"query": "log.level:error"}},
    {"query_string": {"query": "log.level:error AND ms:[10 TO 20]"}},
    {"query_string": {"query": "ms:{10 TO 20}"}},
    {"query_string": {"query": "ms:>=90"}},
    {"query_string": {"query": "ms:(11 OR 21)"}},
    {"query_string": {"query": "NOT log.level:error"}},
    {"query_string": {"query": "message:pay AND NOT log.level:error"}},
    {"query_string": {"query": "message:(GET AND cart)"}},
    {"query_string": {"query": "message:GET OR message:pay"}},
    {"query_string": {"query": "+message:GET -message:status"}},
    {"query_string": {"query": 'message:"GET cart"'}},
    {"query_string": {"query": "message:ca*"}},
    {"query_string": {"query": "service.name:check*"}},
    {"query_string": {"query": "_exists_:trace.id"}},
    {"query_string": {"query": "service.name:/front.+/"}},
    {"query_string": {"query": "GET cart", "default_field": "message", "default_operator": "AND"}},
    {"query_string": {"query": "a:b OR log.level:error"}},
    {"query_string": {"query": "pay", "fields": ["message", "service.name"]}},
    {"simple_query_string": {"query": "GET + cart", "fields": ["message"]}},
    {"simple_query_string": {"query": "pay | cart", "fields": ["message"]}},
    {"simple_query_string": {"query": "-pay", "fields": ["message"]}},
    {"simple_query_string": {"query": '"GET cart"', "fields": ["message"]}},
    {"simple_query_string": {"query": "ca*", "fields": ["message"]}},
]
AGGREGATIONS = [
    {"terms": {"field": "log.level"}},
    {"terms": {"field": "service.name", "order": {"_key": "desc"}}},
    {"terms": {"field": "ms", "size": 5}},
    {"terms": {"field": "ms", "size": 3, "order": {"_key": "asc"}, "min_doc_count": 2}},
    {"terms": {"field": "trace.id", "missing": "none", "size": 1}},
    {"terms": {"field": "log.level", "include": "e.*"}},
    {"terms": {"field": "log.level", "exclude": ["info"]}},
    {"date_histogram": {"field": "@timestamp", "fixed_interval": "10m"}},
    {"date_histogram": {"field": "@timestamp", "calendar_interval": "hour", "time_zone": "+05:30"}},
    {"date_histogram": {"field": "@timestamp", "calendar_interval": "day", "time_zone": "America/New_York"}},
    {"date_histogram": {"field": "@timestamp", "fixed_interval": "30m", "offset": "+10m"}},
    {
        "date_histogram": {
            "field": "@timestamp",
            "fixed_interval": "30m",
            "format": "HH:mm",
            "extended_bounds": {"min": START - 3600000, "max": START + 7200000},
            "min_doc_count": 0,
        }
    },
    {"histogram": {"field": "ms", "interval": 25}},
    {"range": {"field": "ms", "ranges": [{"to": 10}, {"from": 10, "to": 50}, {"from": 50}]}},
    {
        "date_range": {
            "field": "@timestamp",
            "ranges": [{"to": "2024-05-01T10:30:00Z"}, {"from": "2024-05-01T10:30:00Z"}],
        }
    },
    {"filter": {"term": {"log.level": "error"}}},
    {"filters": {"filters": {"bad": {"term": {"log.level": "error"}}, "good": {"term": {"log.level": "info"}}}}},
    {"missing": {"field": "trace.id"}},
    {"cardinality": {"field": "ms"}},
    {"value_count": {"field": "ms"}},
    {"avg": {"field": "ms"}},
    {"sum": {"field": "ms"}},
    {"min": {"field": "@timestamp"}},
    {"max": {"field": "ms"}},
    {"stats": {"field": "ms"}},
    {
        "composite": {
            "size": 3,
            "sources": [{"s": {"terms": {"field": "service.name"}}}, {"l": {"terms": {"field": "log.level"}}}],
        }
    },
]
SCORED = ("match", "match_phrase", "constant_score")
NESTED = {
    "over": {
        "date_histogram": {"field": "@timestamp", "fixed_interval": "20m"},
        "aggs": {"by": {"terms": {"field": "service.name"}, "aggs": {"worst": {"max": {"field": "ms"}}}}},
    },
    "slowest": {
        "terms": {"field": "service.name", "order": {"mean": "desc"}},
        "aggs": {"mean": {"avg": {"field": "ms"}}},
    },
}
WRONG = [
    {"query": {"nonsense": {}}},
    {"query": {"match": {}}},
    {"query": {"term": {"a": 1, "b": 2}}},
    {"query": {"range": {"@timestamp": {"gte": "yesterday"}}}},
    {"query": {"bool": {"musty": []}}},
    {"query": {"query_string": {"query": "a:("}}},
    {"nonsense": 1},
    {"size": -1},
    {"from": 9_999, "size": 10},
    {"sort": [{"nothing": "asc"}]},
    {"aggs": {"x": {"nonsense": {}}}},
    {"aggs": {"x": {"terms": {"field": "message"}}}},
    {"aggs": {"x": {"date_histogram": {"field": "@timestamp", "fixed_interval": "month"}}}},
]


def ask(url, body, method="POST"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
    request = urllib.request.Request(url, data=raw, method=method, headers={"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def ours():
    sample = dojo_server.sample
    return testclient.TestClient(elasticsearch.app(sample.telemetry_of_shop(), _clock.VirtualClock(sample.NOW_S)))


@pytest.fixture(scope="module")
def theirs(ours):
    with osmem.OsmemServer.start(japanese=False) as server:
        mapping = ours.get(f"/{INDEX}").json()[INDEX]["mappings"]
        assert ask(f"{server.url}/{INDEX}", {"settings": {"number_of_shards": 1}, "mappings": mapping}, "PUT")[0] == 200
        page = ours.post(f"/{INDEX}/_search?scroll=1m", json={"size": 2000, "sort": ["_doc"]}).json()
        while page["hits"]["hits"]:
            lines = [
                line
                for hit in page["hits"]["hits"]
                for line in ({"index": {"_index": INDEX, "_id": hit["_id"]}}, hit["_source"])
            ]
            body = "".join(json.dumps(line) + "\n" for line in lines).encode()
            status, answer = ask(f"{server.url}/_bulk?refresh=true", body)
            assert (status, answer["errors"]) == (200, False)
            page = ours.post("/_search/scroll", json={"scroll_id": page["_scroll_id"]}).json()
        yield f"{server.url}/{INDEX}/_search"


def both(ours, theirs, body):
    mine = ours.post(f"/{INDEX}/_search", json=body)
    return (mine.status_code, mine.json()), ask(theirs, body)


@pytest.mark.parametrize("query", QUERIES, ids=json.dumps)
def test_the_same_documents_are_found(ours, theirs, query):
    body = {"query": query, "size": 10_000, "_source": False, "track_total_hits": True, "sort": ["@timestamp"]}
    (mine_status, mine), (their_status, their) = both(ours, theirs, body)
    assert (mine_status, their_status) == (200, 200), their
    assert mine["hits"]["total"] == their["hits"]["total"]
    assert {hit["_id"] for hit in mine["hits"]["hits"]} == {hit["_id"] for hit in their["hits"]["hits"]}


@pytest.mark.parametrize(
    "query", [one for one in QUERIES if next(iter(one)) in SCORED and "fuzz" not in str(one)], ids=json.dumps
)
def test_scores_are_close(ours, theirs, query):
    (_, mine), (_, their) = both(ours, theirs, {"query": query, "size": 1})
    found, wanted = mine["hits"]["max_score"], their["hits"]["max_score"]
    assert found == (pytest.approx(wanted, rel=0.05) if wanted is not None else None)


@pytest.mark.parametrize("spec", AGGREGATIONS, ids=json.dumps)
def test_the_same_buckets_are_counted(ours, theirs, spec):
    (mine_status, mine), (their_status, their) = both(ours, theirs, {"size": 0, "aggs": {"x": spec}})
    assert (mine_status, their_status) == (200, 200), (mine, their)
    assert alike(mine["aggregations"]["x"], their["aggregations"]["x"])


def test_sub_aggregations_agree(ours, theirs):
    (_, mine), (_, their) = both(ours, theirs, {"size": 0, "aggs": NESTED})
    assert alike(mine["aggregations"], their["aggregations"])


@pytest.mark.parametrize("body", WRONG, ids=json.dumps)
def test_wrong_requests_fail_alike(ours, theirs, body):
    (mine_status, mine), (their_status, their) = both(ours, theirs, body)
    assert mine_status == their_status
    assert mine["error"]["type"] == their["error"]["type"]


def alike(mine, their):
    """Equal, numbers to one part in a billion."""
    if isinstance(mine, dict) and isinstance(their, dict):
        assert set(mine) == set(their), (mine, their)
        return all(alike(mine[key], their[key]) for key in mine)
    if isinstance(mine, list) and isinstance(their, list):
        assert len(mine) == len(their), (mine, their)
        return all(alike(a, b) for a, b in zip(mine, their, strict=True))
    assert mine == (pytest.approx(their, rel=1e-9) if isinstance(their, float) else their)
    return True


WORDS = st.sampled_from(
    ["GET", "cart", "pay", "status", "nothing", "GET cart", "cart GET", "pay nothing", "200", "level info"]
)
LEVELS = st.sampled_from(["error", "info", "warn", "err*", "*o*", "?rror"])
TIMES = st.sampled_from(
    [
        "2024-05-01T10:10:00Z",
        "2024-05-01T10:30",
        "2024-05-01||+10h+17m",
        "2024-05-01T10:20:30.500Z||/m",
        "2024-05-01",
        1714558000000,
    ]
)
LEAVES = st.one_of(
    st.builds(
        lambda text, op: {"match": {"message": {"query": text, "operator": op}}}, WORDS, st.sampled_from(["or", "and"])
    ),
    st.builds(
        lambda text, slop: {"match_phrase": {"message": {"query": text, "slop": slop}}}, WORDS, st.integers(0, 2)
    ),
    st.builds(lambda text: {"match_phrase_prefix": {"message": text}}, WORDS),
    st.builds(lambda text: {"multi_match": {"query": text, "fields": ["message", "log.level"]}}, WORDS),
    st.builds(lambda text: {"wildcard": {"log.level": text}}, LEVELS),
    st.builds(
        lambda low, high: {"range": {"ms": {"gte": low, "lt": high}}}, st.integers(-5, 105), st.integers(-5, 105)
    ),
    st.builds(lambda op, at: {"range": {"@timestamp": {op: at}}}, st.sampled_from(["gt", "gte", "lt", "lte"]), TIMES),
    st.builds(lambda values: {"terms": {"ms": values}}, st.lists(st.integers(0, 99), min_size=1, max_size=4)),
    st.builds(lambda field: {"exists": {"field": field}}, st.sampled_from(["ms", "trace.id", "http", "none"])),
    st.builds(lambda text: {"prefix": {"kubernetes.pod.name": text}}, st.sampled_from(["check", "front", "x", ""])),
    st.builds(
        lambda text: {"regexp": {"service.name": text}},
        st.sampled_from(["c.*", "(front|check).*", "[a-f].+", ".{8}", "x?checkout"]),
    ),
    st.builds(
        lambda parts: {"query_string": {"query": " ".join(parts), "default_field": "message"}},
        st.lists(
            st.sampled_from(
                [
                    "GET",
                    "AND pay",
                    "OR cart",
                    "NOT status",
                    "+cart",
                    "-pay",
                    "(pay OR cart)",
                    "ms:>50",
                    "log.level:error",
                    'message:"GET cart"',
                ]
            ),
            min_size=1,
            max_size=4,
        ).filter(lambda parts: not parts[0].startswith(("AND", "OR"))),
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(
        st.sampled_from(["must", "should", "filter", "must_not"]),
        st.lists(inner, min_size=1, max_size=3),
        min_size=1,
        max_size=3,
    ).flatmap(
        lambda body: st.sampled_from(
            [{"bool": body}, *([{"bool": {**body, "minimum_should_match": 1}}] if "should" in body else [])]
        )
    ),
    max_leaves=6,
)


@given(query=TREES)
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_query_finds_the_same(ours, theirs, query):
    body = {"query": query, "size": 0, "track_total_hits": True, "aggs": {"by": {"terms": {"field": "service.name"}}}}
    (mine_status, mine), (their_status, their) = both(ours, theirs, body)
    assert (mine_status, their_status) == (200, 200), (mine, their)
    assert mine["hits"]["total"] == their["hits"]["total"]
    assert mine["aggregations"]["by"]["buckets"] == their["aggregations"]["by"]["buckets"]
