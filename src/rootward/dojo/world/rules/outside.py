"""The rule over probes from outside the cluster."""

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world.rules import watching


def watches(frame: fr.Frame) -> list[watching.Watch]:
    if frame.draft.reach is None:
        return []
    i = frame.layout.entries[0]
    url = f"https://www.{frame.layout.plan.domain}/"
    seen = watching.over_window(frame, frame.draft.reach) / max(1, round(watching.WINDOW_S / frame.step_s))
    rule = tm.AlertRule(
        "SiteProbeFailing",
        f'avg_over_time(probe_success{{job="blackbox",instance="{url}"}}[5m]) < 0.8',
        60.0,
        watching.labels(frame, i, "critical") | {"instance": url},
        {
            "summary": f"{url} fails from outside",
            "description": f"Probes of {url} from outside the cluster are failing (success {{{{ $value }}}}).",
        },
        group="blackbox",
    )
    return [watching.Watch(rule, i, True, seen < 0.8, seen)]
