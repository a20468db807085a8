"""A configuration that all services read is pushed with something that they cannot read: many crash at once, and start no more."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit, pod_states
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import texts
from rootward.dojo.world import troubles as tr

PATH = "/etc/platform/routing.yaml"
TOO_LARGE = {
    "go": "!panic: load " + PATH + ": 412 rules exceed the limit of 200\n\ngoroutine 1 [running]:\nmain.mustLoad(...)\n\t/src/internal/platform/config.go:88",
    "java": "!java.lang.IllegalStateException: " + PATH + ": 412 rules exceed the limit of 200\n\tat platform.config.RoutingConfig.load(RoutingConfig.java:61)\n\tat app.Application.main(Application.java:14)",
    "python": "!ValueError: " + PATH + ": 412 rules exceed the limit of 200",
    "node": "!RangeError: " + PATH + ": 412 rules exceed the limit of 200\n    at load (/app/node_modules/@platform/config/index.js:47:11)",
}  # fmt: skip
BROKEN = {
    "go": "!panic: load " + PATH + ": yaml: line 218: did not find expected key\n\ngoroutine 1 [running]:\nmain.mustLoad(...)\n\t/src/internal/platform/config.go:88",
    "java": "!org.yaml.snakeyaml.parser.ParserException: while parsing a block mapping, line 218, column 3: expected <block end>, but found '<block mapping start>' (" + PATH + ")\n\tat platform.config.RoutingConfig.load(RoutingConfig.java:61)",
    "python": "!yaml.parser.ParserError: while parsing a block mapping\n  in \"" + PATH + "\", line 218, column 3\nexpected <block end>, but found '<block mapping start>'",
    "node": "!YAMLException: bad indentation of a mapping entry in " + PATH + " (218:3)",
}  # fmt: skip
SYNC_S = 60.0
"""Within this the kubelets have brought a changed ConfigMap to every pod."""


def _readers(layout: lay.Layout) -> list[int]:
    """Services that load the platform's configuration."""
    return [
        i
        for i in layout.of_kind(bp.Kind.SERVICE)
        if layout.components[i].language in TOO_LARGE and i not in layout.entries
    ]


def targets(layout: lay.Layout) -> list[int]:
    """One place only: the configuration."""
    return [layout.entries[0]] if len(_readers(layout)) >= 3 else []


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    del target
    layout = draft.layout
    too_large = dice.rng.uniform() < 0.5
    table = TOO_LARGE if too_large else BROKEN
    readers = _readers(layout)
    hit = sorted(int(i) for i in dice.rng.permutation(readers)[: max(3, round(len(readers) * dice["services"]))])
    for i in hit:
        at = draft.onset + draft.steps_in(float(dice.rng.uniform(1.0, SYNC_S))) - 1
        state = pod_states.crash((table[layout.components[i].language],), exit_code=1, runs_s=2.0)
        # What reloads by itself crashes; pods that have not seen the change yet keep serving.
        slots = tuple(range(max(1, round(int(layout.replicas[i]) * dice["pods"]))))
        draft.troubles.append(tr.Trouble(i, at, draft.heals_at, state, fresh=False, slots=slots))
    added = (
        [f"+  - match: tenant-{k:03d}.*" for k in range(1, 7)] if too_large else ["+   - match: ^/v2/", "+    to: blue"]
    )
    summary = "Generate routing rules for all tenants" if too_large else "Route /v2 to blue"
    note = draft.note(
        -1,
        "config",
        summary,
        dice.rng,
        path="config/routing.yaml",
        patch=texts.hunk([], added, line=214),
        details={"configmap": "platform-routing", "key": "routing.yaml", "bytes": "1048204" if too_large else "11873"},
    )
    names = [layout.components[i].name for i in hit]
    aliases = (("workload", "platform"), ("config", "platform-routing"), *(("service", name) for name in names))
    cause = oracle.Cause("service", "platform", "bad_config", kit.onset_s(draft), note.sha, aliases)
    return dr.Planted((cause,), -1, note=f"{len(hit)} services read {PATH}")


FAMILY = kit.Family(
    name="config_push",
    summary="A configuration that many services read is pushed broken or too large, and they crash parsing it at once.",
    parameters=(
        dr.Parameter("services", 0.3, 0.9, "of those that read it", +1),
        dr.Parameter("pods", 0.5, 1.0, "of their pods", +1),
    ),
    targets=targets,
    plant=plant,
    group="software",
    rows=(49,),
    kinds=("bad_config",),
)
