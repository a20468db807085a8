"""Every benchmark, one after the other, as the README quotes them. Accuracy on public data is skipped, and says so, where the data are not."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared" / "data"


def main() -> None:
    for script, arguments in (
        ("speed", []),
        ("at_once", []),
        ("world", []),
        ("promql", []),
        ("promql_compliance", []),
        ("templates", []),
        ("redaction", []),
        ("worlds", []),
    ):
        run(script, arguments)
    if DATA.exists():
        run("public", ["--variants"])
    else:
        print(f"\n== public: skipped, no public incident data at {DATA}")


def run(script: str, arguments: list[str]) -> None:
    print(f"\n== {script}", flush=True)
    subprocess.run([sys.executable, str(HERE / f"{script}.py"), *arguments], check=True)


if __name__ == "__main__":
    main()
