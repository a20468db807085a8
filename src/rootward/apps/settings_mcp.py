"""What settings say of one tool of an MCP server: which question it answers, what it is given, where its result holds what we need."""

import re
from typing import Annotated, Any, Literal

import pydantic

from rootward.apps.settings_section import Section
from rootward.connectors.mcp import tools

Text = Annotated[str, pydantic.Field(max_length=2_000)]


class McpTool(Section):
    """A tool that may be called; no other ever is."""

    name: Annotated[str, pydantic.Field(min_length=1, max_length=200)]
    """The tool's name, as the server lists it."""
    answers: Literal["logs", "metrics", "changes", "messages", "events", "objects"]
    """The kind of question that it answers."""
    arguments: dict[str, Any] = pydantic.Field(default_factory=dict)
    """What it is called with; texts may hold `{start}` `{end}` `{start_s}` `{end_s}` `{start_ms}` `{end_ms}` `{minutes}` `{step_s}` `{limit}`
    `{service}` `{namespace}` `{query}` `{kind}`."""
    records: Text = ""
    """Dotted path of the list of records in its result; default: the result itself."""
    fields: dict[str, Text] = pydantic.Field(default_factory=dict)
    """Field of a record → dotted path in it, or `=text` for the same text always; default: usual names."""
    labels: dict[str, Text] = pydantic.Field(default_factory=dict)
    """Labels of log lines and numbers → dotted path in a record, or `=text`; default: usual names."""
    pattern: Text = ""
    """Regular expression with named groups that makes a record of each line, for results that are plain text."""
    services: tuple[Text, ...] = ()
    """What `{service}` becomes, one call each, when a question is about all services."""
    kinds: tuple[Text, ...] = ()
    """Kinds of objects that it is asked for; default: all."""
    metric: Text = ""
    """The name that its numbers go by; say what they mean under `roles`."""
    unit: Text = ""
    """The unit of its numbers, as OpenTelemetry writes it."""

    @pydantic.model_validator(mode="after")
    def _can_be_called(self) -> "McpTool":
        unknown = sorted(tools.places(self.arguments) - set(tools.FIELDS))
        if unknown:
            raise ValueError(f"arguments hold {{{unknown[0]}}}, which is nothing; there are {', '.join(tools.FIELDS)}")
        if "service" in tools.places(self.arguments) and not self.services:
            raise ValueError(
                "arguments hold {service}; name those that it becomes under `services`, for questions about all of them"
            )
        strange = sorted(set(self.fields) - set(tools.USUAL))
        if strange:
            raise ValueError(
                f"fields name {strange[0]!r}, which is nothing; there are {', '.join(sorted(tools.USUAL))}"
            )
        try:
            groups = re.compile(self.pattern).groupindex
        except re.error as error:
            raise ValueError(f"pattern is no regular expression: {error}") from error
        if self.pattern and not groups:
            raise ValueError("pattern has no named group such as (?P<text>.*)")
        if self.answers == "metrics" and not (self.metric or "query" in tools.places(self.arguments)):
            raise ValueError("a tool for metrics has the `metric` that its numbers go by, or takes {query}")
        return self

    def tool(self) -> tools.Tool:
        """As the connector wants it."""
        return tools.Tool(**self.model_dump())
