"""`rootward demo`: an alert fires in a simulated production, is investigated over the vendors' APIs, and the truth is opened."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Examples: rootward demo · rootward demo --fault memory_leak --seed 3 · rootward demo --world payments --html finding.html"
DEFAULT_FAULT = "slow_query"


def demo(
    world: Annotated[str, typer.Option(help="Which world: see `rootward dojo worlds`.")] = "web-shop",
    fault: Annotated[
        str, typer.Option(help="What is wrong in it: see `rootward dojo faults`; `random` draws one from the seed.")
    ] = DEFAULT_FAULT,
    seed: Annotated[int, typer.Option(help="The same seed gives the same production, down to the byte.")] = 7,
    noise: Annotated[bool, typer.Option(help="Unrelated deploys, alerts, gaps and chatter, as in real life.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help='Print {"finding": …, "truth": …} for machines.')] = False,
    html: Annotated[Path | None, typer.Option(help="Also write the finding as one self-contained page.")] = None,
) -> None:
    """Watch an alert fire in a simulated production and be explained, with the sealed truth beside the finding.

    Examples:

      rootward demo

      rootward demo --world payments --fault memory_leak --seed 3

      rootward demo --fault random --seed 11 --json
    """
    from rich.console import Console

    from rootward import _clock
    from rootward.apps import scenarios
    from rootward.apps.cli import output
    from rootward.apps.report import html as html_report
    from rootward.apps.report import text
    from rootward.dojo import faults
    from rootward.dojo import world as worlds

    stopwatch = _clock.SystemClock()
    chosen = _drawn(faults.names(), seed) if fault == "random" else fault
    with output.progress(f"building {world}", quiet=as_json) as update:
        began_s = stopwatch.monotonic_s()
        scenario, truth = worlds.build(world, chosen, seed, noise=noise)
        built_s = stopwatch.monotonic_s()
        finding = scenarios.explain(scenario, on_stage=update)
        done_s = stopwatch.monotonic_s()
    opened = truth.to_json()
    if html is not None:
        output.write_text(html, html_report.render(finding, truth=opened))
    if as_json:
        output.print_json({"finding": finding.to_json(), "truth": opened})
        return
    console = Console()
    text.show(finding, console)
    output.show_truth(opened, console)
    console.print(
        f"[dim]{world}, seed {seed}: built in {built_s - began_s:.1f} s, {finding.timing.probes} questions over the vendors' "
        f"APIs and a finding in {done_s - built_s:.1f} s. Try another: rootward demo --fault random --seed {seed + 1}[/dim]"
    )
    if html is not None:
        console.print(f"[dim]Page: {html}[/dim]")


def _drawn(names: tuple[str, ...], seed: int) -> str:
    from rootward import _rng

    return names[int(_rng.stream(seed, "demo", "fault").integers(len(names)))]
