"""Incidents and change events from PagerDuty's REST API (v2).

Source: https://developer.pagerduty.com/api-reference/
"""

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rootward import _clock, _tasks, errors
from rootward.connectors import _http, _json, _reads, _source
from rootward.connectors.pagerduty import webhook
from rootward.signals import alerts as alert_records
from rootward.signals import answers, entities, protocols, records, redaction, windows

T = TypeVar("T")

PAGE_RECORDS = 100
OFFSET_MAX = 10_000  # PagerDuty refuses to page further
OPEN_BEFORE_S = 24 * 3600.0  # incidents are listed by when they opened: longer ones that are still open are missed
ALERTS_ASKED = 20  # incidents, newest first, whose alerts are read for their labels
CONCURRENCY = 8
_ACCEPT = {"accept": "application/vnd.pagerduty+json;version=2"}
_WORDS: tuple[tuple[str, records.ChangeKind], ...] = (
    (r"\bflags?\b|feature toggle|launchdarkly|unleash|flagsmith", records.ChangeKind.FLAG),
    (r"\bmigrat|\bschema\b|\balter table|\bindex(es)?\b|flyway|liquibase", records.ChangeKind.SCHEMA),
    (r"\bsecrets?\b|\bcertificates?\b|\bcert\b|\brotat|\bvault\b", records.ChangeKind.SECRET),
    (r"\bscal(e|ed|ing)\b|\breplicas?\b|\bautoscal", records.ChangeKind.SCALE),
    (
        r"\bterraform\b|\bpulumi\b|\bnodes?\b|\bupgrade|\bfirewall\b|\bnetwork\b|\bdns\b",
        records.ChangeKind.INFRASTRUCTURE,
    ),
    (r"\bdeploy|\brelease|\brolled out\b|\brollout\b|\brollback\b|\bversion\b", records.ChangeKind.DEPLOY),
    (r"\bconfig", records.ChangeKind.CONFIG),
)


class PagerDutySource(_source.HttpSource):
    """Fulfils `protocols.AlertSource` (incidents) and `protocols.ChangeSource` (change events)."""

    READS = _reads.Reads(
        (
            "GET /incidents",
            "GET /incidents/{}/alerts",
            "GET /change_events",
        )
    )

    async def ping(self, limits: protocols.Limits = protocols.DEFAULT_LIMITS) -> answers.Answer[str]:
        """Reachable and permitted?"""

        async def work(budget: _http.Budget) -> answers.Part[str]:
            body = await self._http.get_json("/incidents", {"limit": 1}, budget=budget, headers=_ACCEPT)
            if "incidents" not in _json.mapping(body, "the answer"):
                raise errors.BackendMalformed("the answer has no incidents")
            return answers.Part("PagerDuty REST API v2")

        return await self._ask(work, query="/incidents", limits=limits)

    async def alerts(
        self, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[alert_records.Alert]]:
        """See `protocols.AlertSource.alerts`; incidents that opened up to a day before the window, with their alerts' labels."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[alert_records.Alert]]:
            wide = window.widened(before_s=OPEN_BEFORE_S)
            bodies, truncated, warnings = await self._pages("/incidents", "incidents", wide, limits, budget)
            raw = [_json.inner({"one": one}, "one") for one in bodies]
            newest = [i for i in range(len(raw) - 1, -1, -1) if raw[i].get("id")][:ALERTS_ASKED]
            jobs = [functools.partial(self._labels, str(raw[i]["id"]), budget) for i in newest]
            told = dict(zip(newest, await _tasks.run_all(jobs, limit=CONCURRENCY), strict=True))
            numbered = list(enumerate(bodies))
            found, complaints = _json.read_each(
                numbered, lambda pair: self._incident(pair[1], told.get(pair[0])), "incidents"
            )
            inside = sorted(
                (one for one in found if _touches(one, window)), key=lambda one: (one.starts_at_s, one.name)
            )
            kept = inside[-limits.records :]
            return answers.Part(kept, truncated or len(kept) < len(inside), (*warnings, *complaints))

        return await self._ask(work, query="/incidents", window=window, limits=limits)

    async def changes(
        self,
        window: windows.Window,
        limits: protocols.Limits = protocols.DEFAULT_LIMITS,
        *,
        closely: windows.Window | None = None,  # noqa: ARG002 -- change events have no files
    ) -> answers.Answer[Sequence[records.Change]]:
        """See `protocols.ChangeSource.changes`; the kind is custom_details.kind where it is given, else told by words."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[records.Change]]:
            bodies, truncated, warnings = await self._pages("/change_events", "change_events", window, limits, budget)
            found, complaints = _json.read_each(bodies, self._change, "change events")
            inside = sorted((one for one in found if window.contains(one.time_s)), key=lambda one: (one.time_s, one.id))
            kept = inside[-limits.records :]
            return answers.Part(kept, truncated or len(kept) < len(inside), (*warnings, *complaints))

        return await self._ask(work, query="/change_events", window=window, limits=limits)

    async def _pages(
        self, path: str, key: str, window: windows.Window, limits: protocols.Limits, budget: _http.Budget
    ) -> tuple[list[Any], bool, tuple[str, ...]]:
        """All records of a list, whether some are missing, and warnings."""
        found: list[Any] = []
        while len(found) < limits.records and len(found) + PAGE_RECORDS <= OFFSET_MAX:
            params: dict[str, str | int | float | bool] = {
                "since": _clock.to_iso(window.start_s),
                "until": _clock.to_iso(window.end_s + 1.0),  # PagerDuty counts whole seconds
                "limit": min(PAGE_RECORDS, limits.records - len(found)),
                "offset": len(found),
            }
            try:
                body = _json.mapping(
                    await self._http.get_json(path, params, budget=budget, headers=_ACCEPT), "the answer"
                )
            except errors.BackendError as error:
                if not found:
                    raise
                return found, True, (f"later pages did not come: {error}",)
            if key not in body:
                raise errors.BackendMalformed(f"the answer has no {key}")
            page = _json.items(body[key], key)
            found += page
            if body.get("more") is not True or not page:
                return found, False, ()
        return found, True, ()

    async def _labels(self, incident_id: str, budget: _http.Budget) -> dict[str, str]:
        """The labels of the alerts that opened an incident; none when they cannot be had, for the incident itself counts more."""
        path = f"/incidents/{incident_id}/alerts"
        try:
            body = _json.mapping(await self._http.get_json(path, budget=budget, headers=_ACCEPT), "the answer")
            listed = _json.items(body.get("alerts"), "alerts")
        except errors.BackendError:
            return {}
        first = next((one for one in listed if isinstance(one, dict)), {})
        return webhook.details_of(_json.inner(first, "body"))

    def _incident(self, value: Any, labels: dict[str, str] | None) -> alert_records.Alert:
        return _as_record(lambda: webhook.incident(value, labels, source=self._name))

    def _change(self, value: Any) -> records.Change:
        body = _json.mapping(value, "a change event")
        details = _json.text_labels(_json.inner(body, "custom_details"), "custom_details")
        summary = redaction.redact(_json.optional_text(body.get("summary")))
        services = [one for one in _json.items(body.get("services"), "services") if isinstance(one, dict)]
        service = next((one["summary"] for one in services if isinstance(one.get("summary"), str)), "")
        service = service or details.get("service", "")
        links = [one for one in _json.items(body.get("links"), "links") if isinstance(one, dict)]
        return records.Change(
            kind=_kind(details.get("kind", ""), f"{summary} {_json.optional_text(body.get('source'))}"),
            time_s=_json.time(body.get("timestamp"), "timestamp"),
            summary=summary,
            id=_json.optional_text(body.get("id")),
            entity=entities.Entity(entities.EntityKind.SERVICE, service) if service else None,
            author=details.get("author", "") or details.get("user", ""),
            version=details.get("version", ""),
            detail=redaction.redact_labels(details),
            source=self._name,
            link=next((one["href"] for one in links if isinstance(one.get("href"), str)), ""),
        )


def _as_record(read: Callable[[], T]) -> T:
    try:
        return read()
    except errors.AlertError as error:
        raise errors.BackendMalformed(str(error)) from error


def _kind(told: str, words: str) -> records.ChangeKind:
    if told in frozenset(records.ChangeKind):
        return records.ChangeKind(told)
    lowered = words.lower()
    return next((kind for pattern, kind in _WORDS if re.search(pattern, lowered)), records.ChangeKind.CONFIG)


def _touches(alert: alert_records.Alert, window: windows.Window) -> bool:
    ends_at_s = alert.ends_at_s
    return alert.starts_at_s <= window.end_s and (ends_at_s is None or ends_at_s >= window.start_s)
