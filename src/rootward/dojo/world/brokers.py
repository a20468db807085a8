"""RabbitMQ brokers: their memory, the watermark above which they block publishers, and the queue that an auditor reads."""

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import pods as pd

AUDIT_CONSUMERS = "audit_consumers"
PILED_UP = "broker_memory_share"
"""The draft's level that says how full a broker's memory is, as a share of its watermark."""
APART = "unreachable_peers"
"""The draft's level that says where a broker's nodes have lost one another, 0 to 1: the last node is cut off from the others."""
WATERMARK = 0.4
"""vm_memory_high_watermark.relative: of the container's memory."""
MESSAGE = 9200.0
"""Bytes that a message of an audit queue keeps in memory."""
USUAL = 0.34


def brokers(layout: lay.Layout) -> list[int]:
    """Queues kept by RabbitMQ."""
    return [i for i in layout.of_kind(bp.Kind.QUEUE) if layout.components[i].language == "rabbitmq"]


def watermark(layout: lay.Layout, broker: int) -> float:
    return float(np.rint(layout.components[broker].memory_limit_mib * pd.MIB * WATERMARK))


def _share(draft: dr.Draft, broker: int) -> lay.FloatArray:
    sway = 0.01 * draft.rng("broker memory", broker).standard_normal(draft.steps)
    return np.maximum(draft.level(PILED_UP, broker, USUAL) + sway * USUAL, 0.05)


def memory(draft: dr.Draft, broker: int, node: int = 0) -> lay.FloatArray:
    """Resident bytes of one of its nodes, of which the first leads the queues; [T]."""
    sway = draft.rng("broker memory", broker, node).uniform(0.6, 0.9)
    share = _share(draft, broker) if node == 0 else _share(draft, broker).clip(max=USUAL) * sway
    return np.asarray(share * watermark(draft.layout, broker), dtype=np.float64)


def unreachable(draft: dr.Draft, broker: int, node: int) -> lay.FloatArray:
    """How many of its peers a node cannot reach; [T]."""
    nodes = int(draft.layout.replicas[broker])
    return np.rint(draft.level(APART, broker, 0.0)) * (nodes - 1 if node == nodes - 1 else 1)


def blocked(draft: dr.Draft, broker: int) -> lay.FloatArray:
    """1 where the memory alarm is in effect; [T]."""
    return (draft.level(PILED_UP, broker, USUAL) >= 1.0).astype(np.float64)


def audit_messages(draft: dr.Draft, broker: int) -> lay.FloatArray:
    """Messages that wait for the auditor; [T]."""
    more = np.maximum(draft.level(PILED_UP, broker, USUAL) - USUAL, 0.0)
    return np.floor(more * watermark(draft.layout, broker) / MESSAGE)
