"""A role lost a permission: one service is refused by another (403) from the second of the change on."""

from rootward.dojo.faults import kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import log_formats, texts


def targets(layout: lay.Layout) -> list[int]:
    """Calls of services to services or third parties whose failure an entry feels."""
    felt = lay.feels(layout)
    able = set(layout.of_kind(bp.Kind.SERVICE, bp.Kind.EXTERNAL))
    callers = set(layout.of_kind(bp.Kind.SERVICE))
    return [
        e
        for e in range(len(layout.calls))
        if int(layout.target[e]) in able
        and int(layout.source[e]) in callers
        and layout.waits[e]
        and felt[layout.source[e]] * layout.required[e] >= 0.3
    ]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    caller, callee = (layout.components[int(ends[target])] for ends in (layout.source, layout.target))
    denied = draft.acting(dice) * dice["denied_share"]
    draft.knobs.refused[:, target] = 1 - (1 - draft.knobs.refused[:, target]) * (1 - denied)
    draft.knobs.hang_s[target] = 0.012
    draft.refusals[target] = log_formats.DENIED
    whom = callee.host or callee.name
    note = draft.note(
        -1,
        "config",
        f"IAM: drop unused actions from role {caller.name}-prod",
        dice.rng,
        path=f"iam/{caller.name}.tf",
        patch=texts.hunk([f'-      "{callee.name}:Invoke",'], [], line=22, context="actions = ["),
        details={"role": f"{caller.name}-prod", "removed": f"{callee.name}:Invoke", "resource": whom},
    )
    return dr.Planted((kit.edge_cause(draft, target, "permission_revoked", note.sha),), int(layout.target[target]))


FAMILY = kit.Family(
    name="permission_revoked",
    summary="A role loses a permission and its service is refused with 403.",
    parameters=(dr.Parameter("denied_share", 0.3, 1.0, "of attempts", +1),),
    targets=targets,
    plant=plant,
    group="network",
    rows=(56,),
    of_calls=True,
)
