"""The door to event loops: results come back as they are, and nobody pays for a description of them."""

import pytest

from rootward import _tasks


class Undescribed:
    def __repr__(self) -> str:
        raise AssertionError("described, and the text thrown away")


async def give(what: object) -> object:
    return what


async def fail() -> None:
    raise LookupError("as it was raised")


def test_a_result_is_handed_back_and_not_described() -> None:
    result = Undescribed()
    assert _tasks.run(give(result)) is result


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(LookupError, match="as it was raised"):
        _tasks.run(fail())
