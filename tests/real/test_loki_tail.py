"""Loki's tail over a real socket: a WebSocket that another library than the server's face opens, as `logcli query --tail` does."""

import json
import socket
import urllib.parse
from typing import Any

import dojo_server
import pytest

wsproto = pytest.importorskip(
    "wsproto", reason="not installed (pip install 'rootward[tail]'): tail needs it to be served"
)
PATH = "/loki/loki/api/v1/tail"


def conversation(address: str, **fields: str) -> tuple[list[Any], int]:
    """What the server sends until it closes or has sent one message, and the code that it closes with (0: it did not)."""
    host, port = urllib.parse.urlsplit(address).netloc.split(":")
    ours = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    target = f"{PATH}?{urllib.parse.urlencode(fields)}"
    messages: list[Any] = []
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(ours.send(wsproto.events.Request(host=host, target=target)))
        text = ""
        while True:
            ours.receive_data(line.recv(65_536) or None)
            for event in ours.events():
                assert not isinstance(event, wsproto.events.RejectConnection), "no WebSocket is served here"
                if isinstance(event, wsproto.events.TextMessage):
                    text += event.data
                    if event.message_finished:
                        messages.append(json.loads(text))
                        line.sendall(ours.send(wsproto.events.CloseConnection(code=1000)))
                        return messages, 0
                if isinstance(event, wsproto.events.CloseConnection):
                    return messages, event.code


def test_the_last_lines_come_at_once() -> None:
    with dojo_server.serving() as address:
        messages, code = conversation(address, query='{app="checkout"}', limit="5")
    assert code == 0
    (first,) = messages
    assert first["dropped_entries"] is None
    assert {one["stream"]["app"] for one in first["streams"]} == {"checkout"}
    assert 1 <= sum(len(one["values"]) for one in first["streams"]) <= 5


def test_what_is_no_query_of_lines_is_refused_by_closing() -> None:
    with dojo_server.serving() as address:
        messages, code = conversation(address, query='rate({app="checkout"}[1m])')
    assert (messages, code) == ([], 1008)
