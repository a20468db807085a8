"""Ready-made settings with which other people's programs reach the faces: one file each, from the address and the vendors there."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from rootward.dojo.wire import _grafana_sources

NAME = "production"
_OURS = ("prometheus", "loki", "kubernetes", "jaeger", "tempo", "alertmanager", "github", "slack", "pagerduty")
_WITH_TOKEN = ("kubernetes", "github", "slack", "pagerduty")
_ANY = "viewer"  # any token is let in; what may be written is the same for all
_VARIABLES = {
    # what each vendor's own client reads from the environment
    "prometheus": {"PROMETHEUS_URL": "{url}"},
    "loki": {"LOKI_ADDR": "{url}"},
    "tempo": {"TEMPO_URL": "{url}"},
    "jaeger": {"JAEGER_URL": "{url}"},
    "alertmanager": {"ALERTMANAGER_URL": "{url}"},
    "grafana": {"GRAFANA_URL": "{url}", "GRAFANA_SERVICE_ACCOUNT_TOKEN": "glsa_viewer"},
    "github": {"GITHUB_API_URL": "{url}", "GITHUB_TOKEN": "ghp_viewer"},
    "gitlab": {"GITLAB_URL": "{url}", "GITLAB_TOKEN": "glpat-viewer"},
    "slack": {"SLACK_API_URL": "{url}/api/", "SLACK_BOT_TOKEN": "xoxb-viewer"},
    "pagerduty": {"PAGERDUTY_API_URL": "{url}", "PAGERDUTY_API_KEY": "viewer"},
}


def files(base_url: str, vendors: Iterable[str], *, mcp: bool = False) -> dict[str, str]:
    """File name → content, for every program that has something to ask of `vendors`."""
    base_url, present = base_url.rstrip("/"), list(vendors)
    out = {"rootward.yaml": _yaml(_rootward(base_url, present)), "holmes.yaml": _yaml(_holmes(base_url, present, mcp))}
    if "kubernetes" in present:
        out["kubeconfig.yaml"] = _yaml(kubeconfig(base_url))
    if "alertmanager" in present:
        out["amtool.yml"] = _yaml({"alertmanager.url": f"{base_url}/alertmanager"})
    if "exporters" in present:
        out["prometheus.yml"] = _yaml(_scraping(base_url))
    if sources := _data_sources(base_url, present):
        out["grafana-datasources.yaml"] = _yaml({"apiVersion": 1, "datasources": sources})
    if mcp:
        servers = {NAME: {"type": "http", "url": f"{base_url}/mcp"}}
        out["mcp.json"] = json.dumps({"mcpServers": servers}, indent=2) + "\n"
    out["environment.sh"] = _environment(base_url, present)
    return out


def kubeconfig(base_url: str) -> dict[str, Any]:
    """A kubeconfig for `kubectl --kubeconfig FILE` (write it as YAML or JSON) against `faces.serve_app` at `base_url`."""
    server = f"{base_url.rstrip('/')}/kubernetes"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": {"server": server}}],
        "users": [{"name": "viewer", "user": {"token": "viewer"}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": "viewer", "namespace": "default"}}],
        "current-context": NAME,
    }


def _yaml(data: Any) -> str:
    text: str = yaml.safe_dump(data, sort_keys=False)
    return text


def _rootward(base_url: str, present: Sequence[str]) -> dict[str, Any]:
    connectors: dict[str, Any] = {}
    for vendor in (one for one in _OURS if one in present):
        connectors[vendor] = {"type": vendor, "url": f"{base_url}/{vendor}"}
        if vendor in _WITH_TOKEN:
            connectors[vendor]["token"] = _ANY
    return {"connectors": connectors}


def _holmes(base_url: str, present: Sequence[str], mcp: bool) -> dict[str, Any]:
    """HolmesGPT's `config.yaml` (its documentation, "data sources")."""
    toolsets: dict[str, Any] = {}
    if "kubernetes" in present:
        toolsets |= {name: {"enabled": True} for name in ("kubernetes/core", "kubernetes/live-metrics")}
    toolsets["kubernetes/logs"] = {"enabled": "kubernetes" in present and "loki" not in present}
    if "prometheus" in present:
        toolsets["prometheus/metrics"] = {"enabled": True, "config": {"prometheus_url": f"{base_url}/prometheus/"}}
    if "loki" in present:
        toolsets["grafana/loki"] = {"enabled": True, "config": {"url": f"{base_url}/loki"}}
    if "tempo" in present:
        toolsets["grafana/tempo"] = {"enabled": True, "config": {"url": f"{base_url}/tempo"}}
    out: dict[str, Any] = {"toolsets": toolsets}
    if mcp:
        server = {"mode": "streamable-http", "url": f"{base_url}/mcp"}
        out["mcp_servers"] = {NAME: {"description": "Everything that watches production", "config": server}}
    return out


def _scraping(base_url: str) -> dict[str, Any]:
    """A Prometheus of one's own that scrapes every target; scrape times are its own, as its clock runs on."""
    found = {"url": f"{base_url}/exporters/targets", "refresh_interval": "30s"}
    job = {"job_name": NAME, "honor_labels": True, "http_sd_configs": [found]}
    return {"global": {"scrape_interval": "15s"}, "scrape_configs": [job]}


def _data_sources(base_url: str, present: Sequence[str]) -> list[dict[str, Any]]:
    """Grafana's provisioning file, for a Grafana of your own before the faces."""
    found = _grafana_sources.sources(dict.fromkeys(present, _nothing))
    return [
        {
            "name": source.name,
            "type": source.type,
            "access": "proxy",
            "url": f"{base_url}/{source.face}",
            "isDefault": source.face == "prometheus",
            "jsonData": dict(source.options),
        }
        for source in found
    ]


async def _nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    """Stands where a provisioning file has no application."""


def _environment(base_url: str, present: Sequence[str]) -> str:
    lines = [
        f"export {name}={form.format(url=f'{base_url}/{vendor}')}"
        for vendor in present
        for name, form in _VARIABLES.get(vendor, {}).items()
    ]
    if "kubernetes" in present:
        lines.append("export KUBECONFIG=kubeconfig.yaml")
    return "".join(f"{line}\n" for line in lines)
