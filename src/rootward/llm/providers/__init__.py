"""The providers that we know: one small file each, named in this list. A server that speaks OpenAI's format needs none: `compatible`."""

import difflib
import importlib

from rootward import errors
from rootward.llm.providers import provider

NAMES = (
    "anthropic",
    "openai",
    "azure",
    "bedrock",
    "bedrock_chat",
    "vertex",
    "vertex_chat",
    "vllm",
    "ollama",
    "local",
    "compatible",
)


def named(name: str) -> provider.Provider:
    """The provider of that name.

    Raises:
        errors.SettingsError: there is none.
    """
    if name not in NAMES:
        near = difflib.get_close_matches(name.lower(), NAMES, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(NAMES)}"
        raise errors.SettingsError(f"there is no provider {name!r}{hint}")
    found: provider.Provider = importlib.import_module(f"{__name__}.{name}").PROVIDER
    return found
