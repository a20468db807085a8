"""The official MCP client against the MCP server: streamable HTTP of `dojo serve`, and `rootward dojo mcp` over stdio."""

import sys

import anyio
import client_operations
import dojo_server
import pytest

pytestmark = pytest.mark.filterwarnings("default")  # other people's libraries warn about their own dependencies
mcp = pytest.importorskip("mcp", reason="not installed (pip install 'rootward[mcp]'): the MCP server was not tried")
CLIENT = "mcp (Python)"
operations = client_operations.Operations("mcp")


@pytest.fixture(scope="module")
def served():
    with dojo_server.serving_world() as found:
        yield found


def over_http(served, action):
    async def main():
        async with mcp.Client(f"{served[0]}/mcp") as client:
            return await action(client)

    return anyio.run(main)


@operations.of(CLIENT, "streamable HTTP: initialize, tools/list")
def _(served):
    async def action(client):
        return (await client.list_tools()).tools

    tools = over_http(served, action)
    assert {"prometheus_query", "loki_query", "kubernetes_list", "slack_post"} <= {tool.name for tool in tools}


@operations.of(CLIENT, "streamable HTTP: tools/call, and its errors")
def _(served):
    async def action(client):
        good = await client.call_tool("prometheus_query", {"query": "count(up)"})
        bad = await client.call_tool("prometheus_query", {"query": "count("})
        return good, bad

    good, bad = over_http(served, action)
    assert '"resultType":"vector"' in good.content[0].text
    assert bad.is_error
    assert "bad_data" in bad.content[0].text


@operations.of(CLIENT, "stdio: rootward dojo mcp")
def _(_served):
    command = "from rootward.apps.cli.main import main; main()"
    arguments = ["-c", command, "dojo", "mcp", "--world", "payments", "--seed", "3"]

    async def main():
        parameters = mcp.StdioServerParameters(command=sys.executable, args=arguments, env=None)
        async with mcp.Client(parameters) as client:
            return await client.call_tool("time_now", {})

    assert anyio.run(main).content[0].text.endswith("Z")


def test_the_table_lists_every_operation():
    operations.check_table()


@pytest.mark.parametrize("name", list(operations.found), ids=" · ".join)
def test_operation(served, name):
    operations.found[name](served)
