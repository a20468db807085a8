"""Other models on Amazon Bedrock, through its Chat Completions."""

from rootward.llm import wires
from rootward.llm.credentials import aws
from rootward.llm.providers import provider
from rootward.llm.wires import openai_chat

PROVIDER = provider.Provider(
    name="bedrock_chat",
    about="other models on Amazon Bedrock, through its Chat Completions; `region` is needed",
    wire=openai_chat,
    base_url="https://bedrock-runtime.{region}.amazonaws.com/openai/v1",
    key_variable="AWS_BEARER_TOKEN_BEDROCK",
    sign=aws.sign,
    dialect=wires.Dialect(tokens_field="max_completion_tokens"),
    way="tool",
)
