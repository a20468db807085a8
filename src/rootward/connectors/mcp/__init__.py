"""MCP (Model Context Protocol): tools of any server in, signals out; knows no other connector.

The protocol is spoken here and not by its official library: that one costs more to import than a whole investigation may take, reads
what a server sends without bound, and offers servers what we must never offer (sampling, elicitation, roots). Tests put both ends together.

No door here imports the rest: settings need `tools` alone, without an HTTP library.
"""
