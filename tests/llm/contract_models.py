"""Every provider over its vendor's API: what the contract suite runs against. A new provider is a row here."""

import dataclasses
from collections.abc import Callable
from typing import Any

import model_fakes as fakes
import virtual_time as virtual

from rootward import llm
from rootward.llm import providers


@dataclasses.dataclass(frozen=True)
class Row:
    provider: str
    api: Callable[..., fakes.Api]
    access: llm.Access
    address: str  # where a question goes
    live_address: str = ""


VERTEX = "/v1/projects/shop/locations/europe-west1"
ROWS = (
    Row("anthropic", fakes.AnthropicApi, llm.Access(key=fakes.KEY), "/v1/messages"),
    Row("openai", fakes.OpenAiApi, llm.Access(key=fakes.KEY), "/v1/chat/completions"),
    Row("azure", fakes.OpenAiApi, llm.Access("https://acme.openai.azure.com", fakes.KEY), "/openai/v1/chat/completions"),
    Row("azure", fakes.OpenAiApi, llm.Access("https://acme.openai.azure.com", fakes.KEY, version="2024-10-21"), "/openai/deployments/small/chat/completions?api-version=2024-10-21"),
    Row("bedrock", fakes.BedrockApi, llm.Access(key=fakes.KEY, region="us-east-1"), "/model/small/invoke", "/model/small/invoke-with-response-stream"),
    Row("bedrock_chat", fakes.OpenAiApi, llm.Access(key=fakes.KEY, region="us-east-1"), "/openai/v1/chat/completions"),
    Row("vertex", fakes.VertexApi, llm.Access(key=fakes.KEY, region="europe-west1", project="shop"), f"{VERTEX}/publishers/anthropic/models/small:rawPredict", f"{VERTEX}/publishers/anthropic/models/small:streamRawPredict"),
    Row("vertex_chat", fakes.OpenAiApi, llm.Access(key=fakes.KEY, region="europe-west1", project="shop"), f"{VERTEX}/endpoints/openapi/chat/completions"),
    Row("vllm", fakes.OpenAiApi, llm.Access(), "/v1/chat/completions"),
    Row("ollama", fakes.OpenAiApi, llm.Access(), "/v1/chat/completions"),
    Row("compatible", fakes.OpenAiApi, llm.Access("http://gateway/api/v2/", fakes.KEY), "/api/v2/chat/completions"),
)  # fmt: skip


def client(row: Row, api: fakes.Api, transport: virtual.StreamingTransport | None = None, **more: Any) -> llm.Client:
    access = more.pop("access", row.access)
    return llm.Client(
        providers.named(row.provider), "small", access, clock=virtual.CLOCK,
        transport=transport or virtual.StreamingTransport(api), **more,
    )  # fmt: skip


def row(provider: str) -> Row:
    """The first of that provider."""
    return next(one for one in ROWS if one.provider == provider)
