"""Time moderator tests: ``python scripts/benchmarks/benchmark_moderators.py``.

Each case has a limit in seconds of processor time, which other work on the machine does not
change; a moderator of many levels also has limits relative to the mean of the same effects. The
script fails where one is exceeded.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

import metaalliance as ma
from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning
from metaalliance.models.regression import regress


def nested(studies: int = 300, each: int = 4, moderators: int = 20) -> Effects:
    """Return effects of studies with categorical moderators between and within them."""
    rng = np.random.default_rng(11)
    study = np.repeat(np.arange(studies), each)
    k = study.size
    y = 0.3 + np.repeat(rng.normal(0, 0.12, studies), each) + rng.normal(0, 0.1, k)
    columns = {}
    for i in range(moderators):
        levels = rng.integers(0, 3 + i % 5, studies if i % 2 else k)
        values = levels[study] if i % 2 else levels
        columns[f"m{i}"] = [f"level {v}" for v in values]
    return Effects.from_arrays(
        y, rng.uniform(0.005, 0.03, k), study=study, moderators=columns, measure="z"
    )


def independent(k: int = 300, levels: int = 7) -> Effects:
    """Return one effect per study with one moderator."""
    rng = np.random.default_rng(12)
    values = [f"level {v}" for v in rng.integers(0, levels, k)]
    y, v = rng.normal(0.3, 0.2, k), rng.uniform(0.005, 0.05, k)
    return Effects.from_arrays(y, v, moderators={"modality": values}, measure="z")


def twenty_moderators() -> Callable[[], object]:
    effects = nested()
    names = [f"m{i}" for i in range(20)]
    return lambda: [ma.moderators(effects, name) for name in names]


def permutations() -> Callable[[], object]:
    effects = independent()
    return lambda: ma.moderators(effects, "modality", tests=["permutation"], replications=1000)


def regression() -> Callable[[], object]:
    effects = nested()
    return lambda: ma.meta_regression(effects, "m1 * m3 + m5 + m2")


CASES = {
    "20 moderators with HTZ, 300 studies with 4 effects": (twenty_moderators, 2.0),
    "1,000 permutations of 7 levels, 300 studies": (permutations, 3.0),
    "meta-regression m1 * m3 + m5 + m2, 300 studies with 4 effects": (regression, 1.0),
}


def many_levels(levels: int = 1000) -> bool:
    """Print times of CHE with CR2 of a mean for each level, relative to one mean of all effects.

    Every level has three studies with two effects each.
    """
    study = np.repeat(np.arange(3 * levels), 2)
    rng = np.random.default_rng(13)
    y = 0.3 + rng.normal(0, 0.12, 3 * levels)[study] + rng.normal(0, 0.1, study.size)
    effects = Effects.from_arrays(y, rng.uniform(0.005, 0.03, study.size), study=study, measure="z")
    X = ((study // 3)[:, None] == np.arange(levels)).astype(float)
    names = [f"level {i}" for i in range(levels)]
    fit = regress(effects, X, names)
    mean = _processor(lambda: ma.pool(effects))
    works = {
        "their joint test": (fit.equality, 2.0),
        "fit and tests of each": (lambda: regress(effects, X, names), 40.0),
    }
    slow = False
    for name, (work, limit) in works.items():
        seconds = _processor(work)
        slow |= seconds > limit * mean
        print(
            f"{levels:,} levels x 3 studies, {name}: {1000 * seconds:.1f} ms of processor, "
            f"{seconds / mean:.1f} times the mean of all (limit {limit:g})"
        )
    return slow


def _processor(work: Callable[[], object]) -> float:
    """Return the least processor time of three runs, after one to warm up."""
    work()
    found = []
    for _ in range(3):
        clock = time.process_time()
        work()
        found.append(time.process_time() - clock)
    return min(found)


def main() -> int:
    """Print the time of each case; return 1 when one is too slow."""
    warnings.simplefilter("ignore", MetaAllianceWarning)
    ma.moderators(independent(40, 3), "modality")  # imports
    slow = False
    for name, (prepare, limit) in CASES.items():
        work = prepare()
        clock, started = time.process_time(), time.perf_counter()
        work()
        seconds, elapsed = time.process_time() - clock, time.perf_counter() - started
        slow |= seconds > limit
        print(f"{name}: {seconds:.2f} s of processor, {elapsed:.2f} s elapsed (limit {limit:g} s)")
    return int(many_levels() or slow)


if __name__ == "__main__":
    sys.exit(main())
