"""`rootward outgoing`: what left this machine, by destination, from the record that every request is noted in."""

import re
from pathlib import Path
from typing import Annotated

import typer

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def outgoing(
    since: Annotated[str, typer.Option(help="Only so long back: 30m, 12h, 7d; default: everything kept.")] = "",
    config: Annotated[Path | None, typer.Option(help="Settings; default: rootward.yaml here, if there is one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Where requests went and how many bytes left and came back, by connector or model, and host.

    The record holds no query, header or body. It is kept where `network.record_file` says.

    Examples:

      rootward outgoing

      rootward outgoing --since 7d --json
    """
    from rich.console import Console
    from rich.table import Table

    from rootward import _clock, errors
    from rootward.apps import settings, wiring
    from rootward.apps.cli import output
    from rootward.signals import outgoing as record

    log = wiring.outgoing_log(settings.load(config))
    if log is None:
        raise errors.SettingsError('network.record_file is "", so no record is kept of what leaves')
    from_s = _clock.SystemClock().now_s() - _seconds(since) if since else float("-inf")
    found = record.totals(record.read(log.path, since_s=from_s))
    if as_json:
        output.print_json({"file": str(log.path), "destinations": [one.as_json() for one in found]})
        return
    if not found:
        typer.echo(f"Nothing left{f' in the last {since}' if since else ''}: no request is noted in {log.path}.")
        return
    table = Table("door", "name", "host", "requests", "failed", "bytes out", "bytes in", "last", box=None)
    for one in found:
        cells = [f"{n:,}" for n in (one.requests, one.failed, one.bytes_out, one.bytes_in)]
        table.add_row(one.door, one.name, one.host, *cells, _clock.to_iso(one.last_s)[:19] + "Z")
    Console().print(table)


def _seconds(text: str) -> float:
    from rootward import errors

    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise errors.InputError(f"--since {text!r} is not a duration such as 30m, 12h or 7d")
    return int(match[1]) * _UNITS_S[match[2]]
