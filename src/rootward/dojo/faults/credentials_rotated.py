"""A database's password is rotated and its clients keep the old one: all of them are refused at the same instant."""

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import log_formats


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    database = layout.components[target]
    # The rotation ends old sessions; those that are in the middle of something go last.
    closed = draft.acting(dice, ramp_s=dice["seconds_to_close"]) * dice["stale_clients"]
    calls = layout.calls_to(target)
    for e in calls:
        user = layout.components[layout.source[e]].name.replace("-", "_")
        words = log_formats.sql_error(
            f'password authentication failed for user "{user}"', "28P01", "OperationalError", word="FATAL"
        )
        kit.refuse(draft, e, closed, words, "28P01")
        said = (
            f'FATAL:  password authentication failed for user "{user}"\n\tDETAIL:  Connection matched file "/etc/postgresql/pg_hba.conf" line 95: "host all all all scram-sha-256"',
        )
        draft.voices.append(dr.Voice(target, "error", closed * min(kit.usual_rate(draft, e), 4.0), said, steady=True))
    note = draft.note(
        target,
        "secret",
        f"Rotate credentials of {database.name}",
        dice.rng,
        path=f"secrets/{database.name}/credentials.sops.yaml",
        patch=f"@@ -3,3 +3,3 @@ stringData:\n \n-  version: {dice.rng.integers(3, 30)}\n+  version: {dice.rng.integers(30, 60)}\n ",
        details={"secret": f"{database.name}-credentials", "engine": "database", "restarted": "none"},
    )
    clients = {layout.components[layout.source[e]].name for e in calls}
    cause = kit.database_cause(draft, target, "db_credentials", note.sha)
    return dr.Planted((cause,), target, suspects=tuple(sorted(clients)))


FAMILY = kit.Family(
    name="credentials_rotated",
    summary="A database's credentials are rotated while its clients keep the old ones: all are refused at one instant.",
    parameters=(
        dr.Parameter("seconds_to_close", 5, 60, "s", -1),
        dr.Parameter("stale_clients", 0.7, 1.0, "of connections", +1),
    ),
    targets=kit.felt_databases,
    plant=plant,
    group="data",
    rows=(17,),
    kinds=("db_credentials",),
)
