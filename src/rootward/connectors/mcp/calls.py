"""The calls that one question takes: which tools, with which arguments, side by side; what came of them, and how evidence cites them."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from rootward import _tasks, errors
from rootward.connectors import _http
from rootward.connectors.mcp import reading, tools, wire
from rootward.signals import answers, windows

CONCURRENCY = 4  # calls of one question under way at once
Rows = list[tuple[reading.Reader, list[reading.Row]]]
NOBODY: Mapping[str, str] = {}


class Caller:
    """Calls the tools of one server that settings list."""

    def __init__(self, source: str, session: wire.Session, listed: Sequence[tools.Tool]) -> None:
        self.source = source
        self.session = session
        self.tools = tuple(listed)

    def of(self, kind: tools.Kind) -> list[tools.Tool]:
        """The tools that answer this kind of question."""
        return [one for one in self.tools if one.answers == kind]

    def shown(self, kind: tools.Kind, window: windows.Window, limit: int, names: Mapping[str, str] = NOBODY) -> str:
        """The calls of one question as evidence cites them, so that they can be made again."""
        try:
            values = tools.known(window, names, limit=limit)
        except errors.QueryRejected:
            return f"{kind} ({', '.join(one.name for one in self.of(kind))})"
        found = []
        for one in self.of(kind):
            every = _services(one, names.get("service", ""))
            call = tools.shown(one.name, tools.filled(one.arguments, {**values, "service": every[0]}))
            found.append(call + (f" and for {', '.join(every[1:])}" if len(every) > 1 else ""))
        return "; ".join(found) or f"{kind}: no tool is listed"

    async def rows(
        self,
        listed: Sequence[tools.Tool],
        window: windows.Window,
        budget: _http.Budget,
        *,
        limit: int,
        names: Mapping[str, str] = NOBODY,
        step_s: float = 60.0,
    ) -> answers.Part[Rows]:
        """The rows of every call that a question takes; the failure of one is told, and the others still count."""
        if not listed:
            raise errors.QueryRejected(
                f"{self.source}: no tool is listed for this, so nothing was sent", source=self.source
            )
        warnings: dict[str, None] = {}
        failed: list[errors.BackendError] = []

        async def one(tool: tools.Tool, service: str) -> tuple[reading.Reader, list[reading.Row], bool] | None:
            try:
                values = tools.known(window, {**names, "service": service}, limit=limit, step_s=step_s)
                arguments = tools.filled(tool.arguments, values)
                rows, told = reading.rows(await self.session.call(tool.name, arguments, budget), tool)
            except errors.BackendError as error:
                failed.append(error)
                return None
            warnings.update(dict.fromkeys(told))
            return reading.Reader(tool, self.source, window, service), rows, _full(arguments, len(rows))

        jobs = [
            functools.partial(one, tool, service)
            for tool in listed
            for service in _services(tool, names.get("service", ""))
        ]
        done = [each for each in await _tasks.run_all(jobs, limit=CONCURRENCY) if each is not None]
        if failed and not done:
            raise failed[0]
        found = [(reader, rows) for reader, rows, _ in done]
        if failed:
            warnings[f"{len(failed)} of {len(jobs)} calls failed: {failed[0]}"] = None
        return answers.Part(found, bool(failed) or any(full for _, _, full in done), tuple(warnings))


def _services(tool: tools.Tool, asked: str) -> Sequence[str]:
    """Whom the calls of one tool are about, "" where it does not want to know."""
    if not tool.needs_service:
        return ("",)
    return (asked,) if asked else tool.services


def _full(arguments: Mapping[str, Any], rows: int) -> bool:
    """Whether as many rows came as the arguments allow, so that there may be more."""
    numbers = {name: one for name, one in arguments.items() if type(one) is int and one > 1}
    return any(rows == one or ("limit" in name and rows > one) for name, one in numbers.items())
