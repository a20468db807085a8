"""What a metric means, from its name, unit, labels and type: one file per convention (OpenTelemetry, Istio, cAdvisor …)."""

from rootward.signals.roles.binding import Binding, Combine, Override
from rootward.signals.roles.discovery import discover
from rootward.signals.roles.role import DURATIONS, ERRORS, LOW_IS_BAD, Role

__all__ = ["DURATIONS", "ERRORS", "LOW_IS_BAD", "Binding", "Combine", "Override", "Role", "discover"]
