"""The cluster's DNS stops resolving a share of the names: many services lose their callees at the same moment."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import texts


def targets(layout: lay.Layout) -> list[int]:
    """One place only: the name server."""
    return [layout.entries[0]]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    del target
    layout = draft.layout
    began = draft.acting(dice, ramp_s=dice["minutes_to_expire"] * 60.0)  # answers cached by clients run out
    failing = began * dice["failing_lookups"]
    # Clients keep connections and cached answers, so that only some attempts look a name up.
    often = draft.rng("lookups").uniform(0.35, 0.8, len(layout.calls))
    often[[e for e in range(len(layout.calls)) if layout.components[layout.target[e]].kind is bp.Kind.QUEUE]] = 0.05
    draft.knobs.refused = np.maximum(draft.knobs.refused, failing[:, None] * often)
    draft.zone_errors = failing
    note = draft.note(
        -1,
        "config",
        "CoreDNS: forward through the new resolvers",
        dice.rng,
        path="cluster/kube-system/coredns.yaml",
        patch=texts.hunk(
            ["-        forward . /etc/resolv.conf"],
            ["+        forward . 10.0.0.53 10.0.1.53 {", "+          max_concurrent 20", "+        }"],
            line=14,
        ),
        details={"configmap": "kube-system/coredns", "key": "Corefile"},
    )
    cause = oracle.Cause(
        "service",
        "coredns",
        "dns_failure",
        kit.onset_s(draft),
        note.sha,
        (("workload", "coredns"), ("service", "kube-dns"), ("external", "dns")),
    )
    return dr.Planted((cause,), -1)


FAMILY = kit.Family(
    name="dns_failure",
    summary="The cluster's DNS fails a share of lookups after its configuration changed.",
    parameters=(
        dr.Parameter("failing_lookups", 0.15, 0.8, "of lookups", +1),
        dr.Parameter("minutes_to_expire", 0.5, 3.0, "min"),
    ),
    targets=targets,
    plant=plant,
    group="network",
    shapes=("step", "intermittent", "periodic"),
    rows=(20,),
)
