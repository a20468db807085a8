"""Scores: each says what it claims to say, and nothing where it does not apply."""

import dataclasses

import pytest

from rootward.dojo import oracle
from rootward.evals import failure_modes, reply
from rootward.evals.scores import grounded_path, registry

CACHE = oracle.Cause("cache", "catalog-cache", "cache_loss", 1000.0, "abc", (("service", "catalog-cache"),))
TRUTH = oracle.Truth("found", (CACHE,), ("catalog-cache", "catalog", "storefront"), ("email",))
NAMES = frozenset({"catalog", "catalog-cache", "catalog-db", "storefront", "email", "gateway"})
CITED = (reply.Cited("M1", "prometheus"), reply.Cited("L1", "loki", answered=False))


def claim(
    name: str = "catalog-cache", fault: str = "cache_loss", confidence: float | None = 0.9, **rest: object
) -> reply.Claim:
    fields = {
        "onset_s": 1030.0,
        "change": "abc",
        "evidence": ("M1",),
        "because": ("misses of catalog-cache rose",),
        **rest,
    }
    return reply.Claim("service", name, fault, confidence, **fields)  # type: ignore[arg-type]


def said(
    *claims: reply.Claim,
    status: str = "found",
    path: tuple[str, ...] = ("catalog-cache", "catalog", "storefront"),
    truth: oracle.Truth = TRUTH,
    **rest: object,
) -> reply.Graded:
    return reply.Graded(truth, reply.Reply(status, claims, path, CITED, **rest), NAMES)  # type: ignore[arg-type]


def score(name: str, graded: reply.Graded) -> float | None:
    return registry.score_all(graded).get(name)


def silent(status: str) -> oracle.Truth:
    return oracle.Truth(status)


def test_a_perfect_answer_scores_on_everything() -> None:
    assert registry.score_all(said(claim())) == {
        "right": 1, "entity_first": 1, "exact_set": 1, "any_hit": 1, "kind": 1, "grounded": 1, "false_confidence": 0,
        "spoke": 1, "change": 1, "onset_error": 30.0,
    }  # fmt: skip


def test_every_score_names_itself_once_and_the_headline_is_one() -> None:
    names = [measure.name for measure in registry.measures()]
    assert len(set(names)) == len(names)
    assert registry.PRIMARY in names


def test_the_wrong_kind_at_the_right_place_is_not_right() -> None:
    graded = said(claim(fault="slow_query"))
    assert (score("right", graded), score("entity_first", graded), score("kind", graded)) == (0, 1, 0)
    assert score("false_confidence", graded) == 0


def test_the_kind_counts_wherever_it_is_seen() -> None:
    assert score("kind", said(claim("email"))) == 1


def test_a_truth_without_a_kind_asks_for_the_entity_only() -> None:
    truth = oracle.Truth("found", (oracle.Cause("cache", "catalog-cache"),))
    graded = said(claim(fault="anything"), truth=truth)
    assert score("right", graded) == 1
    assert score("kind", graded) is None


def test_quiet_about_a_cause_is_neither_right_nor_falsely_confident() -> None:
    graded = said(claim(), status="quiet")
    assert (score("right", graded), score("spoke", graded), score("false_confidence", graded)) == (0, 0, 0)
    assert score("any_hit", graded) == 1
    assert score("exact_set", graded) == 0
    assert score("grounded", graded) is None


TWO = oracle.Truth("found", (CACHE, oracle.Cause("service", "email", "bad_deploy", 900.0)), ("catalog-cache",))


@pytest.mark.parametrize(
    ("claims", "exact"),
    [
        ((claim(), claim("email", "bad_deploy", 0.7)), 1),
        ((claim(), claim("email", "bad_deploy", 0.2)), 0),  # listed, not claimed
        ((claim(),), 0),
        ((claim(), claim("email"), claim("gateway", confidence=0.6)), 0),
        ((), 0),
    ],
    ids=["both", "one claimed", "one said", "one too many", "none"],
)
def test_the_exact_set_wants_all_and_nothing_else(claims: tuple[reply.Claim, ...], exact: int) -> None:
    assert score("exact_set", said(*claims, truth=TWO)) == exact


@pytest.mark.parametrize(
    "graded",
    [
        said(claim(), path=()),
        said(claim(), path=("catalog", "catalog-cache")),
        said(claim(), path=("catalog", "storefront")),
        said(claim(), path=("catalog-cache", "email", "storefront")),
        said(claim(evidence=())),
        said(claim(evidence=("M9",))),
        said(claim(evidence=("L1",))),
        said(claim(because=("errors of email rose",))),
        said(claim(because=("misses of catalog-cache rose", "errors of catalog-db-0 rose"))),
    ],
    ids=["no path", "backwards", "not from the cause", "off the path", "cites nothing", "cites what is not there", "cites what was refused", "reason elsewhere", "one reason elsewhere"],
)  # fmt: skip
def test_an_answer_for_the_wrong_reasons_is_not_grounded(graded: reply.Graded) -> None:
    assert score("right", graded) == 1
    assert score("grounded", graded) == 0


@pytest.mark.parametrize(
    "graded",
    [
        said(claim()),
        said(claim(), path=("catalog-cache", "storefront")),
        said(claim(), path=("catalog-cache-6f7d9c5b4-x2x4b", "catalog", "storefront")),
        said(claim(because=("the p99 doubled",))),
        said(claim(because=("catalog calls email more",))),
    ],
    ids=["whole path", "shorter path", "pod of the cause", "reason names nobody", "reason names one on the path"],
)
def test_an_answer_for_the_right_reasons_is_grounded(graded: reply.Graded) -> None:
    assert score("grounded", graded) == 1


CALLS = frozenset({("storefront", "catalog"), ("catalog", "catalog-cache"), ("storefront", "recommendation"), ("recommendation", "catalog-cache"), ("catalog", "catalog-db"), ("gateway", "storefront")})  # fmt: skip


@pytest.mark.parametrize(
    ("path", "grounded"),
    [
        (("catalog-cache", "recommendation", "storefront"), 1),
        (("catalog-cache", "recommendation"), 1),
        (("catalog-cache", "catalog", "recommendation"), 0),  # catalog does not call it
        (("catalog-cache", "catalog-db", "storefront"), 0),  # called by the path, leads nowhere
        (("catalog-cache", "catalog", "storefront", "gateway"), 0),  # above the alert
    ],
    ids=["another way up", "part of it", "no such call", "off the way", "beyond the alert"],
)
def test_trouble_takes_every_chain_of_calls_to_the_alert(path: tuple[str, ...], grounded: int) -> None:
    graded = dataclasses.replace(said(claim(), path=path), calls=CALLS)
    assert score("grounded", graded) == grounded


def test_names_are_found_as_words() -> None:
    assert grounded_path.mentioned("catalog-db and catalog-6f7d9-x2x4b, recatalog", NAMES) == {"catalog-db", "catalog"}
    assert grounded_path.mentioned("anything", frozenset()) == set()


@pytest.mark.parametrize(
    ("status", "name"),
    [("no_fault", "abstains_no_fault"), ("outside", "abstains_outside"), ("quiet", "abstains_missing")],
)
def test_silence_is_scored_where_silence_is_right(status: str, name: str) -> None:
    truth = silent(status)
    quiet, spoke = said(claim(), status="quiet", truth=truth), said(claim(), truth=truth)
    assert (score(name, quiet), score("right", quiet), score("false_confidence", quiet)) == (1, 1, 0)
    assert (score(name, spoke), score("right", spoke), score("false_confidence", spoke)) == (0, 0, 1)
    assert score("status", said(status=status, truth=truth)) == 1
    assert score("status", spoke) == 0
    assert score(name, said(claim())) is None
    assert score("entity_first", quiet) is None


def test_change_wants_the_one_that_did_it_or_none() -> None:
    assert score("change", said(claim(change="email-release"))) == 0
    plain = oracle.Truth("found", (oracle.Cause("service", "catalog-cache", "cache_loss"),), decoys=("email",))
    assert score("change", said(claim(change=""), truth=plain)) == 1
    assert score("change", said(claim(change="abc"), truth=plain)) == 0


MODES = [
    (said(claim()), ""),
    (said(status="quiet", truth=silent("no_fault")), ""),
    (said(claim(), truth=silent("no_fault")), "spoke with nothing to name (no fault): cache_loss"),
    (said(claim(fault="slow_query")), "right entity, wrong kind: cache_loss→slow_query"),
    (said(claim("catalog", "")), "blamed victim on the path: cache_loss→unknown"),
    (said(claim("email", "bad_deploy")), "blamed decoy: cache_loss→bad_deploy"),
    (said(claim("gateway", "bad_deploy")), "blamed bystander: cache_loss→bad_deploy"),
    (said(status="quiet"), "quiet though visible: cache_loss"),
    (said(claim(), status="quiet"), "quiet though visible, culprit listed first: cache_loss"),
    (said(status="no_fault"), "called healthy: cache_loss"),
    (said(status="outside"), "called outside: cache_loss"),
]


@pytest.mark.parametrize(("graded", "label"), MODES, ids=[label or "right" for _, label in MODES])
def test_modes_of_failure_say_in_which_way_an_answer_is_wrong(graded: reply.Graded, label: str) -> None:
    assert failure_modes.label(graded) == label
    assert (label == "") == (score("right", graded) == 1)
