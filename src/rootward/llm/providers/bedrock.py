"""Claude on Amazon Bedrock: the Messages API inside InvokeModel, streams in Amazon's framing, signed or with a Bedrock key."""

from rootward.llm.credentials import aws
from rootward.llm.providers import provider
from rootward.llm.wires import anthropic_messages

PROVIDER = provider.Provider(
    name="bedrock",
    about="Claude on Amazon Bedrock; `name` is the model's or profile's id, `region` is needed",
    wire=anthropic_messages,
    base_url="https://bedrock-runtime.{region}.amazonaws.com",
    path="/model/{model}/invoke",
    live_path="/model/{model}/invoke-with-response-stream",
    key_variable="AWS_BEARER_TOKEN_BEDROCK",
    sign=aws.sign,
    body={"anthropic_version": "bedrock-2023-05-31"},
    unsaid=frozenset({"model", "stream"}),
    framing="aws",
)
