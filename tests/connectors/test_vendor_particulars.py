"""What single vendors do that others do not, and that would otherwise go wrong in silence."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "contract"))

import backends
import pytest

from rootward.connectors.kubernetes import KubernetesSource
from rootward.connectors.prometheus import PrometheusSource
from rootward.connectors.slack import SlackSource
from rootward.signals import protocols, windows
from rootward.signals.answers import Outcome


def test_prometheus_is_told_its_time_as_it_reads_it() -> None:
    backend = backends.Backend(backends.prometheus)
    asyncio.run(PrometheusSource("p", backends.client(backend)).query(backends.QUERY, backends.WINDOW, 60.0))
    _, params = backend.asked[0]
    assert re.fullmatch(r"\d+ms", params["timeout"]), "durations with a fraction are refused"


def test_long_ranges_are_asked_in_pieces_on_one_grid() -> None:
    asked: list[tuple[float, float]] = []

    def handler(_path: str, params: dict[str, str]) -> Any:
        start_s, end_s = float(params["start"]), float(params["end"])
        asked.append((start_s, end_s))
        row = {"metric": {}, "values": [[start_s, "1"], [end_s, "2"]]}
        return {"status": "success", "data": {"resultType": "matrix", "result": [row]}}

    window = windows.Window(backends.NOW_S - 24_999.0, backends.NOW_S)
    source = PrometheusSource("p", backends.client(backends.Backend(handler)))
    answer = asyncio.run(source.native("up", window, 1.0))
    assert len(asked) == 3
    assert all((end_s - start_s) < 10_000 for start_s, end_s in asked)
    assert answer.outcome is Outcome.OK
    (line,) = answer.value
    assert len(line.times_s) == 25_000
    assert (line.values[0], line.values[9_999], line.values[10_000], line.values[-1]) == (1.0, 2.0, 1.0, 2.0)


def test_victoriametrics_own_grid_is_moved_to_ours() -> None:
    def handler(path: str, params: dict[str, str]) -> Any:
        answer = backends.prometheus(path, params)
        for row in answer["data"]["result"]:
            row["values"] = [[time_s - 17.0, value] for time_s, value in row["values"]]
        return {**answer, "isPartial": True}

    source = PrometheusSource("p", backends.client(backends.Backend(handler)))
    answer = asyncio.run(source.query(backends.QUERY, backends.WINDOW, 60.0))
    assert answer.outcome is Outcome.TRUNCATED
    assert answer.value[0].finite().tolist() == [1.0] * 11
    assert any("nearest step" in text for text in answer.warnings)


def test_a_link_leads_to_the_query() -> None:
    source = PrometheusSource("p", backends.client(backends.Backend(backends.prometheus)), page_url="http://prom/")
    link = asyncio.run(source.query(backends.QUERY, backends.WINDOW, 60.0)).link
    assert link.startswith("http://prom/graph?g0.expr=up&")


def test_metrics_beyond_the_sample_are_asked_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from rootward.connectors.prometheus import catalogue

    monkeypatch.setattr(catalogue, "SERIES_SAMPLE", 2)

    def handler(path: str, params: dict[str, str]) -> Any:
        if path.endswith("/values"):
            return {"status": "success", "data": ["a", "b", "c.d"]}
        if path.endswith("/series"):
            match = params["match[]"]
            names = {"b": "b", '{__name__="c.d"}': "c.d"}.get(match, "a")
            return {"status": "success", "data": [{"__name__": names, "job": f"{names}{i}"} for i in range(2)]}
        return {"status": "success", "data": {}}

    source = PrometheusSource("p", backends.client(backends.Backend(handler)))
    found = asyncio.run(source.catalogue(backends.WINDOW)).value
    assert [(one.name, one.labels["job"], one.series) for one in found] == [
        ("a", ("a0", "a1"), 0),
        ("b", ("b0", "b1"), 0),
        ("c.d", ("c.d0", "c.d1"), 0),
    ]


def test_an_expired_page_of_a_list_leaves_what_came() -> None:
    backend = backends.Backend(lambda _path, _params: {})

    def handler(_path: str, params: dict[str, str]) -> Any:
        if "continue" in params:
            backend.status = 410
            return {"kind": "Status", "message": "The provided continue parameter is too old"}
        pod = {"metadata": {"name": "web-1", "namespace": "shop"}}
        return {"items": [pod], "metadata": {"continue": "token"}}

    backend.handler = handler
    answer = asyncio.run(KubernetesSource("k", backends.client(backend)).objects("Pod"))
    assert answer.outcome is Outcome.TRUNCATED
    assert [one.name for one in answer.value] == ["web-1"]
    assert "too old" in answer.warnings[0]


def test_secrets_keep_keys_and_lose_values() -> None:
    secret = {"metadata": {"name": "db", "namespace": "shop"}, "data": {"password": "aHVudGVyMg=="}}
    backend = backends.Backend(lambda _path, _params: {"items": [secret], "metadata": {}})
    (found,) = asyncio.run(KubernetesSource("k", backends.client(backend)).objects("Secret")).value
    assert found.body["data"] == {"password": "[redacted]"}


def test_slack_without_private_channels_reads_the_public_ones() -> None:
    def handler(path: str, params: dict[str, str]) -> Any:
        if "private_channel" in params.get("types", ""):
            return {"ok": False, "error": "missing_scope", "needed": "groups:read"}
        return backends.slack(path, params)

    answer = asyncio.run(SlackSource("s", backends.client(backends.Backend(handler))).messages(backends.WINDOW))
    assert [one.text for one in answer.value] == ["look @ana & go", "looking"]
    assert "groups:read" in answer.warnings[0]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [("invalid_auth", Outcome.NOT_PERMITTED), ("channel_not_found", Outcome.BAD_QUERY), ("fatal_error", Outcome.FAILED),
     ("ratelimited", Outcome.FAILED)],
)  # fmt: skip
def test_slack_says_no_with_status_200(error: str, outcome: Outcome) -> None:
    backend = backends.Backend(lambda _path, _params: {"ok": False, "error": error})
    answer = asyncio.run(SlackSource("s", backends.client(backend)).messages(backends.WINDOW, protocols.Limits()))
    assert answer.outcome is outcome
    assert error in answer.error
