"""Size and power of Egger's test when studies have several effects: naive beside clustered.

    python scripts/simulate_egger.py        (from the project root; five minutes of processor time)

Draws reviews whose effects depend on each other within studies, without and with selection of
significant effects, and counts how often four tests reject at .05. Writes the table of
docs/publication_bias.md between its markers. The seed is fixed.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceError, MetaAllianceWarning
from metaalliance.publication_bias.egger import egger

SEED = 20240607
REPLICATIONS = 1000
PAGE = Path(__file__).parents[1] / "docs" / "publication_bias.md"
BEGIN, END = "<!-- simulation: begin -->", "<!-- simulation: end -->"
MEAN, BETWEEN, WITHIN, RHO = 0.2, 0.02, 0.01, 0.6


@dataclass(frozen=True)
class Condition:
    """A kind of review.

    Attributes
    ----------
    studies, most : int
        Number of studies; each has one to `most` effects.
    seen : float
        Probability that an effect without one-sided significance is seen (1: no selection).
    """

    studies: int
    most: int
    seen: float


CONDITIONS = tuple(
    Condition(m, most, seen) for seen in (1.0, 0.2) for m in (20, 60) for most in (1, 6)
)


def review(rng: np.random.Generator, condition: Condition) -> Effects:
    """Draw a review; studies go on until enough have an effect that is seen."""
    yi, vi, study = [], [], []
    while len(set(study)) < condition.studies:
        label, k = len(set(study)), int(rng.integers(1, condition.most + 1))
        v = 1 / (np.round(np.exp(rng.normal(4.2, 0.7))).clip(12, 800) - 3)
        errors = np.sqrt(v) * (np.sqrt(RHO) * rng.normal() + np.sqrt(1 - RHO) * rng.normal(size=k))
        true = MEAN + np.sqrt(BETWEEN) * rng.normal() + np.sqrt(WITHIN) * rng.normal(size=k)
        y = true + errors
        kept = (y / np.sqrt(v) > 1.96) | (rng.random(k) < condition.seen)
        yi += y[kept].tolist()
        vi += [v] * int(kept.sum())
        study += [label] * int(kept.sum())
    return Effects.from_arrays(yi, vi, study=study, measure="z")


def naive(effects: Effects) -> Effects:
    """Return the effects as if each were a study of its own."""
    return Effects.from_arrays(effects.yi, effects.vi, measure="z")


TESTS: dict[str, Callable[[Effects], float]] = {
    "classical, naive": lambda e: egger(naive(e), model="classical").p_value,
    "two-level, naive": lambda e: egger(naive(e)).p_value,
    "two-level, aggregated": lambda e: egger(aggregate(e)).p_value,
    "clustered (CHE, CR2)": lambda e: egger(e).p_value,
}


def rejection_rates(condition: Condition, replications: int, seed: int) -> dict[str, float]:
    """Share of reviews in which each test rejects at .05; a failure counts as no rejection."""
    rng = np.random.default_rng(
        [seed, condition.studies, condition.most, round(condition.seen * 10)]
    )
    counts = dict.fromkeys(TESTS, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        for _ in range(replications):
            effects = review(rng, condition)
            for name, test in TESTS.items():
                try:
                    counts[name] += test(effects) < 0.05
                except MetaAllianceError:
                    continue
    return {name: n / replications for name, n in counts.items()}


def table(replications: int, seed: int) -> str:
    """Return the table in Markdown."""
    names = list(TESTS)
    lines = [
        f"| selection | studies | effects a study | {' | '.join(names)} |",
        f"| --- | ---: | ---: | {' | '.join(['---:'] * len(names))} |",
    ]
    for condition in CONDITIONS:
        rates = rejection_rates(condition, replications, seed)
        effects = "1" if condition.most == 1 else f"1 to {condition.most}"
        kind = "none (size)" if condition.seen == 1 else f"{condition.seen:g} seen (power)"
        cells = " | ".join(f"{rates[name]:.3f}" for name in names)
        lines.append(f"| {kind} | {condition.studies} | {effects} | {cells} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def main() -> None:
    """Write the table into the page."""
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else REPLICATIONS
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    note = f"{replications:,} reviews in each row, seed {SEED}."
    made = f"{BEGIN}\n\n{table(replications, SEED)}\n\n{note}\n\n{END}"
    PAGE.write_text(before + made + after, encoding="utf-8")


if __name__ == "__main__":
    main()
