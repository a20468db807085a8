"""A broker's nodes lose one another for a moment and do not find back: queues that live on the lost side cannot be reached."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import brokers
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay

NO_HOME = {
    "go": "Exception (404) Reason: \"NOT_FOUND - home node 'rabbit@{broker}-{node}' of durable queue '{queue}' in vhost '/' is down or inaccessible\"",
    "java": "com.rabbitmq.client.ShutdownSignalException: channel error; reply-code=404, reply-text=NOT_FOUND - home node 'rabbit@{broker}-{node}' of durable queue '{queue}' in vhost '/' is down or inaccessible",
    "python": "pika.exceptions.ChannelClosedByBroker: (404, \"NOT_FOUND - home node 'rabbit@{broker}-{node}' of durable queue '{queue}' in vhost '/' is down or inaccessible\")",
    "node": "Error: Channel closed by server: 404 (NOT-FOUND) with message \"NOT_FOUND - home node 'rabbit@{broker}-{node}' of durable queue '{queue}' in vhost '/' is down or inaccessible\"",
}


def targets(layout: lay.Layout) -> list[int]:
    """Brokers of several nodes whose failure somebody feels."""
    felt = lay.feels(layout)
    return [i for i in brokers.brokers(layout) if felt[i] >= 0.1 and layout.replicas[i] >= 3]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, broker = draft.layout, draft.layout.components[target].name
    lost = int(layout.replicas[target]) - 1
    apart = draft.acting(dice)
    draft.levels[brokers.APART, target] = (apart > 0.5).astype(float)
    share = apart * dice["queues_lost"]
    for e in layout.calls_to(target):
        queue = layout.calls[e].operation
        texts = {key: text.format(broker=broker, node=lost, queue=queue) for key, text in NO_HOME.items()}
        kit.refuse(draft, e, share, texts, "404")
    draft.knobs.calls_factor[:, layout.calls_from(target)] *= (1.0 - share)[:, None]
    said = (
        f"rabbit on node 'rabbit@{broker}-{lost}' down",
        f"Mnesia('rabbit@{broker}-0'): ** ERROR ** mnesia_event got {{inconsistent_database, running_partitioned_network, 'rabbit@{broker}-{lost}'}}",
        "Cluster minority/secondary status detected - awaiting recovery",
    )
    draft.voices.append(dr.Voice(target, "error", apart / 30.0, said, steady=True))
    aliases = (("service", broker), ("workload", broker))
    cause = oracle.Cause("queue", broker, "broker_partition", kit.onset_s(draft), "", aliases)
    return dr.Planted((cause,), target, suspects=kit.callers(layout, target), note=f"{broker}-{lost} is on its own")


FAMILY = kit.Family(
    name="broker_partition",
    summary="A broker's nodes have lost one another, and queues on the lost side cannot be reached.",
    parameters=(dr.Parameter("queues_lost", 0.35, 1.0, "of the messages", +1),),
    targets=targets,
    plant=plant,
    group="data",
    shapes=("step", "intermittent"),
    rows=(45,),
)
