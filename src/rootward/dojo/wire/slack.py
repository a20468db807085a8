"""Slack's Web API over what people wrote: conversations, replies, users and search, as docs.slack.dev describes the methods.

Messages, corrections and reactions that clients write are seen from then on (`_slack_writes`); a read changes nothing.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _ids, _organisation, _slack_search, _slack_store, _slack_writes

_CURSOR = re.compile(r"(?:next|offset):(\d{1,15})")
_STAMP = re.compile(r"\d{1,12}(?:\.\d{1,6})?", re.ASCII)


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.messages`. Methods answer under `/api/` as on slack.com and at the root."""
    face = _Face(telemetry, clock)
    both = ("GET", "POST")
    routes = [_http.route(path, face.call, refuse, both) for path in ("/api/{method}", "/{method}")]
    return _http.application(routes, refuse)


def refuse(error: _http.Refused) -> responses.Response:
    """Slack says no with status 200 and `ok` false; only outages and rate limits have another status."""
    if error.status in (404, 405):
        return _http.answer({"ok": False, "error": "unknown_method", "req_method": ""})
    status = error.status if error.status in (429, 500, 503) else 200
    headers = {"Retry-After": "30"} if status == 429 else None
    return _http.answer({"ok": False, "error": error.reason or "invalid_arguments"}, status, headers)


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._clock = clock
        self._workspace = _organisation.short_name(telemetry)
        self._domain = _organisation.domain(telemetry)
        self._team = _ids.opaque("T", self._workspace)
        self._start_s = telemetry.start_s
        self._store = _slack_store.Store(telemetry, clock)
        self._methods: dict[str, Callable[[_http.Call], dict[str, Any]]] = {
            "api.test": lambda _call: {},
            "auth.test": self._auth_test,
            "team.info": self._team_info,
            "conversations.list": self._conversations,
            "users.conversations": self._conversations,
            "conversations.info": self._conversation_info,
            "conversations.members": self._members,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "users.list": self._users,
            "users.info": self._user_info,
            "users.profile.get": lambda call: {"profile": self._user_info(call)["user"]["profile"]},
            "users.lookupByEmail": self._by_email,
            "users.getPresence": lambda call: {"presence": "active", **self._no_user(call)},
            "bots.info": self._bot_info,
            "usergroups.list": lambda _call: {"usergroups": []},
            "emoji.list": lambda _call: {"emoji": {}, "cache_ts": str(int(self._start_s))},
            "reactions.get": self._reactions,
            "chat.getPermalink": self._permalink,
            "search.messages": lambda call: _slack_search.search(self._store, call, self._match),
            "search.all": lambda call: _slack_search.search(self._store, call, self._match),
        }
        self._methods |= _slack_writes.Writes(self._store, self._message, _micros).methods

    def call(self, call: _http.Call) -> responses.Response:
        name = call.path["method"]
        method = self._methods.get(name)
        if method is None and name not in _slack_writes.FORBIDDEN:
            return _http.answer({"ok": False, "error": "unknown_method", "req_method": name})
        if not (call.headers.get("authorization", "").startswith("Bearer ") or call.get("token")):
            raise _http.Refused(200, "no token", reason="not_authed")
        if method is None:
            needed = {"needed": _slack_writes.FORBIDDEN[name], "provided": _slack_writes.SCOPES}
            return _http.answer({"ok": False, "error": "missing_scope", **needed})
        return _http.answer({"ok": True, **method(call)}, headers={"x-oauth-scopes": _slack_writes.SCOPES})

    def _auth_test(self, _call: _http.Call) -> dict[str, Any]:
        return {
            "url": f"https://{self._workspace}.slack.com/",
            "team": self._workspace,
            "user": _organisation.AGENT,
            "team_id": self._team,
            "user_id": _ids.opaque("U", _organisation.AGENT),
            "bot_id": _ids.opaque("B", _organisation.AGENT),
            "is_enterprise_install": False,
        }

    def _team_info(self, _call: _http.Call) -> dict[str, Any]:
        names = {"name": self._workspace, "domain": self._workspace, "email_domain": self._domain}
        return {"team": {"id": self._team, **names}}

    def _channel(self, channel: str) -> dict[str, Any]:
        name = self._store.names[channel]
        empty = {"value": "", "creator": "", "last_set": 0}
        return {
            "id": channel,
            "name": name,
            "name_normalized": name,
            "is_channel": True,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": False,
            "is_archived": False,
            "is_general": name == "general",
            "is_shared": False,
            "is_member": True,
            "created": int(self._start_s) - 30_000_000,
            "creator": _ids.opaque("U", "admin"),
            "context_team_id": self._team,
            "topic": empty,
            "purpose": empty,
            "previous_names": [],
            "num_members": len(self._in_channel(channel)),
        }

    def _in_channel(self, channel: str) -> list[str]:
        wrote = {one.author for one in self._store.messages(channel) if not one.bot}
        return sorted({*wrote, _ids.opaque("U", _organisation.AGENT)})

    def _conversations(self, call: _http.Call) -> dict[str, Any]:
        kinds = call.get("types", "public_channel").split(",")
        shown = self._store.channels() if "public_channel" in kinds else []
        page, cursor = _page([self._channel(name) for name in shown], call, "offset")
        return {"channels": page, "response_metadata": {"next_cursor": cursor}}

    def _conversation_info(self, call: _http.Call) -> dict[str, Any]:
        self._store.messages(call.get("channel"))
        return {"channel": self._channel(call.get("channel"))}

    def _members(self, call: _http.Call) -> dict[str, Any]:
        page, cursor = _page(self._in_channel(call.get("channel")), call, "offset")
        return {"members": page, "response_metadata": {"next_cursor": cursor}}

    def _history(self, call: _http.Call) -> dict[str, Any]:
        seen = self._store.messages(call.get("channel"))
        chosen = [one for one in seen if one.parent is None and _in_window(one, call)]
        page, cursor = _page(chosen[::-1], call, "next")
        out = {"messages": [self._message(one) for one in page], "has_more": bool(cursor), "pin_count": 0}
        return {**out, "response_metadata": {"next_cursor": cursor}} if cursor else out

    def _replies(self, call: _http.Call) -> dict[str, Any]:
        found = self._store.message(call.get("channel"), _micros(call.get("ts")), "thread_not_found")
        root = found.parent or found
        chosen = [root, *(one for one in self._store.replies(root) if _in_window(one, call))]
        page, cursor = _page(chosen, call, "next")
        out = {"messages": [self._message(one) for one in page], "has_more": bool(cursor)}
        return {**out, "response_metadata": {"next_cursor": cursor}} if cursor else out

    def _message(self, one: _slack_store.Message) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "message", "ts": _stamp(one.micros), "text": one.text, "team": self._team}
        if one.written:
            out |= {"user": one.author, "bot_id": _ids.opaque("B", one.user), "app_id": _ids.opaque("A", one.user)}
        elif one.bot:
            out |= {"subtype": "bot_message", "username": one.user, "bot_id": one.author}
        else:
            out["user"] = one.author
        if one.edited:
            out["edited"] = {"user": one.author, "ts": _stamp(one.edited)}
        if one.reactions:
            out["reactions"] = _shown_reactions(one)
        if one.parent is not None:
            return out | {"thread_ts": _stamp(one.parent.micros), "parent_user_id": one.parent.author}
        if replies := self._store.replies(one):
            users = sorted({other.author for other in replies})
            out |= {"thread_ts": _stamp(one.micros), "reply_count": len(replies), "reply_users_count": len(users)}
            latest = _stamp(replies[-1].micros)
            out |= {"latest_reply": latest, "reply_users": users, "is_locked": False, "subscribed": False}
        return out

    def _link(self, one: _slack_store.Message) -> str:
        return f"https://{self._workspace}.slack.com/archives/{one.channel}/p{one.micros:016d}"

    def _match(self, one: _slack_store.Message) -> dict[str, Any]:
        """As search shows a message."""
        channel = {"id": one.channel, "name": self._store.names[one.channel], "is_private": False, "is_channel": True}
        return {
            "iid": _ids.opaque("", one.channel, str(one.micros), length=32, alphabet="0123456789abcdef"),
            "team": self._team,
            "channel": channel,
            "type": "message",
            "user": one.author,
            "username": one.user,
            "ts": _stamp(one.micros),
            "text": one.text,
            "permalink": self._link(one),
            "no_reactions": not one.reactions,
        }

    def _found(self, call: _http.Call, field: str) -> _slack_store.Message:
        return self._store.message(call.get("channel"), _micros(call.get(field)), "message_not_found")

    def _permalink(self, call: _http.Call) -> dict[str, Any]:
        return {"channel": call.get("channel"), "permalink": self._link(self._found(call, "message_ts"))}

    def _reactions(self, call: _http.Call) -> dict[str, Any]:
        return {
            "type": "message",
            "channel": call.get("channel"),
            "message": self._message(self._found(call, "timestamp")),
        }

    def _bot_info(self, call: _http.Call) -> dict[str, Any]:
        wanted = call.get("bot")
        for channel in self._store.channels():
            for one in self._store.messages(channel):
                if one.bot and wanted in (one.author, _ids.opaque("B", one.user)):
                    return {"bot": {"id": wanted, "deleted": False, "name": one.user, "updated": int(self._start_s)}}
        raise _http.Refused(200, "no such bot", reason="bot_not_found")

    def _user(self, user: str) -> dict[str, Any]:
        name, _ = self._store.people[user]
        return {
            "id": user,
            "team_id": self._team,
            "name": name,
            "deleted": False,
            "real_name": name,
            "tz": "Etc/UTC",
            "tz_offset": 0,
            "profile": {"real_name": name, "display_name": name, "email": f"{name}@{self._domain}"},
            "is_admin": False,
            "is_bot": False,
            "is_app_user": False,
        }

    def _known_users(self) -> list[str]:
        now_s = self._clock.now_s()
        return sorted(user for user, (_, first_s) in self._store.people.items() if first_s <= now_s)

    def _users(self, call: _http.Call) -> dict[str, Any]:
        page, cursor = _page([self._user(user) for user in self._known_users()], call, "offset")
        shown = {"members": page, "cache_ts": int(self._clock.now_s())}
        return {**shown, "response_metadata": {"next_cursor": cursor}}

    def _user_info(self, call: _http.Call) -> dict[str, Any]:
        self._no_user(call)
        return {"user": self._user(call.get("user"))}

    def _no_user(self, call: _http.Call) -> dict[str, Any]:
        """Nothing where the user is there; raises Refused."""
        if call.get("user") not in self._known_users():
            raise _http.Refused(200, "no such user", reason="user_not_found")
        return {}

    def _by_email(self, call: _http.Call) -> dict[str, Any]:
        for user in self._known_users():
            if (shown := self._user(user))["profile"]["email"] == call.get("email").lower():
                return {"user": shown}
        raise _http.Refused(200, "no such user", reason="users_not_found")


def _shown_reactions(one: _slack_store.Message) -> list[dict[str, Any]]:
    return [{"name": name, "users": list(users), "count": len(users)} for name, users in one.reactions.items()]


def _stamp(micros: int) -> str:
    return f"{micros // 10**6}.{micros % 10**6:06d}"


def _micros(text: str) -> int:
    if not _STAMP.fullmatch(text):
        raise _http.Refused(200, "not a timestamp", reason="invalid_arguments")
    whole, _, fraction = text.partition(".")
    return int(whole) * 10**6 + int(fraction.ljust(6, "0") or 0)


def _in_window(one: _slack_store.Message, call: _http.Call) -> bool:
    inclusive = _http.boolean(call, "inclusive", default=False)
    oldest, latest = call.get("oldest"), call.get("latest")
    after = not oldest or one.micros > _micros(oldest) - inclusive
    return after and (not latest or one.micros < _micros(latest) + inclusive)


def _page(items: list[Any], call: _http.Call, word: str) -> tuple[list[Any], str]:
    """A page and the cursor to the next ("" at the end)."""
    limit = min(_limit(call), 1000)
    start = 0
    if cursor := call.get("cursor"):
        try:
            found = _CURSOR.fullmatch(base64.b64decode(cursor, validate=True).decode("ascii", "replace"))
        except binascii.Error:
            found = None
        if found is None:
            raise _http.Refused(200, "bad cursor", reason="invalid_cursor")
        start = int(found.group(1))
    following = start + limit
    more = base64.b64encode(f"{word}:{following}".encode()).decode() if following < len(items) else ""
    return items[start:following], more


def _limit(call: _http.Call) -> int:
    try:
        return _http.integer(call, "limit", 100, least=1)
    except _http.Refused as error:
        raise _http.Refused(200, error.message, reason="invalid_limit") from error
