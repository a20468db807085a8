"""label_replace, label_join and the orderings: functions that change what series are called or where they stand."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from rootward import errors
from rootward.dojo.engines.promql import options, patterns, syntax, values

Vector = values.Vector

_DIGITS = re.compile(r"(\d+)")


def _checked(name: str, function: str, dialect: options.Dialect) -> str:
    if not syntax.valid_label(name, dialect):
        raise errors.QueryExecutionError(f"invalid destination label name in {function}(): {name}")
    return name


def _refuse_long(characters: int, limit: int) -> None:
    if characters > limit:
        raise errors.QueryTooLarge(f"labels of more than {limit} characters; the limit is on all series together")


def replace(vector: Vector, texts: Sequence[str], settings: options.Options) -> Vector:
    """`texts`: destination, replacement, source, pattern."""
    destination, replacement, source, pattern = texts
    _checked(destination, "label_replace", settings.dialect)
    texts = [dict(one).get(source, "") for one in vector.labels] if source else [""] * len(vector.labels)
    # Every reference can at most bring in the whole text.
    _refuse_long(
        sum(len(replacement) + replacement.count("$") * len(text) for text in texts), settings.limits.label_chars
    )
    found = patterns.expand(pattern, replacement, texts, settings.dialect)
    labels = [
        one if text is None else values.with_label(one, destination, text)
        for one, text in zip(vector.labels, found, strict=True)
    ]
    return values.merged(Vector(labels, vector.values, vector.present), strict=True)


def join(vector: Vector, texts: Sequence[str], settings: options.Options) -> Vector:
    """`texts`: destination, separator, then any number of sources."""
    destination, separator, *sources = texts
    _checked(destination, "label_join", settings.dialect)
    for source in sources:
        if not syntax.valid_label(source, settings.dialect):
            raise errors.QueryExecutionError(f"invalid source label name in label_join(): {source}")
    limit = settings.limits.label_chars
    labels, made = [], 0
    for one in vector.labels:
        pairs = dict(one)
        parts = [pairs.get(name, "") for name in sources]
        made += sum(map(len, parts)) + len(separator) * len(parts)
        _refuse_long(made, limit)
        labels.append(values.label_set({**pairs, destination: separator.join(parts)}))
    return values.merged(Vector(labels, vector.values, vector.present), strict=True)


def by_value(vector: Vector, *, descending: bool) -> Vector:
    """Rows in order of the first step's values, NaN last; only an instant query shows it."""
    if not vector.labels:
        return vector
    samples = -vector.values[:, 0] if descending else vector.values[:, 0]
    return vector.rows(np.lexsort((np.nan_to_num(samples, nan=0.0, posinf=np.inf, neginf=-np.inf), np.isnan(samples))))


def by_labels(vector: Vector, names: Sequence[str], *, descending: bool) -> Vector:
    """In natural order ("pod2" before "pod10") of the given labels, ties by all labels."""

    def key(row: int) -> tuple[list[list[tuple[bool, int, str]]], values.LabelSet]:
        pairs = dict(vector.labels[row])
        return [_natural(pairs.get(name, "")) for name in names], vector.labels[row]

    return vector.rows(sorted(range(len(vector.labels)), key=key, reverse=descending))


def _natural(text: str) -> list[tuple[bool, int, str]]:
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in _DIGITS.split(text)]


TEXT_FUNCTIONS: dict[str, Callable[[Vector, Sequence[str], options.Options], Vector]] = {
    "label_replace": replace,
    "label_join": join,
    "sort_by_label": lambda vector, names, _: by_labels(vector, names, descending=False),
    "sort_by_label_desc": lambda vector, names, _: by_labels(vector, names, descending=True),
}
