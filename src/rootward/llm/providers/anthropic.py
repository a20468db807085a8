"""Anthropic's own API."""

from rootward.llm.providers import provider
from rootward.llm.wires import anthropic_messages

PROVIDER = provider.Provider(
    name="anthropic",
    about="Anthropic's own API",
    wire=anthropic_messages,
    base_url="https://api.anthropic.com",
    path="/v1/messages",
    headers={"anthropic-version": "2023-06-01"},
    key_header="x-api-key",
    key_prefix="",
    key_variable="ANTHROPIC_API_KEY",
    way="tool",  # older models know no schemas; all can be made to call a tool
)
