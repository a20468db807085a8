"""Topology, load, releases, resources and propagation, advanced in vectorised steps, and the telemetry that follows from them.

Faults change the model's inputs (a limit, a hit ratio, a service time); no signal is ever painted on.
"""

from rootward.dojo.world.build import build, describe, names

__all__ = ["build", "describe", "names"]
