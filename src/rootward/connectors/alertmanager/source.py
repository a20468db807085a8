"""Alerts from Alertmanager's API (v2), which remembers those that fire and those that resolved minutes ago.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from collections.abc import Sequence
from typing import Any

from rootward import errors
from rootward.connectors import _http, _json, _reads, _source
from rootward.connectors.alertmanager import webhook
from rootward.signals import alerts as alert_records
from rootward.signals import answers, protocols, windows


class AlertmanagerSource(_source.HttpSource):
    """Fulfils `protocols.AlertSource`."""

    READS = _reads.Reads(
        (
            "GET /api/v2/status",
            "GET /api/v2/alerts",
        )
    )

    async def ping(self, limits: protocols.Limits = protocols.DEFAULT_LIMITS) -> answers.Answer[str]:
        """Reachable and permitted?"""

        async def work(budget: _http.Budget) -> answers.Part[str]:
            body = _json.mapping(await self._http.get_json("/api/v2/status", budget=budget), "the answer")
            about = _json.mapping(body.get("versionInfo"), "versionInfo")
            return answers.Part(f"Alertmanager {_json.optional_text(about.get('version'))}".strip())

        return await self._ask(work, query="/api/v2/status", limits=limits)

    async def alerts(
        self, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[alert_records.Alert]]:
        """See `protocols.AlertSource.alerts`; silenced and inhibited ones too. The newest `limits.records` are kept."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[alert_records.Alert]]:
            body = _json.items(await self._http.get_json("/api/v2/alerts", budget=budget), "the answer")
            found, warnings = _json.read_each(body, self._read, "alerts")
            inside = [one for one in found if _touches(one, window)]
            inside.sort(key=lambda one: (one.starts_at_s, one.name, one.fingerprint))
            kept = inside[-limits.records :]
            return answers.Part(kept, truncated=len(kept) < len(inside), warnings=warnings)

        return await self._ask(work, query="/api/v2/alerts", window=window, limits=limits)

    def _read(self, value: Any) -> alert_records.Alert:
        try:
            return webhook.one(value, now_s=self._http.clock.now_s(), source=self._name)
        except errors.AlertError as error:
            raise errors.BackendMalformed(str(error)) from error


def _touches(alert: alert_records.Alert, window: windows.Window) -> bool:
    ends_at_s = alert.ends_at_s
    return alert.starts_at_s <= window.end_s and (ends_at_s is None or ends_at_s >= window.start_s)
