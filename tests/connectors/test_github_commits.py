"""Which commits are asked for their files."""

from typing import Any

from rootward import _clock
from rootward.connectors.github import candidates
from rootward.signals import records, windows

NOW_S = 1_760_000_000.0
CLOSELY = windows.Window(NOW_S - 6 * 3600, NOW_S)
SHAS = {"new": "a1" * 20, "old": "b2" * 20, "older": "c3" * 20, "elsewhere": "d4" * 20}


def commit(name: str, hours: float, repository: str = "acme/shop") -> candidates.Listed:
    return repository, {"sha": SHAS[name], "commit": {"committer": {"date": _clock.to_iso(NOW_S - hours * 3600)}}}


def deployment(hours: float, version: str = "main", **detail: str) -> records.Change:
    told = {"repository": "acme/shop", **detail}
    return records.Change(records.ChangeKind.DEPLOY, NOW_S - hours * 3600, "deploy", version=version, detail=told)


LISTED = [commit("older", 20), commit("old", 9), commit("new", 1), commit("elsewhere", 10, "acme/other")]


def names(deployments: list[records.Change], listed: list[candidates.Listed] = LISTED) -> list[str]:
    known = {sha: name for name, sha in SHAS.items()}
    return [known[listed[row][1]["sha"]] for row in candidates.wanted(listed, deployments, CLOSELY)]


def test_what_was_made_lately_matters() -> None:
    assert names([]) == ["new"]


def test_what_was_rolled_out_lately_matters_however_old_by_hash_or_by_version() -> None:
    assert names([deployment(0.5, sha=SHAS["old"])]) == ["new", "old"]
    assert names([deployment(0.5, f"registry/shop:{SHAS['older'][:8]}")]) == ["new", "older"]


def test_what_was_rolled_out_long_before_does_not() -> None:
    assert names([deployment(8, sha=SHAS["old"])]) == ["new"]


def test_a_deployment_of_an_unlisted_commit_may_have_carried_all_of_its_repository() -> None:
    assert names([deployment(0.5, sha="e5" * 20)]) == ["new", "old", "older"]
    assert names([deployment(0.5, "2.1.0")]) == ["new", "old", "older"]


def test_a_repository_of_manifests_may_deploy_what_another_holds() -> None:
    assert names([deployment(0.5, repository="acme/manifests", sha=SHAS["elsewhere"])]) == ["new", "elsewhere"]


def test_a_commit_without_a_readable_time_is_looked_into() -> None:
    odd: list[Any] = [("acme/shop", {"sha": SHAS["new"]}), ("acme/shop", None), *LISTED[:2]]
    assert candidates.wanted(odd, [], CLOSELY) == [0, 1]
