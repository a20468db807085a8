"""A machine's clock runs away after its time service stopped: tokens made there are not valid yet, or not any more, elsewhere."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import pods

TEXTS = {
    "go": "token rejected: jwt: token used before issued (iat in the future)",
    "java": "io.jsonwebtoken.PrematureJwtException: JWT early: not before date is in the future",
    "python": "jwt.exceptions.ImmatureSignatureError: The token is not yet valid (iat)",
    "node": "NotBeforeError: jwt not active",
    "nginx": "auth request unexpected status: 401 while sending to client: token not yet valid",
}


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    names = pods.node_names(draft)
    node = int(draft.rng("drifting clock", target).integers(0, len(names)))
    acting = draft.acting(dice, ramp_s=dice["minutes_to_drift"] * 60.0)
    draft.levels["node_timex_offset_seconds", node] = acting * dice["offset_s"]
    # Nobody minds until the offset is beyond the leeway that validators allow.
    beyond = (acting * dice["offset_s"] > dice["leeway_s"]) * dice["failing_share"]
    kit.only_on(draft, lambda n: n == node, beyond.astype(float), TEXTS)
    cause = oracle.Cause("node", names[node], "clock_drift", kit.onset_s(draft))
    return dr.Planted((cause,), -1)


FAMILY = kit.Family(
    name="clock_drift",
    summary="A machine's clock drifts away and tokens made there are refused.",
    parameters=(
        dr.Parameter("offset_s", 40, 180, "s", +1),
        dr.Parameter("leeway_s", 5, 20, "s"),
        dr.Parameter("minutes_to_drift", 2.0, 8.0, "min"),
        dr.Parameter("failing_share", 0.2, 0.7, "of requests there", +1),
    ),
    targets=kit.busy_services,
    plant=plant,
    group="network",
    rows=(43,),
)
