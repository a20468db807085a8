"""The questions one asks above the vendors; the front door to measuring and to what the doctor shows."""

from rootward.signals.capability import Capability, capabilities
from rootward.signals.measuring import Line, Measured, measure

__all__ = ["Capability", "Line", "Measured", "capabilities", "measure"]
