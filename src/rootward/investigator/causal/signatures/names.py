"""Certificates and names: a TLS certificate that expired, names that do not resolve.

Both hit many callers at one instant without any release. The culprit is not who complains but what the complaint is about: the
server whose certificate ended, the resolver that answers with errors. Sources: RFC 5280 (notAfter), RFC 1035 (RCODE).
"""

import re

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture, shifts
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities, naming
from rootward.signals.roles import role as roles

FAMILY = "signature.names"
EXPIRED = 5.0
EXPIRED_SAID = 4.0
UNRESOLVED = 4.5
UNRESOLVED_SAID = 3.0
SPEAKERS_MIN = 2  # one client with a wrong name is that client's fault
DNS_PORT_SERVICES = ("coredns", "kube-dns", "dns", "node-local-dns")

EXPIRED_WORDS = reading.compiled(
    r"certificate has expired|certificate (?:is )?expired|CERT_HAS_EXPIRED|CertificateExpiredException|not yet valid: current time"
)
UNRESOLVED_WORDS = reading.compiled(
    r"no such host|NXDOMAIN|SERVFAIL|server misbehaving|Temporary failure in name resolution|Name or service not known"
    r"|UnknownHostException|EAI_AGAIN|getaddrinfo|lookup [\w.-]+(?: on [\d.:]+)?: .*(?:timeout|misbehaving)|could not be resolved"
)
_HOST = re.compile(
    r"(?:https?|grpcs?|dns)://(?:/)?([\w.-]+)|(?:to|from|for|dial tcp|host|peer|addr(?:ess)?)[ =:\"]+([a-z][\w-]*(?:\.[\w-]+)*)"
)


def clues(seen: picture.Picture) -> list[cases.Clue]:
    return [*_certificates(seen), *_resolvers(seen)]


def _certificates(seen: picture.Picture) -> list[cases.Clue]:
    found: list[cases.Clue] = []
    for signal in seen.case.signals:
        if signal.role is not roles.Role.TLS_EXPIRY:
            continue
        left_s = reading.latest(signal, seen.case.now_s)
        home = seen.homes.of(signal.entity)
        if left_s <= 0:
            sentence = f"the certificate of {home.name} expired {abs(left_s) / 60:.0f} minutes ago"
            onset_s = seen.case.now_s + left_s
            found.append(cases.Clue(home, "certificate_expiry", EXPIRED, sentence, (signal.evidence,), FAMILY, onset_s))
    for heard in reading.spoken(seen, EXPIRED_WORDS):
        accused = _accused(seen, heard) or heard.entity
        sentence = f"{heard.entity.name} says {heard.count} times: {reading.quoted(heard.example)}"
        found.append(
            cases.Clue(
                accused,
                "certificate_expiry",
                EXPIRED_SAID,
                sentence,
                (heard.evidence,),
                FAMILY + ".said",
                heard.first_s,
            )
        )
    return found


def _accused(seen: picture.Picture, heard: reading.Spoken) -> entities.Entity | None:
    """Whom the line is about: a host in it that is a known callee; else the only callee whose calls now fail."""
    for match in _HOST.finditer(heard.example):
        name = naming.service_of_pod((match[1] or match[2]).split(".")[0])
        known = seen.homes.by_name.get(name) or seen.homes.by_name.get(match[1] or match[2])
        if known is not None and known != heard.entity:
            return known
    failing = {
        shift.home
        for role in (roles.Role.ERROR_RATIO, roles.Role.ERROR_RATE)
        for shift in seen.by_role.get(role, ())
        if shift.observer == heard.entity and shift.z > reading.NOTABLE_Z
    }
    return next(iter(failing)) if len(failing) == 1 else None


def _resolvers(seen: picture.Picture) -> list[cases.Clue]:
    found: list[cases.Clue] = []
    erring: dict[entities.Entity, shifts.Shift] = {
        **reading.risen(seen, roles.Role.DNS_DURATION),
        **reading.risen(seen, roles.Role.DNS_ERRORS),
    }
    for home, shift in sorted(erring.items()):
        found.append(
            cases.Clue(home, "dns_failure", UNRESOLVED, shift.said, (shift.signal.evidence,), FAMILY, shift.onset_s)
        )
    heard = reading.spoken(seen, UNRESOLVED_WORDS)
    if len(heard) < SPEAKERS_MIN:
        return found
    names = ", ".join(one.entity.name for one in heard[:3])
    sentence = f"{len(heard)} services cannot resolve names ({names}): {reading.quoted(heard[0].example)}"
    evidence = tuple(dict.fromkeys(one.evidence for one in heard))
    for resolver in list(erring) or _known_resolvers(seen):
        first_s = min(one.first_s for one in heard)
        found.append(
            cases.Clue(resolver, "dns_failure", UNRESOLVED_SAID, sentence, evidence, FAMILY + ".said", first_s)
        )
    return found


def _known_resolvers(seen: picture.Picture) -> list[entities.Entity]:
    known = [seen.homes.by_name[name] for name in DNS_PORT_SERVICES if name in seen.homes.by_name]
    return known[:1] or [entities.Entity(entities.EntityKind.SERVICE, "dns")]
