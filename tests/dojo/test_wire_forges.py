"""GitLab's face, and what GitHub's says beyond commits and pull requests: comparisons, files, releases, runs, search, flags."""

import base64
import dataclasses

import pytest
import sample_telemetry as sample
from starlette import testclient

from rootward import _clock
from rootward.dojo import world
from rootward.dojo.capsule import telemetry
from rootward.dojo.wire import github, gitlab

TOKEN = {"PRIVATE-TOKEN": "glpat-x"}
PROJECT = "/api/v4/projects/acme%2Fshop"
REPO = "/repos/acme/shop"


@pytest.fixture
def lab(shop, shop_clock):
    return testclient.TestClient(gitlab.app(shop, shop_clock), headers=TOKEN)


@pytest.fixture
def hub(shop, shop_clock):
    return testclient.TestClient(github.app(shop, shop_clock))


def test_gitlab_wants_a_token_and_takes_ids_and_paths(lab):
    assert lab.get("/api/v4/projects", headers={"PRIVATE-TOKEN": ""}).json() == {"message": "401 Unauthorized"}
    (project,) = lab.get("/api/v4/projects").json()
    assert project["path_with_namespace"] == "acme/shop"
    for name in (str(project["id"]), "acme%2Fshop"):
        assert lab.get(f"/api/v4/projects/{name}").json()["id"] == project["id"]
    assert lab.get("/api/v4/projects/acme%2Fnone").json() == {"message": "404 Project Not Found"}
    assert lab.get("/api/v4/groups/acme/projects").json()[0]["id"] == project["id"]
    assert lab.post(f"{PROJECT}/issues", json={}).json() == {"message": "403 Forbidden"}


def test_gitlab_commits_diffs_and_comparison(lab):
    commits = lab.get(f"{PROJECT}/repository/commits").json()
    assert [one["id"][0] for one in commits] == ["b", "a"]
    one = lab.get(f"{PROJECT}/repository/commits/{'b' * 8}").json()
    assert one["stats"] == {"additions": 1, "deletions": 1, "total": 2}
    (diff,) = lab.get(f"{PROJECT}/repository/commits/{'b' * 40}/diff").json()
    assert "+pool: 10" in diff["diff"]
    compared = lab.get(f"{PROJECT}/repository/compare?from={'a' * 40}&to=main").json()
    assert [each["id"][0] for each in compared["commits"]] == ["b"]
    assert compared["diffs"][0]["new_path"] == "checkout/config.yaml"
    assert lab.get(f"{PROJECT}/repository/compare?from=x").status_code == 400
    since = lab.get(f"{PROJECT}/repository/commits", params={"since": sample.iso(sample.START_S)}).json()
    assert [each["id"][0] for each in since] == ["b"]
    assert lab.get(f"{PROJECT}/repository/commits/nope").status_code == 404


def test_gitlab_files(lab):
    assert [one["path"] for one in lab.get(f"{PROJECT}/repository/tree").json()] == ["README.md", "checkout"]
    deep = lab.get(f"{PROJECT}/repository/tree?recursive=true").json()
    assert "checkout/config.yaml" in [one["path"] for one in deep]
    file = lab.get(f"{PROJECT}/repository/files/checkout%2Fconfig.yaml?ref=main").json()
    assert base64.b64decode(file["content"]) == b"pool: 10\n"
    assert lab.get(f"{PROJECT}/repository/files/checkout%2Fconfig.yaml/raw?ref=main").text == "pool: 10\n"
    assert lab.get(f"{PROJECT}/repository/files/none/raw?ref=main").json() == {"message": "404 File Not Found"}


def test_gitlab_pages(lab):
    first = lab.get(f"{PROJECT}/repository/commits?per_page=1")
    assert {name: first.headers[name] for name in ("x-total", "x-total-pages", "x-next-page", "x-prev-page")} == {
        "x-total": "2",
        "x-total-pages": "2",
        "x-next-page": "2",
        "x-prev-page": "",
    }
    second = lab.get(first.links["next"]["url"])
    assert second.json()[0]["id"][0] == "a"
    assert "next" not in second.links


def test_gitlab_merge_requests_deployments_and_pipelines(lab):
    merged = lab.get(f"{PROJECT}/merge_requests?state=merged").json()
    assert [one["iid"] for one in merged] == [41]
    assert lab.get(f"{PROJECT}/merge_requests/41/changes").json()["changes"][0]["new_path"] == "checkout/config.yaml"
    assert [one["iid"] for one in lab.get("/api/v4/merge_requests?state=opened").json()] == [42]
    deployed = lab.get(f"{PROJECT}/deployments?order_by=created_at&sort=desc").json()
    assert [(one["id"], one["status"]) for one in deployed] == [(7002, "running"), (7001, "success")]
    assert lab.get(f"{PROJECT}/environments").json()[0]["name"] == "production"
    runs = lab.get(f"{PROJECT}/pipelines").json()
    assert {one["status"] for one in runs} == {"running", "success"}
    jobs = lab.get(f"{PROJECT}/pipelines/{runs[-1]['id']}/jobs").json()
    assert [one["name"] for one in jobs] == ["lint", "unit", "build"]


def test_gitlab_flags_and_releases():
    scenario, _ = world.build("payments", "slow_query", 3)
    change = telemetry.ChangeEvent(
        scenario.telemetry.now_s - 60, "C1", "Flag x on", "flagsmith", "", {"kind": "flag", "flag": "x", "to": "5%"}
    )
    recorded = dataclasses.replace(scenario.telemetry, change_events=(change,))
    lab = testclient.TestClient(gitlab.app(recorded, _clock.VirtualClock(recorded.now_s)), headers=TOKEN)
    project = lab.get("/api/v4/projects").json()[0]["id"]
    (flag,) = lab.get(f"/api/v4/projects/{project}/feature_flags").json()
    assert (flag["name"], flag["active"], flag["strategies"][0]["parameters"]["rollout"]) == ("x", True, "5")
    released = [
        one
        for each in lab.get("/api/v4/projects").json()
        for one in lab.get(f"/api/v4/projects/{each['id']}/releases").json()
    ]
    assert released
    assert all(one["tag_name"].startswith("v") for one in released)


def test_github_compares(hub):
    found = hub.get(f"{REPO}/compare/{'a' * 40}...main").json()
    assert (found["status"], found["ahead_by"], found["files"][0]["filename"]) == ("ahead", 1, "checkout/config.yaml")
    assert hub.get(f"{REPO}/compare/main...{'a' * 40}").json()["status"] == "behind"
    assert hub.get(f"{REPO}/compare/main...nope").status_code == 404


def test_github_contents(hub):
    assert [(one["path"], one["type"]) for one in hub.get(f"{REPO}/contents").json()] == [
        ("README.md", "file"),
        ("checkout", "dir"),
    ]
    file = hub.get(f"{REPO}/contents/checkout/config.yaml").json()
    assert base64.b64decode(file["content"]) == b"pool: 10\n"
    assert hub.get(f"{REPO}/contents/none").status_code == 404


def test_github_runs_and_jobs(hub):
    found = hub.get(f"{REPO}/actions/runs").json()
    assert found["total_count"] == len(found["workflow_runs"]) == 4
    assert {one["name"] for one in found["workflow_runs"]} == {"CI", "Deploy"}
    running = hub.get(f"{REPO}/actions/runs?status=in_progress").json()["workflow_runs"]
    assert [one["event"] for one in running] == ["workflow_dispatch"]
    ci = next(one for one in found["workflow_runs"] if one["name"] == "CI")
    assert hub.get(f"{REPO}/actions/runs/{ci['id']}").json()["head_sha"] == ci["head_sha"]
    assert hub.get(f"{REPO}/actions/runs/{ci['id']}/jobs").json()["total_count"] == 3
    assert len(hub.get(f"{REPO}/actions/workflows").json()["workflows"]) == 2


@pytest.mark.parametrize(
    ("path", "q", "count"),
    [
        ("commits", "pool", 1),
        ("commits", "repo:acme/shop author:ana", 1),
        ("commits", "pool committer-date:>=2024-05-01", 1),
        ("commits", "pool committer-date:<2024-05-01", 0),
        ("commits", "org:acme", 2),
        ("issues", "pool is:pr is:merged", 1),
        ("issues", "repo:acme/shop is:open", 1),
        ("issues", "is:issue", 0),
        ("code", "pool path:checkout", 1),
        ("code", "filename:README.md", 1),
        ("code", "nothing", 0),
    ],
)
def test_github_search(hub, path, q, count):
    reply = hub.get(f"/search/{path}", params={"q": q})
    assert reply.json()["total_count"] == count == len(reply.json()["items"])
    assert reply.json()["incomplete_results"] is False


def test_github_search_says_no(hub):
    assert hub.get("/search/commits").status_code == 422
    assert hub.get("/search/commits?q=repo:acme/none").status_code == 422


def test_github_issues_are_pull_requests(hub):
    assert [one["number"] for one in hub.get(f"{REPO}/issues?state=all").json()] == [42, 41]
    assert "pull_request" in hub.get(f"{REPO}/issues").json()[0]


def test_the_future_is_in_neither(lab, hub):
    for path in ("merge_requests", "deployments", "pipelines", "releases", "repository/commits", "feature_flags"):
        assert "FUTURE" not in lab.get(f"{PROJECT}/{path}").text
    for path in ("actions/runs", "releases", "contents", "issues?state=all"):
        assert "FUTURE" not in hub.get(f"{REPO}/{path}").text
