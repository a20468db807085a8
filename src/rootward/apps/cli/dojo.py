"""`rootward dojo`: worlds, faults, and a simulated production served over the vendors' own APIs."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rootward.dojo import oracle
    from rootward.dojo.capsule import telemetry

app = typer.Typer(help="A deterministic simulated production: list, look, serve, export.", no_args_is_help=True)

World = Annotated[str, typer.Option(help="Which world: see `rootward dojo worlds`.")]
Fault = Annotated[str, typer.Option(help="What is wrong in it: see `rootward dojo faults`; empty: the seed draws one.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same production, down to the byte.")]
Services = Annotated[int | None, typer.Option(help="Size, for the world `generated` (5 to 1,000 services).")]
NoiseLevel = Annotated[
    str, typer.Option(help="What surrounds the trouble: none, light, usual, heavy or drawn; see `rootward dojo noise`.")
]
Shape = Annotated[
    str | None,
    typer.Option(help="How the fault comes: step, ramp, intermittent or periodic; empty: the seed draws one."),
]
Place = Annotated[
    str | None, typer.Option(help="Where it sits: a component, or caller→callee for faults of calls; empty: drawn.")
]
After = Annotated[
    str,
    typer.Option(
        help="What becomes of it after the alert: none, recovery, mitigation, wrong_mitigation, recurrence or drawn."
    ),
]
NO_MCP = "not installed: pip install 'rootward[mcp]'"
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    """The world that a command line asks for: the same options wherever one is built."""

    world: str
    fault: str | None
    seed: int
    services: int | None
    noise: str
    shape: str | None
    place: str | None
    aftermath: str

    def build(self) -> "tuple[telemetry.Scenario, oracle.Truth]":
        from rootward.dojo import world as worlds

        return worlds.build(
            self.world,
            self.fault,
            self.seed,
            services=self.services,
            noise=self.noise,
            shape=self.shape,
            place=self.place,
            aftermath=self.aftermath,
        )


@app.command("worlds")
def worlds(as_json: Json = False) -> None:
    """List the worlds. Example: rootward dojo worlds"""
    from rootward.dojo import world

    _print_described({name: world.describe(name) for name in world.names()}, as_json)


@app.command("faults")
def faults(as_json: Json = False) -> None:
    """List the faults, with what each does and its parameters. Example: rootward dojo faults"""
    from rootward.dojo import faults as catalogue

    _print_described({name: catalogue.describe(name) for name in catalogue.names()}, as_json)


def _print_described(described: dict[str, str], as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from rootward.apps.cli import output

    if as_json:
        output.print_json(described)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("what it is")
    for name, text in described.items():
        table.add_row(name, str(text))
    Console().print(table)


@app.command("realism")
def realism(
    capsules: Annotated[Path, typer.Argument(help="Folder of recorded capsules, one folder per system.")],
    seeds: Annotated[int, typer.Option(min=1, max=50, help="Worlds of each kind to compare with.")] = 3,
    as_json: Json = False,
) -> None:
    """Compare what worlds look like with recordings of real systems, and let a classifier try to tell them apart.

    Example: rootward capsule import nezha SRC capsules/nezha, then rootward dojo realism capsules
    """
    from rich.console import Console

    from rootward.apps import realism as comparing
    from rootward.apps.cli import output

    with output.progress("reading capsules", quiet=as_json) as update:
        report = comparing.run(capsules, seeds, update)
    if as_json:
        output.print_json(report.to_json())
        return
    comparing.show(report, Console())


@app.command("noise")
def noise_knobs(as_json: Json = False) -> None:
    """List the knobs of noise and where each level sets them. Example: rootward dojo noise"""
    from rich.console import Console
    from rich.table import Table

    from rootward.apps.cli import output
    from rootward.dojo.world import noise as knobs

    levels = {name: dataclasses.asdict(level) for name, level in knobs.LEVELS.items()}
    if as_json:
        output.print_json({"knobs": knobs.meanings(), "levels": levels})
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("knob", style="bold", no_wrap=True)
    for name in levels:
        table.add_column(name, justify="right")
    table.add_column("what it is")
    for knob, meaning in knobs.meanings().items():
        table.add_row(knob, *(f"{level[knob]:g}" for level in levels.values()), meaning)
    Console().print(table)
    typer.echo("drawn: each knob by itself between light and heavy, as the seed says")


@app.command("show")
def show(
    world: World = "web-shop",
    fault: Fault = "slow_query",
    seed: Seed = 7,
    services: Services = None,
    noise: NoiseLevel = "usual",
    shape: Shape = None,
    place: Place = None,
    aftermath: After = "none",
    as_json: Json = False,
) -> None:
    """Build a scenario and show what is in it: sizes, the alert, and the sealed truth.

    Example: rootward dojo show --world payments --fault cache_loss --seed 3
    """
    from rich.console import Console
    from rich.table import Table

    from rootward.apps.cli import output
    from rootward.dojo.capsule import inventory

    scenario, truth = _Asked(world, fault or None, seed, services, noise, shape, place, aftermath).build()
    counts = inventory.counts(scenario.telemetry)
    if as_json:
        output.print_json({"counts": counts, "alert": scenario.alert, "truth": truth.to_json()})
        return
    console = Console()
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    fired = scenario.alert["alerts"][0]
    console.print(
        f"[bold]alert[/bold] {fired['labels'].get('alertname', '')}: {fired.get('annotations', {}).get('summary', '')}"
    )
    output.show_truth(truth.to_json(), console)


@app.command("serve")
def serve(
    world: World = "web-shop",
    fault: Fault = "slow_query",
    seed: Seed = 7,
    services: Services = None,
    noise: NoiseLevel = "usual",
    shape: Shape = None,
    place: Place = None,
    aftermath: After = "none",
    capsule: Annotated[Path | None, typer.Option(help="Serve a recorded capsule instead of a world.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 9800,
    clock: Annotated[
        str, typer.Option(help="still, running, or a speed such as x60 (a minute in a second).")
    ] = "still",
    control_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Also a door, on loopback, by which time is moved; 0: any port."),
    ] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="Also write a kubeconfig for kubectl.")] = None,
    write_settings: Annotated[Path | None, typer.Option(help="Also write settings for usual clients here.")] = None,
) -> None:
    """Serve a production to any client: promtool, kubectl, logcli, Grafana, the vendors' SDKs, other agents.

    Example: rootward dojo serve --kubeconfig kube.yaml, then kubectl --kubeconfig kube.yaml get pods -A
    """
    import contextlib

    from rootward import _clock, errors
    from rootward.apps.cli import output
    from rootward.dojo import serving
    from rootward.dojo.capsule import store
    from rootward.dojo.wire import clients, faces

    speed = serving.speed_of(clock)
    asked = _Asked(world, fault or None, seed, services, noise, shape, place, aftermath)
    recorded = (store.load(capsule) if capsule else asked.build()[0]).telemetry
    served = serving.ServedClock(recorded.now_s, recorded.end_s, speed=speed, base=_clock.SystemClock())
    vendors = faces.with_gateways(recorded, served, faces.faces(recorded, served))
    mcp = faces.mcp_app(vendors, served, loopback=host in ("127.0.0.1", "::1", "localhost"))
    server = serving.server_of(faces.mounted(vendors, mcp), served)
    listening, base_url = serving.listen(host, port)
    files = clients.files(base_url, vendors, mcp=mcp is not None)
    if kubeconfig is not None:
        if "kubeconfig.yaml" not in files:
            raise errors.InputError(
                "this production has no Kubernetes to write a kubeconfig for; leave --kubeconfig out"
            )
        output.write_text(kubeconfig, files["kubeconfig.yaml"])
    if write_settings is not None:
        output.write_folder(write_settings, files)
    with contextlib.ExitStack() as stack:
        if control_port is not None:
            door = stack.enter_context(
                serving.serving(serving.control_app(served), _clock.SystemClock(), port=control_port)
            )
            typer.echo(f"move time with: curl -X POST '{door}/advance?seconds=60' (nobody else is told)", err=True)
        _announce(base_url, vendors, _clock.to_iso(recorded.now_s), clock, files, write_settings)
        server.run(sockets=[listening])


def _announce(
    base_url: str, vendors: Iterable[str], now: str, clock: str, files: Mapping[str, str], folder: Path | None
) -> None:
    """What an operator needs, on stderr: the moment, the addresses, and settings for other programs."""
    typer.echo(f"as of {now}, clock {clock}; stop with Ctrl-C", err=True)
    for name in vendors:
        typer.echo(f"{name:14} {base_url}/{name}", err=True)
    has_mcp = "mcp.json" in files
    typer.echo(f"{'mcp':14} {f'{base_url}/mcp' if has_mcp else NO_MCP}", err=True)
    if folder is not None:
        typer.echo(f"settings       {folder}: {', '.join(files)}", err=True)
        return
    typer.echo("\nHolmesGPT's config.yaml (--write-settings DIR writes this and others as files):\n", err=True)
    typer.echo(files["holmes.yaml"], err=True)


@app.command("mcp")
def mcp(
    world: World = "web-shop",
    fault: Fault = "slow_query",
    seed: Seed = 7,
    services: Services = None,
    noise: NoiseLevel = "usual",
    shape: Shape = None,
    place: Place = None,
    aftermath: After = "none",
    capsule: Annotated[Path | None, typer.Option(help="Serve a recorded capsule instead of a world.")] = None,
    clock: Annotated[
        str, typer.Option(help="still, running, or a speed such as x60 (a minute in a second).")
    ] = "still",
) -> None:
    """Serve a production to one agent as an MCP server on standard input and output (needs the extra `mcp`).

    Example: rootward dojo mcp --world payments --seed 3
    """
    from rootward import _clock, errors
    from rootward.dojo import serving
    from rootward.dojo.capsule import store
    from rootward.dojo.wire import faces

    if not faces.has_mcp():
        raise errors.InputError(f"the MCP package is {NO_MCP}")
    from rootward.dojo.wire import mcp_server

    speed = serving.speed_of(clock)
    asked = _Asked(world, fault or None, seed, services, noise, shape, place, aftermath)
    recorded = (store.load(capsule) if capsule else asked.build()[0]).telemetry
    served = serving.ServedClock(recorded.now_s, recorded.end_s, speed=speed, base=_clock.SystemClock())
    vendors = faces.with_gateways(recorded, served, faces.faces(recorded, served))
    mcp_server.server(vendors, served).run("stdio")


@app.command("export")
def export(
    destination: Annotated[Path, typer.Argument(help="Folder to make; must not exist.")],
    world: World = "web-shop",
    fault: Fault = "slow_query",
    seed: Seed = 7,
    services: Services = None,
    noise: NoiseLevel = "usual",
    shape: Shape = None,
    place: Place = None,
    aftermath: After = "none",
) -> None:
    """Write a scenario as a capsule (Parquet and JSON), its truth sealed in a file of its own.

    Example: rootward dojo export incidents/slow-query-7 --fault slow_query --seed 7
    """
    from rootward.apps.cli import output
    from rootward.dojo.capsule import store

    with output.progress(f"building {world}", quiet=False) as update:
        scenario, truth = _Asked(world, fault or None, seed, services, noise, shape, place, aftermath).build()
        update(f"writing {destination}")
        store.save(destination, scenario, truth)
    typer.echo(f"wrote {destination}; investigate it with: rootward investigate --capsule {destination}")
