"""The documentation holds: every command, option, setting and kind of fault is there, links lead somewhere, commands in it exist."""

import re
import shlex
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import readme_demo
import yaml
from typer.testing import CliRunner

from rootward import errors
from rootward.apps import commands_reference, families_reference, settings, settings_model, settings_reference
from rootward.apps.cli import main
from rootward.dojo import faults
from rootward.dojo import world as worlds
from rootward.investigator.causal import fault_kinds
from rootward.signals.answers import Outcome

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
COMMANDS = dict(commands_reference.leaves())
RUN = ("dojo worlds", "dojo faults")  # quick enough to be run as they stand
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def read(*parts: str) -> str:
    return DOCS.joinpath(*parts).read_text(encoding="utf-8")


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """(language, content) of each fenced block."""
    yield from re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def command_lines(page: Path, program: str) -> list[str]:
    """Every use of `program` in a block or between backticks, up to a pipe, a comment or another command."""
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for language, content in blocks(page) if language in ("", "sh") for line in content.splitlines()]
    lines += [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    parts = [part.strip() for line in lines for part in re.split(r"\s&&\s|\s\|\s|\s>\s|\s{2,}#?", line)]
    return [part for part in parts if part == program or part.startswith(program + " ")]


def headings(page: Path) -> set[str]:
    """Anchors as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


# ---- pages that are made from the code


def test_the_reference_of_commands_is_current() -> None:
    assert read("reference", "commands.md") == commands_reference.render(), (
        "run: python -m rootward.apps.commands_reference > docs/reference/commands.md"
    )


def test_every_command_and_option_is_in_the_reference() -> None:
    text = read("reference", "commands.md")
    for words, command in COMMANDS.items():
        section = text.split(f"## `rootward {words}`\n", 1)[1].split("\n## ", 1)[0]
        for parameter in command.params:
            if parameter.name == "help":
                continue
            assert parameter.help, f"rootward {words}: {parameter.name} says what it is for"
            for name in [*parameter.opts, *parameter.secondary_opts]:
                assert name in section or name.upper() in section


def test_every_setting_is_in_the_reference() -> None:
    text = read("reference", "settings.md")
    sections = settings_reference.sections().values()
    for model in [settings_model.Settings, *sections, *settings_model.CONNECTOR_TYPES.values()]:
        for name in model.model_fields:
            assert f"`{name}`" in text, f"{model.__name__}.{name}"


def test_the_readme_shows_what_the_demo_prints() -> None:
    assert readme_demo.shown(readme_demo.README.read_text(encoding="utf-8")) == readme_demo.render(), (
        "run: python tests/docs/readme_demo.py"
    )


# ---- vocabularies


def test_every_kind_of_fault_has_its_sentence() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", read("reference", "faults.md"), re.MULTILINE))
    assert rows == dict(fault_kinds.SENTENCES)


def test_the_page_of_families_is_current() -> None:
    assert read("reference", "families.md") == families_reference.render(), (
        "run: python -m rootward.apps.families_reference > docs/reference/families.md"
    )


def test_the_dojo_breaks_only_what_a_finding_can_name() -> None:
    assert {kind for name in faults.names() for kind in faults.kinds(name)} <= set(fault_kinds.SENTENCES)


def test_words_of_the_glossary_are_sorted_and_defined_once() -> None:
    words = re.findall(r"^\| ([a-z][a-z ]*) \| .+ \|$", read("glossary.md"), re.MULTILINE)[1:]
    assert len(words) > 30
    assert words == sorted(set(words))


def test_the_words_of_the_design_and_of_findings_are_in_the_glossary() -> None:
    words = set(re.findall(r"^\| ([a-z][a-z ]*) \|", read("glossary.md"), re.MULTILINE))
    assert words >= {
        "alert",
        "probe",
        "evidence",
        "hypothesis",
        "finding",
        "world",
        "fault",
        "scenario",
        "capsule",
        "span",
        "band",
        "investigation",
    }


def test_every_outcome_is_explained_where_the_doctor_is() -> None:
    text = read("guide", "your-own-prometheus.md") + read("reference", "connectors.md")
    for outcome in Outcome:
        assert f"`{outcome}`" in text or f"`{str(outcome).replace('_', ' ')}`" in text


def test_every_type_of_connector_is_in_the_guide() -> None:
    for name in settings_model.CONNECTOR_TYPES:
        assert f"type: {name}" in read("guide", "your-own-prometheus.md")


# ---- links


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if urllib.parse.urlsplit(target).scheme:
            continue
        found = (page.parent / urllib.parse.unquote(path)).resolve() if path else page
        assert found.exists(), f"{target} does not exist"
        assert found.is_relative_to(ROOT)
        if anchor:
            assert anchor in headings(found), f"{found.name} has no heading #{anchor}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / target).resolve() for target in targets if not urllib.parse.urlsplit(target).scheme]
    assert set(PAGES) - reached == set(), "link them in docs/README.md, which is the index by reader"


# ---- commands


def check(line: str) -> None:
    """Fails unless `line` names a command that exists, with options that it has and no more arguments than it takes."""
    words = shlex.split(line)[1:]
    if not words or words[0].startswith("-") or words == ["…"]:
        return
    name = next((" ".join(words[:n]) for n in (1, 2) if " ".join(words[:n]) in COMMANDS), None)
    groups = {each.split()[0] for each in COMMANDS}
    if name is None:
        assert words in [[group] for group in groups], f"there is no command {line!r}"
        return
    parameters = COMMANDS[name].params
    known = {option: one for one in parameters for option in [*one.opts, *one.secondary_opts]}
    rest = words[len(name.split()) :]
    assert _positional(rest, known, line) <= sum(one.param_type_name == "argument" for one in parameters), line


def _positional(rest: list[str], known: dict[str, Any], line: str) -> int:
    count, waiting = 0, iter(rest)
    for word in waiting:
        option, has_value, _ = word.partition("=")
        if word in ("[OPTIONS]", "…"):
            continue
        if word.startswith("--"):
            assert option in {*known, "--help"}, f"{line!r}: there is no option {option}"
            takes_value = option in known and not getattr(known[option], "is_flag", False)
            # An option named alone, as in a sentence, goes without its value.
            if takes_value and not has_value and next(waiting, None) is None and len(rest) > 1:
                pytest.fail(f"{line!r}: {option} wants a value")
        else:
            count += 1
    return count


@each_page
def test_commands_on_the_page_exist(page: Path) -> None:
    for line in command_lines(page, "rootward"):
        check(line)


@each_page
def test_what_make_is_asked_for_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in command_lines(page, "make"):
        assert set(line.split()[1:]) <= targets, line


@each_page
def test_worlds_and_faults_on_the_page_exist(page: Path) -> None:
    for line in command_lines(page, "rootward"):
        for option, names in (("--world", worlds.names()), ("--fault", (*faults.names(), "random", "NAME"))):
            for value in re.findall(rf"{option} (\S+)", line):
                assert value in {*names, "NAME"}, line


@pytest.mark.parametrize(
    "wrong",
    [
        "rootward dmeo",
        "rootward demo --wrold x",
        "rootward evals rca a b",
        "rootward dojo list",
        "rootward demo --seed 3 --html",
    ],
)
def test_a_wrong_command_would_be_noticed(wrong: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(wrong)


@pytest.mark.parametrize("words", RUN)
def test_quick_commands_run(words: str) -> None:
    result = CliRunner().invoke(main.app, words.split())
    assert result.exit_code == 0
    assert result.output


@each_page
def test_settings_on_the_page_load(page: Path, tmp_path: Path) -> None:
    for language, content in blocks(page):
        if language != "yaml" or ("connectors:" not in content and "roles:" not in content):
            continue
        file = tmp_path / "rootward.yaml"
        file.write_text(content, encoding="utf-8")
        variables = dict.fromkeys(re.findall(r"\$\{(\w+)", content), "x")
        loaded = settings.load(file, variables)
        assert set(loaded.connectors) == set(yaml.safe_load(content).get("connectors") or {})


def test_settings_that_are_wrong_would_be_noticed(tmp_path: Path) -> None:
    file = tmp_path / "rootward.yaml"
    file.write_text("connectors: {prom: {type: prometheus, adress: x}}", encoding="utf-8")
    with pytest.raises(errors.SettingsError, match="adress"):
        settings.load(file, {})
