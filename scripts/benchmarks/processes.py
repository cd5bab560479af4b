"""Whole processes beside what they are compared with: processor time and peak memory.

``python scripts/benchmarks/processes.py`` prints the table; `benchmark.py` takes its rows. Every
command is run by turns with its peers, and the best run of each counts: what else a machine does
only adds to it. A ratio above its limit gives exit code 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
WORKBOOK = ROOT / "data" / "simulated_alliance_studies.xlsx"
RUNS = 4
OURS = [sys.executable, "-m", "metaalliance"]
LIBRARIES = "import numpy, pandas, scipy.stats, openpyxl"
EFFECTS = """
import sys
import metaalliance as ma
frame = ma.effect_sizes(ma.read_studies(sys.argv[1])).frame
frame.dropna(subset=["yi"]).to_csv("effects.csv", index=False)
"""
#: What a reviewer runs in R for the same files: CHE and the means of modalities with CR2, one
#: effect per study with Knapp-Hartung, forest and funnel plot.
IN_R = """
suppressMessages({library(metafor); library(clubSandwich)})
d <- read.csv("effects.csv")
V <- impute_covariance_matrix(d$vi, cluster = d$study, r = .6)
d$effect <- seq_len(nrow(d))
for (mods in list(~ 1, ~ modality - 1)) {
  fit <- rma.mv(yi, V, mods = mods, random = ~ 1 | study / effect, data = d, sparse = TRUE)
  print(coef_test(fit, vcov = "CR2", cluster = d$study))
  print(conf_int(fit, vcov = "CR2", cluster = d$study))
}
means <- aggregate(escalc(yi = yi, vi = vi, data = d), cluster = study, rho = .5)
mean <- rma(yi, vi, data = means, test = "knha")
print(mean)
pdf("forest.pdf", height = 60)
forest(mean, slab = means$study, transf = transf.ztor)
dev.off()
pdf("funnel.pdf")
funnel(mean)
dev.off()
"""


class Cost(NamedTuple):
    """Processor time in seconds and peak memory in MB of a process."""

    seconds: float
    memory: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s, {self.memory:.0f} MB"


class Ratio(NamedTuple):
    """A ratio with its limit."""

    value: float
    limit: float
    of: str = ""

    def __str__(self) -> str:
        return f"{self.of}{self.value:.2f} × (limit {self.limit:g})"


def cost(command: list[str], folder: Path, env: dict[str, str] | None = None) -> Cost:
    """Run a process in a folder; return what it took, its own children not counted."""
    given = os.environ if env is None else env
    plain = {k: v for k, v in given.items() if k != "PYTHONDONTWRITEBYTECODE"}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, env=plain, stdout=quiet, stderr=quiet)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def best_of(commands: dict[str, list[str]], folder: Path) -> dict[str, Cost]:
    """Run every command by turns after one round to warm up; return the least of each."""
    rounds = [{name: cost(words, folder) for name, words in commands.items()} for _ in range(RUNS)]
    return {name: Cost(*map(min, zip(*(r[name] for r in rounds[1:]), strict=True)))
            for name in commands}  # fmt: skip


def measured() -> list[tuple[str, Cost, str, Cost, tuple[Ratio, ...]]]:
    """Return what was compared: the command, its cost, the peer, its cost, and the ratios."""
    pool = [*OURS, "pool", str(WORKBOOK), "-o", "results"]
    commands = {
        "pool": pool,
        "plain": [*pool[:-1], "plain", "--no-figures"],
        "all imports": [sys.executable, "-c", f"{LIBRARIES}, matplotlib.pyplot"],
        "imports": [sys.executable, "-c", LIBRARIES],
        "help": [sys.executable, "-W", "error", "-m", "metaalliance", "--help"],
        "typer": [sys.executable, "-c", "import typer"],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if _write_for_r(folder):
            commands["R"] = ["Rscript", "in_r.R"]
        found = best_of(commands, folder)
    ours, plain, help_page = (found[n] for n in ("pool", "plain", "help"))
    everything = "`pool` on 295 studies, everything written"
    rows = [
        (everything, ours, "bare imports", found["all imports"], 1.5),
        ("`pool --no-figures`", plain, "imports without matplotlib", found["imports"], 1.6),
        ("`--help`", help_page, "`import typer`", found["typer"], 2.0),
    ]
    compared = [
        (what, one, peer, other, (Ratio(one.seconds / other.seconds, limit),))
        for what, one, peer, other, limit in rows
    ]
    if "R" in found:
        r = found["R"]
        both = (Ratio(ours.seconds / r.seconds, 0.6), Ratio(ours.memory / r.memory, 0.7, "memory "))
        compared.insert(0, (everything, ours, "metafor and clubSandwich", r, both))
    return compared


def _write_for_r(folder: Path) -> bool:
    """Write the effects and the script for R; return whether there is R with its packages."""
    packages = "library(metafor); library(clubSandwich)"
    if (
        shutil.which("Rscript") is None
        or subprocess.run(["Rscript", "-e", packages], capture_output=True, check=False).returncode
    ):
        return False
    # in a process of its own: a child inherits the peak memory of its parent
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EFFECTS, WORKBOOK], cwd=folder, check=True
    )
    (folder / "in_r.R").write_text(IN_R, encoding="utf-8")
    return True


def whole_processes() -> list[tuple[str, str, str, str]]:
    """Return the rows of the table."""
    return [
        (what, f"{ours}", f"{peer} {other}", ", ".join(map(str, ratios)))
        for what, ours, peer, other, ratios in measured()
    ]


def main() -> int:
    """Print the table."""
    compared = measured()
    print("| what | processor, memory | peer | ratio |\n|---|---|---|---|")
    for what, ours, peer, other, ratios in compared:
        print(f"| {what} | {ours} | {peer} {other} | {', '.join(map(str, ratios))} |")
    return int(any(ratio.value > ratio.limit for *_, ratios in compared for ratio in ratios))


if __name__ == "__main__":
    sys.exit(main())
