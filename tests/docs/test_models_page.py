"""The page about models: its Python runs, and every provider is on it."""

import re
from pathlib import Path

import pytest

from rootward.llm import providers

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "guide" / "models.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
RECORD = (
    '{"version": 1, "key": "k", "provider": "anthropic", "name": "claude-sonnet-5", "request": {"messages": []}, '
    '"error": "ModelFailed", "message": "x"}\n'
)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_its_python_runs(snippet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calls.jsonl").write_text(RECORD)
    exec(compile(snippet, "models.md", "exec"), {})


def test_every_provider_is_on_the_page() -> None:
    assert len(SNIPPETS) == 2
    for name in providers.NAMES:
        assert f"`{name}`" in PAGE
