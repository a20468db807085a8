"""A machine's network card (or the switch above it) loses packets: whatever runs there fails, whichever service it is."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import pods

TEXTS = {
    "go": "read tcp 10.64.3.17:8080->10.71.20.9:51344: i/o timeout",
    "java": "java.net.SocketTimeoutException: Read timed out",
    "python": "httpx.ReadTimeout: the read operation timed out",
    "node": "Error: read ETIMEDOUT",
    "nginx": "upstream timed out (110: Operation timed out) while reading response header from upstream",
}


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    """The machine is drawn; `target` only says in whose neighbourhood it is looked for."""
    names = pods.node_names(draft)
    node = int(draft.rng("bad card", target).integers(0, len(names)))
    acting = draft.acting(dice)
    kit.only_on(draft, lambda n: n == node, acting * dice["failing_share"], TEXTS)
    draft.levels["node_netstat_Tcp_RetransSegs", node] = acting * dice["retransmits_per_s"] * draft.step_s
    draft.levels["node_network_receive_errs_total", node] = acting * dice["retransmits_per_s"] * 0.4 * draft.step_s
    cause = oracle.Cause("node", names[node], "network_loss", kit.onset_s(draft))
    return dr.Planted((cause,), -1)


FAMILY = kit.Family(
    name="packet_loss",
    summary="A machine loses packets, and every service's pods on it fail requests.",
    parameters=(
        dr.Parameter("failing_share", 0.15, 0.6, "of requests there", +1),
        dr.Parameter("retransmits_per_s", 40, 220, "segments per second", +1),
    ),
    targets=kit.busy_services,
    plant=plant,
    group="network",
    shapes=("step", "ramp", "intermittent"),
    rows=(22,),
    kinds=("network_loss",),
)
