"""Settings: precedence, interpolation, errors that name file, line and key, and a reference that is current."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward import errors
from rootward.apps import settings, settings_model, settings_reference, wiring
from rootward.investigator import options

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"
PROMETHEUS = "connectors:\n  prom:\n    type: prometheus\n    url: http://prom:9090\n"


def load(tmp_path: Path, text: str, **environ: str) -> settings.Settings:
    file = tmp_path / "rootward.yaml"
    file.write_text(text)
    return settings.load(file, environ)


def test_nothing_set_gives_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = settings.load(None, {})
    assert loaded.connectors == {}
    assert loaded.investigation == settings_model.Investigation()
    assert wiring.options_from_settings(loaded) == options.Options(), "the documented defaults are those that apply"


def test_the_file_in_the_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rootward.yaml").write_text("investigation: {deadline_s: 7}")
    monkeypatch.chdir(tmp_path)
    assert settings.load(None, {}).investigation.deadline_s == 7.0


def test_the_environment_stands_above_the_file(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        PROMETHEUS + "investigation:\n  deadline_s: 7\n  concurrency: 3\n",
        ROOTWARD_INVESTIGATION__DEADLINE_S="30",
        ROOTWARD_CONNECTORS__PROM__TOKEN="0123",
        HOME="/root",
    )
    assert loaded.investigation.deadline_s == 30.0
    assert loaded.investigation.concurrency == 3
    assert loaded.connectors["prom"].url == "http://prom:9090"
    assert loaded.connectors["prom"].token.get_secret_value() == "0123"


def test_variables_are_put_in_and_secrets_are_not_shown(tmp_path: Path) -> None:
    loaded = load(tmp_path, PROMETHEUS + "    token: ${TOKEN}\n    tenant: ${TENANT:-shop}\n", TOKEN="s3cret")
    assert loaded.connectors["prom"].token.get_secret_value() == "s3cret"
    assert loaded.connectors["prom"].tenant == "shop"
    assert "s3cret" not in repr(loaded)
    assert "s3cret" not in repr(wiring._endpoint_of("prom", loaded.connectors["prom"]))


ERRORS = [
    ("investigation:\n  deadlin_s: 5\n", ["line 2", "investigation.deadlin_s", "did you mean deadline_s"]),
    ("conectors: {}\n", ["line 1", "did you mean connectors"]),
    (PROMETHEUS + "    tokn: x\n", ["line 5", "connectors.prom.tokn", "did you mean token"]),
    ("connectors:\n  prom:\n    type: prometeus\n", ["line 2", "connectors.prom.type", "prometheus"]),
    ("connectors:\n  prom:\n    url: http://x\n", ["needs a type", "prometheus"]),
    ("investigation:\n  deadline_s: soon\n", ["line 2", "investigation.deadline_s", "number"]),
    ("investigation:\n  deadline_s: -1\n", ["greater than 0"]),
    ("limits:\n  lines: 1.5\n", ["limits.lines", "integer"]),
    ("roles:\n  my_metric:\n    role: latency\n", ["roles.my_metric.role", "duration_p99"]),
    ("roles:\n  my_metric:\n    rle: rate\n", ["did you mean role"]),
    (PROMETHEUS + "    token: ${MISSING}\n", ["line 5", "no variable MISSING"]),
    ("connectors: [\n", ["not YAML"]),
    ("- a\n- b\n", ["mapping"]),
    ("just text", ["mapping"]),
]


@pytest.mark.parametrize(
    ("text", "said"), ERRORS, ids=[text.split("\n")[-2][:30] if "\n" in text else text for text, _ in ERRORS]
)
def test_mistakes_are_told_with_place_and_remedy(tmp_path: Path, text: str, said: list[str]) -> None:
    with pytest.raises(errors.SettingsError) as caught:
        load(tmp_path, text)
    for part in [*said, "rootward.yaml"]:
        assert part in str(caught.value)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingsError, match=r"ROOTWARD_INVESTIGATION__DEADLIN_S.*did you mean deadline_s"):
        load(tmp_path, "", ROOTWARD_INVESTIGATION__DEADLIN_S="5")
    with pytest.raises(errors.SettingsError, match="ROOTWARD_LIMIT"):
        load(tmp_path, "", ROOTWARD_LIMIT="5")


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingsError, match=r"nowhere\.yaml"):
        settings.load(tmp_path / "nowhere.yaml", {})


@given(st.text(max_size=60))
def test_any_text_gives_settings_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    with contextlib.suppress(errors.SettingsError):
        settings.load(file, {})


@pytest.mark.parametrize(
    "text", ["a: 2020-99-99", "a: !!python/name:os.system", "{[1]: 2}", "a: &x [*x]", "? - 1\n: 2"]
)
def test_odd_yaml_is_a_clear_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(errors.SettingsError, match=r"rootward\.yaml"):
        load(tmp_path, text)


def test_the_reference_page_is_current() -> None:
    assert DOCS.read_text(encoding="utf-8") == settings_reference.render(), (
        "run: python -m rootward.apps.settings_reference > docs/reference/settings.md"
    )


def test_every_setting_is_explained() -> None:
    sections = [
        settings_model.Investigation,
        settings_model.Limits,
        settings_model.RoleOverride,
        settings_model.Settings,
    ]
    for model in [*sections, *settings_model.CONNECTOR_TYPES.values()]:
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name} says what it is for"


def test_every_type_of_connector_is_wired(tmp_path: Path) -> None:
    rows = "".join(
        f"  {name}:\n    type: {name}\n    url: https://{name}.example.com\n" for name in settings_model.CONNECTOR_TYPES
    )
    rows += (
        "    tools: [{name: search, answers: logs}, {name: chat, answers: messages}]\n"  # of the last one, which is mcp
    )
    from rootward import _clock

    sources = wiring.sources_from_settings(load(tmp_path, "connectors:\n" + rows), _clock.VirtualClock(1e9))
    assert [one.name for one in sources.metrics] == ["prometheus"]
    assert [one.name for one in sources.traces] == ["jaeger", "tempo"]
    assert [one.name for one in sources.changes] == ["github", "pagerduty"]
    assert [one.name for one in sources.alerts] == ["alertmanager", "pagerduty"]
    assert [one.name for one in sources.logs] == ["loki", "mcp"]
    assert [one.name for one in sources.messages] == ["slack", "mcp"]
    assert len(sources.clusters) == 1


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("command: x, tools: []", "tools"),
        ("command: x, url: 'http://x', tools: [{name: a, answers: logs}]", "either `command`"),
        ("tools: [{name: a, answers: logs}]", "either `command`"),
        ("command: x, tools: [{name: a, answers: traces}]", "answers"),
        ("command: x, tools: [{name: a, answers: logs, arguments: {q: '{user}'}}]", "{user}"),
        ("command: x, tools: [{name: a, answers: logs, arguments: {q: ['{service}']}}]", "services"),
        ("command: x, tools: [{name: a, answers: logs, fields: {when: t}}]", "'when'"),
        ("command: x, tools: [{name: a, answers: logs, pattern: '('}]", "no regular expression"),
        ("command: x, tools: [{name: a, answers: logs, pattern: '.*'}]", "named group"),
        ("command: x, tools: [{name: a, answers: metrics}]", "metric"),
    ],
)
def test_a_tool_that_cannot_be_called_is_told(tmp_path: Path, row: str, word: str) -> None:
    with pytest.raises(errors.SettingsError, match=r"connectors\.m") as caught:
        load(tmp_path, f"connectors: {{m: {{type: mcp, {row}}}}}")
    assert word in str(caught.value)


def test_a_connector_without_an_address_is_told(tmp_path: Path) -> None:
    from rootward import _clock

    loaded = load(tmp_path, "connectors:\n  prom:\n    type: prometheus\n")
    with pytest.raises(errors.SettingsError, match=r"connectors\.prom\.url"):
        wiring.sources_from_settings(loaded, _clock.VirtualClock(1e9))


def test_role_overrides_reach_discovery(tmp_path: Path) -> None:
    loaded = load(tmp_path, "roles:\n  b: {role: rate, entity_label: app}\n  a: {role: ''}\n")
    first, second = wiring.overrides_from_settings(loaded)
    assert (first.metric, first.role) == ("a", "")
    assert (second.metric, second.role, second.entity_label, second.scale) == ("b", "rate", "app", None)
