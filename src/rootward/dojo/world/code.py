"""The change stream: commits, pull requests, roll-outs, and the changes that pipelines report to PagerDuty."""

from rootward import _rng
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world import texts, workloads

PAST_DAYS = 5.0
ROLL_OUT_S = 140.0


def repository(frame: fr.Frame, component: int) -> str:
    plan = frame.layout.plan
    return f"{plan.organisation}/{frame.layout.components[component].name if component >= 0 else 'platform'}"


def code(frame: fr.Frame) -> tm.Code:
    """Everything in the repositories, in order of time; a release is merged minutes before it is rolled out."""
    rng = frame.rng("code")
    commits: list[tm.Commit] = []
    pulls: list[tm.Pull] = []
    deployments: list[tm.Deployment] = []
    work = [*_past(frame), *((float(frame.times_s[r.at]), r) for r in frame.draft.releases)]
    for number, (at_s, release) in enumerate(sorted(work, key=lambda pair: pair[0])):
        name, where = frame.layout.components[release.component].name, repository(frame, release.component)
        merged_s = round(at_s - float(rng.uniform(200, 900)), 3)
        commits.append(
            tm.Commit(
                merged_s,
                release.sha,
                release.author,
                f"{release.title} (#{400 + number})\n\n{release.body}".strip(),
                where,
                release.files,
            )
        )
        pulls.append(
            tm.Pull(
                400 + number,
                release.title,
                release.author,
                where,
                round(merged_s - float(rng.uniform(3e3, 2e5)), 3),
                merged_s,
                release.sha,
                release.body,
            )
        )
        payload = {
            "service": name,
            "version": release.version,
            "image": f"registry.{frame.layout.plan.domain}/{name}:{release.version}",
        }
        rolled_s = ROLL_OUT_S + 30.0 * float(frame.layout.replicas[release.component])
        stalled = any(one.at == release.at and one.stuck for one in frame.fleet.generations[release.component])
        deployments.append(
            tm.Deployment(
                round(at_s - 15.0, 3),
                1_700_000_000 + 7919 * number + int(rng.integers(0, 5000)),
                release.sha,
                where,
                "production",
                "deploy-bot",
                f"Deploy {name} {release.version}",
                payload,
                "failure" if stalled else "success",
                round(at_s + (workloads.DEADLINE_S if stalled else rolled_s), 3),
            )
        )
    commits += [
        tm.Commit(
            round(float(frame.times_s[notice.at]) - 95.0, 3),
            notice.sha,
            notice.author,
            notice.summary,
            repository(frame, notice.component),
            {notice.path: notice.patch},
        )
        for notice in frame.draft.notices
        if notice.sha
    ]
    commits.sort(key=lambda c: (c.time_s, c.sha))
    return tm.Code(tuple(commits), tuple(pulls), tuple(deployments))


def _past(frame: fr.Frame) -> list[tuple[float, dr.Release]]:
    """Releases of the days before the window."""
    rng = frame.rng("past")
    layout = frame.layout
    services = layout.of_kind(bp.Kind.SERVICE)
    made = []
    for _ in range(min(3 * len(services), 60)):
        i = services[int(rng.integers(0, len(services)))]
        patch = texts.innocent(layout.components[i], rng)
        at_s = float(frame.times_s[0]) - float(rng.uniform(0.1, PAST_DAYS)) * 86_400
        version = f"{rng.integers(1, 5)}.{rng.integers(0, 40)}.{rng.integers(0, 12)}"
        made.append(
            (
                at_s,
                dr.Release(
                    i, 0, _rng.token(rng, 40), version, frame.draft.person(rng), patch.title, patch.files, patch.body
                ),
            )
        )
    return made


def change_events(frame: fr.Frame) -> tuple[tm.ChangeEvent, ...]:
    """Configuration, flags, schemas and infrastructure as pipelines report them, in order of time."""
    rng = frame.rng("changes")
    found = []
    sources = {
        "flag": "flagsmith",
        "config": "argocd",
        "schema": "flyway",
        "secret": "vault",
        "infrastructure": "terraform",
        "scale": "argocd",
    }
    for notice in sorted(frame.draft.notices, key=lambda n: n.at):
        service = frame.layout.components[notice.component].name if notice.component >= 0 else "platform"
        details = {
            "kind": notice.kind,
            "service": service,
            "author": notice.author,
            **notice.details,
            **({"commit": notice.sha} if notice.sha else {}),
        }
        time_s = round(float(frame.times_s[notice.at]) - float(rng.uniform(2, 14)), 3)
        found.append(
            tm.ChangeEvent(
                time_s,
                _rng.token(rng, 14, "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"),
                notice.summary,
                sources.get(notice.kind, "ci"),
                service,
                details,
            )
        )
    return tuple(sorted(found, key=lambda c: (c.time_s, c.id)))
