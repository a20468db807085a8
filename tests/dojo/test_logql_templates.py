"""Templates of line_format and label_format: the examples of Loki's documentation, and that nothing runs away or crashes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.dojo.engines.logql import template_functions, templates

LABELS = {
    "path": "/a b/c",
    "status": "503",
    "took": "1m30s",
    "size": "2KB",
    "empty": "",
    "json": '{"foo":55,"list":[{"q":"a"},{"q":"b"}]}',
    "err": "ErrTimeout",
    "epoch": "1679577215",
    "day": "2021-11-02",
    "user": "id=7 name=ana",
}
TIME_NS = 1_714_561_200_123_456_789  # 2024-05-01T11:00:00.123456789Z


def render(text):
    return templates.compile_template(text)(LABELS, "the Line", TIME_NS)


# Rows from Loki's documentation of template functions, and from Go's text/template.
ROWS = [
    ("{{.path}} {{ .status }}", "/a b/c 503"),
    ("{{ .missing }}|", "|"),
    ('{{ .path | replace " " "_" | trunc 5 | upper }}', "/A_B/"),
    ('{{ if and (contains "he" "hello") (contains "llo" "hello") }} yes {{end}}', " yes "),
    ('{{ if contains "X" .err }} timeout {{else if contains "he" "hello"}} yes {{else}} no {{end}}', " yes "),
    ("{{ if .empty }}a{{ else }}b{{ end }}", "b"),
    ("{{ __line__ | lower }}", "the line"),
    ('{{ __timestamp__ | date "2006-01-02T15:04:05.00Z-07:00" }}', "2024-05-01T11:00:00.12Z+00:00"),
    ("{{ __timestamp__ | unixEpoch }}", "1714561200"),
    ("{{ unixEpochMillis __timestamp__ }}", "1714561200123"),
    ('{{ date "Mon Jan _2 3:04PM" __timestamp__ }}', "Wed May  1 11:00AM"),
    ("{{ duration .took }} {{ .took | duration_seconds }}", "90 90"),
    ('{{ unixEpoch (toDate "2006-01-02" .day) }}', "1635811200"),
    ('{{ toDateInZone "2006-01-02" "Europe/Paris" .day | unixEpoch }}', "1635807600"),
    ('{{date "2006-01-02" (unixToTime .epoch)}}', "2023-03-23"),
    ('{{ alignLeft 5 "hello world"}}|{{ alignLeft 5 "hi"}}|', "hello|hi   |"),
    ('{{ alignRight 5 "hello world"}}|{{ alignRight 5 "hi"}}', "world|   hi"),
    ('{{ "abc" | b64enc }} {{ b64dec "YWJj" }}', "YWJj abc"),
    ("{{ .size | bytes }}", "2000"),
    ('{{ default "-" "" }}{{ default "-" "foo" }}{{ .empty | default "none" }}', "-foonone"),
    (
        "{{ with fromJson .json }}{{ .foo }}{{ range $i, $x := .list }} {{ $i }}={{ $x.q }}{{ end }}{{ end }}",
        "55 0=a 1=b",
    ),
    ('{{ range $k := fromJson "[]" }}x{{ else }}none{{ end }}', "none"),
    ('{{ indent 2 "a\\nb" }}', "  a\n  b"),
    ('{{ repeat 3 "hello" }}', "hellohellohello"),
    ('{{ printf "The IP was %s" .status }}', "The IP was 503"),
    ('{{ printf "%-8.3s|%5s|%d|%05.1f|%q|%v%%" "abcdef" "x" 7 2.25 "y" true }}', 'abc     |    x|7|002.2|"y"|true%'),
    ('{{ printf "%d" "x" }}{{ printf "%s" }}', "%!d(string=x)%!s(MISSING)"),
    ('{{ substr 0 5 "hello world"}} {{ substr 6 11 "hello world"}}', "hello world"),
    ('{{ title "hello world"}}', "Hello World"),
    ('{{ trimAll "$" "$5.00" }} {{ trimPrefix "-" "-hello" }} {{ trimSuffix "-" "hello-" }}', "5.00 hello hello"),
    ('{{ trunc 5 "hello world"}} {{ trunc -5 "hello world"}}', "hello world"),
    ('{{ urlencode "a b&c" }} {{ urldecode "a+b%26c" }}', "a+b%26c a b&c"),
    ('{{ if hasSuffix "Timeout" .err }}t{{end}}{{ if hasPrefix "he" "hello" }}h{{ end }}', "th"),
    (
        "{{ add 3 2 5 }} {{ addf 3.5 2 5 }} {{ sub 5 2 }} {{ mul 5 2 3 }} {{ div 10 3 }} {{ mod 10 3 }}",
        "10 10.5 3 30 3 1",
    ),
    ("{{ divf 10 2 4 }} {{ ceil 123.001 }} {{ floor 123.9 }} {{ round 123.555555 3 }}", "1.25 124 123 123.556"),
    ('{{ "3.5" | float64 }} {{ "3" | int }} {{ max 1 2 3 }} {{ minf 1.5 2 }}', "3.5 3 3 1.5"),
    ('{{ regexReplaceAll "(a*)bc" "aaaabc" "${1}a" }}', "aaaaa"),
    ('{{ regexReplaceAllLiteral "(ts=)" "timestamp=1 ts=2" "$1" }}', "timestamp=1 $12"),
    ('{{ count "a|b" "abcab" }}', "4"),
    ('{{- "x" -}}   y', "xy"),
    ("a {{- /* said aside */ -}} b", "ab"),
    ('{{ $x := "v" }}{{ $x }}{{ $.status }}', "v503"),
    ('{{ eq "a" "b" "a" }} {{ ne 1 2 }} {{ lt 1 2 }} {{ ge 2 2 }} {{ not "" }}', "true true true true true"),
    ("{{ len .status }}{{ 1e6 }} {{ 1e21 }} {{ 0.00001 }}", "31000000 1e+21 1e-05"),
    ("no action", "no action"),
]


@pytest.mark.parametrize(("text", "wanted"), ROWS)
def test_documented_examples(text, wanted):
    assert render(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "{{",
        "{{ .a",
        "{{ nosuch }}",
        "{{ upper }}",
        '{{ "a" "b" }}',
        "{{ if .a }}",
        "{{ end }}",
        "{{ .a | }}",
        "{{ (.a }}",
        "{{ }}",
    ],
)
def test_what_is_no_template_is_a_syntax_error(text):
    with pytest.raises(errors.QuerySyntaxError, match="template"):
        templates.compile_template(text)


@pytest.mark.parametrize(
    "text",
    [
        '{{ repeat 100000 "aaaa" }}',
        "{{ div 1 0 }}",
        '{{ toDate "2006-01-02" "x" }}',
        '{{ index (fromJson "[1]") 5 }}',
        '{{ date "2006" "x" }}',
        '{{ regexReplaceAll "(" "a" "b" }}',
        "{{ $undefined }}",
        '{{ lt "a" 1 }}',
        '{{ duration "x" }}',
    ],
)
def test_what_fails_on_a_line_says_so(text):
    with pytest.raises(errors.QueryExecutionError, match="template: line:1"):
        render(text)


def test_work_is_bounded():
    deep = "{{ range $i := $.l }}" * 8 + "x" + "{{ end }}" * 8
    text = '{{ $l := fromJson "[' + ",".join("0" * 1 for _ in range(50)) + ']" }}' + deep.replace("$.l", "$l")
    with pytest.raises(errors.QueryExecutionError, match="too much work"):
        render(text)


PIECES = st.sampled_from(
    [
        ".path",
        ".json",
        "$x",
        "1",
        "-3",
        "1.5",
        '"a"',
        "`b`",
        "(",
        ")",
        "|",
        "fromJson",
        "__line__",
        "__timestamp__",
        *template_functions.FUNCTIONS,
        ":=",
        "if",
        "range",
        "end",
        "else",
        "with",
        "$x, $y",
        "nil",
        "true",
        "{{",
        "}}",
        "-",
    ]
)


@given(parts=st.lists(PIECES | st.text(max_size=3), max_size=9), wrapped=st.booleans())
@settings(max_examples=600, deadline=None, derandomize=True)
def test_any_text_renders_or_is_refused(parts, wrapped):
    text = " ".join(parts)
    text = "{{ " + text + " }}" if wrapped else text
    try:
        found = render(text)
    except (errors.QuerySyntaxError, errors.QueryExecutionError):
        return
    assert len(found) <= template_functions.MAX_TEXT + len(text)
