"""From settings to a finding or a health report over a team's own back ends."""

from collections.abc import Callable

from rootward import _clock, _tasks, errors
from rootward.apps import settings as settings_module
from rootward.apps import wiring
from rootward.investigator import briefing, investigate
from rootward.investigator import finding as findings
from rootward.signals import alerts

NO_CONNECTORS = (
    "no connectors are configured, so there is nobody to ask; name at least a Prometheus in rootward.yaml "
    "(docs/guide/your-own-prometheus.md) and check it with `rootward doctor`"
)


def explain(
    alert: alerts.Alert,
    settings: settings_module.Settings,
    *,
    on_stage: Callable[[str], None] = lambda _: None,
    brief: briefing.Briefing = briefing.NOTHING,
    advisor: investigate.Advisor | None = None,
) -> findings.Finding:
    """Investigate one alert over the configured back ends, as of now; `brief` is what memory holds for it.

    Raises:
        SettingsError: no connector is configured, or one cannot be built.
    """
    if not settings.connectors:
        raise errors.SettingsError(NO_CONNECTORS)
    clock = _clock.SystemClock()

    async def run() -> findings.Finding:
        sources = wiring.sources_from_settings(settings, clock)
        try:
            return await investigate.investigate(
                alert,
                sources,
                clock=clock,
                chosen=wiring.options_from_settings(settings),
                overrides=wiring.overrides_from_settings(settings),
                on_stage=on_stage,
                brief=brief,
                advisor=advisor,
            )
        finally:
            await sources.aclose()

    return _tasks.run(run())
