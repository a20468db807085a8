"""`rootward models`: lists without asking, checks with real questions, asks and says what it took; every failure is one clear line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from conftest import Typed

from rootward import _clock, errors
from rootward.apps import models, settings, settings_llm, settings_reference
from rootward.llm import prices, providers

sys.path.append(str(Path(__file__).resolve().parents[1] / "llm"))

from model_fakes import KEY, Answers, AnthropicApi, Breaks, OpenAiApi, Says
from virtual_time import StreamingTransport

SETTINGS = """
models:
  main: {provider: anthropic, name: claude-sonnet-5, key: "${ANTHROPIC_API_KEY}"}
  backup: {provider: ollama, name: qwen3}
  odd: {provider: compatible, name: nobody-knows, base_url: "http://gateway:1/v1"}
model:
  use: [main, backup]
  record: calls.jsonl
network:
  record_file: outgoing.jsonl
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    (tmp_path / "rootward.yaml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`network(main=Says(…), backup=…)`: what hosts answer, in place of sockets."""

    def make(main: Any = None, backup: Any = None) -> None:
        apis = {
            "api.anthropic.com": AnthropicApi(*(main if isinstance(main, tuple) else (main,))),
            "localhost": OpenAiApi(*(backup if isinstance(backup, tuple) else (backup,))),
        }

        async def handle(self: Any, request: httpx2.Request) -> httpx2.Response:
            return await StreamingTransport(apis[request.url.host]).handle_async_request(request)

        monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", handle)

    return make


# ---- list


def test_what_is_configured_is_listed(here: Path, typed: Typed) -> None:
    status, out, _ = typed("models", "list", "--json")
    assert status == 0
    rows = {row["model"]: row for row in json.loads(out)["models"]}
    assert {name: row["order"] for name, row in rows.items()} == {"main": 1, "backup": 2, "odd": None}
    assert rows["main"]["price"] == {"input": 2.0, "output": 10.0}
    assert rows["backup"]["price"] == {"input": 0.0, "output": 0.0}
    assert rows["odd"]["price"] is None
    shown = typed("models", "list")[1]
    for part in ("main", "claude-sonnet-5", "2 / 10", "free", "unknown", prices.listed().as_of):
        assert part in shown
    assert KEY not in out + shown


def test_with_nothing_configured_the_providers_are_listed(here: Path, typed: Typed) -> None:
    (here / "rootward.yaml").unlink()
    status, out, _ = typed("models", "list")
    assert status == 0
    assert "Rootward works without one" in " ".join(out.split())
    assert all(name in out for name in providers.NAMES)


# ---- check


def checks(*answers: Says) -> tuple[Says, ...]:
    return answers


GOOD = checks(
    Says("OK."),
    Says(calls=(("c1", "verdict", {"service": "checkout", "broken": True}),)),
    Says(calls=(("c2", "request_rate", {"service": "checkout"}),)),
)


def test_a_model_that_does_everything(here: Path, typed: Typed, network: Any) -> None:
    network(main=GOOD)
    status, out, _ = typed("models", "check", "main", "--json")
    assert status == 0
    told = json.loads(out)
    assert told["healthy"]
    assert [(one["question"], one["ok"]) for one in told["checks"]] == [("words", True), ("form", True), ("tool", True)]
    assert told["checks"][0]["dollars"] == pytest.approx((8 * 2 + 3 * 0.2 + 7 * 10) / 1e6)


def test_what_a_model_cannot_do_is_named(here: Path, typed: Typed, network: Any) -> None:
    network(
        main=Answers(401, {"error": {"type": "authentication_error", "message": "invalid x-api-key"}}),
        backup=(Says("OK."), Says("no"), Says("no"), Says("no"), Says("I would look.")),
    )
    status, out, _ = typed("models", "check", "--json")
    assert status == 1
    rows = [(one["model"], one["question"], one["ok"]) for one in json.loads(out)["checks"]]
    assert rows == [
        ("main", "words", False),
        ("backup", "words", True),
        ("backup", "form", False),
        ("backup", "tool", False),
    ]
    network(main=Answers(401, {"error": {"type": "authentication_error", "message": "invalid x-api-key"}}), backup=GOOD)
    shown = " ".join(typed("models", "check")[1].split())
    for part in ("failed", "invalid x-api-key", "check the key"):
        assert part in shown


# ---- ask


def test_an_answer_with_what_it_took(here: Path, typed: Typed, network: Any) -> None:
    network(main=Says("Out of memory: 128 + SIGKILL."))
    status, out, err = typed("models", "ask", "What is 137? password=hunter2-0123")
    assert status == 0
    assert out.strip() == "Out of memory: 128 + SIGKILL."
    assert "11 tokens asked, 7 answered; $0.000087" in err
    assert "Secrets or addresses of people were taken out" in err
    recorded = (here / "calls.jsonl").read_text()
    assert "128 + SIGKILL" in recorded
    assert "hunter2" not in recorded
    assert KEY not in recorded
    (sent,) = [json.loads(line) for line in (here / "outgoing.jsonl").read_text().splitlines()]
    assert (sent["door"], sent["name"], sent["host"], sent["path"]) == (
        "model",
        "main",
        "api.anthropic.com",
        "/v1/messages",
    )


def test_addresses_do_not_leave_and_come_back_readable(here: Path, typed: Typed, network: Any) -> None:
    network(main=Says("Ask <email-1>, not <email-2>."))
    status, out, _ = typed("models", "ask", "Who is anna@acme.org?")
    assert status == 0
    assert out.strip() == "Ask anna@acme.org, not <email-2>."
    assert "anna" not in (here / "calls.jsonl").read_text()


def test_the_next_one_answers_when_the_first_does_not(here: Path, typed: Typed, network: Any) -> None:
    network(
        main=Answers(404, {"error": {"type": "not_found_error", "message": "model: claude-sonnet-5"}}),
        backup=Says("Memory."),
    )
    status, out, err = typed("models", "ask", "What is 137?")
    assert status == 0
    assert out.strip() == "Memory."
    assert "begins anew" in err
    assert "claude-sonnet-5" in err


def test_as_json(here: Path, typed: Typed, network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network(backup=Says("Memory.", cut=True))
    told = json.loads(typed("models", "ask", "--model", "backup", "--json", "What is 137?")[1])
    assert (told["answer"], told["stop"], told["dollars"], told["calls"]) == ("Memory.", "length", 0.0, 1)


def test_a_recording_answers_in_place_of_the_model(here: Path, typed: Typed, network: Any) -> None:
    network(main=Says("Memory."))
    typed("models", "ask", "What is 137?")
    sent = (here / "outgoing.jsonl").read_text()
    (here / "rootward.yaml").write_text(SETTINGS.replace("  record: calls.jsonl", "  replay: calls.jsonl"))
    network(main=Answers(500, {}))
    recorded = (here / "calls.jsonl").read_text()
    status, out, err = typed("models", "ask", "What is 137?")
    assert (status, out.strip()) == (0, "Memory.")
    assert "$0.000087" in err
    status, _, err = typed("models", "ask", "What is 139?")
    assert status == 1
    assert "+user: What is 139?" in err
    assert ((here / "outgoing.jsonl").read_text(), (here / "calls.jsonl").read_text()) == (sent, recorded)
    (here / "calls.jsonl").unlink()
    assert "cannot read the recording" in typed("models", "ask", "What is 137?")[2]


@pytest.mark.parametrize(
    ("words", "answer", "said"),
    [
        (("--model", "nobody"), None, "there is no model 'nobody'"),
        (
            ("--model", "main"),
            Answers(401, {"error": {"type": "authentication_error", "message": "invalid x-api-key"}}),
            "check the key",
        ),
        (("--model", "main"), Breaks("refuses the connection"), "cannot reach https://api.anthropic.com/v1/messages"),
        (("--model", "main"), Answers(200, b"<html>", (("content-type", "text/html"),)), "answered with a web page"),
    ],
)
def test_failures_are_one_line(
    here: Path, typed: Typed, network: Any, words: tuple[str, ...], answer: Any, said: str
) -> None:
    (here / "rootward.yaml").write_text(SETTINGS.replace("key:", "attempts: 1, key:"))
    network(main=answer)
    status, out, err = typed("models", "ask", *words, "What is 137?")
    assert status == 1
    assert out.strip() == ""
    assert said in err
    assert err.startswith("rootward: ")
    assert KEY not in err


def test_without_models_it_says_how_to_get_one(here: Path, typed: Typed) -> None:
    (here / "rootward.yaml").unlink()
    status, _, err = typed("models", "ask", "x")
    assert status == 1
    assert "models ask --local" in err


def test_a_budget_in_money_needs_prices(here: Path, typed: Typed, network: Any) -> None:
    (here / "rootward.yaml").write_text(SETTINGS.replace("  record: calls.jsonl", "  dollars_max: 0.1"))
    status, _, err = typed("models", "ask", "--model", "odd", "x")
    assert status == 1
    assert "no known price" in err


# ---- settings


def test_settings_name_the_providers_that_there_are() -> None:
    assert set(get_args(settings_llm.ProviderName)) == set(providers.NAMES)


def test_every_setting_of_models_reaches_where_it_matters(tmp_path: Path) -> None:
    file = tmp_path / "rootward.yaml"
    file.write_text(
        """
models:
  m:
    provider: azure
    name: deployed
    key: k
    base_url: https://acme.openai.azure.com
    headers: {x-team: sre}
    version: "2024-10-21"
    structured: prompt
    requests_a_minute: 5
    quiet_s: 7
    context_tokens: 32000
    price: {input: 1, output: 2, cache_read: 0.1}
"""
    )
    loaded = settings.load(file, {"ROOTWARD_MODELS__M__KEY": "0123"})
    link = models.link("m", loaded.models["m"], _clock.VirtualClock(1e9))
    assert link.price == prices.Price(1, 2, 0.1)
    assert link.limiter is not None
    assert link.client.way == "prompt"
    assert link.client.context_tokens == 32_000
    access = link.client._access  # type: ignore[attr-defined]
    assert (access.key, access.headers, access.version, access.quiet_s) == (
        "0123",
        {"x-team": "sre"},
        "2024-10-21",
        7.0,
    )
    assert "0123" not in repr(loaded)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: {m: {provider: antropic, name: x}}", "models.m.provider"),
        ("models: {m: {provider: openai, nam: x}}", "did you mean name"),
        ("models: {m: {provider: openai, name: x, price: {inptu: 1, output: 2}}}", "did you mean input"),
        ("model: {tokens: 5}", "did you mean tokens_max"),
        ("model: {dollars_max: 0}", "greater than 0"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "rootward.yaml"
    file.write_text(text)
    with pytest.raises(errors.SettingsError) as caught:
        settings.load(file, {})
    assert said in str(caught.value)


def test_every_setting_of_models_is_explained() -> None:
    page = settings_reference.render()
    for section in (settings_llm.Model, settings_llm.Price, settings_llm.ModelUse):
        for name, field in section.model_fields.items():
            assert field.description, name
            assert f"| `{name}` |" in page


def test_a_file_of_authorities_that_is_not_there_is_named(tmp_path: Path) -> None:
    one = settings_llm.Model(provider="openai", name="x", ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(errors.SettingsError, match=r"models\.m\.ca_file"):
        models.link("m", one, _clock.VirtualClock(1e9))
