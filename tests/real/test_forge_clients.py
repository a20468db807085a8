"""PyGithub and python-gitlab against the faces of GitHub and GitLab."""

import datetime as dt

import client_operations
import dojo_server
import pytest

pytestmark = pytest.mark.filterwarnings("default")  # other people's libraries warn about their own dependencies
REASON = "not installed (pip install 'rootward[real]'): the face was not tried with this client"
github = pytest.importorskip("github", reason=REASON)
gitlab = pytest.importorskip("gitlab", reason=REASON)
operations = client_operations.Operations("forges")
HUB, LAB = "PyGithub", "python-gitlab"


@pytest.fixture(scope="module")
def apis():
    with dojo_server.serving() as address:
        hub = github.Github(auth=github.Auth.Token("t"), base_url=f"{address}/github", per_page=1)
        lab = gitlab.Gitlab(f"{address}/gitlab", private_token="glpat-x", per_page=1)
        yield {HUB: hub, LAB: lab}


@operations.of(HUB, "get_repo, get_commits, get_commit, get_pulls, get_deployments, get_rate_limit")
def _(apis):
    client = apis[HUB]
    repository = client.get_repo("acme/shop")
    assert repository.default_branch == "main"
    assert [commit.sha[0] for commit in repository.get_commits()] == ["b", "a"]
    commit = repository.get_commit("b" * 40)
    assert [(file.filename, file.additions) for file in commit.files] == [("checkout/config.yaml", 1)]
    since = dt.datetime.fromtimestamp(dojo_server.sample.START_S, tz=dt.UTC)
    assert [one.sha[0] for one in repository.get_commits(since=since)] == ["b"]
    assert [pull.number for pull in repository.get_pulls(state="closed")] == [41]
    deployments = list(repository.get_deployments())
    assert [status.state for status in deployments[1].get_statuses()] == ["success", "in_progress"]
    assert client.get_rate_limit().rate.limit == 5000


@operations.of(HUB, "compare, get_contents, get_workflow_runs, get_releases, get_tags")
def _(apis):
    repository = apis[HUB].get_repo("acme/shop")
    assert repository.compare("a" * 40, "main").ahead_by == 1
    assert repository.get_contents("checkout/config.yaml").decoded_content == b"pool: 10\n"
    assert {one.name for one in repository.get_workflow_runs()} == {"CI", "Deploy"}
    assert list(repository.get_releases()) == []
    assert list(repository.get_tags()) == []


@operations.of(HUB, "search_commits, search_issues, search_code")
def _(apis):
    client = apis[HUB]
    assert [one.sha[0] for one in client.search_commits("pool repo:acme/shop")] == ["b"]
    assert [one.number for one in client.search_issues("pool is:merged")] == [41]
    assert [one.path for one in client.search_code("pool")] == ["checkout/config.yaml"]


@operations.of(HUB, "comments of pull requests and commits")
def _(apis):
    pull = apis[HUB].get_repo("acme/shop").get_pull(41)
    made = pull.create_issue_comment("this shrank the pool")
    made.edit("from 50 to 10")
    assert [one.body for one in pull.get_issue_comments()] == ["from 50 to 10"]
    made.delete()
    assert pull.get_issue_comments().totalCount == 0


@operations.of(HUB, "errors: unknown, forbidden")
def _(apis):
    client = apis[HUB]
    with pytest.raises(github.UnknownObjectException):
        client.get_repo("acme/none")
    with pytest.raises(github.GithubException, match="not accessible"):
        client.get_repo("acme/shop").create_issue("x")


@operations.of(LAB, "projects.list, projects.get, groups, version")
def _(apis):
    client = apis[LAB]
    assert client.version()[0].startswith("17.")
    assert [one.path_with_namespace for one in client.projects.list(iterator=True)] == ["acme/shop"]
    assert client.projects.get("acme/shop").default_branch == "main"
    assert client.groups.list(get_all=True)[0].name == "acme"


@operations.of(LAB, "commits (pages), diff, compare, files, tree, branches, tags")
def _(apis):
    project = apis[LAB].projects.get("acme/shop")
    assert [one.id[0] for one in project.commits.list(iterator=True)] == ["b", "a"]
    assert project.commits.get("b" * 40).diff()[0]["new_path"] == "checkout/config.yaml"
    assert len(project.repository_compare("a" * 40, "main")["commits"]) == 1
    assert project.files.get("checkout/config.yaml", ref="main").decode() == b"pool: 10\n"
    assert {one["path"] for one in project.repository_tree(get_all=True)} == {"README.md", "checkout"}
    assert project.branches.get("main").commit["id"] == "b" * 40
    assert project.tags.list(get_all=True) == []


@operations.of(LAB, "mergerequests: list, get, changes, commits")
def _(apis):
    project = apis[LAB].projects.get("acme/shop")
    merged = project.mergerequests.list(state="merged", get_all=True)
    assert [one.iid for one in merged] == [41]
    assert merged[0].changes()["changes"][0]["new_path"] == "checkout/config.yaml"
    assert [one.id[0] for one in merged[0].commits()] == ["b"]


@operations.of(LAB, "deployments, environments, pipelines, jobs, releases, feature_flags")
def _(apis):
    project = apis[LAB].projects.get("acme/shop")
    assert [one.status for one in project.deployments.list(get_all=True)] == ["success", "running"]
    assert project.environments.list(get_all=True)[0].name == "production"
    pipeline = project.pipelines.list(get_all=True)[0]
    assert len(project.pipelines.get(pipeline.id).jobs.list(get_all=True)) >= 1
    assert project.jobs.list(get_all=True)
    assert project.releases.list(get_all=True) == []
    assert project.feature_flags.list(get_all=True) == []


@operations.of(LAB, "errors: 404, 403, 401")
def _(apis):
    client = apis[LAB]
    with pytest.raises(gitlab.GitlabGetError, match="404 Project Not Found"):
        client.projects.get("acme/none")
    with pytest.raises(gitlab.GitlabCreateError, match="403"):
        client.projects.get("acme/shop").issues.create({"title": "x"})
    with pytest.raises(gitlab.GitlabAuthenticationError):
        gitlab.Gitlab(client.url).projects.list(get_all=True)


def test_the_table_lists_every_operation():
    operations.check_table()


@pytest.mark.parametrize("name", list(operations.found), ids=" · ".join)
def test_operation(apis, name):
    operations.found[name](apis)
