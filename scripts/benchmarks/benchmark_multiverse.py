"""Time a multiverse of at least 2,000 specifications on the example workbook, and a simulation.

python scripts/benchmarks/benchmark_multiverse.py [jobs ...]
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import metaalliance as ma

WORKBOOK = Path(__file__).resolve().parents[2] / "data" / "simulated_alliance_studies.xlsx"
#: Seconds that the multiverse may take on two cores.
BUDGET = 60.0
FEWEST = 2000


def multiverse(jobs: int) -> float:
    studies = ma.read_studies(WORKBOOK)
    started = time.perf_counter()
    found = ma.multiverse(studies, jobs=jobs)
    seconds = time.perf_counter() - started
    counts = found.counts
    if counts.specifications < FEWEST:
        raise SystemExit(f"{counts.specifications:,} specifications; {FEWEST:,} are the benchmark.")
    started = time.perf_counter()
    found.decision_table()
    found.option_table()
    tables = time.perf_counter() - started
    print(
        f"multiverse, jobs = {jobs}: {counts.specifications:,} specifications on "
        f"{counts.effect_sets} sets of effects, {found.frame['n_effects'].max()} effects of "
        f"{found.frame['n_studies'].max()} studies: {seconds:.1f} s "
        f"({1e3 * seconds / counts.specifications:.1f} ms each), decision tables {tables:.2f} s"
    )
    return seconds


def simulation(jobs: int, draws: int = 200) -> None:
    started = time.perf_counter()
    ma.power_mean(0.1, k=40, n=60, tau=0.15, effects_per_study=3, simulate=draws, jobs=jobs)
    seconds = time.perf_counter() - started
    print(f"power, jobs = {jobs}: {draws} reviews of 40 studies x 3 effects: {seconds:.1f} s")


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    taken = [multiverse(int(word)) for word in sys.argv[1:] or ("1", "2")]
    simulation(1)
    if min(taken) > BUDGET:
        raise SystemExit(f"The multiverse took more than {BUDGET:.0f} s.")
