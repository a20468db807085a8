"""The only door to models: chat, streams, tools and answers in a form, the same for every provider; limits, cost and records
around it, each a policy of one file; and doubles (`rootward.llm.testing`) that answer only what they were given.

What belongs here: everything that is true of a conversation with a language model, whatever it is about. What does not: prompts,
loops and opinions (they belong to who asks), and secrets in any message, record or `repr`.
"""

from rootward.llm.access import Access
from rootward.llm.client import Client
from rootward.llm.deltas import CallDelta, CallStarted, Delta, Finished, ReasoningDelta, Restarted, TextDelta
from rootward.llm.messages import (
    Message,
    Output,
    Reasoning,
    Reply,
    Request,
    Stop,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    estimated_tokens,
    user,
)
from rootward.llm.model import Model, Way

__all__ = [
    "Access",
    "CallDelta",
    "CallStarted",
    "Client",
    "Delta",
    "Finished",
    "Message",
    "Model",
    "Output",
    "Reasoning",
    "ReasoningDelta",
    "Reply",
    "Request",
    "Restarted",
    "Stop",
    "Text",
    "TextDelta",
    "Tool",
    "ToolCall",
    "ToolResult",
    "Usage",
    "Way",
    "estimated_tokens",
    "user",
]
