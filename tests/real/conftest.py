"""Other people's clients leave sockets to the garbage collector, until after the last test: nobody here must be blamed for that."""

import warnings

import pytest

LEFT_OPEN = "unclosed"
"""How Python's warnings about sockets and files that nobody closed begin; everything else stays an error."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", f"ignore:{LEFT_OPEN}:ResourceWarning")  # in every test
    warnings.filterwarnings(
        "ignore", LEFT_OPEN, ResourceWarning
    )  # and when the session ends, whose filters are set by now
