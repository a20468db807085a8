"""The loop: tell the model, answer its questions, check what it concludes. It cannot run away, and whatever fails leaves a note."""

import dataclasses
import functools
import json
from collections.abc import Awaitable, Callable, Sequence

import pydantic

from rootward import _tasks, errors, llm
from rootward.investigator import finding as findings
from rootward.investigator import gather, ledger, options
from rootward.investigator.causal import case
from rootward.investigator.opinion import assemble, conclusion, merge, prompt, questions
from rootward.investigator.probing import notebook
from rootward.signals import veil

PREFIX = "Q"  # of evidence that a model asked for
NOBODY = "Use the tools: ask questions, or call `conclude`."
ANSWERS_CHARS_MAX = 6_000  # of one answer, in the conversation; the whole can be read on


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What one opinion may cost besides money, which the model's own policies bound: turns of the conversation, questions in all and at
    once, characters of evidence in the first prompt, tokens of one reply, seconds."""

    turns: int = 6
    questions: int = 16
    at_once: int = 6
    prompt_chars: int = 24_000
    reply_tokens: int = 1_500
    seconds: float = 60.0


class Consultant:
    """Asks one model for a second opinion. Addresses are veiled in everything that it is told."""

    def __init__(self, model: llm.Model, limits: Limits | None = None, hidden: veil.Choice | None = None) -> None:
        self._model = model
        self._limits = limits or Limits()
        self._hidden = hidden or veil.Choice()

    async def opine(
        self, gathered: gather.Gathered, judgement: case.Judgement, finding: findings.Finding, chosen: options.Options
    ) -> findings.Finding:
        """The finding with the model's opinion in it. Never raises for what a model or a back end does; on time."""
        notes = notebook.Notebook(ledger.Ledger(PREFIX))
        papers = assemble.assemble(gathered.case, gathered.ledger)
        desk = questions.Desk(gathered.case, gathered.sources, chosen, notes, papers)
        talk = _Talk(self._model, self._limits, desk, veil.Veil(self._hidden))
        told = prompt.case_told(gathered.case, judgement, finding, papers, chars_max=self._limits.prompt_chars)

        async def work() -> conclusion.Conclusion | None:
            try:
                return await talk.run(told)
            except (errors.ModelError, errors.BudgetSpent) as error:
                talk.trouble = str(error)
                return None

        done = await _tasks.run_all([work], limit=1, deadline_s=self._limits.seconds)
        if done[0] is None and not talk.trouble:
            talk.trouble = f"no conclusion within {self._limits.seconds:g} s"
        outcome = merge.Outcome(
            self._model.title, done[0], tuple(talk.dropped), talk.trouble, talk.asked, talk.usage.total
        )
        return merge.merge(finding, outcome, papers, (gathered.ledger, notes.ledger), judgement)


class _Talk:
    """One conversation: what was said, asked and spent."""

    def __init__(self, model: llm.Model, limits: Limits, desk: questions.Desk, cover: veil.Veil) -> None:
        self._model, self._limits, self._desk, self._cover = model, limits, desk, cover
        self._asked: dict[str, str] = {}
        self.dropped: list[conclusion.Dropped] = []
        self.trouble = ""
        self.usage = llm.Usage()

    @property
    def asked(self) -> int:
        return len(self._asked)

    async def run(self, told: str) -> conclusion.Conclusion | None:
        """Turn by turn until it concludes; the last turn allows nothing else."""
        request = self._first(told)
        repaired = False
        for turn in range(self._limits.turns):
            last = turn == self._limits.turns - 1 or self.asked >= self._limits.questions
            reply = await self._model.chat(
                dataclasses.replace(request, tool_choice=conclusion.NAME if last else "required")
            )
            self.usage += reply.usage
            final = next((call for call in reply.calls if call.name == conclusion.NAME), None)
            if final is not None:
                said, complaint = self._concluded(final)
                if not complaint or (said is not None and (repaired or turn == self._limits.turns - 1)):
                    return said
                repaired = True
                results = [
                    llm.ToolResult(call.id, complaint if call is final else "not asked: conclude", True)
                    for call in reply.calls
                ]
            else:
                results = await self._answers(reply.calls)
            request = request.saying(reply.message, llm.user(*results) if results else llm.user(NOBODY))
        self.trouble = "it did not conclude"
        return None

    def _first(self, told: str) -> llm.Request:
        tools = [
            llm.Tool(one.name, one.description, conclusion.inlined(one.arguments.model_json_schema()))
            for one in questions.EVERY
        ]
        tools.append(llm.Tool(conclusion.NAME, "Conclude. Ends the conversation.", conclusion.schema()))
        return llm.Request(
            messages=(llm.user(self._cover.hide(told), cached=True),),
            system=prompt.system(max(self._limits.turns - 2, 1)),
            tools=tuple(tools),
            tokens_max=self._limits.reply_tokens,
            temperature=0.0,
            cached_system=True,
            seconds=self._limits.seconds,
            purpose="opinion",
        )

    def _concluded(self, call: llm.ToolCall) -> tuple[conclusion.Conclusion | None, str]:
        """The conclusion with the claims that hold, and what to tell the model when it can do better."""
        if call.malformed:  # its arguments are empty then, and the model is to be told why
            return None, f"These are no JSON arguments: {call.malformed[:200]}"
        try:
            said = conclusion.Conclusion.model_validate(self._cover.restore_tree(dict(call.arguments)))
        except pydantic.ValidationError as error:
            return None, f"This does not fit the form: {_first_of(error)}"
        kept, self.dropped = conclusion.check(said.claims, self._desk.papers)
        said = said.model_copy(update={"claims": kept})
        complaint = "; ".join(f"“{one.sentence}”: {one.reason}" for one in self.dropped)
        return said, f"Correct or leave out, then conclude again: {self._cover.hide(complaint)}" if complaint else ""

    async def _answers(self, calls: Sequence[llm.ToolCall]) -> list[llm.ToolResult]:
        """Answers to all calls, asked side by side; what was asked before, or is one too many, is refused."""
        jobs: list[Callable[[], Awaitable[llm.ToolResult]]] = []
        for call in calls:
            key = json.dumps([call.name, dict(call.arguments)], sort_keys=True, default=str)
            if key in self._asked:
                jobs.append(functools.partial(_refuse, call, f"asked before: the answer is {self._asked[key]}"))
            elif self.asked >= self._limits.questions or len(jobs) >= self._limits.at_once:
                jobs.append(functools.partial(_refuse, call, "too many questions: conclude, or ask fewer at once"))
            else:
                self._asked[key] = "above"
                jobs.append(functools.partial(self._answer, call, key))
        done = await _tasks.run_all(jobs, limit=self._limits.at_once)
        return [one for one in done if one is not None]

    async def _answer(self, call: llm.ToolCall, key: str) -> llm.ToolResult:
        question = next((one for one in questions.EVERY if one.name == call.name), None)
        if question is None:
            return llm.ToolResult(call.id, f"there is no tool {call.name!r}", failed=True)
        if call.malformed:
            return llm.ToolResult(call.id, f"these are no JSON arguments: {call.malformed[:200]}", failed=True)
        try:
            arguments = question.arguments.model_validate(self._cover.restore_tree(dict(call.arguments)))
        except pydantic.ValidationError as error:
            return llm.ToolResult(call.id, f"{call.name}: {_first_of(error)}", failed=True)
        asked = await question.ask(self._desk, arguments)
        self._asked[key] = asked.evidence or "above"
        text = prompt.fenced(self._cover.hide(asked.text))[:ANSWERS_CHARS_MAX]
        return llm.ToolResult(call.id, f"<data>\n{text}\n</data>", asked.failed)


async def _refuse(call: llm.ToolCall, why: str) -> llm.ToolResult:
    return llm.ToolResult(call.id, why, failed=True)


def _first_of(error: pydantic.ValidationError) -> str:
    one = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}"
