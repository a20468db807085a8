"""Gemini and open models on Google Vertex, through its Chat Completions; names are like `google/gemini-…`."""

from rootward.llm.credentials import google
from rootward.llm.providers import provider
from rootward.llm.wires import openai_chat

PROVIDER = provider.Provider(
    name="vertex_chat",
    about="Gemini and open models on Google Vertex, through its Chat Completions; `project` and `region` are needed",
    wire=openai_chat,
    base_url="https://{region}-aiplatform.googleapis.com",
    region_urls={"global": "https://aiplatform.googleapis.com"},
    path="/v1/projects/{project}/locations/{region}/endpoints/openapi/chat/completions",
    key_variable="VERTEX_ACCESS_TOKEN",
    sign=google.sign,
)
