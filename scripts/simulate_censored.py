"""Bias and coverage where results are known only as not significant: zero, drop, censored.

    python scripts/simulate_censored.py    (from the project root; half an hour of processor time)

Draws reviews in which some results that are not significant are reported as "n.s." without a
value, and estimates their mean by maximum likelihood with these rows as zero, without them, and
with each as the interval between its critical values. Writes the table of docs/not_significant.md
between its markers. The seed is fixed.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy import special

from metaalliance.core.censoring.likelihood import CensoredData
from metaalliance.core.censoring.maximum import maximise, signed_root
from metaalliance.core.variance.blocks import StudyBlocks

SEED = 20261203
REPLICATIONS = 2000
#: Of the replications, how many the two other policies have, whose bias is plain to see.
COMPARED = 400
PAGE = Path(__file__).parents[1] / "docs" / "not_significant.md"
BEGIN, END = "<!-- simulation: begin -->", "<!-- simulation: end -->"
MEAN, BETWEEN, WITHIN, RHO = 0.25, 0.01, 0.005, 0.6
POLICIES = ("zero", "drop", "censored")


@dataclass(frozen=True)
class Condition:
    """A kind of review.

    Attributes
    ----------
    studies : int
        Number of studies.
    share : float
        Share of rows that say only "n.s.", on average.
    effects : int
        Effects of a study, from one sample.
    """

    studies: int
    share: float
    effects: int


CONDITIONS = tuple(
    Condition(k, share, effects)
    for effects, k, share in product((1, 3), (20, 40, 60), (0.1, 0.25, 0.4))
)


def draw(rng: np.random.Generator, k: int, effects: int) -> tuple[np.ndarray, ...]:
    """Draw effects (k, effects), sampling variances (k,) and critical values of z (k,)."""
    n = np.round(np.exp(rng.normal(4.0, 0.5, k))).clip(15, 400)
    v = 1 / (n - 3)
    t = special.stdtrit(n - 2, 0.975)
    limit = np.arctanh(t / np.sqrt(t**2 + n - 2))
    common = math.sqrt(RHO) * rng.normal(size=(k, 1)) if effects > 1 else 0.0
    own = math.sqrt(1 - RHO) if effects > 1 else 1.0
    error = np.sqrt(v)[:, None] * (common + own * rng.normal(size=(k, effects)))
    within = math.sqrt(WITHIN) * rng.normal(size=(k, effects)) if effects > 1 else 0.0
    true = MEAN + math.sqrt(BETWEEN) * rng.normal(size=(k, 1)) + within
    return true + error, v, limit


def chance(condition: Condition) -> float:
    """Probability with which a result that is not significant says only that."""
    y, _, limit = draw(np.random.default_rng(1), 200_000, condition.effects)
    return condition.share / float(np.mean(np.abs(y) < limit[:, None]))


def estimate(
    rng: np.random.Generator, condition: Condition, seen: float, policies: tuple[str, ...]
) -> dict[str, tuple[float, bool]]:
    """Return error of the mean, and whether its 95% interval holds the true one, by policy."""
    y, v, limit = draw(rng, condition.studies, condition.effects)
    silent = (np.abs(y) < limit[:, None]) & (rng.random(y.shape) < seen)
    study = np.repeat(np.arange(condition.studies), condition.effects)
    y, silent, v, limit = y.ravel(), silent.ravel(), v[study], limit[study]
    rho = RHO if condition.effects > 1 else 0.0
    components = (True, condition.effects > 1)
    quantile, found = special.ndtri(0.975), {}
    for policy in policies:
        low = np.where(silent, -limit if policy == "censored" else 0.0, y)
        high = np.where(silent, limit if policy == "censored" else 0.0, y)
        keep = ~silent if policy == "drop" else np.ones(y.size, dtype=bool)
        blocks = StudyBlocks.from_sorted(study[keep])
        data = CensoredData(
            low[keep], high[keep], v[keep], np.ones((int(keep.sum()), 1)), blocks, blocks, rho
        )
        best = maximise(data, components)
        held = abs(signed_root(best, 0, MEAN)) <= quantile
        found[policy] = float(best.beta[0]) - MEAN, held
    return found


def row(condition: Condition) -> str:
    """Simulate one condition and return its row of the table."""
    rng = np.random.default_rng([SEED, condition.studies, round(100 * condition.share),
                                 condition.effects])  # fmt: skip
    seen = chance(condition)
    results = [
        estimate(rng, condition, seen, POLICIES if i < COMPARED else POLICIES[-1:])
        for i in range(REPLICATIONS)
    ]
    cells = []
    for policy in POLICIES:
        error, held = np.array([r[policy] for r in results if policy in r]).T
        cells += [f"{error.mean():+.4f}".replace("-", "−"), f"{held.mean():.3f}"]
    head = [str(condition.studies), str(condition.effects), f"{condition.share:.0%}"]
    return f"| {' | '.join([*head, *cells])} |"


def main() -> None:
    """Write the table."""
    names = ["studies", "effects of each", "n.s."]
    names += [f"{policy}: {what}" for policy in POLICIES for what in ("bias", "coverage")]
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    rows = Parallel(n_jobs=-1, return_as="generator")(delayed(row)(c) for c in CONDITIONS)
    for text in rows:
        lines.append(text)
        print(text, file=sys.stderr, flush=True)
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    table = "\n".join(lines)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
