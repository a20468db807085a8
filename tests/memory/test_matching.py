"""Matchers mean what Alertmanager means by them, survive being written down, and refuse expressions that could run for ever."""

import time

import kept
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.memory import matching
from rootward.signals import alert_class

LABEL = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.]{0,20}", fullmatch=True)
VALUE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ('service="checkout"', {"service": "checkout"}, True),
        ("service=checkout", {"service": "checkout"}, True),
        ("service = checkout", {"service": "cart"}, False),
        ("team=", {}, True),  # a label that is absent is the empty text
        ('team!=""', {}, False),
        ("team!=core", {}, True),
        ('alertname=~"Burn"', {"alertname": "ErrorBudgetBurn"}, False),  # anchored at both ends
        ('alertname=~".*Burn"', {"alertname": "ErrorBudgetBurn"}, True),
        ('alertname=~"A|B"', {"alertname": "B"}, True),
        ('alertname=~"(?i)error.*"', {"alertname": "ErrorBudgetBurn"}, True),
        ('alertname!~"A|B"', {"alertname": "C"}, True),
        ('pod=~"web-\\d+"', {"pod": "web-12"}, True),
        ('path="a\\"b"', {"path": 'a"b'}, True),
    ],
)
def test_matchers_mean_what_alertmanager_means(text: str, labels: dict[str, str], holds: bool) -> None:
    assert matching.holds(matching.parse(text), labels) is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "service",
        "=x",
        "service==x",
        'a="b',
        'a=b"c',
        '{a="b"}',
        "a b=c",
        'a=~"("',
        'a=~"[[x]]"',
        "a" * 101 + "=b",
        f"a={'x' * 501}",
    ],
)
def test_what_is_no_matcher_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(errors.InputError):
        matching.parse(text)


@pytest.mark.parametrize(
    "expression",
    [
        "(a+)+",
        "(a*)*b",
        "(a|aa)+",
        "(?:a|b)*",
        "((a+)b?)+",
        "(a+){5,}",
        "(?=a)b",
        "(a)\\1",
        ".*.*.*.*.*x",
        "(x+x+)+y",
        "(a{2,}){2,}",
    ],
)
def test_expressions_that_could_run_for_ever_are_refused(expression: str) -> None:
    with pytest.raises(errors.InputError):
        matching.parse(f'a=~"{expression}"')


@settings(deadline=None, derandomize=True)
@given(st.text("ab.*+?|(){}[]^$\\d1,", max_size=14))
@example("(a+)?b+|.*x.*|[ab]{2,4}")
def test_whatever_is_let_through_answers_soon(expression: str) -> None:
    """Every expression of small alphabets is refused, or held against a label made to be hard in well under a second."""
    try:
        matcher = matching.parse(f'a=~"{expression}"')
    except errors.InputError:
        return
    began = time.process_time()
    matching.holds(matcher, {"a": "a" * 60 + "!"})
    assert time.process_time() - began < 1.0, expression


@settings(deadline=None, derandomize=True)
@given(LABEL, st.sampled_from(["=", "!="]), VALUE)
@example("a", "=", '\\n"\\')
def test_a_matcher_survives_being_written_and_read(label: str, operator: str, value: str) -> None:
    matcher = matching.Matcher(label, operator, value)  # type: ignore[arg-type]
    assert matching.parse(matching.written(matcher)) == matcher


@settings(deadline=None, derandomize=True)
@given(LABEL, VALUE, VALUE)
def test_a_matcher_and_its_negation_never_agree(label: str, value: str, actual: str) -> None:
    labels = {label: actual}
    equal = matching.Matcher(label, "=", value)
    assert matching.holds(equal, labels) is not matching.holds(matching.Matcher(label, "!=", value), labels)


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(LABEL, VALUE, max_size=4))
def test_lists_that_cannot_both_hold_never_do(labels: dict[str, str]) -> None:
    one = [matching.Matcher(label, "=", value) for label, value in labels.items()]
    other = [matching.Matcher(label, "=", value + "x") for label, value in labels.items()]
    assert matching.failing(one, labels) is None
    assert matching.disjoint(one, other) is bool(labels)


def test_labels_that_the_alert_lacks_are_filled_in_and_its_own_stay() -> None:
    labels = matching.labels_of(kept.alert(owner="payments", environment="eu"), "default")
    assert labels["team"] == "payments"
    assert labels["environment"] == "eu"
    assert labels["alertname"] == "CheckoutHighErrorRate"
    assert labels["class"] == "high-error-rate"
    assert matching.labels_of(kept.alert(), "staging")["environment"] == "staging"


@pytest.mark.parametrize(
    ("name", "service", "expected"),
    [
        ("CheckoutHighErrorRate", "checkout", "high-error-rate"),
        ("CartHighErrorRate", "cart", "high-error-rate"),
        ("p99 latency > 500ms", "cart", "latency"),
        ("SLOBurnRate5m", "cart", "sloburn-rate5m"),
        ("checkout", "checkout", "checkout"),  # what would lose all its words keeps them
        ("…", "checkout", "unnamed"),
    ],
)
def test_alerts_that_are_the_same_question_have_one_class(name: str, service: str, expected: str) -> None:
    assert alert_class.of(kept.alert(name, service)) == expected
