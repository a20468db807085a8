"""Models as settings name them: built, listed, checked with real questions, and asked."""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rootward import _clock, _rng, _tasks, errors, llm
from rootward.apps import settings as settings_module
from rootward.apps import settings_llm, wiring
from rootward.llm import access, prices, providers, testing
from rootward.llm.policies import budgets, limits, records, retries
from rootward.llm.stack import Link, Stack
from rootward.signals import outgoing, veil

NO_MODELS = (
    "no models are configured; Rootward works without one. To use one, name it under `models:` in rootward.yaml "
    "(docs/guide/models.md), or try `rootward models ask --local`"
)
CHECK_SECONDS = 60.0  # for one question of a check
LOCAL = settings_llm.Model(provider="local", name="smollm2")
"""What `--local` asks: the small weights that come in a package, to prove the path."""


def chosen(settings: settings_module.Settings, names: Sequence[str] = ()) -> dict[str, settings_llm.Model]:
    """The models to use, in order: `names`, or what settings say.

    Raises:
        errors.SettingsError: none is configured, or one of the names is not.
    """
    if not settings.models:
        raise errors.SettingsError(NO_MODELS)
    wanted = list(names) or list(settings.model.use) or list(settings.models)
    unknown = [name for name in wanted if name not in settings.models]
    if unknown:
        raise errors.SettingsError(
            f"there is no model {unknown[0]!r} under `models`; there are {', '.join(settings.models)}"
        )
    return {name: settings.models[name] for name in wanted}


def stack(models: dict[str, settings_llm.Model], settings: settings_module.Settings, clock: _clock.Clock) -> Stack:
    """These models with everything around them; whoever asks closes it. Nothing is asked yet.

    Raises:
        errors.SettingsError: a file that a model names is not there.
        errors.InputError: the recording to answer from cannot be read.
    """
    log = wiring.outgoing_log(settings)
    links = [link(name, one, clock, log) for name, one in models.items()]
    journal = records.FileJournal(Path(settings.model.record).expanduser()) if settings.model.record else None
    if settings.model.replay:
        links, journal = [_replayed(each, Path(settings.model.replay).expanduser()) for each in links], None
    patience = retries.Patience(attempts=max(one.attempts for one in models.values()))
    # Two processes that retry must not do so in step, so the jitter depends on when each was started.
    rng = _rng.stream(int(clock.now_s() * 1000), "llm")
    return Stack(links, clock=clock, rng=rng, journal=journal, patience=patience)


def link(name: str, one: settings_llm.Model, clock: _clock.Clock, log: outgoing.Log | None = None) -> Link:
    """One model of the settings; what leaves for it is noted in `log`.

    Raises:
        errors.SettingsError: a file that it names is not there.
    """
    spec = providers.named(one.provider)
    if one.ca_file and not Path(one.ca_file).expanduser().is_file():
        raise errors.SettingsError(f"models.{name}.ca_file: there is no file {one.ca_file}")
    where = access.Access(
        base_url=one.base_url,
        key=one.key.get_secret_value(),
        headers={key: value.get_secret_value() for key, value in one.headers.items()},
        region=one.region,
        project=one.project,
        version=one.version,
        profile=one.profile,
        ca_file=str(Path(one.ca_file).expanduser()) if one.ca_file else "",
        verify=one.verify,
        proxy=one.proxy,
        context_tokens=one.context_tokens,
        threads=one.threads,
        quiet_s=one.quiet_s,
        note=access.noting(log, name, clock) if log is not None else None,
    )
    client = llm.Client(spec, one.name, where, clock=clock, way=one.structured or None)
    limited = one.requests_a_minute or one.tokens_a_minute or one.at_once
    limiter = limits.Limiter(
        clock, requests_a_minute=one.requests_a_minute, tokens_a_minute=one.tokens_a_minute, at_once=one.at_once
    )
    return Link(client, price(one), limiter if limited else None)


def _replayed(real: Link, recording: Path) -> Link:
    """The same model as it answered when it was recorded: nobody is asked, and nothing waits."""
    client = real.client
    double = testing.RecordedModel(recording, provider=client.provider, name=client.name, way=client.way)
    double.context_tokens = client.context_tokens
    return Link(double, real.price)


def price(one: settings_llm.Model) -> prices.Price | None:
    """What it costs: as settings say, nothing on one's own machines, the list price, or None where nobody knows."""
    if one.price is not None:
        return prices.Price(one.price.input, one.price.output, one.price.cache_read, one.price.cache_write)
    return prices.FREE if providers.named(one.provider).free else prices.listed().price(one.name)


def budget(settings: settings_module.Settings, clock: _clock.Clock) -> budgets.Budget:
    """What one run may spend; time runs from now."""
    use = settings.model
    return budgets.Budget(budgets.Allowance(use.tokens_max, use.dollars_max, use.seconds_max), clock)


# ---- rootward models list


def listing(settings: settings_module.Settings) -> dict[str, Any]:
    """What is configured, and what could be. Nothing is asked."""
    use = list(settings.model.use) or list(settings.models)
    rows = [_row(name, one, use) for name, one in settings.models.items()]
    known = [
        {"provider": name, "about": providers.named(name).about, "key": providers.named(name).key_variable}
        for name in providers.NAMES
    ]
    return {"models": rows, "providers": known, "prices_as_of": prices.listed().as_of}


def _row(name: str, one: settings_llm.Model, use: Sequence[str]) -> dict[str, Any]:
    cost = price(one)
    spec = providers.named(one.provider)
    needs = bool(spec.key_variable) and spec.sign is None
    return {
        "model": name,
        "provider": one.provider,
        "name": one.name,
        "order": use.index(name) + 1 if name in use else None,
        "key": "set" if one.key.get_secret_value() else ("missing" if needs else "none"),
        "structured": one.structured or spec.way,
        "price": None if cost is None else {"input": cost.input, "output": cost.output},
    }


# ---- rootward models check


@dataclasses.dataclass(frozen=True, slots=True)
class Tried:
    """One question of a check: what it was about, whether it went well, what was said or went wrong, seconds, dollars (None: no price)."""

    model: str
    question: str
    ok: bool
    detail: str
    seconds: float
    dollars: float | None


_FORM = llm.Output(
    "verdict",
    {
        "type": "object",
        "properties": {"service": {"type": "string"}, "broken": {"type": "boolean"}},
        "required": ["service", "broken"],
        "additionalProperties": False,
    },
)
_TOOL = llm.Tool(
    "request_rate",
    "Requests a second of one service.",
    {
        "type": "object",
        "properties": {"service": {"type": "string"}},
        "required": ["service"],
        "additionalProperties": False,
    },
)
_QUESTIONS: dict[str, llm.Request] = {
    "words": llm.Request(messages=(llm.user("Say OK."),), tokens_max=1000, purpose="check"),
    "form": llm.Request(
        messages=(llm.user("The service checkout is broken. Report that."),),
        output=_FORM,
        tokens_max=1000,
        purpose="check",
    ),
    "tool": llm.Request(
        messages=(llm.user("Look up the request rate of the service checkout."),),
        tools=(_TOOL,),
        tool_choice="required",
        tokens_max=1000,
        purpose="check",
    ),
}


def check(
    settings: settings_module.Settings, names: Sequence[str] = (), *, on_model: Callable[[str], None] = lambda _: None
) -> list[Tried]:
    """Ask each model three small real questions: words, an answer in a form, a tool. If words fail, the rest is not asked.

    Raises:
        errors.SettingsError: as `chosen`.
    """
    clock = _clock.SystemClock()
    models = chosen(settings, names)

    async def run() -> list[Tried]:
        found: list[Tried] = []
        for name, one in models.items():
            on_model(name)
            async with contextlib.AsyncExitStack() as exits:
                built = stack({name: one}, settings, clock)
                exits.push_async_callback(built.aclose)
                for question, request in _QUESTIONS.items():
                    found.append(await _tried(built, name, question, request, settings, clock))
                    if not found[-1].ok and question == "words":
                        break
        return found

    return _tasks.run(run())


async def _tried(
    built: Stack,
    name: str,
    question: str,
    request: llm.Request,
    settings: settings_module.Settings,
    clock: _clock.Clock,
) -> Tried:
    account = budget(settings, clock)
    began_s = clock.monotonic_s()
    try:
        reply = await _veiled(built, account, veil.Veil()).chat(dataclasses.replace(request, seconds=CHECK_SECONDS))
        ok, detail = _judged(question, reply)
    except (errors.ModelError, errors.BudgetSpent) as error:
        ok, detail = False, str(error)
    dollars = None if account.unpriced else account.dollars
    return Tried(name, question, ok, detail, clock.monotonic_s() - began_s, dollars)


def _veiled(built: Stack, account: budgets.Budget, curtain: veil.Veil) -> llm.Model:
    return built.under(account, hide=curtain.hide, restore=curtain.restore)


def _judged(question: str, reply: llm.Reply) -> tuple[bool, str]:
    said = " ".join(reply.text.split())[:60]
    if question == "words":
        return bool(said), said or "it said nothing"
    if question == "form":
        return True, str(reply.output)
    call = next((one for one in reply.calls if one.name == _TOOL.name and not one.malformed), None)
    return (
        (True, f"{call.name}({dict(call.arguments)})")
        if call
        else (False, f"it did not call the tool but said {said!r}")
    )


# ---- rootward models ask


@dataclasses.dataclass(frozen=True, slots=True)
class Answered:
    """One question and its answer. `hidden`: secrets or addresses were taken out of the question. `first_s`: until its first words."""

    reply: llm.Reply
    calls: int
    dollars: float | None
    seconds: float
    first_s: float | None
    hidden: bool
    trouble: str  # with the record, if any


def ask(
    text: str,
    models: dict[str, settings_llm.Model],
    settings: settings_module.Settings,
    *,
    tokens_max: int,
    on_words: Callable[[str], None] = lambda _: None,
    on_restart: Callable[[str], None] = lambda _: None,
) -> Answered:
    """Ask the first model that answers, live: `on_words` is called as words come, `on_restart` when they are void after all.

    Raises:
        errors.ModelError, errors.BudgetSpent: nobody answered.
    """
    clock = _clock.SystemClock()
    seconds = settings.model.seconds_max or CHECK_SECONDS
    request = llm.Request(messages=(llm.user(text),), tokens_max=tokens_max, seconds=seconds, purpose="ask")

    async def run() -> Answered:
        built, account = stack(models, settings, clock), budget(settings, clock)
        began_s, first_s = clock.monotonic_s(), None
        curtain = veil.Veil()
        try:
            async with contextlib.aclosing(_veiled(built, account, curtain).stream(request)) as pieces:
                async for piece in pieces:
                    match piece:
                        case llm.TextDelta(words):
                            first_s = clock.monotonic_s() - began_s if first_s is None else first_s
                            on_words(words)
                        case llm.Restarted(reason):
                            on_restart(reason)
                        case llm.Finished(reply):
                            dollars = None if account.unpriced else account.dollars
                            hidden = curtain.hide(text) != text
                            trouble = getattr(built.journal, "trouble", "")
                            return Answered(
                                reply,
                                account.calls,
                                dollars,
                                clock.monotonic_s() - began_s,
                                first_s,
                                hidden,
                                trouble,
                            )
        finally:
            await built.aclose()
        raise AssertionError("a stream ends with Finished or raises")

    return _tasks.run(run())
