"""An application in this process is asked as over HTTP: it sees the same, and what it says comes back the same."""

import asyncio
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward import _clock, _rng, errors
from rootward.connectors import _endpoint, _http
from rootward.signals import protocols

SEEN_BY_BOTH = ("authorization", "accept", "user-agent", "host", "content-type", "x-extra")
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="?#%\\", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6
)


class App:
    """Answers with what it was given to say; keeps what it saw."""

    def __init__(
        self, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None, pieces: Any = (b"{}",)
    ) -> None:
        self.status, self.headers, self.pieces = status, headers or [], pieces
        self.seen: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        kept = {name: headers[name] for name in SEEN_BY_BOTH if name in headers}
        self.seen.append((scope["method"], scope["path"], scope["query_string"], kept, body))
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def clients(app: Any) -> list[_http.HttpClient]:
    """Without the HTTP library and with it."""
    clock = _clock.VirtualClock(1e9)
    endpoint = _endpoint.Endpoint("http://vendor", token=_http.IN_PROCESS_TOKEN)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return [
        _http.HttpClient.in_process("vendor", app, clock=clock, rng=_rng.stream(1, "t")),
        _http.HttpClient("vendor", endpoint, clock=clock, rng=_rng.stream(1, "t"), transport=transport),
    ]


def outcome(http: _http.HttpClient, method: str, path: str, params: Any, **limits: Any) -> Any:
    async def main() -> Any:
        budget = _http.Budget.start(protocols.Limits(**limits))
        try:
            reply = await http.request(
                method, path, params, budget=budget, headers={"x-extra": "1"}, accept=frozenset({404})
            )
        except errors.BackendError as error:
            return type(error).__name__, str(error), budget.bytes_read
        return reply.status, reply.headers, reply.body, budget.bytes_read

    return asyncio.run(main())


@given(
    st.sampled_from(["GET", "POST"]),
    st.lists(NAMES, max_size=3).map(lambda names: "/" + "/".join(names)),
    st.dictionaries(st.text(max_size=4), st.one_of(st.text(max_size=8), st.booleans(), st.floats(0, 1e9)), max_size=3),
)
def test_the_application_sees_the_same(method: str, path: str, params: dict[str, Any]) -> None:
    app = App()
    direct, library = (outcome(http, method, path, params) for http in clients(app))
    assert direct == library
    assert app.seen[0] == app.seen[1]


SAYS = [
    App(headers=[(b"Link", b"<a>"), (b"link", b"<b>"), (b"X-RateLimit-Remaining", b"7")]),
    App(pieces=[b'{"a":', b"", b"1}"]),
    App(status=404, pieces=[b"no"]),
    App(status=503, headers=[(b"retry-after", b"999999")]),
    App(status=403, pieces=[b'{"error": "token=abcdef123456"}']),
    App(status=301, headers=[(b"location", b"/elsewhere")]),
    App(pieces=[]),
    App(pieces=[b"x" * 60, b"y" * 60]),
]


@pytest.mark.parametrize("app", SAYS)
def test_what_it_says_comes_back_the_same(app: App) -> None:
    direct, library = (outcome(http, "GET", "/a", {}, bytes=100) for http in clients(app))
    assert direct[:-1] == library[:-1]
    assert direct[-1] == library[-1]


@pytest.mark.parametrize("begun", [False, True])
def test_an_application_that_breaks_is_a_server_s_error(begun: bool) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 500, "headers": []})
        raise RuntimeError("bug")

    direct, library = (outcome(http, "GET", "/a", {}) for http in clients(broken))
    assert direct == library
    assert "500" in direct[1]


def test_an_application_that_hangs_is_a_timeout() -> None:
    async def hangs(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    direct, library = (outcome(http, "GET", "/a", {}, seconds=0.02) for http in clients(hangs))
    assert direct == library
    assert direct[0] == "BackendTimeout"


def test_no_more_is_kept_than_may_come() -> None:
    kept = outcome(clients(App(pieces=[b"x" * 60] * 1000))[0], "GET", "/a", {}, bytes=100)
    assert kept[0] == "BackendError"
    assert kept[-1] == 120
