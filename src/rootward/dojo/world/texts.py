"""What commits, configuration changes and their diffs say."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from rootward.dojo.world import blueprint as bp


@dataclasses.dataclass(frozen=True, slots=True)
class Patch:
    title: str
    files: Mapping[str, str]
    body: str = ""
    feature: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    kind: str
    summary: str
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)


MAINTENANCE = (
    Note("infrastructure", "Kubelet settings rolled out node by node", {"change": "kubelet settings"}),
    Note("infrastructure", "containerd patch release on the node group", {"change": "containerd patch"}),
    Note("infrastructure", "Log rotation of the kubelets reconfigured", {"change": "log rotation change"}),
)
"""Planned work for which nodes are drained one at a time."""
SOURCES = {
    "go": "internal/server/handler.go",
    "java": "src/main/java/app/Service.java",
    "python": "app/service.py",
    "node": "src/server.js",
    "nginx": "nginx.conf",
}

_INNOCENT = (
    ("Bump {dependency} from 1.{a}.0 to 1.{b}.0", "build", False),
    ("Add request id to access log", "source", False),
    ("Rename metrics labels in dashboard export", "docs", False),
    ("Support locale fallback for {thing}", "source", True),
    ("Tidy up {thing} validation", "source", False),
    ("Document local development of {name}", "docs", False),
    ("Show estimated delivery on {thing}", "source", True),
    ("Remove unused {thing} endpoint", "source", False),
    ("Use structured logging in {thing} handler", "source", False),
    ("Increase test coverage of {thing}", "test", False),
)
_DEPENDENCIES = {
    "go": "golang.org/x/net",
    "java": "jackson-databind",
    "python": "pydantic",
    "node": "undici",
    "nginx": "openresty",
}
_THINGS = ("address", "price", "voucher", "profile", "invoice", "wishlist", "banner", "session", "discount", "receipt")


def innocent(component: bp.Component, rng: np.random.Generator) -> Patch:
    """A release that harms nobody."""
    title, where, feature = _INNOCENT[int(rng.integers(0, len(_INNOCENT)))]
    a = int(rng.integers(2, 30))
    thing = _THINGS[int(rng.integers(0, len(_THINGS)))]
    title = title.format(
        dependency=_DEPENDENCIES.get(component.language, "base image"), a=a, b=a + 1, thing=thing, name=component.name
    )
    path = {"build": "Dockerfile", "docs": "README.md", "test": "tests/test_service.txt"}.get(where, source(component))
    return Patch(
        title, {path: hunk([f"-  {thing} = legacy({thing})"], [f"+  {thing} = normalise({thing})"])}, feature=feature
    )


def source(component: bp.Component) -> str:
    """The path of the component's main source file in its repository."""
    return SOURCES.get(component.language, "main.txt")


def hunk(removed: list[str], added: list[str], *, line: int = 42, context: str = "") -> str:
    """A unified diff of one hunk."""
    head = f"@@ -{line},{len(removed) + 2} +{line},{len(added) + 2} @@ {context}".rstrip()
    return "\n".join([head, " ", *removed, *added, " "])


def innocent_notice(component: bp.Component, rng: np.random.Generator) -> Note:
    """A change of configuration or a flag that harms nobody."""
    flag = f"{_THINGS[int(rng.integers(0, len(_THINGS)))]}-{('beta', 'v2', 'redesign')[int(rng.integers(0, 3))]}"
    choices = (
        Note("flag", f"Flag {flag} enabled for 5% of users", {"flag": flag, "from": "0%", "to": "5%"}),
        Note(
            "config", f"Log level of {component.name} set to info", {"key": "LOG_LEVEL", "from": "warn", "to": "info"}
        ),
        Note(
            "config",
            f"Dashboard for {component.name} updated",
            {"key": "grafana/dashboard", "from": "r12", "to": "r13"},
        ),
        Note(
            "infrastructure",
            "Node group labels reconciled by Terraform",
            {"plan": "0 to add, 3 to change, 0 to destroy"},
        ),
    )
    return choices[int(rng.integers(0, len(choices)))]
