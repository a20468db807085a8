"""Who can be measured: the embedded reasoner over the dojo's faces, or any command that reads an alert and prints a finding."""

import dataclasses

from rootward import errors
from rootward.apps import scenarios
from rootward.dojo.capsule import telemetry as tm
from rootward.evals import grading, reply

EMBEDDED = "embedded"
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


def named(text: str) -> grading.Subject:
    """The subject that `text` names: embedded | model | command:….

    Raises:
        InputError: there is none of that name, or it cannot be measured.
    """
    kind, _, _rest = text.partition(":")
    if text == EMBEDDED:
        return Embedded()
    if kind == "model":
        raise errors.InputError(NO_MODEL)
    raise errors.InputError(f"no subject named {text!r}; there are: embedded, command:…")
