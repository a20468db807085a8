"""Commits with their files, merged pull requests and deployments from GitHub's REST API.

Source: https://docs.github.com/en/rest (2022-11-28)
"""

import dataclasses
import functools
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from rootward import _clock, _tasks, errors
from rootward.connectors import _http, _json, _reads, _source
from rootward.connectors.github import candidates, reading
from rootward.signals import answers, protocols, records, windows

PAGE_RECORDS = 100
PAGES_MAX = 10  # of one list
REPOSITORIES_MAX = 20  # when none are named
COMMITS_READ = 30  # of all repositories, newest first, whose files are read: each is a request
DEPLOYMENTS_READ = 4  # of all repositories, newest first, whose outcome is read: each is a request
PUSHED_SLACK_S = 300.0  # by which the clocks of those who commit may run ahead of GitHub's
CONCURRENCY = 8
_HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
_NEXT = re.compile(r'<[^>]*>;\s*rel="next"')
Params = dict[str, str | int | float | bool]
T = TypeVar("T")


@dataclasses.dataclass(slots=True)
class _Reading:
    """One question's progress over all repositories."""

    budget: _http.Budget
    limits: protocols.Limits
    window: windows.Window
    closely: windows.Window
    truncated: bool = False
    warnings: dict[str, None] = dataclasses.field(default_factory=dict)

    failed: list[errors.BackendError] = dataclasses.field(default_factory=list)

    def missed(self, text: str) -> None:
        self.truncated = True
        self.warned(text)

    def warned(self, *texts: str) -> None:
        self.warnings.update(dict.fromkeys(texts))


@dataclasses.dataclass(frozen=True, slots=True)
class _Repository:
    name: str
    pushed_s: float | None = None  # None: not told

    def pushed_since(self, time_s: float) -> bool:
        """Whether it may have commits and merged pull requests of later than that."""
        return self.pushed_s is None or self.pushed_s >= time_s


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
        self,
        window: windows.Window,
        limits: protocols.Limits = protocols.DEFAULT_LIMITS,
        *,
        closely: windows.Window | None = None,
    ) -> answers.Answer[Sequence[records.Change]]:
        """See `protocols.ChangeSource.changes`: commits (a merged pull request is told with its commit) and deployments."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[records.Change]]:
            progress = _Reading(budget, limits, window, closely or window)
            repositories = await self._chosen(progress)
            deployments = await self._each(self._deployments, [one.name for one in repositories], progress)
            deployments = await self._with_outcomes(deployments, progress)
            pushed = [one.name for one in repositories if one.pushed_since(window.start_s - PUSHED_SLACK_S)]
            commits = await self._commits(pushed, deployments, progress)
            found = [*deployments, *await self._with_pulls(pushed, commits, progress)]
            if progress.failed and not found:
                raise progress.failed[0]
            inside = [one for one in found if window.contains(one.time_s)]
            inside.sort(key=lambda one: (one.time_s, one.kind, one.id))
            if len(inside) > limits.records:
                progress.missed(f"{len(inside)} changes came, the newest {limits.records} are kept")
            return answers.Part(inside[-limits.records :], progress.truncated, tuple(progress.warnings))

        shown = ", ".join(self._repositories) or "repositories of the token"
        return await self._ask(work, query=f"commits and deployments of {shown}", window=window, limits=limits)

    async def _each(
        self, read: Callable[[str, _Reading], Awaitable[list[T]]], repositories: Sequence[str], progress: _Reading
    ) -> list[T]:
        """One list of each repository; the failure of one is told, and the others still count."""

        async def one(repository: str) -> list[T]:
            try:
                return await read(repository, progress)
            except errors.BackendError as error:
                progress.failed.append(error)
                progress.missed(f"{repository}: {error}")
                return []

        found = await _tasks.run_all([functools.partial(one, name) for name in repositories], limit=CONCURRENCY)
        return [value for part in found for value in part or ()]

    async def _chosen(self, progress: _Reading) -> Sequence[_Repository]:
        if self._repositories:
            return [_Repository(name) for name in self._repositories]
        params: Params = {"sort": "pushed"}
        listed = await self._pages("/user/repos", params, progress, records_max=REPOSITORIES_MAX)
        bodies = [_json.mapping(one, "a repository") for one in listed]
        found = [
            _Repository(_json.text(one.get("full_name"), "full_name"), _json.optional_time(one.get("pushed_at")))
            for one in bodies
        ]
        if len(found) > REPOSITORIES_MAX:
            progress.missed(
                f"the token reads more than {REPOSITORIES_MAX} repositories; name those that matter in settings"
            )
        return found[:REPOSITORIES_MAX]

    async def _commits(
        self, repositories: Sequence[str], deployments: Sequence[records.Change], progress: _Reading
    ) -> list[records.Change]:
        """All commits; with their files those that may matter."""
        listed = await self._each(self._listed_commits, repositories, progress)
        wanted = candidates.wanted(listed, deployments, progress.closely)
        if len(wanted) > COMMITS_READ:
            progress.missed(f"files are read of the newest {COMMITS_READ} of {len(wanted)} commits")
        if len(wanted) < len(listed):
            left = len(listed) - len(wanted)
            progress.warned(f"files are not read of {left} commits that were made and rolled out long before")
        read = wanted[:COMMITS_READ]
        jobs = [functools.partial(self._whole_commit, listed[row], progress) for row in read]
        whole = dict(zip(read, await _tasks.run_all(jobs, limit=CONCURRENCY), strict=True))
        pairs = [(repository, whole.get(row, body)) for row, (repository, body) in enumerate(listed)]
        found, warnings = _json.read_each(pairs, self._commit, "commits")
        progress.warned(*warnings)
        return found

    def _commit(self, pair: candidates.Listed) -> records.Change:
        repository, body = pair
        return reading.commit(body, repository=repository, source=self._name)

    async def _listed_commits(self, repository: str, progress: _Reading) -> list[candidates.Listed]:
        window = progress.window
        span: Params = {"since": _clock.to_iso(window.start_s), "until": _clock.to_iso(window.end_s + 1.0)}
        path = f"/repos/{repository}/commits"
        bodies = await self._pages(path, span, progress, records_max=progress.limits.records)
        return [(repository, body) for body in bodies]

    async def _whole_commit(self, listed: candidates.Listed, progress: _Reading) -> Any:
        """The commit with its files; as the list had it, with a warning, when that cannot be had."""
        repository, body = listed
        sha = body.get("sha") if isinstance(body, dict) else None
        if not isinstance(sha, str) or not sha.isalnum():
            return body
        path = f"/repos/{repository}/commits/{sha}"
        try:
            return await self._http.get_json(path, budget=progress.budget, headers=_HEADERS)
        except errors.BackendError as error:
            progress.missed(f"the files of some commits are not known: {error}")
            return body

    async def _with_pulls(
        self, repositories: Sequence[str], commits: Sequence[records.Change], progress: _Reading
    ) -> list[records.Change]:
        """The commits with the number of the pull request that brought them; pull requests whose commit was not listed."""
        found = await self._each(self._pulls, repositories, progress)
        merged = {(one.detail["repository"], one.id): one for one in found}
        told = [_with_pull(one, merged.pop((one.detail["repository"], one.id), None)) for one in commits]
        return [*told, *merged.values()]

    async def _pulls(self, repository: str, progress: _Reading) -> list[records.Change]:
        params: Params = {"state": "closed", "sort": "updated", "direction": "desc"}
        path = f"/repos/{repository}/pulls"
        try:
            bodies = await self._pages(path, params, progress, records_max=PAGE_RECORDS)
        except errors.BackendError as error:
            progress.missed(f"{repository}: pull requests did not come: {error}")
            return []
        pull = functools.partial(reading.merged_pull, repository=repository, source=self._name)
        found, warnings = _json.read_each(bodies, pull, "pull requests")
        progress.warned(*warnings)
        return [one for one in found if one is not None and progress.window.contains(one.time_s)]

    async def _deployments(self, repository: str, progress: _Reading) -> list[records.Change]:
        path = f"/repos/{repository}/deployments"
        window = progress.window
        bodies = await self._pages(
            path, {}, progress, records_max=progress.limits.records, until=lambda body: _older(body, window.start_s)
        )
        deployment = functools.partial(reading.deployment, repository=repository, source=self._name)
        found, warnings = _json.read_each(bodies, deployment, "deployments")
        progress.warned(*warnings)
        return [one for one in found if window.contains(one.time_s)]

    async def _with_outcomes(self, deployments: Sequence[records.Change], progress: _Reading) -> list[records.Change]:
        """The newest of them with their latest state, newest first."""
        newest = sorted(deployments, key=lambda one: -one.time_s)
        jobs = [functools.partial(self._outcome, one, progress) for one in newest[:DEPLOYMENTS_READ]]
        done = await _tasks.run_all(jobs, limit=CONCURRENCY)
        return [*(one for one in done if one is not None), *newest[DEPLOYMENTS_READ:]]

    async def _outcome(self, change: records.Change, progress: _Reading) -> records.Change:
        """The deployment with its latest state (success, failure …); without one, with a warning, when it cannot be had."""
        path = f"/repos/{change.detail['repository']}/deployments/{change.id}/statuses"
        try:
            listed = await self._http.get_json(path, {"per_page": 1}, budget=progress.budget, headers=_HEADERS)
            states = [one for one in _json.items(listed, "statuses") if isinstance(one, dict)]
        except errors.BackendError as error:
            progress.warned(f"the outcome of some deployments is not known: {error}")
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
