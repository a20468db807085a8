"""Operations of other people's clients: each registers itself, is run by a test, and is a row of a table that the documentation is made from.

`operations/VENDOR.csv` has the columns client, operation, works; `python tests/real/client_operations.py VENDOR` prints its table in Markdown.
"""

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "operations"
Operation = Callable[[Any], None]


class Operations:
    """Operations of one vendor's clients, by (client, operation)."""

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.found: dict[tuple[str, str], Operation] = {}

    def of(self, client: str, operation: str) -> Callable[[Operation], Operation]:
        def register(function: Operation) -> Operation:
            assert (client, operation) not in self.found, "each operation once"
            self.found[client, operation] = function
            return function

        return register

    def rows(self) -> list[dict[str, str]]:
        """The table as it is written down."""
        return read(self.vendor)

    def check_table(self) -> None:
        """Every operation has its row and every row its operation."""
        assert [(row["client"], row["operation"]) for row in self.rows()] == list(self.found)


def read(vendor: str) -> list[dict[str, str]]:
    with (FOLDER / f"{vendor}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def markdown(vendor: str) -> str:
    """The vendor's table for docs/reference/clients.md."""
    lines = ["| client | operation | works |", "|---|---|---|"]
    lines += [f"| {row['client']} | {row['operation']} | {row['works']} |" for row in read(vendor)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(sys.argv[1]), end="")
