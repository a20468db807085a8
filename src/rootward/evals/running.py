"""Runs a plan: scenarios spread over processes, those of one world together, rows handed over as they finish.

Everything that decides what a row says is in the item and the subject, so the number of processes, the order and interruptions change
nothing but the time.
"""

import concurrent.futures
import dataclasses
import fnmatch
import gc
import itertools
import multiprocessing
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import process

from rootward import _clock, _rng
from rootward.evals import grading, records, stopping
from rootward.evals import plan as plans
from rootward.evals.scores import registry

TOGETHER_MAX = 6
"""Scenarios of one world that a process takes at once: enough to share the world's base, few enough to be done again."""
AHEAD = 2  # groups per process that wait in its queue
DIED = "the process that investigated it died (killed, or out of memory)"
Done = frozenset[records.Key]


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """Which part of a plan is run and how often. `only` is a glob over ids; `limit` takes the first so many, spread over the plan.
    `stop_width`: stop as soon as the band of the headline, valid after every look, is narrower. `against` names the earlier run that the
    headline is compared with after every scenario."""

    perturb: tuple[str, ...] = ()
    repeats: int = 1
    only: str = ""
    limit: int | None = None
    stop_width: float | None = None
    against: str = ""

    @property
    def looks(self) -> bool:
        """Looked at after every scenario, so that their order must be one of chance."""
        return self.stop_width is not None or bool(self.against)

    def items(self, plan: plans.Plan) -> tuple[plans.Item, ...]:
        """The chosen items, in the order in which they are run."""
        found = [item for item in plan.items if not self.only or fnmatch.fnmatchcase(item.id, self.only)]
        if self.limit is not None and self.limit < len(found):
            found = [found[k * len(found) // self.limit] for k in range(self.limit)]
        if self.looks:
            # By chance, never by family: a look at the first so many must be a look at a sample of all.
            order = _rng.stream(0, "order", plan.digest()).permutation(len(found))
            found = [found[int(i)] for i in order]
        return tuple(found)


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """`rows` in no order; `processor_s` spent by all processes; `stopped_early` when the headline was clear before the end, and `said` how."""

    rows: tuple[records.Row, ...]
    processor_s: float
    stopped_early: bool = False
    said: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class _Task:
    items: tuple[plans.Item, ...]
    subject: grading.Subject
    choice: Choice
    done: Done


def _work(task: _Task) -> tuple[list[records.Row], float]:
    began_s = _clock.processor_s()
    rows = [
        row
        for item in task.items
        for row in grading.rows(item, task.subject, _perturb(item, task.choice), task.choice.repeats, done=task.done)
    ]
    return rows, _clock.processor_s() - began_s


def _perturb(item: plans.Item, choice: Choice) -> tuple[str, ...]:
    return tuple(sorted({*item.perturb, *choice.perturb}))


def _prepare() -> None:
    # Telemetry is millions of objects without cycles; looking for some took a tenth of the time.
    gc.set_threshold(50_000, 20, 50)


def run(
    items: Sequence[plans.Item],
    subject: grading.Subject,
    choice: Choice,
    *,
    jobs: int = 1,
    done: Sequence[records.Row] = (),
    before: Mapping[str, float] | None = None,
    on_rows: Callable[[Sequence[records.Row]], None] = lambda _: None,
) -> Ran:
    """Every chosen item's rows; `done` are those of an earlier run, which are not made again. `on_rows` gets new ones as they come.

    `before` holds the headline of each scenario in the run to compare with: it stops when the difference is clear.
    """
    known = frozenset(row.key for row in done)
    tasks = [_Task(group, subject, choice, known) for group in _groups(items, alone=choice.looks)]
    watch = stopping.Watch([item.id for item in items], _rules(choice, before), done)
    rows = list(done)
    processor_s = 0.0
    results = _here(tasks) if jobs == 1 else _spread(tasks, jobs)
    try:
        for fresh, spent_s in results:
            processor_s += spent_s
            rows += fresh
            on_rows(fresh)
            watch.add(fresh)
            if watch.clear:
                break
    finally:
        results.close()
    return Ran(watch.kept(rows), processor_s, watch.clear, watch.said())


def _rules(choice: Choice, before: Mapping[str, float] | None) -> list[stopping.Rule]:
    rules: list[stopping.Rule] = [stopping.Apart(before)] if before is not None else []
    return rules if choice.stop_width is None else [*rules, stopping.Narrow(choice.stop_width)]


def _groups(items: Sequence[plans.Item], *, alone: bool) -> Iterator[tuple[plans.Item, ...]]:
    if alone:
        yield from ((item,) for item in items)
        return
    for _, same in itertools.groupby(items, key=lambda item: item.base()):
        together = tuple(same)
        for first in range(0, len(together), TOGETHER_MAX):
            yield together[first : first + TOGETHER_MAX]


Results = Generator[tuple[list[records.Row], float], None, None]


def _here(tasks: Iterable[_Task]) -> Results:
    for task in tasks:
        yield _work(task)


def _pool(jobs: int) -> concurrent.futures.ProcessPoolExecutor:
    # Spawned, not forked: the parent may hold threads (the progress line), which a fork would copy half-alive.
    return concurrent.futures.ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_prepare)


def _spread(tasks: Sequence[_Task], jobs: int) -> Results:
    pools: list[concurrent.futures.ProcessPoolExecutor] = []
    try:
        yield from _results(tasks, jobs, pools)
    finally:
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)


def _results(tasks: Sequence[_Task], jobs: int, pools: list[concurrent.futures.ProcessPoolExecutor]) -> Results:
    """Results as they finish, a few tasks ahead of the processes; when a process dies, what was under way is tried alone."""
    waiting = iter(tasks)
    under_way: dict[concurrent.futures.Future[tuple[list[records.Row], float]], _Task] = {}
    pools.append(_pool(jobs))
    while True:
        for task in itertools.islice(waiting, max(0, jobs * AHEAD - len(under_way))):
            under_way[pools[-1].submit(_work, task)] = task
        if not under_way:
            break
        finished, _ = concurrent.futures.wait(under_way, return_when=concurrent.futures.FIRST_COMPLETED)
        broken: list[_Task] = []
        for future in finished:
            task = under_way.pop(future)
            try:
                yield future.result()
            except process.BrokenProcessPool:
                broken.append(task)
        if broken:
            broken += under_way.values()
            under_way.clear()
            pools.pop().shutdown(wait=False)
            yield from _alone(broken)
            pools.append(_pool(jobs))
    pools.pop().shutdown()


def _alone(tasks: Sequence[_Task]) -> Results:
    """Each item of the tasks by itself in one process; the one that kills it becomes a row, and the next gets a new one."""
    pool = _pool(1)
    try:
        for task in tasks:
            for item in task.items:
                try:
                    yield pool.submit(_work, dataclasses.replace(task, items=(item,))).result()
                except process.BrokenProcessPool:
                    pool.shutdown(wait=False)
                    pool = _pool(1)
                    yield _dead(task, item), 0.0
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _dead(task: _Task, item: plans.Item) -> list[records.Row]:
    rows = [
        records.Row(
            item.id,
            {registry.PRIMARY: 0.0},
            repeat=repeat,
            perturbation=name,
            status=grading.ERROR,
            message=DIED,
            failure="no answer: died",
        )
        for name in ("", *_perturb(item, task.choice))
        for repeat in range(task.choice.repeats)
    ]
    return [row for row in rows if row.key not in task.done]
