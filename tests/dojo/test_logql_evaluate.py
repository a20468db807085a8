"""LogQL's meaning, compared with counting by hand and with brute force over random lines."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.logql import evaluate, parser, store

SECOND = 10**9


def make(rows, *, traces=()):
    """A store of (second, app, line) rows."""
    apps = sorted({app for _, app, _ in rows})
    rows = sorted(rows, key=lambda row: row[0])
    return store.LogStore(
        telemetry.Logs(
            np.array([int(t * SECOND) for t, _, _ in rows], dtype=np.int64),
            np.array([apps.index(app) for _, app, _ in rows], dtype=np.int32),
            [line for _, _, line in rows],
            tuple({"app": app, "env": "prod"} for app in apps),
            list(traces),
        )
    )


def texts(log_store, query, start=0, end=100, *, limit=100, newest_first=False):
    found = evaluate.lines(
        log_store, parser.parse(query), start * SECOND, end * SECOND, limit=limit, newest_first=newest_first
    )
    return [line.text for line in found]


def labels(log_store, query):
    return [
        line.labels
        for line in evaluate.lines(log_store, parser.parse(query), 0, 100 * SECOND, limit=100, newest_first=False)
    ]


def value(log_store, query, at=100):
    """{label values joined: value} at one moment."""
    found = evaluate.samples(log_store, parser.parse(query), np.array([at * SECOND], dtype=np.int64))
    return {",".join(one.labels[name] for name in sorted(one.labels)): float(one.values[0]) for one in found}


LINES = [
    (1, "web", 'level=info msg="GET /a" status=200 took=12ms size=2KB'),
    (2, "web", 'level=error msg="GET /b" status=500 took=1.5s size=1MiB'),
    (
        3,
        "pay",
        json.dumps({"level": "error", "http": {"code": 503, "path": "/pay"}, "ok": False, "tags": ["a"], "n": 1.50}),
    ),
    (4, "pay", "not json at all 10.1.2.3"),
    (5, "web", 'level=warn msg="slow" status=200 took=900ms size=10B'),
]


@pytest.fixture(scope="module")
def sample():
    return make(LINES)


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ('{app="web"}', [1, 2, 5]),
        ('{app!="web", env="prod"}', [3, 4]),
        ('{app=~"w.*|nothing"}', [1, 2, 5]),
        ('{app=~"we"}', []),
        ('{env="prod"} |= "error"', [2, 3]),
        ('{env="prod"} != "level"', [4]),
        ('{env="prod"} |= "slow" or "GET /b"', [2, 5]),
        ('{env="prod"} != "slow" or "GET"', [3, 4]),
        ('{env="prod"} |~ "(?i)LEVEL=(ERROR|WARN)"', [2, 5]),
        ('{env="prod"} !~ "status=\\\\d+"', [3, 4]),
        ('{env="prod"} |= ip("10.1.0.0/16")', [4]),
        ('{env="prod"} |> "level=<_> msg=<_> status=200 <_>"', [1, 5]),
        ('{app="web"} | logfmt | status >= 500', [2]),
        ('{app="web"} | logfmt | took > 1s', [2]),
        ('{app="web"} | logfmt | took > 500ms and status = 200', [5]),
        ('{app="web"} | logfmt | size < 1KB', [5]),
        ('{app="web"} | logfmt | level="info" or level=~"w.*n"', [1, 5]),
        ('{app="web"} | logfmt | missing="" | level!="info"', [2, 5]),
        ('{app="pay"} | json | http_code = 503', [3]),
        ('{app="pay"} | json | __error__ != ""', [4]),
        ('{app="pay"} | json code="http.code" | code="503"', [3]),
        ('{app="web"} | pattern `level=<lvl> msg="<verb> <_>" <_>` | verb="GET"', [1, 2]),
        ('{app="web"} | regexp `status=(?P<code>\\d)` | code="5"', [2]),
    ],
)
def test_which_lines_pass(sample, query, seconds):
    wanted = [line for t, _, line in LINES if t in seconds]
    assert texts(sample, query) == wanted


def test_json_flattens_keeps_numbers_as_written_and_leaves_arrays_out(sample):
    found = labels(sample, '{app="pay"} |= "503" | json')[0]
    assert found == {
        "app": "pay",
        "env": "prod",
        "level": "error",
        "http_code": "503",
        "http_path": "/pay",
        "ok": "false",
        "n": "1.5",
    }


def test_an_extracted_label_never_hides_a_stream_label():
    found = labels(make([(1, "web", "app=other x=1")]), '{app="web"} | logfmt')
    assert found == [{"app": "web", "env": "prod", "app_extracted": "other", "x": "1"}]


def test_formatting_rewrites_lines_and_labels(sample):
    query = '{app="web"} |= "GET /b" | logfmt | label_format code=status, who="{{.app}}-{{.level | upper}}" | line_format "{{.code}} {{.who}}"'
    assert texts(sample, query) == ["500 web-ERROR"]
    assert "status" not in labels(sample, query)[0]
    assert set(labels(sample, '{app="web"} |= "GET /b" | logfmt | keep app, level')[0]) == {"app", "level"}
    assert "level" not in labels(sample, '{app="web"} |= "GET /b" | logfmt | drop level')[0]


def test_unpack_restores_the_packed_line():
    packed = make([(1, "web", json.dumps({"_entry": "the line", "pod": "p-1", "n": 3}))])
    assert texts(packed, '{app="web"} | unpack') == ["the line"]
    assert labels(packed, '{app="web"} | unpack')[0] == {"app": "web", "env": "prod", "pod": "p-1"}


def test_limit_and_direction(sample):
    assert texts(sample, '{env="prod"}', limit=2, newest_first=True) == [LINES[4][2], LINES[3][2]]
    assert texts(sample, '{env="prod"}', limit=2) == [LINES[0][2], LINES[1][2]]
    assert texts(sample, '{env="prod"}', start=2, end=4) == [LINES[1][2], LINES[2][2]]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ('count_over_time({env="prod"}[100s])', {"pay,prod": 2, "web,prod": 3}),
        ('sum(count_over_time({env="prod"}[100s]))', {"": 5}),
        ('rate({app="web"}[100s])', {"web,prod": 0.03}),
        ('sum by (level) (count_over_time({app="web"} | logfmt [100s]))', {"info": 1, "error": 1, "warn": 1}),
        ('sum by (app) (bytes_over_time({app="pay"} |= "not json" [100s]))', {"pay": 24}),
        ('max_over_time({app="web"} | logfmt | unwrap duration(took) [100s]) by (app)', {"web": 1.5}),
        (
            'sum_over_time({app="web"} | logfmt | keep app, size | unwrap bytes(size) [100s])',
            {"web": 2000 + 1048576 + 10},
        ),
        ('quantile_over_time(0.5, {app="web"} | logfmt | unwrap status [100s]) by ()', {"": 200}),
        ('avg_over_time({app="web"} | logfmt | unwrap status [100s]) by ()', {"": 300}),
        ('last_over_time({app="web"} | logfmt | unwrap status [100s]) by ()', {"": 200}),
        ('count_over_time({env="prod"}[100s]) > 2', {"web,prod": 3}),
        ('count_over_time({env="prod"}[100s]) > bool 2', {"web,prod": 1, "pay,prod": 0}),
        ('10 - sum(count_over_time({env="prod"}[100s]))', {"": 5}),
        ('topk(1, count_over_time({env="prod"}[100s]))', {"web,prod": 3}),
        ('bottomk(1, count_over_time({env="prod"}[100s]))', {"pay,prod": 2}),
        ('avg(count_over_time({env="prod"}[100s]))', {"": 2.5}),
        ('count(count_over_time({env="prod"}[100s]))', {"": 2}),
        ('min without (app) (count_over_time({env="prod"}[100s]))', {"prod": 2}),
        ('absent_over_time({app="nobody"}[10s])', {"nobody": 1}),
        ('absent_over_time({app="web"}[100s])', {}),
        ('sum(count_over_time({app="web"}[100s])) / sum(count_over_time({env="prod"}[100s]))', {"": 0.6}),
        (
            'count_over_time({app="web"}[100s]) / on (env) group_left sum by (env) (count_over_time({env="prod"}[100s]))',
            {"web,prod": 0.6},
        ),
        ('count_over_time({app="web"}[100s]) or count_over_time({env="prod"}[100s])', {"web,prod": 3, "pay,prod": 2}),
        ('count_over_time({env="prod"}[100s]) unless count_over_time({app="web"}[100s])', {"pay,prod": 2}),
        ('label_replace(count_over_time({app="web"}[100s]), "first", "$1", "app", "(.).*")', {"web,prod,w": 3}),
        ("vector(3)", {"": 3}),
    ],
)
def test_metric_queries(sample, query, wanted):
    assert value(sample, query) == pytest.approx(wanted)


def test_a_value_that_cannot_be_read_is_an_error_unless_filtered_out(sample):
    query = 'sum_over_time({{app="web"}} | logfmt | unwrap msg {} [100s])'
    with pytest.raises(errors.QueryExecutionError, match="SampleExtractionErr"):
        value(sample, query.format(""))
    assert value(sample, query.format('| __error__=""')) == {}


def test_vectors_that_match_twice_are_an_error(sample):
    with pytest.raises(errors.QueryExecutionError, match="many-to-many"):
        value(sample, 'count_over_time({env="prod"}[100s]) / on (env) count_over_time({env="prod"}[100s])')


def test_too_many_series_and_points_are_their_own_error():
    many = make([(1, f"app{i}", "x") for i in range(501)])
    with pytest.raises(errors.QueryTooLarge, match="maximum number of series"):
        value(many, 'count_over_time({env="prod"}[100s])')
    with pytest.raises(errors.QueryTooLarge, match="11,000"):
        evaluate.grid(0, 20_000 * SECOND, SECOND)


def test_structured_metadata_splits_series_unless_it_is_summed_away():
    traced = make([(i, "web", "x") for i in range(1, 6)], traces=["aa", "", "bb", "", ""])
    assert value(traced, 'count_over_time({app="web"}[100s])') == {"web,prod": 3, "web,prod,aa": 1, "web,prod,bb": 1}
    assert value(traced, 'sum by (app) (count_over_time({app="web"}[100s]))') == {"web": 5}


def test_nothing_after_the_horizon_exists(sample):
    view = sample.until(3 * SECOND)
    assert texts(view, '{env="prod"}') == [LINES[0][2], LINES[1][2]]
    assert value(view, 'sum(count_over_time({env="prod"}[100s]))') == {"": 2}
    assert texts(sample, '{env="prod"}') != texts(view, '{env="prod"}')


ROWS = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from(["web", "pay", "db"]),
        st.sampled_from(["ok a=1", "error a=2", "error b", ""]),
    ),
    min_size=1,
    max_size=60,
)


@given(ROWS, st.integers(1, 40), st.integers(1, 20))
@settings(max_examples=120, deadline=None)
def test_counts_equal_brute_force_over_half_open_windows(rows, range_s, step_s):
    times = np.arange(0, 80, step_s) * SECOND
    found = evaluate.samples(
        make(rows), parser.parse(f'count_over_time({{env="prod"}} |= "error" [{range_s}s])'), times
    )
    got = {
        (one.labels["app"], int(t)): v
        for one in found
        for t, v, p in zip(times, one.values, one.present, strict=True)
        if p
    }
    wanted = {}
    for app in {row[1] for row in rows}:
        for t in times.tolist():
            n = sum(1 for s, a, line in rows if a == app and "error" in line and t - range_s * SECOND < s * SECOND <= t)
            if n:
                wanted[(app, t)] = n
    assert got == wanted


@given(ROWS, st.sampled_from(["count_over_time", "rate", "bytes_over_time", "bytes_rate"]))
@settings(max_examples=80, deadline=None)
def test_the_quick_way_and_the_line_by_line_way_agree(rows, op):
    log_store, times = make(rows), np.arange(0, 80, 7) * SECOND
    quick = evaluate.samples(log_store, parser.parse(f'sum by (app) ({op}({{env="prod"}}[20s]))'), times)
    slow = evaluate.samples(log_store, parser.parse(f'sum by (app) ({op}({{env="prod"}} | drop nothing [20s]))'), times)
    assert [one.labels for one in quick] == [one.labels for one in slow]
    for a, b in zip(quick, slow, strict=True):
        assert a.present.tolist() == b.present.tolist()
        np.testing.assert_allclose(a.values[a.present], b.values[b.present])


@given(ROWS, st.integers(1, 30), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_limit_keeps_the_first_lines_of_the_direction(rows, limit, newest_first):
    log_store = make(rows)
    every = texts(log_store, '{env="prod"} != "b"', limit=1000, newest_first=newest_first)
    assert texts(log_store, '{env="prod"} != "b"', limit=limit, newest_first=newest_first) == every[:limit]


# ---- limits and what came later


def test_catastrophic_regular_expressions_run_in_linear_time():
    import time

    log_store = make([(i, "web", "a" * 5_000 + "!") for i in range(1, 40)])
    begun = time.process_time()
    for query in (
        '{app="web"} |~ "(a+)+$"',
        '{app="web"} | regexp "(?P<x>(a|aa)+)$" | x != ""',
        '{app=~"(w|we|b)+c?"}',
    ):
        texts(log_store, query)
    assert time.process_time() - begun < 2.0


def test_a_query_that_would_read_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(evaluate, "MAX_LINES_READ", 10)
    log_store = make([(i, "web", "x") for i in range(1, 9)])
    assert value(log_store, 'sum(count_over_time({app="web"}[100s]))') == {"": 8.0}
    with pytest.raises(errors.QueryTooLarge, match="too many bytes"):
        value(log_store, 'sum(count_over_time({app="web"}[100s])) / sum(count_over_time({app="web"}[100s]))')


def test_rate_counter_counts_over_resets():
    log_store = make([(10 * i, "web", f"total={n}") for i, n in enumerate([100, 110, 120, 5, 15], start=1)])
    found = value(log_store, 'sum(rate_counter({app="web"} | logfmt | unwrap total [50s]))', at=50)
    # 100→110→120, a reset to 5, →15: 35 in 40 s, reaching half an interval further back: 35 * 45/40 / 50 s.
    assert found[""] == pytest.approx(35 * (45 / 40) / 50)


def test_approx_topk_is_topk_without_grouping():
    log_store = make([(1, "web", "x"), (2, "web", "x"), (3, "pay", "x")])
    assert value(log_store, 'approx_topk(1, sum by (app) (count_over_time({app=~".+"}[100s])))') == {"web": 2.0}
    with pytest.raises(errors.QuerySyntaxError, match="grouping not allowed for approx_topk"):
        parser.parse('approx_topk by (app) (1, count_over_time({app="web"}[1m]))')
