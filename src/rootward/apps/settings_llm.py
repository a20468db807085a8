"""Settings of language models: which there are, how to reach them, in which order they are asked, what a run may spend."""

from typing import Annotated, Literal

import pydantic

from rootward.apps.settings_section import Count, Positive, Section

ProviderName = Literal[
    "anthropic", "openai", "azure", "bedrock", "bedrock_chat", "vertex", "vertex_chat", "vllm", "ollama", "local", "compatible"
]  # fmt: skip


class Price(Section):
    """What a model costs, in US dollars per million tokens; stands above the list prices that come with Rootward."""

    input: Annotated[float, pydantic.Field(ge=0)]
    """Tokens of the question."""
    output: Annotated[float, pydantic.Field(ge=0)]
    """Tokens of the answer, thinking included."""
    cache_read: Annotated[float, pydantic.Field(ge=0)] | None = None
    """Tokens of the question that the provider still had; default: as `input`."""
    cache_write: Annotated[float, pydantic.Field(ge=0)] | None = None
    """Tokens of the question that the provider was asked to keep; default: as `input`."""


class Model(Section):
    """One model of one provider. Write keys as `${NAME}`: they are read from the environment."""

    provider: ProviderName
    """Who is asked; `rootward models list` says what each is."""
    name: str
    """The model, as the provider names it (Azure: the deployment; local: the path of a GGUF file, or smollm2)."""
    key: pydantic.SecretStr = pydantic.SecretStr("")
    """Proves who we are. Bedrock and Vertex find the machine's own credentials where there is none."""
    base_url: str = ""
    """Address of the API, with any prefix; default: the provider's own, or where its server listens on this machine."""
    headers: dict[str, pydantic.SecretStr] = pydantic.Field(default_factory=dict)
    """Further headers, sent with every question (a gateway's, an organisation's)."""
    region: str = ""
    """Of the cloud, for Bedrock and Vertex."""
    project: str = ""
    """Google Cloud's project, for Vertex."""
    version: str = ""
    """Azure: the dated version of a deployment's API; default: the undated API."""
    profile: str = ""
    """Bedrock: which of the machine's AWS profiles."""
    ca_file: str = ""
    """PEM file of the authorities to trust; default: the system's."""
    verify: bool = True
    """Check the provider's certificate. Switch it off only to find out what is wrong."""
    proxy: str = ""
    """Address of an HTTP proxy. The environment's proxy variables are not read: write `${HTTPS_PROXY}` here."""
    structured: Literal["", "schema", "guided", "tool", "prompt"] = ""
    """How it is made to answer in a form: its own JSON schemas, those and words, a tool that it must call, or words; default: what the provider can."""
    attempts: Annotated[int, pydantic.Field(gt=0, le=10)] = 4
    """How often one question is tried (too many requests, no room, broken line), within its seconds."""
    requests_a_minute: Positive | None = None
    """Our own limit; default: none."""
    tokens_a_minute: Positive | None = None
    """Our own limit, questions and answers together; default: none."""
    at_once: Count | None = None
    """Questions under way at once; default: no limit."""
    quiet_s: Positive = 60.0
    """Seconds for which an answer may say nothing once it has begun."""
    context_tokens: Annotated[int, pydantic.Field(ge=0)] = 0
    """Tokens of question and answer together that the model has room for, where you know; 0: not said. Local: memory is taken for so many; 0: 8192."""
    threads: Annotated[int, pydantic.Field(ge=0)] = 0
    """Local: threads that work; 0: one less than there are cores."""
    price: Price | None = None
    """What it costs, where the list price is not what you pay, or is not known."""


class ModelUse(Section):
    """How models are used, and what one run may spend on them."""

    use: tuple[str, ...] = ()
    """Names from `models`, in the order in which they are asked: the next when one does not answer; default: all, as they stand there."""
    tokens_max: Count | None = 200_000
    """Tokens of one run, questions and answers together; null: no limit."""
    dollars_max: Positive | None = None
    """US dollars of one run; needs the price of every model that is used; null: no limit."""
    seconds_max: Positive | None = 120.0
    """Seconds of one run in which models may be asked; null: no limit."""
    record: str = ""
    """File to which every call is written, a JSON line each, secrets taken out; default: none."""
    replay: str = ""
    """File with such records: models answer from it, nobody is asked, and a question that is not in it is an error; default: none."""


class Opinion(Section):
    """A model's second opinion in investigations: what it is told, and how much it may ask. It is never alone: the reasoner's answer stands."""

    use: bool = True
    """Ask for one whenever models are configured."""
    turns: Annotated[int, pydantic.Field(ge=2, le=20)] = 6
    """Turns of the conversation; the last one allows only the conclusion."""
    questions: Annotated[int, pydantic.Field(ge=0, le=100)] = 16
    """Questions that it may ask of your back ends."""
    prompt_chars: Annotated[int, pydantic.Field(ge=2_000)] = 24_000
    """Characters of evidence in the first prompt (about a quarter as many tokens); it can read on in the rest."""
    reply_tokens: Count = 1_500
    """Tokens of one reply, thinking included."""
    seconds: Positive = 60.0
    """Seconds for all of it, where `model.seconds_max` is null."""
    hide_emails: bool = True
    """E-mail addresses leave as placeholders, and come back readable."""
    hide_ips: Literal["none", "public", "all"] = "none"
    """Likewise for IP addresses: none, those routed on the internet, or all."""
