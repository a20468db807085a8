"""How fast log templates are mined, by format: `python benchmarks/templates.py`; CPU seconds of one process."""

import time

import numpy as np

from rootward import _rng
from rootward.signals import templates

LINES = 100_000
REPETITIONS = 3


def main() -> None:
    rng = _rng.stream(7, "benchmark", "templates")
    made = {name: [make(rng) for _ in range(LINES)] for name, make in FORMATS.items()}
    made["all of them, mixed"] = [
        made[name][i // len(FORMATS)] for i in range(LINES) for name in [list(FORMATS)[i % len(FORMATS)]]
    ]
    print(f"{'format':22} {'characters':>10} {'templates':>10} {'lines per CPU second':>22}")
    for name, lines in made.items():
        best = min(_seconds(lines) for _ in range(REPETITIONS))
        found = templates.mine(lines)
        length = np.mean([len(line) for line in lines])
        print(f"{name:22} {length:10.0f} {len(found.texts):10} {LINES / best:22,.0f}")


def _seconds(lines: list[str]) -> float:
    started = time.process_time()
    templates.mine(lines)
    return time.process_time() - started


def _plain(rng: np.random.Generator) -> str:
    kind, number = int(rng.integers(0, 8)), int(rng.integers(1, 100_000))
    level = ("INFO", "INFO", "DEBUG", "WARN", "INFO", "ERROR", "INFO", "INFO")[kind]
    said = (
        f"order {number} accepted for customer {number * 7}",
        f"charged {number / 100:.2f} EUR in {number % 900} ms",
        f"cache miss for product-{number}",
        f"retrying call to payments, attempt {number % 5} of 5",
        f"published event OrderPlaced to partition {number % 12}",
        f"could not reserve stock for sku {number}: connection refused",
        f"session {_rng.token(rng, 16)} opened from 10.2.{number % 250}.{number % 199}",
        "health check passed",
    )[kind]
    return f"2026-03-02T10:{number % 60:02}:{number % 59:02}.{number % 1000:03}Z {level} [worker-{number % 16}] c.e.shop.Orders - {said}"


def _json(rng: np.random.Generator) -> str:
    number = int(rng.integers(1, 100_000))
    said = ("handled request", f"slow query took {number} ms", "user logged in", f"stock of {number} updated")[
        number % 4
    ]
    return (
        f'{{"timestamp":"2026-03-02T10:00:{number % 60:02}Z","level":"{"error" if number % 97 == 0 else "info"}","msg":"{said}",'
        f'"trace_id":"{_rng.token(rng, 32)}","route":"/api/order"}}'
    )


def _logfmt(rng: np.random.Generator) -> str:
    number = int(rng.integers(1, 100_000))
    return f'time=2026-03-02T10:00:{number % 60:02}Z level=info msg="request done" duration={number % 900}ms bytes={number} id={number}'


def _access(rng: np.random.Generator) -> str:
    number = int(rng.integers(1, 100_000))
    status = 500 if number % 50 == 0 else 200
    return f'10.0.{number % 250}.{number % 99} - - [02/Mar/2026:10:00:{number % 60:02} +0000] "GET /product/{number} HTTP/1.1" {status} {number}'


FORMATS = {"plain text": _plain, "JSON with trace ids": _json, "logfmt": _logfmt, "access log": _access}

if __name__ == "__main__":
    main()
