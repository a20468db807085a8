"""Writes `docs/reference/settings.md` from the settings' model, so that no setting can be missing there."""

import sys
import typing
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
models:
  main:
    provider: anthropic
    name: claude-sonnet-5
    key: ${ANTHROPIC_API_KEY}
```

This page is made from the settings' own model (`rootward.apps.settings_reference`); a test keeps it current.
"""


def render() -> str:
    """The whole page, as Markdown."""
    parts = [
        _HEAD,
        "## `connectors`\n\n" + _about("connectors") + "\n\n" + _common(),
        *(_connector(name, model) for name, model in settings_model.CONNECTOR_TYPES.items()),
        *(
            f"## `{name}`\n\n{_about(name)}\n\n{_table(model)}{_within(model)}"
            for name, model in sections().items()
            if name != "connectors"
        ),
    ]
    return "\n".join(section.rstrip() + "\n" for section in parts)


def sections() -> dict[str, type[pydantic.BaseModel]]:
    """Every part of the settings with the model of what stands in it, in the order of the settings."""
    return {name: _model_in(field.annotation) for name, field in settings_model.Settings.model_fields.items()}


def _model_in(annotation: Any) -> type[pydantic.BaseModel]:
    """The model that an annotation such as `Limits` or `dict[str, RoleOverride]` holds; of connectors, what all have."""
    for one in (annotation, *typing.get_args(annotation)):
        if isinstance(one, type) and issubclass(one, pydantic.BaseModel):
            return one
    return settings_model.Connector


def _within(model: type[pydantic.BaseModel]) -> str:
    """The sections inside a section, each with its own table."""
    found = {name: _model_in(field.annotation) for name, field in model.model_fields.items()}
    return "".join(
        f"\n\n### `{name}`\n\n{one.__doc__}\n\n{_table(one)}"
        for name, one in found.items()
        if one is not settings_model.Connector
    )


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
        inside = {name: _model_in(model.model_fields[name].annotation) for name in model.model_fields if name in own}
        for name, one in inside.items():
            if one is not settings_model.Connector:
                lines += ["", f"#### `{name}`", "", one.__doc__ or "", "", _table(one)]
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
