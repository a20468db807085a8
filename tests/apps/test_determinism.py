"""Same seed, same bytes: two processes that hash differently print the same finding, down to the byte."""

import os
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-c", "from rootward.apps.cli.main import main; main()", "demo", "--json"]


def printed(hash_seed: str, *words: str) -> bytes:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run([*COMMAND, *words], check=True, capture_output=True, env=environment, timeout=120).stdout


@pytest.mark.parametrize(
    "words", [("--fault", "memory_leak", "--seed", "5"), ("--world", "data-pipeline", "--seed", "2")]
)
def test_two_processes_print_the_same_bytes(words: tuple[str, ...]) -> None:
    first = printed("1", *words)
    assert first == printed("2", *words)
    assert len(first) > 1000
