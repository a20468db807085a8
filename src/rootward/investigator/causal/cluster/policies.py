"""Network policies: whom they let in, against who calls."""

import re
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import state
from rootward.signals import entities

FAMILY = "cluster.policies"
SHUT_OUT = 6.0  # a new policy names some of those who call, and not the others
NEW = 4.0  # a policy is new where callers newly cannot connect
CLOSED = 5.0
ISOLATED = 1.5  # it has been so for long, and may well be meant
CONNECT_WORDS = re.compile(
    r"connect(?:ion)? ?timed? ?out|connect timeout|ConnectTimeout|\bETIMEDOUT\b|dial tcp .{0,60}i/o timeout"
    r"|timed out\) while connecting",
    re.IGNORECASE,
)


def clues(view: state.View) -> Iterator[cases.Clue]:
    """Network policies that let nobody in, or nobody out, or not those who call."""
    callers = view.callers
    for policy in view.bodies("NetworkPolicy"):
        metadata, spec = state.part(policy, "metadata"), state.part(policy, "spec")
        chosen = view.selected(
            {str(k): str(v) for k, v in state.part(state.part(spec, "podSelector"), "matchLabels").items()},
            str(metadata.get("namespace", "")),
        )
        types = spec.get("policyTypes") or ["Ingress"]
        closed = [kind for kind in types if not state.items(spec, str(kind).lower())]
        created = state.created_s(policy)
        fresh = created is not None and created >= view.case.focus.start_s
        for workload in chosen if fresh and "Ingress" in types and not closed else []:
            yield from _not_admitted(view, policy, workload, callers.get(workload.entity, set()), created)
        for workload in chosen if closed else []:
            yield cases.Clue(
                workload.entity,
                "network_policy",
                CLOSED if fresh else ISOLATED,
                f"network policy {metadata.get('name')} lets no {' and no '.join(closed).lower()} traffic through for {workload.name}",
                view.evidence("NetworkPolicy"),
                FAMILY,
                onset_s=created if fresh else None,
            )


def _not_admitted(
    view: state.View,
    policy: state.Json,
    workload: state.Workload,
    callers: set[entities.Entity],
    created_s: float | None,
) -> Iterator[cases.Clue]:
    """Callers that a new policy does not name, while it names others; or who cannot connect since it is there, whomever it means."""
    peers = [peer for rule in state.items(state.part(policy, "spec"), "ingress") for peer in state.items(rule, "from")]
    selectors = [state.part(state.part(peer, "podSelector"), "matchLabels") for peer in peers]
    wanted = [{str(key): str(value) for key, value in labels.items()} for labels in selectors]
    calling = [one for one in view.workloads if one.entity in callers]
    shut = sorted(one.name for one in calling if wanted and not any(_carries(labels, one) for labels in wanted))
    evidence, name = view.evidence("NetworkPolicy"), state.part(policy, "metadata").get("name")
    if shut:
        sentence = f"the new network policy {name} admits callers of {workload.name}, and not {', '.join(shut[:3])}"
        yield cases.Clue(workload.entity, "network_policy", SHUT_OUT, sentence, evidence, FAMILY, onset_s=created_s)
        return
    names = {one.entity.name for one in calling}
    failing = [(speaker, key) for speaker, _line, _s, key in view.lines(CONNECT_WORDS.search) if speaker in names]
    if failing:
        sentence = (
            f"the network policy {name} of {workload.name} is new, and {failing[0][0]}, which calls it, cannot connect"
        )
        ids = tuple(dict.fromkeys((*evidence, *(key for _speaker, key in failing))))
        yield cases.Clue(workload.entity, "network_policy", NEW, sentence, ids, FAMILY, onset_s=created_s)


def _carries(labels: dict[str, str], workload: state.Workload) -> bool:
    """A peer without labels is everyone."""
    return any(state.matches(labels, own) for own in state.label_sets(workload))
