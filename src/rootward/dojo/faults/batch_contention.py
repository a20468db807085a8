"""A nightly export shares its database with everybody: at the same minute each time, statements wait for it and recover after it."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, objects, texts
from rootward.dojo.world import layout as lay

JOB = "warehouse-export"
STATEMENT = "duration: {ms:.3f} ms  statement: COPY (SELECT * FROM events WHERE day >= $1) TO STDOUT -- {job}"


def targets(layout: lay.Layout) -> list[int]:
    """Databases whose failure an entry feels."""
    felt = lay.feels(layout)
    return [
        i
        for i in layout.of_kind(bp.Kind.DATABASE)
        if any(felt[layout.source[e]] * layout.required[e] >= 0.3 for e in layout.calls_to(i))
    ]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, database = draft.layout, draft.layout.components[target]
    running = draft.acting(dice, ramp_s=30.0)
    draft.knobs.wait_s[:, target] += running * dice["waits_ms"] / 1e3
    need = float(layout.rate[target]) * draft.traffic_at_onset() / float(layout.replicas[target])
    draft.knobs.cpu_s[:, target] += running * dice["cpu_share"] * float(layout.cores[target]) / max(need, 1e-9)
    text = STATEMENT.format(ms=dice["statement_s"] * 1e3, job=JOB)
    draft.voices.append(dr.Voice(target, "info", running / 25.0, (text,), steady=True))
    place = (layout.plan.namespace, "CronJob", JOB)
    schedule = {"schedule": "*/15 * * * *", "concurrencyPolicy": "Forbid", "suspend": False}
    made_s = float(draft.times_s[0]) - 86_400.0 * 63
    cron = objects.body("batch/v1", "CronJob", layout.plan.namespace, JOB, made_s, spec=schedule)
    draft.objects.append(dr.ObjectChange(-1, cron))
    starts = [t for t in range(1, draft.steps) if running[t] > 0 and running[t - 1] == 0]
    for k, step in enumerate(starts):
        name = f"{JOB}-{29_100_000 + int(draft.times_s[step]) // 60 % 100_000 + k}"
        draft.happenings.append(
            dr.Happening(
                step, place, "SuccessfulCreate", f"Created job {name}", warning=False, source="cronjob-controller"
            )
        )
    suspects = _innocent_release(draft, target, dice)
    aliases = (("database", database.name), ("service", database.name), ("workload", database.name))
    cause = oracle.Cause("workload", JOB, "batch_contention", kit.onset_s(draft), "", aliases)
    return dr.Planted((cause,), target, suspects=suspects)


def _innocent_release(draft: dr.Draft, target: int, dice: dr.Dice) -> tuple[str, ...]:
    """Somebody who uses the database deployed three minutes before, and is innocent."""
    users = sorted({int(draft.layout.source[e]) for e in draft.layout.calls_to(target)})
    chosen = users[int(dice.rng.integers(0, len(users)))]
    component = draft.layout.components[chosen]
    history.release(draft, chosen, draft.onset - draft.steps_in(180.0), texts.innocent(component, dice.rng))
    return (component.name,)


FAMILY = kit.Family(
    name="batch_contention",
    summary="A batch job contends for a database at the same minute each time.",
    parameters=(
        dr.Parameter("waits_ms", 60, 700, "ms per statement", +1),
        dr.Parameter("cpu_share", 0.3, 0.8, "of the database's CPU", +1),
        dr.Parameter("statement_s", 20, 140, "s"),
    ),
    targets=targets,
    plant=plant,
    group="data",
    shapes=("periodic", "step"),
    rows=(52,),
)
