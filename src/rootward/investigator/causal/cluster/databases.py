"""What clients are told about their data stores against what the stores offer: ports, credentials, who may write."""

import collections
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import configured, state

FAMILY = "cluster.databases"
WRONG_PORT = 7.0
OTHER_PASSWORD = 6.0
ONLY_WRITES = 2.0  # no object contradicts another; a guess from what fails
QUIET = 0.6  # share of a weight that is left when the workload is well


def clues(view: state.View) -> Iterator[cases.Clue]:
    for workload in view.workloads:
        for login in configured.logins(view, workload):
            yield from _port(view, workload, login)
    yield from _passwords(view)


def _told(view: state.View, workload: state.Workload) -> tuple[str, ...]:
    return view.evidence(workload.kind, "Secret", "ConfigMap", "Service")


def _port(view: state.View, workload: state.Workload, login: configured.Login) -> Iterator[cases.Clue]:
    service = configured.service_of(view, login.host, workload.namespace)
    if service is None or login.port is None:
        return
    offered = sorted(int(one.get("port", 0)) for one in state.items(state.part(service, "spec"), "ports"))
    headless = state.part(service, "spec").get("clusterIP") == "None"
    if not offered or login.port in offered or headless:
        return
    store = any(configured.is_database(one) for one in configured.behind(view, service))
    yield cases.Clue(
        workload.entity,
        "db_port" if store else "service_address",
        WRONG_PORT * (1.0 if workload.short else QUIET),
        f"{workload.name} is told to reach {login.host} on port {login.port}; it offers {', '.join(map(str, offered))}",
        _told(view, workload),
        FAMILY,
    )


def _passwords(view: state.View) -> Iterator[cases.Clue]:
    """Workloads that log in as one user of one host, all with the same password but one."""
    groups: dict[tuple[str, str, str], list[tuple[state.Workload, str]]] = collections.defaultdict(list)
    for workload in view.workloads:
        for login in configured.logins(view, workload):
            if login.password:
                groups[(workload.namespace, login.host, login.user)].append((workload, login.password))
    for (_namespace, host, _user), members in groups.items():
        usual, count = collections.Counter(password for _workload, password in members).most_common(1)[0]
        others = [workload for workload, password in members if password != usual]
        if count < 3 or len(others) > max(1, len(members) // 10):
            continue
        for workload in others:
            yield cases.Clue(
                workload.entity,
                "db_credentials",
                OTHER_PASSWORD * (1.0 if workload.short else QUIET),
                f"{workload.name} logs in at {host} with another password than the {count} other clients of the same user",
                _told(view, workload),
                FAMILY,
            )


_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def guesses(view: state.View) -> Iterator[cases.Clue]:
    """Requests that change something fail and none that only read, and the failing services share one store that is up."""
    failing = [(alert, evidence) for alert, evidence in view.case.alerts if alert.labels.get("method")]
    services = {alert.labels.get("service", "") for alert, _evidence in failing}
    if not failing or not {alert.labels["method"].upper() for alert, _evidence in failing} <= _WRITES:
        return
    shared: collections.Counter[str] = collections.Counter()
    stores: dict[str, state.Workload] = {}
    for workload in view.workloads:
        for login in configured.logins(view, workload):
            service = configured.service_of(view, login.host, workload.namespace)
            for store in configured.behind(view, service) if service is not None else []:
                if configured.is_database(store) and not store.short:
                    stores[store.name] = store
                    shared[store.name] += 5 if workload.name in services else 1
    if not shared:
        return
    name, _count = shared.most_common(1)[0]
    yield cases.Clue(
        stores[name].entity,
        "db_read_only",
        ONLY_WRITES,
        f"only requests that write fail ({', '.join(sorted(services))}); they share {name}, which is up",
        tuple(evidence for _alert, evidence in failing[:3]),
        FAMILY,
    )
