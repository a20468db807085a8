"""What the statements of calls do: which change something, and which tables they name."""

from rootward.dojo.world import layout as lay

WRITING = ("INSERT", "UPDATE", "DELETE")


def writes(statement: str) -> bool:
    """Whether it changes rows."""
    return statement.startswith(WRITING)


def inserts(statement: str) -> bool:
    return statement.startswith("INSERT")


def table_of(statement: str) -> str:
    """The first table that a statement names."""
    words = statement.replace("(", " ").split()
    for keyword in ("INTO", "UPDATE", "FROM"):
        if keyword in words[:-1]:
            return words[words.index(keyword) + 1].strip(",;").lower()
    return "events"


def tables(layout: lay.Layout, database: int) -> tuple[str, ...]:
    """The tables of a database that its clients' statements name, in order of name."""
    return tuple(sorted({table_of(layout.calls[e].operation) for e in layout.calls_to(database)}))


def inserted(layout: lay.Layout, database: int) -> tuple[str, ...]:
    """Those into which somebody inserts."""
    operations = [layout.calls[e].operation for e in layout.calls_to(database)]
    return tuple(sorted({table_of(operation) for operation in operations if inserts(operation)}))
