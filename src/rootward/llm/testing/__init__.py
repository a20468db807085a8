"""Doubles for whoever builds on Rootward's models: one answers from a script, one from a recording, and neither ever makes
anything up. A question that they have no answer for is an `errors.UnexpectedPrompt`, with the difference, which no policy catches.
"""

from rootward.llm.testing.recorded import RecordedModel
from rootward.llm.testing.scripted import Babbles, Hangs, ScriptedModel, Turn

__all__ = ["Babbles", "Hangs", "RecordedModel", "ScriptedModel", "Turn"]
