"""Scoring: what counts as the same answer, and what as confidently wrong."""

from rootward.dojo import oracle
from rootward.evals import scoring


def answer(name: str, fault: str = "", change: str = "") -> scoring.Answer:
    return scoring.Answer("service", name, fault, 0.9, change)


def result(truth: oracle.Truth, *ranked: scoring.Answer, status: str = "found") -> scoring.Result:
    return scoring.Result("case", truth, status, ranked, 0.1)


CHECKOUT = oracle.Truth("found", (oracle.Cause("service", "checkout", "bad_deploy", change="abc"),), decoys=("def",))


def test_a_pod_of_the_service_is_the_service() -> None:
    assert scoring.names_cause(answer("checkout-5b67c48447-mv5hb"), CHECKOUT.causes[0])


def test_an_alias_is_the_cause() -> None:
    cause = oracle.Cause("database", "orders-db", aliases=(("service", "orders"),))
    assert scoring.names_cause(answer("orders"), cause)


def test_the_place_counts_entities_once() -> None:
    ranked = [
        answer("cart", "memory_leak"),
        answer("cart", "bad_deploy"),
        answer("checkout", "memory_leak"),
        answer("checkout", "bad_deploy"),
    ]
    assert scoring.place(ranked, CHECKOUT, with_fault=False) == 2
    assert scoring.place(ranked, CHECKOUT, with_fault=True) == 4


def test_an_answer_that_never_comes_has_no_place() -> None:
    assert scoring.place([answer("cart")], CHECKOUT, with_fault=False) is None


def test_speaking_about_nothing_is_confidently_wrong_and_silence_is_not() -> None:
    healthy = oracle.Truth("no_fault")
    assert scoring.confidently_wrong(result(healthy, answer("cart")))
    assert not scoring.confidently_wrong(result(healthy, answer("cart"), status="quiet"))


def test_metrics_count_decoys_and_changes() -> None:
    blamed_right = result(CHECKOUT, answer("checkout", "bad_deploy", "abc"))
    blamed_decoy = result(CHECKOUT, answer("checkout", "bad_deploy", "def"))
    table = scoring.metrics([blamed_right, blamed_decoy])
    assert table["service_top1"].hits == 2
    assert table["change_right"].hits == 1
    assert table["decoy_blamed"].hits == 1
