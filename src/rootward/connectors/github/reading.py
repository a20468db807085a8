"""Turns GitHub's commits, pull requests and deployments into changes, with the service that payload or paths tell of."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rootward.connectors import _json
from rootward.signals import entities, records, redaction

_GROUPS = frozenset({"services", "service", "apps", "app", "microservices", "charts", "helm", "deploy", "deployments",
  "k8s", "kubernetes", "manifests", "src", "config", "configs", "components", "packages", "cmd", "jobs", "functions",
  "environments", "overlays", "base", "values", "flags", "migrations"})  # fmt: skip
_FILE_STEM = re.compile(
    r"(?P<stem>[a-z][a-z0-9-]*?[a-z0-9])(?:[-_.](?:deployment|values|config|service|prod|production))?\.ya?ml\Z"
)
_NOT_NAMES = frozenset({"values", "kustomization", "deployment", "service", "config", "chart", "main", "test", "tests", "docs",
  "prod", "production", "staging", "common", "shared", "lib", "libs", "internal", "pkg", "ci", "application"})  # fmt: skip
_PAYLOAD_NAMES = ("service", "application", "app", "component", "workload", "name")
_PAYLOAD_VERSIONS = ("version", "image_tag", "tag", "image", "release")


def commit(value: Any, repository: str, source: str) -> records.Change:
    """A commit, with files and patches when the answer has them (GitHub's lists do not).

    Raises:
        errors.BackendMalformed: it has no hash or date.
    """
    body = _json.mapping(value, "a commit")
    sha = _json.text(body.get("sha"), "sha")
    about = _json.mapping(body.get("commit"), "commit")
    committer, author = _json.inner(about, "committer"), _json.inner(about, "author")
    listed = body.get("files")
    listed = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    files = {
        _json.optional_text(one.get("filename")): redaction.redact(_json.optional_text(one.get("patch")))
        for one in listed
    }
    message = redaction.redact(_json.optional_text(about.get("message")))
    summary, _, rest = message.partition("\n")
    detail = {"repository": repository, **({"message": rest.strip()} if rest.strip() else {})}
    return records.Change(
        kind=records.ChangeKind.COMMIT,
        time_s=_json.time(committer.get("date") or author.get("date"), "commit.committer.date"),
        summary=summary,
        id=sha,
        entity=_entity(service_of_paths(files)),
        author=_login(body, "author") or _json.optional_text(author.get("name")),
        files=files,
        detail=detail,
        source=source,
        link=_json.optional_text(body.get("html_url")),
    )


def merged_pull(value: Any, repository: str, source: str) -> records.Change | None:
    """A merged pull request as the commit that it became; None when it was not merged.

    Raises:
        errors.BackendMalformed: it is no pull request.
    """
    body = _json.mapping(value, "a pull request")
    merged_s = _json.optional_time(body.get("merged_at"))
    if merged_s is None:
        return None
    number = _json.optional_text(body.get("number"))
    return records.Change(
        kind=records.ChangeKind.COMMIT,
        time_s=merged_s,
        summary=redaction.redact(_json.optional_text(body.get("title"))),
        id=_json.optional_text(body.get("merge_commit_sha")) or f"#{number}",
        author=_login(body, "user"),
        detail={"repository": repository, "pull": number},
        source=source,
        link=_json.optional_text(body.get("html_url")),
    )


def deployment(value: Any, repository: str, source: str) -> records.Change:
    """A deployment; service and version come from its payload, where pipelines put them.

    Raises:
        errors.BackendMalformed: it has no id or time.
    """
    body = _json.mapping(value, "a deployment")
    payload = _payload(body.get("payload"))
    sha, ref = _json.optional_text(body.get("sha")), _json.optional_text(body.get("ref"))
    environment = _json.optional_text(body.get("environment"))
    service = next((payload[key] for key in _PAYLOAD_NAMES if payload.get(key)), "")
    version = next((payload[key] for key in _PAYLOAD_VERSIONS if payload.get(key)), "") or ref
    said = redaction.redact(_json.optional_text(body.get("description")))
    detail = {"repository": repository, "environment": environment, "sha": sha, "ref": ref, **payload}
    return records.Change(
        kind=records.ChangeKind.DEPLOY,
        time_s=_json.time(body.get("created_at"), "created_at"),
        summary=said or f"deploy {service or repository} {version} to {environment}",
        id=str(int(_json.number(body.get("id"), "id"))),
        entity=_entity(service),
        author=_login(body, "creator"),
        version=version,
        detail=redaction.redact_labels({key: text for key, text in detail.items() if text}),
        source=source,
        link=_json.optional_text(body.get("url")),
    )


def service_of_paths(paths: Iterable[str]) -> str:
    """The one service that all changed paths belong to ("" when they do not agree, or do not tell).

    `services/checkout/main.go`, `charts/checkout/values.yaml`, `k8s/checkout.yaml`, `checkout/config.yaml` → checkout.
    """
    names = {name for path in paths if (name := _service_of_path(path))}
    return names.pop() if len(names) == 1 else ""


def _service_of_path(path: str) -> str:
    *folders, file = path.lower().split("/")
    if any(one.startswith(".") for one in folders):
        return ""  # .github, .circleci …: about how things are built
    named = [one for one in folders if one not in _GROUPS and one not in _NOT_NAMES]
    if named:
        return named[0]
    stem = _FILE_STEM.match(file) if folders else None
    return stem["stem"] if stem and stem["stem"] not in _NOT_NAMES else ""


def _entity(service: str) -> entities.Entity | None:
    return entities.Entity(entities.EntityKind.SERVICE, service) if service else None


def _payload(value: Any) -> dict[str, str]:
    """Some pipelines send the payload as JSON in a text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return _json.text_labels(value, "payload") if isinstance(value, dict) else {}


def _login(body: Mapping[str, Any], key: str) -> str:
    return _json.optional_text(_json.inner(body, key).get("login"))
