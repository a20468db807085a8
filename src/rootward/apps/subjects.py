"""Who can be measured: the embedded reasoner (alone, or with a model) over the dojo's faces, or any command that reads an alert and prints a finding."""

import dataclasses
import shlex

from rootward import errors
from rootward.apps import advising, models, scenarios, settings
from rootward.dojo.capsule import telemetry as tm
from rootward.evals import command_subject, grading, reply

EMBEDDED = "embedded"
MODEL = "model"
COMMAND_TIMEOUT_S = 300.0


@dataclasses.dataclass(frozen=True, slots=True)
class Embedded:
    """The reasoner that needs no model, asked as on-call engineers get it: faces, connectors, investigator."""

    def ask(self, scenario: tm.Scenario) -> reply.Reply:
        """The finding as a reply.

        Raises:
            AlertError: the scenario's alert is not one.
        """
        return reply.from_finding(scenarios.explain(scenario))


@dataclasses.dataclass(frozen=True, slots=True)
class Advised:
    """The reasoner with a model's second opinion: the models of the settings, or only those named."""

    names: tuple[str, ...] = ()

    def ask(self, scenario: tm.Scenario) -> reply.Reply:
        """The finding as a reply, with the tokens that the model took.

        Raises:
            SettingsError: no model is configured, or not that one.
            AlertError: the scenario's alert is not one.
        """
        configured = settings.load()
        advisor = advising.Advisor(models.chosen(configured, self.names), configured)
        finding = scenarios.explain(scenario, advisor=advisor)
        tokens = finding.opinion.tokens if finding.opinion is not None else 0
        return dataclasses.replace(reply.from_finding(finding), tokens=tokens)


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """Somebody's agent: a command that is given the alert and the addresses of the faces, and prints what it found."""

    argv: tuple[str, ...]
    timeout_s: float

    def ask(self, scenario: tm.Scenario) -> reply.Reply:
        """Serve the scenario, run the command, read its answer.

        Raises:
            Unanswered: it could not be run, took too long, or printed something else.
        """
        answer = command_subject.CommandSubject(self.argv, self.timeout_s).investigate(scenario)
        if answer.failure:
            raise grading.Unanswered(answer.failure, status=answer.status)
        return reply.from_command(answer)


def named(text: str, *, timeout_s: float = COMMAND_TIMEOUT_S) -> grading.Subject:
    """The subject that `text` names: embedded | model | model:NAME,… | command:…; `timeout_s` is what a command has for one alert.

    Raises:
        InputError: there is none of that name.
        SettingsError: the model is not configured.
    """
    kind, _, rest = text.partition(":")
    if text == EMBEDDED:
        return Embedded()
    if kind == MODEL:
        names = tuple(one.strip() for one in rest.split(",") if one.strip())
        models.chosen(settings.load(), names)  # a name that is not configured is told before anything is run
        return Advised(names)
    if kind == "command":
        try:
            argv = tuple(shlex.split(rest))
        except ValueError as error:
            raise errors.InputError(f"cannot read the command of {text!r}: {error}") from error
        if not argv:
            raise errors.InputError("command: names no command; write 'command:python my_agent.py'")
        return Command(argv, timeout_s)
    raise errors.InputError(f"no subject named {text!r}; there are: embedded, model, model:NAME, command:…")
