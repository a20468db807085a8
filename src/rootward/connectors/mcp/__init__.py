"""MCP (Model Context Protocol): tools of any server in, signals out; knows no other connector.

The protocol is spoken here and not by its official library: that one costs more to import than a whole investigation may take, reads
what a server sends without bound, and offers servers what we must never offer (sampling, elicitation, roots). Tests put both ends together.
"""

from rootward.connectors.mcp.over_http import HttpSession
from rootward.connectors.mcp.over_stdio import Command, StdioSession
from rootward.connectors.mcp.source import McpSource
from rootward.connectors.mcp.tools import Tool

__all__ = ["Command", "HttpSession", "McpSource", "StdioSession", "Tool"]
