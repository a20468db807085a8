"""Where workloads are told to call: `host:port` values and HOST/PORT pairs in environment, config maps and secrets."""

import dataclasses
import re

from rootward.investigator.causal.cluster import state

_ADDRESS = re.compile(r"^(?:[\w+]+://)?(?:[^@/\s]*@)?([a-z0-9][a-z0-9.-]*):(\d{2,5})(?:/\S*)?$", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """`variable` names the setting, for people."""

    host: str
    port: int
    variable: str


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """One HOST/PORT/USER/PASSWORD group of settings; `password` may be a fingerprint: only equality means something."""

    prefix: str
    host: str
    port: int | None
    user: str
    password: str


def addresses(workload: state.Workload) -> list[Address]:
    """Every environment value of the pod template that is a `host:port` (lists by comma too), with or without a scheme."""
    found = []
    for name, value in _environment(workload).items():
        for one in value.split(","):
            match = _ADDRESS.match(one.strip())
            if match:
                found.append(Address(match.group(1), int(match.group(2)), name))
    return found


def _environment(workload: state.Workload) -> dict[str, str]:
    return {
        str(variable.get("name", "")): str(variable["value"])
        for container in workload.containers
        for variable in state.items(container, "env")
        if variable.get("value") is not None
    }


_PART = re.compile(r"^(.*?)_?(HOST|HOSTNAME|PORT|USER|USERNAME|PASSWORD|PASSWD)$", re.IGNORECASE)


def logins(view: state.View, workload: state.Workload) -> list[Login]:
    """The groups of settings that share a prefix and name a host, from everything the pod template loads."""
    groups: dict[str, dict[str, str]] = {}
    for name, value in settings(view, workload).items():
        match = _PART.match(name)
        if match:
            part = (
                match.group(2)
                .upper()
                .replace("HOSTNAME", "HOST")
                .replace("USERNAME", "USER")
                .replace("PASSWD", "PASSWORD")
            )
            groups.setdefault(match.group(1), {})[part] = value
    return [
        Login(
            prefix,
            group["HOST"],
            int(group["PORT"]) if group.get("PORT", "").isdigit() else None,
            group.get("USER", ""),
            group.get("PASSWORD", ""),
        )
        for prefix, group in sorted(groups.items())
        if group.get("HOST")
    ]


def settings(view: state.View, workload: state.Workload) -> dict[str, str]:
    """Name → value of all environment settings, those from config maps and (as far as they may be read) secrets included."""
    found: dict[str, str] = {}
    stores = {
        "configMapRef": view.contents.get(("ConfigMap", workload.namespace), {}),
        "secretRef": view.contents.get(("Secret", workload.namespace), {}),
    }
    for container in workload.containers:
        for source in state.items(container, "envFrom"):
            for key, contents in stores.items():
                found.update(contents.get(str(state.part(source, key).get("name", "")), {}))
        for variable in state.items(container, "env"):
            origin = state.part(variable, "valueFrom")
            for key, reference in (("configMapRef", "configMapKeyRef"), ("secretRef", "secretKeyRef")):
                pointer = state.part(origin, reference)
                value = stores[key].get(str(pointer.get("name", "")), {}).get(str(pointer.get("key", "")))
                if value is not None:
                    found[str(variable.get("name", ""))] = value
    return {**found, **_environment(workload)}


def service_of(view: state.View, host: str, namespace: str) -> state.Json | None:
    """The service that a name means from inside `namespace` ("db", "db.shop", "db.shop.svc.cluster.local"), or None."""
    name, _, rest = host.partition(".")
    wanted = rest.split(".")[0] if rest else namespace
    for body in view.bodies("Service"):
        metadata = state.part(body, "metadata")
        if (metadata.get("name"), metadata.get("namespace")) == (name, wanted):
            return body
    return None


def behind(view: state.View, service: state.Json) -> list[state.Workload]:
    """The workloads that a service selects."""
    selector = {str(k): str(v) for k, v in state.part(state.part(service, "spec"), "selector").items()}
    return view.selected(selector, str(state.part(service, "metadata").get("namespace", "")))


_DATABASE = re.compile(
    r"mysql|maria|percona|postgres|pgsql|mongo|redis|valkey|cassandra|cockroach|mssql|oracle|elastic|opensearch|memcached|etcd|couch"
)


def is_database(workload: state.Workload) -> bool:
    """By its containers' images, or its own name."""
    images = [str(one.get("image", "")).lower().rpartition("/")[2] for one in workload.containers]
    return bool(_DATABASE.search(" ".join([workload.name.lower(), *images])))
