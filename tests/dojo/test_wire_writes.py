"""What agents may do is reflected, bounded, and all they may do; a read never changes the world."""

import hashlib
import json
import pickle

import pytest
import sample_telemetry as sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette import testclient

from rootward import _clock
from rootward.dojo.wire import _github_comments, _pagerduty_writes, _slack_store, faces

HEADERS = {"Authorization": "Bearer t", "From": "ana@acme.com"}


@pytest.fixture
def client(shop, shop_clock):
    return testclient.TestClient(faces.serve_app(shop, shop_clock), headers=HEADERS)


def slack(client, method, **params):
    return client.post(f"/slack/api/{method}", data=params).json()


def channel_of(client, name):
    return next(one["id"] for one in slack(client, "conversations.list")["channels"] if one["name"] == name)


def test_what_is_posted_to_slack_is_read_back_searched_corrected_and_deleted(client):
    channel = channel_of(client, "incidents")
    posted = slack(client, "chat.postMessage", channel="#incidents", text="the pool is too small")
    assert posted["channel"] == channel
    second = slack(client, "chat.postMessage", channel=channel, text="second")
    assert second["ts"] > posted["ts"]
    assert [one["text"] for one in slack(client, "conversations.history", channel=channel)["messages"]] == [
        "second",
        "the pool is too small",
        "checkout looks odd",
    ]
    slack(client, "chat.postMessage", channel=channel, text="see commit b", thread_ts=posted["ts"])
    assert slack(client, "chat.update", channel=channel, ts=posted["ts"], text="the pool shrank")["ok"]
    replies = slack(client, "conversations.replies", channel=channel, ts=posted["ts"])["messages"]
    assert [one["text"] for one in replies] == ["the pool shrank", "see commit b"]
    assert replies[0]["reply_count"] == 1
    assert "edited" in replies[0]
    found = slack(client, "search.messages", query='pool in:#incidents from:oncall-agent -"nothing"')["messages"]
    assert [one["text"] for one in found["matches"]] == ["the pool shrank"]
    assert slack(client, "chat.delete", channel=channel, ts=second["ts"])["ok"]
    assert len(slack(client, "conversations.history", channel=channel)["messages"]) == 2


def test_slack_reactions_and_the_words_of_others(client):
    channel = channel_of(client, "incidents")
    theirs = slack(client, "conversations.history", channel=channel)["messages"][0]
    where = {"channel": channel, "timestamp": theirs["ts"]}
    assert slack(client, "reactions.add", name="eyes", **where) == {"ok": True}
    assert slack(client, "reactions.add", name="eyes", **where)["error"] == "already_reacted"
    shown = slack(client, "reactions.get", **where)["message"]["reactions"]
    assert (shown[0]["name"], shown[0]["count"]) == ("eyes", 1)
    assert slack(client, "reactions.remove", name="eyes", **where)["ok"]
    assert slack(client, "chat.update", channel=channel, ts=theirs["ts"], text="x")["error"] == "cant_update_message"
    assert slack(client, "chat.delete", channel=channel, ts=theirs["ts"])["error"] == "cant_delete_message"
    assert slack(client, "conversations.create", name="new")["needed"] == "channels:manage"


def test_slack_search_modifiers(client):
    def texts(query):
        return [one["text"] for one in slack(client, "search.messages", query=query)["messages"]["matches"]]

    assert texts("looks on:2024-05-01") == ["checkout looks odd"]
    assert texts("looks before:2024-05-01") == []
    assert texts("looks after:2024-04-30") == ["checkout looks odd"]
    assert texts("from:@ben") == ["looking"]
    assert texts("in:deploys") == ["rolled out 1.4.2"]
    assert texts("after:yesterday") == []


def test_a_full_slack_says_ratelimited(client, monkeypatch):
    monkeypatch.setattr(_slack_store, "MAX_WRITTEN", 3)
    for _ in range(3):
        slack(client, "chat.postMessage", channel="incidents", text="x")
    reply = client.post("/slack/api/chat.postMessage", data={"channel": "incidents", "text": "x"})
    assert (reply.status_code, reply.json()["error"], reply.headers["retry-after"]) == (429, "ratelimited", "30")


def incident_id(client, number=12):
    listed = client.get("/pagerduty/incidents?date_range=all").json()["incidents"]
    return next(one["id"] for one in listed if one["incident_number"] == number)


def put(client, identity, **fields):
    body = {"incident": {"type": "incident_reference", **fields}}
    return client.put(f"/pagerduty/incidents/{identity}", json=body)


def test_an_incident_is_acknowledged_noted_and_resolved(client):
    identity = incident_id(client)
    acknowledged = put(client, identity, status="acknowledged").json()["incident"]
    assert acknowledged["status"] == "acknowledged"
    assert acknowledged["acknowledgements"][0]["acknowledger"]["summary"] == "ana"
    note = client.post(f"/pagerduty/incidents/{identity}/notes", json={"note": {"content": "pool of 10"}}).json()
    assert client.get(f"/pagerduty/incidents/{identity}/notes").json()["notes"] == [note["note"]]
    listed = client.get("/pagerduty/incidents?statuses[]=acknowledged").json()["incidents"]
    assert [one["id"] for one in listed] == [identity]
    many = {
        "incidents": [{"id": identity, "type": "incident_reference", "status": "resolved", "resolution": "rolled back"}]
    }
    assert client.put("/pagerduty/incidents", json=many).json()["incidents"][0]["status"] == "resolved"
    kinds = [one["type"] for one in client.get(f"/pagerduty/incidents/{identity}/log_entries").json()["log_entries"]]
    assert sorted(kinds) == sorted(
        ["annotate_log_entry", "resolve_log_entry", "annotate_log_entry", "acknowledge_log_entry", "trigger_log_entry"]
    )
    assert put(client, identity, status="acknowledged").json()["error"]["errors"] == ["Incident Already Resolved"]


def test_pagerduty_wants_a_sender_and_a_valid_change(client):
    identity = incident_id(client)
    assert put(client, identity, status="gone").status_code == 400
    unsigned = client.put(f"/pagerduty/incidents/{identity}", json={"incident": {}}, headers={"From": "nobody"})
    assert unsigned.status_code == 400
    assert "From" in unsigned.json()["error"]["errors"][0]
    assert client.post("/pagerduty/incidents", json={"incident": {}}).status_code == 403
    assert client.delete("/pagerduty/services/PX").status_code == 403
    assert client.post(f"/pagerduty/incidents/{identity}/notes", json={"note": {"content": " "}}).status_code == 400


def test_pagerduty_is_bounded(client, monkeypatch):
    monkeypatch.setattr(_pagerduty_writes, "MAX_WRITTEN", 1)
    identity = incident_id(client)
    assert put(client, identity, status="acknowledged").status_code == 200
    assert put(client, identity, urgency="low").status_code == 429


def test_a_silence_holds_for_as_long_as_it_says(shop, shop_clock):
    client = testclient.TestClient(faces.serve_app(shop, shop_clock))
    end = _clock.to_iso(sample.NOW_S + 600)
    matcher = {"name": "alertname", "value": "High.*", "isRegex": True}
    body = {"matchers": [matcher], "startsAt": _clock.to_iso(sample.NOW_S - 60), "endsAt": end}
    made = client.post("/alertmanager/api/v2/silences", json={**body, "createdBy": "ana", "comment": "known"}).json()
    (alert,) = client.get("/alertmanager/api/v2/alerts").json()
    assert alert["status"] == {
        "inhibitedBy": [],
        "mutedBy": [],
        "silencedBy": [made["silenceID"]],
        "state": "suppressed",
    }
    assert client.get("/alertmanager/api/v2/alerts?silenced=false").json() == []
    assert client.get("/alertmanager/api/v2/silences?filter=alertname=High.*").json()[0]["comment"] == "known"
    shop_clock.advance(700)
    assert "silencedBy" in client.get("/alertmanager/api/v2/alerts").text
    one = client.get(f"/alertmanager/api/v2/silence/{made['silenceID']}").json()
    assert one["status"]["state"] == "expired"
    assert all(not one["status"]["silencedBy"] for one in client.get("/alertmanager/api/v2/alerts").json())


def test_silences_end_when_they_are_deleted_and_are_checked(client):
    good = {
        "matchers": [{"name": "alertname", "value": "HighErrors", "isRegex": False, "isEqual": True}],
        "startsAt": _clock.to_iso(sample.NOW_S),
        "endsAt": _clock.to_iso(sample.NOW_S + 60),
        "createdBy": "x",
        "comment": "y",
    }
    url = "/alertmanager/api/v2/silences"
    identity = client.post(url, json=good).json()["silenceID"]
    assert client.post(url, json={**good, "id": identity, "endsAt": _clock.to_iso(sample.NOW_S + 90)}).json() == {
        "silenceID": identity
    }
    assert client.delete(f"/alertmanager/api/v2/silence/{identity}").status_code == 200
    assert client.get("/alertmanager/api/v2/alerts").json()[0]["status"]["state"] == "active"
    again = client.delete(
        f"/alertmanager/api/v2/silence/{identity}"
    )  # the real one's handler makes any such failure a 500
    assert (again.status_code, again.json()) == (500, f"silence {identity} already expired")
    for change in (
        {"matchers": []},
        {"matchers": [{"name": "a", "value": ".*", "isRegex": True}]},
        {"matchers": [{"name": "a", "value": "(", "isRegex": True}]},
        {"endsAt": _clock.to_iso(sample.NOW_S - 60)},
        {"endsAt": "soon"},
    ):
        assert client.post(url, json={**good, **change}).status_code == 400, change
    assert client.post(url, json={**good, "id": "other"}).status_code == 404


def test_github_comments_on_pulls_and_commits(client):
    base = "/github/repos/acme/shop"
    made = client.post(f"{base}/issues/41/comments", json={"body": "this shrank the pool"})
    assert made.status_code == 201
    assert client.get(f"{base}/issues/41/comments").json() == [made.json()]
    assert client.get(f"{base}/pulls/41").json()["comments"] == 1
    changed = client.patch(f"{base}/issues/comments/{made.json()['id']}", json={"body": "from 50 to 10"})
    assert changed.json()["body"] == "from 50 to 10"
    assert client.post(f"{base}/commits/{'b' * 40}/comments", json={"body": "here"}).json()["commit_id"] == "b" * 40
    assert client.delete(f"{base}/issues/comments/{made.json()['id']}").status_code == 204
    assert client.get(f"{base}/issues/41/comments").json() == []
    assert client.post(f"{base}/issues/41/comments", json={"body": ""}).status_code == 422
    assert client.post(f"{base}/issues/999/comments", json={"body": "x"}).status_code == 404
    assert client.put(f"{base}/pulls/42/merge", json={}).status_code == 403
    assert client.post(f"{base}/git/refs", json={}).json()["message"] == "Resource not accessible by integration"


def test_github_comments_are_bounded(client, monkeypatch):
    monkeypatch.setattr(_github_comments, "MAX_COMMENTS", 1)
    base = "/github/repos/acme/shop/issues/41/comments"
    assert [client.post(base, json={"body": "x"}).status_code for _ in range(2)] == [201, 403]


READS = [
    "/prometheus/api/v1/query?query=up",
    "/prometheus/api/v1/rules",
    "/prometheus/api/v1/targets",
    "/loki/loki/api/v1/labels",
    "/loki/loki/api/v1/index/stats?query={app=%22checkout%22}",
    "/kubernetes/api",
    "/kubernetes/apis",
    "/kubernetes/api/v1/namespaces",
    "/kubernetes/api/v1/events",
    "/jaeger/api/services",
    "/jaeger/api/traces?service=frontend",
    "/tempo/api/search",
    "/tempo/api/search/tags",
    "/alertmanager/api/v2/alerts",
    "/alertmanager/api/v2/alerts/groups",
    "/alertmanager/api/v2/silences",
    "/github/repos/acme/shop/commits",
    "/github/repos/acme/shop/pulls/41",
    "/slack/api/conversations.list",
    "/slack/api/users.list",
    "/slack/api/search.messages?query=checkout",
    "/pagerduty/incidents?date_range=all",
    "/pagerduty/log_entries",
    "/pagerduty/oncalls",
    "/pagerduty/users",
    "/grafana/api/search",
    "/grafana/api/annotations",
    "/grafana/api/datasources",
    "/grafana/api/prometheus/grafana/api/v1/rules",
]


def digest(telemetry):
    return hashlib.sha256(pickle.dumps(telemetry)).hexdigest()


@given(order=st.lists(st.sampled_from(READS), min_size=2, max_size=12))
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_read_changes_nothing(order):
    telemetry = sample.telemetry_of_shop()
    before = digest(telemetry)
    client = testclient.TestClient(
        faces.serve_app(telemetry, _clock.VirtualClock(sample.NOW_S)), headers={"Authorization": "Bearer t"}
    )
    first = {path: client.get(path).content for path in order}
    for path in order:
        client.head(path)
        assert client.get(path).content == first[path], path
    assert digest(telemetry) == before


def test_writes_leave_the_telemetry_as_it_was(shop, shop_clock):
    telemetry = sample.telemetry_of_shop()
    before = digest(telemetry)
    client = testclient.TestClient(faces.serve_app(telemetry, shop_clock), headers=HEADERS)
    slack(client, "chat.postMessage", channel="incidents", text="x")
    put(client, incident_id(client), status="resolved")
    client.post("/github/repos/acme/shop/issues/41/comments", json={"body": "x"})
    assert digest(telemetry) == before


@pytest.mark.parametrize("text", ["half \ud83d", "\udc00", "\x00"])
def test_half_a_character_is_written_and_read_back_as_go_would(client, text):
    def send(method, path, body):
        return client.request(method, path, content=json.dumps(body), headers={"content-type": "application/json"})

    shown = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    posted = send("POST", "/slack/api/chat.postMessage", {"channel": "incidents", "text": text}).json()
    assert posted["message"]["text"] == shown
    assert client.get(f"/slack/api/conversations.history?channel={posted['channel']}").status_code == 200
    identity = incident_id(client)
    assert (
        send("POST", f"/pagerduty/incidents/{identity}/notes", {"note": {"content": text}}).json()["note"]["content"]
        == shown
    )
    assert send("POST", "/github/repos/acme/shop/issues/41/comments", {"body": text}).json()["body"] == shown
    review = {"spec": {"resourceAttributes": {"verb": text}}}
    assert send("POST", "/kubernetes/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review).status_code == 201


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_json_does_not_have_are_refused(client, number):
    body = f'{{"note": {{"content": "x", "n": {number}}}}}'
    reply = client.post(
        f"/pagerduty/incidents/{incident_id(client)}/notes", content=body, headers={"content-type": "application/json"}
    )
    assert reply.status_code == 400
