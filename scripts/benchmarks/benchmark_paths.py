"""Time path models: ``python scripts/benchmarks/benchmark_paths.py``.

Processor time of the fit (with its saturated and independence models) and of all likelihood
intervals, and the ratio to a quasi-Newton climb of the same likelihood without derivatives, which
is what scipy does when it is given the likelihood alone. OpenMx took 1.46 s for a model of 17
studies and six correlations.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import minimize

import metaalliance as ma
from metaalliance.core.paths.likelihood import Problem

MODELS = {
    4: "d ~ p*c + q*b; c ~ r*a + b; i := p*r",
    5: "e ~ p*d + q*c; d ~ r*c + b; c ~ a + b; i := p*r",
}


def table(studies: int, variables: int, seed: int = 2) -> pd.DataFrame:
    """Return correlations of studies whose true correlations vary by .1."""
    rng, names, rows = np.random.default_rng(seed), "abcde"[:variables], []
    for study in range(studies):
        n = int(rng.integers(40, 300))
        for j in range(variables):
            for i in range(j):
                r = 0.3 + 0.1 * rng.normal() + 0.9 * rng.normal() / np.sqrt(n)
                rows.append((f"S{study}", names[i], names[j], float(np.clip(r, -0.6, 0.8)), n))
    return pd.DataFrame(rows, columns=["study", "var1", "var2", "r", "n"])


def spent(run: Callable[[], object], times: int = 3) -> float:
    """Return the least processor time of some runs."""
    found = []
    for _ in range(times):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found)


def without_derivatives(problem: Problem) -> Callable[[], object]:
    """Return the climb of scipy, with logarithms of variances."""
    one, Q = np.zeros(1, dtype=np.intp), problem.Q

    def value(x: np.ndarray) -> float:
        whole = np.r_[x[:Q], np.exp(x[Q:])][None]
        return -float(problem.at(whole, one).log_likelihood[0])

    start = np.r_[np.full(Q, 0.1), np.full(problem.p, np.log(0.01))]
    return lambda: minimize(value, start, method="BFGS")


def main() -> None:
    """Print a line for each size."""
    for studies, variables in ((17, 4), (300, 5)):
        frame, model = table(studies, variables), MODELS[variables]
        excluded = {"not_positive_definite": "exclude"}
        fit = ma.masem(frame, model, **excluded)
        fitting = spent(lambda: ma.masem(frame, model, **excluded))  # noqa: B023
        whole = spent(lambda: ma.masem(frame, model, **excluded).paths)  # noqa: B023
        peer = spent(without_derivatives(fit.problem), 1)
        cells = variables * (variables - 1) // 2
        print(
            f"{studies} studies x {cells} correlations: fit {1000 * fitting:.0f} ms, with all "
            f"intervals {1000 * whole:.0f} ms; scipy without derivatives takes "
            f"{peer / fitting:.1f} times as long as the fit"
        )


if __name__ == "__main__":
    main()
