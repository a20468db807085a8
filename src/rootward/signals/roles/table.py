"""How conventions are written down: a table of name patterns, each with what can be asked of the metrics it matches.

A convention's file holds only such a table. An `Expand` (most are in `measures`) turns one matching family into bindings.
"""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from rootward.signals import protocols
from rootward.signals.roles import binding, rules
from rootward.signals.roles.family import Family
from rootward.signals.roles.role import Role

Binding = binding.Binding
Combine = binding.Combine
Matcher = protocols.Matcher


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """From whose side series are read: `rule` says whom they are about, `observer` who measured (None: the entity itself)."""

    rule: rules.EntityRule
    observer: rules.EntityRule | None = None
    matchers: tuple[Matcher, ...] = ()
    name: str = ""

    def applies(self, family: Family) -> bool:
        """The labels that this side needs exist, or it is not known which labels exist."""
        sides = self.rule.applies(family.present) and (self.observer is None or self.observer.applies(family.present))
        return sides and not any(_never_matches(one, family) for one in self.matchers)


EXAMPLES_FEW = 5  # fewer example values than this are taken to be all that there are


def _never_matches(matcher: Matcher, family: Family) -> bool:
    """So few values of the label were seen that the wanted one would have been among them."""
    seen = (family.labels or {}).get(matcher.label, ())
    return matcher.operator == "=" and 0 < len(seen) < EXAMPLES_FEW and matcher.value not in seen


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """One family about to be bound, seen through one view, with all families around it."""

    family: Family
    families: Mapping[str, Family]
    convention: str
    view: View


Expand = Callable[[Context], Iterable[binding.Binding]]


@functools.cache
def _compiled(expression: str) -> re.Pattern[str]:
    # All conventions together have more expressions than `re` keeps, so each discovery would compile them anew.
    return re.compile(expression)


@dataclasses.dataclass(frozen=True, slots=True)
class Pattern:
    """`name` matches the whole family name (a regular expression). `kinds`: only families of these kinds (empty: any). `views` replace
    the convention's. No `expands` claims the metric, so that nobody guesses at it: it serves others as a divisor, or tells nothing."""

    name: str
    expands: tuple[Expand, ...] = ()
    kinds: frozenset[str] = frozenset()
    views: tuple[View, ...] = ()

    def matches(self, family: Family) -> bool:
        return (not self.kinds or family.kind in self.kinds) and _compiled(self.name).fullmatch(family.name) is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Convention:
    """`name` as people know it. Patterns are tried in order; the first that matches a family binds it."""

    name: str
    patterns: tuple[Pattern, ...]
    views: tuple[View, ...] = (View(rules.SERVICE),)

    def knows(self, name: str) -> bool:
        """Some pattern matches a family of this name, whatever its kind and labels."""
        return any(_compiled(pattern.name).fullmatch(name) for pattern in self.patterns)

    def bind(self, family: Family, families: Mapping[str, Family]) -> list[binding.Binding] | None:
        """The bindings of `family`; None when this convention does not know it."""
        for pattern in self.patterns:
            if not pattern.matches(family):
                continue
            views = [view for view in pattern.views or self.views if view.applies(family)]
            if not views:
                continue  # its name fits, but its labels are another exporter's
            return [
                found
                for view in views
                for expand in pattern.expands
                for found in expand(Context(family, families, self.name, view))
            ]
        return None


def make(
    context: Context,
    role: Role,
    terms: Sequence[protocols.MetricQuery],
    *,
    combine: Combine = Combine.VALUE,
    across: str = "sum",
    scale: float = 1.0,
    unit: str = "",
    detail: tuple[str, ...] = (),
    pods: bool = True,
) -> binding.Binding:
    """A binding whose terms are grouped by what the view's rules ask for."""
    view, family = context.view, context.family
    used = [context.families.get(base_name(term.metric, context.families), family) for term in terms]
    pod_label = _pod_label(view, used) if pods and view.observer is None else ""
    grouped = []
    for term, of in zip(terms, used, strict=True):
        by = list(view.rule.grouping(of.present))
        if view.observer is not None:
            by += view.observer.grouping(of.present)
        by += [label for label in detail if of.present is None or label in of.present]
        if pod_label:
            by.append(pod_label)
        matchers = (*(one for one in view.matchers if of.present is None or one.label in of.present), *term.matchers)
        aggregate = None if term.quantile is not None else (term.aggregate or across)
        grouped.append(
            dataclasses.replace(
                term,
                by=tuple(sorted(set(by))),
                matchers=matchers,
                aggregate=aggregate,  # type: ignore[arg-type]
            )
        )
    return binding.Binding(
        role=role, metric=family.name, convention=context.convention, terms=tuple(grouped), rule=view.rule, combine=combine,
        across=across, scale=scale, unit=unit, pod_label=pod_label, detail=detail, observer=view.observer, variant=view.name,
    )  # fmt: skip


def base_name(metric: str, families: Mapping[str, Family]) -> str:
    """The family that the stored metric `metric` is a part of."""
    if metric in families:
        return metric
    return next((metric.removesuffix(part) for part in ("_bucket", "_count", "_sum") if metric.endswith(part)), metric)


def _pod_label(view: View, used: Sequence[Family]) -> str:
    """A label that tells pods apart in every term, when pods do not name the entity already or are its only name."""
    if not view.rule.pods:
        return ""
    for label in rules.POD_LABELS:
        if all(family.present is not None and label in family.present for family in used):
            return label
    return ""


def matcher(label: str, operator: protocols.MatchOperator, value: str) -> Matcher:
    """Short for tables."""
    return Matcher(label, operator, value)


def pattern(name: str, *expands: Expand, kinds: Iterable[str] = (), views: tuple[View, ...] = ()) -> Pattern:
    """Short for tables."""
    return Pattern(name, expands, frozenset(kinds), views)
