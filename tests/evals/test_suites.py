"""Suites: what a file may say, what it stands for, and when two of them ask the same questions."""

import contextlib
import itertools
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.dojo import faults
from rootward.dojo.world import room
from rootward.evals import plan as plans
from rootward.evals import specification

SMALL = {"name": "generated", "services": 8}
ONE = {"name": "one", "scenarios": [{"world": SMALL, "fault": "slow_query", "seeds": 3}]}


def plan(data: object, folder: Path = Path()) -> plans.Plan:
    return plans.expand(specification.parse(yaml.safe_dump(data), source="suite.yaml"), folder)


def one(**fields: object) -> plans.Plan:
    return plan({"name": "one", "scenarios": [{"world": SMALL, "fault": "slow_query", **fields}]})


BAD = {
    "": "does not hold a suite",
    "[1, 2]": "does not hold a suite",
    "name: x": "scenarios",
    "name: x\nscenarios: []": "scenarios",
    "name: X Y\nscenarios: [{}]": "name",
    "name: x\nscenarios: [{wrld: web-shop}]": "wrld",
    "name: x\nname: y\nscenarios: [{}]": "given twice",
    "name: x\nscenarios: [{hours: 1}]": "hours",
    "name: x\nscenarios: [{step_s: 1}]": "step_s",
    "name: x\nscenarios: [{seeds: {first: -1, count: 2}}]": "seeds",
    "name: x\nscenarios: [{access: {loki: broken}}]": "access",
    "name: x\nscenarios: [{total: 4, seeds: [1, 2]}]": "total",
    "name: x\nscenarios: [{capsule: there, fault: slow_query}]": "recorded",
    "name: x\nversion: 7\nscenarios: [{}]": "version",
    "a: [": "not YAML",
    "!!python/object/apply:os.system ['true']": "not YAML",
    "a: &a [*a, *a]": "suite",
    "name: !!int x": "not YAML",
}


@pytest.mark.parametrize("text", BAD, ids=[repr(text)[:40] for text in BAD])
def test_a_file_that_is_no_suite_is_refused_with_the_place(text: str) -> None:
    with pytest.raises(errors.InputError, match=BAD[text]) as refused:
        specification.parse(text, source="suite.yaml")
    assert "suite.yaml" in str(refused.value)
    assert "\n" not in str(refused.value)


WRONG = [
    ({"world": "web-shopp"}, "web-shop"),
    ({"fault": "slow_qery"}, "slow_query"),
    ({"fault": ["slow_query", "clusterr"]}, "there are|did you mean"),
    ({"world": {"name": "payments", "services": 9}}, "one size"),
    ({"perturb": ["clen"]}, "clean"),
    ({"noise": "loud"}, "usual"),
    ({"noise": {"talk": 3}}, "talk_per_h"),
    ({"noise": {"talk_per_h": -3}}, "0 or more"),
    ({"noise": {"talk_per_h": "much"}}, "number"),
    ({"noise": {"level": "drawn", "talk_per_h": 1}}, "drawn"),
    ({"world": {"name": "generated", "services": 2}}, "services"),
]


@pytest.mark.parametrize(("fields", "said"), WRONG, ids=[str(fields) for fields, _ in WRONG])
def test_what_does_not_exist_is_refused_with_what_does(fields: dict[str, object], said: str) -> None:
    with pytest.raises(errors.RootwardError, match=said):
        one(**fields)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.text(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(st.sampled_from(["name", "scenarios", "world", "fault", "seeds", "noise"]), x, max_size=4)
        ),
        max_leaves=12,
    ).map(yaml.safe_dump)
)
def test_any_text_is_a_suite_or_refused(text: str) -> None:
    with contextlib.suppress(errors.InputError):
        specification.parse(text, source="suite.yaml")


def test_defaults_hold_where_a_specification_says_nothing() -> None:
    made = plan(
        {
            "name": "x",
            "defaults": {"hours": 2, "noise": False, "access": {"loki": "down"}},
            "scenarios": [
                {"world": SMALL, "fault": "slow_query"},
                {"world": SMALL, "fault": "slow_query", "hours": 3, "noise": "heavy"},
            ],
        }
    )
    assert [(item.hours, item.noise, dict(item.access)) for item in made.items] == [
        (2.0, "none", {"loki": "down"}),
        (3.0, "heavy", {"loki": "down"}),
    ]


def test_a_specification_is_every_combination_and_ids_tell_them_apart() -> None:
    made = plan(
        {
            "name": "x",
            "scenarios": [
                {"world": [SMALL, "payments"], "fault": ["slow_query", "bad_deploy"], "seeds": {"first": 5, "count": 3}}
            ],
        }
    )
    assert len(made.items) == 2 * 2 * 3
    assert len({item.id for item in made.items}) == 12
    assert "slow_query/generated-8/6" in {item.id for item in made.items}


def test_one_world_and_seed_stand_together() -> None:
    made = plans.load("standard")
    bases = [item.base() for item in made.items]
    changes = sum(1 for one, next_one in itertools.pairwise(bases) if one != next_one)
    assert changes == len(set(bases)) - 1


def test_two_that_differ_in_nothing_that_ids_tell_get_ids_of_their_own() -> None:
    made = plan(
        {
            "name": "x",
            "scenarios": [{"world": SMALL, "fault": "slow_query"}, {"world": SMALL, "fault": "slow_query", "hours": 3}],
        }
    )
    assert len({item.id for item in made.items}) == 2


def test_the_same_questions_have_the_same_digest_however_they_are_written() -> None:
    spread = plan(
        {
            "name": "x",
            "description": "a",
            "scenarios": [{"world": SMALL, "fault": ["slow_query", "bad_deploy"], "seeds": [1, 2]}],
        }
    )
    listed = plan(
        {
            "name": "x",
            "description": "b",
            "scenarios": [
                {"world": "generated", "services": 8, "fault": fault, "seeds": seed, "noise": True}
                for seed in (2, 1)
                for fault in ("bad_deploy", "slow_query")
            ],
        }
    )
    assert spread.digest() == listed.digest()


@pytest.mark.parametrize("change", [{"seeds": 4}, {"hours": 5}, {"step_s": 30}, {"noise": "light"}, {"shape": "ramp"}, {"access": {"loki": "down"}}, {"alert": "bare"}, {"perturb": ["clean"]}, {"parameters": {"slowdown": 8}}], ids=str)  # fmt: skip
def test_another_question_is_another_digest(change: dict[str, object]) -> None:
    assert one(**{"seeds": 3, **change}).digest() != one(seeds=3).digest()


def test_a_total_is_spread_over_all_families_that_have_a_place() -> None:
    made = plan(
        {"name": "x", "scenarios": [{"fault": "all", "total": 200, "world": [SMALL, "web-shop", "data-pipeline"]}]}
    )
    counts = {name: sum(1 for item in made.items if item.fault == name) for name in faults.names()}
    housed = {name: count for name, count in counts.items() if count}
    assert sum(counts.values()) == 200
    assert max(housed.values()) - min(housed.values()) <= 1
    assert set(counts) - set(housed) == {text.split(" ")[0] for text in made.left_out}


def test_the_standard_suite_asks_of_every_family_in_every_kind_of_world() -> None:
    made = plans.load("standard")
    assert len(made.items) >= 400
    assert {item.fault for item in made.items} == set(faults.names())
    assert {item.world for item in made.items} == {"web-shop", "payments", "data-pipeline", "generated"}
    assert all(item.noise != "none" for item in made.items)
    assert len({item.id for item in made.items}) == len(made.items)
    assert made.left_out == ()
    # What noise costs is measured pair by pair: one scenario of each family with a cause, and the same without noise.
    assert {item.fault for item in made.items if item.perturb == ("clean",)} >= set(faults.common()) - {
        item.fault for item in made.items if item.noise == "none"
    }


def test_a_family_has_room_where_its_targets_are() -> None:
    assert room.has_room("web-shop", "cache_loss", 0)
    with pytest.raises(errors.WorldError):
        room.has_room("nowhere", "cache_loss", 0)


def test_a_suite_that_is_not_there_is_told_what_is(tmp_path: Path) -> None:
    with pytest.raises(errors.InputError, match="standard"):
        plans.load("standart")
    with pytest.raises(errors.InputError, match="cannot read"):
        plans.load(str(tmp_path / "none.yaml"))
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(errors.InputError, match="cannot read"):
        plans.load(str(tmp_path / "binary.yaml"))


def test_capsules_are_found_and_their_content_counts(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "kept" / name).mkdir(parents=True)
        (tmp_path / "kept" / name / "manifest.json").write_text("{}")
    data = {"name": "x", "scenarios": [{"capsule": "kept"}]}
    before = plan(data, tmp_path)
    assert [item.id for item in before.items] == ["capsule/kept/a", "capsule/kept/b"]
    (tmp_path / "kept" / "a" / "more.json").write_text("{}")
    assert plan(data, tmp_path).digest() != before.digest()
    with pytest.raises(errors.InputError, match="no capsule"):
        plan({"name": "x", "scenarios": [{"capsule": "gone"}]}, tmp_path)
