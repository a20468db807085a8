"""What containers say themselves when an invariant is broken where no object shows it: refused logins, ports in use, full disks.

A line counts when it is recent and its container's workload is not the very server it complains about. Lines are data.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import configured, state
from rootward.signals import entities

FAMILY = "cluster.said"
WHILE_DOWN = 6.5  # its workload is short of pods while it says so
WHILE_UP = 4.0


@dataclasses.dataclass(frozen=True, slots=True)
class Saying:
    """`about` is "self" (the speaker is at fault), "database" (the store that it uses) or "callee" (whom the line names)."""

    fault: str
    pattern: re.Pattern[str]
    about: str = "self"


SAYINGS = (
    Saying(
        "db_read_only",
        re.compile(
            r"--(?:super-)?read-only option|super[-_]read[-_]only|read-only transaction|READONLY You can't write"
            r"|database is (?:in )?read[- ]only|Can ?not execute statement in a READ ONLY|not (?:primary|master) and slaveOk",
            re.IGNORECASE,
        ),
        "database",
    ),
    Saying(
        "db_credentials",
        re.compile(
            r"Access denied for user '[^']+'@'[^']+' \(using password: (?:YES|NO)\)|password authentication failed for user"
            r"|WRONGPASS|NOAUTH Authentication required|SASL authentication failed|AuthenticationFailed|Login failed for user",
        ),
    ),
    Saying(
        "pool_exhaustion",
        re.compile(
            r"Too many connections|remaining connection slots are reserved|sorry, too many clients", re.IGNORECASE
        ),
        "database",
    ),
    Saying(
        "port_conflict",
        re.compile(
            r"[Aa]ddress already in use|EADDRINUSE|[Pp]ort \d+ (?:was|is) already in use|bind\(\) .* failed \(98"
        ),
    ),
    Saying("mesh_policy_denied", re.compile(r"RBAC: access denied"), "callee"),
    Saying(
        "disk_full",
        re.compile(
            r"^(?!.*(?:shared memory|/dev/shm)).*(?:[Nn]o space left on device|ENOSPC|[Dd]isk quota exceeded)",
            re.DOTALL,
        ),
    ),
    Saying("volume_permission", re.compile(r"[Pp]ermission denied|EACCES|[Rr]ead-only file ?system|EROFS")),
    Saying("certificate_expiry", re.compile(r"certificate has expired|certificate is not yet valid|CERT_HAS_EXPIRED")),
    Saying("memory_leak", re.compile(r"java\.lang\.OutOfMemoryError|JavaScript heap out of memory|MemoryError\b")),
)

# A line without any of these, in lower case, says none of it: the patterns cost ten times as much to try.
_HINTS = (
    "read-only", "read_only", "readonly", "read only", "slaveok", "access denied", "authentication", "noauth", "wrongpass", "login failed",
    "too many", "connection slots", "already in use", "eaddrinuse", "bind()", "no space", "enospc", "quota exceeded", "permission denied",
    "eacces", "erofs", "certificate", "cert_has_expired", "outofmemoryerror", "out of memory", "memoryerror",
)  # fmt: skip


def says(line: str) -> bool:
    """Whether the line is one of the sayings."""
    lowered = line.lower()
    return any(hint in lowered for hint in _HINTS) and any(one.pattern.search(line) for one in SAYINGS)


def clues(view: state.View) -> Iterator[cases.Clue]:
    by_name = {one.entity.name: one for one in view.workloads}
    for (speaker, fault), (saying, line, count, evidence, first_s) in _heard(view, by_name).items():
        workload = by_name[speaker]
        target = _target(view, workload, saying, line)
        if target is None:
            continue
        entity, named = target
        weight = WHILE_DOWN if workload.short or (named and count > 1) else WHILE_UP
        yield cases.Clue(
            entity,
            fault,
            weight,
            f"{speaker} says {count} times: {line.strip()[:160]}",
            (evidence,),
            FAMILY,
            onset_s=first_s,
        )
    yield from _unreachable(view, by_name)


_Heard = dict[tuple[str, str], tuple[Saying, str, int, str, float]]


def _heard(view: state.View, by_name: Mapping[str, state.Workload]) -> _Heard:
    """Per speaker and kind of fault: the newest line, how many lines, their evidence, the first one's time."""
    found: _Heard = {}
    for speaker, line, time_s, evidence in view.lines(says):
        workload = by_name.get(speaker)
        if workload is None:
            continue
        for saying in SAYINGS:
            if saying.pattern.search(line) and not _of_itself(workload, saying):
                _saying, _line, count, _evidence, first_s = found.get(
                    (speaker, saying.fault), (saying, "", 0, "", time_s)
                )
                found[(speaker, saying.fault)] = (saying, line, count + 1, evidence, min(first_s, time_s))
                break
    return found


def _of_itself(workload: state.Workload, saying: Saying) -> bool:
    """A data store that logs what its clients did wrong is not the one at fault."""
    return saying.fault in ("db_credentials", "pool_exhaustion") and configured.is_database(workload)


def _target(
    view: state.View, workload: state.Workload, saying: Saying, line: str
) -> tuple[entities.Entity, bool] | None:
    """Whom the saying accuses; whether it is named surely."""
    if saying.about == "callee":
        hosts = {one.host.partition(".")[0] for one in configured.addresses(workload)}
        named = [one for one in view.workloads if one.name in hosts and re.search(rf"\b{re.escape(one.name)}\b", line)]
        longest = max(named, key=lambda one: len(one.name), default=None)
        return (longest.entity, True) if longest is not None else None
    if saying.about == "self":
        if saying.fault == "volume_permission" and not _volumes(workload):
            return None
        return workload.entity, False
    if configured.is_database(workload):
        return workload.entity, True
    for store in stores(view, workload):
        return store.entity, True
    return None


def _volumes(workload: state.Workload) -> bool:
    """It mounts something of its own, beyond the token that every pod gets."""
    own = [one for one in state.items(workload.spec, "volumes") if "projected" not in one and "configMap" not in one]
    return bool(own)


def stores(view: state.View, workload: state.Workload) -> list[state.Workload]:
    """The data stores that a workload is configured to use, in order of their names."""
    hosts = {login.host for login in configured.logins(view, workload)}
    hosts |= {address.host for address in configured.addresses(workload)}
    found = {}
    for host in sorted(hosts):
        service = configured.service_of(view, host, workload.namespace)
        for one in configured.behind(view, service) if service is not None else []:
            if configured.is_database(one):
                found[one.name] = one
    return [found[name] for name in sorted(found)]


_LINK = re.compile(
    r"Communications link failure|Can't connect to (?:MySQL|server)|could not connect to server|ECONNREFUSED|Connection refused"
)


def _unreachable(view: state.View, by_name: Mapping[str, state.Workload]) -> Iterator[cases.Clue]:
    """A client that cannot connect to a store which is up and serves others: its own settings are off."""
    failing: dict[str, tuple[int, str]] = {}
    for speaker, _line, _time_s, evidence in view.lines(_LINK.search):
        workload = by_name.get(speaker)
        if workload is not None and workload.short and not configured.is_database(workload):
            failing[speaker] = (failing.get(speaker, (0, ""))[0] + 1, evidence)
    for name, (count, evidence) in failing.items():
        workload = by_name[name]
        used = stores(view, workload)
        if not used or any(store.short for store in used) or len(failing) > 3:
            continue
        sentence = f"{name} cannot connect to {used[0].name} ({count} lines), which is up and serves others"
        yield cases.Clue(workload.entity, "db_port", 5.0, sentence, (evidence,), FAMILY)
