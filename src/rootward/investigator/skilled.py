"""Skills in an investigation: what the environment runs, and what a person who knows that technology would look at next."""

import dataclasses
import fnmatch

from rootward.investigator import finding as findings
from rootward.investigator.causal import case
from rootward.memory import skills
from rootward.signals import entities

CHECKS_MAX = 4
SPANS_MAX = 5_000  # of each batch that are looked at for runtimes
RUNTIMES = ("process.runtime.name", "telemetry.sdk.language", "db.system.name", "db.system", "messaging.system")


def fingerprint(subject: case.Case) -> skills.Fingerprint:
    """From metric names, images of running pods, and what spans say of their process and their peers."""
    images = {
        str(container.get("image", ""))
        for pod in subject.objects.get("Pod", ())
        for container in pod.body.get("spec", {}).get("containers") or ()
    }
    runtimes = {
        str(attributes[name])
        for batch in subject.spans
        for attributes in batch.spans.attributes[:SPANS_MAX]
        for name in RUNTIMES
        if attributes.get(name)
    }
    return skills.Fingerprint(frozenset(one.name for one in subject.signals), frozenset(images), frozenset(runtimes))


def add(finding: findings.Finding, shelf: skills.Shelf | None, subject: case.Case) -> findings.Finding:
    """`finding` with the skills that were used, and their next checks for the leading causes first."""
    if shelf is None:
        return finding
    chosen = shelf.chosen(fingerprint(subject))
    checks = [
        text
        for cause in finding.root_causes[:2]
        for skill in chosen
        if finding.status in (findings.Status.FOUND, findings.Status.QUIET) and _runs(skill, cause.entity, subject)
        if (text := skill.check(cause.fault, cause.entity.name))
    ]
    return dataclasses.replace(
        finding,
        skills=tuple(skill.header.technology for skill in chosen),
        next_checks=tuple(dict.fromkeys([*checks, *finding.next_checks]))[:CHECKS_MAX]
        if checks
        else finding.next_checks,
    )


def _runs(skill: skills.Skill, entity: entities.Entity, subject: case.Case) -> bool:
    """Whether the entity is of the skill's technology: its own metrics say so."""
    own = {one.name for one in subject.signals if one.entity.name == entity.name and one.observer is None}
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in skill.header.when.metrics for name in own)
