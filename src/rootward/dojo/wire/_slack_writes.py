"""What a client may write to Slack: messages, corrections of its own, reactions; everything else wants a scope that it lacks."""

from collections.abc import Callable, Mapping
from typing import Any

from rootward.dojo.wire import _http, _ids, _organisation, _slack_store

Method = Callable[[_http.Call], dict[str, Any]]
MAX_REACTIONS = 23  # of different kinds on one message, Slack's own limit
FORBIDDEN: Mapping[str, str] = {
    # method → the scope that the token lacks
    "conversations.create": "channels:manage",
    "conversations.archive": "channels:manage",
    "conversations.invite": "channels:manage",
    "conversations.kick": "channels:manage",
    "conversations.rename": "channels:manage",
    "conversations.setTopic": "channels:manage",
    "conversations.open": "im:write",
    "files.upload": "files:write",
    "files.getUploadURLExternal": "files:write",
    "pins.add": "pins:write",
    "reminders.add": "reminders:write",
    "usergroups.update": "usergroups:write",
    "admin.users.list": "admin.users:read",
}
SCOPES = (
    "channels:history,channels:read,chat:write,reactions:read,reactions:write,search:read,users:read,users:read.email"
)


class Writes:
    """The writing methods, by name."""

    def __init__(
        self,
        store: _slack_store.Store,
        shown: Callable[[_slack_store.Message], dict[str, Any]],
        micros: Callable[[str], int],
    ) -> None:
        self._store, self._shown, self._micros = store, shown, micros
        self.methods: dict[str, Method] = {
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._ephemeral,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "reactions.add": self._react,
            "reactions.remove": self._unreact,
            "conversations.join": self._join,
            "conversations.mark": self._join,
        }

    def _channel(self, call: _http.Call) -> str:
        wanted = call.get("channel")
        named = [channel for channel, name in self._store.names.items() if name == wanted.removeprefix("#")]
        channel = named[0] if named else wanted
        self._store.messages(channel)
        return channel

    def _text(self, call: _http.Call) -> str:
        text = call.get("text") or _of_blocks(call.get("blocks")) or _of_blocks(call.get("attachments"))
        if not text:
            raise _http.Refused(200, "nothing to say", reason="no_text")
        if len(text) > _slack_store.MAX_TEXT:
            raise _http.Refused(200, "too long", reason="msg_too_long")
        return text

    def _post(self, call: _http.Call) -> dict[str, Any]:
        channel, text = self._channel(call), self._text(call)
        parent = None
        if stamp := call.get("thread_ts"):
            found = self._store.message(channel, self._micros(stamp), "thread_not_found")
            parent = found.parent or found
        message = self._store.post(channel, text, parent)
        shown = self._shown(message)
        return {"channel": channel, "ts": shown["ts"], "message": shown}

    def _ephemeral(self, call: _http.Call) -> dict[str, Any]:
        """Seen by one person for a moment and kept nowhere."""
        self._channel(call)
        self._text(call)
        if call.get("user") not in self._store.people:
            raise _http.Refused(200, "no such user", reason="user_not_in_channel")
        self._store.count_write()
        return {"message_ts": call.get("thread_ts") or "0.000000"}

    def _own(self, call: _http.Call, verb: str) -> _slack_store.Message:
        found = self._store.message(self._channel(call), self._micros(call.get("ts")), "message_not_found")
        if not found.written:
            raise _http.Refused(200, "somebody else's", reason=f"cant_{verb}_message")
        return found

    def _update(self, call: _http.Call) -> dict[str, Any]:
        message = self._own(call, "update")
        text = self._text(call)
        self._store.count_write()
        message.text, message.edited = text, message.micros
        shown = self._shown(message)
        return {"channel": message.channel, "ts": shown["ts"], "text": text, "message": shown}

    def _delete(self, call: _http.Call) -> dict[str, Any]:
        message = self._own(call, "delete")
        self._store.count_write()
        self._store.remove(message)
        return {"channel": message.channel, "ts": call.get("ts")}

    def _reacted(self, call: _http.Call) -> tuple[_slack_store.Message, str, str]:
        name = call.get("name").strip(":")
        if not name or len(name) > 100:
            raise _http.Refused(200, "no such emoji", reason="invalid_name")
        stamp = call.get("timestamp")
        message = self._store.message(self._channel(call), self._micros(stamp), "message_not_found")
        return message, name, _ids.opaque("U", _organisation.AGENT)

    def _react(self, call: _http.Call) -> dict[str, Any]:
        message, name, user = self._reacted(call)
        if user in message.reactions.get(name, ()):
            raise _http.Refused(200, "once is enough", reason="already_reacted")
        if name not in message.reactions and len(message.reactions) >= MAX_REACTIONS:
            raise _http.Refused(200, "too many", reason="too_many_reactions")
        self._store.count_write()
        message.reactions.setdefault(name, []).append(user)
        return {}

    def _unreact(self, call: _http.Call) -> dict[str, Any]:
        message, name, user = self._reacted(call)
        if user not in message.reactions.get(name, ()):
            raise _http.Refused(200, "nothing to take back", reason="no_reaction")
        self._store.count_write()
        message.reactions[name].remove(user)
        if not message.reactions[name]:
            del message.reactions[name]
        return {}

    def _join(self, call: _http.Call) -> dict[str, Any]:
        """The agent is in every channel already."""
        channel = self._channel(call)
        return {"channel": {"id": channel, "name": self._store.names[channel]}, "warning": "already_in_channel"}


def _of_blocks(text: str) -> str:
    """The words in blocks or attachments, which is what a client without text has to say."""
    if not text:
        return ""
    try:
        data = _http.decode(text)
    except (ValueError, RecursionError) as error:
        raise _http.Refused(200, "not JSON", reason="invalid_blocks_format") from error
    words: list[str] = []
    waiting: list[Any] = [data]
    while waiting and len(words) < 1000:
        one = waiting.pop()
        if isinstance(one, dict):
            words += [value for key, value in one.items() if key in ("text", "fallback") and isinstance(value, str)]
            waiting += [value for value in reversed(one.values()) if isinstance(value, dict | list)]
        elif isinstance(one, list):
            waiting += reversed(one)
    return "\n".join(words)
