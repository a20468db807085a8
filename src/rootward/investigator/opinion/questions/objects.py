"""Kubernetes objects as they are now."""

from rootward.investigator.opinion import digests
from rootward.investigator.opinion.questions import question


class Arguments(question.Strict):
    kind: str
    """As in manifests: Pod, Deployment, Node, NetworkPolicy, ResourceQuota …"""
    contains: str = ""
    """Only objects whose name contains this."""


async def _ask(desk: question.Desk, asked: Arguments) -> question.Asked:
    if not desk.sources.clusters:
        return question.Asked("no cluster is connected", failed=True)
    answer = await desk.sources.clusters[0].objects(asked.kind, limits=desk.chosen.limits)

    def lines(found: object) -> digests.Lines:
        assert isinstance(found, list | tuple)
        return digests.of_objects([one for one in found if asked.contains.lower() in one.name.lower()])

    return desk.keep(
        f"{asked.kind} objects{f' named like {asked.contains!r}' if asked.contains else ''}", answer, lines
    )


QUESTION = question.Question("objects", "The status of Kubernetes objects of one kind.", Arguments, _ask)
