"""A world while it is being made: what noise and faults write down before it is advanced and observed."""

import copy
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward import _rng
from rootward.dojo import oracle
from rootward.dojo.world import detours as detoured
from rootward.dojo.world import dynamics, shapes
from rootward.dojo.world import knobs as kn
from rootward.dojo.world import layout as lay
from rootward.dojo.world import troubles as tr


@dataclasses.dataclass(frozen=True, slots=True)
class Release:
    """A new version of a component, rolled out from step `at`; `files` maps paths to unified patches. It
    stops at the pods in slots `only` (empty: all of them get it)."""

    component: int
    at: int
    sha: str
    version: str
    author: str
    title: str
    files: Mapping[str, str]
    body: str = ""
    only: frozenset[int] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """A change that is no release: `kind` flag | config | secret | schema | infrastructure | scale. `path` and `patch` tell what
    it touched in the repository of `component` (-1: the platform's own), if it was kept there."""

    component: int
    at: int
    kind: str
    summary: str
    author: str
    sha: str = ""
    path: str = ""
    patch: str = ""
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Voice:
    """Log lines that a component writes: `rate` [T] lines per second over all its pods, `texts` what it may say.

    `level` is error | warn | info; `trace` the text that follows a line (a stack trace), "" for none. The rate goes with the
    component's traffic unless it is `steady`; of several pods only those
    that `of` says yes to write, their share of it (None: all).
    """

    component: int
    level: str
    rate: lay.FloatArray
    texts: tuple[str, ...]
    trace: str = ""
    steady: bool = False
    of: Callable[[Any], bool] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectChange:
    """A cluster object (a whole body, as the API returns it) that holds from step `at` on (-1: since long before), or is deleted
    then. Workloads, pods, services, endpoints and nodes come from the model; this is for everything else, and the last word."""

    at: int
    body: Mapping[str, Any]
    deleted: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Happening:
    """A cluster event about `where` (namespace, kind, name), last seen at step `at`, `count` times since step `first` (-1: `at`)."""

    at: int
    where: tuple[str, str, str]
    reason: str
    message: str
    count: int = 1
    first: int = -1
    warning: bool = True
    source: str = "kubelet"


@dataclasses.dataclass(frozen=True, slots=True)
class Leak:
    """Memory that is never given back, from step `at`: bytes per second of one pod at the traffic of that time."""

    component: int
    at: int
    bytes_per_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """A container limit changed at step `at`; 0 keeps the old one. `rolled` is true when pods were replaced for it; `unsaid` ones
    are found in pods alone, not in the workload that states them."""

    component: int
    at: int
    cores: float = 0.0
    memory_mib: float = 0.0
    rolled: bool = True
    unsaid: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Uneven:
    """Those pods of a component that `of` says yes to (by node, slot, version …) fail `share` [T] of their requests by themselves."""

    component: int
    of: Callable[[Any], bool]
    share: lay.FloatArray


@dataclasses.dataclass(frozen=True, slots=True)
class Remark:
    """What somebody says at step `at` in the channel where alerts are talked about (or another)."""

    at: int
    user: str
    text: str
    channel: str = "alerts-prod"
    bot: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Edit:
    """The pod template of a component changed at step `at`: `change` edits a pod spec in place. `rolled` replaces pods for it;
    `unsaid` changes are made to pods alone, behind the back of the workload that states them (a mutating webhook). It is taken
    back at step `until` (-1: never)."""

    component: int
    at: int
    change: Callable[[dict[str, Any]], None]
    until: int = -1
    rolled: bool = True
    unsaid: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Routing:
    """What the Service of a component says in steps `at:until`: another `selector`, another `target_port`, that only `local` pods of a node
    are asked, or nothing, because it is `missing`. Endpoints follow."""

    component: int
    at: int
    until: int
    selector: Mapping[str, str] | None = None
    target_port: int = 0
    missing: bool = False
    local: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Unscaled:
    """The autoscaler of a component does not do its work in steps `at:until`: it holds the replicas that there are, or (`replicas`
    ≥ 0) goes down to so many. `condition` (type, reason, message) is what its status says, `told` the reason of its warnings."""

    at: int
    until: int
    replicas: int
    condition: tuple[str, str, str]
    told: str = ""
    metric: str = ""  # the metric it reads instead of CPU


@dataclasses.dataclass(frozen=True, slots=True)
class NodeMark:
    """What a node (its index) says of itself, or the node controller of it, in steps `at:until`: the `condition` that is off
    (type, status, reason, message), `taints` (key, value, effect), whether it is cordoned, whether it is `silent` (dead)."""

    node: int
    at: int
    until: int
    condition: tuple[str, str, str, str] = ("", "", "", "")
    taints: tuple[tuple[str, str, str], ...] = ()
    cordoned: bool = False
    silent: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Cap:
    """A ResourceQuota of a namespace allows only `hard` of a resource in steps `at:until`."""

    namespace: str
    resource: str
    hard: float
    at: int
    until: int


@dataclasses.dataclass(slots=True, eq=False)
class Draft:
    """`onset` and `steps` are indices into `times_s` [T]. Lists grow while noise and the fault write to them."""

    layout: lay.Layout
    seed: int
    times_s: lay.FloatArray
    onset: int
    knobs: kn.Knobs
    releases: list[Release] = dataclasses.field(default_factory=list)
    notices: list[Notice] = dataclasses.field(default_factory=list)
    voices: list[Voice] = dataclasses.field(default_factory=list)
    leaks: list[Leak] = dataclasses.field(default_factory=list)
    limits: list[Limit] = dataclasses.field(default_factory=list)
    expiries: dict[int, float] = dataclasses.field(default_factory=dict)  # component → notAfter of its certificate
    zone_errors: lay.FloatArray | None = None  # [T] share of lookups that the cluster's DNS fails
    reach: lay.FloatArray | None = None  # [T] share of outside probes that succeed
    reach_s: lay.FloatArray | None = None  # [T] seconds that outside probes take
    locks: dict[int, str] = dataclasses.field(default_factory=dict)  # call → table whose lock it waits for
    evictions: dict[int, lay.FloatArray] = dataclasses.field(default_factory=dict)  # cache → [T] how far it is emptied
    access: dict[str, str] = dataclasses.field(default_factory=dict)
    hidden: set[int] = dataclasses.field(default_factory=set)  # components whose own exporters are not scraped
    noisy_rule: tuple[int, float] | None = None
    """a component paged for errors above this quantile of its ordinary ratio"""
    retuned: int | None = None
    """a component whose latency rule got a threshold below what is ordinary, from the onset on"""
    unscraped: dict[int, lay.BoolArray] = dataclasses.field(default_factory=dict)
    """component → [T], its own metrics not scraped"""
    standing: bool = False  # something was turned for the whole window, not only from the onset on
    levels: dict[tuple[str, int], lay.FloatArray] = dataclasses.field(default_factory=dict)  # see `level`
    refusals: dict[int, Mapping[str, str]] = dataclasses.field(default_factory=dict)  # call → log texts by language
    codes: dict[int, str] = dataclasses.field(default_factory=dict)  # call → what its clients' spans call a refusal
    objects: list[ObjectChange] = dataclasses.field(default_factory=list)
    happenings: list[Happening] = dataclasses.field(default_factory=list)
    uneven: list[Uneven] = dataclasses.field(default_factory=list)
    remarks: list[Remark] = dataclasses.field(default_factory=list)
    relief: lay.FloatArray | None = None  # [T], 1 where trouble is over (recovery, mitigation), 0 where it holds

    routings: list[Routing] = dataclasses.field(default_factory=list)
    detours: list[detoured.Detour] = dataclasses.field(default_factory=list)
    unserved: list[detoured.Unserved] = dataclasses.field(default_factory=list)
    marks: list[NodeMark] = dataclasses.field(default_factory=list)
    caps: list[Cap] = dataclasses.field(default_factory=list)
    scaling: dict[int, Unscaled] = dataclasses.field(default_factory=dict)
    """component → what is wrong with its autoscaler"""
    edits: list[Edit] = dataclasses.field(default_factory=list)
    troubles: list[tr.Trouble] = dataclasses.field(default_factory=list)
    replicas: dict[int, lay.IndexArray] = dataclasses.field(default_factory=dict)
    """component → [T] asked for, if not fixed"""

    def branch(self) -> "Draft":
        """The same draft to go on from: what one attempt writes down, whichever list it stands in, another does not see."""
        own = {
            field.name: copy.copy(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if isinstance(getattr(self, field.name), (list, dict, set))
        }
        return dataclasses.replace(self, knobs=self.knobs.copy(), **own)

    @property
    def step_s(self) -> float:
        return float(self.times_s[1] - self.times_s[0])

    @property
    def steps(self) -> int:
        return len(self.times_s)

    def after(self, at: int, *, ramp_s: float = 0.0) -> lay.FloatArray:
        """0 before step `at`, then rising to 1 within `ramp_s`; shape [T]."""
        passed = np.arange(self.steps) - at
        if ramp_s <= 0:
            return (passed >= 0).astype(np.float64)
        return np.clip((passed + 1) * self.step_s / ramp_s, 0.0, 1.0)

    def acting(self, dice: "Dice", *, ramp_s: float = 0.0) -> lay.FloatArray:
        """How far the fault acts, 0 to 1, in the shape that was drawn or asked for; `ramp_s` is the least time it takes; [T]."""
        since_s = (np.arange(self.steps, dtype=np.float64) - self.onset) * self.step_s
        strength = dice.shape.profile(since_s, ramp_s=ramp_s, step_s=self.step_s)
        return strength if self.relief is None else strength * (1.0 - self.relief)

    def level(self, name: str, place: int, ordinary: lay.FloatArray | float) -> lay.FloatArray:
        """A quantity that only exporters show (open files, replication lag, free bytes …): what a fault made of it, or `ordinary`.
        `name` is the metric's own name or what several metrics are made of, `place` a component, a node or a pod; [T]."""
        made = self.levels.get((name, place))
        return np.broadcast_to(np.asarray(ordinary, dtype=np.float64), (self.steps,)) if made is None else made

    @property
    def heals_at(self) -> int:
        """The first step at which trouble is over; `steps` if it never is."""
        if self.relief is None or not (self.relief > 0.5).any():
            return self.steps
        return int(np.argmax(self.relief > 0.5))

    def steps_in(self, seconds: float) -> int:
        return max(1, round(seconds / self.step_s))

    def traffic_at_onset(self) -> float:
        """Traffic at the onset as a share of the peak that the layout was sized for."""
        entry = list(self.layout.entries)
        return float(
            self.knobs.demand[max(0, self.onset - 40) : self.onset + 1, entry].sum(axis=1).mean()
            / self.layout.rate[entry].sum()
        )

    def traffic_highest(self) -> float:
        """The most traffic of ten minutes before the onset, as a share of the peak that the layout was sized for."""
        entry = list(self.layout.entries)
        width = self.steps_in(600.0)
        sums = np.cumsum(self.knobs.demand[: self.onset + 1, entry].sum(axis=1))
        means = (sums[width:] - sums[:-width]) / width
        return float(means.max() / self.layout.rate[entry].sum())

    def person(self, rng: np.random.Generator) -> str:
        return self.layout.plan.people[int(rng.integers(0, len(self.layout.plan.people)))]

    def note(self, component: int, kind: str, summary: str, rng: np.random.Generator, **rest: Any) -> Notice:
        """Write down a change at the onset, kept in a repository if it has a `patch`."""
        sha = _rng.token(rng, 40) if rest.get("patch") else ""
        made = Notice(component, rest.pop("at", self.onset), kind, summary, self.person(rng), sha, **rest)
        self.notices.append(made)
        return made

    def rng(self, *path: str | int) -> np.random.Generator:
        return _rng.stream(self.seed, self.layout.plan.name, *path)


@dataclasses.dataclass(frozen=True, slots=True)
class Planted:
    """What a fault leaves behind: the truth's causes and what to say about it. `suspects` tempt without being guilty."""

    causes: tuple[oracle.Cause, ...]
    place: int  # component where trouble starts
    status: str = "found"
    suspects: tuple[str, ...] = ()
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """One number that the seed draws, between `low` and `high`; `harder` is the end (+1 high, -1 low, 0 neither) that hurts more."""

    name: str
    low: float
    high: float
    unit: str
    harder: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Dice:
    """A family's parameters as drawn for a strength; `rng` for whatever else it needs to choose."""

    rng: np.random.Generator
    values: Mapping[str, float]
    strength: "Strength"

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    @property
    def shape(self) -> shapes.Shape:
        return self.strength.shape


@dataclasses.dataclass(frozen=True, slots=True)
class Strength:
    """How hard a fault hits: `severity` ≥ 1 pushes the parameters that hurt towards their harder end; `shape` is over time."""

    severity: float = 1.0
    shape: shapes.Shape = shapes.STEP


def roll(
    parameters: tuple[Parameter, ...], rng: np.random.Generator, strength: Strength, fixed: Mapping[str, float]
) -> Dice:
    """Draw all parameters; `fixed` ones are as told."""
    values = {}
    for parameter in parameters:
        share = float(rng.uniform())
        if parameter.harder > 0:
            share = 1 - (1 - share) / strength.severity
        elif parameter.harder < 0:
            share = share / strength.severity
        values[parameter.name] = parameter.low + share * (parameter.high - parameter.low)
    return Dice(rng, {**values, **fixed}, strength)


@dataclasses.dataclass(frozen=True, slots=True)
class Family:
    """One kind of fault. `targets(layout)` lists components (or calls, as the family likes) where it makes sense;
    `plant(draft, target, dice)` turns the draft's knobs from its onset on and says what the truth is. `lasts(draft, state,
    target)` tells whether what it promises came about; a world in which it did not is thrown away.

    `group` is what evals report it under: software | resources | data | network | cluster | traffic | outside | silence.
    `shapes` are those that make sense for it (world/shapes.py); `rows` the catalogue's rows that it covers.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    targets: Callable[[lay.Layout], list[int]]
    plant: Callable[[Draft, int, Dice], Planted]
    lasts: Callable[[Draft, dynamics.State, int], bool] | None = None
    group: str = "software"
    shapes: tuple[str, ...] = ("step",)
    rows: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()  # of fault, as its causes spell them (docs/reference/faults.md); empty: its own name
    of_calls: bool = False  # `targets` are calls, not components
