"""What Rootward does for other agents: investigate, tell what was found and on what evidence, ask back ends more, search memory.

Whoever asks is most likely a language model, so addresses leave as placeholders, as they do to our own (`veil`), and what production
said comes marked as data. Production is only read; the one thing that is written is the finding, into memory.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal

import pydantic

from rootward import _clock, errors
from rootward.apps import live, remembered, steered, wiring
from rootward.apps import settings as settings_module
from rootward.apps.report import memory as shown
from rootward.investigator import frame as framing
from rootward.investigator import ledger
from rootward.investigator.causal import case
from rootward.investigator.opinion import dossier, prompt, questions
from rootward.investigator.probing import notebook
from rootward.memory import recall, records
from rootward.signals import alert_labels, alerts, veil

PREFIX = "Q"  # of evidence that was asked for
LINES_MAX = 60  # of one answer
SPAN_S_MAX = 14 * 86_400.0  # of one question without a finding
Question = Literal["logs", "metric", "find_metrics", "traces", "objects"]


class Desk:
    """Over the configured back ends and one environment's memory. Methods raise only `errors.RootwardError`."""

    def __init__(self, settings: settings_module.Settings, clock: _clock.Clock) -> None:
        """Raises SettingsError where no back end is configured."""
        if not settings.connectors:
            raise errors.SettingsError(live.NO_CONNECTORS)
        self._settings = settings
        self._clock = clock
        self._place = remembered.place(settings)
        self._veil = veil.Veil(veil.Choice(emails=settings.opinion.hide_emails, ips=settings.opinion.hide_ips))

    def investigate(self, alert: object, *, model: bool, on_stage: Callable[[str], None]) -> dict[str, Any]:
        """Why the alert fired; `id` is what the finding was kept under ("" if it was not: `note` says why). Takes seconds, and has an
        event loop of its own."""
        fired = wiring.read_alert(self._veil.restore_tree(alert))
        told = steered.over_live(fired, self._settings, memory=True, model=model, on_stage=on_stage)
        return self._told({"id": told.kept, "note": told.note, "finding": _brief(told.finding.to_json())})

    def findings(self, *, limit: int, service: str, status: str) -> dict[str, Any]:
        """Past findings, newest first."""
        with self._place.open() as memory:
            every = memory.incidents()
        chosen = [one for one in reversed(every) if service in ("", one.service) and status in ("", one.status)]
        rows = [
            {
                "id": one.id,
                "alert": one.alert,
                "service": one.service,
                "fired": _clock.to_iso(one.fired_s),
                "status": one.status,
                "cause": one.cause,
                "fault": one.fault,
                "summary": one.summary,
            }
            for one in chosen[:limit]
        ]
        return self._told({"findings": rows, "in_all": len(chosen)})

    def finding(self, key: str) -> dict[str, Any]:
        """One finding, without its evidence's bodies."""
        return self._told({"id": key, "finding": _brief(self._incident(key).finding)})

    def evidence(self, key: str, ids: list[str]) -> dict[str, Any]:
        """The evidence that a finding cites, all of it or some: what was asked of whom, over which window, what came back."""
        items = self._incident(key).finding.get("evidence")
        known = (
            {str(one.get("id")): one for one in items if isinstance(one, Mapping)} if isinstance(items, list) else {}
        )
        unknown = [one for one in ids if one not in known]
        if unknown:
            raise errors.InputError(
                f"finding {key} cites no evidence {unknown[0]!r}; it cites {', '.join(known) or 'none'}"
            )
        return self._told({"id": key, "evidence": [known[one] for one in ids or known]})

    def search(self, query: str, *, limit: int) -> dict[str, Any]:
        """Facts and past findings that are most like a text."""
        with self._place.open() as memory:
            hits = recall.search(memory, self._veil.restore(query), now_s=self._clock.now_s(), most=limit)
        return self._told({"hits": shown.hits_json(hits)})

    async def ask(self, name: Question, arguments: dict[str, Any], *, about: str, minutes: float) -> dict[str, Any]:
        """One more question to the back ends: about the time of a finding, or the last `minutes` with the time before them."""
        question = next(one for one in questions.EVERY if one.name == name)
        try:
            asked = question.arguments.model_validate(self._veil.restore_tree(arguments))
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "arguments"
            raise errors.InputError(f"{name}: {where}: {first['msg']}") from error
        chosen = wiring.options_from_settings(self._settings)
        if not about:
            chosen = dataclasses.replace(chosen, lead_s=min(max(minutes * 60.0, 60.0), SPAN_S_MAX))
        alert, now_s = self._alert(about)
        frame = framing.frame(alert, now_s=now_s, chosen=chosen)
        subject = case.Case(alert, frame.baseline, frame.focus, now_s)
        notes, papers = notebook.Notebook(ledger.Ledger(PREFIX)), dossier.Dossier()
        sources = wiring.sources_from_settings(self._settings, self._clock)
        try:
            answer = await question.ask(questions.Desk(subject, sources, chosen, notes, papers), asked)
        finally:
            await sources.aclose()
        if answer.failed and not answer.evidence:
            raise errors.InputError(answer.text)
        (item,) = notes.ledger.items()
        paper = papers.get(item.id)
        lines = papers.read(item.id, lines=LINES_MAX)
        return self._told(
            {
                "outcome": str(item.outcome),
                "source": item.source,
                "query": item.query,
                "window": [_clock.to_iso(one) for one in (item.window.start_s, item.window.end_s)]
                if item.window
                else None,
                "warnings": list(item.warnings),
                "lines": [prompt.fenced(line) for line in lines],
                "lines_in_all": len(paper.whole) if paper else 0,
            }
        )

    def _alert(self, about: str) -> tuple[alerts.Alert, float]:
        """What a question is about, and as of when."""
        now_s = self._clock.now_s()
        if not about:
            return alerts.Alert("a question", now_s), now_s
        one = self._incident(about)
        alert = alerts.Alert(one.alert, one.fired_s, labels=one.labels, entity=alert_labels.entity(one.labels))
        timing = one.finding.get("timing")
        try:
            asked_s = _clock.from_iso(str(timing.get("started"))) if isinstance(timing, Mapping) else now_s
        except ValueError:
            asked_s = now_s
        return alert, max(min(asked_s, now_s), one.fired_s)

    def _incident(self, key: str) -> records.Incident:
        if records.kind_of_id(key) != "incident":
            raise errors.InputError(f"{key!r} is no finding's id, which is such as I7; list_findings tells them")
        with self._place.open() as memory:
            found = memory.get(key)
        assert isinstance(found, records.Incident), "ids tell kinds"
        return found

    def _told(self, value: dict[str, Any]) -> dict[str, Any]:
        hidden = self._veil.hide_tree(value)
        assert isinstance(hidden, dict), "as it was"
        return hidden


def _brief(finding: Mapping[str, Any]) -> dict[str, Any]:
    """A finding as an agent needs it first: without charts, evidence by what it says; the rest is asked for by id."""
    left_out = ("charts", "evidence", "schema_version")
    cited = finding.get("evidence")
    items = [one for one in cited if isinstance(one, Mapping)] if isinstance(cited, list) else []
    evidence = {str(one.get("id")): f"{one.get('source')}: {one.get('summary')}" for one in items}
    return {**{key: value for key, value in finding.items() if key not in left_out}, "evidence": evidence}
