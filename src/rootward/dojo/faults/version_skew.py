"""Half of a service's pods answer in a new format that its callers do not know: the callers fail to read what was answered well."""

from rootward.dojo.faults import kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, texts
from rootward.dojo.world import layout as lay

UNREADABLE = {
    "go": "decode response of {callee}: json: cannot unmarshal object into Go struct field Quote.amount of type int64",
    "java": 'com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException: Unrecognized field "amountMinor" (class app.client.Quote), not marked as ignorable (response of {callee})',
    "python": "pydantic_core._pydantic_core.ValidationError: 1 validation error for Quote: amount Field required [type=missing] (response of {callee})",
    "node": "ZodError: amount: Expected number, received object (response of {callee})",
}
UNREADABLE_PROTO = {
    "go": "response of {callee}: rpc error: code = Internal desc = grpc: failed to unmarshal the received message: proto: cannot parse invalid wire-format data",
    "java": "io.grpc.StatusRuntimeException: INTERNAL: Invalid protobuf byte sequence (response of {callee})",
    "python": "google.protobuf.message.DecodeError: Error parsing message (response of {callee})",
    "node": "Error: 13 INTERNAL: Response message parsing error: invalid wire type 4 at offset 9 (response of {callee})",
}


def _readers(layout: lay.Layout, component: int) -> list[int]:
    """Calls whose callers read the answer and fail without it."""
    felt = lay.feels(layout)
    return [
        e
        for e in layout.calls_to(component)
        if layout.waits[e]
        and layout.components[layout.source[e]].kind is bp.Kind.SERVICE
        and layout.components[layout.source[e]].language != "nginx"
        and felt[layout.source[e]] * layout.required[e] >= 0.3
    ]


def targets(layout: lay.Layout) -> list[int]:
    return [i for i in kit.busy_services(layout) if layout.replicas[i] >= 2 and _readers(layout, i)]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, component = draft.layout, draft.layout.components[target]
    replicas = int(layout.replicas[target])
    patch = texts.Patch(
        "Answer with amounts in minor units",
        {
            texts.source(component): texts.hunk(
                ['-    "amount": quote.amount,'],
                ['+    "amount": {"minor": quote.minor, "currency": quote.currency},'],
                line=83,
            ),
            "api/schema.json": texts.hunk(['-  "version": 3,'], ['+  "version": 4,'], line=2),
        },
        feature=True,
    )
    pods = min(max(1, round(replicas * dice["rolled_out"])), replicas - 1)  # the roll-out is paused half-way
    release = history.release(draft, target, draft.onset, patch, only=frozenset(range(pods)))
    new = draft.acting(dice, ramp_s=30.0 * pods) * pods / replicas
    for e in _readers(layout, target):
        caller = int(layout.source[e])
        described = layout.components[caller]
        share = new * dice["affected"] * layout.required[e] * min(1.0, float(layout.weight[e]))
        kit.fail(draft, caller, share)
        table = UNREADABLE_PROTO if layout.calls[e].protocol == "grpc" else UNREADABLE
        text = table.get(described.language, table["go"]).format(callee=component.name)
        rate = share * float(layout.rate[caller]) * draft.traffic_at_onset()
        draft.voices.append(dr.Voice(caller, "error", rate, (text,), steady=True))
    cause = kit.service_cause(draft, target, "version_skew", release.sha)
    clients = {layout.components[layout.source[e]].name for e in _readers(layout, target)}
    return dr.Planted(
        (cause,), target, suspects=tuple(sorted(clients)), note=f"version {release.version} beside the old one"
    )


FAMILY = kit.Family(
    name="version_skew",
    summary="A service's new version answers in a format that its callers do not know yet.",
    parameters=(
        dr.Parameter("rolled_out", 0.3, 0.7, "of its pods", +1),
        dr.Parameter("affected", 0.35, 1.0, "of the answers", +1),
    ),
    targets=targets,
    plant=plant,
    group="software",
    rows=(60,),
)
