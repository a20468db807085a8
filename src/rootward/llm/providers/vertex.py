"""Claude on Google Vertex: the Messages API behind rawPredict, with the machine's Google credentials."""

from rootward.llm.credentials import google
from rootward.llm.providers import provider
from rootward.llm.wires import anthropic_messages

PROVIDER = provider.Provider(
    name="vertex",
    about="Claude on Google Vertex; `project` and `region` are needed",
    wire=anthropic_messages,
    base_url="https://{region}-aiplatform.googleapis.com",
    region_urls={"global": "https://aiplatform.googleapis.com"},
    path="/v1/projects/{project}/locations/{region}/publishers/anthropic/models/{model}:rawPredict",
    live_path="/v1/projects/{project}/locations/{region}/publishers/anthropic/models/{model}:streamRawPredict",
    key_variable="VERTEX_ACCESS_TOKEN",
    sign=google.sign,
    body={"anthropic_version": "vertex-2023-10-16"},
    unsaid=frozenset({"model"}),
)
