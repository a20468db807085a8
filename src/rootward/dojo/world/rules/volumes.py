"""Rules over persistent volumes, as the kubernetes-mixin has them: nearly full, and full within hours at the present pace."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import volumes
from rootward.dojo.world.exporters import volumes as exporter
from rootward.dojo.world.rules import watching

LEFT = 0.03


def watches(frame: fr.Frame) -> list[watching.Watch]:
    return [
        _filling(frame, claim)
        for i in range(len(frame.layout.components))
        for claim in volumes.claims(frame.layout, i, frame.draft.seed)[:1]
    ]


def _filling(frame: fr.Frame, claim: volumes.Claim) -> watching.Watch:
    i = claim.component
    left = np.maximum(1 - exporter.RESERVED - volumes.used_share(frame.draft, claim), 0.0)
    where = f'namespace="{frame.layout.namespace(i)}",persistentvolumeclaim="{claim.name}"'
    rule = tm.AlertRule(
        f"{watching.camel(frame.layout.components[i].name)}VolumeFillingUp",
        f"kubelet_volume_stats_available_bytes{{{where}}} / kubelet_volume_stats_capacity_bytes{{{where}}} < {LEFT:g}",
        60.0,
        watching.labels(frame, i, "critical") | {"persistentvolumeclaim": claim.name},
        {
            "summary": f"PersistentVolume claimed by {claim.name} is filling up",
            "description": f"The PersistentVolume claimed by {claim.name} is only {{{{ $value | humanizePercentage }}}} free.",
        },
        group="kubernetes-storage",
    )
    return watching.Watch(rule, i, True, left < LEFT, left)
