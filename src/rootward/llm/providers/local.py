"""GGUF weights in this process."""

from rootward.llm import local
from rootward.llm.providers import provider
from rootward.llm.wires import openai_chat

PROVIDER = provider.Provider(
    name="local",
    about="GGUF weights in this process (extra `local`); `name` is the file, or smollm2",
    wire=openai_chat,
    base_url="http://in-process",
    door=local.LocalDoor,
    only_live=True,
    context_tokens=local.CONTEXT_TOKENS,
    way="guided",
    free=True,
)
