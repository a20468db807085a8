"""What is said in the channels and paged: bots post, people guess, most of it beside the point."""

from rootward import _clock
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import alerting
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world.rules import watching

ALERTS, DEPLOYS, TALK = "alerts-prod", "deploys", "engineering"
_GUESSES = (
    "anyone looking at {alerted}?",
    "seeing a few complaints from support about {alerted}, is this known",
    "could this be the {innocent} rollout? went out not long ago",
    "{innocent} dashboards look a bit odd to me but that might be nothing",
    "I can take a look, give me 5",
    "is this the same thing as last Tuesday?",
    "{alerted} looks unhappy since about {time} UTC",
    "not touching anything yet, just reading dashboards",
)
_SMALL_TALK = (
    "standup moved to 10:15 tomorrow",
    "who has the notes from the capacity review?",
    "reminder: certificates inventory is due on Friday",
    "the staging cluster will be upgraded tonight, prod is not affected",
    "lunch?",
    "{innocent} on-call handover is done, quiet week",
    "can somebody review my change to the {innocent} dashboard",
    "load test on staging from 14:00, ignore staging alerts please",
)


def messages(
    frame: fr.Frame, found: list[tuple[watching.Watch, tm.FiredAlert]], chosen: alerting.Page
) -> tuple[tm.ChatMessage, ...]:
    """Channels over the window, in order of time."""
    rng = frame.rng("people")
    layout = frame.layout
    services = [layout.components[i].name for i in layout.of_kind(bp.Kind.SERVICE)]
    said: list[tm.ChatMessage] = []
    for _, alert in found:
        severity = alert.labels.get("severity", "")
        said.append(
            tm.ChatMessage(
                alert.starts_s + 1.4,
                ALERTS,
                "Alertmanager",
                f"[FIRING:1] {alert.rule} ({severity}) {alert.annotations.get('summary', '')}",
                bot=True,
            )
        )
        if alert.ends_s is not None:
            said.append(
                tm.ChatMessage(
                    alert.ends_s + 1.1,
                    ALERTS,
                    "Alertmanager",
                    f"[RESOLVED] {alert.rule} {alert.annotations.get('summary', '')}",
                    bot=True,
                )
            )
    for release in frame.draft.releases:
        name = layout.components[release.component].name
        said.append(
            tm.ChatMessage(
                float(frame.times_s[release.at]) - 12.0,
                DEPLOYS,
                "deploy-bot",
                f"{release.author} is deploying {name} {release.version} to production: {release.title}",
                bot=True,
            )
        )
    remarking = frame.rng("remarks")
    for remark in frame.draft.remarks:
        at_s = round(float(frame.times_s[remark.at]) + float(remarking.uniform(0.0, frame.step_s)), 3)
        said.append(tm.ChatMessage(at_s, remark.channel, remark.user, remark.text, bot=remark.bot))
    alerted = layout.components[chosen.component].name
    clock = _clock.to_iso(chosen.alert.active_s)[11:16]

    def say(channel: str, at_s: float, texts: tuple[str, ...]) -> None:
        text = texts[int(rng.integers(0, len(texts)))]
        innocent = services[int(rng.integers(0, len(services)))]
        said.append(
            tm.ChatMessage(
                round(at_s, 3),
                channel,
                frame.draft.person(rng),
                text.format(alerted=alerted, innocent=innocent, time=clock),
            )
        )

    for _ in range(int(rng.integers(2, 6))):
        say(ALERTS, chosen.alert.starts_s + float(rng.exponential(100.0)) + 8.0, _GUESSES)
    span_s = frame.steps * frame.step_s
    for _ in range(int(rng.poisson(span_s / 3600.0 * frame.noise.talk_per_h))):
        say(TALK, float(frame.times_s[0]) + float(rng.uniform(0, span_s)), _SMALL_TALK)
    return tuple(sorted(said, key=lambda m: (m.time_s, m.channel, m.user, m.text)))


def incidents(frame: fr.Frame, found: list[tuple[watching.Watch, tm.FiredAlert]]) -> tuple[tm.Incident, ...]:
    """Pages become incidents seconds after they fire."""
    opened = []
    number = 2000 + int(frame.rng("incidents").integers(0, 4000))
    for watch, alert in found:
        if watch.page:
            number += 1
            opened.append(
                tm.Incident(
                    round(alert.starts_s + 4.2, 3),
                    number,
                    f"[FIRING:1] {alert.rule} {alert.labels.get('service', '')}",
                    alert.labels.get("service", ""),
                    "high",
                    alert.ends_s,
                    alert.labels,
                )
            )
    return tuple(opened)
