"""Reads `rootward.yaml` and the environment into checked settings: the only place that looks at either.

Precedence: `ROOTWARD_…` variables, then the file, then defaults. In variables `__` steps into a section, so that
`ROOTWARD_INVESTIGATION__DEADLINE_S=30` sets `investigation.deadline_s`. In the file `${NAME}` and `${NAME:-default}` stand for
the environment, so that secrets need not be written down.
"""

import difflib
import os
import re
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pydantic
import yaml

from rootward import errors
from rootward.apps import settings_llm, settings_model

Settings = settings_model.Settings

DEFAULT_FILE = Path("rootward.yaml")
PREFIX = "ROOTWARD_"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `path` (default: rootward.yaml in the current folder, if there is one) and `environ` (default: the
    process's own).

    Raises:
        errors.SettingsError: the file cannot be read, a key does not exist, or a value is wrong; the message names file,
            line and key, and the nearest valid key.
    """
    environment = os.environ if environ is None else environ
    file = path if path is not None else DEFAULT_FILE
    text = _read(file) if path is not None or file.exists() else ""
    tree = _parse(text, file)
    try:
        values = _interpolate(yaml.safe_load(text) or {}, environment, (), file, tree)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # odd tags, dates, keys; a list in itself
        raise errors.SettingsError(f"{file} cannot be read as settings: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise errors.SettingsError(f"{file}: settings are a mapping such as `connectors:`, not {type(values).__name__}")
    overlay = _from_environment(environment)

    class Loaded(Settings):
        from_environment = overlay
        from_file = values

    try:
        return Loaded()
    except pydantic.ValidationError as error:
        told = [_explain(one, file, tree, overlay) for one in error.errors(include_url=False, include_input=False)]
        raise errors.SettingsError("\n".join(dict.fromkeys(told))) from error


def process_environment() -> Mapping[str, str]:
    """The process's own variables, for those few that need one by name (a pod's service account, a home folder)."""
    return os.environ


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.SettingsError(f"cannot read the settings {file}: {error}") from error


def _parse(text: str, file: Path) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise errors.SettingsError(f"{file} is not YAML: {' '.join(str(error).split())}") from error


def _interpolate(
    value: Any, environ: Mapping[str, str], at: tuple[str, ...], file: Path, tree: yaml.Node | None
) -> Any:
    """`value` with `${NAME}` replaced in every text."""
    if isinstance(value, dict):
        return {str(key): _interpolate(one, environ, (*at, str(key)), file, tree) for key, one in value.items()}
    if isinstance(value, list):
        return [_interpolate(one, environ, (*at, str(i)), file, tree) for i, one in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        found = environ.get(match[1], match[2])
        if found is None:
            where = _where(file, tree, at)
            raise errors.SettingsError(
                f"{where}: the environment has no variable {match[1]}, which ${{{match[1]}}} needs"
            )
        return found

    return _VARIABLE.sub(replace, value)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings in `ROOTWARD_…` variables, nested. Values are read as YAML, so that numbers and lists can be written.

    Secrets stay as they are written: a token of digits is a text.
    """
    found: dict[str, Any] = {}
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX):
            continue
        *sections, last = name[len(PREFIX) :].lower().split("__")
        place = found
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise errors.SettingsError(f"{name} sets a part of what another variable sets as a whole")
        place[last] = _value(environ[name], ".".join([*sections, last]))
    return found


def _value(text: str, key: str) -> Any:
    if key.rpartition(".")[2] in ("token", "password", "url", "username", "key", "base_url") or ".headers." in key:
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _explain(error: Any, file: Path, tree: yaml.Node | None, overlay: Mapping[str, Any]) -> str:
    """One sentence about one wrong value: where it stands, what was expected, and the nearest valid key."""
    keys = _without_tags(tuple(str(part) for part in error["loc"]))
    where = _where(file, tree, keys)
    if _holds(overlay, keys):
        where = f"environment variable {PREFIX}{'__'.join(keys).upper()}"
    shown = ".".join(keys)
    if error["type"] == "extra_forbidden":
        return f"{where}: there is no setting {shown}{_suggestion(keys[-1], _fields_at(keys[:-1]))}"
    if error["type"] == "union_tag_invalid":
        return f"{where}: {shown}.type is one of {', '.join(settings_model.CONNECTOR_TYPES)}"
    if error["type"] == "union_tag_not_found":
        return f"{where}: {shown} needs a type, one of {', '.join(settings_model.CONNECTOR_TYPES)}"
    return f"{where}: {shown}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _without_tags(loc: tuple[str, ...]) -> tuple[str, ...]:
    """The keys as they are written: pydantic adds a connector's type after its name, and the branch of a union."""
    if len(loc) > 2 and loc[0] == "connectors" and loc[2] in settings_model.CONNECTOR_TYPES:
        loc = (*loc[:2], *loc[3:])
    if len(loc) > 3 and loc[0] == "roles":
        loc = loc[:3]
    return tuple(part for part in loc if part != "[key]")


def _fields_at(keys: tuple[str, ...]) -> list[str]:
    """Names of the settings in the section that `keys` lead to."""
    if len(keys) == 2 and keys[0] == "connectors":
        # Which connector it is does not matter for a suggestion.
        return sorted({name for model in settings_model.CONNECTOR_TYPES.values() for name in model.model_fields})
    if len(keys) == 2 and keys[0] == "roles":
        return list(settings_model.RoleOverride.model_fields)
    if keys[:1] == ("models",) and len(keys) in (2, 3):
        return list((settings_llm.Price if keys[2:] == ("price",) else settings_llm.Model).model_fields)
    if not keys:
        return list(Settings.model_fields)
    field = Settings.model_fields.get(keys[0])
    section = field.annotation if field is not None and len(keys) == 1 else None
    plain = isinstance(section, type) and not isinstance(section, types.GenericAlias)
    fields = getattr(section, "model_fields", {}) if plain and typing.get_origin(section) is None else {}
    return list(fields)


def _suggestion(key: str, known: Iterable[str]) -> str:
    listed = sorted(known)
    near = difflib.get_close_matches(key.lower(), listed, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are {', '.join(listed)}" if listed else ""


def _holds(overlay: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    place: Any = overlay
    for key in keys:
        if not isinstance(place, dict) or key not in place:
            return False
        place = place[key]
    return bool(keys)


def _where(file: Path, tree: yaml.Node | None, keys: tuple[str, ...]) -> str:
    """File and line of the deepest part of `keys` that the file has."""
    node, line = tree, None
    for key in keys:
        found = _child(node, key)
        if found is None:
            break
        node, line = found
    return f"{file}, line {line}" if line is not None else str(file)


def _child(node: yaml.Node | None, key: str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if str(name.value) == key:
                return value, name.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
        return node.value[int(key)], node.value[int(key)].start_mark.line + 1
    return None
