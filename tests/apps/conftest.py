"""What tests of the command line share: typing a command and reading what it says."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rootward.apps.cli import main

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def memory_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test hears the guidance of whoever runs it, nor leaves any."""
    monkeypatch.setenv("ROOTWARD_MEMORY__PATH", str(tmp_path / "memory.sqlite"))


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """`typed("dojo", "worlds")` → exit status, stdout, stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rootward", *map(str, words)])
        status = 0
        try:
            main.main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        out = capsys.readouterr()
        return status, out.out, out.err

    return run
