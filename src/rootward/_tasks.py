"""The only door to event loops and task groups: many questions at once, bounded in number and time, and nothing lost when one fails."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TypeVar

T = TypeVar("T")


def run(work: Coroutine[object, object, T]) -> T:
    """Run `work` on an event loop of its own, and hand back what it returns or raise what it raises.

    Not `asyncio.run` itself: when that hands the interrupt signal back, Python describes the finished main task to itself,
    and its result with it. The text is thrown away, and for a case full of arrays it costs seconds. So the main task returns nothing.
    """
    kept: list[T] = []

    async def main() -> None:
        kept.append(await work)

    asyncio.run(main())
    return kept[0]


async def run_all(
    jobs: Sequence[Callable[[], Awaitable[T]]],
    *,
    limit: int,
    deadline_s: float | None = None,
    on_done: Callable[[int], None] | None = None,
) -> list[T | None]:
    """Run every job, at most `limit` at a time; results in the order of `jobs`.

    A job still running after `deadline_s` seconds of wall time is cancelled and its place holds None: a finding is
    produced whatever hangs. Jobs are expected to turn their own failures into results; an exception that escapes one is a
    bug and is raised (as an ExceptionGroup) after the others were cancelled.

    `on_done(index)` is called as each finishes, for progress bars.
    """
    assert limit > 0
    results: list[T | None] = [None] * len(jobs)
    gate = asyncio.Semaphore(limit)

    async def one(index: int) -> None:
        async with gate:
            results[index] = await jobs[index]()
        if on_done is not None:
            on_done(index)

    try:
        async with asyncio.timeout(deadline_s), asyncio.TaskGroup() as group:
            for index in range(len(jobs)):
                group.create_task(one(index))
    except TimeoutError:
        # Only our own deadline raises TimeoutError here: jobs answer for theirs. What finished is kept.
        pass
    return results
