"""Regular expressions of LogQL and of label matchers: RE2's language and its linear time, asked one text or many at once."""

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rootward.dojo.engines import re2


def check(pattern: str) -> None:
    """Raises errors.QuerySyntaxError where the pattern is not one of RE2's, in Go's words."""
    re2.matches(pattern, ("",))


def matching(pattern: str, texts: Sequence[str], *, anchored: bool) -> npt.NDArray[np.bool_]:
    """Which texts match; `anchored` at both ends as label matchers are, with `.` matching newlines. Shape [len(texts)].

    Raises:
        errors.QuerySyntaxError: as `check`.
    """
    return re2.matches(re2.whole(pattern, dot_newline=True) if anchored else pattern, texts)


@functools.lru_cache(maxsize=65_536)
def is_match(pattern: str, text: str, *, anchored: bool) -> bool:
    """The same for one text; values repeat, so answers are kept."""
    return bool(matching(pattern, (text,), anchored=anchored)[0])
