"""Go's text/template as `line_format` and `label_format` use it: fields, pipes, variables, if, range and with, bounded in work and size."""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rootward import errors
from rootward.dojo.engines.logql import template_functions as functions

MAX_STEPS = 20_000
MAX_DEPTH = 32
_ACTION = re.compile(r"\{\{(-(?=\s))?((?:\"(?:[^\"\\]|\\.)*\"|`[^`]*`|[^\"`])*?)((?<=\s)-)?\}\}", re.DOTALL)
_WORD = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])
    |(?P<field>\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|\.(?![\w]))|(?P<variable>\$\w*(?:\.[A-Za-z_]\w*)*)|(?P<name>[A-Za-z_]\w*)
    |(?P<set>:?=)|(?P<symbol>[|(),]))""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}

Render = Callable[[Mapping[str, str], str, int], str]
"""labels, line, time (ns since the epoch) → text."""


@dataclasses.dataclass(slots=True)
class _State:
    """One rendering: variables in scope, what was written, and how much work is left."""

    line: str
    time_ns: int
    variables: dict[str, Any]
    out: list[str] = dataclasses.field(default_factory=list)
    size: int = 0
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise functions.Failed("the template does too much work")

    def write(self, text: str) -> None:
        self.size += len(text)
        if self.size > functions.MAX_TEXT:
            raise functions.Failed(f"the text is longer than {functions.MAX_TEXT} characters")
        self.out.append(text)


Node = Callable[[_State, Any], None]
Value = Callable[[_State, Any], Any]


@functools.lru_cache(maxsize=256)
def compile_template(text: str) -> Render:
    """A function of (labels, line, time in ns) that writes the text; unknown labels are empty.

    The function raises errors.QueryExecutionError where the template fails on a line.

    Raises:
        errors.QuerySyntaxError: not a template, or a function that there is none of.
    """
    parser = _Parser(text)
    nodes, ended = parser.block(0)
    if ended:
        raise _bad(f"unexpected {{{{{ended}}}}}")

    def render(labels: Mapping[str, str], line: str, time_ns: int) -> str:
        state = _State(line, time_ns, {"$": labels})
        try:
            _run(nodes, state, labels)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise errors.QueryExecutionError(f"template: line:1: {error}") from error
        return "".join(state.out)

    return render


def _bad(message: str) -> errors.QuerySyntaxError:
    return errors.QuerySyntaxError(f"invalid line template: template: line:1: {message}")


def _run(nodes: Iterable[Node], state: _State, dot: Any) -> None:
    for node in nodes:
        state.step()
        node(state, dot)


class _Parser:
    """Text and actions, in order."""

    def __init__(self, text: str) -> None:
        self._pieces: list[tuple[bool, str]] = []  # (is it an action, text)
        at, trims = 0, False
        for found in _ACTION.finditer(text):
            plain = text[at : found.start()]
            plain = plain.lstrip() if trims else plain
            self._pieces.append((False, plain.rstrip() if found[1] else plain))
            self._pieces.append((True, found[2].strip()))
            trims, at = bool(found[3]), found.end()
        rest = text[at:].lstrip() if trims else text[at:]
        if "{{" in rest:
            raise _bad("unclosed action")
        self._pieces.append((False, rest))
        self._at = 0

    def block(self, depth: int) -> tuple[list[Node], str]:
        """Nodes up to `end` or `else`, and that action ("" at the end of the text)."""
        if depth > MAX_DEPTH:
            raise _bad("nested too deeply")
        nodes: list[Node] = []
        while self._at < len(self._pieces):
            is_action, text = self._pieces[self._at]
            self._at += 1
            if not is_action:
                if text:
                    nodes.append(_plain(text))
                continue
            if text.startswith("/*") and text.endswith("*/"):
                continue
            word, _, rest = text.partition(" ")
            if word in ("end", "else"):
                return nodes, text
            if word in ("if", "with", "range"):
                nodes.append(self._control(word, rest, depth))
            else:
                nodes.append(_action(text))
        return nodes, ""

    def _control(self, word: str, rest: str, depth: int) -> Node:
        names, value = _assigned(rest)
        body, ended = self.block(depth + 1)
        other: list[Node] = []
        if ended.startswith("else"):
            tail = ended.removeprefix("else").strip()
            if tail:
                inner, _, condition = tail.partition(" ")
                other = [self._control(inner, condition, depth + 1)]
                ended = "end"
            else:
                other, ended = self.block(depth + 1)
        if ended != "end":
            raise _bad("unexpected EOF")
        if word == "range":
            return _range(names, value, body, other)
        return _choice(word == "with", names, value, body, other)


def _plain(text: str) -> Node:
    return lambda state, _dot: state.write(text)


def _action(text: str) -> Node:
    names, value = _assigned(text)

    def node(state: _State, dot: Any) -> None:
        found = value(state, dot)
        if names:
            state.variables[names[-1]] = found
        else:
            state.write(functions.text_of(found))

    return node


def _choice(moves_dot: bool, names: list[str], value: Value, body: list[Node], other: list[Node]) -> Node:
    def node(state: _State, dot: Any) -> None:
        found = value(state, dot)
        for name in names:
            state.variables[name] = found
        if functions.is_true(found):
            _run(body, state, found if moves_dot else dot)
        else:
            _run(other, state, dot)

    return node


def _range(names: list[str], value: Value, body: list[Node], other: list[Node]) -> Node:
    def node(state: _State, dot: Any) -> None:
        found = value(state, dot)
        pairs: list[tuple[Any, Any]] = []
        if isinstance(found, Mapping):
            pairs = sorted(found.items())
        elif isinstance(found, list):
            pairs = list(enumerate(found))
        for key, one in pairs:
            state.step()
            if names:
                state.variables[names[-1]] = one
            if len(names) > 1:
                state.variables[names[0]] = key
            _run(body, state, one)
        if not pairs:
            _run(other, state, dot)

    return node


def _assigned(text: str) -> tuple[list[str], Value]:
    """`$i, $x := pipeline` → the names and the pipeline."""
    words = _words(text)
    place = next((i for i, (kind, _) in enumerate(words) if kind == "set"), -1)
    names = [word for kind, word in words[: max(place, 0)] if kind == "variable"]
    return names, _pipeline(_Words(words[place + 1 :]))


def _words(action: str) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    at = 0
    while action[at:].strip():
        found = _WORD.match(action, at)
        if found is None:
            raise _bad(f"unexpected {action[at:].strip()[:10]!r} in command")
        out.append((found.lastgroup or "", found.group().strip()))
        at = found.end()
    return out


class _Words:
    """A place in a list of words."""

    def __init__(self, words: list[tuple[str, str]]) -> None:
        self._words = words
        self._at = 0
        self.depth = 0

    def now(self) -> tuple[str, str]:
        return self._words[self._at] if self._at < len(self._words) else ("end", "")

    def take(self) -> tuple[str, str]:
        word = self.now()
        self._at += 1
        return word


def _pipeline(words: _Words, *, inside: bool = False) -> Value:
    words.depth += 1
    if words.depth > MAX_DEPTH:
        raise _bad("nested too deeply")
    value = _command(words, None)
    while words.now() == ("symbol", "|"):
        words.take()
        value = _command(words, value)
    if inside:
        if words.take() != ("symbol", ")"):
            raise _bad("unclosed left paren")
    elif words.now()[0] != "end":
        raise _bad(f"unexpected {words.now()[1]!r} in operand")
    words.depth -= 1
    return value


def _command(words: _Words, piped: Value | None) -> Value:
    kind, name = words.now()
    if kind == "name" and name not in ("__line__", "__timestamp__", "now", "true", "false", "nil"):
        words.take()
        arguments = []
        while words.now()[0] != "end" and words.now() not in (("symbol", "|"), ("symbol", ")")):
            arguments.append(_operand(words))
        return _call(name, [*arguments, piped] if piped is not None else arguments)
    if kind == "end" or (kind, name) == ("symbol", "|"):
        raise _bad("missing value for command")
    value = _operand(words)
    if piped is not None or words.now() not in (("end", ""), ("symbol", "|"), ("symbol", ")")):
        raise _bad(f"can't give argument to non-function {name}")
    return value


def _call(name: str, arguments: list[Value]) -> Value:
    if name not in functions.FUNCTIONS:
        raise _bad(f'function "{name}" not defined')
    least, most, function = functions.FUNCTIONS[name]
    if len(arguments) < least or (most is not None and len(arguments) > most):
        wanted = f"at least {least}" if most is None else str(least)
        raise _bad(f"wrong number of args for {name}: want {wanted} got {len(arguments)}")

    def call(state: _State, dot: Any) -> Any:
        state.step()
        values = [argument(state, dot) for argument in arguments]
        try:
            return function(*values)
        except (errors.EngineError, ValueError) as error:
            raise functions.Failed(f"error calling {name}: {error}") from error

    return call


def _operand(words: _Words) -> Value:
    kind, text = words.take()
    if (kind, text) == ("symbol", "("):
        return _pipeline(words, inside=True)
    if kind == "field":
        return _path(lambda _state, dot: dot, text.split(".")[1:] if text != "." else [])
    if kind == "variable":
        name, *path = text.split(".")
        return _path(lambda state, _dot: _variable(state, name), path)
    if kind == "string":
        plain = text[1:-1] if text[0] == "`" else re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text[1:-1])
        return lambda _state, _dot: plain
    if kind == "number":
        number = float(text) if any(c in text for c in ".eE") else int(text)
        return lambda _state, _dot: number
    special: dict[str, Value] = {
        "__line__": lambda state, _dot: state.line,
        "__timestamp__": lambda state, _dot: functions.Time(state.time_ns),
        "now": lambda state, _dot: functions.Time(state.time_ns),
        "true": lambda _state, _dot: True,
        "false": lambda _state, _dot: False,
        "nil": lambda _state, _dot: None,
    }
    if kind == "name" and text in special:
        return special[text]
    if kind == "name":
        return _call(text, [])
    raise _bad(f"unexpected {text!r} in operand")


def _variable(state: _State, name: str) -> Any:
    if name not in state.variables:
        raise functions.Failed(f"undefined variable: {name}")
    return state.variables[name]


def _path(start: Value, path: list[str]) -> Value:
    def value(state: _State, dot: Any) -> Any:
        found = start(state, dot)
        for i, name in enumerate(path):
            if not isinstance(found, Mapping):
                raise functions.Failed(f"can't evaluate field {name} in type {type(found).__name__}")
            # Labels are texts, so that a missing one is the empty text; elsewhere it is no value.
            found = found.get(name, "" if i == 0 and found is state.variables["$"] else None)
        return found

    return value
