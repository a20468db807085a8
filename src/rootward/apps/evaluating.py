"""Runs a suite for `rootward evals run`: folder, processes, progress; and shows what came of it."""

import dataclasses
import datetime as dt
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import rootward
from rootward import _clock, _rng, errors
from rootward.apps import subjects
from rootward.evals import perturbations, records, run_folder, running, statistics, tallies
from rootward.evals import plan as plans
from rootward.evals.scores import registry


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What was asked for on the command line."""

    suite: str
    subject: str = subjects.EMBEDDED
    repeats: int = 1
    perturb: tuple[str, ...] = ()
    jobs: int | None = None
    only: str = ""
    limit: int | None = None
    stop_width: float | None = None
    against: Path | None = None
    timeout_s: float = subjects.COMMAND_TIMEOUT_S

    def choice(self) -> running.Choice:
        """Raises:
        InputError: a perturbation that does not exist.
        """
        return running.Choice(
            perturbations.chosen(self.perturb),
            self.repeats,
            self.only,
            self.limit,
            self.stop_width,
            str(self.against) if self.against else "",
        )

    def before(self) -> Mapping[str, float] | None:
        """The headline of each scenario in the run to compare with.

        Raises:
            RunError: it cannot be read.
        """
        if self.against is None:
            return None
        earlier = tallies.tally(tallies.unperturbed(run_folder.load(self.against)), registry.PRIMARY)
        return dict(zip(earlier.scenarios, earlier.means, strict=True))


def run(order: Order, *, out: Path | None, root: Path, resume: bool, quiet: bool = False) -> tuple[Path, records.Run]:
    """Run what was ordered into a folder; returns it with the finished run.

    Raises:
        InputError: suite, subject or perturbation do not exist, nothing is left by --only, or the folder cannot be used.
        RunError: the run to resume is another one.
    """
    plan = plans.load(order.suite)
    subject, choice = subjects.named(order.subject, timeout_s=order.timeout_s), order.choice()
    items, before = choice.items(plan), order.before()
    if not items:
        raise errors.InputError(
            f"no scenario of {plan.name!r} matches {order.only!r}; ids look like {plan.items[0].id}"
        )
    clock = _clock.SystemClock()
    manifest = _manifest(order, choice, plan, len(items), _clock.to_iso(clock.now_s()))
    header = records.Run(
        plan.name, plan.digest(), order.subject, rootward.__version__, "", 0, registry.measures(), registry.PRIMARY
    )
    folder, done = _folder(header, manifest, out, root, resume=resume, now_s=clock.now_s())
    began_s = clock.monotonic_s()
    wanted = len(items) - len({row.scenario for row in done})
    with progress(wanted, clock, quiet=quiet) as seen:

        def keep(rows: Sequence[records.Row]) -> None:
            folder.append(rows)
            seen(rows)

        jobs = order.jobs or os.cpu_count() or 1
        ran = running.run(items, subject, choice, jobs=jobs, done=done, before=before, on_rows=keep)
    finished = dataclasses.replace(
        folder.manifest,
        finished=_clock.to_iso(clock.now_s()),
        stopped_early=ran.stopped_early,
        note=ran.said,
        processor_s=round(folder.manifest.processor_s + ran.processor_s, 2),
        wall_s=round(folder.manifest.wall_s + clock.monotonic_s() - began_s, 2),
    )
    folder.finish(ran.rows, finished)
    return folder.folder, run_folder.load(folder.folder)


def _manifest(
    order: Order, choice: running.Choice, plan: plans.Plan, scenarios: int, started: str
) -> run_folder.Manifest:
    options = {name: value for name, value in dataclasses.asdict(choice).items() if value not in (None, "", ())}
    return run_folder.Manifest(
        suite=plan.name,
        digest=plan.digest(),
        subject=order.subject,
        version=rootward.__version__,
        scenarios=scenarios,
        options=options,
        started=started,
        left_out=plan.left_out,
    )


def _folder(
    header: records.Run,
    manifest: run_folder.Manifest,
    out: Path | None,
    root: Path,
    *,
    resume: bool,
    now_s: float,
) -> tuple[run_folder.RunFolder, tuple[records.Row, ...]]:
    if resume:
        return run_folder.RunFolder.resume(out or _unfinished(root, manifest), header, manifest)
    if out is None:
        stamp = dt.datetime.fromtimestamp(now_s, tz=dt.UTC).strftime("%Y%m%d-%H%M%S")
        out = root / f"{manifest.suite}-{stamp}"
    return run_folder.RunFolder.create(out, header, manifest), ()


def _unfinished(root: Path, manifest: run_folder.Manifest) -> Path:
    wanted = [manifest.to_json()[name] for name in run_folder.SAME]
    for folder, one in reversed(run_folder.runs(root)):
        if not one.finished and [one.to_json()[name] for name in run_folder.SAME] == wanted:
            return folder
    raise errors.InputError(
        f"nothing to resume under {root}: no unfinished run of {manifest.suite!r} with these options"
    )


@contextmanager
def progress(scenarios: int, clock: _clock.Clock, *, quiet: bool) -> Iterator[Callable[[Sequence[records.Row]], None]]:
    """A line on stderr with rate, time left and the running headline; without a terminal a line for each tenth of the way."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet:
        yield lambda _: None
        return
    tally = _Tally(scenarios, clock)
    if not console.is_terminal:
        told = 0

        def plain(rows: Sequence[records.Row]) -> None:
            nonlocal told
            tally.add(rows)
            if tally.tenths > told:
                told = tally.tenths
                console.print(tally.text(), highlight=False, soft_wrap=True)

        yield plain
        return
    with console.status(tally.text()) as status:

        def live(rows: Sequence[records.Row]) -> None:
            tally.add(rows)
            status.update(tally.text())

        yield live


class _Tally:
    """How far a run is."""

    def __init__(self, scenarios: int, clock: _clock.Clock) -> None:
        self._scenarios = scenarios
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self._seen: set[str] = set()
        self._hits: list[float] = []

    def add(self, rows: Sequence[records.Row]) -> None:
        self._seen |= {row.scenario for row in rows}
        first = (row for row in rows if not row.perturbation and row.repeat == 0)
        self._hits += [row.scores[registry.PRIMARY] for row in first if registry.PRIMARY in row.scores]

    @property
    def tenths(self) -> int:
        return 10 * len(self._seen) // max(self._scenarios, 1)

    def text(self) -> str:
        spent_s = self._clock.monotonic_s() - self._began_s
        done = len(self._seen)
        if not done:
            return f"0 of {self._scenarios} scenarios"
        left_s = round(spent_s / done * max(self._scenarios - done, 0))
        right = statistics.rate(round(sum(self._hits)), len(self._hits))
        return f"{done} of {self._scenarios} scenarios, {done / max(spent_s, 1e-9):.1f}/s, {left_s // 60}:{left_s % 60:02d} left, right {right}"


def show_run(folder: Path, *, as_json: bool) -> None:
    """Scores with bands on stdout (the same bytes for equal runs); what it took on stderr, because that is never the same."""
    from rich.console import Console

    from rootward.apps.cli import output
    from rootward.evals import summary
    from rootward.evals.reports import terminal

    run = run_folder.load(folder)
    found = summary.summarise(timeless(run))
    if as_json:
        output.print_json(found.to_json(with_seconds=False))
    else:
        terminal.show(found, Console())
        if folder.is_dir() and (note := run_folder.read_manifest(folder).note):
            Console().print(note, markup=False, highlight=False, soft_wrap=True)
    tell_cost(folder, run)


def show_stability(folder: Path, *, margin: float, as_json: bool) -> None:
    """How well answers hold under the perturbations of a run.

    Raises:
        InputError: nothing was perturbed in it.
    """
    from rich.console import Console

    from rootward.apps.cli import output
    from rootward.evals import stability
    from rootward.evals.reports import terminal

    run = run_folder.load(folder)
    found = stability.measure(run, rng=_rng.stream(run.seed, "stability"), margin=margin)
    if found is None:
        raise errors.InputError(f"{folder} holds no perturbed scenario; run with --perturb, or another suite")
    if as_json:
        output.print_json(found.to_json())
    else:
        terminal.show_stability(found, Console())
    tell_cost(folder, run)


def timeless(run: records.Run) -> records.Run:
    """The run without what differs between two equal ones."""
    return dataclasses.replace(run, started="", rows=tuple(dataclasses.replace(row, seconds=0.0) for row in run.rows))


def tell_cost(folder: Path, run: records.Run) -> None:
    """On stderr: how long it took, in all and for each answer."""
    import typer

    if not folder.is_dir():
        return
    manifest = run_folder.read_manifest(folder)
    seconds = sorted(row.seconds for row in run.rows)
    if seconds:
        half, high = seconds[len(seconds) // 2], seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
        typer.echo(
            f"{folder}: {len(seconds)} answers in {manifest.wall_s:.0f} s, {manifest.processor_s / len(seconds):.2f} s of processor "
            f"time each with its world; an answer took {half:.2f} s (median), {high:.2f} s (95th percentile)",
            err=True,
        )


def show_wrong(folder: Path, *, as_json: bool) -> None:
    """Every row that is not right, with its mode of failure."""
    from rich.console import Console
    from rich.table import Table

    from rootward.apps.cli import output

    run = run_folder.load(folder)
    wrong = [row for row in run.rows if row.failure or row.status in ("error", "unbuilt")]
    if as_json:
        kept = ("scenario", "perturbation", "repeat", "status", "failure", "message")
        output.print_json([{name: getattr(row, name) for name in kept} for row in wrong])
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("scenario", "mode of failure", "what happened"):
        table.add_column(name)
    for row in wrong:
        name = f"{row.scenario} ({row.perturbation})" if row.perturbation else row.scenario
        table.add_row(name, row.failure or row.status, row.message)
    Console().print(table if wrong else "everything right")
