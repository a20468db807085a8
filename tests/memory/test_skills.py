"""Skills are chosen by what the environment shows, the others stay unread, and what they add are roles that the reasoner understands."""

from pathlib import Path

import pytest
import yaml

from rootward import errors
from rootward.investigator.causal import fault_kinds
from rootward.memory import skills
from rootward.signals import series
from rootward.signals.roles import discover
from rootward.signals.roles import role as roles

EVERYTHING = skills.Fingerprint(
    frozenset(
        [
            "pg_up",
            "mysql_up",
            "redis_up",
            "kafka_brokers",
            "rabbitmq_queues",
            "nginx_up",
            "jvm_threads",
            "go_goroutines",
            "nodejs_version_info",
            "kubelet_volume",
        ]
    )
)


def info(*names: str, **labels: str) -> list[series.MetricInfo]:
    return [
        series.MetricInfo(name, labels={label: [value] for label, value in labels.items()}, series=1) for name in names
    ]


def technologies(**seen: list[str]) -> list[str]:
    fingerprint = skills.Fingerprint(**{name: frozenset(values) for name, values in seen.items()})
    return [skill.header.technology for skill in skills.Shelf().chosen(fingerprint)]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"metrics": ["pg_stat_activity_count"]}, ["PostgreSQL"]),
        ({"images": ["registry.example.org/library/postgres:16"]}, ["PostgreSQL"]),
        ({"runtimes": ["postgresql", "java"]}, ["JVM", "PostgreSQL"]),
        ({"metrics": ["http_requests_total"]}, []),
        ({}, []),
    ],
)
def test_what_the_environment_shows_decides(seen: dict[str, list[str]], expected: list[str]) -> None:
    assert technologies(**seen) == expected


def test_every_shipped_recipe_can_be_read_and_speaks_of_known_kinds_of_fault() -> None:
    chosen = skills.Shelf().chosen(EVERYTHING)
    assert len(chosen) == len(list(skills.SHIPPED.iterdir()))
    for skill in chosen:
        assert set(skill.body.checks) <= set(fault_kinds.SENTENCES), skill.header.technology
        assert skill.body.metrics
        assert all("{entity}" in text or "kubectl" in text for text in skill.body.checks.values())


def test_recipes_that_are_not_called_for_stay_unread(tmp_path: Path) -> None:
    header = "technology: Broken\nwhen: {metrics: [broken_*]}\n---\n{this is: [no YAML"
    (tmp_path / "broken.yaml").write_text(header, encoding="utf-8")
    shelf = skills.Shelf(tmp_path)
    assert shelf.chosen(skills.Fingerprint(frozenset(["pg_up"]))) == []
    with pytest.raises(errors.InputError, match=r"broken\.yaml"):
        shelf.chosen(skills.Fingerprint(frozenset(["broken_thing"])))


@pytest.mark.parametrize(
    "text",
    [
        "technology: X\n",
        "technology: X\nwhen: {smells: [a]}\n---\nkind: service\n",
        "technology: X\nwhen: {metrics: [x]}\n---\nkind: planet\n",
        "technology: X\nwhen: {metrics: [x]}\n---\nkind: service\nmetrics: [{metric: a, is: gauge, role: greatness, why: b}]\n",
    ],
)
def test_a_recipe_that_is_wrong_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(errors.InputError, match=r"x\.yaml"):
        skills.Shelf(tmp_path).chosen(skills.Fingerprint(frozenset(["x"])))


def test_a_recipe_binds_what_no_convention_binds() -> None:
    catalogue = info(
        "pg_sequences_last_value",
        "pg_sequences_max_value",
        "pg_stat_database_temp_bytes",
        "pg_stat_activity_count",
        server="orders-db:5432",
    )
    known = discover(catalogue)
    assert {one.metric for one in known} == {"pg_stat_activity_count"}
    (postgres,) = skills.Shelf().chosen(skills.Fingerprint(frozenset(one.name for one in catalogue)))
    added = postgres.bindings(catalogue, {one.metric for one in known})
    assert {(one.metric, one.role) for one in added} == {
        ("pg_sequences_last_value", roles.Role.SATURATION),
        ("pg_stat_database_temp_bytes", roles.Role.OTHER),
    }
    assert all(one.convention.startswith("skill PostgreSQL: ") for one in added)
    ratio = next(one for one in added if one.role is roles.Role.SATURATION)
    assert [term.metric for term in ratio.terms] == ["pg_sequences_last_value", "pg_sequences_max_value"]


def test_what_a_convention_binds_already_is_left_to_it() -> None:
    (redis,) = skills.Shelf().chosen(skills.Fingerprint(frozenset(["redis_up"])))
    catalogue = info("redis_master_link_up", "redis_slowlog_length", instance="cache:9121")
    assert {one.metric for one in redis.bindings(catalogue, {"redis_master_link_up"})} == {"redis_slowlog_length"}


def test_every_metric_of_every_recipe_binds_when_it_exists() -> None:
    """A recipe whose metric can never be bound would be decoration."""
    for skill in skills.Shelf().chosen(EVERYTHING):
        for metric in skill.body.metrics:
            name = (
                metric.metric.split("|")[0]
                .replace("(_total)?", "_total")
                .replace("(persec)?(_total|_count)?", "_total")
            )
            name = name.split("(")[0]
            divisor = [name.replace(metric.find.rstrip("$"), metric.replace)] if metric.find else []
            parts = [f"{name}_sum", f"{name}_count"] if metric.form == "durations" else [name]
            catalogue = info(
                *parts,
                *divisor,
                instance="x:9000",
                server="x",
                pod="x-1",
                node="x",
                service="x",
                persistentvolumeclaim="x",
            )
            assert skill.bindings(catalogue, ()), (skill.header.technology, metric.metric)


def test_recipes_are_two_plain_documents() -> None:
    for one in skills.SHIPPED.iterdir():
        assert len(list(yaml.safe_load_all(one.read_text(encoding="utf-8")))) == 2, one.name
