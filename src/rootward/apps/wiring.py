"""Puts the parts together: settings or faces in, sources out; any alert's JSON in, an alert out."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rootward import _clock, _rng, errors
from rootward.apps import settings as settings_module
from rootward.apps import settings_model
from rootward.connectors import _endpoint, _http
from rootward.connectors.alertmanager import AlertmanagerSource
from rootward.connectors.alertmanager import webhook as alertmanager_webhook
from rootward.connectors.github import GitHubSource
from rootward.connectors.jaeger import JaegerSource
from rootward.connectors.kubernetes import KubernetesSource, access
from rootward.connectors.loki import LokiSource
from rootward.connectors.mcp.over_http import HttpSession
from rootward.connectors.mcp.over_stdio import Command, StdioSession
from rootward.connectors.mcp.source import McpSource
from rootward.connectors.pagerduty import PagerDutySource
from rootward.connectors.pagerduty import webhook as pagerduty_webhook
from rootward.connectors.prometheus import PrometheusSource
from rootward.connectors.slack import SlackSource
from rootward.connectors.tempo import TempoSource
from rootward.investigator import confidence, options
from rootward.signals import alert_json, alerts, outgoing, protocols, roles

Settings = settings_module.Settings


@dataclasses.dataclass(frozen=True, slots=True)
class _Vendor:
    """`build` makes the source (with None for settings: over a face in this process); `kinds` are the fields of `Sources`
    that it can stand in."""

    build: Callable[[str, _http.HttpClient, Any], Any]
    kinds: tuple[str, ...]


_VENDORS = {
    "prometheus": _Vendor(
        lambda name, http, chosen: PrometheusSource(
            name, http, page_url=(chosen.page_url or chosen.url) if chosen else ""
        ),
        ("metrics",),
    ),
    "loki": _Vendor(
        lambda name, http, chosen: LokiSource(
            name, http, every_stream_label=chosen.every_stream_label if chosen else ""
        ),
        ("logs",),
    ),
    "kubernetes": _Vendor(
        lambda name, http, chosen: KubernetesSource(name, http, namespaces=chosen.namespaces if chosen else ()),
        ("clusters",),
    ),
    "jaeger": _Vendor(
        lambda name, http, chosen: (
            JaegerSource(name, http, api=chosen.api, page_url=chosen.page_url or chosen.url)
            if chosen
            else JaegerSource(name, http)
        ),
        ("traces",),
    ),
    "tempo": _Vendor(lambda name, http, _chosen: TempoSource(name, http), ("traces",)),
    "github": _Vendor(
        lambda name, http, chosen: GitHubSource(name, http, repositories=chosen.repositories if chosen else ()),
        ("changes",),
    ),
    "slack": _Vendor(
        lambda name, http, chosen: SlackSource(name, http, channels=chosen.channels if chosen else ()), ("messages",)
    ),
    "alertmanager": _Vendor(lambda name, http, _chosen: AlertmanagerSource(name, http), ("alerts",)),
    "pagerduty": _Vendor(lambda name, http, _chosen: PagerDutySource(name, http), ("changes", "alerts")),
}


class _StandingClock:
    """A simulated system's time, which waiting does not move: a retry must not bring what has not happened yet into view."""

    def __init__(self, clock: _clock.Clock) -> None:
        self._clock = clock

    def now_s(self) -> float:
        return self._clock.now_s()

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()

    async def sleep(self, seconds: float) -> None:
        del seconds
        await _clock.VirtualClock().sleep(0.0)


def sources_from_faces(faces: Mapping[str, _http.ASGIApp], clock: _clock.Clock) -> protocols.Sources:
    """Sources over applications in this process, by vendor, of those that a connector speaks. Where both Jaeger and Tempo hold the traces, Jaeger is asked."""
    found: dict[str, list[Any]] = {}
    standing = _StandingClock(clock)
    for name, app in faces.items():
        if name not in _VENDORS or (name == "tempo" and "jaeger" in faces):  # some faces no connector speaks yet
            continue
        http = _http.HttpClient.in_process(name, app, clock=standing, rng=_rng.stream(0, "http", name))
        _place(found, _VENDORS[name].kinds, _VENDORS[name].build(name, http, None))
    return protocols.Sources(**{kind: tuple(sources) for kind, sources in found.items()})


def sources_from_settings(settings: Settings, clock: _clock.Clock) -> protocols.Sources:
    """The configured back ends, in the order of the settings. Nothing is asked of them yet.

    Raises:
        errors.SettingsError: a connector lacks what it needs (an address, a kubeconfig that can be used).
    """
    found: dict[str, list[Any]] = {}
    record = outgoing_log(settings)

    def client(name: str, chosen: settings_model.Connector) -> _http.HttpClient:
        # Two processes that retry must not do so in step, so the jitter depends on when each was started.
        rng = _rng.stream(int(clock.now_s() * 1000), "http", name)
        return _http.HttpClient(name, _endpoint_of(name, chosen), clock=clock, rng=rng, record=record)

    for name, chosen in settings.connectors.items():
        if not isinstance(chosen, settings_model.Mcp):
            _place(found, _VENDORS[chosen.type].kinds, _VENDORS[chosen.type].build(name, client(name, chosen), chosen))
    # Tools stand behind the vendors' own APIs, which answer more: a closer look asks the first source of its kind.
    for name, chosen in settings.connectors.items():
        if isinstance(chosen, settings_model.Mcp):
            source = _mcp_source(name, chosen, clock, functools.partial(client, name, chosen))
            _place(found, source.kinds, source)
    return protocols.Sources(**{kind: tuple(sources) for kind, sources in found.items()})


def _place(found: dict[str, list[Any]], kinds: tuple[str, ...], source: Any) -> None:
    for kind in kinds:
        found.setdefault(kind, []).append(source)


_SEEN_BY_COMMANDS = ("PATH", "HOME", "LANG", "TMPDIR")


def _mcp_source(
    name: str, chosen: settings_model.Mcp, clock: _clock.Clock, client: Callable[[], _http.HttpClient]
) -> McpSource:
    """Tools of a server that is started here, or reached over HTTP."""
    listed = tuple(one.tool() for one in chosen.tools)
    allowed = frozenset(one.name for one in listed)
    if chosen.url:
        return McpSource(name, HttpSession(name, allowed, client()), listed, clock=clock)
    ours = settings_module.process_environment()
    environment = {key: ours[key] for key in _SEEN_BY_COMMANDS if key in ours}
    environment |= {key: value.get_secret_value() for key, value in chosen.env.items()}
    command = Command((_expanded(chosen.command), *chosen.args), environment)
    return McpSource(name, StdioSession(name, allowed, command), listed, clock=clock)


def outgoing_log(settings: Settings) -> outgoing.FileLog | None:
    """The record of what leaves; None when the settings want none."""
    file = settings.network.record_file
    return outgoing.FileLog(Path(_expanded(file))) if file else None


def options_from_settings(settings: Settings) -> options.Options:
    """The investigator's budgets and windows.

    Raises:
        SettingsError: the calibration table cannot be used, or cannot promise as little as is asked for.
    """
    chosen = settings.investigation
    return options.Options(
        deadline_s=chosen.deadline_s,
        concurrency=chosen.concurrency,
        history_s=chosen.baseline_s,
        lead_s=chosen.lead_s,
        lookback_s=chosen.lookback_s,
        context_s=chosen.context_s,
        points_max=chosen.points_max,
        bindings_max=chosen.probe_limit,
        log_lines_max=chosen.log_lines_max,
        traces_max=chosen.traces_max,
        spans_max=chosen.spans_max,
        suspects_max=chosen.suspects_max,
        limits=protocols.Limits(**settings.limits.model_dump()),
        voice=voice_from_settings(settings),
    )


def voice_from_settings(settings: Settings, table: Path | None = None) -> confidence.Voice:
    """How sure one must be to speak: the promise of the settings, by `table`, or theirs, or the shipped one.

    Raises:
        SettingsError: the table cannot be used, or cannot promise as little as is asked for.
    """
    chosen = settings.investigation
    path = table or (Path(_expanded(chosen.calibration_file)) if chosen.calibration_file else None)
    if path is None:
        source, found = "the calibration table that is shipped", confidence.shipped_table()
    else:
        try:
            source, found = str(path), confidence.read(path)
        except errors.InputError as error:
            raise errors.SettingsError(str(error)) from error
    return confidence.voice(found, chosen.false_confidence_max, source=source)


def overrides_from_settings(settings: Settings) -> tuple[roles.Override, ...]:
    """What people said of single metrics, ordered by metric."""
    return tuple(
        roles.Override(metric, str(one.role), one.entity_label, one.entity_kind, one.scale)
        for metric, one in sorted(settings.roles.items())
    )


def read_alert(data: object) -> alerts.Alert:
    """The alert in a payload of Alertmanager (webhook or API), PagerDuty (webhook or API), or our own JSON.

    Of several the first that fires is taken: they are one group, and the investigation looks at all of it anyway.

    Raises:
        errors.AlertError: no format accepts it; the message says what was expected.
    """
    if alertmanager_webhook.recognises(data):
        return alertmanager_webhook.parse(data)[0]
    if pagerduty_webhook.recognises(data):
        return pagerduty_webhook.parse(data)[0]
    try:
        found = alert_json.parse(data)
    except errors.AlertError as error:
        expected = (
            "an alert is Alertmanager's webhook or API JSON, PagerDuty's webhook or incident JSON, or an object of our own "
            'such as {"name": "CheckoutErrors", "starts_at": "2026-03-04T10:15:00Z", "labels": {"service": "checkout"}}'
        )
        raise errors.AlertError(f"{error}; {expected}") from error
    if not found:
        raise errors.AlertError("the list holds no alert")
    return found[0]


def _endpoint_of(name: str, chosen: settings_model.Connector) -> _endpoint.Endpoint:
    base = _kubernetes_endpoint(chosen) if isinstance(chosen, settings_model.Kubernetes) else _endpoint.Endpoint("")
    headers = {key: value.get_secret_value() for key, value in chosen.headers.items()}
    if tenant := getattr(chosen, "tenant", ""):
        headers["X-Scope-OrgID"] = tenant
    url = chosen.url or base.base_url or chosen.URL
    if not url.startswith(("http://", "https://")):
        raise errors.SettingsError(
            f"connectors.{name}.url is {url!r}; it must be an address such as https://{chosen.type}.example.com"
        )
    return dataclasses.replace(
        base,
        base_url=url,
        headers=headers,
        username=chosen.username or base.username,
        password=chosen.password.get_secret_value() or base.password,
        token=chosen.token.get_secret_value() or base.token,
        token_file=_expanded(chosen.token_file) or base.token_file,
        token_prefix="Token token=" if chosen.type == "pagerduty" else base.token_prefix,
        ca_file=_expanded(chosen.ca_file) or base.ca_file,
        client_cert_pem=_pem(name, chosen.client_cert_file) or base.client_cert_pem,
        client_key_pem=_pem(name, chosen.client_key_file) or base.client_key_pem,
        verify=chosen.verify and base.verify,
        proxy=chosen.proxy or base.proxy,
        attempts=chosen.attempts,
    )


def _kubernetes_endpoint(chosen: settings_model.Kubernetes) -> _endpoint.Endpoint:
    if chosen.in_cluster:
        return access.in_cluster(settings_module.process_environment())
    if chosen.kubeconfig:
        return access.from_kubeconfig(Path(_expanded(chosen.kubeconfig)), chosen.context)
    return _endpoint.Endpoint("")


def _pem(name: str, file: str) -> str:
    try:
        return Path(_expanded(file)).read_text(encoding="ascii") if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise errors.SettingsError(f"connectors.{name}: cannot read {file}: {error}") from error


def _expanded(file: str) -> str:
    return str(Path(file).expanduser()) if file else ""
