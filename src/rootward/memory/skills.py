"""Skills: probe recipes per technology (PostgreSQL, Kafka, the JVM …), chosen by the environment's fingerprint; the others stay unread.

A recipe is a file of two documents in `recipes/`: what it is for and how to recognise that, then what it adds: roles of metrics that no
convention of `signals.roles` binds, and the next checks that a person would make there. Recipes are data: they ask, they never decide.
"""

import dataclasses
import fnmatch
import functools
import importlib.resources
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources.abc import Traversable
from typing import Annotated, Literal

import pydantic
import yaml

from rootward import errors
from rootward.memory import texts
from rootward.signals import entities, series
from rootward.signals.roles import Binding, family, measures, rules, table
from rootward.signals.roles import role as roles

SHIPPED = importlib.resources.files("rootward.memory") / "recipes"
PREFIX = "skill "  # of the convention that a recipe's bindings name
Kind = Literal["service", "database", "cache", "queue", "node"]


class When(texts.Record):
    """Any of these, with `*` and `?`: names of metrics, container images, runtimes and systems that spans name."""

    metrics: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()


class Header(texts.Record):
    technology: texts.Name
    when: When


class Metric(texts.Record):
    """`metric` is a regular expression over the whole name. `is` says what the number is: a gauge, a counter, a ratio of two gauges (the
    divisor's name is the metric's with `find` replaced), a histogram of durations. `about` overrides whom the recipe is about."""

    metric: str
    form: Annotated[Literal["gauge", "counter", "ratio", "durations"], pydantic.Field(alias="is")]
    role: roles.Role
    why: texts.Name
    unit: str = ""
    across: Literal["sum", "max", "min", "avg"] = "sum"
    scale: float | None = None
    find: str = ""
    replace: str = ""
    about: Kind | None = None

    def expand(self) -> table.Expand:
        match self.form:
            case "gauge":
                return measures.gauge(self.role, across=self.across, scale=self.scale, unit=self.unit)
            case "counter":
                return measures.counter(self.role, scale=self.scale, unit=self.unit)
            case "ratio":
                return measures.ratio(
                    self.role, self.find, self.replace, counted=False, across=self.across, unit=self.unit
                )
            case "durations":
                return measures.durations(mean=self.role)


class Body(texts.Record):
    kind: Kind
    metrics: tuple[Metric, ...] = ()
    checks: Mapping[str, texts.Text] = pydantic.Field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Fingerprint:
    """What an environment runs, as far as its telemetry tells."""

    metrics: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    runtimes: frozenset[str] = frozenset()

    def shows(self, when: When) -> bool:
        pairs = ((when.metrics, self.metrics), (when.images, self.images), (when.runtimes, self.runtimes))
        return any(
            fnmatch.fnmatchcase(name, pattern) for patterns, names in pairs for pattern in patterns for name in names
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Skill:
    header: Header
    body: Body

    def bindings(self, catalogue: Sequence[series.MetricInfo], taken: Iterable[str]) -> list[Binding]:
        """What the recipe adds for metrics that exist and are not `taken` (families that are bound already), by name."""
        families = family.gather(catalogue)
        bound = set(taken)
        found: list[Binding] = []
        for metric in self.body.metrics:
            named = f"{PREFIX}{self.header.technology}: {metric.why}"
            view = table.View(_rule(metric.about or self.body.kind))
            convention = table.Convention(named, (table.pattern(metric.metric, metric.expand()),), (view,))
            for one in families.values():
                if one.name not in bound:
                    found.extend(convention.bind(one, families) or ())
        return found

    def check(self, fault: str, entity: str) -> str:
        """What to look at next for this kind of fault there, "" when the recipe has no check for it."""
        return self.body.checks.get(fault, "").replace("{entity}", entity)


def _rule(kind: Kind) -> rules.EntityRule:
    if kind == "service":
        return rules.SERVICE
    return rules.NODE if kind == "node" else rules.server_of(entities.EntityKind(kind))


class Shelf:
    """The recipes of one folder. Headers are read once; a body is read when an environment shows its technology, and kept."""

    def __init__(self, folder: Traversable = SHIPPED) -> None:
        self._folder = folder
        self._bodies: dict[str, Body] = {}

    def chosen(self, seen: Fingerprint) -> list[Skill]:
        """The skills that `seen` calls for, by technology.

        Raises:
            InputError: a recipe that is called for, or a header, is wrong.
        """
        return [Skill(header, self._body(name)) for name, header in self._headers.items() if seen.shows(header.when)]

    @functools.cached_property
    def _headers(self) -> dict[str, Header]:
        names = sorted(one.name for one in self._folder.iterdir() if one.name.endswith(".yaml"))
        return {name: texts.checked(Header, _parsed(self._parts(name)[0], name), what=name) for name in names}

    def _parts(self, name: str) -> tuple[str, str]:
        head, mark, body = (self._folder / name).read_text(encoding="utf-8").partition("\n---\n")
        if not mark:
            raise errors.InputError(f"{name}: a recipe has two documents, parted by a line ---")
        return head, body

    def _body(self, name: str) -> Body:
        if name not in self._bodies:
            self._bodies[name] = texts.checked(Body, _parsed(self._parts(name)[1], name), what=name)
        return self._bodies[name]


def _parsed(text: str, name: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise errors.InputError(f"{name} is no YAML: {' '.join(str(error).split())}") from error
