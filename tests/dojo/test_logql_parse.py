"""LogQL text: what is accepted, how it binds, and that nothing but a syntax error ever comes of bad text."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.dojo.engines.logql import lexer, parser, tree

ACCEPTED = [
    '{app="x"}',
    '{app="x",}',
    '{app=~"x|y", env!="dev", zone!~"a.*"} # a comment',
    '{app="x"} |= "a" != "b" |~ `c\\d+` !~ "d" |> "<_> took <_>" !> "x"',
    '{app="x"} |= "a" or "b" or "c"',
    '{app="x"} |= ip("10.0.0.0/8") != ip("10.1.0.1-10.1.0.9")',
    '{app="x"} | json | logfmt --strict --keep-empty | unpack | decolorize',
    '{app="x"} | json status="response.status", first="items[0]", ua="headers[\\"User-Agent\\"]"',
    '{app="x"} | logfmt level, msg="message"',
    '{app="x"} | pattern `<ip> - <_> "<method> <path>" <status>`',
    '{app="x"} | regexp `(?P<method>\\w+) (?P<path>\\S+)`',
    '{app="x"} | json | level="error" or status>=500 and duration > 250ms, size <= 5KB',
    '{app="x"} | json | (level="error" or level=~"warn.*") and addr=ip("::1")',
    '{app="x"} | line_format "{{.level | ToUpper}} {{__line__ | trunc 10}}" | label_format a=b, c="{{.d}}"',
    '{app="x"} | json | drop __error__, level="debug" | keep app, pod',
    'rate({app="x"}[5m])',
    'rate({app="x"} |= "err" [1h30m] offset 5m)',
    'rate(({app="x"} |= "err")[5m])',
    'rate({app="x"}[5m] |= "err")',
    'sum by (app, pod) (count_over_time({app=~".+"}[1m]))',
    'sum(bytes_rate({app="x"}[1m])) without (pod)',
    'quantile_over_time(0.99, {app="x"} | json | unwrap duration(took) | __error__="" [5m]) by (app)',
    'max_over_time({app="x"} | logfmt | unwrap bytes(size) [5m])',
    'topk(3, sum by (app) (rate({app=~".+"}[5m]))) > 2',
    'sum(rate({app="x"}[5m])) / sum(rate({app=~".+"}[5m])) * 100 > bool 5',
    'rate({app="x"}[5m]) and on (app) rate({app="y"}[5m]) unless ignoring (pod) rate({app="z"}[5m])',
    'sum by (a) (rate({a="x"}[1m])) * on (a) group_left (b) sum by (a, b) (rate({a="x"}[1m]))',
    'absent_over_time({app="x"}[5m])',
    'label_replace(rate({app="x"}[1m]), "dst", "$1", "src", "(.*)")',
    "vector(1) + 2 ^ 3 ^ 2",
    'sort_desc(sum by (app) (rate({app=~".+"}[5m])))',
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepts_what_the_documentation_shows(text):
    parser.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "unexpected $end"),
        ("{", "unexpected $end"),
        ("{}", "at least one regexp or equality matcher"),
        ('{app=~".*", env!="x"}', "at least one regexp or equality matcher"),
        ("{app=x}", "unexpected IDENTIFIER, expecting STRING"),
        ('{app=~"("}', "error parsing regexp"),
        ('{app=~"(?=x)"}', "error parsing regexp"),
        ('{app="x"} |= ', "unexpected $end, expecting STRING"),
        ('{app="x"} | ', "unexpected $end"),
        ('{app="x"} | frobnicate', "unexpected IDENTIFIER"),
        ('{app="x"} | pattern "no capture"', "at least one capture is required"),
        ('{app="x"} | pattern "<a><b>"', "consecutive capture"),
        ('{app="x"} | regexp "plain"', "at least one named capture"),
        ('{app="x"} | line_format "{{.a"', "unclosed action"),
        ('{app="x"} | line_format "{{.a | nothing}}"', "not defined"),
        ('{app="x"} | label_format a=b, a=c', "multiple label name"),
        ('{app="x"} |= ip("10.0.0")', "10.0.0"),
        ('{app="x"} | a =~ 5', "expecting STRING"),
        ('rate({app="x"})', "expecting RANGE"),
        ('rate({app="x"}[])', "missing duration"),
        ('rate({app="x"}[5])', "expecting DURATION"),
        ('sum_over_time({app="x"}[5m])', "without unwrap"),
        ('count_over_time({app="x"} | unwrap a [5m])', "with unwrap"),
        ('count_over_time({app="x"}[5m]) by (a)', "grouping not allowed"),
        ('topk(0, rate({app="x"}[5m]))', "invalid parameter"),
        ('rate({app="x"}[5m]) and 1', "unexpected literal"),
        ('frob({app="x"}[5m])', "unexpected IDENTIFIER"),
        ('{app="x"} "', "literal not terminated"),
        ('{app="\\xff\\q"}', "invalid char escape"),
        ('{app="x"} §', "unexpected"),
        ("(" * 5000 + '{app="x"}' + ")" * 5000, "deep"),
        ("1" + "+1" * 5000, "too many operators"),
        ('{app="' + "x" * 200_000 + '"}', "input size too long"),
    ],
)
def test_refuses_with_a_reason(text, words):
    with pytest.raises(errors.QuerySyntaxError) as refused:
        parser.parse(text)
    assert words in str(refused.value)


def test_errors_tell_line_and_column():
    with pytest.raises(errors.QuerySyntaxError, match=r"line 2, col 3: syntax error: unexpected IDENTIFIER"):
        parser.parse('{app="x"}\n| nonsense')


def test_arithmetic_binds_as_in_mathematics_and_power_to_the_right():
    assert parser.parse("1 + 2 * 3") == tree.Number(7.0)
    assert parser.parse("2 ^ 3 ^ 2") == tree.Number(512.0)
    assert parser.parse("10 - 4 - 3") == tree.Number(3.0)
    assert parser.parse("-2 + 5") == tree.Number(3.0)


def test_and_binds_tighter_than_or_in_label_filters():
    query = parser.parse('{a="b"} | x=1 or y=2 and z=3')
    assert isinstance(query, tree.LogQuery)
    (stage,) = query.stages
    assert isinstance(stage, tree.LabelFilter)
    assert isinstance(stage.test, tree.Junction)
    assert stage.test.op == "or"


@pytest.mark.parametrize(
    ("text", "ns"), [("5m", 3e11), ("1h30m", 5.4e12), ("1.5s", 1.5e9), ("250ms", 2.5e8), ("-1m", -6e10)]
)
def test_durations(text, ns):
    assert lexer.duration_ns(text) == ns


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "5x", "1m!"])
def test_not_durations(text):
    with pytest.raises(ValueError, match="duration"):
        lexer.duration_ns(text)


@given(st.text(alphabet='{}[]()|=!~<>"`\\,.5ms abjson_rateunwrapby+-*/%^#\n§', max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_parses_or_is_a_syntax_error(text):
    with contextlib.suppress(errors.QuerySyntaxError):
        parser.parse(text)


@given(st.sampled_from(ACCEPTED), st.integers(0, 200), st.text(max_size=3))
@settings(max_examples=400, deadline=None)
def test_a_damaged_query_parses_or_is_a_syntax_error(text, at, insertion):
    at %= len(text)
    with contextlib.suppress(errors.QuerySyntaxError):
        parser.parse(text[:at] + insertion + text[at + 1 :])
