"""The graph on a terminal, as JSON and as Graphviz's language: a tree of calls, and one way explained."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from rootward import _clock
from rootward.apps.report import memory as ages
from rootward.memory.graph import model

DEPTH_MAX = 12
LAYER_STYLES = {"seen": "solid", "declared": "dashed", "inferred": "dotted"}
SHARED_MAX = 8


def tree(graph: model.Graph, now_s: float, console: Console, *, about: model.Node | None = None) -> None:
    """Callers above what they call. A node that was shown already is named again without its calls."""
    roots = [about] if about is not None else graph.roots()
    # In a ring nobody is first: whoever comes first by name stands for it.
    rings = [one for one in graph.nodes if graph.out(one, *model.CARRIES)] if about is None else []
    shown: set[model.Node] = set()
    for root in (*roots, *rings):
        if root in shown:
            continue
        branch = Tree(Text(str(root), style="bold") + _about(graph, root))
        _grow(graph, root, branch, shown, now_s, DEPTH_MAX)
        console.print(branch)
    _beside(graph, now_s, console, about)


def _grow(graph: model.Graph, one: model.Node, branch: Tree, shown: set[model.Node], now_s: float, depth: int) -> None:
    if one in shown or depth == 0:
        return
    shown.add(one)
    for edge in graph.out(one, *model.CARRIES):
        label = Text(str(edge.object)) + _about(graph, edge.object) + Text(f"  {_how(edge, now_s)}", style="dim")
        again = edge.object in shown and bool(graph.out(edge.object, *model.CARRIES))
        below = branch.add(label + Text(" (see above)", style="dim") if again else label)
        _grow(graph, edge.object, below, shown, now_s, depth - 1)


def _about(graph: model.Graph, one: model.Node) -> Text:
    """Owner, and what happened there."""
    owners = sorted({edge.object.name for edge in graph.out(one, model.OWNED_BY)})
    incidents = sorted({edge.subject.name for edge in graph.into(one, model.HAPPENED_AT)})
    parts = [f"owned by {', '.join(owners)}"] if owners else []
    parts += [f"incidents {', '.join(incidents)}"] if incidents else []
    return Text(f"  {'; '.join(parts)}" if parts else "", style="cyan")


def _how(edge: model.Edge, now_s: float) -> str:
    sources = ", ".join(source.name for source in edge.sources)
    return f"{edge.layer} {edge.certainty:.0%}, {ages.age(edge.last_s, now_s)}, {sources}"


def _beside(graph: model.Graph, now_s: float, console: Console, about: model.Node | None) -> None:
    """With a node in the middle: what points at it or from it that is no call."""
    if about is not None:
        edges = [*graph.into(about), *(edge for edge in graph.out(about) if edge.relation not in model.CARRIES)]
        for edge in edges:
            console.print(Text(f"  {edge.subject} {edge.relation} {edge.object}  ({_how(edge, now_s)})"))
    layers = [edge.layer for edge in graph.edges]
    counts = ", ".join(f"{layers.count(layer)} {layer}" for layer in LAYER_STYLES)
    console.print(Text(f"\n{len(graph.nodes)} nodes, {len(graph.edges)} edges: {counts}", style="dim"))


def to_json(graph: model.Graph) -> dict[str, Any]:
    return {"nodes": [_node(one) for one in graph.nodes], "edges": [_edge(edge) for edge in graph.edges]}


def _node(one: model.Node) -> dict[str, str]:
    return {"kind": one.kind, "name": one.name, "namespace": one.namespace}


def _edge(edge: model.Edge) -> dict[str, Any]:
    return {
        "subject": _node(edge.subject),
        "relation": edge.relation,
        "object": _node(edge.object),
        "layer": edge.layer,
        "certainty": round(edge.certainty, 3),
        "sources": [
            {
                "name": source.name,
                "certainty": round(source.certainty, 3),
                "first": _clock.to_iso(source.first_s),
                "last": _clock.to_iso(source.last_s),
                "detail": source.detail,
            }
            for source in edge.sources
        ],
    }


def dot(graph: model.Graph) -> str:
    """For Graphviz: solid edges were seen, dashed ones declared, dotted ones inferred."""
    lines = ["digraph rootward {", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    lines += [f"  {_quoted(one.key)} [label={_quoted(str(one))}];" for one in graph.nodes]
    lines += [
        f"  {_quoted(e.subject.key)} -> {_quoted(e.object.key)} [label={_quoted(e.relation)}, style={LAYER_STYLES[e.layer]}];"
        for e in graph.edges
    ]
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def explained(graph: model.Graph, one: model.Node, other: model.Node, now_s: float, console: Console) -> None:
    """The way from one to the other, edge by edge with its sources; then what both depend on."""
    way = graph.path(one, other)
    if not way:
        console.print(Text(f"Nothing that was scanned connects {one} and {other}."))
    else:
        console.print(Text(_sentence(way, one, other), style="bold"))
    for edge, along in way:
        arrow = "→" if along else "←"
        left, right = (edge.subject, edge.object) if along else (edge.object, edge.subject)
        console.print(Text(f"\n  {left} {arrow} {right}: {edge.subject} {edge.relation} {edge.object}"))
        for source in edge.sources:
            said = f"{source.name} ({source.certainty:.0%}), last {ages.age(source.last_s, now_s)}, first {ages.age(source.first_s, now_s)}"
            console.print(Text(f"      {said}{f': {source.detail}' if source.detail else ''}", style="dim"))
    shared = _shared(graph, one, other)
    if shared:
        console.print(Text(f"\nBoth depend on {', '.join(map(str, shared[:SHARED_MAX]))}."))


def explained_json(graph: model.Graph, one: model.Node, other: model.Node) -> dict[str, Any]:
    way = graph.path(one, other)
    return {
        "from": _node(one),
        "to": _node(other),
        "path": [{**_edge(edge), "along": along} for edge, along in way],
        "shared": [_node(each) for each in _shared(graph, one, other)],
    }


def _shared(graph: model.Graph, one: model.Node, other: model.Node) -> list[model.Node]:
    below = graph.reach(one, *model.CARRIES) & graph.reach(other, *model.CARRIES)
    return [each for each in sorted(below) if each not in (one, other)]


def _sentence(way: Sequence[tuple[model.Edge, bool]], one: model.Node, other: model.Node) -> str:
    carried = all(edge.relation in model.CARRIES and along for edge, along in way)
    weakest = min((edge for edge, _ in way), key=lambda edge: edge.certainty, default=None)
    if weakest is None:
        return f"{one} is {other}."
    kind = "depends on" if carried else "is connected with"
    steps = "directly" if len(way) == 1 else f"over {len(way)} edges"
    return f"{one} {kind} {other} {steps}; the least certain of them is {weakest.layer} ({weakest.certainty:.0%})."
