"""OpenAI's models on Azure: the name is the deployment's, the address the resource's, the key has a header of its own."""

from rootward.llm import wires
from rootward.llm.providers import provider
from rootward.llm.wires import openai_chat

PROVIDER = provider.Provider(
    name="azure",
    about="Azure OpenAI; `name` is the deployment, `base_url` the resource (https://NAME.openai.azure.com)",
    wire=openai_chat,
    path="/openai/v1/chat/completions",
    version_path="/openai/deployments/{model}/chat/completions?api-version={version}",
    key_header="api-key",
    key_prefix="",
    key_variable="AZURE_OPENAI_API_KEY",
    dialect=wires.Dialect(tokens_field="max_completion_tokens", strict=True),
)
