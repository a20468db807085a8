"""The rest of Prometheus's API: syntax trees, paging, metadata of targets, statistics, remote read, what is switched off."""

import asyncio
import json
import struct
from typing import Any

import httpx2
import pyarrow as pa
import pytest
import test_wire_prometheus as basic
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import prometheus

NOW_S = basic.NOW_S
ask, data = basic.ask, basic.data


@pytest.fixture(scope="module")
def face() -> Any:
    groups = ("a", "b", "c")
    rules = tuple(
        records.AlertRule(f"{name}{group}", "up ==\n  0", 60.0, {"severity": name}, {}, group)
        for group in groups
        for name in ("page", "warn")
    )
    alerts = (records.FiredAlert("pagea", {}, {}, NOW_S - 300, NOW_S - 180),)
    telemetry = records.Telemetry(
        "shop", NOW_S - 3600, NOW_S + 3600, NOW_S, basic.metrics(), rules=rules, alerts=alerts
    )
    return prometheus.app(telemetry, _clock.VirtualClock(NOW_S))


def test_a_query_s_syntax_tree(face: Any) -> None:
    query = 'sum without (a) (rate(up{job=~"s.*"}[5m] offset 1m @ end())) > bool on (x) group_left (y) -(topk(1, up[1h:1m]))'
    assert ask(face, "/api/v1/parse_query", query=query).json()["errorType"] == "bad_data"  # a range vector in topk
    query = query.replace("up[1h:1m]", "max_over_time(up[1h:1m])")
    tree = data(face, "parse_query", query=query)
    assert (tree["type"], tree["op"], tree["bool"]) == ("binaryExpr", ">", True)
    assert tree["matching"] == {"card": "many-to-one", "labels": ["x"], "on": True, "include": ["y"]}
    assert (tree["lhs"]["grouping"], tree["lhs"]["without"], tree["lhs"]["param"]) == (["a"], True, None)
    rate = tree["lhs"]["expr"]
    assert rate["func"] == {"name": "rate", "argTypes": ["matrix"], "variadic": 0, "returnType": "vector"}
    assert rate["args"][0] == {
        "type": "matrixSelector",
        "name": "up",
        "range": 300_000,
        "offset": 60_000,
        "timestamp": None,
        "startOrEnd": "end",
        "matchers": [
            {"name": "job", "value": "s.*", "type": "=~"},
            {"name": "__name__", "value": "up", "type": "="},
        ],
    }
    inner = tree["rhs"]["expr"]["expr"]
    assert (tree["rhs"]["type"], tree["rhs"]["expr"]["type"], inner["op"]) == ("unaryExpr", "parenExpr", "topk")
    assert inner["param"] == {"type": "numberLiteral", "val": "1"}
    assert inner["expr"]["args"][0]["step"] == 60_000
    chain = data(face, "parse_query", query="+".join(["1"] * 900))
    assert chain["matching"] is None
    assert chain["rhs"] == {"type": "numberLiteral", "val": "1"}


def test_rules_can_be_chosen_and_paged(face: Any) -> None:
    def names(**fields: Any) -> list[str]:
        return [rule["name"] for group in data(face, "rules", **fields)["groups"] for rule in group["rules"]]

    assert len(names()) == 6
    assert names(**{"match[]": '{severity="page"}'}) == ["pagea", "pageb", "pagec"]
    assert names(**{"match[]": ['{severity=~"w.*"}', '{severity="page"}'], "rule_group[]": "b"}) == ["pageb", "warnb"]
    assert names(**{"file[]": "/etc/prometheus/rules/c.yml"}) == ["pagec", "warnc"]
    assert "alerts" not in data(face, "rules", exclude_alerts="true")["groups"][0]["rules"][0]
    first = data(face, "rules", group_limit=2)
    second = data(face, "rules", group_limit=2, group_next_token=first["groupNextToken"])
    assert [group["name"] for group in (*first["groups"], *second["groups"])] == ["a", "b", "c"]
    assert "groupNextToken" not in second
    for fields in (
        {"group_next_token": "x"},
        {"group_next_token": "x", "group_limit": 1},
        {"exclude_alerts": "perhaps"},
    ):
        reply = ask(face, "/api/v1/rules", **fields)
        assert (reply.status_code, reply.json()["errorType"]) == (400, "bad_data")


def test_metadata_by_target(face: Any) -> None:
    assert data(face, "targets/metadata") == []
    assert data(face, "scrape_pools") == {"scrapePools": ["shop"]}
    assert data(face, "metadata", limit_per_metric=0) == {"up": [], "odd": []}
    missing = ask(face, "/api/v1/targets/metadata", metric="nothing")
    assert (missing.status_code, missing.json()["errorType"]) == (404, "not_found")
    wrong = ask(face, "/api/v1/targets/metadata", match_target="{")
    assert wrong.json()["error"].startswith(
        'invalid parameter "match_target": 1:2: parse error: unexpected end of input'
    )


def test_statistics_and_lookback_of_one_query(face: Any) -> None:
    found = data(face, "query", query="up[1m]", stats="all")
    assert found["stats"]["samples"]["totalQueryableSamples"] == 4
    assert found["stats"]["timings"]["execTotalTime"] > found["stats"]["timings"]["innerEvalTime"] > 0
    assert data(face, "query", query='up{instance="shop-0:8080"}', time=NOW_S - 5, lookback_delta="11s")["result"]
    assert not data(face, "query", query="up", time=NOW_S - 5, lookback_delta="10s")["result"]
    assert ask(face, "/api/v1/query", query="up", lookback_delta="0").status_code == 400


def test_what_flags_have_switched_off_says_so(face: Any) -> None:
    for method, path, status in (
        ("POST", "/api/v1/admin/tsdb/snapshot", 503),
        ("POST", "/api/v1/write", 404),
        ("POST", "/api/v1/otlp/v1/metrics", 404),
        ("PUT", "/-/reload", 403),
    ):
        assert ask(face, path, method=method).status_code == status
    assert ask(face, "/api/v1/admin/tsdb/snapshot", method="POST").json()["errorType"] == "unavailable"
    assert "prometheus_build_info{" in ask(face, "/metrics").text
    assert data(face, "status/walreplay") == {"min": 0, "max": 0, "current": 0}


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ("sum(up)", '1:4: parse error: unexpected "("'),
        ("up[5m]", '1:3: parse error: unexpected "["'),
        ("up offset 5m", "1:4: parse error: unexpected <offset>"),
        ("1", '1:1: parse error: unexpected number "1"'),
        ('{a=~".*"}', "match[] must contain at least one non-empty matcher"),
        ('{a=~"("}', "1:2: parse error: error parsing regexp: missing closing ): `(`"),
    ],
)
def test_selectors_are_refused_in_the_server_s_words(face: Any, selector: str, words: str) -> None:
    for path in ("series", "labels", "label/job/values", "rules"):
        reply = ask(face, f"/api/v1/{path}", **{"match[]": selector})
        assert (reply.status_code, reply.json()["error"]) == (400, f'invalid parameter "match[]": {words}')
    reply = ask(face, "/federate", **{"match[]": selector})
    assert (reply.status_code, reply.text) == (400, f"{words}\n")


# Remote read


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def read_request(start_ms: int, end_ms: int, *matchers: tuple[int, str, str]) -> bytes:
    query = b"\x08" + varint(start_ms) + b"\x10" + varint(end_ms)
    for kind, name, value in matchers:
        query += field(3, b"\x08" + varint(kind) + field(2, name.encode()) + field(3, value.encode()))
    return pa.compress(field(1, query), codec="snappy", asbytes=True)


def unpacked(body: bytes) -> bytes:
    size = shift = at = 0
    while True:
        size |= (body[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if body[at - 1] < 0x80:
            return pa.decompress(body, decompressed_size=size, codec="snappy", asbytes=True)


def post(face: Any, body: bytes) -> httpx2.Response:
    async def once() -> httpx2.Response:
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(face), base_url="http://prometheus:9090"
        ) as client:
            return await client.post("/api/v1/read", content=body)

    return asyncio.run(once())


def test_another_prometheus_reads_raw_samples(face: Any) -> None:
    now_ms = int(NOW_S * 1000)
    reply = post(
        face, read_request(now_ms - 15_000, now_ms + 60_000, (0, "__name__", "up"), (3, "instance", ".*1:8080"))
    )
    assert reply.status_code == 200
    assert (reply.headers["content-type"], reply.headers["content-encoding"]) == ("application/x-protobuf", "snappy")
    body = unpacked(reply.content)
    samples = [b"\x09" + struct.pack("<d", 1.0) + b"\x10" + varint(now_ms - ago) for ago in (15_000, 0)]
    labels = [(b"__name__", b"up"), (b"instance", b"shop-0:8080"), (b"job", b"shop")]
    series = b"".join(field(1, field(1, name) + field(2, value)) for name, value in labels)
    assert body == field(1, field(1, series + b"".join(field(2, one) for one in samples)))
    assert unpacked(post(face, read_request(0, 1000, (0, "__name__", "up"))).content) == field(1, b"")


@settings(max_examples=200, deadline=None)
@given(
    body=st.binary(max_size=200)
    | st.binary(max_size=100).map(lambda raw: pa.compress(raw, codec="snappy", asbytes=True))
)
def test_no_request_to_read_breaks_it(face: Any, body: bytes) -> None:
    assert post(face, body).status_code in (200, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        read_request(0, 1, (7, "a", "b")),
        read_request(0, 1, (2, "a", "(")),
        b"x" * 2_000_000,
    ],
    ids=["empty", "large", "kind", "pattern", "long"],
)
def test_a_request_to_read_that_is_none_is_refused(face: Any, body: bytes) -> None:
    assert post(face, body).status_code == 400


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(["query", "series", "labels", "rules", "parse_query", "query_exemplars", "targets/metadata", "metadata"]), text=st.text(max_size=15))  # fmt: skip
def test_whatever_is_asked_gets_json(face: Any, path: str, text: str) -> None:
    """Half surrogates too, which a JSON body may hold."""
    body = json.dumps(dict.fromkeys(("query", "match[]", "limit", "start", "match_target", "metric"), text + "\ud800"))
    fields = {"query": text, "match[]": text, "limit": text, "start": text, "match_target": text, "group_limit": text}
    method = "POST" if path in ("query", "series", "labels", "parse_query", "query_exemplars") else "GET"
    assert ask(face, f"/api/v1/{path}", method=method, **fields).json()["status"] in ("success", "error")

    async def once() -> httpx2.Response:
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(face), base_url="http://prometheus:9090"
        ) as client:
            return await client.post("/api/v1/query", content=body, headers={"Content-Type": "application/json"})

    assert asyncio.run(once()).json()["status"] == "error"
