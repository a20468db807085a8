"""Answers whose chance of being right is known, because they are drawn; and runs of evals that hold them."""

import numpy as np

from rootward import _rng
from rootward.evals import records
from rootward.triage.answers import Answer

KINDS = ("memory_leak", "slow_query", "bad_deploy", "dns_failure")
MEASURES = (
    records.Measure("right", "right answer", gate=True),
    records.Measure("false_confidence", "tells people a wrong cause", better="lower", gate=True),
)


def chance(raw: np.ndarray) -> np.ndarray:
    """How often an answer of this probability is right: less often than it says, as those of the reasoner."""
    return 0.1 + 0.85 * raw**2


def draw(
    count: int, seed: int, *, nats: dict[str, float] | None = None, kinds: tuple[str, ...] = KINDS
) -> list[Answer]:
    """`nats` moves the log-odds of being right of some kinds. One in eight has no cause to tell, and whatever is told then is wrong."""
    rng = _rng.stream(seed, "drawn", "answers")
    found = []
    for number in range(count):
        raw, fault = float(rng.beta(2.0, 0.8)), kinds[int(rng.integers(len(kinds)))]
        p = float(chance(np.array(raw)))
        odds = p / (1 - p) * np.exp((nats or {}).get(fault, 0.0))
        right = bool(rng.random() < odds / (1 + odds))
        silent = not right and bool(rng.random() < 0.3)
        wrong = silent or (not right and bool(rng.random() < 0.5))
        due = "no_fault" if silent else ""
        found.append(Answer(f"{fault}/web-shop/{number:05d}", raw, fault, right, wrong, evident=True, quiet_due=due))
    return found


def run(answers: list[Answer], *, suite: str = "calibration") -> records.Run:
    rows = tuple(
        records.Row(
            one.scenario,
            {"right": float(one.right), "false_confidence": float(one.wrong)},
            status="found",
            expected=one.quiet_due or "found",
            detail={
                "leading": {
                    "raw": one.raw,
                    "fault": one.fault,
                    "right": one.right,
                    "wrong": one.wrong,
                    "evident": one.evident,
                }
            },
        )
        for one in answers
    )
    return records.Run(suite, "1f2e", "embedded", "0.4.0", "", 0, MEASURES, "right", rows)


def lines(drawn: records.Run) -> str:
    return "\n".join([records.write_header(drawn), *(records.write_row(row) for row in drawn.rows)]) + "\n"
