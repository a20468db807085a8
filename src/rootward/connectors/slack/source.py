"""What people and bots wrote in Slack's channels, threads included, with names in place of ids.

Source: https://docs.slack.dev/reference/methods (conversations.list, .history, .replies; users.list)
"""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rootward import _tasks, errors
from rootward.connectors import _http, _json, _reads, _source
from rootward.signals import answers, protocols, records, redaction, windows

PAGE_RECORDS = 200  # what Slack recommends
PAGES_MAX = 20  # of one list
CHANNELS_MAX = 30  # when none are named
CONCURRENCY = 4  # Slack limits the number of calls per minute
THREADS_BEFORE_S = 6 * 3600.0  # threads that began up to so long before the window are followed into it
_NOT_PERMITTED = frozenset({"not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired",
  "missing_scope", "no_permission", "not_allowed_token_type", "access_denied", "ekm_access_denied", "org_login_required",
  "not_in_channel"})  # fmt: skip
_FAILED = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_SILENT = frozenset(
    {"channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "pinned_item"}
)
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|([^>]*))?>")
_LINK = re.compile(r"<((?:https?|mailto):[^|>]+)(?:\|([^>]*))?>")
_CHANNEL = re.compile(r"<#[A-Z0-9]+\|([^>]*)>")
Params = dict[str, str | int | float | bool]
Found = tuple[list[records.Message], bool, tuple[str, ...]]


class SlackSource(_source.HttpSource):
    """Fulfils `protocols.MessageSource`. `channels` are names without #; () asks those that the token's user is a member of."""

    READS = _reads.Reads(
        f"GET /api/{method}"
        for method in (
            "auth.test",
            "conversations.history",
            "conversations.list",
            "conversations.replies",
            "users.list",
        )
    )

    def __init__(self, name: str, http: _http.HttpClient, *, channels: tuple[str, ...] = ()) -> None:
        super().__init__(name, http)
        self._channels = tuple(one.removeprefix("#") for one in channels)

    async def ping(self, limits: protocols.Limits = protocols.DEFAULT_LIMITS) -> answers.Answer[str]:
        """Reachable and permitted?"""

        async def work(budget: _http.Budget) -> answers.Part[str]:
            body = await self._call("auth.test", {}, budget)
            return answers.Part(f"Slack workspace {_json.optional_text(body.get('team'))}".strip())

        return await self._ask(work, query="auth.test", limits=limits)

    async def messages(
        self, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[records.Message]]:
        """See `protocols.MessageSource.messages`."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[records.Message]]:
            channels, truncated, warnings = await self._chosen(budget)
            people, complaints = await self._people(budget)
            jobs = [functools.partial(self._channel, one, window, people, budget) for one in channels]
            parts = await _tasks.run_all(jobs, limit=CONCURRENCY)
            failed = [one for one in parts if isinstance(one, errors.BackendError)]
            good = [one for one in parts if isinstance(one, tuple)]
            if failed and not any(one[0] for one in good):
                raise failed[0]
            told = [*warnings, *complaints, *(text for one in good for text in one[2])]
            told += [f"a channel could not be read: {one}" for one in failed]
            found = sorted((message for one in good for message in one[0]), key=lambda one: (one.time_s, one.channel))
            kept = found[-limits.records :]
            partial = truncated or bool(failed) or len(kept) < len(found) or any(one[1] for one in good)
            return answers.Part(kept, partial, tuple(dict.fromkeys(told)))

        shown = ", ".join(f"#{one}" for one in self._channels) or "channels of the token"
        return await self._ask(work, query=f"conversations.history of {shown}", window=window, limits=limits)

    async def _chosen(self, budget: _http.Budget) -> tuple[list[tuple[str, str]], bool, list[str]]:
        """(id, name) of the channels to read; whether there are more; warnings."""
        warnings: list[str] = []
        try:
            bodies, truncated = await self._list("public_channel,private_channel", budget)
        except errors.NotPermitted as error:
            bodies, truncated = await self._list("public_channel", budget)
            warnings.append(f"private channels are not read: {error}")
        known = [
            (one["id"], _json.optional_text(one.get("name")), one.get("is_member") is True)
            for one in bodies
            if isinstance(one, dict) and isinstance(one.get("id"), str)
        ]
        if self._channels:
            chosen = [(identity, name) for identity, name, _ in known if name in self._channels]
            absent = sorted(set(self._channels) - {name for _, name in chosen})
            return chosen, truncated, [*warnings, *(f"there is no channel #{one} that we may see" for one in absent)]
        mine = sorted((name, identity) for identity, name, member in known if member)
        if len(mine) > CHANNELS_MAX:
            warnings.append(f"only {CHANNELS_MAX} of {len(mine)} channels are read; name those that matter in settings")
        kept = [(identity, name) for name, identity in mine[:CHANNELS_MAX]]
        return kept, truncated or len(mine) > CHANNELS_MAX, warnings

    async def _list(self, types: str, budget: _http.Budget) -> tuple[list[Any], bool]:
        params: Params = {"types": types, "exclude_archived": True}
        return await self._pages("conversations.list", "channels", params, budget)

    async def _people(self, budget: _http.Budget) -> tuple[dict[str, str], list[str]]:
        """User id → name; without them, ids stand for authors, and a warning says so."""
        try:
            bodies, _ = await self._pages("users.list", "members", {}, budget)
        except errors.BackendError as error:
            return {}, [f"names of people are not known: {error}"]
        found: dict[str, str] = {}
        for one in bodies:
            if isinstance(one, dict) and isinstance(one.get("id"), str):
                profile = _json.inner(one, "profile")
                names = (profile.get("display_name"), one.get("real_name"), one.get("name"))
                found[one["id"]] = next((name for name in names if isinstance(name, str) and name), one["id"])
        return found, []

    async def _channel(
        self, channel: tuple[str, str], window: windows.Window, people: Mapping[str, str], budget: _http.Budget
    ) -> Found | errors.BackendError:
        """The messages of one channel; the error as a value, so that other channels still count."""
        identity, name = channel
        span: Params = {"oldest": f"{window.start_s - THREADS_BEFORE_S:.6f}", "latest": f"{window.end_s:.6f}"}
        params: Params = {"channel": identity, "inclusive": True, **span}
        try:
            bodies, truncated = await self._pages("conversations.history", "messages", params, budget)
            parents = [one for one in bodies if isinstance(one, dict) and one.get("reply_count")]
            for parent in parents:
                latest = parent.get("latest_reply")
                if isinstance(latest, str) and _stamp(latest) < window.start_s:
                    continue
                asked: Params = {**params, "ts": _json.text(parent.get("ts"), "ts")}
                replies, more = await self._pages("conversations.replies", "messages", asked, budget)
                bodies += [one for one in replies if isinstance(one, dict) and one.get("ts") != parent.get("ts")]
                truncated |= more
            read = functools.partial(_message, channel=name, people=people)
            found, warnings = _json.read_each(bodies, read, "messages")
        except errors.BackendError as error:
            return error
        unique = {(one.time_s, one.author, one.text): one for one in found if one is not None}
        return [one for one in unique.values() if window.contains(one.time_s)], truncated, warnings

    async def _pages(self, method: str, key: str, params: Params, budget: _http.Budget) -> tuple[list[Any], bool]:
        """The records of a list, and whether there are more."""
        found: list[Any] = []
        cursor = ""
        for _ in range(PAGES_MAX):
            asked: Params = {**params, "limit": PAGE_RECORDS, **({"cursor": cursor} if cursor else {})}
            body = await self._call(method, asked, budget)
            if key not in body:
                raise errors.BackendMalformed(f"{method} answered without {key}")
            found += _json.items(body[key], key)
            before, cursor = cursor, _json.optional_text(_json.inner(body, "response_metadata").get("next_cursor"))
            if not cursor or cursor == before:
                return found, False
        return found, True

    async def _call(self, method: str, params: Params, budget: _http.Budget) -> Mapping[str, Any]:
        """Slack says no with status 200 and `ok` false."""
        body = _json.mapping(await self._http.get_json(f"/api/{method}", params, budget=budget), "the answer")
        if body.get("ok") is True:
            return body
        code = _json.optional_text(body.get("error"))
        message = f"{self._name}: Slack's {method} answered {code or 'neither ok nor an error'}"
        if code in _NOT_PERMITTED:
            needed = _json.optional_text(body.get("needed"))
            hint = f"; the token needs the scope {needed}" if needed else "; check the token and its scopes"
            raise errors.NotPermitted(message + hint, source=self._name)
        if code == "ratelimited":
            raise errors.BackendRateLimited(message, source=self._name)
        if not code:
            raise errors.BackendMalformed(message + "; is url Slack's API?", source=self._name)
        if code in _FAILED:
            raise errors.BackendError(message, source=self._name)
        raise errors.QueryRejected(message, source=self._name)


def _message(value: Any, channel: str, people: Mapping[str, str]) -> records.Message | None:
    """None for what nobody wrote: joining, leaving, topics."""
    body = _json.mapping(value, "a message")
    if body.get("subtype") in _SILENT:
        return None
    user = _json.optional_text(body.get("user"))
    is_bot = bool(body.get("bot_id")) or body.get("subtype") == "bot_message"
    bot_name = _json.optional_text(body.get("username")) or _json.optional_text(
        _json.inner(body, "bot_profile").get("name")
    )
    author = people.get(user) or (bot_name if is_bot else "") or user or _json.optional_text(body.get("bot_id"))
    return records.Message(
        time_s=_json.seconds(body.get("ts"), "ts"),
        channel=channel,
        author=author,
        text=redaction.redact(_plain(_text_of(body), people)),
        thread=_json.optional_text(body.get("thread_ts")),
        bot=is_bot,
        link=_json.optional_text(body.get("permalink")),
    )


def _text_of(body: Mapping[str, Any]) -> str:
    """The text; integrations often put theirs into attachments only."""
    parts = [_json.optional_text(body.get("text"))]
    attachments = body.get("attachments")
    for one in attachments if isinstance(attachments, list) else []:
        if isinstance(one, dict):
            told = [_json.optional_text(one.get(key)) for key in ("title", "text")]
            parts.append(": ".join(text for text in told if text) or _json.optional_text(one.get("fallback")))
    return "\n".join(part for part in parts if part)


def _plain(text: str, people: Mapping[str, str]) -> str:
    """Slack's mark-up as people read it: names, channels and addresses."""
    text = _MENTION.sub(lambda match: "@" + (people.get(match[1]) or match[2] or match[1]), text)
    text = _CHANNEL.sub(lambda match: f"#{match[1]}", text)
    text = _LINK.sub(lambda match: f"{match[2]} ({match[1]})" if match[2] and match[2] != match[1] else match[1], text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _stamp(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")
