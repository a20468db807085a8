"""In which way a wrong answer is wrong: short labels, few enough to count, so that one can tell when a suite brings no new ones."""

from rootward.evals import reply


def label(graded: reply.Graded) -> str:
    """ "" when the answer is right. Labels name the true kind of fault and what was said of it, never an instance."""
    first, truth = graded.first, graded.truth
    if not graded.caused:
        if not graded.spoke or first is None:
            return ""
        return f"spoke with nothing to name ({truth.status.replace('_', ' ')}): {first.fault or 'unknown'}"
    if graded.right:
        return ""
    kind = "+".join(sorted({cause.fault for cause in truth.causes if cause.fault})) or "unlabelled"
    if not graded.spoke or first is None:
        return _silent(graded, kind)
    if graded.hits(first) is not None:
        return f"right entity, wrong kind: {kind}→{first.fault or 'unknown'}"
    return f"{_whom(graded, first)}: {kind}→{first.fault or 'unknown'}"


def _silent(graded: reply.Graded, kind: str) -> str:
    said = {"no_fault": "called healthy", "outside": "called outside"}.get(graded.reply.status, "quiet though visible")
    knew = graded.first is not None and graded.hits(graded.first) is not None
    return f"{said}{', culprit listed first' if knew else ''}: {kind}"


def _whom(graded: reply.Graded, first: reply.Claim) -> str:
    """Which kind of innocent was blamed."""
    if graded.on_route(first.name) and graded.place_on_path(first.name) != 0:
        return "blamed victim on the path"
    if first.name in graded.truth.decoys or (first.change and first.change in graded.truth.decoys):
        return "blamed decoy"
    if first.kind in ("node", "external", "namespace"):
        return f"blamed innocent {first.kind}"
    return "blamed bystander"
