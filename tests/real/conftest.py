"""Other people's clients leave sockets to the garbage collector, until after the last test: nobody here must be blamed for that."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # As if given with -W, which also holds when the session ends; everything else stays an error.
    for rule in (
        "ignore:unclosed:ResourceWarning",
        "ignore:Exception ignored in.*socket:pytest.PytestUnraisableExceptionWarning",
    ):
        config.addinivalue_line("filterwarnings", rule)
