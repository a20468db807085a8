"""Accuracy on public recordings of real incidents, imported to capsules and investigated through faces and connectors.

    python benchmarks/public.py [--data ../shared/data] [--only petshop …] [--variants] [--keep DIR] [--jobs 2] [--json]

`--variants` also measures ±60 s of onset and each kind of signal taken away.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rootward.apps import measuring
from rootward.dojo.capsule import importers, store
from rootward.evals import scoring

FILES = {
    "petshop": ("petshop", "petshop_train.tar.xz"),
    "sockshop": ("sockshop", "sockshop_rcd_reps1-3.tar.xz"),
    "nezha-online-boutique": ("nezha", "nezha_online_boutique_2022-08-22.tar.xz"),
    "nezha-train-ticket": ("nezha", "nezha_train_ticket_2023-01-29.tar.xz"),
    "cloudopsbench": ("cloudopsbench", "cloudopsbench_sample.tar.xz"),
    "rootcausebench": ("rootcausebench", "rootcausebench_easy_medium.tar.xz"),
}
VARIANTS = {
    "as given": {},
    "onset +60 s": {"onset_shift_s": 60.0},
    "onset -60 s": {"onset_shift_s": -60.0},
    "without metrics": {"without": ("metrics",)},
    "without logs": {"without": ("logs",)},
    "without traces": {"without": ("traces",)},
    "without cluster": {"without": ("clusters",)},
    "without changes": {"without": ("changes",)},
}
SHOWN = (
    "service_top1",
    "service_top3",
    "service_top5",
    "service_kind_top1",
    "confident_wrong",
    "change_right",
    "decoy_blamed",
)


def imported(name: str, data: Path, into: Path) -> Path:
    """The capsules of one data set, imported unless they are there."""
    dataset, file = FILES[name]
    target = into / name
    if not target.exists():
        for case_id, scenario, truth in importers.load(dataset).cases(data / file):
            store.save(target / case_id, scenario, truth)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--only", nargs="+", choices=list(FILES), default=list(FILES))
    parser.add_argument("--variants", action="store_true")
    parser.add_argument("--keep", type=Path, default=None, help="folder in which imported capsules are kept")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--misses", action="store_true", help="also print every case whose first answer is not the cause"
    )
    arguments = parser.parse_args()
    if not arguments.data.exists():
        sys.exit(f"no public data at {arguments.data}: give --data DIR (see docs/guide/public-incidents.md)")
    variants = VARIANTS if arguments.variants else {"as given": {}}
    collected: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as temporary:
        into = arguments.keep or Path(temporary)
        for name in arguments.only:
            folder = imported(name, arguments.data, into)
            for variant, change in variants.items():
                plan = measuring.Plan(folder, jobs=arguments.jobs, with_baselines=variant == "as given", **change)
                results = measuring.run(plan)
                report = measuring.to_json(results)
                collected[f"{name}, {variant}"] = {key: report[key] for key in ("metrics", "baselines")}
                if not arguments.json:
                    show(name, variant, results, misses=arguments.misses)
    if arguments.json:
        print(json.dumps(collected))


def show(name: str, variant: str, results: list[scoring.Result], *, misses: bool) -> None:
    print(f"\n{name}, {variant}: {len(results)} cases, median {scoring.seconds_quantile(results, 0.5):.2f} s")
    table = scoring.metrics(results)
    for metric in SHOWN:
        if metric in table:
            print(f"  {metric.replace('_', ' '):24} {table[metric]}")
    for baseline, rates in scoring.baseline_metrics(results).items():
        print(f"  {'baseline ' + baseline:24} top1 {rates['service_top1']}  top3 {rates['service_top3']}")
    if misses:
        for result in results:
            if scoring.place(result.ranked[:1], result.truth, with_fault=False) != 1:
                answers = [(answer.name, answer.fault, round(answer.confidence, 2)) for answer in result.ranked[:3]]
                print(
                    f"  miss {result.id} said {result.status} {answers} truth {[(c.name, c.fault) for c in result.truth.causes]}"
                )


if __name__ == "__main__":
    main()
