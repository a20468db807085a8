"""kubectl's human-readable output, taken apart: tables by column, `describe` by indentation, ages, dates and lists.

Layouts follow `k8s.io/kubectl/pkg/describe` and `k8s.io/cli-runtime/pkg/printers`; nothing here knows a kind of object.
"""

import dataclasses
import datetime as dt
import email.utils
import re
from collections.abc import Iterator

NONE = frozenset({"", "<none>", "<unset>", "<unknown>", "<nil>", "<invalid>", "n/a"})


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """One line of a `describe` and everything indented under it. `key` is "" when the line has no `Key:`."""

    indent: int
    text: str
    key: str
    value: str
    children: list["Node"]

    def child(self, key: str) -> "Node | None":
        """The first line under this one with `key`, or None."""
        return next((node for node in self.children if node.key == key), None)

    def get(self, key: str) -> str:
        """The value after `key:` under this line; "" when absent or one of kubectl's words for nothing."""
        node = self.child(key)
        return "" if node is None or node.value in NONE else node.value

    def values(self, key: str) -> list[str]:
        """The value after `key:` and its continuation lines, as labels, tolerations and annotations are printed."""
        node = self.child(key)
        if node is None:
            return []
        return [text for text in (node.value, *(line.text for line in node.walk())) if text not in NONE]

    def walk(self) -> Iterator["Node"]:
        """Every line under this one, in order."""
        for node in self.children:
            yield node
            yield from node.walk()


_KEYED = re.compile(r"^([^\s:][^:]*):(?:\s+(.*))?$")


def tree(text: str) -> Node:
    """The lines of a `describe` by indentation, under a root without text."""
    root = Node(-1, "", "", "", [])
    stack = [root]
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped:
            continue
        indent = len(line) - len(line.lstrip())
        while indent <= stack[-1].indent:
            stack.pop()
        keyed = _KEYED.match(stripped)
        key, value = (keyed.group(1), (keyed.group(2) or "").strip()) if keyed else ("", stripped)
        node = Node(indent, stripped, key, value, [])
        stack[-1].children.append(node)
        stack.append(node)
    return root


def table(text: str) -> list[dict[str, str]]:
    """Rows of a `get` table by its header's columns; [] for "No resources found" and the like.

    Column names are upper-case words with single spaces; cells are cut at the header's offsets.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or not re.match(r"^(NAME|LAST SEEN|NAMESPACE)\b", lines[0]):
        return []
    columns = [(match.start(), match.group()) for match in re.finditer(r"\S+(?: \S+)*", lines[0])]
    bounds = [start for start, _ in columns]
    rows = []
    for line in lines[1:]:
        ends = [*bounds[1:], None]
        rows.append({name: line[start:end].strip() for (start, name), end in zip(columns, ends, strict=True)})
    return rows


def block_table(node: Node | None) -> list[dict[str, str]]:
    """A table inside a `describe` (conditions, events, resources): header, dashes, rows; cells two spaces apart.

    Rows are cut at the offsets of the dashes, which a `describe` keeps aligned within one block.
    """
    if node is None or len(node.children) < 2:
        return []
    return _dashed([child.indent * " " + child.text for child in _flat(node)])


def _flat(node: Node) -> list[Node]:
    return list(node.walk())


def _dashed(lines: list[str]) -> list[dict[str, str]]:
    if len(lines) < 2 or not set(lines[1]) <= {"-", " "}:
        names = re.split(r"\s{2,}", lines[0].strip())
        return [dict(zip(names, re.split(r"\s{2,}", line.strip()), strict=False)) for line in lines[1:]]
    starts = [match.start() for match in re.finditer(r"-+", lines[1])]
    ends = [*starts[1:], None]
    names = [lines[0][a:b].strip() for a, b in zip(starts, ends, strict=True)]
    columns = list(zip(names, starts, ends, strict=True))
    return [{name: line[start:end].strip() for name, start, end in columns} for line in lines[2:]]


def dashed_table(text: str) -> list[dict[str, str]]:
    """The last table with a line of dashes in `text` (a quota's resources stand at the margin, without a heading)."""
    lines = text.splitlines()
    marks = [i for i, line in enumerate(lines) if line.strip() and set(line.strip()) <= {"-", " "}]
    if not marks or marks[-1] == 0:
        return []
    rows = [line for line in lines[marks[-1] + 1 :] if line.strip()]
    return _dashed([lines[marks[-1] - 1], lines[marks[-1]], *rows])


_UNITS_S = {"y": 365 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}


def age_s(text: str) -> float | None:
    """Seconds of kubectl's ages ("4d2h", "93s", "2m1s"); None for anything else."""
    if not re.fullmatch(r"(\d+[ydhms])+", text):
        return None
    return float(sum(int(number) * _UNITS_S[unit] for number, unit in re.findall(r"(\d+)([ydhms])", text)))


def date_s(text: str) -> float | None:
    """Seconds since the epoch of "Sat, 29 Nov 2025 20:46:19 +0800"; None for anything else."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None


def api_time(time_s: float | None) -> str | None:
    """Kubernetes's own spelling of a time, whole seconds."""
    if time_s is None:
        return None
    return dt.datetime.fromtimestamp(int(time_s), tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pairs(texts: list[str], separator: str = "=") -> dict[str, str]:
    """`key<separator>value` texts as a mapping; labels "a=b,c=d" on one line are split at commas."""
    out: dict[str, str] = {}
    for text in texts:
        for part in text.split(",") if separator == "=" else [text]:
            key, found, value = part.partition(separator)
            if found and key.strip() and " " not in key.strip():
                out[key.strip()] = value.strip()
    return out


def whole(text: str) -> int | None:
    """The integer that `text` begins with, or None."""
    match = re.match(r"-?\d+", text)
    return int(match.group()) if match else None


def iso_s(moment: str) -> float:
    """Seconds since the epoch of the API's own "2025-11-29T12:46:29Z".

    Raises:
        ValueError: the text is not a time.
    """
    return dt.datetime.fromisoformat(moment).timestamp()
