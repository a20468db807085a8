"""The part of Go's text/template that `line_format` and `label_format` are used with: fields, pipes and string functions."""

import functools
import re
from collections.abc import Callable, Mapping

from rootward import errors

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_WORD = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?P<number>-?\d+)|(?P<field>\.[A-Za-z_][A-Za-z0-9_]*)|(?P<name>[A-Za-z_]\w*)|(?P<pipe>\|))'
)

Render = Callable[[Mapping[str, str], str], str]


def _trunc(count: str, text: str) -> str:
    n = int(count)
    return text[:n] if n >= 0 else text[n:]


_FUNCTIONS: dict[str, tuple[int, Callable[..., str]]] = {
    "upper": (1, str.upper),
    "lower": (1, str.lower),
    "title": (1, str.title),
    "ToUpper": (1, str.upper),
    "ToLower": (1, str.lower),
    "trim": (1, str.strip),
    "TrimSpace": (1, str.strip),
    "trimAll": (2, lambda cut, text: text.strip(cut)),
    "trimPrefix": (2, lambda cut, text: text.removeprefix(cut)),
    "trimSuffix": (2, lambda cut, text: text.removesuffix(cut)),
    "TrimPrefix": (2, lambda text, cut: text.removeprefix(cut)),
    "TrimSuffix": (2, lambda text, cut: text.removesuffix(cut)),
    "Replace": (4, lambda text, old, new, n: text.replace(old, new, int(n))),
    "replace": (3, lambda old, new, text: text.replace(old, new)),
    "trunc": (2, _trunc),
    "substr": (3, lambda start, end, text: text[int(start) : int(end)]),
    "default": (2, lambda other, text: text or other),
    "repeat": (2, lambda n, text: text * min(max(int(n), 0), 1000)),
    "contains": (2, lambda part, text: "true" if part in text else "false"),
    "len": (1, lambda text: str(len(text.encode()))),
    "printf": (2, lambda shape, text: shape.replace("%s", text).replace("%v", text)),
}


@functools.lru_cache(maxsize=256)
def compile_template(text: str) -> Render:
    """A function of (labels, line) that writes the text; unknown labels are empty.

    Raises:
        errors.QuerySyntaxError: an action outside this part of the language.
    """
    pieces: list[str | Render] = []
    at = 0
    for found in _ACTION.finditer(text):
        pieces.append(text[at : found.start()])
        pieces.append(_pipeline(found.group(1)))
        at = found.end()
    rest = text[at:]
    if "{{" in rest:
        raise errors.QuerySyntaxError("invalid line template: template: line:1: unclosed action")
    pieces.append(rest)
    return lambda labels, line: "".join(p if isinstance(p, str) else p(labels, line) for p in pieces)


def _words(action: str) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    at = 0
    while action[at:].strip():
        found = _WORD.match(action, at)
        if found is None:
            raise errors.QuerySyntaxError(f"invalid line template: unexpected {action[at:].strip()[:10]!r} in command")
        out.append((found.lastgroup or "", found.group().strip()))
        at = found.end()
    return out


def _pipeline(action: str) -> Render:
    commands: list[list[tuple[str, str]]] = [[]]
    for kind, text in _words(action):
        if kind == "pipe":
            commands.append([])
        else:
            commands[-1].append((kind, text))
    render: Render | None = None
    for command in commands:
        if not command:
            raise errors.QuerySyntaxError("invalid line template: missing value for command")
        render = _command(command, render)
    assert render is not None, "there is at least one command"
    return render


def _command(words: list[tuple[str, str]], piped: Render | None) -> Render:
    kind, name = words[0]
    if kind != "name" or name in ("__line__", "__timestamp__"):
        if len(words) > 1 or piped is not None:
            raise errors.QuerySyntaxError(f"invalid line template: can't give argument to non-function {name}")
        return _operand(kind, name)
    if name not in _FUNCTIONS:
        raise errors.QuerySyntaxError(f'invalid line template: template: line:1: function "{name}" not defined')
    count, function = _FUNCTIONS[name]
    arguments = [_operand(*word) for word in words[1:]] + ([piped] if piped is not None else [])
    if len(arguments) != count:
        raise errors.QuerySyntaxError(
            f"invalid line template: wrong number of args for {name}: want {count} got {len(arguments)}"
        )

    def call(labels: Mapping[str, str], line: str) -> str:
        values = [argument(labels, line) for argument in arguments]
        try:
            return function(*values)
        except ValueError as error:
            raise errors.QueryExecutionError(f"template: line:1: error calling {name}: {error}") from error

    return call


def _operand(kind: str, text: str) -> Render:
    if kind == "field":
        name = text[1:]
        return lambda labels, _line: labels.get(name, "")
    if kind == "string":
        plain = (
            text[1:-1] if text[0] == "`" else text[1:-1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
        )
        return lambda _labels, _line: plain
    if kind == "number":
        return lambda _labels, _line: text
    if text == "__line__":
        return lambda _labels, line: line
    if text == "__timestamp__":
        return lambda labels, _line: labels.get("__timestamp__", "")
    raise errors.QuerySyntaxError(f'invalid line template: function "{text}" not defined')
