"""Commits with their files, merged pull requests and deployments from GitHub's REST API.

Source: https://docs.github.com/en/rest (2022-11-28)
"""

import dataclasses
import functools
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from rootward import _clock, _tasks, errors
from rootward.connectors import _http, _json, _reads, _source
from rootward.connectors.github import reading
from rootward.signals import answers, protocols, records, windows

PAGE_RECORDS = 100
PAGES_MAX = 10  # of one list
REPOSITORIES_MAX = 20  # when none are named
COMMITS_READ = 60  # newest first, whose files are read
DEPLOYMENTS_READ = 40  # newest first, whose outcome is read
CONCURRENCY = 8
_HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
_NEXT = re.compile(r'<[^>]*>;\s*rel="next"')
Params = dict[str, str | int | float | bool]


@dataclasses.dataclass(slots=True)
class _Reading:
    """One question's progress over all repositories."""

    budget: _http.Budget
    limits: protocols.Limits
    window: windows.Window
    truncated: bool = False
    warnings: dict[str, None] = dataclasses.field(default_factory=dict)

    def missed(self, text: str) -> None:
        self.truncated = True
        self.warnings[text] = None


class GitHubSource(_source.HttpSource):
    """Fulfils `protocols.ChangeSource`. `repositories` are "owner/name"; () asks those that the token may read, last pushed
    first."""

    READS = _reads.Reads(
        (
            "GET /user/repos",
            "GET /repos/{}/{}",
            "GET /repos/{}/{}/commits",
            "GET /repos/{}/{}/commits/{}",
            "GET /repos/{}/{}/pulls",
            "GET /repos/{}/{}/deployments",
            "GET /repos/{}/{}/deployments/{}/statuses",
        )
    )

    def __init__(self, name: str, http: _http.HttpClient, *, repositories: tuple[str, ...] = ()) -> None:
        super().__init__(name, http)
        self._repositories = repositories

    async def ping(self, limits: protocols.Limits = protocols.DEFAULT_LIMITS) -> answers.Answer[str]:
        """Reachable and permitted? Tells how many requests are left."""

        async def work(budget: _http.Budget) -> answers.Part[str]:
            path = f"/repos/{self._repositories[0]}" if self._repositories else "/user/repos"
            reply = await self._http.request("GET", path, {"per_page": 1}, budget=budget, headers=_HEADERS)
            decoded = _http.decode(reply)
            listed = [decoded] if self._repositories else _json.items(decoded, "the answer")
            for one in listed:
                _json.text(_json.mapping(one, "a repository").get("full_name"), "full_name")
            left = reply.headers.get("x-ratelimit-remaining")
            return answers.Part("GitHub REST API" + (f" ({left} requests left this hour)" if left else ""))

        return await self._ask(work, query="/user/repos", limits=limits)

    async def changes(
        self, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[records.Change]]:
        """See `protocols.ChangeSource.changes`: commits (a merged pull request is told with its commit) and deployments."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[records.Change]]:
            progress = _Reading(budget, limits, window)
            found: list[records.Change] = []
            failed: list[errors.BackendError] = []
            repositories = await self._chosen(progress)
            for repository in repositories:
                for read in (self._commits, self._deployments):
                    await self._gather(read, repository, progress, found, failed)
            if failed and not found:
                raise failed[0]
            inside = [one for one in found if window.contains(one.time_s)]
            inside.sort(key=lambda one: (one.time_s, one.kind, one.id))
            if len(inside) > limits.records:
                progress.missed(f"{len(inside)} changes came, the newest {limits.records} are kept")
            return answers.Part(inside[-limits.records :], progress.truncated, tuple(progress.warnings))

        shown = ", ".join(self._repositories) or "repositories of the token"
        return await self._ask(work, query=f"commits and deployments of {shown}", window=window, limits=limits)

    async def _gather(
        self,
        read: Callable[[str, _Reading], Awaitable[list[records.Change]]],
        repository: str,
        progress: _Reading,
        found: list[records.Change],
        failed: list[errors.BackendError],
    ) -> None:
        """One list of one repository; its failure is told, and the others still count."""
        try:
            found += await read(repository, progress)
        except errors.BackendError as error:
            failed.append(error)
            progress.missed(f"{repository}: {error}")

    async def _chosen(self, progress: _Reading) -> Sequence[str]:
        if self._repositories:
            return self._repositories
        params: Params = {"sort": "pushed"}
        listed = await self._pages("/user/repos", params, progress, records_max=REPOSITORIES_MAX)
        names = [_json.text(_json.mapping(one, "a repository").get("full_name"), "full_name") for one in listed]
        if len(names) > REPOSITORIES_MAX:
            progress.missed(
                f"the token reads more than {REPOSITORIES_MAX} repositories; name those that matter in settings"
            )
        return names[:REPOSITORIES_MAX]

    async def _commits(self, repository: str, progress: _Reading) -> list[records.Change]:
        window = progress.window
        span: Params = {"since": _clock.to_iso(window.start_s), "until": _clock.to_iso(window.end_s + 1.0)}
        path = f"/repos/{repository}/commits"
        bodies = await self._pages(path, span, progress, records_max=progress.limits.records)
        if len(bodies) > COMMITS_READ:
            progress.missed(f"{repository}: files are read of the newest {COMMITS_READ} of {len(bodies)} commits")
        jobs = [functools.partial(self._whole_commit, path, body, progress) for body in bodies[:COMMITS_READ]]
        whole = await _tasks.run_all(jobs, limit=CONCURRENCY)
        commit = functools.partial(reading.commit, repository=repository, source=self._name)
        found, warnings = _json.read_each([*whole, *bodies[COMMITS_READ:]], commit, "commits")
        progress.warnings.update(dict.fromkeys(warnings))
        return await self._with_pulls(repository, found, progress)

    async def _whole_commit(self, path: str, body: Any, progress: _Reading) -> Any:
        """The commit with its files; as the list had it, with a warning, when that cannot be had."""
        sha = body.get("sha") if isinstance(body, dict) else None
        if not isinstance(sha, str) or not sha.isalnum():
            return body
        try:
            return await self._http.get_json(f"{path}/{sha}", budget=progress.budget, headers=_HEADERS)
        except errors.BackendError as error:
            progress.missed(f"the files of some commits are not known: {error}")
            return body

    async def _with_pulls(
        self, repository: str, commits: list[records.Change], progress: _Reading
    ) -> list[records.Change]:
        """The commits with the number of the pull request that brought them; pull requests whose commit was not listed."""
        params: Params = {"state": "closed", "sort": "updated", "direction": "desc"}
        path = f"/repos/{repository}/pulls"
        try:
            bodies = await self._pages(path, params, progress, records_max=PAGE_RECORDS)
        except errors.BackendError as error:
            progress.missed(f"{repository}: pull requests did not come: {error}")
            return commits
        pull = functools.partial(reading.merged_pull, repository=repository, source=self._name)
        found, warnings = _json.read_each(bodies, pull, "pull requests")
        progress.warnings.update(dict.fromkeys(warnings))
        merged = {one.id: one for one in found if one is not None and progress.window.contains(one.time_s)}
        told = [_with_pull(one, merged.pop(one.id, None)) for one in commits]
        return [*told, *merged.values()]

    async def _deployments(self, repository: str, progress: _Reading) -> list[records.Change]:
        path = f"/repos/{repository}/deployments"
        window = progress.window
        bodies = await self._pages(
            path, {}, progress, records_max=progress.limits.records, until=lambda body: _older(body, window.start_s)
        )
        deployment = functools.partial(reading.deployment, repository=repository, source=self._name)
        found, warnings = _json.read_each(bodies, deployment, "deployments")
        progress.warnings.update(dict.fromkeys(warnings))
        inside = sorted((one for one in found if window.contains(one.time_s)), key=lambda one: -one.time_s)
        jobs = [functools.partial(self._outcome, path, one, progress) for one in inside[:DEPLOYMENTS_READ]]
        done = await _tasks.run_all(jobs, limit=CONCURRENCY)
        return [*(one for one in done if one is not None), *inside[DEPLOYMENTS_READ:]]

    async def _outcome(self, path: str, change: records.Change, progress: _Reading) -> records.Change:
        """The deployment with its latest state (success, failure …); without one, with a warning, when it cannot be had."""
        try:
            listed = await self._http.get_json(
                f"{path}/{change.id}/statuses", {"per_page": 1}, budget=progress.budget, headers=_HEADERS
            )
            states = [one for one in _json.items(listed, "statuses") if isinstance(one, dict)]
        except errors.BackendError as error:
            progress.warnings[f"the outcome of some deployments is not known: {error}"] = None
            return change
        state = _json.optional_text(states[0].get("state")) if states else ""
        return dataclasses.replace(change, detail={**change.detail, "state": state}) if state else change

    async def _pages(
        self,
        path: str,
        params: Params,
        progress: _Reading,
        *,
        records_max: int,
        until: Callable[[Any], bool] = lambda _: False,
    ) -> list[Any]:
        """The records of a list, page by page, until `until` says of a page's last record that older ones do not matter."""
        found: list[Any] = []
        for page in range(1, PAGES_MAX + 1):
            asked: Params = {**params, "per_page": PAGE_RECORDS, "page": page}
            try:
                reply = await self._http.request("GET", path, asked, budget=progress.budget, headers=_HEADERS)
                listed = _json.items(_http.decode(reply), "the answer")
            except errors.BackendError as error:
                if not found:
                    raise
                progress.missed(f"later pages of {path} did not come: {error}")
                return found
            found += listed
            if not listed or until(listed[-1]) or not _NEXT.search(reply.headers.get("link", "")):
                return found
            if len(found) >= records_max:
                break
        progress.missed(f"{path} has more than was read")
        return found


def _with_pull(change: records.Change, pull: records.Change | None) -> records.Change:
    if pull is None:
        return change
    return dataclasses.replace(change, detail={**change.detail, "pull": pull.detail["pull"], "title": pull.summary})


def _older(body: Any, time_s: float) -> bool:
    created_s = _json.optional_time(body.get("created_at")) if isinstance(body, dict) else None
    return created_s is not None and created_s < time_s
