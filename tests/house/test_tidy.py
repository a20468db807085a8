"""The house rules that no linter knows: lengths as ratchets, charters, one door each to time, randomness and the environment."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "rootward"
FILES = sorted(SOURCE.rglob("*.py"))

FUNCTION_LINES_MAX = 100  # refused
FUNCTION_LINES_LONG = 70  # wants splitting: the number of such functions may only fall
LONG_FUNCTIONS_NOW = 0
FILE_LINES_MAX = 420


def functions(path: Path) -> list[tuple[str, int]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            found.append((f"{path.relative_to(SOURCE)}:{node.name}", node.end_lineno - node.lineno + 1))
    return found


def test_no_function_is_longer_than_a_hundred_lines() -> None:
    too_long = [(name, lines) for path in FILES for name, lines in functions(path) if lines > FUNCTION_LINES_MAX]
    assert too_long == []


def test_the_number_of_long_functions_only_falls() -> None:
    long = [(name, lines) for path in FILES for name, lines in functions(path) if lines > FUNCTION_LINES_LONG]
    assert len(long) <= LONG_FUNCTIONS_NOW, long


def test_files_hold_one_idea() -> None:
    too_long = [
        (str(path.relative_to(SOURCE)), n)
        for path in FILES
        if (n := len(path.read_text().splitlines())) > FILE_LINES_MAX
    ]
    assert too_long == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_module_opens_by_saying_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_no_vague_module_names() -> None:
    vague = {"utils", "util", "common", "core", "helpers", "helper", "manager", "misc", "base"}
    assert [str(path) for path in FILES if path.stem in vague or path.parent.name in vague] == []


# What may only be called behind its one door: (attribute access, the file that may).
DOORS = {
    ("time", "time"): "_clock.py",
    ("time", "monotonic"): "_clock.py",
    ("time", "perf_counter"): "_clock.py",
    ("time", "sleep"): "_clock.py",
    ("os", "environ"): "apps/settings.py",
    ("os", "getenv"): "apps/settings.py",
    ("random", "random"): "",
    ("np", "random"): "_rng.py",
    ("asyncio", "run"): "_tasks.py",
    ("asyncio", "TaskGroup"): "_tasks.py",
    ("asyncio", "create_task"): "_tasks.py",
    ("asyncio", "gather"): "_tasks.py",
}


def test_time_randomness_tasks_and_environment_have_one_door() -> None:
    broken = []
    for path in FILES:
        name = str(path.relative_to(SOURCE))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                door = DOORS.get((node.value.id, node.attr))
                # np.random.Generator as a type is fine: only making one is randomness.
                if door is not None and name != door and not _is_type_use(path, node):
                    broken.append(f"{name}:{node.lineno}: {node.value.id}.{node.attr}")
    assert broken == []


def _is_type_use(path: Path, node: ast.Attribute) -> bool:
    line = path.read_text(encoding="utf-8").splitlines()[node.lineno - 1]
    return "random.Generator" in line and "random.Generator(" not in line


def test_nothing_of_the_workplace_is_named() -> None:
    root = SOURCE.parents[1]
    # Spelt in parts, so that this file does not name them either.
    words = ["/wo" + "rk/", "/tmp/" + "venv", "farm" + "-bench", "farm" + "-studio", "pypi-" + "more"]
    kinds = {".py", ".md", ".toml", ".yaml", ".sh", ".j2", ".lock", ""}
    files = [
        p for part in ("src", "tests", "docs", "benchmarks", ".ci") for p in (root / part).rglob("*") if p.is_file()
    ]
    files += [root / "README.md", root / "Makefile", root / "pyproject.toml"]
    named = [
        f"{p.relative_to(root)}: {word}"
        for p in files
        if p.suffix in kinds and "__pycache__" not in p.parts
        for word in words
        if word in p.read_text(encoding="utf-8", errors="replace")
    ]
    assert named == []


def test_every_test_file_has_a_name_of_its_own() -> None:
    """Folders of tests are no packages, so pytest cannot tell two files of one name apart."""
    names = [path.name for path in Path(__file__).resolve().parents[1].rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
