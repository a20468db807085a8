"""The dojo's faces over a real socket, for tests with other people's clients."""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from rootward import _clock
from rootward.dojo import serving as sockets
from rootward.dojo import world as worlds
from rootward.dojo.capsule import telemetry
from rootward.dojo.wire import faces

sys.path.insert(0, str(Path(__file__).parents[1] / "dojo"))

import sample_telemetry as sample


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The base address of `serve_app` over the hand-made shop, on a free loopback port."""
    app = faces.serve_app(sample.telemetry_of_shop(), _clock.VirtualClock(sample.NOW_S))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", server_header=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not server.started and time.monotonic() < deadline:
                time.sleep(0.02)
            assert server.started, "the server did not start in 20 s"
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


@contextlib.contextmanager
def serving_world(
    world: str = "payments", fault: str = "slow_query", seed: int = 3
) -> Iterator[tuple[str, telemetry.Telemetry, sockets.ServedClock]]:
    """The base address of a whole world with MCP, its telemetry, and the clock that moves it."""
    recorded = worlds.build(world, fault, seed)[0].telemetry
    clock = sockets.ServedClock(recorded.now_s, recorded.end_s, base=_clock.SystemClock())
    vendors = faces.with_gateways(recorded, clock, faces.faces(recorded, clock))
    with sockets.serving(faces.mounted(vendors, faces.mcp_app(vendors, clock)), clock) as base_url:
        yield base_url, recorded, clock
