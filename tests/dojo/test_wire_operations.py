"""The faces of Alertmanager, GitHub, Slack and PagerDuty: shapes, pages, filters and refusals."""

import pytest
import sample_telemetry as sample
from starlette import testclient

from rootward import _clock
from rootward.dojo.wire import alertmanager, github, pagerduty, slack

REPO = f"/repos/{sample.REPOSITORY}"
SLACK = {"Authorization": "Bearer xoxb-1"}
PAGER = {"Authorization": "Token token=abc"}


@pytest.fixture
def client_of(shop, shop_clock):
    return lambda module, **headers: testclient.TestClient(module.app(shop, shop_clock), headers=headers)


# Alertmanager


def test_only_firing_alerts_with_prometheus_fingerprint(client_of):
    alerts = client_of(alertmanager).get("/api/v2/alerts").json()
    assert [alert["labels"]["alertname"] for alert in alerts] == ["HighErrors"]
    assert alerts[0]["startsAt"] == "2024-05-01T10:55:00.000Z"
    assert alerts[0]["status"] == {"inhibitedBy": [], "mutedBy": [], "silencedBy": [], "state": "active"}
    assert alerts[0]["endsAt"] > _clock.to_iso(sample.NOW_S)
    # The empty label set's fingerprint is FNV-1a's offset basis (prometheus/common, model/signature_test.go).
    assert alertmanager.fingerprint({}) == f"{14695981039346656037:016x}"


@pytest.mark.parametrize(
    ("matcher", "count"),
    [
        ('severity="page"', 1),
        ("severity=page", 1),
        ('severity!="page"', 0),
        ('service=~"check.*"', 1),
        ('service!~"x"', 1),
        ('none=""', 1),
    ],
)
def test_alert_filters(client_of, matcher, count):
    assert len(client_of(alertmanager).get("/api/v2/alerts", params={"filter": matcher}).json()) == count


def test_groups_status_and_refusals(client_of):
    client = client_of(alertmanager)
    groups = client.get("/api/v2/alerts/groups").json()
    assert [group["labels"] for group in groups] == [{"alertname": "HighErrors"}]
    assert client.get("/api/v2/status").json()["versionInfo"]["version"] == alertmanager.VERSION
    assert client.get("/api/v2/silences").json() == []
    bad = client.get("/api/v2/alerts", params={"filter": "???"})
    assert (bad.status_code, bad.json()) == (400, "bad matcher format: ???")
    assert client.get("/api/v2/alerts", params={"active": "perhaps"}).status_code == 400
    assert client.get("/api/v2/alerts", params={"active": "false"}).json() == []
    assert client.post("/api/v2/alerts", json=[]).status_code == 403


# GitHub


def test_commits_page_by_link_header_and_carry_rate_limits(client_of):
    client = client_of(github)
    first = client.get(f"{REPO}/commits", params={"per_page": 1, "since": sample.iso(sample.START_S - 100000)})
    assert [commit["sha"][0] for commit in first.json()] == ["b"]
    assert first.headers["x-ratelimit-limit"] == "5000"
    second = client.get(first.links["next"]["url"])
    assert [commit["sha"][0] for commit in second.json()] == ["a"]
    assert "next" not in second.links
    assert second.links["prev"]["url"]


@pytest.mark.parametrize(
    ("params", "shas"),
    [
        ({}, "ba"),
        ({"path": "checkout"}, "b"),
        ({"path": "README.md"}, "a"),
        ({"author": "ben"}, "b"),
        ({"since": "2024-05-01T00:00:00Z"}, "b"),
        ({"until": "2024-05-01T00:00:00Z"}, "a"),
        ({"sha": "a" * 40}, "a"),
        ({"sha": "main"}, "ba"),
    ],
)
def test_commit_filters(client_of, params, shas):
    found = client_of(github).get(f"{REPO}/commits", params=params).json()
    assert "".join(commit["sha"][0] for commit in found) == shas


def test_a_commit_has_files_with_patches(client_of):
    commit = client_of(github).get(f"{REPO}/commits/{'b' * 40}").json()
    assert commit["stats"] == {"total": 2, "additions": 1, "deletions": 1}
    assert commit["files"][0]["filename"] == "checkout/config.yaml"
    assert commit["files"][0]["patch"].endswith("+pool: 10")
    assert commit["parents"][0]["sha"] == "a" * 40
    assert "patch" not in client_of(github).get(f"{REPO}/commits/{'a' * 40}").json()["files"][0]


def test_pulls_stand_as_they_do_now(client_of):
    client = client_of(github)
    assert [pull["number"] for pull in client.get(f"{REPO}/pulls").json()] == [42]
    every = client.get(f"{REPO}/pulls", params={"state": "all", "sort": "updated", "direction": "desc"}).json()
    assert [(pull["number"], pull["state"]) for pull in every] == [(42, "open"), (41, "closed")]
    merged = client.get(f"{REPO}/pulls/41").json()
    assert (merged["merged"], merged["merge_commit_sha"]) == (True, "b" * 40)
    assert client.get(f"{REPO}/pulls/43").status_code == 404
    assert [file["filename"] for file in client.get(f"{REPO}/pulls/41/files").json()] == ["checkout/config.yaml"]


def test_deployments_and_their_statuses(client_of):
    client = client_of(github)
    found = client.get(f"{REPO}/deployments", params={"environment": "production"}).json()
    assert [deployment["id"] for deployment in found] == [7002, 7001]
    assert found[1]["payload"] == {"service": "checkout"}

    def states(number):
        return [status["state"] for status in client.get(f"{REPO}/deployments/{number}/statuses").json()]

    assert states(7001) == ["success", "in_progress"]
    assert states(7002) == ["in_progress"]  # it fails half a minute from now
    assert client.get(f"{REPO}/deployments/7003").status_code == 404


def test_github_enterprise_paths_and_refusals(client_of):
    client = client_of(github)
    assert client.get(f"/api/v3{REPO}").json()["full_name"] == sample.REPOSITORY
    assert client.get(f"/api/v3{REPO}").json()["url"].endswith(f"/api/v3{REPO}")
    missing = client.get("/repos/acme/none/commits")
    assert (missing.status_code, missing.json()["message"]) == (404, "Not Found")
    assert missing.headers["x-ratelimit-remaining"]
    assert client.get(f"{REPO}/commits", params={"since": "yesterday"}).status_code == 400
    assert client.get(f"{REPO}/pulls", params={"state": "odd"}).status_code == 422
    assert client.get(f"{REPO}/commits/ffff").status_code == 422
    assert client.get("/rate_limit").json()["rate"]["limit"] == 5000


# Slack


def slack_call(client, method, **params):
    return client.get(f"/api/{method}", params=params, headers=SLACK).json()


def test_channels_history_and_threads(client_of):
    client = client_of(slack)
    channels = {one["name"]: one["id"] for one in slack_call(client, "conversations.list")["channels"]}
    assert set(channels) == {"incidents", "deploys"}
    history = slack_call(client, "conversations.history", channel=channels["incidents"])
    (parent,) = history["messages"]
    assert (parent["text"], parent["reply_count"], parent["ts"]) == (
        "checkout looks odd",
        1,
        f"{sample.START_S + 1000:.6f}",
    )
    thread = slack_call(client, "conversations.replies", channel=channels["incidents"], ts=parent["ts"])
    assert [message["text"] for message in thread["messages"]] == ["checkout looks odd", "looking"]
    assert slack_call(client, "users.info", user=parent["user"])["user"]["name"] == "ana"
    bot = slack_call(client, "conversations.history", channel=channels["deploys"])["messages"][0]
    assert (bot["subtype"], bot["username"]) == ("bot_message", "deploybot")


def test_slack_windows_and_cursors(client_of):
    client = client_of(slack)
    first = slack_call(client, "conversations.list", limit=1)
    second = slack_call(client, "conversations.list", limit=1, cursor=first["response_metadata"]["next_cursor"])
    assert {first["channels"][0]["name"], second["channels"][0]["name"]} == {"incidents", "deploys"}
    assert second["response_metadata"]["next_cursor"] == ""
    channel = next(
        one["id"] for one in slack_call(client, "conversations.list")["channels"] if one["name"] == "deploys"
    )
    stamp = f"{sample.START_S + 1100:.6f}"
    assert slack_call(client, "conversations.history", channel=channel, oldest=stamp)["messages"] == []
    assert (
        len(slack_call(client, "conversations.history", channel=channel, oldest=stamp, inclusive="true")["messages"])
        == 1
    )
    assert slack_call(client, "conversations.history", channel=channel, latest=stamp)["messages"] == []


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("conversations.history", {"channel": "C0"}, "channel_not_found"),
        ("conversations.replies", {"channel": "C0", "ts": "1.0"}, "channel_not_found"),
        ("users.info", {"user": "U0"}, "user_not_found"),
        ("conversations.list", {"cursor": "???"}, "invalid_cursor"),
        ("conversations.list", {"limit": "x"}, "invalid_limit"),
        ("chat.postMessage", {"channel": "C0", "text": "hi"}, "channel_not_found"),
        ("conversations.create", {"name": "new"}, "missing_scope"),
        ("conversations.invent", {}, "unknown_method"),
    ],
)
def test_slack_says_no_with_status_200(client_of, method, params, error):
    reply = client_of(slack).post(f"/api/{method}", data=params, headers=SLACK)
    assert (reply.status_code, reply.json()["ok"], reply.json()["error"]) == (200, False, error)


def test_slack_wants_a_token(client_of):
    assert client_of(slack).get("/api/auth.test").json() == {"ok": False, "error": "not_authed"}
    assert client_of(slack).post("/api/auth.test", data={"token": "xoxb-1"}).json()["ok"] is True


# PagerDuty


def test_incidents_alerts_and_log_entries(client_of):
    client = client_of(pagerduty, **PAGER)
    found = client.get("/incidents").json()
    assert [(one["incident_number"], one["status"]) for one in found["incidents"]] == [
        (11, "resolved"),
        (12, "triggered"),
    ]
    assert (found["limit"], found["offset"], found["more"], found["total"]) == (25, 0, False, None)
    identity = found["incidents"][1]["id"]
    alert = client.get(f"/incidents/{identity}/alerts").json()["alerts"][0]
    assert alert["body"]["details"]["labels"]["service"] == "checkout"
    entries = client.get(f"/incidents/{found['incidents'][0]['id']}/log_entries").json()["log_entries"]
    assert [entry["type"] for entry in entries] == ["resolve_log_entry", "trigger_log_entry"]


@pytest.mark.parametrize(
    ("params", "numbers"),
    [
        ({"statuses[]": "triggered"}, [12]),
        ({"urgencies[]": "low"}, [11]),
        ({"since": sample.iso(sample.START_S + 600)}, [12]),
        ({"until": sample.iso(sample.START_S + 600)}, [11]),
        ({"date_range": "all", "sort_by": "created_at:desc"}, [12, 11]),
        ({"limit": 1, "offset": 1}, [12]),
    ],
)
def test_incident_filters(client_of, params, numbers):
    found = client_of(pagerduty, **PAGER).get("/incidents", params=params).json()["incidents"]
    assert [one["incident_number"] for one in found] == numbers


def test_change_events_and_services(client_of):
    client = client_of(pagerduty, **PAGER)
    (change,) = client.get("/change_events").json()["change_events"]
    assert change["custom_details"] == {"kind": "flag", "flag": "new-pool"}
    assert change["services"][0]["summary"] == "checkout"
    services = {one["name"]: one["status"] for one in client.get("/services").json()["services"]}
    assert services == {"checkout": "critical", "frontend": "active"}
    assert client.get("/incidents", params={"limit": 1, "total": "true"}).json() | {"incidents": []} == {
        "incidents": [],
        "limit": 1,
        "offset": 0,
        "total": 2,
        "more": True,
    }


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/incidents", {}, 401, 2006),
        ("/incidents/QNONE", PAGER, 404, 2100),
        ("/incidents?since=yesterday", PAGER, 400, 2001),
        ("/incidents?offset=20000", PAGER, 400, 2001),
        ("/incidents?limit=x", PAGER, 400, 2001),
        ("/nothing", PAGER, 404, 2100),
    ],
)
def test_pagerduty_refusals(client_of, path, headers, status, code):
    reply = client_of(pagerduty).get(path, headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
