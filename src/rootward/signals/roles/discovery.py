"""Discovery: which metrics of a back end mean what, by the first convention that knows each."""

import functools
import importlib
from collections.abc import Sequence

from rootward.signals import protocols, series
from rootward.signals.roles import binding, family, measures, rules, table
from rootward.signals.roles.role import Role

# Most particular first: a metric belongs to the first convention that knows it. `generic` reads what nobody else does.
CONVENTION_MODULES = (
    "otel_http", "otel_rpc", "otel_db", "otel_messaging", "span_metrics", "istio", "envoy", "kube_state", "cadvisor", "node", "jvm",
    "pools", "postgres", "mysql", "redis", "kafka", "rabbitmq", "nginx", "coredns", "certificates", "cloudwatch", "process",
    "prometheus_http", "generic",
)  # fmt: skip
_ROLE_ORDER = {role: index for index, role in enumerate(Role)}


@functools.cache
def conventions() -> tuple[table.Convention, ...]:
    """All conventions, in the order in which they are asked."""
    modules = (importlib.import_module(f"rootward.signals.roles.{name}") for name in CONVENTION_MODULES)
    return tuple(module.CONVENTION for module in modules)


def discover(
    catalogue: Sequence[series.MetricInfo], overrides: Sequence[binding.Override] = ()
) -> tuple[binding.Binding, ...]:
    """What every known metric means, most telling roles first; the same for every order of `catalogue`.

    Overrides name metrics by their family ("http_request_duration_seconds") or by a part as stored ("…_bucket").
    """
    families = family.gather(catalogue)
    chosen = {table.base_name(one.metric, families): one for one in overrides}
    found: list[tuple[tuple[int, int, str, str, int], binding.Binding]] = []
    for one in families.values():
        override = chosen.get(one.name)
        bound, rank = (_overridden(one, families, override), 0) if override is not None else _bound(one, families)
        for position, each in enumerate(bound):
            found.append(((_ROLE_ORDER[each.role], rank, each.metric, each.variant, position), each))
    return tuple(each for _, each in sorted(found, key=lambda pair: pair[0]))


@functools.lru_cache(maxsize=4096)
def _knowing(name: str) -> tuple[tuple[int, table.Convention], ...]:
    """Which conventions, and how far down the list, may know a metric by its name: systems of a kind have the same names."""
    return tuple((rank, convention) for rank, convention in enumerate(conventions()) if convention.knows(name))


def _bound(one: family.Family, families: dict[str, family.Family]) -> tuple[list[binding.Binding], int]:
    for rank, convention in _knowing(one.name):
        bound = convention.bind(one, families)
        if bound is not None:
            return bound, rank
    return [], 0


def _overridden(
    one: family.Family, families: dict[str, family.Family], override: binding.Override
) -> list[binding.Binding]:
    """What a person says that the metric is: a role they name, on the entity that they name."""
    if not override.role:
        return []
    rule = rules.SERVICE
    if override.entity_label:
        rule = rules.EntityRule((rules.EntityLabel(override.entity_label, override.entity_kind),))
    context = table.Context(one, families, "settings", table.View(rule))
    role = Role(override.role)
    scale = one.scale if override.scale is None else override.scale
    if one.kind in ("histogram", "mean", "summary") and {"_sum", "_count"} <= one.parts:
        if role is Role.RATE:
            return [
                table.make(
                    context, role, (protocols.MetricQuery(f"{one.name}_count", function="rate"),), unit="{request}/s"
                )
            ]
        quantile = next((value for value, name in measures.QUANTILES if name is role), None)
        if quantile is not None and "_bucket" in one.parts:
            term = protocols.MetricQuery(f"{one.name}_bucket", function="rate", quantile=quantile)
            return [table.make(context, role, (term,), across="max", scale=scale, unit="s", pods=False)]
        terms = [protocols.MetricQuery(one.name + part, function="rate") for part in ("_sum", "_count")]
        return [table.make(context, role, terms, combine=binding.Combine.RATIO, scale=scale, unit=one.unit)]
    expand = measures.counter if one.counts else measures.gauge
    return list(expand(role, scale=scale)(context))
