"""Names: which workload a pod belongs to, which host a URL means, and which spellings are the same thing.

Kubernetes builds a pod's name from its owner's (apiserver/pkg/storage/names/generate.go: random suffixes are drawn from
`bcdfghjklmnpqrstvwxz2456789`, without vowels, so that they spell nothing), which is what lets us tell a suffix from a word.
"""

import functools
import ipaddress
import re
from collections.abc import Iterable

from rootward.signals import entities

_SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]"
# Deployment: <name>-<hash of the template, 6 to 10 characters>-<5 random>; old clusters wrote the hash in digits only.
_DEPLOYMENT_POD = re.compile(rf"(?P<owner>.+?)-(?:[0-9a-f]{{6,10}}|{_SUFFIX}{{6,10}})-[a-z0-9]{{5}}")
_CRON_JOB_POD = re.compile(r"(?P<owner>.+?)-\d{8,10}-[a-z0-9]{5}")
_RANDOM_POD = re.compile(rf"(?P<owner>.+)-(?P<suffix>{_SUFFIX}{{5}})")
_INDEXED_POD = re.compile(rf"(?P<owner>.+?)-(?:0|[1-9]\d{{0,3}})(?:-{_SUFFIX}{{5}})?")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PORT = re.compile(r":(?:\d{1,5}|[a-z][a-z0-9-]{0,14})$")
_CLUSTER_SUFFIX = re.compile(r"^(?P<name>[^.]+)\.(?P<namespace>[^.]+)\.(?:svc|pod)(?:\.[a-z0-9.-]+)?$")
_POD_OF_SERVICE = re.compile(r"^(?P<pod>[^.]+)\.(?P<name>[^.]+)\.(?P<namespace>[^.]+)\.svc(?:\.[a-z0-9.-]+)?$")
_NOT_ALNUM = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ROLE_SUFFIX = re.compile(r"(?<=[a-z0-9]{2})(?:micro)?(?:service|svc|deployment|server)$")

# Of names with one dot only: "checkout.shop" and "checkout.dev" are services with their namespaces, so words of people are not here.
PUBLIC_TOP_DOMAINS = frozenset(
    [
        "com",
        "net",
        "org",
        "io",
        "co",
        "ai",
        "eu",
        "uk",
        "de",
        "fr",
        "jp",
        "cn",
        "us",
        "biz",
        "info",
        "gov",
        "edu",
        "tv",
        "xyz",
    ]
)
_AWS_KINDS = {
    "rds": entities.EntityKind.DATABASE,
    "dynamodb": entities.EntityKind.DATABASE,
    "docdb": entities.EntityKind.DATABASE,
    "cache": entities.EntityKind.CACHE,
    "sqs": entities.EntityKind.QUEUE,
    "sns": entities.EntityKind.QUEUE,
    "kafka": entities.EntityKind.QUEUE,
    "lambda": entities.EntityKind.FUNCTION,
}


@functools.lru_cache(maxsize=65_536)
def service_of_pod(name: str) -> str:
    """The workload that a pod's name tells of: `ts-order-service-5b67c48447-mv5hb` → `ts-order-service`; plain names stay.

    Deployments, CronJobs (`-<minutes>-<random>`), DaemonSets and Jobs (`-<random>`) and StatefulSets (`-<ordinal>`).
    """
    for pattern in (_CRON_JOB_POD, _DEPLOYMENT_POD):
        match = pattern.fullmatch(name)
        if match and _looks_hashed(name[match.end("owner") + 1 :]):
            return match["owner"]
    match = _INDEXED_POD.fullmatch(name)
    if match:
        return match["owner"]
    match = _RANDOM_POD.fullmatch(name)
    # A suffix of consonants only could still be a word of an unlucky name ("my-rhythm" has no vowel but has y): ask for
    # a digit, or for something that no English word looks like.
    if match and (any(letter.isdigit() for letter in match["suffix"]) or _unpronounceable(match["suffix"])):
        return match["owner"]
    return name


def _looks_hashed(suffix: str) -> bool:
    """`5b67c48447-mv5hb` is made by a machine; `service-cache` is not: a machine's hash has a digit or no vowel."""
    head, _, tail = suffix.partition("-")
    machine_head = any(letter.isdigit() for letter in head) or not set(head) & set("aeiouy")
    machine_tail = any(letter.isdigit() for letter in tail) or not set(tail) & set("aeiouy")
    return machine_head and machine_tail


def _unpronounceable(suffix: str) -> bool:
    return not set(suffix) & set("aeiouy")


@functools.lru_cache(maxsize=65_536)
def host(text: str) -> str:
    """The host of a URL or address, without scheme, credentials, port and path: `https://u:p@shop.io:443/x` → `shop.io`."""
    bare = _SCHEME.sub("", text.strip()).split("/", 1)[0].rsplit("@", 1)[-1]
    if bare.startswith("["):
        return bare[1:].split("]", 1)[0]
    if bare.count(":") > 1:
        return bare  # a bare IPv6 address
    return _PORT.sub("", bare)


@functools.lru_cache(maxsize=65_536)
def is_address(text: str) -> bool:
    """An IP address (with or without a port): it names no service that a person would know."""
    try:
        ipaddress.ip_address(host(text))
    except ValueError:
        return host(text) in ("localhost", "")
    return True


@functools.lru_cache(maxsize=65_536)
def of_host(text: str) -> entities.Entity | None:
    """The entity that an address names, None for IP addresses.

    Cluster names give a service with its namespace (`checkout.shop.svc.cluster.local`, `checkout.shop`), names under a public
    top-level domain an external party, Amazon's managed hosts a database, cache or queue by their first label.
    """
    name = host(text).rstrip(".")
    if not name or is_address(name):
        return None
    stateful = _POD_OF_SERVICE.match(name)
    if stateful:
        return entities.Entity(entities.EntityKind.SERVICE, stateful["name"], stateful["namespace"])
    inside = _CLUSTER_SUFFIX.match(name)
    if inside:
        return entities.Entity(entities.EntityKind.SERVICE, inside["name"], inside["namespace"])
    labels = name.split(".")
    if len(labels) == 1:
        return entities.Entity(entities.EntityKind.SERVICE, name)
    if name.endswith(".amazonaws.com"):
        kind = next((_AWS_KINDS[label] for label in labels if label in _AWS_KINDS), entities.EntityKind.EXTERNAL)
        return entities.Entity(kind, name if kind is entities.EntityKind.EXTERNAL else labels[0])
    if labels[-1].lower() in PUBLIC_TOP_DOMAINS or len(labels) > 2:
        return entities.Entity(entities.EntityKind.EXTERNAL, name)
    return entities.Entity(entities.EntityKind.SERVICE, labels[0], labels[1])


@functools.lru_cache(maxsize=65_536)
def key(name: str) -> str:
    """Equal for spellings that differ in case and punctuation only: `Cart_Service` and `cartservice` → `cartservice`."""
    return _NOT_ALNUM.sub("", name.lower())


@functools.lru_cache(maxsize=65_536)
def loose_key(name: str) -> str:
    """As `key`, also without a trailing service, svc, server or deployment: `checkout` and `checkout-svc` → `checkout`."""
    return _ROLE_SUFFIX.sub("", key(name))


def same(one: str, other: str) -> bool:
    """Very likely two spellings of one name."""
    return loose_key(one) == loose_key(other)


def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, from snake, kebab, dotted and camel case: `PodCpuUsage` → pod, cpu, usage."""
    return tuple(word for word in re.split(r"[^A-Za-z0-9]+", _CAMEL.sub(" ", name).lower()) if word)


def fold(names: Iterable[str]) -> dict[str, str]:
    """Each name → the spelling to use for all its variants.

    Exact keys fold always; names that differ by a "service"-like suffix fold when only two spellings are concerned, so that
    `order`, `order-service` and `order-server` (three things, perhaps) stay apart. The longest spelling wins, then the first
    by alphabet: independent of the order of `names`.
    """
    distinct = sorted(set(names))
    by_key: dict[str, list[str]] = {}
    for name in distinct:
        by_key.setdefault(key(name) or name, []).append(name)
    by_loose: dict[str, list[str]] = {}
    for one in by_key:
        by_loose.setdefault(loose_key(one) or one, []).append(one)
    folded: dict[str, str] = {}
    for keys in by_loose.values():
        groups = [keys] if len(keys) <= 2 else [[one] for one in keys]
        for group in groups:
            spellings = [name for one in group for name in by_key[one]]
            chosen = min(spellings, key=lambda name: (-len(name), name))
            folded.update(dict.fromkeys(spellings, chosen))
    return folded
