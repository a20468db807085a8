"""The Prometheus face: the real API's shapes, words and statuses, and nothing of the future."""

import asyncio
import json
from typing import Any

import httpx2
import numpy as np
import pytest
import sample_telemetry
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _prometheus_json, prometheus

NOW_S = sample_telemetry.NOW_S


def metrics() -> records.Metrics:
    """Two targets over two hours, of which one dies at NOW_S - 600; values that are hard to write; the future is 666."""
    times_s = np.arange(NOW_S - 3600, NOW_S + 3600, 15.0)
    past = times_s <= NOW_S
    up = np.where(past, 1.0, 666.0)
    labels = tuple({"__name__": "up", "job": "shop", "instance": f"shop-{k}:8080"} for k in range(2))
    dead = np.stack([np.zeros(len(times_s), dtype=bool), times_s > NOW_S - 600])
    odd = np.array(
        [[np.nan], [np.inf], [-np.inf], [1e-7], [0.00001], [123456789012345678.0], [1.5e21], [0.1 + 0.2], [-0.0]]
    )
    odd_labels = tuple({"__name__": "odd", "k": str(k), "text": 'a "b"\\\n é'} for k in range(len(odd)))
    ghost = ({"__name__": "ghost_FUTURE", "job": "later"},)
    return records.Metrics(
        (
            records.MetricBlock(times_s, records.absent_to_stale(np.stack([up, up]), dead), labels),
            records.MetricBlock(np.array([NOW_S]), odd, odd_labels),
            records.MetricBlock(np.array([NOW_S + 1]), np.array([[666.0]]), ghost),
        ),
        {"up": records.MetricMeta("gauge", "Whether it answers."), "odd": records.MetricMeta("untyped")},
    )


@pytest.fixture(scope="module")
def face() -> Any:
    rules = (
        records.AlertRule(
            "Down", "up ==\n  0", 120.0, {"severity": "page"}, {"summary": "{{ $labels.instance }}"}, "targets"
        ),
        records.AlertRule("Slow", "latency > 1", 60.0, {}, {}),
    )
    alerts = (
        records.FiredAlert(
            "Down", {"instance": "shop-1:8080", "severity": "page"}, {"summary": "shop-1"}, NOW_S - 300, NOW_S - 180
        ),
        records.FiredAlert("Slow", {"pod": "a"}, {}, NOW_S - 30, NOW_S + 30, value=1.25),
        records.FiredAlert("Slow", {"pod": "over"}, {}, NOW_S - 300, NOW_S - 240, NOW_S - 100),
        records.FiredAlert("Slow", {"pod": "FUTURE"}, {}, NOW_S + 30, NOW_S + 90),
    )
    telemetry = records.Telemetry("shop", NOW_S - 3600, NOW_S + 3600, NOW_S, metrics(), rules=rules, alerts=alerts)
    return prometheus.app(telemetry, _clock.VirtualClock(NOW_S))


def ask(face: Any, path: str, *, method: str = "GET", **fields: Any) -> httpx2.Response:
    async def once() -> httpx2.Response:
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(face), base_url="http://prometheus:9090"
        ) as client:
            if method == "POST":
                return await client.post(path, data=fields)
            return await client.request(method, path, params=fields)

    return asyncio.run(once())


def data(face: Any, path: str, **fields: Any) -> Any:
    reply = ask(face, f"/api/v1/{path}", **fields)
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["status"] == "success"
    return body["data"]


def test_an_instant_vector(face: Any) -> None:
    found = data(face, "query", query="up")
    assert found == {
        "resultType": "vector",
        "result": [
            {"metric": {"__name__": "up", "instance": "shop-0:8080", "job": "shop"}, "value": [int(NOW_S), "1"]}
        ],
    }


def test_a_scalar_a_text_and_raw_samples(face: Any) -> None:
    assert data(face, "query", query="1/3", time="1714561200.5") == {
        "resultType": "scalar",
        "result": [1714561200.5, "0.3333333333333333"],
    }
    assert data(face, "query", query='"a\\nb"', time=5)["result"] == [5, "a\nb"]
    raw = data(face, "query", query='up{instance="shop-0:8080"}[30s]')
    assert raw["resultType"] == "matrix"
    assert raw["result"][0]["values"] == [[int(NOW_S) - 15, "1"], [int(NOW_S), "1"]]


def test_numbers_are_written_as_go_writes_them(face: Any) -> None:
    found = {one["metric"]["k"]: one["value"][1] for one in data(face, "query", query="odd")["result"]}
    texts = ["NaN", "+Inf", "-Inf", "1e-07", "0.00001", "123456789012345680", "1.5e+21", "0.30000000000000004", "-0"]
    assert list(found.values()) == texts
    assert ask(face, "/api/v1/query", query="1").text == (
        f'{{"status":"success","data":{{"resultType":"scalar","result":[{int(NOW_S)},"1"]}}}}'
    )


@settings(max_examples=200, deadline=None)
@given(value=st.floats())
def test_a_written_number_reads_back_the_same(value: float) -> None:
    text = _prometheus_json.number(value)
    assert repr(float(text)) == repr(value) or value != value
    assert _prometheus_json._texts(np.array([value, value])) == [text, text]
    assert ("e" in text) == (value != 0 and (abs(value) < 1e-6 or abs(value) >= 1e21) and abs(value) < float("inf"))


def test_a_range_ends_now_whatever_is_asked(face: Any) -> None:
    found = data(face, "query_range", query="up", start=NOW_S - 900, end=NOW_S + 900, step="5m")
    assert [one["metric"]["instance"] for one in found["result"]] == ["shop-0:8080", "shop-1:8080"]
    assert found["result"][0]["values"] == [[int(NOW_S) + k * 300, "1"] for k in (-3, -2, -1, 0)]
    assert found["result"][1]["values"] == [[int(NOW_S) - 900, "1"], [int(NOW_S) - 600, "1"]]


def test_post_with_a_form_asks_the_same(face: Any) -> None:
    for path, fields in (
        ("query", {"query": "up"}),
        ("query_range", {"query": "up", "start": str(NOW_S - 60), "end": str(NOW_S), "step": "15"}),
        ("series", {"match[]": "up"}),
        ("labels", {}),
    ):
        assert (
            ask(face, f"/api/v1/{path}", method="POST", **fields).json()
            == ask(face, f"/api/v1/{path}", **fields).json()
        )


def test_times_and_durations_in_every_spelling(face: Any) -> None:
    spellings = [
        ("2024-05-01T10:59:00Z", "2024-05-01T11:00:00Z", "30s"),
        ("2024-05-01T12:59:00+02:00", "1714561200", "30"),
    ]
    spellings.append((f"{NOW_S - 60:.3f}", "2024-05-01T11:00:00.000000000Z", "30000ms"))
    answers = [data(face, "query_range", query="up", start=a, end=b, step=c) for a, b, c in spellings]
    assert answers[0]["result"]
    assert answers.count(answers[0]) == len(answers)
    assert data(face, "labels", start="-292273086-05-16T16:47:06Z", end="292277025-08-18T07:12:54.999999999Z")


@pytest.mark.parametrize(
    ("path", "fields", "status", "kind", "words"),
    [
        ("query", {}, 400, "bad_data", 'invalid parameter "query": unknown position: parse error: no expression found in input'),
        ("query", {"query": "sum("}, 400, "bad_data", 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'),
        ("query", {"query": 'up{job=~"("}'}, 400, "bad_data", "parse error"),
        ("query", {"query": "mad_over_time(up[5m])"}, 400, "bad_data", "not enabled"),
        ("query", {"query": "up", "time": "noon"}, 400, "bad_data", 'invalid parameter "time": cannot parse "noon" to a valid timestamp'),
        ("query", {"query": "up", "time": "1e30"}, 400, "bad_data", "valid timestamp"),
        ("query", {"query": "up", "time": "NaN"}, 400, "bad_data", "valid timestamp"),
        ("query", {"query": "up", "time": "2024-13-01T00:00:00Z"}, 400, "bad_data", "valid timestamp"),
        ("query", {"query": "up", "timeout": "soon"}, 400, "bad_data", 'invalid parameter "timeout"'),
        ("query", {"query": "odd + on () odd"}, 422, "execution", "many-to-many"),
        ("query", {"query": "(" * 9999}, 422, "execution", "levels deep"),
        ("query_range", {"query": "up", "end": "1", "step": "1"}, 400, "bad_data", 'invalid parameter "start"'),
        ("query_range", {"query": "up", "start": "2", "end": "1", "step": "1"}, 400, "bad_data", "end timestamp must not be before start time"),
        ("query_range", {"query": "up", "start": "1", "end": "2", "step": "0"}, 400, "bad_data", "zero or negative query resolution"),
        ("query_range", {"query": "up", "start": "1", "end": "2", "step": "-5"}, 400, "bad_data", "zero or negative query resolution"),
        ("query_range", {"query": "up", "start": "1", "end": "2", "step": "often"}, 400, "bad_data", 'cannot parse "often" to a valid duration'),
        ("query_range", {"query": "up", "start": "0", "end": "11001", "step": "1"}, 400, "bad_data", "exceeded maximum resolution of 11,000 points"),
        ("query_range", {"query": "up[5m]", "start": "0", "end": "1", "step": "1"}, 400, "bad_data", 'invalid expression type "range vector"'),
        ("series", {}, 400, "bad_data", "no match[] parameter provided"),
        ("series", {"match[]": "sum(up)"}, 400, "bad_data", 'invalid parameter "match[]"'),
        ("series", {"match[]": "up", "start": "x"}, 400, "bad_data", 'invalid parameter "start"'),
        ("label/job/values", {"match[]": "{"}, 400, "bad_data", "parse error"),
        ("rules", {"type": "good"}, 400, "bad_data", "not supported value"),
        ("query", {"query": "up", "limit": "some"}, 400, "bad_data", "limit"),
    ],
)  # fmt: skip
def test_refusals(face: Any, path: str, fields: dict[str, str], status: int, kind: str, words: str) -> None:
    reply = ask(face, f"/api/v1/{path}", **fields)
    body = reply.json()
    assert (reply.status_code, body["status"], body["errorType"]) == (status, "error", kind)
    assert words in body["error"]


def test_series_labels_and_values_follow_matchers_and_time(face: Any) -> None:
    assert data(face, "series", **{"match[]": ["up", 'odd{k="0"}']}) == [
        {"__name__": "odd", "k": "0", "text": 'a "b"\\\n é'},
        {"__name__": "up", "instance": "shop-0:8080", "job": "shop"},
        {"__name__": "up", "instance": "shop-1:8080", "job": "shop"},
    ]
    late = {"match[]": "up", "start": str(NOW_S - 300), "end": str(NOW_S + 3000)}
    assert [one["instance"] for one in data(face, "series", **late)] == ["shop-0:8080"]
    assert data(face, "labels") == ["__name__", "instance", "job", "k", "text"]
    assert data(face, "labels", **{"match[]": "up"}) == ["__name__", "instance", "job"]
    assert data(face, "label/__name__/values") == ["odd", "up"]
    assert data(face, "label/job/values", **{"match[]": "odd"}) == []
    cut = ask(face, "/api/v1/label/k/values", limit=2).json()
    assert cut == {"status": "success", "data": ["0", "1"], "warnings": ["results truncated due to limit"]}


def test_recording_rules_are_series_and_rules() -> None:
    recordings = (
        records.RecordingRule("job:up:avg5m", "sum by (job) (avg_over_time(up[5m]))", {"tier": "1"}, "availability"),
        records.RecordingRule("job:broken:avg5m", "avg_over_time(up", group="availability"),
    )
    telemetry = records.Telemetry("shop", NOW_S - 3600, NOW_S + 3600, NOW_S, metrics(), recordings=recordings)
    served = prometheus.app(telemetry, _clock.VirtualClock(NOW_S))
    group = data(served, "rules", type="record")["groups"][0]
    assert (group["name"], group["interval"]) == ("availability", 60)
    good, bad = group["rules"]
    assert (good["type"], good["health"], good["labels"]) == ("recording", "ok", {"tier": "1"})
    assert good["query"] == "sum by (job) (avg_over_time(up[5m]))"
    assert bad["health"] == "err"
    assert "unclosed" in bad["lastError"]
    assert data(served, "rules", type="alert") == {"groups": []}
    evaluated_s = _clock.from_iso(good["lastEvaluation"])
    for moment_s in (evaluated_s, evaluated_s - 600, evaluated_s - 1200):
        kept = data(served, "query", query="job:up:avg5m", time=moment_s)["result"]
        fresh = data(served, "query", query=recordings[0].expr, time=moment_s)["result"]
        assert [row["value"][1] for row in kept] == [row["value"][1] for row in fresh] != []
        assert kept[0]["metric"] == {"__name__": "job:up:avg5m", "job": "shop", "tier": "1"}
    assert "job:up:avg5m" in data(served, "label/__name__/values")
    assert data(served, "series", **{"match[]": '{tier="1"}'}) == [kept[0]["metric"]]


def test_rules_and_alerts_tell_what_is_active_now(face: Any) -> None:
    groups = {group["name"]: group for group in data(face, "rules")["groups"]}
    assert list(groups) == ["rules", "targets"]
    down = groups["targets"]["rules"][0]
    assert (down["state"], down["query"], down["duration"], down["type"]) == ("firing", "up == 0", 120, "alerting")
    assert groups["rules"]["rules"][0]["state"] == "pending"
    assert data(face, "rules", type="record") == {"groups": []}
    assert [group["name"] for group in data(face, "rules", **{"rule_name[]": "Down"})["groups"]] == ["targets"]
    assert data(face, "alerts")["alerts"] == [
        {
            "labels": {"alertname": "Down", "instance": "shop-1:8080", "severity": "page"},
            "annotations": {"summary": "shop-1"},
            "state": "firing",
            "activeAt": "2024-05-01T10:55:00.000Z",
            "value": "1e+00",
        },
        {
            "labels": {"alertname": "Slow", "pod": "a"},
            "annotations": {},
            "state": "pending",
            "activeAt": "2024-05-01T10:59:30.000Z",
            "value": "1.25e+00",
        },
    ]


def test_targets_metadata_and_status(face: Any) -> None:
    active = data(face, "targets")["activeTargets"]
    assert [(one["scrapeUrl"], one["health"], one["scrapeInterval"]) for one in active] == [
        ("http://shop-0:8080/metrics", "up", "15s"),
    ]
    assert data(face, "targets", state="dropped")["activeTargets"] == []
    assert data(face, "metadata") == {
        "up": [{"type": "gauge", "help": "Whether it answers.", "unit": ""}],
        "odd": [{"type": "unknown", "help": "", "unit": ""}],
    }
    assert list(data(face, "metadata", metric="up")) == ["up"]
    assert data(face, "metadata", limit=1).keys() == {"up"}
    assert data(face, "status/buildinfo")["version"].startswith("3.")
    assert "shop-0:8080" in data(face, "status/config")["yaml"]
    assert data(face, "status/runtimeinfo")["serverTime"] == "2024-05-01T11:00:00.000Z"
    assert data(face, "status/tsdb")["headStats"]["numSeries"] == 11
    assert data(face, "query_exemplars", query="up") == []
    assert data(face, "format_query", query="sum  by(a) (up)") == "sum by (a) (up)"
    assert ask(face, "/-/healthy").text == "Prometheus Server is Healthy.\n"
    assert ask(face, "/-/ready").text == "Prometheus Server is Ready.\n"


def test_unknown_addresses_and_methods_are_go_s(face: Any) -> None:
    assert (ask(face, "/api/v1/nothing").status_code, ask(face, "/api/v1/nothing").text) == (
        404,
        "404 page not found\n",
    )
    assert ask(face, "/api/v1/query", method="DELETE").status_code == 405


def test_federation_is_text_with_the_samples_own_times(face: Any) -> None:
    reply = ask(face, "/federate", **{"match[]": ["up", 'odd{k="5"}']})
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert reply.text == (
        "# TYPE odd untyped\n"
        f'odd{{k="5",text="a \\"b\\"\\\\\\n é",instance=""}} 123456789012345680 {int(NOW_S)}000\n'
        "# TYPE up untyped\n"
        f'up{{instance="shop-0:8080",job="shop"}} 1 {int(NOW_S)}000\n'
    )


def test_notes_travel_beside_the_data(face: Any) -> None:
    body = ask(face, "/api/v1/query", query="quantile(2, rate(up[5m]))").json()
    assert len(body["infos"]) == len(body["warnings"]) == 1
    assert "warnings" not in ask(face, "/api/v1/query", query="up").json()
    cut = ask(face, "/api/v1/query", query="odd", limit=3).json()
    assert len(cut["data"]["result"]) == 3
    assert cut["warnings"] == ["results truncated due to limit"]


def test_nothing_of_the_future_is_ever_shown(face: Any) -> None:
    asked = [
        ("query", {"query": query, "time": str(NOW_S + wait)})
        for query in (
            '{__name__=~".+"}',
            '{__name__=~".+"} offset -30m',
            "up @ 2e9",
            "max_over_time(up[2h])",
            '{__name__=~".+"}[1h]',
        )
        for wait in (0, 60, 1800)
    ]
    ahead = {"start": str(NOW_S - 60), "end": str(NOW_S + 3000)}
    asked += [
        ("query_range", {"query": '{__name__=~".+"} or up offset -1h', "step": "60", **ahead}),
        ("query_range", {"query": "max_over_time(up[1h:1m] offset -30m)", "step": "60", **ahead}),
        ("series", {"match[]": '{__name__=~".+"}', **ahead}),
        ("labels", ahead),
        ("label/__name__/values", ahead),
        ("rules", {}),
        ("alerts", {}),
        ("targets", {}),
        ("status/tsdb", {}),
        ("status/config", {}),
    ]
    for path, fields in asked:
        text = ask(face, f"/api/v1/{path}", **fields).text
        assert '"666"' not in text, (path, fields)
        assert "FUTURE" not in text, (path, fields)
        assert "later" not in text, (path, fields)


@settings(max_examples=60, deadline=None)
@given(
    query=st.text(max_size=20), time=st.text(alphabet="0123456789.eE+-TZ:nafi", max_size=12), step=st.text(max_size=6)
)
def test_any_parameters_get_json(face: Any, query: str, time: str, step: str) -> None:
    for path, fields in (
        ("query", {"query": query, "time": time}),
        ("query_range", {"query": "up", "start": time, "end": time, "step": step}),
    ):
        reply = ask(face, f"/api/v1/{path}", **fields)
        assert reply.status_code in (200, 400, 422)
        assert json.loads(reply.text)["status"] in ("success", "error")
