"""Writes `docs/reference/families.md` from the catalogue itself, so that no family, parameter or range can be missing there."""

import sys
from typing import Any

from rootward.dojo import faults

ROWS = 66
_HEAD = """# What the dojo can break

Each family is one file in `src/rootward/dojo/faults/`; `rootward dojo faults` prints the same. A world gets its fault at a place and with parameters that the seed
draws from these ranges, in one of these shapes over time (*step*, *ramp*, *intermittent*, *periodic*), unless they are asked for. *Row* is the row of the catalogue
of faults that the family covers; together they cover all of its {rows} rows. The kinds are those of [findings](faults.md).

```
rootward dojo faults
rootward dojo show --fault certificate_expiry --seed 4
rootward dojo show --world payments --fault slow_query --shape periodic --noise heavy
```

This page is made from the catalogue (`rootward.apps.families_reference`); a test keeps it current.
"""
ABOUT = {
    "cluster": "Kubernetes: pods, workloads, quotas, scheduling, volumes, machines.",
    "compound": "More than one thing at once, or something that tempts.",
    "data": "Databases, caches, queues, volumes.",
    "network": "Between services and machines, and beyond them.",
    "resources": "What a container may use.",
    "silence": "Nothing to name: the right answer is to say so, or to stay quiet.",
    "software": "Code, configuration, flags, releases.",
    "traffic": "How much arrives, and what callers do about it.",
}


def render() -> str:
    """The whole page, as Markdown."""
    parts = [_HEAD.format(rows=ROWS)]
    for group, names in faults.groups().items():
        parts += [f"## {group.capitalize()}", "", ABOUT[group], ""]
        parts += ["| family | what happens | kinds | drawn from the seed | shapes | row |", "|---|---|---|---|---|---|"]
        parts += [_row(name, faults.load(name)) for name in names]
        parts.append("")
    return "\n".join(parts)


def _row(name: str, family: Any) -> str:
    kinds = ", ".join(f"`{kind}`" for kind in faults.kinds(name)) or "–"
    drawn = "; ".join(f"{p.name} {p.low:g}–{p.high:g} {p.unit}".strip() for p in family.parameters) or "–"
    rows = ", ".join(str(row) for row in family.rows) or "–"
    return f"| `{name}` | {family.summary} | {kinds} | {drawn} | {', '.join(family.shapes)} | {rows} |"


if __name__ == "__main__":
    sys.stdout.write(render())
