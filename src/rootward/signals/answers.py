"""What comes back from a question: an answer that never confuses "nothing there" with "could not ask".

A source's method raises nothing for what a back end does; it returns an `Answer` whose `outcome` says which of these
happened. `capture` is how connectors turn their own errors into one.
"""

import dataclasses
import enum
from collections.abc import Awaitable, Callable, Sized
from typing import Generic, TypeVar

from rootward import errors
from rootward.signals import windows

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Outcome(enum.StrEnum):
    OK = "ok"
    TRUNCATED = "truncated"  # a limit was reached or the back end gave part; `value` holds what came
    NO_DATA = "no_data"  # asked properly, answered properly, nothing there
    FAILED = "failed"  # unreachable, timed out, 5xx, rate limited, malformed
    BAD_QUERY = "bad_query"  # the back end says that the question was wrong
    NOT_PERMITTED = "not_permitted"  # 401, 403


@dataclasses.dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """`value` is set exactly when `outcome` is OK or TRUNCATED. `query` is in the back end's own language, so that a
    person can ask again; `link` opens it in the back end's own page, if it has one."""

    outcome: Outcome
    source: str
    query: str
    window: windows.Window | None = None
    value: T_co | None = None
    warnings: tuple[str, ...] = ()
    error: str = ""
    link: str = ""

    def __post_init__(self) -> None:
        assert (self.value is not None) == (self.outcome in (Outcome.OK, Outcome.TRUNCATED)), "value iff there is one"

    @property
    def answered(self) -> bool:
        """The back end was asked and answered: OK, TRUNCATED or NO_DATA."""
        return self.outcome in (Outcome.OK, Outcome.TRUNCATED, Outcome.NO_DATA)


@dataclasses.dataclass(frozen=True, slots=True)
class Part(Generic[T_co]):
    """What a connector's own function returns to `capture`: the value, and whether it is all of it."""

    value: T_co
    truncated: bool = False
    warnings: tuple[str, ...] = ()


async def capture(
    ask: Callable[[], Awaitable[Part[T]]],
    *,
    source: str,
    query: str,
    window: windows.Window | None = None,
    link: str = "",
) -> Answer[T]:
    """Run `ask` and turn its result or its BackendError into an Answer; an empty value becomes NO_DATA."""

    def failed(outcome: Outcome, error: errors.BackendError) -> Answer[T]:
        return Answer(outcome, source, query, window, error=str(error), link=link)

    try:
        part = await ask()
    except errors.NotPermitted as error:
        return failed(Outcome.NOT_PERMITTED, error)
    except errors.QueryRejected as error:
        return failed(Outcome.BAD_QUERY, error)
    except errors.BackendError as error:
        return failed(Outcome.FAILED, error)
    if isinstance(part.value, Sized) and len(part.value) == 0:
        return Answer(Outcome.NO_DATA, source, query, window, warnings=part.warnings, link=link)
    outcome = Outcome.TRUNCATED if part.truncated else Outcome.OK
    return Answer(outcome, source, query, window, part.value, part.warnings, link=link)


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """An answer that a claim can cite: what was asked of whom, over which window, and what came back, in a sentence."""

    id: str
    source: str
    query: str
    outcome: Outcome
    window: windows.Window | None = None
    summary: str = ""
    warnings: tuple[str, ...] = ()
    error: str = ""
    link: str = ""
