"""Query text to a checked syntax tree, within limits."""

import re

from rootward import errors
from rootward.dojo.engines.promql import budget, checking, options, parser, tree

_LEGACY_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def parse(query: str, settings: options.Options) -> tree.Expr:
    """The syntax tree.

    Raises:
        errors.QuerySyntaxError: not PromQL, or (without `settings.experimental`) a function behind a feature flag.
        errors.QueryTooLarge: longer or deeper than the limits.
    """
    if len(query) > settings.limits.query_chars:
        raise errors.QueryTooLarge(f"query is longer than {settings.limits.query_chars} characters")
    node = parser.parse(query, settings)
    checking.Checker(query, settings).check(node)
    return node


def selector(text: str, settings: options.Options, purse: budget.Budget | None = None) -> tree.Selector:
    """A series selector alone, as `match[]` takes it; raises as `parse` does. Several of a request share one `purse`."""
    if len(text) > settings.limits.query_chars:
        raise errors.QueryTooLarge(f"selector is longer than {settings.limits.query_chars} characters")
    node = parser.parse_selector(text, settings, purse or budget.Budget(settings.limits.work))
    if not node.name and checking.takes_nothing(node, settings.dialect):
        raise errors.QuerySyntaxError("match[] must contain at least one non-empty matcher")
    return node


def valid_label(name: str, dialect: options.Dialect) -> bool:
    """Any text since version 3."""
    return bool(name) if dialect is options.Dialect.V3 else bool(_LEGACY_LABEL.fullmatch(name))
