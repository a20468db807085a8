"""A second opinion as settings name it: the configured models, with their budget, behind the investigator's protocol."""

from collections.abc import Sequence

from rootward import _clock
from rootward.apps import models, settings_llm
from rootward.apps import settings as settings_module
from rootward.investigator import finding as findings
from rootward.investigator import gather, opinion, options
from rootward.investigator.causal import case
from rootward.signals import veil


class Advisor:
    """Fulfils `investigate.Advisor` with the models of the settings; each investigation has a budget and connections of its own."""

    def __init__(self, chosen: dict[str, settings_llm.Model], settings: settings_module.Settings) -> None:
        self._chosen, self._settings = chosen, settings

    async def opine(
        self, gathered: gather.Gathered, judgement: case.Judgement, finding: findings.Finding, chosen: options.Options
    ) -> findings.Finding:
        """See `opinion.Consultant.opine`."""
        clock = _clock.SystemClock()  # a model is outside any simulated production, and so is its time
        use, part = self._settings.model, self._settings.opinion
        limits = opinion.Limits(
            turns=part.turns,
            questions=part.questions,
            prompt_chars=part.prompt_chars,
            reply_tokens=part.reply_tokens,
            seconds=use.seconds_max or part.seconds,
        )
        stack = models.stack(self._chosen, self._settings, clock)
        try:
            model = stack.under(models.budget(self._settings, clock))
            hidden = veil.Choice(emails=part.hide_emails, ips=part.hide_ips)
            return await opinion.Consultant(model, limits, hidden).opine(gathered, judgement, finding, chosen)
        finally:
            await stack.aclose()


def advisor(settings: settings_module.Settings, names: Sequence[str] = ()) -> Advisor | None:
    """Over the models `names`, or those that settings say; None where none is configured or no opinion is wanted.

    Raises:
        errors.SettingsError: one of the names is not configured.
    """
    if not names and not (settings.models and settings.opinion.use):
        return None
    return Advisor(models.chosen(settings, names), settings)
