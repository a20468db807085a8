"""vLLM's server, which holds a model to a schema by its grammar, whatever the schema has in it."""

from rootward.llm.providers import provider
from rootward.llm.wires import openai_chat

PROVIDER = provider.Provider(
    name="vllm",
    about="vLLM's server",
    wire=openai_chat,
    base_url="http://localhost:8000/v1",
    way="guided",
    free=True,
)
