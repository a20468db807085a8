"""Measuring: what lines come out of known series, and what happens when a back end does not answer."""

import asyncio

import fake_metrics as fake
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rootward.signals import answers, entities, measuring, questions, roles, series
from rootward.signals.roles import binding, combine
from rootward.signals.roles.role import Role

Kind = entities.EntityKind


def measured(source: fake.FakeMetrics, **options):
    async def run():
        catalogue = await source.catalogue(fake.WINDOW)
        bindings = roles.discover(catalogue.value or ())
        return await questions.measure(source, bindings, fake.WINDOW, 30.0, rate_window_s=60.0, **options)

    return asyncio.run(run())


def lines_by(result) -> dict[tuple[str, str, str], measuring.Line]:
    lines = [line for one in result for line in one.lines]
    return {(str(line.role), str(line.entity), line.observer.name if line.observer else ""): line for line in lines}


def row(name, values, **labels):
    return (name, labels, fake.TIMES, values)


def test_rate_and_errors_of_a_service_are_the_sum_of_its_pods() -> None:
    source = fake.FakeMetrics(
        [
            row("http_requests_total", fake.counter(8), service="cart", pod="cart-5b67c48447-mv5hb", code="200"),
            row("http_requests_total", fake.counter(2), service="cart", pod="cart-5b67c48447-mv5hb", code="503"),
            row("http_requests_total", fake.counter(10), service="cart", pod="cart-5b67c48447-x2x2x", code="200"),
        ],
        kinds={"http_requests_total": "counter"},
    )
    lines = lines_by(measured(source))
    assert np.allclose(lines["rate", "service/cart", ""].values, 20)
    assert np.allclose(lines["error_ratio", "service/cart", ""].values, 0.1)
    assert np.allclose(lines["error_ratio", "pod/cart-5b67c48447-mv5hb", ""].values, 0.2)
    # This pod has no series of errors at all, and it has traffic: that is zero errors, not "no data".
    assert np.allclose(lines["error_rate", "pod/cart-5b67c48447-x2x2x", ""].values, 0.0)


def test_a_service_of_one_pod_is_one_line() -> None:
    source = fake.FakeMetrics([row("http_requests_total", fake.counter(1), service="cart", pod="cart-0")])
    assert {str(line.entity) for one in measured(source) for line in one.lines} == {"service/cart"}


def test_no_error_series_means_no_errors_where_requests_were_counted() -> None:
    source = fake.FakeMetrics([row("http_requests_total", fake.counter(5), service="cart", code="200")])
    result = measured(source)
    (ratio,) = [one for one in result if one.binding.role is Role.ERROR_RATIO]
    assert [answer.outcome for answer in ratio.answers] == [answers.Outcome.NO_DATA, answers.Outcome.OK]
    assert np.allclose(ratio.lines[0].values, 0.0)


def test_no_traffic_means_no_error_ratio() -> None:
    source = fake.FakeMetrics([row("http_requests_total", fake.counter(0), service="cart", code="200")])
    assert [one.lines for one in measured(source) if one.binding.role is Role.ERROR_RATIO] == [()]


@pytest.mark.parametrize("outcome", [answers.Outcome.FAILED, answers.Outcome.NOT_PERMITTED, answers.Outcome.BAD_QUERY])
def test_a_failed_question_is_not_turned_into_zero(outcome) -> None:
    source = fake.FakeMetrics(
        [row("http_requests_total", fake.counter(5), service="cart", code="200")],
        fails={"http_requests_total": outcome},
    )
    result = measured(source)
    assert all(one.lines == () for one in result)
    assert {answer.outcome for one in result for answer in one.answers} == {outcome}


def test_usage_of_pods_is_given_to_their_service() -> None:
    source = fake.FakeMetrics(
        [
            row(
                "container_cpu_usage_seconds_total",
                fake.counter(0.5),
                namespace="shop",
                pod="ts-order-service-5b67c48447-mv5hb",
                container="server",
            ),
            row(
                "container_cpu_usage_seconds_total",
                fake.counter(0.1),
                namespace="shop",
                pod="ts-order-service-5b67c48447-mv5hb",
                container="sidecar",
            ),
            row(
                "container_cpu_usage_seconds_total",
                fake.counter(9.9),
                namespace="shop",
                pod="ts-order-service-5b67c48447-mv5hb",
                container="",
            ),
        ]
    )
    (result,) = measured(source)
    (line,) = result.lines
    assert line.entity == entities.Entity(Kind.SERVICE, "ts-order-service", "shop")
    assert np.allclose(line.values, 0.6)


def test_throttling_is_a_share_of_periods() -> None:
    pod = {"pod": "cart-0", "container": "cart"}
    source = fake.FakeMetrics(
        [
            row("container_cpu_cfs_throttled_periods_total", fake.counter(3), **pod),
            row("container_cpu_cfs_periods_total", fake.counter(10), **pod),
        ]
    )
    assert np.allclose(lines_by(measured(source))["cpu_throttled", "service/cart", ""].values, 0.3)


def test_hits_and_misses_make_a_ratio_even_before_the_first_miss() -> None:
    source = fake.FakeMetrics(
        [
            row("redis_keyspace_hits_total", fake.counter(9), instance="redis://a:6379"),
            row("redis_keyspace_misses_total", fake.counter(1), instance="redis://a:6379"),
            row("redis_keyspace_hits_total", fake.counter(5), instance="redis://b:6379"),
        ]
    )
    lines = lines_by(measured(source))
    assert np.allclose(lines["cache_hit_ratio", "cache/a", ""].values, 0.9)
    assert np.allclose(lines["cache_hit_ratio", "cache/b", ""].values, 1.0)


def test_milliseconds_become_seconds() -> None:
    source = fake.FakeMetrics(
        [
            row("rpc_server_duration_milliseconds_sum", fake.counter(500.0), service_name="cart"),
            row("rpc_server_duration_milliseconds_count", fake.counter(10.0), service_name="cart"),
        ]
    )
    assert np.allclose(lines_by(measured(source))["duration_mean", "service/cart", ""].values, 0.05)


def test_certificates_count_down() -> None:
    source = fake.FakeMetrics(
        [row("probe_ssl_earliest_cert_expiry", fake.flat(fake.WINDOW.end_s + 60), instance="https://shop.example.com")]
    )
    (line,) = measured(source)[0].lines
    assert line.entity == entities.Entity(Kind.EXTERNAL, "shop.example.com")
    assert line.values[-1] == pytest.approx(60.0)
    assert line.values[0] == pytest.approx(60.0 + fake.WINDOW.length_s)


def test_clients_that_got_no_answer_count_as_failed() -> None:
    client = {"service_name": "web", "server_address": "cart:8080"}
    name = "http_client_request_duration_seconds_count"
    rows = [
        row(name, fake.counter(8), **client, http_response_status_code="200"),
        row(name, fake.counter(2), **client, error_type="timeout"),
        row(name.replace("_count", "_sum"), fake.counter(1), **client, http_response_status_code="200"),
    ]
    lines = lines_by(measured(fake.FakeMetrics(rows)))
    assert np.allclose(lines["error_ratio", "service/cart", "web"].values, 0.2)
    assert np.allclose(lines["error_rate", "service/cart", "web"].values, 2.0)


def test_observers_use_the_names_that_services_call_themselves() -> None:
    rows = [
        row("http_requests_total", fake.counter(1), service="cart", namespace="shop"),
        row(
            "grpc_client_handled_total",
            fake.counter(1),
            app="web",
            grpc_service="hipstershop.CartService",
            grpc_code="OK",
        ),
    ]
    lines = lines_by(measured(fake.FakeMetrics(rows)))
    assert lines["rate", "service/cart", "web"].entity == entities.Entity(Kind.SERVICE, "cart", "shop")


def test_equal_questions_are_asked_once() -> None:
    source = fake.FakeMetrics(
        [
            row("http_request_duration_seconds_count", fake.counter(1), service="cart", code="200"),
            row("http_request_duration_seconds_sum", fake.counter(1), service="cart", code="200"),
        ]
    )
    measured(source)
    assert len(source.asked) == len(set(source.asked)) == 3  # all, failed, seconds


def test_only_the_wanted_roles_are_asked() -> None:
    source = fake.FakeMetrics([row("http_requests_total", fake.counter(1), service="cart", code="200")])
    result = measured(source, only=frozenset({Role.RATE}))
    assert [one.binding.role for one in result] == [Role.RATE]
    assert len(source.asked) == 1


def test_what_is_late_is_a_failed_answer() -> None:
    class Hanging(fake.FakeMetrics):
        async def query(self, *args, **kwargs):
            await asyncio.sleep(3600)

    source = Hanging([row("http_requests_total", fake.counter(1), service="cart", code="200")])
    result = measured(source, deadline_s=0.01)
    assert {answer.outcome for one in result for answer in one.answers} == {answers.Outcome.FAILED}
    assert all("deadline" in answer.error for one in result for answer in one.answers)


def test_an_empty_catalogue_measures_nothing() -> None:
    assert measured(fake.FakeMetrics([])) == ()


def test_lines_lie_on_the_grid_whatever_the_back_end_sends() -> None:
    grid = measuring.grid(fake.WINDOW, 60.0)
    odd = series.Series({}, np.array([10_000.4, 10_060.0, 10_119.0, 99_999.0]), np.array([1.0, np.inf, 3.0, 4.0]))
    values = measuring.on_grid(odd, grid, 60.0)
    assert len(grid) == 21
    assert values[0] == 1.0
    assert np.isnan(values[1])
    assert values[2] == 3.0
    assert np.isnan(values[3:]).all()


FLOATS = hnp.arrays(np.float64, 8, elements=st.floats(allow_nan=True, allow_infinity=False, width=64))


@given(FLOATS, FLOATS)
def test_division_never_invents_numbers(over, under) -> None:
    quotient = combine.divide(over, under)
    undefined = np.isnan(over) | np.isnan(under) | (under == 0)
    assert np.isnan(quotient[undefined]).all()
    assert not np.isinf(quotient).any()


COUNTS = hnp.arrays(np.float64, 8, elements=st.one_of(st.sampled_from([np.nan, 0.0]), st.floats(1e-6, 1e6)))


@given(COUNTS, COUNTS)
def test_ratios_of_failures_are_shares_and_known_exactly_where_there_was_traffic(failed, total) -> None:
    values = combine.combine(binding.Combine.FAILURE_RATIO, failed, total, np.arange(8.0))
    known = np.isfinite(values)
    assert ((values[known] >= 0) & (values[known] <= 1)).all()
    assert (known == (np.isfinite(total) & (total > 0))).all()


@given(COUNTS, COUNTS)
def test_what_lacks_is_never_negative(answered, total) -> None:
    for how in (binding.Combine.LACK, binding.Combine.LACK_RATIO):
        values = combine.combine(how, answered, total, np.arange(8.0))
        assert (values[np.isfinite(values)] >= 0).all()


@pytest.mark.parametrize("how", list(binding.Combine))
@pytest.mark.parametrize("single", [True, False])
def test_every_way_to_combine_keeps_the_shape(how, single) -> None:
    first, times = np.array([1.0, np.nan, 0.0]), np.arange(3.0)
    second = None if single else np.array([2.0, 1.0, np.nan])
    assert combine.combine(how, first, second, times).shape == (3,)


def test_counters_that_are_scraped_rarely_are_asked_over_a_longer_range() -> None:
    class Rare(fake.FakeMetrics):
        async def query(self, query, *args, **kwargs):
            if query.over_s < 600:
                self.asked.append(query)
                return answers.Answer(answers.Outcome.NO_DATA, self.name, "rate")
            return await super().query(query, *args, **kwargs)

    source = Rare([row("http_requests_total", fake.counter(5), service="cart", code="200")])
    lines = lines_by(measured(source))
    assert np.allclose(lines["rate", "service/cart", ""].values[-1], 5)
    assert {query.over_s for query in source.asked} == {60.0, measuring.RARE_RATE_WINDOW_S}
