"""Any other server that speaks OpenAI's format: gateways, llama.cpp's server, LM Studio, hosted open models."""

from rootward.llm.providers import provider
from rootward.llm.wires import openai_chat

PROVIDER = provider.Provider(
    name="compatible",
    about="any server that speaks OpenAI's Chat Completions, at `base_url`",
    wire=openai_chat,
    way="prompt",  # what it can do is not known; set `structured` when it can do better
)
