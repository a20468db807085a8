"""Recall finds what is alike by words or by spelling, says why, lets old things fade, and never brings back what was struck."""

import dataclasses
import hashlib
from pathlib import Path

import kept
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward.feedback import remembering
from rootward.memory import recall, schema, store, vectors
from rootward.memory.records import Fact

DAY_S = 86_400.0


def fact(path: Path, text: str, *about: str, days_ago: float = 0.0) -> str:
    said = Fact(text=text, provenance="Ana", about=about)
    return remembering.fact(path, "prod", said, now_s=kept.NOW_S - days_ago * DAY_S).id


def finding(
    entity: str = "database/orders-db", fault: str = "slow_query", status: str = "found", **more: object
) -> dict[str, object]:
    kind, name = entity.split("/")
    cause = {"entity": {"kind": kind, "name": name, "namespace": ""}, "fault": fault, "because": [f"{fault} at {name}"]}
    return {"status": status, "summary": f"Root cause: {name}, {fault}.", "root_causes": [cause], "path": [], **more}


def search(path: Path, query: str) -> list[str]:
    with store.Memory(path, "prod") as memory:
        return [hit.record.id for hit in recall.search(memory, query, now_s=kept.NOW_S)]


def like(path: Path, told: dict[str, object], **alert: str) -> list[tuple[str, str]]:
    with store.Memory(path, "prod") as memory:
        fired = dataclasses.replace(kept.alert(**alert), starts_at_s=kept.NOW_S + 3600)
        return [(h.record.id, h.why) for h in recall.like(memory, fired, told, now_s=kept.NOW_S)]


def test_words_and_spellings_are_found(tmp_path: Path) -> None:
    stripe = fact(tmp_path / "m", "Stripe rate limits us at month end")
    pools = fact(tmp_path / "m", "connection pools of checkout_service are small")
    fact(tmp_path / "m", "the nightly export runs at two")
    assert search(tmp_path / "m", "stripe")[0] == stripe
    assert search(tmp_path / "m", "CheckoutService pooling")[0] == pools  # no word is the same
    assert search(tmp_path / "m", "zzzzqqqq") == []


@pytest.mark.parametrize(
    "query",
    ["", '"', "'; DROP TABLE records; --", "NEAR(a b)", "a* OR b", "-x", "text:y", "\0", "\ud800", "(" * 500, "é̂²"],
)
def test_a_query_is_text_whatever_it_holds(tmp_path: Path, query: str) -> None:
    fact(tmp_path / "m", "checkout retries")
    assert set(search(tmp_path / "m", query)) <= {"F1"}
    assert search(tmp_path / "m", "checkout") == ["F1"]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=40))
def test_hostile_queries_are_answered(tmp_path_factory: pytest.TempPathFactory, query: str) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile"
    if not path.exists():
        fact(path, "checkout retries")
    assert set(search(path, query)) <= {"F1"}


def test_what_was_struck_or_deleted_is_never_found_and_what_was_replaced_is_found_as_it_is(tmp_path: Path) -> None:
    first, second = fact(tmp_path / "m", "checkout retries"), fact(tmp_path / "m", "checkout caches")
    remembering.strike(tmp_path / "m", "prod", first, why="wrong", now_s=kept.NOW_S)
    assert search(tmp_path / "m", "checkout retries") == [second]
    replaced = Fact(id=second, text="cart expires", provenance="Ana")
    remembering.bring_in(tmp_path / "m", "prod", [replaced], "replace")
    assert search(tmp_path / "m", "checkout") == []
    assert search(tmp_path / "m", "cart") == [second]
    remembering.forget(tmp_path / "m", "prod", keys=[second])
    assert search(tmp_path / "m", "cart") == []
    connection = schema.connect(tmp_path / "m", writing=True)
    connection.execute(
        "INSERT INTO recallable_words (recallable_words) VALUES ('integrity-check')"
    )  # raises when out of step
    connection.close()


def test_other_environments_are_never_searched(tmp_path: Path) -> None:
    fact(tmp_path / "m", "checkout retries")
    with store.Memory(tmp_path / "m", "staging") as memory:
        assert recall.search(memory, "checkout retries", now_s=kept.NOW_S) == []


def test_of_equals_the_younger_comes_first(tmp_path: Path) -> None:
    old = fact(tmp_path / "m", "checkout retries three times", days_ago=900)
    young = fact(tmp_path / "m", "checkout retries three times")
    assert search(tmp_path / "m", "checkout retries three times") == [young, old]


def test_like_findings_are_shown_with_why(tmp_path: Path) -> None:
    path = tmp_path / "m"
    remembering.incident(path, "prod", kept.alert(), finding(), now_s=kept.NOW_S - DAY_S)
    remembering.incident(
        path, "prod", kept.alert("CartLatency", "cart"), finding("database/cart-db"), now_s=kept.NOW_S - DAY_S
    )
    remembering.incident(
        path, "prod", kept.alert("CartLatency", "cart"), finding("service/cart", "bad_deploy"), now_s=kept.NOW_S
    )
    assert like(path, finding(), name="OtherAlert") == [
        ("I1", "the same cause, database/orders-db (slow query)"),
        ("I2", "the same kind of fault, at database/cart-db"),
    ]
    assert ("I1", "the same cause, database/orders-db (slow query) and the same class of alert about checkout") in like(
        path, finding()
    )
    assert ("I1", "the same class of alert about checkout") in like(path, finding("node/n1", "disk_full"))
    assert like(path, finding("node/n1", "disk_full"), service="other") == []


def test_an_incident_that_came_often_is_shown_once_and_a_second_look_at_one_firing_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "m"
    for days in (3, 2, 1):
        earlier = dataclasses.replace(kept.alert(), starts_at_s=kept.NOW_S - days * DAY_S)
        remembering.incident(path, "prod", earlier, finding(), now_s=kept.NOW_S - days * DAY_S)
    assert [(key, why[-9:]) for key, why in like(path, finding())] == [("I3", ", 3 times")]
    with store.Memory(path, "prod") as memory:
        again = recall.like(
            memory, dataclasses.replace(kept.alert(), starts_at_s=kept.NOW_S - DAY_S), finding(), now_s=kept.NOW_S
        )
    assert [hit.record.id for hit in again] == ["I2"]
    assert again[0].why.endswith(", 2 times")


def test_facts_about_an_entity_of_the_finding_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "m"
    mine = fact(path, "it fails over on Mondays", "database/orders-*")
    fact(path, "it sleeps at night", "service/other")
    assert like(path, finding()) == [(mine, "about database/orders-*")]
    assert like(path, finding("node/zzz", "disk_full", summary="qqq")) == []
    remembering.strike(path, "prod", mine, why="no", now_s=kept.NOW_S)
    assert like(path, finding()) == []


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=200))
def test_a_vector_is_bounded_and_like_itself(text: str) -> None:
    one = vectors.vector(text)
    assert one.shape == (vectors.DIMENSIONS,)
    cosine = float(vectors.cosines(one, [one.tobytes()])[0])
    assert cosine == pytest.approx(1.0, abs=1e-4) if np.any(one) else cosine == 0.0


def test_a_vector_is_the_same_on_every_machine() -> None:
    """Stored vectors must stay comparable: changing how they are made needs a migration that makes them again."""
    assert hashlib.sha256(vectors.vector("Checkout latency").tobytes()).hexdigest()[:16] == DIGEST


DIGEST = "b865ebeb6363cc21"


def test_a_file_of_the_first_version_is_brought_to_ours_with_all_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        patched.setattr(schema, "VERSION", 1)
        old = schema.connect(tmp_path / "m", writing=True)
        old.execute(
            'INSERT INTO records VALUES (\'prod\', \'fact\', 1, \'{"id": "F1", "text": "checkout retries", "provenance": "Ana"}\')'
        )
        old.close()
    assert search(tmp_path / "m", "checkout") == ["F1"]
