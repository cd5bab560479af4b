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
#: Processor time of the multiverse on one core, as a share of that of its specifications one by
#: one, each as long as the main analysis.
SHARE = 0.25
FEWEST = 2000


def multiverse(jobs: int) -> float:
    studies = ma.read_studies(WORKBOOK)
    started, clock = time.perf_counter(), time.process_time()
    found = ma.multiverse(studies, jobs=jobs)
    seconds, processor = time.perf_counter() - started, time.process_time() - clock
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
    alone = counts.specifications * one_by_one(studies)
    print(f"  processor {processor:.1f} s, {processor / alone:.2f} of one by one (limit {SHARE:g})")
    return processor / alone if jobs == 1 else 0.0


def one_by_one(studies: ma.Studies, repeats: int = 20) -> float:
    """Return the processor time of the main analysis of effects that are converted."""
    effects = ma.effect_sizes(studies)
    ma.pool(effects)
    clock = time.process_time()
    for _ in range(repeats):
        ma.pool(effects)
    return (time.process_time() - clock) / repeats


def simulation(jobs: int, draws: int = 200) -> None:
    started = time.perf_counter()
    ma.power_mean(0.1, k=40, n=60, tau=0.15, effects_per_study=3, simulate=draws, jobs=jobs)
    seconds = time.perf_counter() - started
    print(f"power, jobs = {jobs}: {draws} reviews of 40 studies x 3 effects: {seconds:.1f} s")


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    taken = [multiverse(int(word)) for word in sys.argv[1:] or ("1", "2")]
    simulation(1)
    if max(taken) > SHARE:
        raise SystemExit(f"The multiverse took more than {SHARE:g} of its specifications alone.")
