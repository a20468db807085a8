"""PromQL's parser: every construct, Prometheus's own words for what is wrong, and no text that breaks it."""

import hypothesis
import promql_parser
import promql_queries
import pytest
from hypothesis import strategies as st

from rootward import errors
from rootward.dojo.engines.promql import options, printing, syntax, tree

WORDS = promql_queries.Vocabulary(
    metrics={
        "up": {"job": ("api", "db"), "instance": ("a:80", "b:80")},
        "requests_total": {"job": ("api",), "type": ("read", "write")},
        "seconds_bucket": {"job": ("api",), "le": ("0.1", "1", "+Inf")},
        "plain": {},
    },
    counters=("requests_total",),
    buckets=("seconds_bucket",),
    moments_s=(1_700_000_000, 1_700_000_000.5),
)
QUERIES = promql_queries.Queries(WORDS)
SERVED = options.Options(experimental=False)
thorough = hypothesis.settings(max_examples=150, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "unknown position: parse error: no expression found in input"),
        ("# nothing", "1:1: parse error: no expression found in input"),
        ("sum(", "1:5: parse error: unclosed left parenthesis"),
        ("up)", "1:4: parse error: unexpected right parenthesis ')'"),
        ("up[5m", "1:6: parse error: unclosed left bracket"),
        ("up{job", "1:7: parse error: unexpected end of input inside braces"),
        ("up{job}", '1:7: parse error: unexpected "}" in label matching, expected label matching operator'),
        ("up{job=}", '1:8: parse error: unexpected "}" in label matching, expected string'),
        ("up{,}", '1:4: parse error: unexpected "," in label matching, expected identifier or "}"'),
        ("up{job='a' x='b'}", '1:12: parse error: unexpected identifier "x" in label matching, expected "," or "}"'),
        ("up{job='a}", "1:8: parse error: unterminated quoted string"),
        ("up{job!'a'}", "1:7: parse error: unexpected character after '!' inside braces: '\\''"),
        ("up ~ 1", "1:4: parse error: unexpected character: '~'"),
        ("up =~ 1", "1:4: parse error: unexpected character after '=': '~'"),
        ("1 +\n  nope(up)", '2:3: parse error: unknown function with name "nope"'),
        ("é", "1:1: parse error: unexpected character: 'é'"),
        ('"é" + nope(up)', '1:8: parse error: unknown function with name "nope"'),
        ("1e", '1:1: parse error: bad number or duration syntax: "1e"'),
        ("up[1h1d]", '1:4: parse error: not a valid duration string: "1h1d"'),
        ("up[0s]", "1:4: parse error: duration must be greater than 0"),
        ("up[5m+1m]", "1:6: parse error: experimental duration expression is not enabled"),
        ("up offset 1e300", "1:11: parse error: duration out of range"),
        ("up @ Inf", "1:6: parse error: timestamp out of bounds for @ modifier: inf"),
        ("up offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"),
        ("up @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"),
        ("1 offset 5m", "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery"),
        ("(up)[5m]", "1:5: parse error: ranges only allowed for vector selectors"),
        ("up offset 1m [5m]", "1:14: parse error: no offset modifiers allowed before range"),
        ("up[5m][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"),
        ("rate(up[5m],)", "1:12: parse error: trailing commas not allowed in function call args"),
        ("sum by a (up)", '1:8: parse error: unexpected identifier "a" in grouping opts, expected "("'),
        ("sum by (1) (up)", '1:9: parse error: unexpected number "1" in grouping opts, expected label'),
        ("sum()", "1:1: parse error: no arguments for aggregate expression provided"),
        ("topk(1)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"),
        ("topk(up, up)", "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"),
        ("sum(up) keep_metric_names", '1:9: parse error: unexpected identifier "keep_metric_names"'),
        ("abs(rate(up))", '1:10: parse error: expected type range vector in call to function "rate", got instant vector'),
        ("abs(up, up)", '1:1: parse error: expected 1 argument(s) in call to "abs", got 2'),
        ("round()", '1:1: parse error: expected at least 1 argument(s) in call to "round", got 0'),
        ("hour(up, up)", '1:1: parse error: expected at most 1 argument(s) in call to "hour", got 2'),
        ("mad_over_time(up[5m])", '1:1: parse error: function "mad_over_time" is not enabled'),
        ("holt_winters(up[5m], 0.1, 0.1)", '1:1: parse error: unknown function with name "holt_winters"'),
        ("limitk(1, up)", "1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions"),
        ("1 < 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("up + bool up", "1:4: parse error: bool modifier can only be used on comparison operators"),
        ("1 and up", '1:1: parse error: set operator "and" not allowed in binary scalar expression'),
        ("up and on (job) group_left () up", '1:1: parse error: no grouping allowed for "and" operation'),
        ("up + on (job) 1", "1:1: parse error: vector matching only allowed between instant vectors"),
        ("up + on (a) group_left (a) up", '1:4: parse error: label "a" must not occur in ON and GROUP clause at once'),
        ("up + group_left () up", "1:6: parse error: unexpected <group_left>"),
        ("'a' + 1", "1:1: parse error: binary expression must contain only scalar and instant vector types"),
        ("-'a'", '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "string"'),
        ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ('{a=~".*", b!="x"}', "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ('up{__name__="x"}', '1:1: parse error: metric name must not be set twice: "up" or "x"'),
        ('up{a=~"(x"}', "1:4: parse error: error parsing regexp: missing closing ): `(x`"),
        ('up{a=~"x**"}', "1:4: parse error: error parsing regexp: invalid nested repetition operator: `**`"),
        ('up{a=~"x{1001}"}', "1:4: parse error: error parsing regexp: invalid repeat count: `{1001}`"),
        ('up{a=~"(?=x)"}', "1:4: parse error: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
        ("'\\z'", "1:1: parse error: unknown escape sequence U+007A 'z'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_the_server_s_words(query: str, words: str) -> None:
    with pytest.raises(errors.QuerySyntaxError) as caught:
        syntax.parse(query, SERVED)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SUM  by(a,) (up)", "sum by (a) (up)"),
        ("sum(up) WITHOUT (a, b)", "sum without (a, b) (up)"),
        ("-1 ^ 2 * 3", "-1 ^ 2 * 3"),
        ("010 + 0x1F + 1_000 + .5 + 1e3", "8 + 31 + 1000 + 0.5 + 1000"),
        ("10 / 5m", "10 / 5m"),
        ("up[300] offset -1m @ end()", "up[5m] @ end() offset -1m"),
        ("max_over_time(up[1h30m:] @ -5)", "max_over_time(up[1h30m:] @ -5.000)"),
        ('{"a.b", "c d"=\'e"\'}', '{__name__="a.b","c d"="e\\""}'),
        ("up{job=`a\\b`,}", 'up{job="a\\\\b"}'),
        ("a == bool on(x) group_left b", "a == bool on (x) group_left () b"),
        ("sum + by + offset", "sum + by + offset"),
        ("up # why\n and # because\n up", "up and up"),
        ('up{a=~"{{x}}|\\\\Qa.b\\\\E"}', 'up{a=~"{{x}}|\\\\Qa.b\\\\E"}'),
        ('sum by ("a.b") (up)', 'sum by ("a.b") (up)'),
        ('"\\xff\\u00e9\\101"', '"�éA"'),
    ],
)
def test_a_query_is_understood_and_laid_out(query: str, shown: str) -> None:
    assert printing.pretty(syntax.parse(query, SERVED)) == shown


def test_long_queries_are_laid_out_over_lines() -> None:
    query = "sum by (job) (rate(requests_total{job='api',type='read'}[5m])) / on (job) (sum by (job) (up) + count(up{instance='a:80'}) or vector(1))"
    assert printing.pretty(syntax.parse(query, SERVED)).splitlines() == [
        '  sum by (job) (rate(requests_total{job="api",type="read"}[5m]))',
        "/ on (job)",
        '  (sum by (job) (up) + count(up{instance="a:80"}) or vector(1))',
    ]


@thorough
@hypothesis.given(query=QUERIES.any())
def test_a_query_and_its_printed_form_mean_the_same(query: str) -> None:
    """An independent parser accepts it too."""
    promql_parser.parse(query)
    node = syntax.parse(query, SERVED)
    for text in (printing.line(node), printing.pretty(node)):
        assert printing.line(syntax.parse(text, SERVED)) == printing.line(node)
    for part in tree.walk(node):
        assert 0 <= part.start < part.end <= len(query)


@thorough
@hypothesis.given(query=promql_queries.broken(QUERIES.any()) | st.text(max_size=40))
def test_broken_queries_are_refused_with_a_place(query: str) -> None:
    try:
        syntax.parse(query, SERVED)
    except errors.QuerySyntaxError as error:
        place, found, _ = str(error).partition(": parse error: ")
        assert found
        assert place == "unknown position" or all(part.isdecimal() for part in place.split(":"))


def test_chains_may_be_long_and_nesting_may_not() -> None:
    assert printing.line(syntax.parse(" + ".join(["up"] * 1000), SERVED)).count("+") == 999
    syntax.parse("(" * 70 + "up" + ")" * 70, SERVED)
    for query, limit in (("+".join(["up"] * 1002), "1000 operators"), ("abs(" * 81 + "up" + ")" * 81, "80 levels")):
        with pytest.raises(errors.QueryTooLarge, match=limit):
            syntax.parse(query, SERVED)
