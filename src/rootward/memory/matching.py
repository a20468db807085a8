"""Matchers as Alertmanager writes them (`service="checkout"`, `alertname=~".*BurnRate.*"`), and what they are held against.

Semantics are Alertmanager's: all matchers of a list must hold, a label that is absent is the empty text, regular expressions are
anchored at both ends. Expressions run on an engine that backtracks, so those that could take for ever are refused when written.
"""

import re
from collections.abc import Mapping, Sequence

from rootward import errors
from rootward.signals import alert_class, alerts, protocols

Matcher = protocols.Matcher

PATTERN_LENGTH_MAX = 500
VALUE_LENGTH_MAX = 1_000  # of a label's value that an expression is held against
REPEATS_MAX = 4  # unbounded repetitions side by side: work grows with the value's length to this power
_MATCHER = re.compile(r"\s*(?P<label>[^\s=!~\"'{},]{1,100})\s*(?P<operator>=~|!~|!=|=)\s*(?P<value>.*?)\s*", re.DOTALL)
_TEAMS = ("team", "owner", "squad", "owning_team")
_ENVIRONMENTS = ("environment", "env", "stage", "cluster")
_SERVICES = ("service", "service_name", "app", "application")


def parse(text: str) -> Matcher:
    """One matcher; the value may stand in double quotes (with `\\"` and `\\\\`) or bare.

    Raises:
        InputError: it is none, or its expression cannot be used.
    """
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise errors.InputError(
            f'{text!r} is no matcher; write label, then one of = != =~ !~, then a value: service="checkout"'
        )
    value = _unquoted(found["value"], text)
    if len(value) > PATTERN_LENGTH_MAX:
        raise errors.InputError(f"the value of matcher {found['label']} is longer than {PATTERN_LENGTH_MAX} characters")
    if found["operator"] in ("=~", "!~"):
        _checked(value)
    return Matcher(found["label"], found["operator"], value)  # type: ignore[arg-type]


def _unquoted(value: str, text: str) -> str:
    if not value.startswith('"'):
        if '"' in value or value.startswith(("=", "~")):
            raise errors.InputError(
                f"{text!r}: a value with quotes in it, or = or ~ before it, stands in double quotes"
            )
        return value
    inner = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', value, re.DOTALL)
    if inner is None:
        raise errors.InputError(f"{text!r}: the quotes of the value do not close at its end")
    # As Alertmanager: only \" \\ and \n mean something else; the backslashes of an expression stay (\d, \.).
    return re.sub(r'\\(["\\n])', lambda one: "\n" if one[1] == "n" else one[1], inner[1])


def written(matcher: Matcher) -> str:
    """The text that `parse` reads as this matcher."""
    value = matcher.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{matcher.label}{matcher.operator}"{value}"'


def holds(matcher: Matcher, labels: Mapping[str, str]) -> bool:
    """Whether `labels` satisfy the matcher."""
    value = labels.get(matcher.label, "")
    match matcher.operator:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
        case "=~":
            return re.fullmatch(matcher.value, value[:VALUE_LENGTH_MAX]) is not None
        case _:
            return re.fullmatch(matcher.value, value[:VALUE_LENGTH_MAX]) is None


def failing(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> Matcher | None:
    """The first matcher that does not hold; None when all do."""
    return next((one for one in matchers if not holds(one, labels)), None)


def disjoint(one: Sequence[Matcher], other: Sequence[Matcher]) -> bool:
    """Surely no alert satisfies both lists: some label must equal two different values (expressions are not compared)."""
    wanted = {matcher.label: matcher.value for matcher in one if matcher.operator == "="}
    return any(m.operator == "=" and wanted.get(m.label, m.value) != m.value for m in other)


def labels_of(alert: alerts.Alert, environment: str) -> dict[str, str]:
    """What matchers are held against: the alert's labels, and `alertname`, `class`, `service`, `team`, `environment`, `namespace`,
    `severity` and `source`, which are filled in when no label of that name says otherwise (`class` is always ours)."""
    labels = dict(alert.labels)
    entity = alert.entity
    filled = {
        "alertname": alert.name,
        "service": _first(labels, _SERVICES) or (entity.name if entity is not None else ""),
        "team": _first(labels, _TEAMS),
        "environment": _first(labels, _ENVIRONMENTS) or environment,
        "namespace": entity.namespace if entity is not None else "",
        "severity": alert.severity,
        "source": alert.source,
    }
    for name, value in filled.items():
        if value:
            labels.setdefault(name, value)
    labels["class"] = alert_class.of(alert)
    return labels


def _first(labels: Mapping[str, str], names: Sequence[str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")


def _checked(pattern: str) -> None:
    """Refuse what is no expression, and what may take exponential or very long time on a hostile label.

    A repeated group that itself repeats or chooses (`(a+)+`, `(a|a)*`) can be walked in exponentially many ways, and look-arounds and
    back references cannot be bounded. RE2 has none of these problems; nor has the subset of Python's expressions that is let through.
    """
    tokens = _TOKENS.findall(pattern)
    if any(_odd_set(token) for token in tokens):
        raise errors.InputError(f"{pattern!r}: a set of characters is closed, and holds no other set")
    if re.search(r"\(\?(?!:|P<|i\))|\\[1-9]|\(\?P=", pattern):
        raise errors.InputError(f"{pattern!r}: look-arounds, back references and flags other than (?i) are not read")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise errors.InputError(f"{pattern!r} is no regular expression: {error}") from error
    if max(_repeats(tokens, pattern)) > REPEATS_MAX:
        raise errors.InputError(f"{pattern!r} has more than {REPEATS_MAX} unbounded repetitions side by side")


_TOKENS = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P<\w+>|\(\?:|\(\?i\)|[()|]|[*+?][?+]?|\{\d*,?\d*\}[?+]?|.", re.DOTALL
)


def _odd_set(piece: str) -> bool:
    if piece == "[":  # never closed
        return True
    inner = re.sub(r"\\.", "", piece[1:]) if len(piece) > 1 and piece.startswith("[") else ""
    return any(mark in inner for mark in ("[", "--", "&&", "~~", "||"))


def _repeats(tokens: Sequence[str], pattern: str) -> list[int]:
    """The number of unbounded repetitions in each alternative of the top level.

    Raises:
        InputError: a repeated group repeats or chooses inside.
    """
    open_groups: list[list[int]] = [[0, 0]]  # of each open group: repetitions, choices
    tops: list[int] = []
    last: list[int] | None = None  # the group that has just been closed
    for piece in tokens:
        closed, last = last, None
        if piece.startswith("(") and piece != "(?i)":
            open_groups.append([0, 0])
        elif piece == ")" and len(open_groups) > 1:
            last = open_groups.pop()
            open_groups[-1][0] += last[0]
        elif piece == "|":
            open_groups[-1][1] += 1
            if len(open_groups) == 1:
                tops.append(open_groups[0][0])
                open_groups[0][0] = 0
        elif _many(piece):
            if closed is not None and any(closed):
                raise errors.InputError(f"{pattern!r}: a repeated group may neither repeat nor choose inside")
            open_groups[-1][0] += 1
    return [*tops, open_groups[0][0]]


def _many(token: str) -> bool:
    """Repeats more than once or twice: `*`, `+`, `{2,}`, `{,50}`."""
    if token[0] in "*+":
        return True
    bounds = re.fullmatch(r"\{(\d*)(,?)(\d*)\}[?+]?", token)
    if bounds is None or token.startswith("{}"):
        return False
    high = bounds[3] if bounds[2] else bounds[1]
    return not high or int(high) > 1
