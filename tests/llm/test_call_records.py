"""What is written down, what is not, and that a recording answers as the model did."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import virtual_time as virtual
from contract_models import ROWS, client
from hypothesis import given, settings
from hypothesis import strategies as st
from model_fakes import KEY, Answers, Says
from policy_models import ASK, RNG, pieces, said, script

from rootward import errors, llm
from rootward.llm import codec, prices, testing
from rootward.llm.policies import budgets, records, redacting
from rootward.llm.stack import Link, Stack

TOOL = llm.Tool("rate", "Requests a second", {"type": "object", "properties": {"service": {"type": "string"}}})
FORM = llm.Output("finding", {"type": "object", "properties": {"service": {"type": "string"}}, "required": ["service"]})


def recorded(inner: llm.Model, file: Path) -> records.Recorded:
    return records.Recorded(inner, records.FileJournal(file), clock=virtual.CLOCK, price=prices.Price(2.0, 10.0))


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_record_says_what_when_whom_and_how_much(tmp_path: Path) -> None:
    api = ROWS[0].api(Says("Checkout."), pause_s=2.0)
    virtual.run(recorded(client(ROWS[0], api), tmp_path / "calls.jsonl").chat(ASK))
    (record,) = lines(tmp_path / "calls.jsonl")
    assert (record["provider"], record["name"], record["seconds"], record["live"]) == ("anthropic", "small", 2.0, False)
    assert record["at"].startswith("2026-05-28T")
    assert record["dollars"] == pytest.approx((11 * 2 + 7 * 10) / 1e6)
    assert record["reply"]["parts"] == [{"kind": "text", "text": "Checkout."}]
    assert stat.S_IMODE((tmp_path / "calls.jsonl").stat().st_mode) == 0o600


def test_secrets_are_not_recorded(tmp_path: Path) -> None:
    secret = "hunter2-0123"
    api = ROWS[0].api(
        Says(f"It is password={secret}", (("c1", "rate", {"service": f"token={secret}", "password": secret}),))
    )
    request = llm.Request(messages=(llm.user(f"DB_PASSWORD={secret}"),), system=f"password: {secret}", tools=(TOOL,))
    virtual.run(recorded(client(ROWS[0], api), tmp_path / "calls.jsonl").chat(request))
    raw = (tmp_path / "calls.jsonl").read_text(encoding="utf-8")
    assert secret not in raw
    assert KEY not in raw


def test_failures_and_calls_that_were_called_off_are_recorded_too(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"

    async def main() -> None:
        row = ROWS[0]
        failing = client(
            row,
            row.api(Answers(429, {"error": {"type": "rate_limit_error", "message": "slow"}}, (("retry-after", "7"),))),
        )
        with pytest.raises(errors.ModelRateLimited):
            await recorded(failing, file).chat(ASK)
        stream = recorded(client(row, row.api(Says("Checkout."))), file).stream(ASK)
        await anext(stream)
        await stream.aclose()

    virtual.run(main())
    failed, left = lines(file)
    assert (failed["error"], failed["retry_after_s"]) == ("ModelRateLimited", 7.0)
    assert left["error"] == "CalledOff"


def test_a_full_journal_goes_on_in_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "FILE_BYTES_MAX", 300)
    journal = records.FileJournal(tmp_path / "calls.jsonl")
    for number in range(10):
        journal.write({"number": number, "filler": "x" * 100})
    assert lines(tmp_path / "calls.jsonl")[-1]["number"] == 9
    assert sum(len(lines(one)) for one in tmp_path.iterdir()) < 10


def test_a_journal_that_cannot_be_written_does_not_stop_the_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = records.FileJournal(tmp_path / "file" / "calls.jsonl")
    model = records.Recorded(script("Checkout."), journal, clock=virtual.CLOCK)
    assert virtual.run(model.chat(ASK)).text == "Checkout."
    assert "not recorded" in journal.trouble


# ---- recordings


def test_a_recording_answers_as_the_model_did(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    row = ROWS[0]
    turns = (
        Says("Let me look.", (("c1", "rate", {"service": "checkout"}),), thinks="Hm"),
        Says("It is password=hunter2-0123."),
    )
    first = llm.Request(messages=(llm.user("password=hunter2-0123, what broke?"),), tools=(TOOL,), seconds=60)
    error = Answers(404, {"type": "error", "error": {"type": "not_found_error", "message": "model: small"}})

    async def conversation(model: llm.Model) -> list[Any]:
        one = await model.chat(first)
        two = await model.chat(first.saying(one.message, llm.user(llm.ToolResult("c1", "12/s", failed=True))))
        with pytest.raises(errors.ModelUnknown) as caught:
            await model.chat(llm.Request(messages=(llm.user("And?"),)))
        return [one.calls, one.stop, one.usage, two.usage, str(caught.value)]

    real = virtual.run(conversation(recorded(client(row, row.api(*turns, error)), file)))
    again = testing.RecordedModel(file, provider="anthropic", name="small")
    assert virtual.run(conversation(again)) == real
    shorter = llm.Request(messages=first.messages, tools=(TOOL,), seconds=5, tokens_max=77, purpose="x")
    live = virtual.run(pieces(testing.RecordedModel(file, provider="anthropic", name="small"), shorter))
    assert said(live) == "Let me look."


def test_the_same_question_gets_its_answers_in_order(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"

    async def main() -> list[str]:
        model = recorded(script("a", "b"), file)
        await model.chat(ASK)
        await model.chat(ASK)
        again = testing.RecordedModel(file, provider="scripted", name="script")
        return [(await again.chat(ASK)).text for _ in range(3)]

    assert virtual.run(main()) == ["a", "b", "b"]


def test_a_miss_says_what_differs_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    virtual.run(recorded(script("a"), file).chat(ASK))
    model = testing.RecordedModel(file, provider="scripted", name="script")
    with pytest.raises(
        errors.UnexpectedPrompt, match=r"(?s)record it again.*-user: What broke\?.*\+user: What broke, and why\?"
    ):
        virtual.run(model.chat(llm.Request(messages=(llm.user("What broke, and why?"),))))
    other = testing.RecordedModel(file, provider="openai", name="gpt-5")
    with pytest.raises(errors.UnexpectedPrompt, match="no calls to this model"):
        virtual.run(other.chat(ASK))


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        '{"key": "x", "provider": "a", "name": "b", "request": {"messages": []}, "reply": {}}',
        "1",
    ],
)
def test_what_is_no_recording_is_said_so(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text(text)
    with pytest.raises(errors.InputError, match="line 1 is no record"):
        testing.RecordedModel(file, provider="a", name="b")
    with pytest.raises(errors.InputError, match="cannot read"):
        testing.RecordedModel(tmp_path / "none", provider="a", name="b")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
parts = st.one_of(
    st.builds(llm.Text, texts),
    st.builds(llm.Reasoning, texts, texts, texts),
    st.builds(llm.ToolCall, texts, texts, st.dictionaries(texts, values, max_size=3), texts),
    st.builds(llm.ToolResult, texts, texts, st.booleans()),
)
usages = st.builds(llm.Usage, *[st.integers(0, 10**6)] * 5, st.booleans())
replies = st.builds(
    llm.Reply, st.lists(parts, max_size=4).map(tuple), st.sampled_from(llm.Stop), usages, texts, texts, values
)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(replies)
def test_replies_survive_being_written(reply: llm.Reply) -> None:
    written = json.dumps(codec.reply_to_json(reply))
    assert codec.reply_from_json(json.loads(written)) == reply


# ---- scripts


def test_a_script_answers_only_what_it_expects() -> None:
    model = testing.ScriptedModel([testing.Turn("What broke?", "Checkout."), testing.Turn("Sure?\nReally?", "Yes.")])

    async def main() -> None:
        assert (await model.chat(ASK)).text == "Checkout."
        with pytest.raises(errors.UnexpectedPrompt, match=r"(?s)-Really\?.*\+Honestly\?"):
            await model.chat(llm.Request(messages=(llm.user("Sure?\nHonestly?"),)))

    virtual.run(main())
    with pytest.raises(errors.UnexpectedPrompt, match="1 turns of the script were never asked"):
        model.assert_done()
    with pytest.raises(errors.UnexpectedPrompt, match="once more than"):
        virtual.run(script().chat(ASK))


def test_a_script_in_any_order() -> None:
    turns = [testing.Turn(None, "?"), testing.Turn("b", "B"), testing.Turn("a", "A")]
    model = testing.ScriptedModel(turns, in_any_order=True)

    async def ask(text: str) -> str:
        return (await model.chat(llm.Request(messages=(llm.user(text),)))).text

    async def main() -> list[str]:
        return [await ask("a"), await ask("c"), await ask("b")]

    assert virtual.run(main()) == ["A", "?", "B"]


def test_a_babbling_script_is_cut_off_by_its_tokens() -> None:
    reply = virtual.run(script(testing.Babbles("more ")).chat(ASK))
    assert reply.stop is llm.Stop.LENGTH
    assert len(reply.text) == ASK.tokens_max * 4


# ---- redaction, and everything together


def test_a_model_sees_nothing_that_must_not_leave() -> None:
    veiled = {"anna@acme.org": "<email-1>"}
    inner = script("Ask <email-1>.")

    def hide(text: str) -> str:
        return text.replace("anna@acme.org", veiled["anna@acme.org"])

    def restore(text: str) -> str:
        return text.replace("<email-1>", "anna@acme.org")

    model = redacting.Redacting(inner, hide=hide, restore=restore)
    call = llm.ToolCall("c1", "rate", {"owner": ["anna@acme.org"]})
    request = llm.Request(
        messages=(llm.user("anna@acme.org"), llm.Message("assistant", (call,)), llm.user(llm.ToolResult("c1", "by anna@acme.org"))),
        system="anna@acme.org", tools=(llm.Tool("rate", "of anna@acme.org", {}),),
    )  # fmt: skip
    assert virtual.run(model.chat(request)).text == "Ask anna@acme.org."
    assert "anna" not in json.dumps(codec.request_to_json(inner.asked[0]))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    st.lists(
        st.sampled_from(["<email-1>", "<email-2>", "<", ">", "a < b", "word ", "<email-", "1>", "<b>", "x" * 30]),
        max_size=12,
    ),
    st.integers(1, 9),
)
def test_a_live_reply_is_readable_however_it_is_cut(words: list[str], step: int) -> None:
    text = "".join(words)

    class Cut(llm.Model):
        provider, name = "scripted", "cut"

        async def exchange(self, request: llm.Request, *, live: bool) -> Any:
            yield llm.TextDelta("void <ema")
            yield llm.Restarted("again")
            for at in range(0, len(text), step):
                yield llm.TextDelta(text[at : at + step])
            yield llm.Finished(llm.Reply((llm.Text(text),), llm.Stop.END, llm.Usage(), "m"))

    def restore(shown: str) -> str:
        return shown.replace("<email-1>", "anna@acme.org").replace("<email-2>", "bob@acme.org")

    found = virtual.run(pieces(redacting.Redacting(Cut(), hide=str, restore=restore)))
    assert said(found) == found[-1].reply.text == restore(text)


def test_the_whole_stack(tmp_path: Path) -> None:
    """A first model without a key, a second that answers wrongly once: redacted, recorded, paid, in a form."""
    journal = records.FileJournal(tmp_path / "calls.jsonl")
    broken = script(errors.ModelNotPermitted("key"), name="first")
    second = script('{"service": 1}', '{"service": "checkout"}', name="second")
    request = llm.Request(messages=(llm.user("password=hunter2-0123"),), output=FORM)

    async def main() -> tuple[llm.Reply, budgets.Budget]:
        links = [Link(broken, None), Link(second, prices.Price(1.0, 2.0))]
        stack = Stack(links, clock=virtual.CLOCK, rng=RNG, journal=journal)
        account = budgets.Budget(budgets.Allowance(tokens=20_000, seconds=60), virtual.CLOCK)
        reply = await stack.under(account).chat(request)
        await stack.aclose()
        return reply, account

    reply, account = virtual.run(main())
    assert reply.output == {"service": "checkout"}
    assert account.usage == reply.usage
    assert account.calls == 3
    assert [line.get("error") for line in lines(tmp_path / "calls.jsonl")] == ["ModelNotPermitted", None, None]
    assert "hunter2" not in json.dumps([codec.request_to_json(one) for one in (*broken.asked, *second.asked)])


@pytest.mark.parametrize("answer", [testing.Hangs(), testing.Babbles()], ids=["hangs", "babbles"])
def test_a_hanging_or_babbling_model_ends_on_time(answer: Any) -> None:
    async def main() -> float:
        stack = Stack([Link(script(*[answer] * 9), None)], clock=virtual.CLOCK, rng=RNG)
        account = budgets.Budget(budgets.Allowance(tokens=5_000, seconds=30), virtual.CLOCK)
        with pytest.raises((errors.BudgetSpent, errors.OutputInvalid)):
            await stack.under(account).chat(llm.Request(messages=ASK.messages, output=FORM, seconds=300))
        return virtual.CLOCK.monotonic_s()

    assert virtual.run(main()) <= 30.0
