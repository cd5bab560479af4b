"""The ladder of structures: how much better each fits than the simpler ones below it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import chi2_p
from metaalliance.core.variance.components.ascent import ComponentOptimum, highest_of_form
from metaalliance.core.variance.components.likelihood import ComponentData
from metaalliance.errors import ConvergenceError, OptionError
from metaalliance.models.components.fit import determined_covariance, parameters_of
from metaalliance.moderation.components.result import Multivariate
from metaalliance.options import check_seed

#: Structures from the simplest to the richest, with the simpler ones each is tested against.
RUNGS: dict[str, tuple[str, ...]] = {
    "none": (),
    "CS": ("none",),
    "DIAG": ("none",),
    "HCS": ("CS", "DIAG"),
    "UN": ("HCS",),
}
#: What a variance, relative to the sampling variances, or a correlation may differ from its edge.
EDGE = 1e-6
COLUMNS = (
    "structure", "parameters", "log_likelihood", "AIC", "against", "statistic", "df", "p_value",
    "replications", "reason",
)  # fmt: skip


def structure_ladder(found: Multivariate, *, replications: int = 0, seed: int = 1) -> pd.DataFrame:
    """Compare the structures of the same effects and the same design by their likelihoods.

    Restricted likelihoods are comparable here because every structure has the same fixed effects.
    Twice the difference of two nested ones is compared with chi-squared where both estimates lie
    inside their range. At an edge (no variance between studies, a variance of zero, a correlation
    of one) the difference has no such distribution: its p-value is that of a parametric bootstrap,
    and missing without one.

    Parameters
    ----------
    found : Multivariate
        A multivariate model; its effects, design, estimator and variances within studies are those
        of every rung.
    replications : int
        Data sets that are made by the simpler structure and fitted with both; none by default.
    seed : int
        Of the bootstrap and of random starts.

    Returns
    -------
    DataFrame
        One row for each structure and each simpler one it is tested against: structure, parameters,
        log_likelihood, AIC, against, statistic, df, p_value, replications, reason (why there is no
        p-value, or that it is of a bootstrap). UN is left out where it has more parameters than
        there are studies. Correlations that no study tells are not counted.

    Raises
    ------
    OptionError
        For a number of replications below zero.
    """
    if replications < 0:
        raise OptionError(f"replications={replications!r} is not a number of samples.")
    check_seed(seed)
    fit, p = found.fit, len(found.levels)
    optima = _optima(fit.data, fit.within_studies, seed, restricted=fit.point.restricted)
    optima |= {name: optimum for name, optimum in fit.optima.items() if name in RUNGS}
    rows: list[dict[str, Any]] = []
    for structure, below in RUNGS.items():
        count = parameters_of(fit.data, structure, fit.within_studies)
        head = {"structure": structure, "parameters": count, "replications": 0, "reason": ""}
        if structure == "UN" and count > found.n_studies:
            why = f"{count} parameters are more than {found.n_studies} studies"
            rows.append({**head, "reason": why})
            continue
        top = optima[structure].point.log_likelihood
        head |= {"log_likelihood": top, "AIC": 2 * count - 2 * top}
        if p == 2 and structure == "UN":  # HCS of two components is UN
            rows.append({**head, "reason": "the same as HCS for two components"})
            continue
        rows += [
            {**head, **_test(fit.data, fit.within_studies, structure, other, optima,
                             replications=replications, seed=seed)}
            for other in below
        ] or [head]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


def _optima(
    data: ComponentData, within: str, seed: int, *, restricted: bool
) -> dict[str, ComponentOptimum]:
    known: dict[str, ComponentOptimum] = {}
    for structure in RUNGS:
        highest_of_form(data, structure, within, restricted=restricted, seed=seed, known=known)
    return known


def _test(
    data: ComponentData,
    within: str,
    structure: str,
    other: str,
    optima: dict[str, ComponentOptimum],
    *,
    replications: int,
    seed: int,
) -> dict[str, Any]:
    """The likelihood-ratio test of a structure against a simpler one."""
    simple, rich = optima[other].point, optima[structure].point
    statistic = max(0.0, 2 * (rich.log_likelihood - simple.log_likelihood))
    df = parameters_of(data, structure, within) - parameters_of(data, other, within)
    row = {"against": other, "statistic": statistic, "df": df}
    if not df:
        return {**row, "p_value": math.nan, "reason": f"nothing tells it from {other}"}
    edge = other == "none" or any(
        _at_edge(determined_covariance(data, name, optima[name].point.G), data.typical)
        for name in (structure, other)
    )
    if not edge:
        return {**row, "p_value": chi2_p(statistic, df)}
    if not replications:
        return {**row, "p_value": math.nan, "reason": "at an edge: --replications bootstraps it"}
    drawn = _bootstrap(data, within, structure, other, optima[other], replications, seed)
    beyond = int(np.sum(drawn >= statistic - 1e-9))
    reason = "parametric bootstrap"
    if drawn.size < replications:
        reason += f", {replications - drawn.size} samples did not converge"
    return {
        **row, "p_value": (beyond + 1) / (drawn.size + 1), "replications": drawn.size,
        "reason": reason,
    }  # fmt: skip


def _at_edge(G: Array, typical: float) -> bool:
    """Whether a variance is zero or a combination of components does not vary."""
    values = np.linalg.eigvalsh(G)
    return bool(values[0] <= EDGE * max(float(values[-1]), typical))


def _bootstrap(
    data: ComponentData,
    within: str,
    structure: str,
    other: str,
    simple: ComponentOptimum,
    replications: int,
    seed: int,
) -> Array:
    """Statistics of samples that the simpler structure has made."""
    rng, point = np.random.default_rng(seed), simple.point
    fitted, drawn = data.X @ point.beta, []
    roots = [(rows, np.linalg.cholesky(S)) for rows, S in point.covariances()]
    for _ in range(replications):
        y = fitted.copy()
        for rows, root in roots:
            y[rows] += np.einsum("cij,cj->ci", root, rng.standard_normal(rows.shape))
        known: dict[str, ComponentOptimum] = {}
        heights = []
        try:
            for name in (other, structure):
                found = highest_of_form(
                    data.with_effects(y), name, within, restricted=point.restricted, known=known
                )
                heights.append(found.point.log_likelihood)
        except ConvergenceError:
            continue
        drawn.append(2 * (heights[1] - heights[0]))
    return np.array(drawn)
