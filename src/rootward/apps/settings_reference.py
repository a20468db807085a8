"""Writes `docs/reference/settings.md` from the settings' model, so that no setting can be missing there."""

import sys
from typing import Any

import pydantic
from pydantic_core import PydanticUndefined

from rootward.apps import settings_model

_HEAD = """# Settings

Rootward reads `rootward.yaml` in the current folder (or the file named by `--config`), and overlays it with the environment:
`ROOTWARD_INVESTIGATION__DEADLINE_S=30` sets `investigation.deadline_s`. In the file, `${NAME}` and `${NAME:-default}` are
replaced from the environment; write secrets so. An unknown key is an error that names the nearest valid one. Units are in
the names: `_s` is seconds.

```yaml
connectors:
  prometheus:
    type: prometheus
    url: http://prometheus.monitoring:9090
  cluster:
    type: kubernetes
    kubeconfig: ~/.kube/config
  github:
    type: github
    token: ${GITHUB_TOKEN}
    repositories: [acme/shop]
investigation:
  deadline_s: 60
roles:
  checkout_latency_ms:
    role: duration_p99
    entity_label: app
    scale: 0.001
```

This page is made from the settings' own model (`rootward.apps.settings_reference`); a test keeps it current.
"""


def render() -> str:
    """The whole page, as Markdown."""
    sections = [
        _HEAD,
        "## `connectors`\n\n" + _about("connectors") + "\n\n" + _common(),
        *(_connector(name, model) for name, model in settings_model.CONNECTOR_TYPES.items()),
        "## `investigation`\n\n" + _about("investigation") + "\n\n" + _table(settings_model.Investigation),
        "## `limits`\n\n"
        + _about("limits")
        + " "
        + "Reaching one marks the answer as truncated.\n\n"
        + _table(settings_model.Limits),
        "## `roles`\n\n" + _about("roles") + "\n\n" + _table(settings_model.RoleOverride),
    ]
    return "\n".join(section.rstrip() + "\n" for section in sections)


def _about(name: str) -> str:
    return settings_model.Settings.model_fields[name].description or ""


def _common() -> str:
    types = ", ".join(f"`{name}`" for name in settings_model.CONNECTOR_TYPES)
    return f"`type` is one of {types}. Every connector has:\n\n{_table(settings_model.Connector)}"


def _connector(name: str, model: type[settings_model.Connector]) -> str:
    own = set(model.model_fields) - set(settings_model.Connector.model_fields)
    lines = [f"### `type: {name}`", "", model.__doc__ or "", ""]
    if model.URL:
        lines += [f"`url` is `{model.URL}` unless you set it.", ""]
    if own:
        lines.append(_table(model, only=own))
    return "\n".join(lines)


def _table(model: type[pydantic.BaseModel], only: set[str] | None = None) -> str:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        if only is None or name in only:
            rows.append(
                f"| `{name}` | {_default(field.get_default(call_default_factory=True))} | {_flat(field.description)} |"
            )
    return "\n".join(rows)


def _flat(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "(needed)"
    if isinstance(value, pydantic.SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", (), {}):
        return "(none)"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(render())
