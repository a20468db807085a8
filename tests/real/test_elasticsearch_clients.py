"""The official clients of Elasticsearch (8 and 9 speak alike) and OpenSearch against the Elasticsearch face."""

import client_operations
import dojo_server
import pytest

pytestmark = pytest.mark.filterwarnings("default")  # other people's libraries warn about their own dependencies
REASON = "not installed (pip install 'rootward[real]'): the face was not tried with the official client"
LOGS = "logs-shop-2024.05.01"
ERRORS = {"bool": {"filter": [{"term": {"log.level": "error"}}, {"range": {"@timestamp": {"gte": "now-1h"}}}]}}
elastic = client_operations.Operations("elasticsearch")
PYTHON, OPEN = "elasticsearch (Python)", "opensearch-py"


@pytest.fixture(scope="module")
def clients():
    elasticsearch = pytest.importorskip("elasticsearch", reason=REASON)
    opensearchpy = pytest.importorskip("opensearchpy", reason=REASON)
    with dojo_server.serving() as address:
        url = f"{address}/elasticsearch"
        both = {PYTHON: elasticsearch.Elasticsearch(url), OPEN: opensearchpy.OpenSearch(url)}
        yield both
        for one in both.values():
            one.close()


def both(operation):
    """The two clients name most methods alike."""

    def register(function):
        for client in (PYTHON, OPEN):
            elastic.of(client, operation)(function)
        return function

    return register


@both("info, ping")
def _(client):
    assert client.info()["tagline"] == "You Know, for Search"
    assert client.ping() is True


@both("search: query, sort, _source")
def _(client):
    body = {"query": ERRORS, "sort": [{"@timestamp": "desc"}], "size": 3, "_source": ["message", "service.name"]}
    found = client.search(index="logs-*", body=body)
    assert found["hits"]["total"]["value"] == 360
    assert found["hits"]["hits"][0]["_source"] == {"message": "pay", "service": {"name": "checkout"}}


@both("search: aggregations")
def _(client):
    aggs = {
        "t": {
            "date_histogram": {"field": "@timestamp", "fixed_interval": "10m"},
            "aggs": {"s": {"terms": {"field": "service.name"}}},
        }
    }
    found = client.search(index="logs-*", body={"size": 0, "query": ERRORS, "aggs": aggs})
    assert len(found["aggregations"]["t"]["buckets"]) == 6
    assert found["aggregations"]["t"]["buckets"][0]["s"]["buckets"] == [{"key": "checkout", "doc_count": 60}]


@both("search: query string")
def _(client):
    found = client.search(index="logs-*", q="log.level:error AND service.name:check*", size=0)
    assert found["hits"]["total"]["value"] == 360


@both("msearch")
def _(client):
    lines = [{"index": "logs-*"}, {"size": 0}, {"index": "none"}, {}]
    found = (
        client.msearch(body=lines)["responses"]
        if not hasattr(client, "esql")
        else client.msearch(searches=lines)["responses"]
    )
    assert [one["status"] for one in found] == [200, 404]


@both("count")
def _(client):
    assert client.count(index="logs-*", body={"query": ERRORS})["count"] == 360


@both("scroll, clear_scroll")
def _(client):
    page = client.search(index="logs-*", body={"size": 2000}, scroll="1m")
    seen = len(page["hits"]["hits"])
    page = client.scroll(scroll_id=page["_scroll_id"], scroll="1m")
    assert seen + len(page["hits"]["hits"]) == 3601
    assert client.clear_scroll(scroll_id=page["_scroll_id"])["succeeded"] is True


@both("helpers.scan")
def _(client):
    import elasticsearch.helpers
    import opensearchpy.helpers

    helpers = elasticsearch.helpers if hasattr(client, "esql") else opensearchpy.helpers
    assert len({hit["_id"] for hit in helpers.scan(client, index="logs-*", query={"query": ERRORS})}) == 360


@both("get")
def _(client):
    (hit,) = client.search(index="logs-*", body={"size": 1})["hits"]["hits"]
    assert client.get(index=hit["_index"], id=hit["_id"])["_source"] == hit["_source"]


@both("indices: get, get_mapping, get_alias, exists, stats")
def _(client):
    assert LOGS in client.indices.get(index="logs-*")
    assert client.indices.get_mapping(index=LOGS)[LOGS]["mappings"]["properties"]["message"]["type"] == "text"
    assert "logs" in client.indices.get_alias(index=LOGS)[LOGS]["aliases"]
    assert client.indices.exists(index=LOGS)
    assert not client.indices.exists(index="none")
    assert client.indices.stats(index=LOGS)["_all"]["primaries"]["docs"]["count"] == 3601


@both("field_caps")
def _(client):
    assert (
        client.field_caps(index="logs-*", fields="service.*")["fields"]["service.name"]["keyword"]["aggregatable"]
        is True
    )


@both("cat.indices, cat.aliases, cluster.health")
def _(client):
    assert LOGS in [one["index"] for one in client.cat.indices(format="json")]
    assert LOGS in str(client.cat.indices(v=True))
    assert client.cluster.health()["status"] == "green"
    assert client.cat.aliases(format="json")


@elastic.of(PYTHON, "open_point_in_time, search_after, close_point_in_time")
def _(client):
    pit = client.open_point_in_time(index="logs-*", keep_alive="1m")["id"]
    seen, after = 0, None
    for _ in range(10):
        more = {"search_after": after} if after else {}
        found = client.search(pit={"id": pit, "keep_alive": "1m"}, size=1000, sort=["@timestamp"], **more)["hits"][
            "hits"
        ]
        if not found:
            break
        seen, after = seen + len(found), found[-1]["sort"]
    assert seen == 3601
    assert client.close_point_in_time(id=pit)["num_freed"] == 1


@elastic.of(PYTHON, "async_search.submit, async_search.get")
def _(client):
    reply = client.async_search.submit(index="logs-*", size=0, keep_on_completion=True)
    assert client.async_search.get(id=reply["id"])["response"]["hits"]["total"]["value"] == 3601


@elastic.of(PYTHON, "dsl: Search, filter, aggs")
def _(client):
    from elasticsearch import dsl

    search = dsl.Search(using=client, index="logs-*").filter("term", **{"log.level": "error"})
    search.aggs.bucket("by", "terms", field="service.name")
    found = search.execute()
    assert found.hits.total.value == 360
    assert found.aggregations.by.buckets[0].key == "checkout"


@both("errors: no such index, wrong query, writing")
def _(client):
    import elasticsearch
    import opensearchpy

    missing, wrong = (
        (elasticsearch.NotFoundError, elasticsearch.BadRequestError)
        if hasattr(client, "esql")
        else (opensearchpy.NotFoundError, opensearchpy.RequestError)
    )
    with pytest.raises(missing, match="index_not_found_exception"):
        client.search(index="none")
    with pytest.raises(wrong, match="parsing_exception"):
        client.search(index="logs-*", body={"query": {"nonsense": {}}})
    with pytest.raises(Exception, match="cluster_block_exception"):
        client.index(index=LOGS, body={"message": "x"})


def test_the_table_lists_every_operation():
    elastic.check_table()


@pytest.mark.parametrize("name", list(elastic.found), ids=" · ".join)
def test_operation(clients, name):
    elastic.found[name](clients[name[0]])
