"""What follows from commits and deployments in any forge: pipeline runs with their jobs, releases, files, and how they changed."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _ids

_JOBS = {"ci": ("lint", "unit", "build"), "deploy": ("deploy",)}
_SHARE = {"lint": 0.15, "unit": 0.5, "build": 0.35, "deploy": 1.0}
_LEAST_S, _SPREAD_S = 150.0, 420.0


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    name: str
    start_s: float
    end_s: float
    ok: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One run of a pipeline. `kind`: ci (for each commit) or deploy (for each deployment); `end_s` None: not told to have ended."""

    id: int
    number: int
    kind: str
    repository: str
    sha: str
    title: str
    actor: str
    start_s: float
    end_s: float | None
    ok: bool

    def done(self, now_s: float) -> bool:
        return self.end_s is not None and self.end_s <= now_s

    def jobs(self) -> list[Job]:
        """One after the other; the last one fails where the run does."""
        names = _JOBS[self.kind]
        length_s = (self.end_s if self.end_s is not None else self.start_s + _LEAST_S) - self.start_s
        out, at = [], self.start_s
        for name in names:
            end = at + length_s * _SHARE[name]
            out.append(Job(name, at, end, self.ok or name != names[-1]))
            at = end
        return out


@dataclasses.dataclass(frozen=True, slots=True)
class Release:
    tag: str
    repository: str
    sha: str
    time_s: float
    author: str


def runs(code: records.Code) -> list[Run]:
    """Every run, newest first."""
    titles = {commit.sha: commit.message.partition("\n")[0] for commit in code.commits}
    found: list[tuple[float, str, str, str, str, str, float | None, bool]] = []
    for commit in code.commits:
        length_s = _LEAST_S + _ids.number("run", commit.sha, digits=6) / 1e6 * _SPREAD_S
        title = titles[commit.sha]
        found.append(
            (
                commit.time_s + 4.0,
                "ci",
                commit.repository,
                commit.sha,
                title,
                commit.author,
                commit.time_s + 4.0 + length_s,
                True,
            )
        )
    for one in code.deployments:
        title = one.description or titles.get(one.sha, "deploy")
        ok = one.state in ("success", "inactive")
        found.append((one.time_s, "deploy", one.repository, one.sha, title, one.creator, one.finished_s, ok))
    found.sort(key=lambda one: (one[0], one[3], one[1]))
    counts: dict[tuple[str, str], int] = {}
    out = []
    for start_s, kind, repository, sha, title, actor, end_s, ok in found:
        number = counts[repository, kind] = counts.get((repository, kind), 0) + 1
        identity = 7_000_000_000 + _ids.number("run", kind, repository, sha, str(start_s), digits=9)
        out.append(Run(identity, 400 + number, kind, repository, sha, title, actor, start_s, end_s, ok))
    return out[::-1]


def releases(code: records.Code) -> list[Release]:
    """One for each version that was deployed first, newest first."""
    first: dict[tuple[str, str], Release] = {}
    for one in sorted(code.deployments, key=lambda each: each.time_s):
        version = one.payload.get("version", "")
        if version and (one.repository, version) not in first:
            made = Release(f"v{version}", one.repository, one.sha, one.time_s, one.creator)
            first[one.repository, version] = made
    return sorted(first.values(), key=lambda one: -one.time_s)


def paths(commits: Sequence[records.Commit]) -> dict[str, records.Commit]:
    """Every path that the commits (newest first) touch → the newest that did; files that were removed are left out."""
    out: dict[str, records.Commit] = {}
    for commit in commits:
        for path in commit.files:
            out.setdefault(path, commit)
    return {path: one for path, one in sorted(out.items()) if " +0,0 @@" not in one.files[path]}


def text_after(patch: str) -> str:
    """What of a file a patch shows, as it stands afterwards."""
    lines = [line for line in patch.splitlines() if not line.startswith(("@@", "---", "+++", "-", "\\"))]
    return "".join(f"{line[1:]}\n" for line in lines)


def entries(known: Mapping[str, records.Commit], folder: str, *, deep: bool = False) -> Iterator[tuple[str, str]]:
    """(path, "tree" or "blob") of what lies in a folder ("" is the root)."""
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    seen: set[str] = set()
    for path in known:
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        for i in range(1, len(parts) if deep else min(len(parts), 2)):
            tree = prefix + "/".join(parts[:i])
            if tree not in seen:
                seen.add(tree)
                yield tree, "tree"
        if deep or len(parts) == 1:
            yield path, "blob"


def between(commits: Sequence[records.Commit], base: records.Commit, head: records.Commit) -> list[records.Commit]:
    """Commits (of those newest first) after `base` up to `head`, oldest first."""
    places = {one.sha: i for i, one in enumerate(commits)}
    return list(commits[places[head.sha] : places[base.sha]])[::-1]


def changed(commits: Sequence[records.Commit]) -> dict[str, str]:
    """Path → the patches that commits made to it, in their order."""
    out: dict[str, list[str]] = {}
    for one in commits:
        for path, patch in one.files.items():
            out.setdefault(path, []).append(patch)
    return {path: "\n".join(patch for patch in patches if patch) for path, patches in sorted(out.items())}
