"""Every setting that there is, with its unit, its default and what it is for; `docs/reference/settings.md` is made from this."""

from typing import Annotated, Any, ClassVar, Literal

import pydantic
import pydantic_settings

from rootward.apps import settings_llm, settings_mcp
from rootward.apps.settings_section import Count, Positive, Section
from rootward.signals import entities
from rootward.signals.roles import role as role_names


class Connector(Section):
    """What every connector has. Write secrets as `${NAME}`: they are read from the environment."""

    URL: ClassVar[str] = ""  # where the vendor's own service is, when there is only one

    type: str
    """Which vendor's API this is."""
    url: str = ""
    """Address of the API, with any prefix; without query. Needed unless the vendor has only one."""
    token: pydantic.SecretStr = pydantic.SecretStr("")
    """Sent as `Authorization: Bearer …` (PagerDuty: `Token token=…`)."""
    token_file: str = ""
    """File with the token; read again when the back end refuses it, since such tokens are rotated."""
    username: str = ""
    """For basic authentication."""
    password: pydantic.SecretStr = pydantic.SecretStr("")
    """For basic authentication."""
    headers: dict[str, pydantic.SecretStr] = pydantic.Field(default_factory=dict)
    """Further headers, sent with every request."""
    ca_file: str = ""
    """PEM file of the authorities to trust; default: the system's."""
    client_cert_file: str = ""
    """PEM file of our own certificate, for mutual TLS."""
    client_key_file: str = ""
    """PEM file of its key."""
    verify: bool = True
    """Check the back end's certificate. Switch it off only to find out what is wrong."""
    proxy: str = ""
    """Address of an HTTP proxy. The environment's proxy variables are not read: write `${HTTPS_PROXY}` here."""
    attempts: Annotated[int, pydantic.Field(gt=0, le=10)] = 3
    """How often one request is tried (429, 500, 502, 503, 504, no connection), within the deadline."""


class Prometheus(Connector):
    """Numbers from Prometheus, Thanos, Mimir, VictoriaMetrics, Cortex."""

    type: Literal["prometheus"]
    """Which vendor's API this is."""
    tenant: str = ""
    """Sent as X-Scope-OrgID (Mimir, Cortex)."""
    page_url: str = ""
    """Where people open its pages; links in evidence lead there. Default: url."""


class Loki(Connector):
    """Log lines from Grafana Loki."""

    type: Literal["loki"]
    """Which vendor's API this is."""
    tenant: str = ""
    """Sent as X-Scope-OrgID."""
    every_stream_label: str = ""
    """A label that all streams have; default: the first usual one that exists."""


class Kubernetes(Connector):
    """Objects, events and container logs from a cluster."""

    type: Literal["kubernetes"]
    """Which vendor's API this is."""
    kubeconfig: str = ""
    """Path of a kubeconfig; `~` is your home folder. Plug-ins that sign in are not run."""
    context: str = ""
    """Which context of the kubeconfig; default: its current one."""
    in_cluster: bool = False
    """Use the service account of the pod that Rootward runs in."""
    namespaces: tuple[str, ...] = ()
    """Only these; default: all."""


class Jaeger(Connector):
    """Traces and dependencies from Jaeger."""

    type: Literal["jaeger"]
    """Which vendor's API this is."""
    api: Literal["v1", "v3"] = "v1"
    """The query API of the Jaeger page (v1), or OTLP's JSON (v3)."""
    page_url: str = ""
    """Where people open its pages; default: url."""


class Tempo(Connector):
    """Traces from Grafana Tempo."""

    type: Literal["tempo"]
    """Which vendor's API this is."""
    tenant: str = ""
    """Sent as X-Scope-OrgID."""


class Alertmanager(Connector):
    """Alerts that fire now, from Prometheus's Alertmanager."""

    type: Literal["alertmanager"]
    """Which vendor's API this is."""


class GitHub(Connector):
    """Commits, merged pull requests and deployments."""

    URL: ClassVar[str] = "https://api.github.com"

    type: Literal["github"]
    """Which vendor's API this is."""
    repositories: tuple[str, ...] = ()
    """As owner/name; default: the 20 last pushed of those that the token may read."""


class Slack(Connector):
    """What people and bots wrote."""

    URL: ClassVar[str] = "https://slack.com"

    type: Literal["slack"]
    """Which vendor's API this is."""
    channels: tuple[str, ...] = ()
    """Names without #; default: the channels that the token's user is a member of."""


class PagerDuty(Connector):
    """Incidents and change events."""

    URL: ClassVar[str] = "https://api.pagerduty.com"

    type: Literal["pagerduty"]
    """Which vendor's API this is."""


class Mcp(Connector):
    """Tools of an MCP server: `command` for one that is started here, or `url` for one that is reached by streamable HTTP."""

    type: Literal["mcp"]
    """Which vendor's API this is."""
    command: str = ""
    """The program that serves on standard input and output; it is started for each investigation."""
    args: tuple[str, ...] = ()
    """Its arguments."""
    env: dict[str, pydantic.SecretStr] = pydantic.Field(default_factory=dict)
    """Variables that it gets besides PATH, HOME, LANG and TMPDIR; of ours it sees no others."""
    tools: Annotated[tuple[settings_mcp.McpTool, ...], pydantic.Field(min_length=1, max_length=50)]
    """The tools that may be called, and what each is for."""

    @pydantic.model_validator(mode="after")
    def _reached_in_one_way(self) -> "Mcp":
        if bool(self.command) == bool(self.url):
            raise ValueError("give either `command` (standard input and output) or `url` (streamable HTTP)")
        return self


AnyConnector = Annotated[
    Prometheus | Loki | Kubernetes | Jaeger | Tempo | Alertmanager | GitHub | Slack | PagerDuty | Mcp,
    pydantic.Field(discriminator="type"),
]
CONNECTOR_TYPES: dict[str, type[Connector]] = {
    "prometheus": Prometheus, "loki": Loki, "kubernetes": Kubernetes, "jaeger": Jaeger, "tempo": Tempo,
    "alertmanager": Alertmanager, "github": GitHub, "slack": Slack, "pagerduty": PagerDuty, "mcp": Mcp,
}  # fmt: skip


class Investigation(Section):
    """How much one investigation may spend, and how far back it looks."""

    deadline_s: Positive = 90.0
    """Seconds for all probes together; what has answered by then is reasoned over."""
    concurrency: Count = 8
    """Questions under way at once."""
    baseline_s: Positive = 4 * 3600.0
    """Seconds of normal running before the trouble that it is compared with."""
    lead_s: Positive = 20 * 60.0
    """Seconds before the alert in which the trouble may have begun."""
    lookback_s: Positive = 14 * 86400.0
    """Seconds back that a baseline is searched in, when there is none just before."""
    context_s: Positive = 24 * 3600.0
    """Seconds back over which changes, messages and other alerts are read."""
    points_max: Annotated[int, pydantic.Field(ge=20)] = 300
    """Samples per line over baseline and trouble."""
    probe_limit: Count = 240
    """Metrics that are measured at most."""
    log_lines_max: Count = 40_000
    """Log lines read of each of baseline and trouble."""
    traces_max: Count = 240
    """Traces read of each of baseline and trouble."""
    spans_max: Count = 3_000
    """Spans of each of baseline and trouble: where traces are large, fewer are read. What a few traces hold foretells how many."""
    suspects_max: Count = 4
    """Suspects that get a closer look in the second round."""
    false_confidence_max: Annotated[float, pydantic.Field(gt=0, le=1)] = 0.02
    """Share of all alerts that may be told a wrong cause, 0 to 1; the smaller, the oftener it keeps quiet."""
    calibration_file: str = ""
    """Table of what confidence is worth, made by `rootward triage calibrate`; default: the one that is shipped."""


class Limits(Section):
    """The most that one question to one back end may cost. Reaching one marks the answer as truncated."""

    series: Count = 2_000
    """Lines (label sets) of one answer."""
    samples: Count = 2_000_000
    """Samples of one answer."""
    lines: Count = 5_000
    """Log lines of one answer."""
    spans: Count = 50_000
    """Spans of one answer."""
    records: Count = 2_000
    """Events, changes, messages, objects or alerts of one answer."""
    bytes: Count = 64 * 1024 * 1024
    """Bytes of response bodies."""
    seconds: Positive = 10.0
    """Seconds, retries and pages included."""


class Network(Section):
    """What is kept of the requests that leave this machine."""

    record_file: str = "~/.local/state/rootward/outgoing.jsonl"
    """File to which every request's time, destination and size are appended (never its content); "" keeps no record."""


class Memory(Section):
    """Guidance, facts and past incidents, kept in one file."""

    path: str = "~/.local/share/rootward/memory.sqlite"
    """The file; `~` is your home folder. It is made when something is first kept."""
    environment: Annotated[str, pydantic.Field(min_length=1, max_length=200)] = "default"
    """Which environment's memory is read and written; nothing crosses from one to another."""
    use: bool = True
    """Let guidance and what is remembered steer investigations."""
    skills: bool = True
    """Use the probe recipes of the technologies that the environment shows."""
    remember: bool = True
    """Keep each investigation of a live alert as a past incident."""


class RoleOverride(Section):
    """What one metric means, where discovery gets it wrong; stands above every convention."""

    role: Literal[""] | role_names.Role = ""
    """The role that the metric plays, as `rootward doctor` names them; "" leaves the metric out."""
    entity_label: str = ""
    """The label that tells whom it is about; default: what discovery finds."""
    entity_kind: entities.EntityKind = entities.EntityKind.SERVICE
    """What that label names."""
    scale: float | None = None
    """Factor into the role's unit (seconds, bytes, 0..1); default: from the metric's own unit."""


class Settings(pydantic_settings.BaseSettings):
    """`rootward.yaml`, overlaid by the environment."""

    model_config = pydantic_settings.SettingsConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    connectors: dict[str, AnyConnector] = {}
    """The back ends to ask, each under a name of your own, which evidence cites."""
    investigation: Investigation = Investigation()
    """How much one investigation may spend, and how far back it looks."""
    limits: Limits = Limits()
    """The most that one question to one back end may cost. Reaching one marks the answer as truncated."""
    network: Network = Network()
    """What is kept of the requests that leave this machine."""
    memory: Memory = Memory()
    """Where guidance, facts and past incidents are kept."""
    roles: dict[str, RoleOverride] = {}
    """Metric name → what it means, where discovery gets it wrong."""
    models: dict[str, settings_llm.Model] = {}
    """Language models, each under a name of your own. None is needed."""
    opinion: settings_llm.Opinion = settings_llm.Opinion()
    """A model's second opinion in investigations."""
    model: settings_llm.ModelUse = settings_llm.ModelUse()
    """How models are used, and what one run may spend on them."""

    # Where the values come from; `settings.load` sets them on a subclass of its own.
    from_environment: ClassVar[dict[str, Any]] = {}
    from_file: ClassVar[dict[str, Any]] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[pydantic_settings.BaseSettings],
        init_settings: pydantic_settings.PydanticBaseSettingsSource,
        env_settings: pydantic_settings.PydanticBaseSettingsSource,
        dotenv_settings: pydantic_settings.PydanticBaseSettingsSource,
        file_secret_settings: pydantic_settings.PydanticBaseSettingsSource,
    ) -> tuple[pydantic_settings.PydanticBaseSettingsSource, ...]:
        """The environment stands above the file. The process's own environment is not read here but in `settings.load`."""
        del env_settings, dotenv_settings, file_secret_settings
        environment = pydantic_settings.InitSettingsSource(settings_cls, cls.from_environment)
        file = pydantic_settings.InitSettingsSource(settings_cls, cls.from_file)
        return init_settings, environment, file
