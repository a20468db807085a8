"""Changes are blamed for what they do, not for being near; and for nothing when something else explains the trouble."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import changes
from rootward.investigator.causal.blame import diffs
from rootward.signals import alerts, entities, records, windows
from rootward.signals.roles import role

START_S = 1_750_000_000.0
CHECKOUT = entities.Entity(entities.EntityKind.SERVICE, "checkoutservice")
CHECKOUT_FILE = "services/checkout/order.go"
Logs = dict[str, tuple[list[str], list[str]]]


def commit(sha: str, summary: str, patch: str, *, ago_min: float = 5.0, path: str = CHECKOUT_FILE) -> records.Change:
    return records.Change(
        records.ChangeKind.COMMIT, START_S - ago_min * 60.0, summary, sha, files={path: patch}, source="github"
    )


def rollout(sha: str, service: str = "checkoutservice", *, ago_min: float = 4.0) -> records.Change:
    entity = entities.Entity(entities.EntityKind.SERVICE, service)
    return records.Change(
        records.ChangeKind.DEPLOY,
        START_S - ago_min * 60.0,
        f"deploy {service}",
        f"d-{sha}",
        entity,
        detail={"sha": sha},
    )


def make(found: list[records.Change], logs: Logs, **more: object) -> cases.Case:
    """`logs`: service → (lines before, lines since the trouble began)."""
    kept = []
    for service, (before, after) in logs.items():
        times_s = [START_S - 3000.0 + 10.0 * i for i in range(len(before))]
        times_s += [START_S - 30.0 + i for i in range(len(after))]
        batch = records.LogBatch(np.array(times_s), [*before, *after], [0] * len(times_s), [{}])
        kept.append(cases.LogsOf(entities.Entity(entities.EntityKind.SERVICE, service), batch, f"L.{service}"))
    alert = alerts.Alert("Errors", START_S, labels={"service": "checkoutservice"}, entity=CHECKOUT)
    case = cases.Case(
        alert,
        windows.Window(START_S - 7200.0, START_S - 1200.0),
        windows.Window(START_S - 1200.0, START_S + 300.0),
        START_S + 300.0,
        logs=kept,
        changes=[(change, "C1") for change in found],
    )
    return dataclasses.replace(case, **more)


PANIC = ["panic: runtime error: invalid memory address or nil pointer dereference"] * 20
GUARD = '@@ func status\n-\tif resp.Extra == nil {\n-\t\treturn ""\n-\t}\n-\treturn resp.Extra.Status\n+\treturn resp.Extra.Status'
TIDY = "-\terr := json.Decode(r)\n-\tcart, err := h.carts.Load(id)\n-\twrite(w, cart)\n+\treq := decode(r)\n+\tcart, err := h.carts.Load(req.ID)\n+\trespond(w, cart)"
QUIET: Logs = {"checkoutservice": (["handled request"] * 50, PANIC)}


def blamed(case: cases.Case, onset_s: float | None = None) -> list[str]:
    return [clue.change for clue in changes.clues(case, onset_s)]


def test_a_removed_check_is_blamed_for_a_nil_pointer_and_a_nearer_tidy_up_is_not() -> None:
    found = [commit("bad", "simplify response", GUARD, ago_min=9.0), rollout("bad", ago_min=8.0)]
    found += [commit("near", "refactor: tidy handler", TIDY, ago_min=2.0), rollout("near", ago_min=1.0)]
    case = make(found, QUIET)
    (clue,) = changes.clues(case, None)
    assert (clue.change, clue.fault, clue.entity) == ("bad", "code_exception", CHECKOUT)
    assert clue.onset_s == START_S - 8.0 * 60.0
    assert "check for a missing value was removed" in clue.sentence
    assert "near" in [one.change for one in changes.refutations(case, None)]


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ("-\tmu sync.Mutex\n-\tl.mu.Lock()\n-\tdefer l.mu.Unlock()", "fatal error: concurrent map writes"),
        ("-\tctx.WithTimeout(5*time.Second)\n+\tctx.WithTimeout(300*time.Millisecond)", "rpc failed: deadline exceeded"),
        ("-  level: info\n+  level: debug", "write failed: no space left on device"),
        ("-  max_connections: 50\n+  max_connections: 5", "connection pool exhausted, request queued"),
        (' for _, i := range items {\n+\tx := a.catalog.GetItem(i)\n }', "slow request: PlaceOrder took 4100 ms"),
        ('+  text("SELECT id FROM favourites")', 'relation "favourites" does not exist'),
        ('-  "title": text,\n+  "name": text,', "query failed: no mapping found for field [title]"),
        ("-\tregisterAgents(registry);", "lookup failed: agents not registered"),
        ("-\tdefer rows.Close()", "too many open connections, pool exhausted"),
    ],
)  # fmt: skip
def test_each_mechanism_joins_what_the_diff_does_to_what_the_failure_says(patch: str, said: str) -> None:
    logs: Logs = {"checkoutservice": (["handled request"] * 50, [said] * 20)}
    assert blamed(make([commit("bad", "a change", patch), rollout("bad")], logs)) == ["bad"]
    innocent = make(
        [commit("bad", "a change", patch), rollout("bad")], {"checkoutservice": (["ok"] * 50, ["odd error"] * 20)}
    )
    strongest = max((clue.weight for clue in changes.clues(innocent, None)), default=0.0)
    assert strongest < 2.5


def test_a_dependency_is_blamed_only_when_the_failure_names_it() -> None:
    patch = "-\tgoogle.golang.org/protobuf v1.31.0\n+\tgoogle.golang.org/protobuf v1.34.2"
    bump = commit("bump", "chore: bump go.mod", patch, path="services/checkout/go.mod")
    named: Logs = {"checkoutservice": ([], ["panic: incompatible protobuf runtime version"] * 9)}
    assert blamed(make([bump, rollout("bump")], named)) == ["bump"]
    assert blamed(make([bump, rollout("bump")], QUIET)) == []


@pytest.mark.parametrize(
    ("path", "patch"),
    [
        ("services/checkout/docs/api.md", "+never nil"),
        ("services/checkout/order_test.go", GUARD),
        ("services/checkout/style.css", "-.a { color: red }\n+.a { color: nil }"),
        ("services/checkout/order.go", "-// guards == nil\n+// guards nothing"),
        (".github/workflows/ci.yaml", GUARD),
    ],
)
def test_what_cannot_change_a_service_is_never_blamed(path: str, patch: str) -> None:
    assert blamed(make([commit("doc", "docs", patch, path=path), rollout("doc")], QUIET)) == []


def test_a_change_after_the_alert_is_ruled_out_with_the_reason() -> None:
    case = make([commit("late", "simplify", GUARD, ago_min=-10.0), rollout("late", ago_min=-11.0)], QUIET)
    assert blamed(case) == []
    (refutation,) = changes.refutations(case, None)
    assert "after the trouble began" in refutation.reason


def test_an_expired_certificate_clears_the_changes() -> None:
    said = ["tls: x509: certificate has expired or is not yet valid"] * 30
    tls = commit("tls", "chore: reorder cipher list", "-\ttls.AES_128,\n+\ttls.AES_256,")
    assert blamed(make([tls, rollout("tls")], {"checkoutservice": ([], said)})) == []


def test_names_failing_for_several_services_clear_the_changes() -> None:
    line = "lookup api.example.com on 10.0.0.10:53: no such host"
    logs: Logs = {"checkoutservice": ([], [line] * 9), "mailservice": ([], [line] * 9)}
    patch = "-url: http://a.example.com:80\n+url: http://api.example.com:80"
    assert blamed(make([commit("url", "endpoints", patch), rollout("url")], logs)) == []


def test_a_surge_of_traffic_clears_the_changes() -> None:
    times_s = np.arange(START_S - 3600.0, START_S + 300.0, 60.0)
    values = np.where(times_s < START_S - 240.0, 900.0, 5400.0)
    surge = cases.Signal(CHECKOUT, role.Role.RATE, "requests", times_s, values, "M1")
    logs: Logs = {"checkoutservice": ([], ["request rejected: server overloaded, shedding load"] * 30)}
    near = commit("near", "switch access logs", "-\tlog.Printf(a)\n+\tlogger.Info(a, route)")
    assert blamed(make([near, rollout("near")], logs, signals=[surge])) == []


def test_an_onset_that_is_off_by_minutes_changes_nothing() -> None:
    case = make([commit("bad", "simplify", GUARD), rollout("bad")], QUIET)
    assert [blamed(case, START_S + shift_s) for shift_s in (-480.0, -60.0, 60.0, 480.0)] == [["bad"]] * 4


def test_a_commit_rides_along_with_the_next_roll_out_of_its_service() -> None:
    found = [commit("bad", "simplify", GUARD, ago_min=12.0), rollout("other", ago_min=3.0)]
    (clue,) = changes.clues(make(found, QUIET), None)
    assert (clue.change, clue.onset_s) == ("bad", START_S - 180.0)


def test_without_changes_there_is_nothing_to_say() -> None:
    assert changes.clues(make([], QUIET), None) == []
    assert changes.refutations(make([], QUIET), None) == []


def test_words_of_identifiers_are_told_apart() -> None:
    assert {"registeragents", "register", "agents", "http", "server"} <= diffs.words("registerAgents HTTPServer")


@settings(max_examples=40, deadline=None)
@given(patch=st.text(max_size=300), summary=st.text(max_size=30), path=st.text(max_size=30), said=st.text(max_size=60))
def test_no_patch_and_no_line_breaks_it(patch: str, summary: str, path: str, said: str) -> None:
    case = make([commit("any", summary, patch, path=path), rollout("any")], {"checkoutservice": ([said], [said] * 3)})
    for clue in changes.clues(case, None):
        assert changes.WEIGHT_MIN <= clue.weight <= changes.WEIGHT_MAX
    changes.refutations(case, None)
