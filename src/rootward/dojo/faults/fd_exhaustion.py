"""A release forgets to close what it opens: file descriptors run out, and the process can neither call nor be called."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, texts
from rootward.dojo.world.exporters import runtimes

EMFILE = {
    "go": "dial tcp {ip}:{port}: socket: too many open files",
    "java": "java.net.SocketException: Too many open files ({host})",
    "python": "OSError: [Errno 24] Too many open files ({host})",
    "node": "connect EMFILE {ip}:{port} - Local (undefined:undefined)",
}
ACCEPT = {
    "go": "http: Accept error: accept tcp [::]:8080: accept4: too many open files; retrying in 1s",
    "java": "java.io.IOException: Too many open files\n\tat java.base/sun.nio.ch.ServerSocketChannelImpl.accept(ServerSocketChannelImpl.java:439)",
    "python": "socket.accept() out of system resource: OSError: [Errno 24] Too many open files",
    "node": "Error: accept EMFILE: too many open files",
}


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, component = draft.layout, draft.layout.components[target]
    patch = texts.Patch(
        "Keep one client per request for tracing",
        {
            texts.source(component): texts.hunk(
                ["-    client = shared_client"],
                ["+    client = new_client(request.trace_id)", "+    response = client.call(request)"],
                line=58,
            )
        },
    )
    release = history.release(draft, target, draft.onset, patch)
    used = draft.acting(dice, ramp_s=dice["minutes_to_limit"] * 60.0)
    draft.levels[runtimes.FDS_LEVEL, target] = used
    out = np.where(used >= 1.0, dice["failing"], 0.0)
    for e in layout.calls_from(target):
        kit.refuse(draft, e, out, EMFILE)
    kit.fail(draft, target, out * 0.5)
    said = (ACCEPT.get(component.language, ACCEPT["go"]),)
    rate = out * float(layout.rate[target]) * draft.traffic_at_onset() * 0.5
    draft.voices.append(dr.Voice(target, "error", rate, said, steady=True))
    cause = kit.service_cause(draft, target, "fd_exhaustion", release.sha)
    return dr.Planted((cause,), target, suspects=kit.callees(layout, target))


FAMILY = kit.Family(
    name="fd_exhaustion",
    summary="A release leaks file descriptors until the process can open no more, and its calls fail.",
    parameters=(
        dr.Parameter("minutes_to_limit", 3.0, 14.0, "min", -1),
        dr.Parameter("failing", 0.3, 0.95, "of what needs a new descriptor", +1),
    ),
    targets=kit.busy_services,
    plant=plant,
    group="resources",
    rows=(53,),
)
