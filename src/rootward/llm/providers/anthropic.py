"""Anthropic's own API. Since its version of October 2026 it refuses a temperature."""

from rootward.llm import wires
from rootward.llm.providers import provider
from rootward.llm.wires import anthropic_messages

PROVIDER = provider.Provider(
    name="anthropic",
    about="Anthropic's own API",
    wire=anthropic_messages,
    base_url="https://api.anthropic.com",
    path="/v1/messages",
    headers={"anthropic-version": "2026-10-21"},
    key_header="x-api-key",
    key_prefix="",
    key_variable="ANTHROPIC_API_KEY",
    dialect=wires.Dialect(temperature=False),
)
