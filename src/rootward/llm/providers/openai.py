"""OpenAI's own API. Its reasoning models know the length of an answer only by the newer name."""

from rootward.llm import wires
from rootward.llm.providers import provider
from rootward.llm.wires import openai_chat

PROVIDER = provider.Provider(
    name="openai",
    about="OpenAI's own API",
    wire=openai_chat,
    base_url="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
    dialect=wires.Dialect(tokens_field="max_completion_tokens", strict=True),
)
