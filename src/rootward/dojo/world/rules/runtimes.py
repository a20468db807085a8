"""Rules over processes: file descriptors that run out, a JVM that does little else than collect. Nobody is woken for them."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import runtimes, styles
from rootward.dojo.world.rules import watching

FULL = 0.9
COLLECTING = 0.5


def watches(frame: fr.Frame) -> list[watching.Watch]:
    found = []
    for i in frame.layout.of_kind(bp.Kind.SERVICE):
        component = frame.layout.components[i]
        if component.style and component.language != "nginx" and i not in frame.draft.hidden:
            found.append(_descriptors(frame, i))
        if component.language == "java" and component.style and i not in frame.draft.hidden:
            found.append(_collecting(frame, i))
    return found


def _descriptors(frame: fr.Frame, i: int) -> watching.Watch:
    component = frame.layout.components[i]
    names = ("process_files_open_files", "process_files_max_files")
    used, limit = names if component.language == "java" else ("process_open_fds", "process_max_fds")
    selector = f'{{{styles.STYLES[component.style].by}="{component.name}"}}'
    share = frame.draft.level(runtimes.FDS_LEVEL, i, 0.0)
    rule = tm.AlertRule(
        f"{watching.camel(component.name)}FileDescriptorsHigh",
        f"max({used}{selector} / {limit}{selector}) > {FULL:g}",
        120.0,
        watching.labels(frame, i, "warning"),
        {
            "summary": f"{component.name} is running out of file descriptors",
            "description": "A process has {{ $value | humanizePercentage }} of its file descriptors open.",
        },
        group="processes",
    )
    return watching.Watch(rule, i, False, share > FULL, share)


def _collecting(frame: fr.Frame, i: int) -> watching.Watch:
    component, pressure = frame.layout.components[i], frame.draft.knobs.pressure[i]
    more = pressure * np.minimum(frame.state.queue[:, i] / frame.layout.queue_limit[i], 1.0)
    overhead = more / (1.0 + more)
    rule = tm.AlertRule(
        f"{watching.camel(component.name)}GcPressure",
        f'avg(jvm_gc_overhead{{{styles.STYLES[component.style].by}="{component.name}"}}) > {COLLECTING:g}',
        180.0,
        watching.labels(frame, i, "warning"),
        {
            "summary": f"{component.name} spends its time collecting garbage",
            "description": "{{ $value | humanizePercentage }} of the JVM's time goes into garbage collection.",
        },
        group="jvm",
    )
    return watching.Watch(rule, i, False, overhead > COLLECTING, overhead)
