"""The ledger of evidence: every answer gets an id in the order in which it was planned, so that equal runs cite equal ids.

Each reader of signals writes a ledger of its own (M for metrics, L for logs …): readers run side by side, and whichever finishes
first must not change what an answer is called.
"""

from rootward.signals import answers


class Ledger:
    """Append-only. Ids are the prefix and a number from 1; what was asked is kept whole, what came back as a sentence."""

    def __init__(self, prefix: str = "E") -> None:
        self._prefix = prefix
        self._items: dict[str, answers.Evidence] = {}

    def add(self, answer: answers.Answer[object], summary: str = "") -> str:
        """Keep `answer` and return its id."""
        key = f"{self._prefix}{len(self._items) + 1}"
        self._items[key] = answers.Evidence(
            id=key,
            source=answer.source,
            query=answer.query,
            outcome=answer.outcome,
            window=answer.window,
            summary=summary or _default_summary(answer),
            warnings=answer.warnings,
            error=answer.error,
            link=answer.link,
        )
        return key

    def get(self, key: str) -> answers.Evidence:
        return self._items[key]

    def absorb(self, other: "Ledger") -> None:
        """Take over the items of another ledger, whose prefix differs."""
        for item in other.items():
            assert item.id not in self._items, "prefixes differ"
            self._items[item.id] = item

    def items(self) -> tuple[answers.Evidence, ...]:
        """Everything, in order."""
        return tuple(self._items.values())

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def __len__(self) -> int:
        return len(self._items)

    @property
    def failed(self) -> int:
        """How many questions were not answered at all (failed, bad query, not permitted)."""
        unanswered = (answers.Outcome.FAILED, answers.Outcome.BAD_QUERY, answers.Outcome.NOT_PERMITTED)
        return sum(1 for item in self._items.values() if item.outcome in unanswered)


def _default_summary(answer: answers.Answer[object]) -> str:
    match answer.outcome:
        case answers.Outcome.NO_DATA:
            return "asked and answered: nothing there"
        case answers.Outcome.OK | answers.Outcome.TRUNCATED:
            size = len(answer.value) if isinstance(answer.value, (list, tuple)) else None
            counted = "" if size is None else f"{size} result{'s' if size != 1 else ''}"
            return f"{counted} (truncated)".strip() if answer.outcome is answers.Outcome.TRUNCATED else counted
        case _:
            return answer.error
