"""Guidance, facts and what applies to an alert, on a terminal and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rootward import _clock, errors
from rootward.memory import applying, conflicts, matching, recall
from rootward.memory.guidance import Guidance, Probe
from rootward.memory.records import Fact

EVERY_ALERT = "every alert"


def age(since_s: float, now_s: float) -> str:
    """How long ago, in the largest whole unit: `3 days`, `5 min`."""
    passed_s = max(now_s - since_s, 0.0)
    for name, length_s in (("days", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        count = int(passed_s // length_s)
        if count:
            return "1 day" if (count, name) == (1, "days") else f"{count} {name}"
    return "just now"


def _table(*columns: str, title: str = "") -> Table:
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name == "id")
    return table


def guidance(
    every: Sequence[Guidance], disagreeing: Sequence[conflicts.Conflict], now_s: float, console: Console
) -> None:
    """A table, then the conflicts."""
    if not every:
        console.print("No guidance yet: rootward guidance add --help")
        return
    table = _table("id", "guidance", "for", "does", "priority")
    for one in every:
        said = ", ".join(part for part in (one.author, age(one.created_s, now_s)) if part)
        over = "" if one.in_force(now_s) else "\n(not in force now)"
        table.add_row(
            one.id, f"{escape(one.text)}\n[dim]{escape(said)}[/dim]", escape(scope(one) + over),
            escape("\n".join(effects(one)) or "nothing yet"), str(one.priority),
        )  # fmt: skip
    console.print(table)
    _conflicts(disagreeing, console)


def one_guidance(one: Guidance, console: Console) -> None:
    """Everything about one, line by line."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows = [("id", one.id), ("guidance", one.text), ("for", scope(one))]
    rows += [("from", _clock.to_iso(one.from_s))] if one.from_s is not None else []
    rows += [("until", _clock.to_iso(one.until_s))] if one.until_s is not None else []
    rows += [
        ("priority", str(one.priority)),
        ("author", one.author or "unknown"),
        ("added", _clock.to_iso(one.created_s)),
    ]
    rows += [("does", effect) for effect in effects(one)]
    for name, value in rows:
        table.add_row(name, Text(value))
    console.print(table)


def scope(one: Guidance) -> str:
    return "\n".join(matching.written(matcher) for matcher in one.matchers) or EVERY_ALERT


def effects(one: Guidance) -> list[str]:
    """What it makes an investigation do, in words."""
    looks = [f"look at {pattern}" for pattern in one.look_at]
    asks = [_asked(probe) for probe in one.probes]
    leans = [
        f"{prior.direction} {prior.entity}{f' ({prior.fault})' if prior.fault else ''}, {prior.strength}"
        for prior in one.priors
    ]
    return [*looks, *asks, *leans]


def _asked(probe: Probe) -> str:
    where = f" of {probe.source}" if probe.source else ""
    about = f" about {probe.entity}" if probe.entity else ""
    role = f" as {probe.role}" if probe.role else ""
    return f"ask {probe.signal}{where}{about}{role}: {probe.query}"


def facts(known: Sequence[Fact], now_s: float, console: Console) -> None:
    if not known:
        console.print("No facts yet: rootward memory remember --help")
        return
    table = _table("id", "fact", "about", "said by", "age", "struck")
    for one in known:
        struck = (
            "" if one.struck_s is None else f"{_clock.to_iso(one.struck_s)[:10]}: {one.struck_why or 'no reason given'}"
        )
        table.add_row(
            one.id, escape(one.text), escape(", ".join(one.about)), escape(one.provenance), age(one.created_s, now_s),
            escape(struck),
        )  # fmt: skip
    console.print(table)


def hits(found: Sequence[recall.Hit], now_s: float, console: Console) -> None:
    """What was recalled, most alike first."""
    if not found:
        console.print("Nothing in memory is like that.")
        return
    table = _table("id", "what", "from", "age", "alike")
    for hit in found:
        what, source = _of(hit)
        table.add_row(
            hit.record.id, escape(what), escape(source), age(hit.record.created_s, now_s), f"{hit.cosine:.2f}"
        )
    console.print(table)


def hits_json(found: Sequence[recall.Hit]) -> list[dict[str, Any]]:
    return [
        {
            "id": hit.record.id,
            "text": _of(hit)[0],
            "provenance": _of(hit)[1],
            "created": _clock.to_iso(hit.record.created_s),
            "cosine": round(hit.cosine, 3),
        }
        for hit in found
    ]


def _of(hit: recall.Hit) -> tuple[str, str]:
    """What it says, and where it is from."""
    one = hit.record
    return (one.text, one.provenance) if isinstance(one, Fact) else (one.summary, f"investigation of {one.alert}")


def selection_json(chosen: applying.Selection) -> dict[str, Any]:
    return {
        "labels": dict(sorted(chosen.labels.items())),
        "applies": [{"id": one.id, "text": one.text, "does": effects(one)} for one in chosen.applied],
        "does_not_apply": [{"id": one.id, "text": one.text, "why": why} for one, why in chosen.others],
        "conflicts": [one.sentence for one in chosen.conflicts],
    }


def selection(chosen: applying.Selection, console: Console) -> None:
    """What applies, what does not and why, and conflicts; with the labels that matchers are held against."""
    labels = ", ".join(f"{name}={value!r}" for name, value in sorted(chosen.labels.items()))
    console.print(Text(f"The alert, to matchers: {labels}", style="dim"))
    if not chosen.applied:
        console.print("\nNo guidance applies.")
    else:
        table = _table("id", "guidance", "does", title="\nApplies")
        for one in chosen.applied:
            table.add_row(one.id, escape(one.text), escape("\n".join(effects(one)) or "nothing yet"))
        console.print(table)
    if chosen.others:
        table = _table("id", "guidance", "why not", title="\nDoes not apply")
        for one, why in chosen.others:
            table.add_row(one.id, escape(one.text), escape(why))
        console.print(table)
    _conflicts(chosen.conflicts, console)


def explained(finding: Mapping[str, Any], console: Console) -> None:
    """What guidance did to a finding (in its JSON form, which may come from anywhere), beside what would have been without."""
    guided = finding.get("guidance")
    if not isinstance(guided, Mapping):
        console.print("No guidance applied to this investigation.")
        return
    try:
        heard = _table("id", "guidance", "did", "evidence")
        for one in guided["applied"]:
            heard.add_row(
                one["id"], escape(one["text"]), escape("\n".join(one["did"]) or "nothing"), " ".join(one["evidence"])
            )
        compared = _table("", "status", "hypotheses", title="\nWith and without")
        with_, without = _ranked(finding, "confidence"), _ranked(guided["without"], "probability")
        compared.add_row("with", str(finding["status"]).replace("_", " "), escape(with_))
        compared.add_row("without", str(guided["without"]["status"]).replace("_", " "), escape(without))
        conflicts_told = [f"  • {text}" for text in guided["conflicts"]]
        changed = str(guided["changed"])
    except (KeyError, TypeError, AttributeError) as error:
        raise errors.InputError(
            f"the finding's guidance cannot be read: {error!r} is missing or of another kind"
        ) from error
    console.print(heard)
    console.print(compared)
    console.print(Text(f"\n{changed}"))
    if conflicts_told:
        console.print(Text("\nConflicts\n" + "\n".join(conflicts_told)))


def _ranked(told: Mapping[str, Any], chance: str) -> str:
    """One line for each hypothesis, from the finding's JSON."""
    lines = []
    for cause in told["root_causes"]:
        entity, value = cause["entity"], cause[chance]
        share = value["point"] if isinstance(value, Mapping) else value
        lines.append(f"{entity['kind']}/{entity['name']} ({str(cause['fault']).replace('_', ' ')}) {share:.0%}")
    return "\n".join(lines) or "none"


def _conflicts(disagreeing: Sequence[conflicts.Conflict], console: Console) -> None:
    if disagreeing:
        console.print(Text("\nConflicts", style="bold"))
        for one in disagreeing:
            console.print(Text(f"  • {one.sentence}"))
