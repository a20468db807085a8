"""Who can be measured: the embedded reasoner over the dojo's faces, or any command that reads an alert and prints a finding."""

import dataclasses
import shlex

from rootward import errors
from rootward.apps import scenarios
from rootward.dojo.capsule import telemetry as tm
from rootward.evals import command_subject, grading, reply

EMBEDDED = "embedded"
COMMAND_TIMEOUT_S = 300.0
NO_MODEL = (
    "the subject 'model' cannot be measured yet: this version has no package that talks to language models; "
    "measure 'embedded', or your own agent by 'command:…' (docs/guide/evals.md)"
)


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
    """The subject that `text` names: embedded | model | command:…; `timeout_s` is what a command has for one alert.

    Raises:
        InputError: there is none of that name, or it cannot be measured.
    """
    kind, _, rest = text.partition(":")
    if text == EMBEDDED:
        return Embedded()
    if kind == "model":
        raise errors.InputError(NO_MODEL)
    if kind == "command":
        try:
            argv = tuple(shlex.split(rest))
        except ValueError as error:
            raise errors.InputError(f"cannot read the command of {text!r}: {error}") from error
        if not argv:
            raise errors.InputError("command: names no command; write 'command:python my_agent.py'")
        return Command(argv, timeout_s)
    raise errors.InputError(f"no subject named {text!r}; there are: embedded, command:…")
