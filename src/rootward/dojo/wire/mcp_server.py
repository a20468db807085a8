"""An MCP server (Model Context Protocol) over the faces: one tool for each question that an engineer asks of each back end.

Needs the extra `mcp`; nothing else imports this module but by name, so the base install does without it.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import exceptions
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations
from starlette import applications, types

from rootward import _clock
from rootward.dojo.wire import _http, _mcp_asking, _mcp_operations, _mcp_telemetry

_INSTRUCTIONS = (
    "Everything that watches this production: metrics, logs, traces, the cluster, changes, alerts, incidents and chat. All is "
    "read-only but messages, and notes and the status of incidents. Ask time_now first: windows are relative to it."
)
WRITES = frozenset({"slack_post", "incident_update", "incident_note"})
Tool = Callable[..., Awaitable[str]]


# (vendor that must be there, its tools)
_KITS: tuple[tuple[str, Callable[[_mcp_asking.Asking], Any]], ...] = (
    ("prometheus", _mcp_telemetry.Metrics),
    ("loki", _mcp_telemetry.Logs),
    ("jaeger", _mcp_telemetry.Traces),
    ("tempo", _mcp_telemetry.TraceQL),
    ("kubernetes", _mcp_operations.Cluster),
    ("github", _mcp_operations.Changes),
    ("alertmanager", _mcp_operations.Alerts),
    ("pagerduty", _mcp_operations.Incidents),
    ("slack", _mcp_operations.Chat),
    ("grafana", _mcp_operations.Dashboards),
)


class _Everything:
    """What is asked of no vendor in particular."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    async def time_now(self) -> str:
        """What time it is in this production (UTC)."""
        return _http.iso_seconds(self._asking.clock.now_s())

    async def api_get(self, vendor: str, path: str, parameters: dict[str, str] | None = None) -> str:
        """GET any path of a back end's own HTTP API, where no other tool asks what you want."""
        reply = await self._asking.reply(vendor, path if path.startswith("/") else f"/{path}", parameters)
        return _mcp_asking.cut(reply.text())


def server(faces: Mapping[str, types.ASGIApp], clock: _clock.Clock) -> MCPServer[Any]:
    """A server with the tools of every face that is there."""
    asking = _mcp_asking.Asking(faces, clock)
    made: MCPServer[Any] = MCPServer("production", instructions=_INSTRUCTIONS, version="1.4.0", log_level="WARNING")
    kits = [_Everything(asking), *(kit(asking) for vendor, kit in _KITS if vendor in faces)]
    for kit in kits:
        for name in (name for name in vars(type(kit)) if not name.startswith("_")):
            made.add_tool(
                _told(getattr(kit, name)),
                name=name,
                annotations=ToolAnnotations(read_only_hint=name not in WRITES, open_world_hint=False),
                structured_output=False,
            )
    return made


def _told(tool: Tool) -> Tool:
    """A refusal becomes the tool's error, which an agent reads."""

    @functools.wraps(tool)
    async def call(**arguments: Any) -> str:
        try:
            return await tool(**arguments)
        except _mcp_asking.Refusal as error:
            raise exceptions.ToolError(str(error)) from error

    return call


def http_app(made: MCPServer[Any], *, loopback: bool) -> applications.Starlette:
    """Streamable HTTP at /mcp, one exchange a request; its lifespan must be run. On loopback other hosts' names are refused."""
    security = None if loopback else TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return made.streamable_http_app(stateless_http=True, json_response=True, transport_security=security)
