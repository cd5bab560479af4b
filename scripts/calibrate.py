"""Calibration of intervals and tests by simulation: write docs/evidence/calibration.md.

    python scripts/calibrate.py FOLDER        (from the project root)

FOLDER keeps one file for each cell, to which every few batches of draws are added: a run may be
stopped and taken up, and more draws asked for later. Give another folder where the package has
changed. ``--jobs 4`` takes four processes, ``--backend dask --scheduler tcp://host:8786`` a
cluster. ``--only htz`` computes the rows whose key holds that text, ``--write`` none: the page is
written from what FOLDER has. The cells are declared in `calibration_cells.py`. A whole run takes
about an hour and a half of processor time. The published page has 2,000 draws of each cell, and
6,000 of ``mean_wrong_rho`` and ``wild_mean_unbalanced``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import calibration_cells
import numpy as np
from calibration_bias_page import bias_page
from calibration_cells import BOOTSTRAP, STUDIES, Row
from calibration_cells import ROWS as USUAL_ROWS
from calibration_selection import ROWS as BIAS_ROWS

from metaalliance import Workers
from metaalliance.errors import MetaAllianceError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "evidence" / "calibration.md"
SEED = 20261201
BATCH = 50
KINDS = ("hits", "misses", "failed")
MOMENTS = ("n", "sum", "squares")
ROWS = (*USUAL_ROWS, *BIAS_ROWS)


@dataclass(frozen=True)
class Cell:
    """What was found of one quantity in draws with one number of studies.

    Attributes
    ----------
    done, hits : int
        Draws with an answer, and those in which the interval covers or the test rejects.
    failed : int
        Draws without an answer.
    """

    row: Row
    quantity: str
    studies: int
    done: int
    hits: int
    failed: int

    @property
    def share(self) -> float:
        """Coverage, or type I error."""
        return self.hits / self.done if self.done else math.nan

    @property
    def se(self) -> float:
        """Monte-Carlo standard error of the share."""
        return math.sqrt(self.share * (1 - self.share) / self.done) if self.done else math.nan

    @property
    def deviation(self) -> float:
        """Distance from the nominal share in its Monte-Carlo standard errors."""
        p = self.row.nominal
        if not self.done:
            return math.nan
        return (self.share - p) / math.sqrt(p * (1 - p) / self.done)


# Computing ---------------------------------------------------------------------------------------


def batch(cell: tuple[Row, int], stream: np.random.SeedSequence) -> dict[str, Counter]:
    """Count hits, misses and failures by quantity in the draws of one batch of a cell."""
    row, studies = cell
    rng, counts, failures = np.random.default_rng(stream), {}, 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(BATCH):
            try:
                found = row.compute(row.drawing(row.review, studies, rng))
            except MetaAllianceError:
                failures += 1
                continue
            for quantity, hit in found.items():
                counter = counts.setdefault(quantity, Counter())
                if isinstance(hit, float):
                    counter.update({"n": 1, "sum": hit, "squares": hit * hit})
                    continue
                kind = "failed" if hit is None else "hits" if hit else "misses"
                counter[kind] += 1
    for counter in counts.values():
        counter["failed"] += failures
    return counts


def streams(row: Row, studies: int, count: int) -> list[np.random.SeedSequence]:
    """Return a stream for each batch, whatever their number and the order of the rows."""
    key = int.from_bytes(row.key.encode(), "little")
    return np.random.SeedSequence([SEED, key, studies]).spawn(count)


def run(folder: Path, replications: int, jobs: int | Workers, only: str) -> None:
    """Compute what the cells of the folder lack of so many draws, keeping it step by step."""
    batches = -(-replications // BATCH)
    for row, studies in wanted(ROWS):
        if only not in row.key:
            continue
        begun = time.perf_counter()
        path = folder / f"{row.key}_{studies}.json"
        content = stored(path, row, studies)
        left = streams(row, studies, batches)[content["batches"] :]
        tasks = ((stream,) for stream in left)
        parts = Workers.of(jobs).run(
            batch, (row, studies), tasks, count=len(left), key=None, restore=dict
        )
        for part in parts:
            for quantity, counter in part.items():
                kinds = MOMENTS if counter["n"] else KINDS
                kept = content["counts"].setdefault(quantity, dict.fromkeys(kinds, 0))
                for kind in kinds:
                    kept[kind] += counter[kind]
            content["batches"] += 1
            partial = path.with_suffix(".part")
            partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
            partial.replace(path)
        seconds = time.perf_counter() - begun
        print(f"{path.stem}: {seconds:.0f} s", file=sys.stderr, flush=True)


def definition(row: Row, studies: int) -> dict[str, object]:
    """What a stored cell has to agree with to be used."""
    return {"key": row.key, "review": asdict(row.review), "nominal": row.nominal,
            "studies": studies, "seed": SEED, "batch": BATCH, "bootstrap": BOOTSTRAP}  # fmt: skip


def stored(path: Path, row: Row, studies: int) -> dict:
    """Return what a file has of a cell; nothing where it answers to another definition."""
    own = definition(row, studies)
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["definition"] == own:
            return found
    return {"definition": own, "batches": 0, "counts": {}}


def wanted(rows: tuple[Row, ...]) -> Iterator[tuple[Row, int]]:
    """Yield every row with each number of studies."""
    for row in rows:
        for studies in STUDIES:
            if studies >= row.least:
                yield row, studies


# The page ----------------------------------------------------------------------------------------


def cells(folder: Path) -> tuple[list[Cell], list[str]]:
    """Return the cells of the folder, and the names of those that it lacks."""
    found, missing = [], []
    for row, studies in wanted(tuple(row for row in ROWS if row not in BIAS_ROWS)):
        content = stored(folder / f"{row.key}_{studies}.json", row, studies)
        if not content["counts"]:
            missing.append(f"{row.key} with {studies} studies")
            continue
        for quantity, n in content["counts"].items():
            done = n["hits"] + n["misses"]
            found.append(Cell(row, quantity, studies, done, n["hits"], n["failed"]))
    return found, missing


def table(some: list[Cell]) -> list[str]:
    """Rows are quantities in a kind of review, columns numbers of studies."""
    lines = [
        f"| what | review | {' | '.join(f'{m} studies' for m in STUDIES)} |",
        "|---|---|" + "---:|" * len(STUDIES),
    ]
    places = {(c.row.key, c.quantity): None for c in some}
    by = {(c.row.key, c.quantity, c.studies): c for c in some}
    for key, quantity in places:
        row = next(r for r in ROWS if r.key == key)
        texts = [_text(by.get((key, quantity, m))) for m in STUDIES]
        lines.append(f"| {quantity} | {row.review.text} | {' | '.join(texts)} |")
    return lines


def _text(cell: Cell | None) -> str:
    if cell is None or not cell.done:
        return "–"
    text = f"{cell.share:.3f} ({cell.se:.4f})"
    return f"**{text}**" if abs(cell.deviation) > 2 else text


def deviations(some: list[Cell]) -> list[str]:
    """Name each cell that is more than two Monte-Carlo errors from its nominal share."""
    far = [c for c in some if abs(c.deviation) > 2]
    lines = [
        f"{len(far)} of {len(some)} cells are more than two Monte-Carlo errors from what they "
        f"should be; {0.0455 * len(some):.0f} would be by chance alone.",
        "",
    ]
    for c in far:
        above = c.deviation > 0
        interval = c.row.nominal > 0.5
        word = "wide" if above else "narrow"
        if not interval:
            word = "rejects too often" if above else "cautious"
        lines.append(
            f"- {c.quantity}, {c.row.review.text}, {c.studies} studies: {c.share:.3f} for "
            f"{c.row.nominal:.2f}, {abs(c.deviation):.1f} errors {'above' if above else 'below'} "
            f"({'the interval is ' if interval else ''}{word})."
        )
    return lines


def page(folder: Path) -> str:
    """Return the page from the cells of the folder."""
    found, missing = cells(folder)
    draws = sorted({c.done + c.failed for c in found})
    counts = f"{draws[0]:,}" if len(draws) == 1 else f"{draws[0]:,} to {draws[-1]:,}"
    error = math.sqrt(0.05 * 0.95 / draws[0])
    failed = [c for c in found if c.failed]
    lines = [HEAD.format(counts=counts, error=error, seed=SEED, bootstrap=BOOTSTRAP)]
    for title, part in (
        ("Coverage of 95% intervals", [c for c in found if c.row.nominal > 0.5]),
        ("Type I error of tests at .05", [c for c in found if c.row.nominal < 0.5]),
    ):
        lines += ["", f"## {title}", "", *table(part)]
    lines += ["", "## What deviates", "", *deviations(found)]
    if failed:
        lines += ["", "## Draws without an answer", "", "They count neither way.", ""]
        lines += [
            f"- {c.quantity}, {c.row.review.text}, {c.studies} studies: {c.failed:,} of "
            f"{c.done + c.failed:,}."
            for c in failed
        ]
    lines += bias_page(lambda row, m: stored(folder / f"{row.key}_{m}.json", row, m))
    if missing:
        lines += ["", f"Not computed for this page: {'; '.join(missing)}."]
    return "\n".join([*lines, FOOT])


HEAD = """# Calibration

Made by `scripts/calibrate.py`, the lists of deviations included; every number here is simulated.

Intervals and tests are checked where they are used: few studies, uneven numbers of effects, an
assumed correlation of sampling errors that is wrong. Each cell has {counts} draws (Monte-Carlo
standard error at the nominal share {error:.4f}; seed {seed}); the error of each share stands in
brackets, and shares more than two errors from what they should be are bold. A study has 1 to 6
effects and 30 to 200 participants; tau² is .02 between and .01 within studies, the mean z = .28.
Sampling errors of one sample correlate .6, which is what the model (CHE, REML) assumes. Reviews
differ from this as the second column says: with unbalanced sizes one study has 20 effects, and
studies have 12 to 1,500 participants. Moderators have no effect, are constant within studies, and
their levels have equal numbers of studies. A bootstrap has {bootstrap} replications, and estimates
the variance components in each unless it says "held"."""

FOOT = """
## How to read it

- The mean with CR2 holds within one point of .95 where the assumed correlation is twice the true
  one, which is what cluster-robust errors are for.
- Intervals of single components lean on the assumed correlation. Where it is too high, sampling
  error within studies is taken for true variance there, the more surely the more studies there
  are; the total is hardly affected. Report the split with a sensitivity analysis over rho, and
  lean on the total.
- A prediction interval treats tau² as known, which costs it little here.
- PET-PEESE is a rule that chooses between two regressions, and its interval knows nothing of the
  choice.
- The sandwich of a selection model is too sure with few studies. Limits from the two-stage
  bootstrap hold what they say from 30 studies on, and .92 with 10: they are the default where
  effects are dependent.
- Under selection of effects by a step the step model has next to no bias and nearly holds its
  intervals; where whole studies are selected by their first effect it keeps about half of the bias
  of the unadjusted mean.
  Without selection the unadjusted mean has the smallest error, and with mild selection it is as
  good up to 30 studies. The error of PET-PEESE is about three times that of the step model
  around a mean of zero, that of the beta model twice, with intervals by the sandwich that are
  too narrow. The weak penalty moves the step model by next to nothing; it gives the beta model
  an answer where it has none without.
- The censored likelihood compares likelihoods with a normal distribution, so that its intervals
  are up to two points narrow below some 30 studies.
- HTZ is cautious where levels are many and studies few: with 4 levels and 10 studies it hardly
  ever rejects, and with 13 levels and 30 studies it has no degrees of freedom. The wild bootstrap
  holds its level there.
"""


def main() -> None:
    """Compute what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--jobs", type=int, help="processes [default: 2]")
    parser.add_argument("--backend", choices=("loky", "dask"))
    parser.add_argument("--scheduler", help="of the dask cluster")
    parser.add_argument("--only", default="", help="compute rows whose key holds this text")
    parser.add_argument("--write", action="store_true", help="compute nothing, write the page")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if not given.write:
        if given.backend == "dask":  # its workers lack the modules of this folder
            import cloudpickle

            cloudpickle.register_pickle_by_value(calibration_cells)
        jobs = 2 if given.jobs is None and given.backend != "dask" else given.jobs
        workers = Workers(jobs=jobs, backend=given.backend, scheduler=given.scheduler)
        run(given.folder, given.replications, workers, given.only)
    PAGE.write_text(page(given.folder), encoding="utf-8")


if __name__ == "__main__":
    main()
