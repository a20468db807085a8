"""What scrapers see, one convention per module: `META` (family → kind and help) and `emit(frame)` → blocks of series."""

import importlib
import pkgutil

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr

NOT_EXPORTERS = ("sheet", "styles")


def metrics(frame: fr.Frame) -> tm.Metrics:
    """All series of the world, exporter by exporter in order of name."""
    blocks: list[tm.MetricBlock] = []
    meta: dict[str, tm.MetricMeta] = {}
    for found in sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in NOT_EXPORTERS):
        exporter = importlib.import_module(f"{__name__}.{found}")
        made = [block for block in exporter.emit(frame) if len(block.labels)]
        if made:
            meta.update(exporter.META)
        blocks.extend(made)
    return tm.Metrics(tuple(blocks), meta)
