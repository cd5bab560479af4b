"""Coverage of intervals of an indirect effect: likelihood, delta method and bootstrap.

    python scripts/simulate_paths.py        (from the project root; half an hour of processor time)
    python scripts/simulate_paths.py 200 0  (fewer reviews; the second with bootstrap)

Draws reviews of three variables: samples of people from correlation matrices that vary between
studies, of whose correlations each study reports some. Fits ``y ~ b*m + c*x; m ~ a*x`` and counts
how often each interval of a*b holds its true value. Writes the table of docs/mediation.md between
its markers. The seed is fixed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metaalliance.core.conversion.steiger import unscaled_covariance, upper_pairs
from metaalliance.core.paths.climb import climb
from metaalliance.core.paths.effects import indirect_effect
from metaalliance.core.paths.likelihood import Cells, Problem
from metaalliance.core.paths.profile import likelihood_bounds
from metaalliance.models.paths.parameters import path_model
from metaalliance.models.paths.syntax import parse

SEED = 20261201
REPLICATIONS, BOOTSTRAPPED, RESAMPLES = 2000, 100, 199
BATCH = 250
PAGE = Path(__file__).parents[1] / "docs" / "mediation.md"
BEGIN, END = "<!-- simulation: begin -->", "<!-- simulation: end -->"
#: Share of its correlations that a study does not report.
LACKING = 0.3
A, C, Z = 0.2, 0.1, 1.959963984540054
PAIRS = upper_pairs(3)
SYNTAX = parse("y ~ b*m + c*x; m ~ a*x")
VARIABLES = ("x", "m", "y")
MODEL = path_model(SYNTAX, VARIABLES, PAIRS)
PRODUCT = indirect_effect(MODEL, 0, 2)


@dataclass(frozen=True)
class Condition:
    """A kind of review: studies, path from m to y, standard deviation of true correlations."""

    studies: int
    b: float
    tau: float


CONDITIONS = tuple(
    Condition(k, b, tau) for tau in (0.1, 0.2) for b in (0.25, 0.0) for k in (15, 30, 60)
)


def truth(condition: Condition) -> np.ndarray:
    """Return the parameters: paths in the order of the model, then variances."""
    paths = {"a": A, "b": condition.b, "c": C}
    return np.r_[[paths[name] for name in SYNTAX.parameters], np.full(3, condition.tau**2)]


def reviews(rng: np.random.Generator, condition: Condition, count: int) -> tuple[Cells, np.ndarray]:
    """Draw reviews and n of their studies; a study reports one correlation at least."""
    k, rho = condition.studies, MODEL.at(truth(condition)[:3]).rho
    R = matrices(rho + condition.tau * rng.normal(size=(count, k, 3)))
    while True:
        odd = np.linalg.eigvalsh(R)[..., 0] < 0.02
        if not odd.any():
            break
        R[odd] = matrices(rho + condition.tau * rng.normal(size=(int(odd.sum()), 3)))
    n = np.round(np.exp(rng.normal(4.5, 0.6, (count, k)))).clip(20, 600)
    root = np.zeros((count, k, 3, 3))  # of a Wishart matrix
    for i in range(3):
        root[..., i, i] = np.sqrt(rng.chisquare(n - 1 - i))
        root[..., i, :i] = rng.normal(size=(count, k, i))
    root = np.linalg.cholesky(R) @ root
    S = root @ np.swapaxes(root, -1, -2)
    spread = np.sqrt(np.diagonal(S, axis1=-2, axis2=-1))
    first, second = PAIRS.T
    r = S[..., first, second] / (spread[..., first] * spread[..., second])
    seen = rng.random((count, k, 3)) >= LACKING
    seen[~seen.any(axis=-1), 2] = True
    return cells(r, n, seen), n


def matrices(r: np.ndarray) -> np.ndarray:
    """Return correlation matrices from their correlations."""
    R = np.zeros((*r.shape[:-1], 3, 3)) + np.eye(3)
    for c, (i, j) in enumerate(PAIRS):
        R[..., i, j] = R[..., j, i] = r[..., c]
    return R


def cells(r: np.ndarray, n: np.ndarray, seen: np.ndarray) -> Cells:
    """Return data sets with covariances from their weighted mean correlations."""
    weights = n[..., None] * seen
    mean = (weights * r).sum(axis=-2) / weights.sum(axis=-2)
    V = unscaled_covariance(matrices(mean), PAIRS)[..., None, :, :] / n[..., None, None]
    both = seen[..., :, None] & seen[..., None, :]
    return Cells(y=r * seen, V=np.where(both, V, np.eye(3)), seen=seen, constant=0.0)


def indirect(problem: Problem, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return maxima, indirect effects, and whether each was reached."""
    count = problem.cells.y.shape[0]
    found = climb(problem, np.tile(start, (count, 1)), np.arange(count))
    return found.x, PRODUCT(found.x)[0], found.converged


def covered(low: np.ndarray, high: np.ndarray, value: float) -> np.ndarray:
    """Return whether intervals hold a value; a bound that is not there holds all on its side."""
    return (np.nan_to_num(low, nan=-9.0) <= value) & (value <= np.nan_to_num(high, nan=9.0))


def bootstrap(rng: np.random.Generator, data: Cells, n: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the percentile interval of one review, studies drawn again."""
    k = data.y.shape[0]
    rows = rng.integers(0, k, (RESAMPLES, k))
    whole = data.seen[rows].any(axis=1).all(axis=1)
    rows = rows[whole]
    problem = Problem(cells=cells(data.y[rows], n[rows], data.seen[rows]), model=MODEL)
    _, products, converged = indirect(problem, x)
    return np.quantile(products[converged], [0.025, 0.975])


def simulate(condition: Condition, replications: int, bootstrapped: int) -> dict[str, float]:
    """Return the coverage of each interval, and how many reviews could not be fitted."""
    rng = np.random.default_rng([SEED, CONDITIONS.index(condition)])
    value, start = A * condition.b, truth(condition)
    held: dict[str, list[bool]] = {"likelihood": [], "delta": [], "bootstrap": []}
    failed = 0
    for begin in range(0, replications, BATCH):
        data, n = reviews(rng, condition, min(BATCH, replications - begin))
        count = data.y.shape[0]
        problem, rows = Problem(cells=data, model=MODEL), np.arange(count)
        x, product, converged = indirect(problem, start)
        failed += int((~converged).sum())
        information = problem.at(x, rows).slope()[1]
        still = np.concatenate([np.zeros((count, 3), dtype=bool), x[:, 3:] <= 0], axis=1)
        information[still[:, :, None] | still[:, None, :]] = 0.0
        bounds = likelihood_bounds(problem, x, information, [PRODUCT], Z, rows)[:, 0]
        gradient = PRODUCT(x)[1]
        spread = np.linalg.pinv(information, hermitian=True)
        se = np.sqrt(np.einsum("bi,bij,bj->b", gradient, spread, gradient))
        held["likelihood"] += covered(*bounds.T, value)[converged].tolist()
        held["delta"] += covered(product - Z * se, product + Z * se, value)[converged].tolist()
        for i in range(max(0, min(count, bootstrapped - begin))):
            one = Cells(y=data.y[i], V=data.V[i], seen=data.seen[i], constant=0.0)
            low, high = bootstrap(rng, one, n[i], x[i])
            held["bootstrap"].append(bool(low <= value <= high))
    shares = {name: float(np.mean(of)) if of else np.nan for name, of in held.items()}
    return {**shares, "failed": failed}


def main(replications: int = REPLICATIONS, bootstrapped: int = BOOTSTRAPPED) -> None:
    """Simulate every condition and write the page."""
    lines = [
        "| τ | b | studies | likelihood | delta method | bootstrap of studies |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for condition in CONDITIONS:
        found = simulate(condition, replications, bootstrapped if condition.b else 0)
        lines.append(
            f"| {condition.tau:g} | {condition.b:g} | {condition.studies} | "
            + " | ".join(f"{found[name]:.3f}" for name in ("likelihood", "delta"))
            + (f" | {found['bootstrap']:.2f}" if condition.b else " | ")
            + " |"
        )
        print(lines[-1], "not converged:", found["failed"], flush=True)
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    table = "\n".join(lines)
    PAGE.write_text(f"{head}{BEGIN}\n\n{table}\n\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
