"""Several questions in one request: each gets the answer that it would get alone, and a bad one costs the others nothing."""

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "contract"))

import backends
import numpy as np
import pytest

from rootward.connectors.prometheus import PrometheusSource, promql, together
from rootward.signals import answers, protocols

Outcome = answers.Outcome
QUERIES = [protocols.MetricQuery(name) for name in ("up", "down", "odd", "none")]
MARKED = re.compile(r'label_replace\((\w+), "rootward_question", "(\d+)", "", ""\)')
TIMES = np.arange(backends.WINDOW.start_s, backends.WINDOW.end_s + 1, backends.STEP_S)


def rows(metric: str, mark: str | None, series: int = 2) -> list[dict[str, Any]]:
    if metric == "none":
        return []
    extra = {} if mark is None else {together.MARK: mark}
    values = [[float(at), str(len(metric))] for at in TIMES]
    return [{"metric": {"__name__": metric, "job": f"web-{i}", **extra}, "values": values} for i in range(series)]


class Server(backends.Backend):
    """Answers single queries and unions; `wrong` metrics are refused, also within a union. `asked`: the queries."""

    def __init__(self, wrong: Sequence[str] = (), together_status: int = 200, series: int = 2, **more: Any) -> None:
        super().__init__(self.answer)
        self.wrong, self.together_status, self.series, self.more = wrong, together_status, series, more

    @property
    def texts(self) -> list[str]:
        return [params["query"] for _, params in self.asked]

    def answer(self, _path: str, params: dict[str, str]) -> Any:
        text = params["query"]
        found = MARKED.findall(text)
        refused = any(re.search(rf"\b{name}\b", text) for name in self.wrong)
        self.status = 400 if refused else self.together_status if found else 200
        if self.status != 200:
            return {"status": "error", "errorType": "bad_data", "error": "wrong"}
        pairs = found or [(text, None)]
        result = [row for metric, mark in pairs for row in rows(metric, mark, self.series)]
        return {"status": "success", "data": {"resultType": "matrix", "result": result}, **self.more}


def ask(server: Server, limits: protocols.Limits = protocols.DEFAULT_LIMITS) -> Sequence[answers.Answer[Any]]:
    async def work() -> Sequence[answers.Answer[Any]]:
        source = PrometheusSource("p", backends.client(server))
        return await source.query_all(QUERIES, backends.WINDOW, backends.STEP_S, limits)

    return asyncio.run(work())


def test_one_request_answers_each_as_if_it_had_been_alone() -> None:
    server = Server()
    found = ask(server)
    assert len(server.asked) == 1
    assert [one.outcome for one in found] == [Outcome.OK, Outcome.OK, Outcome.OK, Outcome.NO_DATA]
    assert [one.query for one in found] == ["up", "down", "odd", "none"]  # the evidence cites each own query
    assert [[dict(line.labels) for line in one.value or ()] for one in found[:3]] == [
        [{"job": "web-0"}, {"job": "web-1"}]
    ] * 3
    assert [set(one.value[0].values.tolist()) for one in found[:3]] == [{2.0}, {4.0}, {3.0}]


@pytest.mark.parametrize(
    ("server", "outcomes"),
    [
        (Server(wrong=["odd"]), "ok ok bad_query no_data"),
        (Server(together_status=422), "ok ok ok no_data"),
        (Server(together_status=403), "ok ok ok no_data"),
        (Server(series=3), "ok ok ok no_data"),  # nine together, where one may have eight
    ],
)
def test_what_is_not_answered_together_is_asked_one_by_one(server: Server, outcomes: str) -> None:
    found = ask(server, protocols.Limits(series=8))
    assert [str(one.outcome) for one in found] == outcomes.split()
    assert server.texts[1:] == ["up", "down", "odd", "none"]


def test_a_server_that_is_too_busy_is_not_asked_all_over_again() -> None:
    server = Server(together_status=429)
    assert {one.outcome for one in ask(server)} == {Outcome.FAILED}
    assert all(MARKED.search(text) for text in server.texts)


def test_a_mark_that_is_lost_on_the_way_is_no_answer_to_anything() -> None:
    class Forgetful(Server):
        def answer(self, path: str, params: dict[str, str]) -> Any:
            body = super().answer(path, params)
            for row in body["data"]["result"]:
                row["metric"].pop(together.MARK, None)
            return body

    server = Forgetful()
    assert [one.outcome for one in ask(server)] == [Outcome.OK, Outcome.OK, Outcome.OK, Outcome.NO_DATA]
    assert len(server.asked) == 5


def test_a_warning_goes_to_the_question_that_it_names_and_else_to_all() -> None:
    named = 'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "down" (1:44)'
    server = Server(infos=[named], warnings=["store-3 did not answer"])
    found = ask(server)
    about = [[one for one in answer.warnings if "counter" in one] for answer in found]
    assert about == [[], [named.removesuffix(" (1:44)")], [], []]
    assert all("store-3 did not answer" in answer.warnings for answer in found)
    assert [one.outcome for one in found] == [Outcome.TRUNCATED] * 3 + [Outcome.NO_DATA]


def test_a_union_is_flat() -> None:
    texts = [promql.compile_query(protocols.MetricQuery(f"m{i}")) for i in range(protocols.QUERIES_TOGETHER)]
    text = together.union(texts)
    assert [found for found, _ in MARKED.findall(text)] == texts
    assert max(text[:at].count("(") - text[:at].count(")") for at in range(len(text))) <= 6
