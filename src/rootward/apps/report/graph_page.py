"""The graph as one self-contained HTML page: a drawing of calls in SVG, then tables of everything; no script, no outside resource."""

import dataclasses
from collections.abc import Sequence

from rootward.apps.report import graph_layout, pages
from rootward.apps.report import memory as ages
from rootward.memory.graph import model

DRAWN_MAX = 160  # nodes; of a larger graph the page says how to see a part
LABEL_LENGTH = 24
FADED_S = 7 * 86_400.0  # an edge that was last seen so long ago is drawn at its faintest
FAINTEST = 0.25
COLUMNS = (
    ("owner", model.OWNED_BY, True), ("runs as", model.RUNS_AS, True), ("built from", model.BUILT_FROM, True),
    ("dashboards", model.SHOWN_ON, True), ("alerts", model.WATCHES, False), ("incidents", model.HAPPENED_AT, False),
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """A drawn node, in pixels. `note` stands below the name."""

    x: float
    y: float
    kind: str
    label: str
    title: str
    note: str
    incidents: int
    center: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    path: str
    layer: str
    opacity: float
    title: str


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One edge in the table."""

    subject: str
    relation: str
    object: str
    layer: str
    certainty: str
    age: str
    sources: tuple[str, ...]


def render(graph: model.Graph, *, now_s: float, about: model.Node | None = None) -> str:
    """The page. Everything that came from production is escaped."""
    calls = [edge for edge in graph.edges if edge.relation in model.CARRIES]
    drawn = sorted({one for edge in calls for one in (edge.subject, edge.object)} | ({about} if about else set()))
    too_many = len(drawn) > DRAWN_MAX
    layout = graph_layout.lay_out(drawn, [] if too_many else [(edge.subject, edge.object) for edge in calls])
    return (
        pages.environment()
        .get_template("graph.html.j2")
        .render(
            title=f"What depends on {about}" if about else "What depends on what",
            counts=f"{len(graph.nodes)} nodes, {len(graph.edges)} edges",
            too_many=too_many,
            boxes=[] if too_many else [_box(graph, one, layout, about) for one in drawn],
            curves=[] if too_many else [_curve(edge, layout, now_s) for edge in calls],
            layout=layout,
            size=(graph_layout.WIDTH, graph_layout.HEIGHT),
            kinds=sorted({one.kind for one in drawn}),
            columns=[name for name, _, _ in COLUMNS],
            things=[(str(one), _cells(graph, one)) for one in drawn],
            rows=[_row(edge, now_s) for edge in graph.edges],
        )
    )


def _box(graph: model.Graph, one: model.Node, layout: graph_layout.Layout, about: model.Node | None) -> Box:
    x, y = layout.places[one]
    owners = sorted({edge.object.name for edge in graph.out(one, model.OWNED_BY)})
    incidents = len(graph.into(one, model.HAPPENED_AT))
    note = _short(" · ".join([one.kind, *owners[:1]]), LABEL_LENGTH + 4)
    return Box(x, y, one.kind, _short(one.name, LABEL_LENGTH), one.key, note, incidents, one == about)


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _curve(edge: model.Edge, layout: graph_layout.Layout, now_s: float) -> Curve:
    """From the right side of the caller to the left side of what it calls; the further apart, the softer."""
    (from_x, from_y), (to_x, to_y) = layout.places[edge.subject], layout.places[edge.object]
    from_x += graph_layout.WIDTH
    middle = graph_layout.HEIGHT / 2
    bend = max(abs(to_x - from_x) / 2, 40)
    path = (
        f"M{from_x:.0f},{from_y + middle:.0f} C{from_x + bend:.0f},{from_y + middle:.0f} "
        f"{to_x - bend:.0f},{to_y + middle:.0f} {to_x - 3:.0f},{to_y + middle:.0f}"
    )
    old = min(max(now_s - edge.last_s, 0.0) / FADED_S, 1.0)
    sources = ", ".join(source.name for source in edge.sources)
    title = f"{edge.subject} {edge.relation} {edge.object}: {edge.layer} {edge.certainty:.0%}, {ages.age(edge.last_s, now_s)}, {sources}"
    return Curve(path, edge.layer, round(1.0 - old * (1.0 - FAINTEST), 2), title)


def _cells(graph: model.Graph, one: model.Node) -> list[list[tuple[str, str]]]:
    """For each column, (text, link or "") of what the node has there."""
    cells = []
    for _, relation, outward in COLUMNS:
        edges = graph.out(one, relation) if outward else graph.into(one, relation)
        found = [(edge.object if outward else edge.subject, edge) for edge in edges]
        cells.append([(other.name, _address(other, edge)) for other, edge in found])
    return cells


def _address(one: model.Node, edge: model.Edge) -> str:
    """Where a dashboard or an alert can be opened: only plain web addresses become links."""
    candidates: Sequence[str] = (one.name, *(source.detail for source in edge.sources))
    return next((text for text in candidates if text.startswith(("http://", "https://"))), "")


def _row(edge: model.Edge, now_s: float) -> Row:
    said = tuple(f"{source.name} {source.certainty:.0%}, {ages.age(source.last_s, now_s)}" for source in edge.sources)
    age = ages.age(edge.last_s, now_s)
    return Row(str(edge.subject), edge.relation, str(edge.object), edge.layer, f"{edge.certainty:.0%}", age, said)
