"""Slack's Web API over what people wrote: conversations, replies and users, as docs.slack.dev describes the methods."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _ids

_WORKSPACE = "acme"  # never the telemetry's own name, which may tell what is wrong
_CURSOR = re.compile(r"(?:next|offset):(\d+)")
_STAMP = re.compile(r"\d{1,12}(?:\.\d{1,6})?")


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
    return _http.answer({"ok": False, "error": error.reason or "invalid_arguments"}, status)


class _Message:
    """One message with its stamp; stamps are unique in a channel, as they are Slack's message ids."""

    __slots__ = ("micros", "parent", "record", "replies")

    def __init__(self, record: records.ChatMessage, micros: int, parent: "_Message | None") -> None:
        self.record = record
        self.micros = micros
        self.parent = parent
        self.replies: list[_Message] = []

    @property
    def author(self) -> str:
        return _ids.opaque("B" if self.record.bot else "U", self.record.user)


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._clock = clock
        self._team = _ids.opaque("T", _WORKSPACE)
        self._start_s = telemetry.start_s
        self._channels: dict[str, list[_Message]] = {}
        self._names: dict[str, str] = {}
        self._people: dict[str, tuple[str, float]] = {}
        for record in sorted(telemetry.messages, key=lambda one: one.time_s):
            channel = _ids.opaque("C", record.channel)
            self._names[channel] = record.channel
            self._add(self._channels.setdefault(channel, []), record)
            if not record.bot:
                self._people.setdefault(_ids.opaque("U", record.user), (record.user, record.time_s))
        self._methods: dict[str, Callable[[_http.Call], dict[str, Any]]] = {
            "api.test": lambda _call: {},
            "auth.test": self._auth_test,
            "team.info": lambda _call: {"team": {"id": self._team, "name": _WORKSPACE, "domain": _WORKSPACE}},
            "conversations.list": self._conversations,
            "users.conversations": self._conversations,
            "conversations.info": self._conversation_info,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "users.list": self._users,
            "users.info": self._user_info,
        }

    def _add(self, messages: list[_Message], record: records.ChatMessage) -> None:
        micros = round(record.time_s * 1e6)
        if messages and micros <= messages[-1].micros:
            micros = messages[-1].micros + 1
        parent = None
        if record.thread_s is not None:
            wanted = round(record.thread_s * 1e6)
            near = (one for one in messages if one.parent is None and abs(one.micros - wanted) < 1000)
            parent = next(near, None)
        message = _Message(record, micros, parent)
        messages.append(message)
        if parent is not None:
            parent.replies.append(message)

    def call(self, call: _http.Call) -> responses.Response:
        method = self._methods.get(call.path["method"])
        if method is None:
            return _http.answer({"ok": False, "error": "unknown_method", "req_method": call.path["method"]})
        if not (call.headers.get("authorization", "").startswith("Bearer ") or call.get("token")):
            raise _http.Refused(200, "no token", reason="not_authed")
        return _http.answer({"ok": True, **method(call)})

    def _visible(self, call: _http.Call) -> list[_Message]:
        horizon = round(self._clock.now_s() * 1e6)
        seen = [one for one in self._channels.get(call.get("channel"), []) if one.micros <= horizon]
        if not seen:
            raise _http.Refused(200, "no such channel", reason="channel_not_found")
        return seen

    def _auth_test(self, _call: _http.Call) -> dict[str, Any]:
        return {
            "url": f"https://{_WORKSPACE}.slack.com/",
            "team": _WORKSPACE,
            "user": "rootward",
            "team_id": self._team,
            "user_id": _ids.opaque("U", "rootward"),
            "bot_id": _ids.opaque("B", "rootward"),
            "is_enterprise_install": False,
        }

    def _channel(self, channel: str) -> dict[str, Any]:
        name = self._names[channel]
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
            "topic": empty,
            "purpose": empty,
            "num_members": len({one.record.user for one in self._channels[channel]}),
        }

    def _conversations(self, call: _http.Call) -> dict[str, Any]:
        horizon = round(self._clock.now_s() * 1e6)
        seen = sorted(name for name, messages in self._channels.items() if messages[0].micros <= horizon)
        kinds = call.get("types", "public_channel").split(",")
        page, cursor = _page([self._channel(name) for name in seen if "public_channel" in kinds], call, "offset")
        return {"channels": page, "response_metadata": {"next_cursor": cursor}}

    def _conversation_info(self, call: _http.Call) -> dict[str, Any]:
        self._visible(call)
        return {"channel": self._channel(call.get("channel"))}

    def _history(self, call: _http.Call) -> dict[str, Any]:
        seen = self._visible(call)
        chosen = [one for one in seen if one.parent is None and _in_window(one, call)]
        page, cursor = _page(chosen[::-1], call, "next")
        out = {"messages": [self._message(one) for one in page], "has_more": bool(cursor), "pin_count": 0}
        return {**out, "response_metadata": {"next_cursor": cursor}} if cursor else out

    def _replies(self, call: _http.Call) -> dict[str, Any]:
        seen = self._visible(call)
        stamp = _micros(call.get("ts"))
        found = next((one for one in seen if one.micros == stamp), None)
        if found is None:
            raise _http.Refused(200, "no such thread", reason="thread_not_found")
        root = found.parent or found
        horizon = seen[-1].micros
        chosen = [root, *(one for one in root.replies if one.micros <= horizon and _in_window(one, call))]
        page, cursor = _page(chosen, call, "next")
        out = {"messages": [self._message(one) for one in page], "has_more": bool(cursor)}
        return {**out, "response_metadata": {"next_cursor": cursor}} if cursor else out

    def _message(self, one: _Message) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "message", "ts": _stamp(one.micros), "text": one.record.text, "team": self._team}
        if one.record.bot:
            out |= {"subtype": "bot_message", "username": one.record.user, "bot_id": one.author}
        else:
            out["user"] = one.author
        if one.parent is not None:
            return out | {"thread_ts": _stamp(one.parent.micros), "parent_user_id": one.parent.author}
        now_s = self._clock.now_s()
        replies = [other for other in one.replies if other.record.time_s <= now_s]
        if replies:
            users = sorted({other.author for other in replies})
            out |= {"thread_ts": _stamp(one.micros), "reply_count": len(replies), "reply_users_count": len(users)}
            out |= {
                "latest_reply": _stamp(replies[-1].micros),
                "reply_users": users,
                "is_locked": False,
                "subscribed": False,
            }
        return out

    def _user(self, user: str) -> dict[str, Any]:
        name, _ = self._people[user]
        return {
            "id": user,
            "team_id": self._team,
            "name": name,
            "deleted": False,
            "real_name": name,
            "tz": "Etc/UTC",
            "profile": {"real_name": name, "display_name": name, "email": f"{name}@example.com"},
            "is_admin": False,
            "is_bot": False,
            "is_app_user": False,
        }

    def _users(self, call: _http.Call) -> dict[str, Any]:
        now_s = self._clock.now_s()
        known = sorted(user for user, (_, first_s) in self._people.items() if first_s <= now_s)
        page, cursor = _page([self._user(user) for user in known], call, "offset")
        return {"members": page, "cache_ts": int(now_s), "response_metadata": {"next_cursor": cursor}}

    def _user_info(self, call: _http.Call) -> dict[str, Any]:
        user = call.get("user")
        if user not in self._people or self._people[user][1] > self._clock.now_s():
            raise _http.Refused(200, "no such user", reason="user_not_found")
        return {"user": self._user(user)}


def _stamp(micros: int) -> str:
    return f"{micros // 10**6}.{micros % 10**6:06d}"


def _micros(text: str) -> int:
    if not _STAMP.fullmatch(text):
        raise _http.Refused(200, "not a timestamp", reason="invalid_arguments")
    whole, _, fraction = text.partition(".")
    return int(whole) * 10**6 + int(fraction.ljust(6, "0") or 0)


def _in_window(one: _Message, call: _http.Call) -> bool:
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
