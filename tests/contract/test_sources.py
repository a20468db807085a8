"""One suite for every connector: whatever a back end does, the outcome is the right one of six, and nothing raises."""

import asyncio
import json
from typing import Any

import backends
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rootward import _clock
from rootward.signals import answers, protocols
from rootward.signals.answers import Outcome

LIMITS = protocols.Limits(seconds=5.0)
each_question = pytest.mark.parametrize(("name", "question"), backends.QUESTIONS)
each_data_question = pytest.mark.parametrize(
    ("name", "question"), [pair for pair in backends.QUESTIONS if pair[1] != "ping"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def ask(
    name: str, question: str, backend: Any, limits: protocols.Limits = LIMITS, clock: Any = None
) -> answers.Answer[Any]:
    build, _, asks = backends.CONNECTORS[name]

    async def run() -> answers.Answer[Any]:
        source = build(backends.client(backend, clock))
        try:
            return await asks[question](source, limits)
        finally:
            await source.aclose()
            await source.aclose()

    answer = asyncio.run(run())
    assert isinstance(answer, answers.Answer)
    assert answer.source
    assert answer.query
    return answer


def healthy(name: str) -> backends.Backend:
    return backends.Backend(backends.CONNECTORS[name][1])


@each_question
def test_a_healthy_back_end_is_ok_and_equal_questions_give_equal_answers(name: str, question: str) -> None:
    first, second = (ask(name, question, healthy(name)) for _ in range(2))
    assert first.outcome is Outcome.OK, first
    assert repr(first) == repr(second)


@each_data_question
def test_nothing_there_is_no_data(name: str, question: str) -> None:
    answer = ask(name, question, backends.Backend(backends.EMPTY[name]))
    assert answer.outcome is Outcome.NO_DATA, answer


@each_question
@pytest.mark.parametrize(("status", "outcome"), [(401, Outcome.NOT_PERMITTED), (403, Outcome.NOT_PERMITTED),
  (400, Outcome.BAD_QUERY), (422, Outcome.BAD_QUERY), (500, Outcome.FAILED), (503, Outcome.FAILED), (302, Outcome.FAILED)])  # fmt: skip
def test_refusals_are_told_apart(name: str, question: str, status: int, outcome: Outcome) -> None:
    answer = ask(name, question, backends.Backend(lambda _path, _params: {"error": "no"}, status=status))
    assert answer.outcome is outcome, answer
    assert str(status) in answer.error
    assert not answer.answered or outcome is Outcome.NO_DATA


@each_question
def test_a_rate_limit_is_waited_out_and_then_told(name: str, question: str) -> None:
    clock = _clock.VirtualClock(backends.NOW_S)
    backend = backends.Backend(lambda _path, _params: {}, status=429, headers={"retry-after": "2"})
    answer = ask(name, question, backend, clock=clock)
    assert answer.outcome is Outcome.FAILED
    assert "429" in answer.error
    assert 2.0 <= clock.now_s() - backends.NOW_S < LIMITS.seconds * 10, (
        "it waited what it was asked to, within the deadline"
    )


@each_question
def test_a_rate_limit_beyond_the_deadline_is_not_waited_for(name: str, question: str) -> None:
    clock = _clock.VirtualClock(backends.NOW_S)
    backend = backends.Backend(lambda _path, _params: {}, status=429, headers={"retry-after": "3600"})
    assert ask(name, question, backend, clock=clock).outcome is Outcome.FAILED
    assert clock.now_s() == backends.NOW_S


@each_question
def test_a_back_end_that_stumbles_once_is_asked_again(name: str, question: str) -> None:
    backend = healthy(name)
    good = backend.handler
    refused: set[str] = set()

    def handler(path: str, params: dict[str, str]) -> Any:
        key = f"{path}{sorted(params.items())}"
        backend.status = 200 if key in refused else 503
        refused.add(key)
        return good(path, params)

    backend.handler = handler
    build, _, asks = backends.CONNECTORS[name]

    async def run() -> answers.Answer[Any]:
        # One at a time, since the fake's status is shared by all requests under way.
        return await asks[question](build(backends.client(Serial(backend))), LIMITS)

    assert asyncio.run(run()).outcome is Outcome.OK


class Serial:
    """Lets one request at a time through to an application."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.gate = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with self.gate:
            await self.app(scope, receive, send)


@each_question
def test_a_back_end_that_hangs_costs_no_more_than_its_seconds(name: str, question: str) -> None:
    answer = ask(name, question, backends.Backend(backends.hang), protocols.Limits(seconds=0.02))
    assert answer.outcome is Outcome.FAILED
    assert "0.02 s" in answer.error


@each_question
@pytest.mark.parametrize(
    "body",
    [b"<!DOCTYPE html><html><body>Sign in</body></html>", b'{"data": [{"a":', b"", b"null", b"[1", b'"text"', b"17",
     b"[" * 100_000, b"\xff\xfe\x00", b'{"data": 5}', b"[[], 3, null]"],
    ids=["html", "half", "nothing", "null", "half list", "text", "number", "deep", "bytes", "wrong type", "wrong items"],
)  # fmt: skip
def test_what_is_not_the_api_is_a_failure(name: str, question: str, body: bytes) -> None:
    if question == "pod_logs":
        pytest.skip("logs are plain text: any text is an answer")
    answer = ask(name, question, backends.Backend(lambda _path, _params: body))
    # Null is how Go writes an empty list; protobuf leaves empty lists out.
    lenient = body == b"null" or (body == b'{"data": 5}' and name in ("jaeger_v3", "tempo"))
    allowed = {Outcome.FAILED, Outcome.OK if question == "ping" else Outcome.NO_DATA} if lenient else {Outcome.FAILED}
    assert answer.outcome in allowed, answer


@each_question
def test_a_huge_body_is_not_read_to_its_end(name: str, question: str) -> None:
    backend = backends.Backend(lambda _path, _params: b"[" + b"1," * 100_000 + b"1]")
    answer = ask(name, question, backend, protocols.Limits(bytes=50_000))
    assert answer.outcome is Outcome.FAILED
    assert "50000 bytes" in answer.error


@each_question
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=JSON)
def test_any_json_gives_one_of_the_six_outcomes(name: str, question: str, body: Any) -> None:
    assert ask(name, question, backends.Backend(lambda _path, _params: body)).outcome in Outcome


@each_question
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_one_lie_in_a_true_answer_never_raises(name: str, question: str, data: st.DataObject) -> None:
    good = backends.CONNECTORS[name][1]

    def handler(path: str, params: dict[str, str]) -> Any:
        answer = good(path, params)
        return answer if isinstance(answer, bytes) else mutate(json.loads(json.dumps(answer)), data)

    assert ask(name, question, backends.Backend(handler)).outcome in Outcome


def mutate(value: Any, data: st.DataObject) -> Any:
    """`value` with one of its nodes replaced by arbitrary JSON."""
    if isinstance(value, dict | list) and value and data.draw(st.integers(0, 9)) > 1:
        key = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        value[key] = mutate(value[key], data)
        return value
    return data.draw(JSON)


LIMITED = {
    ("prometheus", "catalogue"): {"series": 2},
    ("prometheus", "query"): {"series": 2},
    ("loki", "lines"): {"lines": 2},
    ("loki", "streams"): {"series": 2},
    ("kubernetes", "objects"): {"records": 2},
    ("kubernetes", "pod_logs"): {"lines": 2},
    ("jaeger", "services"): {"records": 2},
    ("jaeger", "search"): {"spans": 2},
    ("tempo", "services"): {"records": 2},
    ("alertmanager", "alerts"): {"records": 2},
    ("pagerduty", "changes"): {"records": 2},
    ("github", "changes"): {"records": 2},
    ("slack", "messages"): {"records": 2},
}


@pytest.mark.parametrize(("name", "question"), sorted(LIMITED))
def test_a_limit_that_is_reached_is_told(name: str, question: str) -> None:
    good = backends.CONNECTORS[name][1]
    backend = backends.Backend(lambda path, params: multiply(good(path, params)))
    answer = ask(name, question, backend, protocols.Limits(**LIMITED[name, question]))
    assert answer.outcome is Outcome.TRUNCATED, answer
    assert len(answer.value) == 2


def multiply(value: Any) -> Any:
    """Every list of records five times as long, each record with names of its own."""
    if isinstance(value, bytes):
        return value * 5
    if isinstance(value, list) and value and isinstance(value[0], dict | str) and not _is_pair(value):
        return [_renamed(multiply(one), i) for i in range(5) for one in value]
    if isinstance(value, list) and value and isinstance(value[0], list) and len(value[0]) == 3:
        return [[str(int(one[0]) + i), *one[1:]] for i in range(5) for one in value]
    if isinstance(value, dict):
        return {key: multiply(one) for key, one in value.items()}
    return value


def _is_pair(value: list[Any]) -> bool:
    return isinstance(value[0], dict) and set(value[0]) == {"key", "value"}


def _renamed(value: Any, i: int) -> Any:
    if isinstance(value, str):
        return f"{value}{i}"
    named = ("name", "value", "job", "pod", "spanID", "id", "sha", "fingerprint", "full_name")
    found = {key: f"{one}{i}" if key in named and isinstance(one, str) else one for key, one in value.items()}
    found |= {key: _renamed(one, i) for key, one in value.items() if key in ("metric", "metadata") and one}
    if isinstance(value.get("id"), int):
        found["id"] = value["id"] + i
    if isinstance(value.get("ts"), str):
        found["ts"] = f"{float(value['ts']) + i:.6f}"
    return found


def test_unsorted_doubled_and_stray_samples_are_mended_and_told() -> None:
    start_s = backends.WINDOW.start_s
    samples = [[start_s + 120, "3"], [start_s, "1"], [start_s + 60, "NaN"], [start_s + 120, "4"], [start_s + 180, "+Inf"],
      [start_s + 99_999, "9"], [start_s + 245, "5"], ["x", "y"]]  # fmt: skip
    row = {"metric": {"__name__": "up", "job": "web"}, "values": samples}
    body = {"status": "success", "data": {"resultType": "matrix", "result": [row]}}
    answer = ask("prometheus", "query", backends.Backend(lambda _path, _params: body))
    line = answer.value[0]
    assert np.all(np.diff(line.times_s) == 60.0)
    assert line.values[:5].tolist()[0] == 1.0
    assert np.isnan(line.values[1])
    assert line.values[2:5].tolist() == [4.0, np.inf, 5.0]
    told = " ".join(answer.warnings)
    assert "out of order" in told
    assert "grid" in told
    assert "outside the window" in told
    assert "not [time, value] pairs" in told


def test_a_partial_answer_is_truncated_and_says_why() -> None:
    def thanos(path: str, params: dict[str, str]) -> Any:
        return {**backends.prometheus(path, params), "warnings": ["No StoreAPIs matched for this query"]}

    def prometheus(path: str, params: dict[str, str]) -> Any:
        return {**backends.prometheus(path, params), "warnings": ["PromQL warning: quantile outside [0, 1]"]}

    answer = ask("prometheus", "query", backends.Backend(thanos))
    assert answer.outcome is Outcome.TRUNCATED
    assert "No StoreAPIs matched for this query" in answer.warnings
    assert ask("prometheus", "query", backends.Backend(prometheus)).outcome is Outcome.OK
