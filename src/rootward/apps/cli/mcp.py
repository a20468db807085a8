"""`rootward mcp`: Rootward as an MCP server, for agents that want alerts investigated."""

from pathlib import Path
from typing import Annotated

import typer


def mcp(
    config: Annotated[Path | None, typer.Option(help="Settings; default: rootward.yaml here, if there is one.")] = None,
    http: Annotated[
        bool,
        typer.Option(
            "--http", help="Serve streamable HTTP at /mcp, to this machine only, instead of standard input and output."
        ),
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of --http.")] = 9810,
) -> None:
    """Serve investigations to other agents over the configured back ends, as an MCP server (needs the extra `mcp`).

    Its tools: investigate, list_findings, read_finding, evidence, search_memory, and questions to the back ends. All only read; findings are
    kept in memory as `rootward investigate` keeps them.

    Examples:

      rootward mcp

      rootward mcp --config prod.yaml --http --port 9810
    """
    import importlib.util

    from rootward import _clock, errors
    from rootward.apps import mcp_desk, settings

    if importlib.util.find_spec("mcp") is None:
        raise errors.InputError("the MCP package is not installed: pip install 'rootward[mcp]'")
    desk = mcp_desk.Desk(settings.load(config), _clock.SystemClock())
    from rootward.apps import mcp_server

    made = mcp_server.server(desk)
    if not http:
        made.run("stdio")
        return
    typer.echo(f"http://127.0.0.1:{port}/mcp", err=True)
    made.run("streamable-http", host="127.0.0.1", port=port)
