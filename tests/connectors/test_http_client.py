"""The one HTTP client: what it sends, when it asks again, and what it says when it is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rootward import _clock, _rng, errors
from rootward.connectors import _endpoint, _http, _json
from rootward.signals import outgoing, protocols

Requests = list[dict[str, Any]]


class Fake:
    """Answers with the next of `answers`: (status, headers, body); remembers what came."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes]) -> None:
        self.answers = list(answers)
        self.came: Requests = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive()).get("body", b"")
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        self.came.append(
            {"method": scope["method"], "query": scope["query_string"].decode(), "headers": headers, "body": body}
        )
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        raw = [(key.encode(), value.encode()) for key, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


OK = (200, {"content-type": "application/json"}, b'{"ok": true}')


def client(fake: Fake, clock: _clock.Clock | None = None, **endpoint: Any) -> _http.HttpClient:
    return _http.HttpClient(
        "prom",
        _endpoint.Endpoint("http://prom:9090/prefix/", **endpoint),
        clock=clock or _clock.VirtualClock(1e9),
        rng=_rng.stream(3, "t"),
        transport=httpx2.ASGITransport(app=fake, raise_app_exceptions=False),
    )


def run(work: Callable[[_http.Budget], Awaitable[Any]], **limits: Any) -> Any:
    async def main() -> Any:
        return await work(_http.Budget.start(protocols.Limits(**limits)))

    return asyncio.run(main())


def test_who_we_are_is_sent_and_not_shown() -> None:
    fake = Fake(OK)
    http = client(fake, token="s3cret", headers={"X-Scope-OrgID": "shop"})
    assert run(lambda budget: http.get_json("/api", {"q": "a b&c", "n": 1.5, "all": True}, budget=budget)) == {
        "ok": True
    }
    sent = fake.came[0]
    assert sent["headers"]["authorization"] == "Bearer s3cret"
    assert sent["headers"]["x-scope-orgid"] == "shop"
    assert sent["query"] == "q=a+b%26c&n=1.5&all=true"
    assert "s3cret" not in repr(http.endpoint)


def test_basic_authentication() -> None:
    fake = Fake(OK)
    run(lambda budget: client(fake, username="u", password="p").get_json("/", budget=budget))
    assert fake.came[0]["headers"]["authorization"] == "Basic dTpw"


def test_long_queries_go_as_a_form() -> None:
    fake = Fake(OK)
    run(lambda budget: client(fake).query_json("/q", {"query": "x" * 5000}, budget=budget))
    assert fake.came[0]["method"] == "POST"
    assert len(fake.came[0]["body"]) == 5006
    assert fake.came[0]["query"] == ""


def test_a_rotated_token_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    fake = Fake((401, {}, b""), OK)
    http = client(fake, token_file=str(file))

    async def work(budget: _http.Budget) -> Any:
        http._authorization()
        file.write_text("new\n")
        return await http.get_json("/", budget=budget)

    assert run(work) == {"ok": True}
    assert [one["headers"]["authorization"] for one in fake.came] == ["Bearer old", "Bearer new"]


def test_waits_are_jittered_bounded_and_the_same_for_the_same_seed() -> None:
    waits = []
    for _ in range(2):
        clock = _clock.VirtualClock(1e9)
        fake = Fake((503, {}, b"busy"))
        with pytest.raises(errors.BackendError, match="503 \\(busy\\)"):
            run(lambda budget, fake=fake, clock=clock: client(fake, clock).get_json("/", budget=budget))
        assert len(fake.came) == 3
        waits.append(clock.now_s() - 1e9)
    assert waits[0] == waits[1]
    assert 0 < waits[0] < 0.25 + 0.5


AFTER = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": "Sun, 09 Sep 2001 01:46:47 GMT"}, 7.0),
    ({"x-ratelimit-reset": "1000000007"}, 7.0),
    ({"ratelimit-reset": "7"}, 7.0),
    ({"retry-after": "soon", "ratelimit-reset": "7"}, 7.0),
    ({"retry-after": "-5"}, 0.0),
    ({"retry-after": "soon"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "after_s"), AFTER)
def test_when_to_come_back(headers: dict[str, str], after_s: float | None) -> None:
    http = client(Fake((429, headers, b"")), attempts=1)
    with pytest.raises(errors.BackendRateLimited) as caught:
        run(lambda budget: http.get_json("/", budget=budget))
    assert caught.value.retry_after_s == after_s


def test_githubs_403_with_nothing_left_is_a_rate_limit() -> None:
    http = client(Fake((403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000003600"}, b"")))
    with pytest.raises(errors.BackendRateLimited, match="wait 3600 s"):
        run(lambda budget: http.get_json("/", budget=budget))


def test_an_exception_in_a_face_is_a_500() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("bug")

    http = _http.HttpClient.in_process("x", broken, clock=_clock.VirtualClock(1e9), rng=_rng.stream(1, "t"))
    with pytest.raises(errors.BackendError, match="500"):
        run(lambda budget: http.get_json("/", budget=budget))


def test_errors_are_redacted_and_short() -> None:
    body = b'{"error": "bad query password=hunter2 ' + b"x" * 1000 + b'"}'
    with pytest.raises(errors.QueryRejected) as caught:
        run(lambda budget: client(Fake((400, {}, body))).get_json("/", budget=budget))
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_tls_settings_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    endpoint = _endpoint.Endpoint("https://prom", ca_file=str(tmp_path / "none.pem"))
    http = _http.HttpClient("prom", endpoint, clock=_clock.VirtualClock(1e9), rng=_rng.stream(1, "t"))
    with pytest.raises(errors.BackendUnreachable, match="ca_file"):
        run(lambda budget: http.get_json("/", budget=budget))


def test_a_refused_connection_is_unreachable() -> None:
    class Transport(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            raise httpx2.ConnectError("connection refused")

    http = _http.HttpClient(
        "prom",
        _endpoint.Endpoint("http://prom"),
        clock=_clock.VirtualClock(1e9),
        rng=_rng.stream(1, "t"),
        transport=Transport(),
    )
    with pytest.raises(errors.BackendUnreachable, match=r"cannot reach http://prom \(connection refused\)"):
        run(lambda budget: http.get_json("/", budget=budget))


WRONG = [
    (_json.mapping, []), (_json.items, {}), (_json.text, 3), (_json.number, "x"), (_json.number, None),
    (_json.number, "1e999"), (_json.number, "NaN"), (_json.seconds, 1e15), (_json.time, "2020"[:2]), (_json.time, 5),
    (_json.nanoseconds, "9" * 40),
]  # fmt: skip


@pytest.mark.parametrize(("read", "value"), WRONG)
def test_wrong_types_are_named(read: Any, value: Any) -> None:
    with pytest.raises(errors.BackendMalformed, match="the place is"):
        read(value, "the place")


class Noted:
    """Remembers what is noted."""

    def __init__(self) -> None:
        self.sent: list[outgoing.Sent] = []

    def note(self, sent: outgoing.Sent) -> None:
        self.sent.append(sent)


def test_every_try_is_noted_with_destination_and_sizes_and_nothing_of_its_content() -> None:
    fake, noted = Fake((503, {}, b"later"), OK), Noted()
    http = client(fake, token="s3cret", attempts=2)
    http._record = noted
    run(lambda budget: http.query_json("/q", {"query": "x" * 5000}, budget=budget))
    assert [(one.method, one.host, one.path, one.status, one.bytes_in) for one in noted.sent] == [
        ("POST", "prom:9090", "/prefix/q", 503, 5),
        ("POST", "prom:9090", "/prefix/q", 200, 12),
    ]
    assert all(5006 < one.bytes_out < 5400 for one in noted.sent)
    assert "s3cret" not in repr(noted.sent)
    assert "xxx" not in repr(noted.sent)
