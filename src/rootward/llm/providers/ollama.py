"""Ollama's server."""

from rootward.llm.providers import provider
from rootward.llm.wires import openai_chat

PROVIDER = provider.Provider(
    name="ollama",
    about="Ollama on this or another machine",
    wire=openai_chat,
    base_url="http://localhost:11434/v1",
    way="guided",
    free=True,
)
