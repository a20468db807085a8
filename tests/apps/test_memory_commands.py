"""`rootward guidance` and `rootward memory` as people type them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

ALERT = {"name": "CheckoutErrorBudgetBurnRate", "starts_at": "2026-03-04T10:15:00Z", "labels": {"service": "checkout"}}
Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a command that succeeds prints, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alert.json").write_text(json.dumps(ALERT), encoding="utf-8")

    def run(*words: object) -> str:
        status, out, err = typed(*words)
        assert status == 0, err
        return out

    return run


def add(said: Callable[..., str]) -> None:
    said(
        "guidance", "add", "look at the provider", "--match", 'class=~".*burn-rate"', "--match", "service=checkout",
        "--look-at", "external/stripe", "--probe", "logs: stripe", "--raise", "external/stripe:third_party_slow:large",
        "--probe", 'metrics: sum(rate(errors{a="b"}[5m])) > 0', "--priority", 2, "--until", "2030-01-01T00:00:00Z",
        "--probe", "{metrics: up, entity: external/stripe, role: availability, source: prom, why: seen before}",
    )  # fmt: skip


def test_guidance_is_added_listed_shown_tried_and_removed(said: Callable[..., str]) -> None:
    add(said)
    one = json.loads(said("guidance", "show", "G1", "--json"))
    assert one["matchers"] == ['class=~".*burn-rate"', 'service="checkout"']
    assert [probe["query"] for probe in one["probes"]] == ["stripe", 'sum(rate(errors{a="b"}[5m])) > 0', "up"]
    assert one["probes"][2]["role"] == "availability"
    assert one["priors"] == [
        {"direction": "raise", "entity": "external/stripe", "fault": "third_party_slow", "strength": "large"}
    ]
    assert "conflict: G1 and G2 disagree" in said("guidance", "add", "never outside", "--lower", "external/*")
    assert "conflict" not in said("guidance", "add", "nothing to do with it", "--lower", "service/zzz")
    said("guidance", "remove", "G3")
    listed = said("guidance", "list")
    assert "look at the" in listed
    assert "G1 has the higher priority" in " ".join(listed.split())
    tried = json.loads(said("guidance", "test", "alert.json", "--json"))
    assert [item["id"] for item in tried["applies"]] == ["G1", "G2"]
    assert tried["labels"]["class"] == "error-budget-burn-rate"
    assert len(tried["conflicts"]) == 1
    said("guidance", "remove", "G1")
    tried = json.loads(said("guidance", "test", "alert.json", "--json"))
    assert [item["id"] for item in tried["applies"]] == ["G2"]
    assert "never outside" in said("guidance", "test", "alert.json")


def test_guidance_comes_from_files_too(said: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text(
        "- text: one\n  matchers: [service=a]\n- text: two\n  from: 2026-01-01T00:00:00Z\n"
    )
    said("guidance", "add", "--file", "g.yaml")
    listed = json.loads(said("guidance", "list", "--json"))
    assert [one["text"] for one in listed["guidance"]] == ["one", "two"]
    assert listed["guidance"][1]["from"] == "2026-01-01T00:00:00.000Z"


def test_memory_is_exported_deleted_and_brought_back(said: Callable[..., str]) -> None:
    add(said)
    said("memory", "remember", "checkout retries", "--provenance", "Ana", "--about", "service/checkout")
    said("memory", "export", "m.jsonl")
    assert said("memory", "export").splitlines()[1:] == Path("m.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    said("memory", "delete", "--all", "--yes")
    assert "No facts yet" in said("memory", "facts")
    said("memory", "import", "m.jsonl")
    said("memory", "strike", "F1", "--why", "no longer")
    assert "No facts yet" in said("memory", "facts")
    assert json.loads(said("memory", "facts", "--struck", "--json"))[0]["struck_why"] == "no longer"
    assert "checkout" in said("memory", "facts", "--struck")
    said("memory", "import", "m.jsonl", "--on-conflict", "replace")
    assert [one["id"] for one in json.loads(said("memory", "facts", "--json"))] == ["F1"]


def test_environments_are_apart_and_the_setting_names_one(
    said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(said)
    assert "No guidance yet" in said("guidance", "list", "--environment", "staging")
    monkeypatch.setenv("ROOTWARD_MEMORY__ENVIRONMENT", "staging")
    assert "No guidance yet" in said("guidance", "list")
    assert "look at" in said("guidance", "list", "--environment", "default")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["guidance", "add"], "--file"),
        (["guidance", "add", "x", "--file", "g.yaml"], "--file"),
        (["guidance", "add", "--file", "nowhere.yaml"], "nowhere.yaml"),
        (["guidance", "add", "--file", "alert.json"], "text"),
        (["guidance", "add", "x", "--match", "service"], "no matcher"),
        (["guidance", "add", "x", "--match", 'a=~"(a+)+"'], "repeated group"),
        (["guidance", "add", "x", "--probe", "taste it"], "write a signal"),
        (["guidance", "add", "x", "--probe", "{metrics: up, colour: red}"], "colour"),
        (["guidance", "add", "x", "--raise", "a:b:c:d"], "write ENTITY"),
        (["guidance", "add", "x", "--until", "soon"], "until"),
        (["guidance", "show", "G9"], "G9"),
        (["guidance", "show", "9"], "'9'"),
        (["guidance", "remove", "F1"], "no guidance"),
        (["guidance", "remove", "G1"], "no memory"),
        (["guidance", "test", "nowhere.json"], "nowhere.json"),
        (["memory", "delete"], "give ids"),
        (["memory", "delete", "--kind", "dream"], "--kind"),
        (["memory", "import", "nowhere.jsonl"], "nowhere.jsonl"),
        (["memory", "import", "alert.json"], "no export"),
        (["memory", "export", "no/such/folder/m.jsonl"], "cannot write"),
        (["memory", "strike", "F1"], "F1"),
    ],
)
def test_what_is_typed_wrong_is_one_line_that_says_so(
    said: Callable[..., str], typed: Typed, words: list[str], message: str
) -> None:
    status, out, err = typed(*words)
    assert (status, out) == (1, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_a_damaged_memory_is_told_and_kept(said: Callable[..., str], typed: Typed) -> None:
    Path("memory.sqlite").write_bytes(b"half a file")
    status, _, err = typed("guidance", "list")
    assert status == 1
    assert "left as it is" in err
    assert Path("memory.sqlite").read_bytes() == b"half a file"
