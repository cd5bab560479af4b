"""Time of forest plots beyond imports, against their limits.

``python scripts/benchmarks/benchmark_figures.py`` prints a table: 60 rows as one page, 295 studies
with their 847 effects in pages, both written as PDF. Wall time and, since a shared machine makes
that noisy, time of the processor; the best of three runs after one to warm up.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import metaalliance as ma

ROOT = Path(__file__).resolve().parents[2]
WORKBOOK = ROOT / "data" / "simulated_alliance_studies.xlsx"


def sixty_studies() -> ma.Effects:
    """Return sixty independent effects in three modalities, seeded."""
    rng = np.random.default_rng(7)
    n = rng.integers(20, 300, 60)
    yi = rng.normal(0.28, 0.15, 60) + rng.normal(0, 1, 60) / np.sqrt(n - 3)
    groups = np.array(["CBT", "psychodynamic", "humanistic"], dtype=object)[np.arange(60) % 3]
    labels = [f"Author {i} et al. ({1980 + i % 40})" for i in range(60)]
    return ma.Effects.from_arrays(
        yi, 1 / (n - 3), study=labels, moderators={"modality": groups}, measure="z", n=n
    )


def best_of(work: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """Return the least wall and processor time of some runs, after one to warm up."""
    work()
    found = []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - wall, time.process_time() - processor))
    walls, processors = zip(*found, strict=True)
    return min(walls), min(processors)


def main() -> int:
    """Print the table; fail when a limit is exceeded in time of the processor."""
    warnings.simplefilter("ignore", ma.MetaAllianceWarning)
    small = ma.pool(sixty_studies())
    large = ma.pool(ma.effect_sizes(ma.read_studies(WORKBOOK)))
    plots = ma.plots
    rows = ["| what | wall time | processor | limit |", "|---|---|---|---|"]
    slow = False
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "forest.pdf"
        for what, limit, work in (
            ("60 studies, one page, PDF", 1.5, lambda: plots.forest(small, style="apa")),
            ("295 studies, 847 effects, pages, PDF", 5.0, lambda: plots.forest_pages(large)),
        ):
            wall, processor = best_of(lambda draw=work: plots.save(draw(), path))
            rows.append(f"| {what} | {wall:.2f} s | {processor:.2f} s | {limit:g} s |")
            slow |= processor > limit
    sys.stdout.write("\n".join(rows) + "\n")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
