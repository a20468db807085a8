"""A machine's connection-tracking table is full: new connections there fail, those that are open go on."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import pods
from rootward.dojo.world.exporters import node_network

TEXTS = {
    "go": "dial tcp 172.20.0.31:8080: i/o timeout",
    "java": "java.net.SocketTimeoutException: Connect timed out",
    "python": "httpx.ConnectTimeout: timed out while connecting",
    "node": "connect ETIMEDOUT 172.20.0.31:8080",
    "nginx": "upstream timed out (110: Operation timed out) while connecting to upstream",
}


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    names = pods.node_names(draft)
    node = int(draft.rng("full table", target).integers(0, len(names)))
    acting = draft.acting(dice)
    kit.only_on(draft, lambda n: n == node, acting * dice["new_connections"], TEXTS)
    # The table fills for a while before it is full.
    fill_s = dice["minutes_to_fill"] * 60.0
    filling = 0.92 * draft.after(draft.onset - draft.steps_in(fill_s), ramp_s=fill_s)
    full = np.maximum(filling if draft.relief is None else filling * (1 - draft.relief), acting)
    calm = 5200.0 * np.exp(0.05 * draft.rng("flows").standard_normal(draft.steps))
    draft.levels["node_nf_conntrack_entries", node] = calm + (node_network.TRACKED - calm) * full
    draft.levels["node_network_receive_drop_total", node] = acting * 60.0 * draft.step_s
    draft.happenings.append(
        dr.Happening(
            min(draft.onset + draft.steps_in(240.0), draft.steps - 1),
            ("", "Node", names[node]),
            "ConntrackFull",
            "nf_conntrack: nf_conntrack: table full, dropping packet",
            count=19,
            first=draft.onset,
            source="kernel-monitor",
        )
    )
    cause = oracle.Cause("node", names[node], "conntrack_full", kit.onset_s(draft))
    return dr.Planted((cause,), -1)


FAMILY = kit.Family(
    name="conntrack_full",
    summary="A machine's connection tracking table is full and new connections there fail.",
    parameters=(
        dr.Parameter("new_connections", 0.15, 0.55, "of requests there", +1),
        dr.Parameter("minutes_to_fill", 4.0, 15.0, "min"),
    ),
    targets=kit.busy_services,
    plant=plant,
    group="network",
    shapes=("step", "intermittent"),
    rows=(24,),
)
