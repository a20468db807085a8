"""The official Slack client against the Slack face, reading and writing."""

import client_operations
import dojo_server
import pytest

pytestmark = pytest.mark.filterwarnings("default")  # other people's libraries warn about their own dependencies
REASON = "not installed (pip install 'rootward[real]'): the face was not tried with the official client"
slack_sdk = pytest.importorskip("slack_sdk", reason=REASON)
CLIENT = "slack_sdk WebClient"
slack = client_operations.Operations("slack")


@pytest.fixture(scope="module")
def api():
    with dojo_server.serving() as address:
        yield slack_sdk.WebClient(token="xoxb-1", base_url=f"{address}/slack/api/")


def channel_of(api, name="incidents"):
    return next(
        one["id"] for page in api.conversations_list(limit=1) for one in page["channels"] if one["name"] == name
    )


@slack.of(CLIENT, "auth_test, team_info, api_test")
def _(api):
    assert api.auth_test()["team"] == "acme"
    assert api.team_info()["team"]["domain"] == "acme"
    assert api.api_test()["ok"]


@slack.of(CLIENT, "conversations_list (pages), conversations_info, conversations_members")
def _(api):
    channel = channel_of(api)
    assert api.conversations_info(channel=channel)["channel"]["name"] == "incidents"
    assert len(api.conversations_members(channel=channel)["members"]) >= 2


@slack.of(CLIENT, "conversations_history, conversations_replies")
def _(api):
    channel = channel_of(api)
    messages = api.conversations_history(channel=channel)["messages"]
    parent = next(one for one in messages if one["text"] == "checkout looks odd")
    replies = api.conversations_replies(channel=channel, ts=parent["ts"])["messages"]
    assert [one["text"] for one in replies][:2] == ["checkout looks odd", "looking"]


@slack.of(CLIENT, "users_list, users_info, users_lookupByEmail, users_profile_get")
def _(api):
    ana = next(one for one in api.users_list()["members"] if one["name"] == "ana")
    assert api.users_info(user=ana["id"])["user"]["name"] == "ana"
    assert api.users_lookupByEmail(email=ana["profile"]["email"])["user"]["id"] == ana["id"]
    assert api.users_profile_get(user=ana["id"])["profile"]["real_name"] == "ana"


@slack.of(CLIENT, "chat_postMessage (text, thread), chat_update, chat_delete, chat_getPermalink")
def _(api):
    posted = api.chat_postMessage(channel="#incidents", text="the pool is too small")
    channel, ts = posted["channel"], posted["ts"]
    api.chat_postMessage(channel=channel, text="in a thread", thread_ts=ts)
    assert api.chat_update(channel=channel, ts=ts, text="the pool shrank")["text"] == "the pool shrank"
    assert [one["text"] for one in api.conversations_replies(channel=channel, ts=ts)["messages"]] == [
        "the pool shrank",
        "in a thread",
    ]
    assert api.chat_getPermalink(channel=channel, message_ts=ts)["permalink"].startswith(
        "https://acme.slack.com/archives/"
    )
    assert api.chat_delete(channel=channel, ts=ts)["ok"]


@slack.of(CLIENT, "chat_postMessage with blocks")
def _(api):
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Finding*: a pool"}}]
    posted = api.chat_postMessage(channel="incidents", blocks=blocks)
    assert posted["message"]["text"] == "*Finding*: a pool"


@slack.of(CLIENT, "reactions_add, reactions_get, reactions_remove")
def _(api):
    channel = channel_of(api)
    ts = api.conversations_history(channel=channel, limit=1)["messages"][0]["ts"]
    api.reactions_add(channel=channel, name="eyes", timestamp=ts)
    assert api.reactions_get(channel=channel, timestamp=ts)["message"]["reactions"][0]["count"] == 1
    assert api.reactions_remove(channel=channel, name="eyes", timestamp=ts)["ok"]


@slack.of(CLIENT, "search_messages")
def _(api):
    found = api.search_messages(query="odd in:#incidents")["messages"]
    assert [one["text"] for one in found["matches"]] == ["checkout looks odd"]


@slack.of(CLIENT, "errors: channel_not_found, missing_scope")
def _(api):
    with pytest.raises(slack_sdk.errors.SlackApiError, match="channel_not_found"):
        api.conversations_history(channel="C0")
    with pytest.raises(slack_sdk.errors.SlackApiError, match="missing_scope"):
        api.conversations_create(name="new")


def test_the_table_lists_every_operation():
    slack.check_table()


@pytest.mark.parametrize("name", list(slack.found), ids=" · ".join)
def test_operation(api, name):
    slack.found[name](api)
