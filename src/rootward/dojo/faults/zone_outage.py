"""A zone loses its network: whatever runs on its machines fails, the other zones carry on with what is left."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import pods

ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
TEXTS = {
    "go": "dial tcp 172.20.0.18:8080: connect: no route to host",
    "java": "java.net.NoRouteToHostException: No route to host",
    "python": "OSError: [Errno 113] No route to host",
    "node": "connect EHOSTUNREACH 172.20.0.18:8080",
    "nginx": "connect() failed (113: No route to host) while connecting to upstream",
}


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    zone = int(draft.rng("zone", target).integers(0, len(ZONES)))
    lost = draft.acting(dice) * dice["lost_share"]
    kit.only_on(draft, lambda n: n % len(ZONES) == zone, lost, TEXTS)
    names = pods.node_names(draft)
    for node in range(zone, len(names), len(ZONES)):
        draft.levels["node_network_receive_drop_total", node] = lost * 400.0 * draft.step_s
        draft.levels["node_netstat_Tcp_RetransSegs", node] = lost * 250.0 * draft.step_s
    aliases = tuple(("node", name) for name in names[zone :: len(ZONES)])
    cause = oracle.Cause("zone", ZONES[zone], "zone_outage", kit.onset_s(draft), "", aliases)
    return dr.Planted((cause,), -1)


FAMILY = kit.Family(
    name="zone_outage",
    summary="A zone's network fails, and with it everything on its machines.",
    parameters=(dr.Parameter("lost_share", 0.3, 0.95, "of requests there", +1),),
    targets=kit.busy_services,
    plant=plant,
    group="network",
    shapes=("step", "intermittent"),
    rows=(55,),
)
