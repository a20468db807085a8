"""MCP tools over the cluster, changes, alerts, incidents and people's messages."""

from typing import Any
from urllib.parse import quote

from rootward.dojo.wire import _mcp_asking

_TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


class Cluster:
    """Kubernetes."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    async def kubernetes_list(
        self, kind: str, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> str:
        """List objects of a kind (pods, deploy, nodes, hpa, events …) as `kubectl get` prints them; no namespace means all."""
        base = await self._path(kind, namespace)
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        data = (await self._asking.reply("kubernetes", base, selectors, headers=_TABLE)).json()
        return _printed(data, with_namespace=not namespace)

    async def kubernetes_get(self, kind: str, name: str, namespace: str = "") -> str:
        """One object in full, as YAML."""
        base = await self._path(kind, namespace)
        return _mcp_asking.as_yaml(await self._asking.json("kubernetes", f"{base}/{quote(name, safe='')}"))

    async def kubernetes_describe(self, kind: str, name: str, namespace: str = "") -> str:
        """One object in full and the events about it."""
        body = await self.kubernetes_get(kind, name, namespace)
        events = await self.kubernetes_list("events", namespace, "", f"involvedObject.name={name}")
        return _mcp_asking.cut(f"{body}\nEvents:\n{events}")

    async def kubernetes_events(self, namespace: str = "", object_name: str = "") -> str:
        """Events of the last hour, of all namespaces or one, of all objects or one."""
        return await self.kubernetes_list(
            "events", namespace, "", f"involvedObject.name={object_name}" if object_name else ""
        )

    async def kubernetes_logs(
        self,
        pod: str,
        namespace: str,
        container: str = "",
        tail_lines: int = 100,
        previous: bool = False,
        since_seconds: int = 0,
    ) -> str:
        """Log lines of a container. previous: of the instance before the last restart."""
        fields: dict[str, Any] = {"container": container, "tailLines": tail_lines, "timestamps": "true"}
        fields |= {"previous": "true" if previous else None, "sinceSeconds": since_seconds or None}
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/log"
        return _mcp_asking.cut((await self._asking.reply("kubernetes", path, fields)).text())

    async def kubernetes_kinds(self) -> str:
        """Kinds that this cluster knows."""
        return "\n".join(sorted(f"{one['name']} ({one['kind']})" for _, one in await self._resources()))

    async def _resources(self) -> list[tuple[str, dict[str, Any]]]:
        """(base path, resource) of every kind."""
        found = [("/api/v1", one) for one in (await self._asking.json("kubernetes", "/api/v1"))["resources"]]
        for group in (await self._asking.json("kubernetes", "/apis"))["groups"]:
            base = f"/apis/{group['preferredVersion']['groupVersion']}"
            found += [(base, one) for one in (await self._asking.json("kubernetes", base))["resources"]]
        return [(base, one) for base, one in found if "/" not in one["name"]]

    async def _path(self, kind: str, namespace: str) -> str:
        wanted = kind.strip().lower()
        for base, one in await self._resources():
            if wanted in (one["name"], one["singularName"], one["kind"].lower(), *one.get("shortNames", ())):
                inside = f"/namespaces/{quote(namespace, safe='')}" if namespace and one["namespaced"] else ""
                return f"{base}{inside}/{one['name']}"
        raise _mcp_asking.Refusal(f'the server doesn\'t have a resource type "{kind}"')


def _printed(data: dict[str, Any], *, with_namespace: bool) -> str:
    shown = [i for i, column in enumerate(data["columnDefinitions"]) if column["priority"] == 0]
    if not data["rows"]:
        return "No resources found"
    head = [data["columnDefinitions"][i]["name"].upper() for i in shown]
    rows = [head, *([str(row["cells"][i]) for i in shown] for row in data["rows"])]
    namespaces = [row["object"]["metadata"].get("namespace", "") for row in data["rows"]]
    if with_namespace and any(namespaces):
        rows = [[first, *row] for first, row in zip(["NAMESPACE", *namespaces], rows, strict=True)]
    return _mcp_asking.table(rows)


class Changes:
    """GitHub."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    async def repositories_list(self) -> str:
        """Repositories, by last push."""
        found = await self._asking.json("github", "/user/repos", {"sort": "pushed", "per_page": 100})
        return _mcp_asking.compact([{"name": one["full_name"], "pushed_at": one["pushed_at"]} for one in found])

    async def commits_list(self, repository: str, since: str = "-1d", until: str = "now", path: str = "") -> str:
        """Commits of a repository (owner/name), newest first, with who and when; read one with commit_get."""
        fields = {"since": self._asking.iso(since), "until": self._asking.iso(until), "path": path, "per_page": 100}
        found = await self._asking.json("github", f"/repos/{repository}/commits", fields)
        return _mcp_asking.compact([_commit(one) for one in found])

    async def commit_get(self, repository: str, sha: str) -> str:
        """One commit with the patch of each file."""
        one = await self._asking.json("github", f"/repos/{repository}/commits/{quote(sha, safe='')}")
        files = [{"path": file["filename"], "patch": file.get("patch", "")} for file in one["files"]]
        return _mcp_asking.compact({**_commit(one), "files": files})

    async def pulls_list(self, repository: str, state: str = "all") -> str:
        """Pull requests of a repository: open, closed or all."""
        fields = {"state": state, "per_page": 50, "sort": "updated", "direction": "desc"}
        found = await self._asking.json("github", f"/repos/{repository}/pulls", fields)
        kept = ("number", "title", "state", "created_at", "merged_at", "merge_commit_sha")
        return _mcp_asking.compact([{name: one[name] for name in kept} for one in found])

    async def deployments_list(self, repository: str) -> str:
        """Deployments of a repository, newest first: commit, environment, who, what for."""
        found = await self._asking.json("github", f"/repos/{repository}/deployments", {"per_page": 50})
        kept = ("id", "sha", "environment", "description", "created_at", "updated_at", "payload")
        return _mcp_asking.compact([{name: one[name] for name in kept} for one in found])


def _commit(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "sha": one["sha"],
        "author": one["commit"]["author"]["name"],
        "date": one["commit"]["author"]["date"],
        "message": one["commit"]["message"],
    }


class Alerts:
    """Alertmanager."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    async def alerts_list(self, matcher: str = "") -> str:
        """Alerts that are firing. matcher: such as severity="critical"."""
        found = await self._asking.json("alertmanager", "/api/v2/alerts", {"filter": matcher})
        kept = ("labels", "annotations", "startsAt", "status")
        return _mcp_asking.compact([{name: one[name] for name in kept} for one in found])


class Incidents:
    """PagerDuty."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    async def incidents_list(self, since: str = "-1d", until: str = "now") -> str:
        """Incidents that were opened in a window."""
        fields = {"since": self._asking.iso(since), "until": self._asking.iso(until), "limit": 100}
        found = (await self._asking.json("pagerduty", "/incidents", fields))["incidents"]
        kept = ("id", "incident_number", "title", "status", "urgency", "created_at", "resolved_at")
        return _mcp_asking.compact(
            [{**{name: one[name] for name in kept}, "service": one["service"]["summary"]} for one in found]
        )

    async def incident_get(self, incident_id: str) -> str:
        """One incident with its alerts and the notes that people left."""
        base = f"/incidents/{quote(incident_id, safe='')}"
        one = (await self._asking.json("pagerduty", base))["incident"]
        alerts = (await self._asking.json("pagerduty", f"{base}/alerts"))["alerts"]
        notes = (await self._asking.json("pagerduty", f"{base}/notes"))["notes"]
        return _mcp_asking.compact({"incident": one, "alerts": [alert["body"] for alert in alerts], "notes": notes})

    async def incident_update(self, incident_id: str, status: str) -> str:
        """Change an incident's status: acknowledged or resolved."""
        wanted = {"incident": {"type": "incident_reference", "status": status}}
        path = f"/incidents/{quote(incident_id, safe='')}"
        one = (await self._asking.reply("pagerduty", path, body=wanted, method="PUT")).json()["incident"]
        return f"{one['summary']}: {one['status']}"

    async def incident_note(self, incident_id: str, text: str) -> str:
        """Leave a note on an incident, for the people who work on it."""
        path = f"/incidents/{quote(incident_id, safe='')}/notes"
        await self._asking.reply("pagerduty", path, body={"note": {"content": text}}, method="POST")
        return "noted"

    async def changes_list(self, since: str = "-1d", until: str = "now") -> str:
        """Changes other than code: feature flags, configuration, schemas, secrets, infrastructure."""
        fields = {"since": self._asking.iso(since), "until": self._asking.iso(until), "limit": 100}
        found = (await self._asking.json("pagerduty", "/change_events", fields))["change_events"]
        kept = ("id", "timestamp", "summary", "source", "custom_details")
        return _mcp_asking.compact([{name: one.get(name) for name in kept} for one in found])


class Chat:
    """Slack."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    async def slack_channels(self) -> str:
        """Channels by name and id."""
        return _mcp_asking.compact({one["name"]: one["id"] for one in await self._channels()})

    async def slack_history(self, channel: str, oldest: str = "-6h", latest: str = "now", limit: int = 100) -> str:
        """Messages of a channel (name or id), newest first, with who wrote them."""
        fields = {
            "channel": await self._id(channel),
            "oldest": self._asking.time_s(oldest),
            "latest": None if latest.strip() in ("", "now") else self._asking.time_s(latest),
            "limit": limit,
        }
        return await self._shown("/api/conversations.history", fields)

    async def slack_thread(self, channel: str, ts: str) -> str:
        """A message and the replies to it; ts as slack_history gives it."""
        return await self._shown("/api/conversations.replies", {"channel": await self._id(channel), "ts": ts})

    async def slack_search(self, query: str) -> str:
        """Search messages: words, "phrases", in:#channel, from:@person, before: after: on: with a day (2026-05-19)."""
        found = (await self._called("/api/search.messages", {"query": query, "count": 50}))["messages"]["matches"]
        return _mcp_asking.compact(
            [
                {"channel": one["channel"]["name"], "user": one["username"], "ts": one["ts"], "text": one["text"]}
                for one in found
            ]
        )

    async def slack_post(self, channel: str, text: str, thread_ts: str = "") -> str:
        """Write to a channel (name or id), or in a thread of it; answers the message's ts."""
        body = {"channel": await self._id(channel), "text": text, **({"thread_ts": thread_ts} if thread_ts else {})}
        data = (await self._asking.reply("slack", "/api/chat.postMessage", body=body, method="POST")).json()
        if not data.get("ok"):
            raise _mcp_asking.Refusal(f"slack: {data.get('error')}")
        return str(data["ts"])

    async def _shown(self, path: str, fields: dict[str, Any]) -> str:
        data = await self._called(path, fields)
        members = (await self._called("/api/users.list", {"limit": 1000}))["members"]
        names = {one["id"]: one["name"] for one in members}
        kept = ("ts", "text", "reply_count")
        return _mcp_asking.compact(
            [
                {
                    "user": names.get(one.get("user", ""), one.get("username", "")),
                    **{name: one[name] for name in kept if name in one},
                }
                for one in data["messages"]
            ]
        )

    async def _called(self, path: str, fields: dict[str, Any]) -> Any:
        data = await self._asking.json("slack", path, fields)
        if not data.get("ok"):
            raise _mcp_asking.Refusal(f"slack: {data.get('error')}")
        return data

    async def _channels(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._called("/api/conversations.list", {"limit": 1000}))["channels"]
        return found

    async def _id(self, channel: str) -> str:
        wanted = channel.removeprefix("#")
        return next((one["id"] for one in await self._channels() if one["name"] == wanted), wanted)


class Dashboards:
    """Grafana."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    async def dashboards_search(self, query: str = "") -> str:
        """Dashboards whose title has this in it."""
        found = await self._asking.json("grafana", "/api/search", {"query": query})
        return _mcp_asking.compact([{name: one[name] for name in ("uid", "title", "tags")} for one in found])

    async def dashboard_queries(self, uid: str) -> str:
        """The panels of a dashboard and the queries behind them."""
        board = (await self._asking.json("grafana", f"/api/dashboards/uid/{quote(uid, safe='')}"))["dashboard"]
        return _mcp_asking.compact(
            [{"title": one["title"], "queries": [t["expr"] for t in one["targets"]]} for one in board["panels"]]
        )
