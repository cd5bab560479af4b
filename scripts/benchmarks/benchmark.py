"""Speed and memory, as ratios against a peer or an older build measured in the same run.

``python scripts/benchmarks/benchmark.py`` prints the table; ``--write`` also stores it in
docs/evidence/benchmarks.md, and ``make bench`` does that with a million effects. ``--only`` takes
groups of rows, such as ``--only multilevel refits``; ``--large`` adds a million effects,
``--others`` what the other scripts of this folder print. Every figure is the best or the median of
several runs; a shared machine makes them noisy, so that the ratios are what counts. Work in this
process is measured in processor time. Where no peer does the same, the unit is PyMARE's REML fit of
300 effects, measured in the same run.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmark_sheets import write as write_sheets
from older import BEFORE, against_older
from processes import OURS, cost, whole_processes

ROOT = Path(__file__).resolve().parents[2]
WORKBOOK = ROOT / "data" / "simulated_alliance_studies.xlsx"
#: Whether variances vary within studies.
VARIANCES = {False: "equal variances within studies", True: "unequal variances"}
LARGE = """
import resource, time, sys
sys.path.insert(0, {scripts!r})
from benchmark import simulated_effects
import metaalliance as ma
effects = simulated_effects(300_000, 4, unequal={unequal})
ma.pool(simulated_effects(300, 4))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
fit = ma.pool(effects)
seconds = time.process_time() - start
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before / 1024)
"""
METAFOR = """
suppressMessages({{library(metafor); library(clubSandwich)}})
d <- read.csv({path!r})
V <- vcalc(vi, cluster=study, obs=effect, rho=.6, data=d, sparse=TRUE)
times <- replicate({repeats}, sum(system.time({{
  fit <- rma.mv(yi, V, random=~1|study/effect, data=d, sparse=TRUE)
  robust(fit, cluster=study, clubSandwich=TRUE)
}})[c("user.self", "sys.self")]))
cat(median(times), "\\n")
"""


def simulated_effects(studies: int, per_study: int, *, unequal: bool = False):
    """Return effects with correlated sampling errors, seeded.

    With `unequal` the variances vary within studies.
    """
    import metaalliance as ma

    rng = np.random.default_rng(7)
    k = studies * per_study
    vi = 1 / (np.repeat(rng.integers(20, 300, studies), per_study) - 3)
    own = np.sqrt(vi) * np.sqrt(0.4) * rng.normal(size=k)
    shared = np.sqrt(vi) * np.sqrt(0.6) * np.repeat(rng.normal(size=studies), per_study)
    between = np.repeat(rng.normal(0, 0.15, studies), per_study)
    yi = 0.28 + between + rng.normal(0, 0.1, k) + own + shared
    labels = np.repeat(np.arange(studies), per_study)
    if unequal:
        vi = vi * np.random.default_rng(1).uniform(0.8, 1.2, k)
    return ma.Effects.from_arrays(yi, vi, study=labels, measure="z")


def seconds_of(
    work: Callable[[], object],
    repeats: int = 7,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Return the median time of `repeats` runs by a clock, after one to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = clock()
        work()
        times.append(clock() - start)
    return statistics.median(times)


def pymare_seconds() -> float:
    """Return the time of PyMARE's REML fit of 300 effects, the unit of the other ratios."""
    from pymare.estimators import VarianceBasedLikelihoodEstimator

    effects = simulated_effects(300, 1)
    yi, vi, X = effects.yi[:, None], effects.vi[:, None], np.ones((300, 1))
    return seconds_of(lambda: VarianceBasedLikelihoodEstimator(method="REML").fit(yi, vi, X), 15)


def in_units(seconds: float, unit: float, limit: float) -> str:
    """Return a time in units of another, with what it may be."""
    return f"{seconds / unit:.2g} × (limit {limit:g})"


def multilevel() -> list[tuple[str, str, str, str]]:
    """Time CHE with CR2, against metafor where R is there."""
    import metaalliance as ma

    unit, rows = pymare_seconds(), []
    for unequal, name in VARIANCES.items():
        effects = simulated_effects(300, 4, unequal=unequal)
        ours = seconds_of(lambda effects=effects: ma.pool(effects), 30)
        peer = None if unequal else metafor_seconds(effects)
        shown, ratio = f"PyMARE's REML {1000 * unit:.1f} ms", in_units(ours, unit, 0.5)
        if peer is not None:
            shown = f"metafor (sparse) + clubSandwich {peer:.2f} s"
            ratio = f"1 / {peer / ours:,.0f} (limit 1 / 1,000)"
        rows.append((f"CHE + CR2, 300 studies × 4, {name}", f"{ours * 1000:.1f} ms", shown, ratio))
        large, memory, before = _large(unequal)
        flat = large / 1_200_000 / (ours / 1_200)
        rows.append(
            (
                f"CHE + CR2, 300,000 × 4, {name}",
                f"{large:.2f} s, {memory:,.0f} MB ({before:,.0f} before)",
                f"limit 300 MB; per effect {flat:.2f} × that of 300 × 4",
                in_units(large, unit, 320 if unequal else 80),
            )
        )
    return rows


def _large(unequal: bool) -> tuple[float, float, float]:
    """Seconds of 1.2 million effects, and the peak memory in MB of the process and before it."""
    code = LARGE.format(scripts=str(Path(__file__).parent), unequal=unequal)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    seconds, memory, before = map(float, done.stdout.split())
    return seconds, memory, before


def metafor_seconds(effects) -> float | None:
    """Return metafor's processor time for the same model, sparse, or None without R."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "effects.csv"
        effects.frame.to_csv(path, index=False)
        code = METAFOR.format(path=str(path), repeats=3)
        done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return float(done.stdout.split()[-1])


def refits() -> list[tuple[str, str, str, str]]:
    """Time what fits the CHE model of 300 x 4 again and again."""
    import metaalliance as ma

    unit, rows = pymare_seconds(), []
    shown = f"PyMARE's REML {1000 * unit:.1f} ms"
    for unequal, name in VARIANCES.items():
        fit = ma.pool(simulated_effects(300, 4, unequal=unequal))
        timed = {
            "three profile intervals": (_profiles(fit), 5),
            "leave-one-study-out, CHE + CR2": (_left_out(fit), 13),
            "999 wild-bootstrap replications, components held": (_wild(fit, "held"), 5),
            "999 wild-bootstrap replications, components estimated in each": (
                _wild(fit, "re-estimated"),
                160,
            ),
        }
        rows += [
            (f"{what}, 300 × 4, {name}", f"{1000 * seconds:.0f} ms", shown,
             in_units(seconds, unit, limit))
            for what, (seconds, limit) in timed.items()
        ]  # fmt: skip
    return rows


def _left_out(fit) -> float:
    import metaalliance as ma

    return seconds_of(lambda: ma.leave_one_out(fit), 3)


def _wild(fit, components: str) -> float:
    return seconds_of(lambda: fit.wild_bootstrap(components=components), 3)


def _profiles(fit) -> float:
    """Time three profile intervals; each is kept after its first use, so they are cleared."""

    def work() -> None:
        fit._intervals.clear()
        for component in ("study", "effect", "total"):
            fit.sigma2_ci(component)

    return seconds_of(work, 3)


def permutation() -> list[tuple[str, str, str, str]]:
    """Time a permutation test of the mean beside PyMARE's."""
    from pymare import Dataset
    from pymare.estimators import DerSimonianLaird

    import metaalliance as ma

    effects = simulated_effects(300, 1)
    ours = seconds_of(lambda: ma.permutation_test(effects, replications=1000, tau2="DL"), 3)
    dataset = Dataset(effects.yi[:, None], effects.vi[:, None], np.ones((300, 1)))
    found = DerSimonianLaird().fit_dataset(dataset).summary()
    peer = seconds_of(lambda: found.permutation_test(n_perm=1000), 3)
    return [
        (
            "permutation test of the mean, 1,000, k = 300, DL",
            f"{1000 * ours:.0f} ms",
            f"PyMARE {1000 * peer:.0f} ms",
            f"1 / {peer / ours:.0f}",
        )
    ]


def two_level() -> list[tuple[str, str, str, str]]:
    """Time REML with Knapp-Hartung against PyMARE."""
    import metaalliance as ma

    effects, peer = simulated_effects(300, 1), pymare_seconds()
    ours = seconds_of(lambda: ma.pool(effects), 30)
    return [
        (
            "REML + Knapp-Hartung, k = 300",
            f"{ours * 1000:.1f} ms",
            f"PyMARE fit {peer * 1000:.1f} ms",
            in_units(ours, peer, 0.15),
        )
    ]


def sheets() -> list[tuple[str, str, str, str]]:
    """Time validation against openpyxl's bare reading, and the refusal of a hostile file."""
    import openpyxl

    import metaalliance as ma

    with tempfile.TemporaryDirectory() as folder:
        large, bomb = Path(folder) / "large.xlsx", Path(folder) / "bomb.xlsx"
        _large_sheet(large)
        subprocess.run([sys.executable, __file__, "--bomb", str(bomb)], check=True)

        def bare() -> int:
            book = openpyxl.load_workbook(large, read_only=True, data_only=True)
            return sum(1 for _ in book.worksheets[0].iter_rows(values_only=True))

        ours, peer = seconds_of(lambda: ma.load_studies(large), 3), seconds_of(bare, 3)
        command = [sys.executable, "-m", "metaalliance.cli.main", "validate", str(bomb)]
        start = time.perf_counter()
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        _, _, usage = os.wait4(process.pid, 0)
        refused = time.perf_counter() - start
    return [
        (
            "validate 2,000 rows × 60 columns",
            f"{ours:.2f} s",
            f"openpyxl reads the values in {peer:.2f} s",
            f"{ours / peer:.1f} × (limit 3)",
        ),
        (
            "refuse a cell of 400 MB in a file of 0.4 MB",
            f"{refused:.2f} s, {usage.ru_maxrss / 1024:.0f} MB",
            "limits 2 s, 200 MB",
            "whole process",
        ),
    ]


def many_levels() -> list[tuple[str, str, str, str]]:
    """Time the test of a moderator of 1,000 levels of three studies each, and the command."""
    import metaalliance as ma
    from metaalliance.models.regression import regress

    unit, rng = pymare_seconds(), np.random.default_rng(5)
    labels = np.repeat([f"level {i:04d}" for i in range(1000)], 3)
    yi, vi = rng.normal(0.3, 0.2, labels.size), 1 / rng.integers(20, 200, labels.size)
    effects, names = ma.Effects.from_arrays(yi, vi, measure="z"), list(np.unique(labels))
    X = (labels[:, None] == np.array(names)).astype(float)
    fits = iter([regress(effects, X, names) for _ in range(6)])  # each keeps its test
    seconds = seconds_of(lambda: next(fits).equality(), 5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = ["study,r,n,team", *(
            f"Study {i},{np.tanh(y):.5f},{round(1 / v) + 3},{label}"
            for i, (y, v, label) in enumerate(zip(yi, vi, labels, strict=True))
        )]  # fmt: skip
        (folder / "levels.csv").write_text("\n".join(lines), encoding="utf-8")
        words = ["moderators", "levels.csv", "--by", "team", "--no-figures", "-o", "results"]
        found = cost([*OURS, *words], folder)
    return [
        (
            "1,000 levels × 3 studies, test (limit 10 ms)",
            f"{1000 * seconds:.0f} ms",
            f"PyMARE's REML {1000 * unit:.1f} ms",
            in_units(seconds, unit, 5),
        ),
        ("1,000 levels × 3 studies, command", str(found), "limit 10 s", "whole process"),
    ]


def a_million() -> list[tuple[str, str, str, str]]:
    """Time `pool` of 200,000 and 1,000,000 effects, as whole processes."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before: dict[str, float] = {}
        for count in (200_000, 1_000_000):
            for sheet in write_sheets(folder, count):
                words = ["pool", sheet.name, "--no-figures", "-o", f"{sheet.stem}_results"]
                found = cost([*OURS, *words], folder)
                grown = "–"
                if sheet.suffix in before:
                    grown = f"{found.seconds / before[sheet.suffix] / 5:.2f} × the time per effect"
                before.setdefault(sheet.suffix, found.seconds)
                what = f"`pool --no-figures` of {count:,} effects, {sheet.suffix[1:]}"
                rows.append((what, str(found), "limit 1,000 MB", grown))
    return rows


def _large_sheet(path: Path) -> None:
    """Write the example's rows again under other labels until there are 2,000."""
    import openpyxl

    source = openpyxl.load_workbook(WORKBOOK, data_only=True)["effects"]
    rows = [
        [cell.value for cell in row] for row in source.iter_rows(min_row=3, max_row=857, max_col=60)
    ]
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "effects"
    sheet.append(rows[0])
    for index in range(2000):
        round_, row = divmod(index, len(rows) - 1)
        values = list(rows[1 + row])
        values[0] = f"{values[0]} v{round_}"
        sheet.append(values)
    book.save(path)


def _bomb(path: Path) -> None:
    """Write a small workbook with one enormous cell."""
    import openpyxl

    plain = path.with_name("plain.xlsx")
    openpyxl.Workbook().save(plain)
    cell = (
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>' + b"A" * 400_000_000 + b"</t></is></c></row>"
    )
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as to:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.endswith("sheet1.xml"):
                data = data.replace(b"<sheetData />", b"<sheetData>" + cell + b"</sheetData>")
                data = data.replace(b"<sheetData/>", b"<sheetData>" + cell + b"</sheetData>")
            to.writestr(entry.filename, data)


def _others(only: str) -> str:
    """Run the other benchmarks; return what they print, each under its name."""
    sections = []
    for script in sorted(Path(__file__).parent.glob("benchmark_*.py")):
        name = script.stem.removeprefix("benchmark_")
        if only not in name:
            continue
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
        text = done.stdout.strip()
        block = text if text.startswith("|") else f"```text\n{text}\n```"
        failed = "" if done.returncode == 0 else f"\n\nA limit is exceeded. {done.stderr.strip()}"
        sections.append(f"\n## {name.capitalize()}\n\n{block}{failed}\n")
    return "".join(sections)


#: The groups of rows, by the name that `--only` takes.
GROUPS = {
    "processes": whole_processes,
    "older": against_older,
    "sheets": sheets,
    "multilevel": multilevel,
    "refits": refits,
    "two-level": two_level,
    "levels": many_levels,
    "permutation": permutation,
}


def main() -> int:
    """Run the benchmarks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/evidence/benchmarks.md")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--large", action="store_true", help="a million effects too")
    parser.add_argument("--others", action="store_true", help="the scripts of single parts too")
    parser.add_argument("--bomb", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bomb:  # in a process of its own: a child inherits the peak memory
        _bomb(Path(given.bomb))
        return 0
    lines = ["| what | time | peer | ratio |", "|---|---|---|---|"]
    sys.stdout.write("\n".join(lines) + "\n")
    groups = [GROUPS[name] for name in given.only] + ([a_million] if given.large else [])
    for group in groups:
        for row in group():
            lines.append(f"| {' | '.join(row)} |")
            sys.stdout.write(f"{lines[-1]}\n")
            sys.stdout.flush()
    if given.write:
        machine = f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        table, others = "\n".join(lines), _others("") if given.others else ""
        text = (
            "# Benchmarks\n\nMade by `make bench`: processor time, the best or the median of a few "
            f"runs on a shared machine ({machine}): read the ratios. The older build is the last "
            f"one before commands were made fast ({BEFORE}), run by turns with this one by "
            f"`scripts/benchmarks/older.py`.\n\n{table}\n{others}"
        )
        (ROOT / "docs" / "evidence" / "benchmarks.md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
