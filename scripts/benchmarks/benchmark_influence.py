"""Speed of the influence methods, as ratios against peers measured in the same run.

``python scripts/benchmarks/benchmark_influence.py`` prints a table: leave-one-study-out against
fits from the start, GOSH against metafor's where Rscript is there. A shared machine makes times
noisy: read the ratios.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from benchmark import seconds_of, simulated_effects

import metaalliance as ma

SUBSETS = 100_000
METAFOR_SUBSETS = 1000
METAFOR = """
suppressMessages(library(metafor))
pdf(NULL)
d <- read.csv({path!r})
fit <- rma(yi, vi, data=d, method="REML")
invisible(gosh(fit, subsets=50, progbar=FALSE))
cat(system.time(gosh(fit, subsets={subsets}, progbar=FALSE))["elapsed"], "\\n")
"""


def leave_one_out_row(name: str, effects: ma.Effects, naive: int = 15) -> tuple[str, str, str, str]:
    """Time leave-one-study-out beside fits from the start to what is left, and compare them."""
    fit = ma.pool(effects)
    ours = seconds_of(lambda: ma.leave_one_out(fit), 3)
    left = ma.leave_one_out(fit).frame
    start, largest = time.process_time(), 0.0
    for index in range(naive):
        rest = ma.pool(effects.subset(effects.frame["study"] != left["study"][index]))
        difference = np.abs(left[["estimate", "se", "tau2"]].iloc[index]
                            - [rest.estimate, rest.se, rest.tau2])  # fmt: skip
        largest = max(largest, float(difference.max()))
    peer = (time.process_time() - start) / naive * len(left)
    return (
        f"leave-one-study-out, CHE + CR2, 300 × 4, {name}",
        f"{1000 * ours:.0f} ms",
        f"300 fits from the start {peer:.2f} s",
        f"1 / {peer / ours:.0f} (limit 1 / 30); largest difference {largest:.0e}",
    )


def gosh_row() -> tuple[str, str, str, str]:
    """Time GOSH of 16 studies by REML beside metafor's, per subset."""
    effects = simulated_effects(16, 1)
    fit = ma.pool(effects)
    ours = seconds_of(lambda: ma.gosh(fit, n_subsets=65_535), 3) / 65_535
    peer, ratio = metafor_seconds(effects), "limit 1 / 100"
    shown = "metafor not installed"
    if peer is not None:
        shown, ratio = f"metafor {1e6 * peer:,.0f} µs", f"1 / {peer / ours:,.0f} (limit 1 / 100)"
    return (
        f"GOSH, k = 16, REML, per subset (100,000 in {ours * SUBSETS:.2f} s)",
        f"{1e6 * ours:.1f} µs",
        shown,
        ratio,
    )


def metafor_seconds(effects: ma.Effects) -> float | None:
    """Return the time of metafor's gosh per subset, or None without R."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "effects.csv"
        effects.frame.to_csv(path, index=False)
        code = METAFOR.format(path=str(path), subsets=METAFOR_SUBSETS)
        done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)
    return float(done.stdout.split()[-1]) / METAFOR_SUBSETS if done.returncode == 0 else None


def main() -> int:
    """Run the benchmarks and print the table."""
    rows = [
        leave_one_out_row("equal variances within studies", simulated_effects(300, 4)),
        leave_one_out_row("unequal variances", simulated_effects(300, 4, unequal=True)),
        gosh_row(),
    ]
    lines = ["| what | time | peer | ratio |", "|---|---|---|---|"]
    sys.stdout.write("\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
