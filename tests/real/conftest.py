"""Other people's clients leave sockets to the garbage collector: whoever runs when it comes by must not be blamed for that."""

import pytest

LEFT_OVER = ("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/real/" in item.path.as_posix():
            for rule in LEFT_OVER:
                item.add_marker(pytest.mark.filterwarnings(rule))
