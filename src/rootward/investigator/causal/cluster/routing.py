"""How callers find callees: selectors against pod labels, target ports against container ports, configured addresses against services."""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import configured, state
from rootward.signals import entities

FAMILY = "cluster.routing"
SELECTS_NOBODY = 7.0
SELECTS_OTHERS = 6.5  # its own pods and those of services that stand for themselves
WRONG_TARGET = 7.0
KEPT = 6.5  # requests are kept where nobody answers them
WRONG_ADDRESS = 6.0  # the address misses something that exists by a little, or its client says that it fails
DANGLING = 0.8  # an address of something that was never there: an optional feature, most likely
OTHER_RESOLVER = 7.0
ALIKE = 0.75  # similarity of names above which one is taken for a misspelling of the other


def clues(view: state.View) -> Iterator[cases.Clue]:
    for service in view.bodies("Service"):
        yield from _service(view, service)
    yield from _addresses(view)
    for workload in view.workloads:
        yield from _resolver(view, workload)
    for ingress in view.bodies("Ingress"):
        yield from _class(view, ingress)
        yield from _ingress(view, ingress)


def service_entity(view: state.View, name: str, namespace: str) -> entities.Entity:
    """The workload of the service's own name, as the case knows it, else the service."""
    found = next((one.entity for one in view.workloads if (one.name, one.namespace) == (name, namespace)), None)
    return found or entities.Entity(entities.EntityKind.SERVICE, name, namespace)


def _service(view: state.View, service: state.Json) -> Iterator[cases.Clue]:
    metadata, spec = state.part(service, "metadata"), state.part(service, "spec")
    name, namespace = str(metadata.get("name", "")), str(metadata.get("namespace", ""))
    selector = {str(key): str(value) for key, value in state.part(spec, "selector").items()}
    if not selector or spec.get("type") == "ExternalName":
        return
    chosen = view.selected(selector, namespace)
    if not chosen:
        yield from _selects_nobody(view, name, namespace, selector)
        return
    yield from _kept_on_node(view, name, namespace, spec, chosen)
    yield from _selects_others(view, name, namespace, selector, chosen)
    for port in state.items(spec, "ports"):
        yield from _target(view, name, namespace, port, chosen)


def _selects_nobody(view: state.View, name: str, namespace: str, selector: dict[str, str]) -> Iterator[cases.Clue]:
    wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
    meant = [one for one in view.workloads if one.namespace == namespace and one.name == name]
    partly = [
        one for one in view.workloads if one.namespace == namespace and set(selector.items()) & set(one.labels.items())
    ]
    called = any(one.host.partition(".")[0] == name for other in view.workloads for one in configured.addresses(other))
    weight = SELECTS_NOBODY if meant or partly else 3.0 if called else DANGLING
    labels = f"; pods of {meant[0].name} carry {dict(meant[0].labels)}" if meant else ""
    yield cases.Clue(
        service_entity(view, name, namespace),
        "service_selector",
        weight,
        f"service {name} selects {wanted}, which no pod carries{labels}",
        view.evidence("Service", "Pod"),
        FAMILY,
    )


def _kept_on_node(
    view: state.View, name: str, namespace: str, spec: state.Json, chosen: list[state.Workload]
) -> Iterator[cases.Clue]:
    """Traffic that must not leave its node, asked for from nodes where nobody answers."""
    if spec.get("internalTrafficPolicy") != "Local":
        return
    nodes = {pod.node for one in chosen for pod in one.pods if pod.ready}
    calling = set().union(*(view.callers.get(one.entity, set()) for one in chosen))
    stranded = sorted(
        {
            pod.name
            for one in view.workloads
            if one.entity in calling
            or any(_host(address.host, one.namespace) == name for address in configured.addresses(one))
            for pod in one.pods
            if pod.node and pod.node not in nodes
        }
    )
    if stranded:
        sentence = f"service {name} keeps traffic on the caller's node, and {len(stranded)} of its callers' pods ({', '.join(stranded[:2])}) stand where it has none"
        evidence = view.evidence("Service", "Pod")
        yield cases.Clue(
            service_entity(view, name, namespace), "traffic_policy_local", KEPT, sentence, evidence, FAMILY
        )


def _selects_others(
    view: state.View, name: str, namespace: str, selector: dict[str, str], chosen: list[state.Workload]
) -> Iterator[cases.Clue]:
    """A service named after a workload sends requests to others too, which other services select for themselves."""
    own = [one for one in chosen if one.name == name]
    services = view.names("Service", namespace)
    strangers = sorted(one.name for one in chosen if one.name in services and one.name != name)
    if own and strangers:
        wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
        sentence = f"service {name} selects {wanted}, which pods of {', '.join(strangers[:3])} carry too"
        evidence = view.evidence("Service", "Pod")
        yield cases.Clue(
            service_entity(view, name, namespace), "service_selector", SELECTS_OTHERS, sentence, evidence, FAMILY
        )


def _target(
    view: state.View, name: str, namespace: str, port: state.Json, chosen: list[state.Workload]
) -> Iterator[cases.Clue]:
    target = port.get("targetPort", port.get("port"))
    declared = [entry for one in chosen for container in one.containers for entry in state.items(container, "ports")]
    declared = [entry for entry in declared if entry.get("protocol", "TCP") == port.get("protocol", "TCP")]
    if not declared or any(target in (entry.get("containerPort"), entry.get("name")) for entry in declared):
        return
    if str(target) in {str(entry.get("containerPort")) for entry in declared}:
        return
    listens = ", ".join(sorted({str(entry.get("containerPort")) for entry in declared}))
    named = isinstance(target, str) and not target.isdigit()
    yield cases.Clue(
        service_entity(view, name, namespace),
        "service_port",
        WRONG_TARGET,
        f"service {name} sends port {port.get('port')} to {'the port named ' if named else ''}{target}; its pods listen on {listens}",
        view.evidence("Service", "Pod"),
        FAMILY,
    )


def _host(host: str, namespace: str) -> str | None:
    """The service that an in-cluster name means, or None for names that are not in this namespace."""
    parts = host.split(".")
    if len(parts) == 1 or (len(parts) >= 2 and parts[1] == namespace):
        return parts[0]
    return None


def _addresses(view: state.View) -> Iterator[cases.Clue]:
    """Configured `host:port` values against the services that exist.

    When several clients agree on a port that the service lacks, it is the service that changed, not they.
    """
    ports: dict[tuple[str, str], set[int]] = defaultdict(set)
    for service in view.bodies("Service"):
        metadata = state.part(service, "metadata")
        key = (str(metadata.get("namespace", "")), str(metadata.get("name", "")))
        ports[key] |= {int(one.get("port", 0)) for one in state.items(state.part(service, "spec"), "ports")}
    asked: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for workload in view.workloads:
        for one in configured.addresses(workload):
            asked[(workload.namespace, _host(one.host, workload.namespace) or one.host, one.port)].add(workload.name)
    for workload in view.workloads:
        for address in configured.addresses(workload):
            name = _host(address.host, workload.namespace)
            if name is None or re.fullmatch(r"[\d.]+|localhost", name) or not ports:
                continue
            known = ports.get((workload.namespace, name))
            if known is None:
                yield from _unknown_host(view, workload, address, ports)
            elif address.port not in known:
                clients = asked[(workload.namespace, name, address.port)]
                yield _wrong_port(view, workload, address, sorted(known), clients)


def _unknown_host(
    view: state.View,
    workload: state.Workload,
    address: configured.Address,
    ports: dict[tuple[str, str], set[int]],
) -> Iterator[cases.Clue]:
    host = _host(address.host, workload.namespace) or address.host
    number, variable = address.port, address.variable
    existing = sorted(name for namespace, name in ports if namespace == workload.namespace)
    near = [
        name
        for name in existing
        if difflib.SequenceMatcher(None, host, name).ratio() >= ALIKE and number in ports[(workload.namespace, name)]
    ] or [name for name in existing if host.startswith(name) or name.startswith(host)]
    unused = [name for name in near if name not in {one.host for one in configured.addresses(workload)}]
    complained = _complains(view, workload, host)
    evidence = (*view.evidence(workload.kind, "Service"), *complained)
    if any(one.name == host for one in view.workloads if one.namespace == workload.namespace):
        sentence = f"{workload.name} calls {host}:{number} ({variable}); its workload exists, its service does not"
        target = service_entity(view, host, workload.namespace)
        yield cases.Clue(target, "service_dns", 5.0, sentence, evidence, FAMILY)
    elif unused or complained:
        meant = f"; {unused[0]} exists" if unused else ""
        sentence = f"{workload.name} is configured to call {host}:{number} ({variable}), which does not exist{meant}"
        yield cases.Clue(workload.entity, "service_address", WRONG_ADDRESS, sentence, evidence, FAMILY)
    else:
        sentence = f"{workload.name} is configured with {host}:{number} ({variable}), which does not exist"
        yield cases.Clue(workload.entity, "service_address", DANGLING, sentence, evidence, FAMILY)


def _complains(view: state.View, workload: state.Workload, host: str) -> tuple[str, ...]:
    """Evidence of lines of the workload's own log that fail at `host`."""
    failing = re.compile(
        rf"\b{re.escape(host)}\b.*(no such host|unknown ?host|not known|timed? ?out|refused|unable ?to ?connect)"
        rf"|(no such host|unknown ?host|unable ?to ?connect|could not resolve).*\b{re.escape(host)}\b",
        re.IGNORECASE,
    )
    found = (
        evidence
        for speaker, line, _time_s, evidence in view.lines(failing.search)
        if speaker == workload.entity.name and failing.search(line)
    )
    first = next(found, None)
    return (first,) if first else ()


def _wrong_port(
    view: state.View, workload: state.Workload, address: configured.Address, known: list[int], clients: set[str]
) -> cases.Clue:
    name, number, variable = _host(address.host, workload.namespace) or address.host, address.port, address.variable
    evidence = view.evidence(workload.kind, "Service")
    offered = ", ".join(map(str, known))
    if len(clients) > 1:
        sentence = f"{len(clients)} clients call {name} on port {number}; the service offers {offered}"
        return cases.Clue(
            service_entity(view, name, workload.namespace), "service_port", WRONG_TARGET, sentence, evidence, FAMILY
        )
    sentence = f"{workload.name} calls {name}:{number} ({variable}); the service offers {offered}"
    return cases.Clue(workload.entity, "service_address", WRONG_ADDRESS + 0.5, sentence, evidence, FAMILY)


def _class(view: state.View, ingress: state.Json) -> Iterator[cases.Clue]:
    """An ingress that names a class, where other classes are known and this one is not: no controller serves it."""
    metadata, spec = state.part(ingress, "metadata"), state.part(ingress, "spec")
    name, namespace = str(metadata.get("name", "")), str(metadata.get("namespace", ""))
    asked, known = str(spec.get("ingressClassName") or ""), view.names("IngressClass", "")
    if not asked or not known or asked in known:
        return
    door = next((one.entity for one in view.workloads if one.name == name), None)
    yield cases.Clue(
        door or service_entity(view, name, namespace),
        "ingress_misroute",
        WRONG_TARGET,
        f"ingress {name} is of class {asked}, which does not exist (there is {', '.join(sorted(known))})",
        view.evidence("Ingress", "IngressClass"),
        FAMILY,
    )


def _ingress(view: state.View, ingress: state.Json) -> Iterator[cases.Clue]:
    """Backends of an ingress against the services of its namespace and the ports that these offer."""
    metadata = state.part(ingress, "metadata")
    name, namespace = str(metadata.get("name", "")), str(metadata.get("namespace", ""))
    offered = {
        str(state.part(one, "metadata").get("name", "")): {
            value
            for port in state.items(state.part(one, "spec"), "ports")
            for value in (port.get("port"), port.get("name"))
        }
        for one in view.bodies("Service")
        if state.part(one, "metadata").get("namespace") == namespace
    }
    for rule in state.items(state.part(ingress, "spec"), "rules") if offered else ():
        for path in state.items(state.part(rule, "http"), "paths"):
            service = state.part(state.part(path, "backend"), "service")
            backend, port = str(service.get("name", "")), state.part(service, "port")
            asked = port.get("number", port.get("name"))
            if backend in offered and (asked is None or asked in offered[backend]):
                continue
            gone = next(
                (one.entity for one in view.workloads if (one.name, one.namespace) == (backend, namespace)), None
            )
            if backend not in offered and gone is not None:
                sentence = f"ingress {name} sends {path.get('path', '/')} to {backend}; its workload exists, its service does not"
                evidence = view.evidence("Ingress", "Service")
                yield cases.Clue(gone, "service_dns", WRONG_TARGET, sentence, evidence, FAMILY)
                continue
            door = next((one.entity for one in view.workloads if one.name == name), None)
            lack = "does not exist" if backend not in offered else f"offers no port {asked}"
            yield cases.Clue(
                door or service_entity(view, name, namespace),
                "ingress_misroute",
                WRONG_TARGET,
                f"ingress {name} sends {path.get('path', '/')} to service {backend}, which {lack}",
                view.evidence("Ingress", "Service"),
                FAMILY,
            )
            return


def _resolver(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    """A pod that asks a name server of its own, where its siblings ask the cluster's."""
    policy = str(workload.spec.get("dnsPolicy") or "ClusterFirst")
    servers = [str(one) for one in state.part(workload.spec, "dnsConfig").get("nameservers", ()) or ()]
    if policy in ("ClusterFirst", "ClusterFirstWithHostNet") and not servers:
        return
    siblings = [
        one
        for one in view.workloads
        if one is not workload and str(one.spec.get("dnsPolicy") or "ClusterFirst") == policy
    ]
    if policy != "None" and not servers and len(siblings) >= 1:
        return
    asks = f"asks {', '.join(servers)}" if servers else f"uses dnsPolicy {policy}"
    yield cases.Clue(
        workload.entity,
        "service_dns",
        OTHER_RESOLVER if workload.short else 4.0,
        f"{workload.name} does not use the cluster's name servers: it {asks}",
        view.evidence(workload.kind),
        FAMILY,
    )
