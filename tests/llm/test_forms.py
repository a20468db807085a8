"""Answers in a form: by schema, by tool or by asking; always checked; sent back with what is wrong; given up with what to try."""

import json
from typing import Any

import pytest
import virtual_time as virtual
from contract_models import ROWS, Row, client, row
from hypothesis import given, settings
from hypothesis import strategies as st
from model_fakes import Api, Says

from rootward import errors, llm
from rootward.llm.policies import forms

SCHEMA = {
    "type": "object",
    "properties": {"service": {"type": "string"}, "sure": {"type": "number", "minimum": 0, "maximum": 1}},
    "required": ["service", "sure"],
    "additionalProperties": False,
}
FORM = llm.Output("finding", SCHEMA, "What broke.")
GOOD = {"service": "checkout", "sure": 0.9}
REQUEST = llm.Request(messages=(llm.user("What broke?"),), system="Be brief.", output=FORM, tokens_max=300)
WEATHER = llm.Tool("rate", "Requests a second", {"type": "object", "properties": {}})
each_row = pytest.mark.parametrize(
    "row", [row("anthropic"), row("openai"), row("bedrock"), row("vllm")], ids=lambda row: row.provider
)
each_way = pytest.mark.parametrize("way", ["schema", "guided", "tool", "prompt"])


def says(way: str, value: Any, **more: Any) -> Says:
    if way == "tool":
        return Says(calls=(("c1", "finding", value),), **more)
    text = json.dumps(value) if not isinstance(value, str) else value
    return Says(f"Here it is:\n```json\n{text}\n```\nI hope so." if way == "prompt" else text, **more)


def ask(row: Row, way: Any, *turns: Says, request: llm.Request = REQUEST, live: bool = False) -> tuple[Any, Api]:
    api = row.api(*turns)

    async def main() -> Any:
        model = forms.Formed(client(row, api, way=way))
        if live:
            return [piece async for piece in model.stream(request)]
        return await model.chat(request)

    return virtual.run(main()), api


@each_way
@each_row
def test_an_answer_in_a_form(row: Row, way: str) -> None:
    reply, api = ask(row, way, says(way, GOOD))
    assert reply.output == GOOD
    assert json.loads(reply.text) == GOOD if way != "prompt" else forms.found_json(reply.text) == GOOD
    assert reply.calls == ()
    assert reply.stop is llm.Stop.END
    assert len(api.asked) == 1


@each_way
@each_row
def test_what_does_not_fit_is_sent_back_and_all_of_it_is_paid(row: Row, way: str) -> None:
    reply, api = ask(row, way, says(way, {"service": 3, "sure": 7}), says(way, GOOD))
    assert reply.output == GOOD
    assert reply.usage == llm.Usage(16, 14, 6)
    told = json.dumps(api.asked[1]["messages"])
    assert "sure: 7 is greater than the maximum of 1" in told
    assert "service: 3 is not of type" in told


@each_way
@each_row
def test_what_never_fits_is_given_up(row: Row, way: str) -> None:
    with pytest.raises(errors.OutputInvalid, match=r"'sure' is a required property.*stronger model") as caught:
        ask(row, way, says(way, {"service": "x"}))
    assert llm.Usage(**caught.value.usage) == llm.Usage(24, 21, 9)


@each_row
def test_what_is_cut_off_is_not_tried_again(row: Row) -> None:
    api_turn = Says('{"service": "che', cut=True)
    with pytest.raises(errors.OutputInvalid, match=r"cut off.*raise tokens_max \(it was 300\)"):
        ask(row, "prompt", api_turn)


@each_way
@each_row
def test_tools_come_first(row: Row, way: str) -> None:
    request = llm.Request(messages=REQUEST.messages, output=FORM, tools=(WEATHER,))
    first, _ = ask(row, way, Says(calls=(("c9", "rate", {}),)), request=request)
    assert first.output is None
    assert [call.name for call in first.calls] == ["rate"]
    going_on = request.saying(first.message, llm.user(llm.ToolResult("c9", "12/s")))
    second, api = ask(row, way, says("prompt" if way == "prompt" else "tool", GOOD), request=going_on)
    assert second.output == GOOD
    assert "12/s" in json.dumps(api.asked[0])


@each_row
def test_words_where_a_tool_was_to_be_called_still_count(row: Row) -> None:
    assert ask(row, "tool", says("prompt", GOOD))[0].output == GOOD


@each_row
def test_a_live_answer_that_is_sent_back_begins_anew(row: Row) -> None:
    pieces, _ = ask(row, "prompt", says("prompt", {}), says("prompt", GOOD), live=True)
    restarts = [at for at, piece in enumerate(pieces) if isinstance(piece, llm.Restarted)]
    assert len(restarts) == 1
    assert pieces[-1].reply.output == GOOD
    said = "".join(piece.text for piece in pieces[restarts[0] :] if isinstance(piece, llm.TextDelta))
    assert said == pieces[-1].reply.text


def test_a_strict_provider_gets_only_what_it_knows() -> None:
    _, api = ask(ROWS[1], "schema", says("schema", GOOD))
    form = api.asked[0]["response_format"]["json_schema"]
    assert form["strict"] is True
    assert "minimum" not in json.dumps(form)
    open_form = llm.Output("finding", {**SCHEMA, "additionalProperties": True})
    _, api = ask(
        ROWS[1], "schema", says("schema", GOOD), request=llm.Request(messages=REQUEST.messages, output=open_form)
    )
    assert "strict" not in api.asked[0]["response_format"]["json_schema"]


def test_a_form_that_is_no_schema_is_said_so() -> None:
    bad = llm.Request(messages=REQUEST.messages, output=llm.Output("x", {"type": "objekt"}))
    with pytest.raises(errors.ModelRejected, match="no JSON Schema"):
        ask(ROWS[1], "schema", says("schema", GOOD), request=bad)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "https://schemas.acme.org/x.json"}, r"acme\.org"),  # nothing is fetched
        ({"properties": {"service": {"pattern": "("}}}, "not a .regex"),
        ({"$ref": "#"}, "recursion"),
    ],
)
def test_a_form_that_cannot_be_checked_is_said_so(schema: dict[str, Any], said: str) -> None:
    far = llm.Output("x", schema)
    with pytest.raises(errors.ModelRejected, match=said):
        ask(ROWS[1], "schema", says("schema", GOOD), request=llm.Request(messages=REQUEST.messages, output=far))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Sure: {"a": {"b": 2}} done {not json}', {"a": {"b": 2}}),
        ('first {"a": 1}, no: {"a": 2}', {"a": 2}),
        ("no object [1, 2]", None),
        ('{"a": 1', None),
        ("{" * 3000, None),
        ("", None),
    ],
)
def test_json_among_words(text: str, value: Any) -> None:
    assert forms.found_json(text) == value


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"])),
    st.dictionaries(st.text(), st.text() | st.integers()),
    st.text(alphabet="ab`\n."),
)
def test_json_is_found_in_any_words(before: str, value: dict[str, Any], after: str) -> None:
    assert forms.found_json(before + json.dumps(value) + after) == value


@pytest.mark.parametrize(("refused", "asked"), [(1, "tools"), (2, "system")], ids=["schemas", "schemas and tools"])
def test_where_a_way_is_refused_the_next_is_taken_and_remembered(refused: int, asked: str) -> None:
    old = row("anthropic")
    no = old.api().invalid("output_config: Extra inputs are not permitted")
    last = says("tool" if refused == 1 else "prompt", GOOD)
    api = old.api(*[no] * refused, last, last)

    async def main() -> None:
        known: set[Any] = set()
        for _ in range(2):
            reply = await forms.Formed(client(old, api), refused=known).chat(REQUEST)
            assert reply.output == GOOD

    virtual.run(main())
    assert len(api.asked) == refused + 2
    assert "output_config" in api.asked[0]
    assert all("output_config" not in one for one in api.asked[1:])
    assert (
        '"finding"' in json.dumps(api.asked[-1]["tools"])
        if asked == "tools"
        else "JSON Schema" in json.dumps(api.asked[-1])
    )


def test_a_question_that_is_wrong_in_every_way_is_refused() -> None:
    old = row("anthropic")
    with pytest.raises(errors.ModelRejected, match="messages"):
        ask(old, "schema", old.api().invalid("messages: too strange"))
    with pytest.raises(errors.ContextTooLong):
        ask(old, "schema", old.api().invalid("prompt is too long: 215000 tokens"), Says("never"))


def test_a_guided_model_is_told_the_schema_too() -> None:
    _, api = ask(row("vllm"), "guided", says("schema", GOOD))
    assert "response_format" in api.asked[0]
    assert '"sure"' in api.asked[0]["messages"][0]["content"]
