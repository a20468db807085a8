"""Go's regular expressions (RE2) on Python's engine: the same meaning where both have it, a typed error elsewhere."""

import functools
import re

from rootward import errors

_POSIX = {
    "[:alnum:]": "0-9A-Za-z",
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:punct:]": r"!-/:-@\[-`{-~",
    "[:space:]": r"\s",
    "[:upper:]": "A-Z",
    "[:word:]": r"\w",
    "[:xdigit:]": "0-9A-Fa-f",
}
_NOT_RE2 = re.compile(r"\(\?(?:=|!|<=|<!|\()|\\[1-9]")
_LATE_FLAGS = re.compile(r"^\(\?([ims]+)\)")


@functools.lru_cache(maxsize=1024)
def compile_re2(text: str, *, anchored: bool) -> re.Pattern[str]:
    """A pattern that means what RE2 would; `anchored` at both ends as label matchers are, with `.` matching newlines.

    Raises:
        errors.QuerySyntaxError: it is not a regular expression, or uses look-around or back-references, which RE2 refuses.
    """
    if _NOT_RE2.search(text.replace("\\\\", "")):
        raise errors.QuerySyntaxError(f"error parsing regexp: invalid or unsupported Perl syntax: `{text}`")
    for name, members in _POSIX.items():
        text = text.replace(name, members)
    text = text.replace(r"\z", r"\Z").replace("(?<", "(?P<")
    flags = re.ASCII | (re.DOTALL if anchored else 0)
    while found := _LATE_FLAGS.match(text):  # Python wants flags before the anchors that are added here
        for letter in found.group(1):
            flags |= {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}[letter]
        text = text[found.end() :]
    try:
        return re.compile(rf"\A(?:{text})\Z" if anchored else text, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise errors.QuerySyntaxError(f"error parsing regexp: {error}: `{text}`") from error
