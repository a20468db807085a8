"""Accuracy in simulated worlds: 12 kinds of fault × seeds × 3 worlds, noise on, and worlds in which nothing should be named.

python benchmarks/worlds.py [--seeds 10] [--worlds web-shop payments] [--faults slow_query …] [--jobs 2] [--json]
"""

import argparse
import concurrent.futures
import dataclasses
import json
import multiprocessing

from rootward.apps import scenarios, wiring
from rootward.dojo import world
from rootward.evals import rca, scoring, statistics
from rootward.investigator import options

KINDS = (
    "bad_deploy", "cache_loss", "certificate_expiry", "cpu_throttling", "dns_failure", "lock_contention",
    "memory_leak", "pool_exhaustion", "retry_storm", "slow_query", "third_party_slow", "traffic_spike",
)  # fmt: skip
"""Those that the reasoner was built for, and that have a place in every world; `rootward evals run standard` asks for all."""
NULLS = ("no_fault", "outside", "missing_evidence")
SEED_BASE = 1000  # apart from the seeds that examples and tests use


@dataclasses.dataclass(frozen=True)
class Job:
    world: str
    fault: str
    seed: int


def run(job: Job) -> scoring.Result:
    scenario, truth = world.build(job.world, job.fault, job.seed)
    return rca.run_scenario(
        f"{job.world}/{job.fault}/{job.seed}",
        scenario,
        lambda: truth,
        connect=scenarios.connect,
        read_alert=wiring.read_alert,
        chosen=options.Options(),
    )


def right(result: scoring.Result) -> bool:
    """Entity and kind, first answer, and said aloud."""
    return result.status == "found" and scoring.place(result.ranked[:1], result.truth, with_fault=True) == 1


def rate(results: list[scoring.Result], hit: object) -> statistics.Rate:
    assert callable(hit)
    return statistics.rate(sum(1 for result in results if hit(result)), len(results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--worlds", nargs="+", default=["web-shop", "payments", "data-pipeline"])
    parser.add_argument("--faults", nargs="+", default=None)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--misses", action="store_true", help="also print every case that was not right")
    arguments = parser.parse_args()
    wanted = arguments.faults or [*KINDS, *NULLS]
    jobs = [Job(w, f, SEED_BASE + s) for w in arguments.worlds for f in wanted for s in range(arguments.seeds)]
    with concurrent.futures.ProcessPoolExecutor(
        arguments.jobs, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        results = list(pool.map(run, jobs, chunksize=4))
    caused = [result for result in results if result.truth.status == "found"]
    nulls = [result for result in results if result.truth.status != "found"]
    table = {
        f"kind {fault}": rate([r for r in results if f"/{fault}/" in r.id], right)
        for fault in wanted
        if fault not in NULLS
    }
    table |= {
        f"world {name}": rate([r for r in caused if r.id.startswith(name + "/")], right) for name in arguments.worlds
    }
    table["entity and kind, all"] = rate(caused, right)
    table["entity, all"] = rate(caused, lambda r: scoring.place(r.ranked[:1], r.truth, with_fault=False) == 1)
    table["confidently wrong, faults"] = rate(caused, scoring.confidently_wrong)
    for fault in NULLS:
        table[f"confidently wrong, {fault}"] = rate(
            [r for r in nulls if f"/{fault}/" in r.id], scoring.confidently_wrong
        )
    table["confidently wrong, nothing to name"] = rate(nulls, scoring.confidently_wrong)
    seconds = scoring.seconds_quantile(results, 0.5), scoring.seconds_quantile(results, 0.95)
    if arguments.json:
        print(
            json.dumps(
                {
                    "rates": {k: v.to_json() for k, v in table.items()},
                    "seconds_median": seconds[0],
                    "seconds_p95": seconds[1],
                }
            )
        )
        return
    for name, value in table.items():
        print(f"{name:40} {value}")
    print(f"{'seconds per investigation':40} median {seconds[0]:.2f}, p95 {seconds[1]:.2f}")
    if arguments.misses:
        for result in results:
            wrong = scoring.confidently_wrong(result) if result.truth.status != "found" else not right(result)
            if wrong:
                answers = [(answer.name, answer.fault, round(answer.confidence, 2)) for answer in result.ranked[:3]]
                truths = [(cause.name, cause.fault) for cause in result.truth.causes]
                print(f"miss {result.id} said {result.status} {answers} truth {result.truth.status} {truths}")


if __name__ == "__main__":
    main()
