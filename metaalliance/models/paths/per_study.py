"""Indirect effects of each study, from its own correlations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.core.paths.climb import climb
from metaalliance.core.paths.likelihood import Cells, Problem
from metaalliance.core.paths.profile import Function
from metaalliance.models.paths.table import CorrelationTable


def per_study(
    problem: Problem,
    table: CorrelationTable,
    best: Array,
    terms: Mapping[str, tuple[Function, frozenset[int]]],
    shown: Mapping[str, str],
) -> pd.DataFrame:
    """Fit the model to each study alone, without variance between studies.

    Parameters
    ----------
    best : ndarray, shape (Q + p,)
        Where to begin.
    terms : mapping
        What is reported, as functions of the parameters.
    shown : mapping of str to str
        What the frame calls them.
    """
    k, q, p = len(table.studies), problem.model.q, problem.p
    cells = problem.cells
    each = Problem(
        cells=Cells(y=cells.y[:, None], V=cells.V[:, None], seen=cells.seen[:, None], constant=0.0),
        model=problem.model,
    )
    start = np.zeros((k, q + p))
    start[:, :q] = best[:q]
    determined = np.flatnonzero(_determined(problem, best[:q]))
    fixed = np.arange(q + p) >= q
    found = climb(each, start[determined], determined, fixed=fixed)
    information = each.at(found.x, determined).slope()[2][:, :q, :q]
    rows = []
    for i, study in enumerate(table.studies):
        at = np.flatnonzero((determined == i) & found.converged)
        for name, (function, _) in terms.items():
            estimate = se = np.nan
            if at.size:
                value, gradient, _ = function(found.x[at])
                slope = gradient[0, :q]
                variance = float(slope @ np.linalg.solve(information[at[0]], slope))
                estimate, se = float(value[0]), float(np.sqrt(variance))
            rows.append((study, table.n[i], shown[name], estimate, se))
    return pd.DataFrame(rows, columns=["study", "n", "name", "estimate", "se"])


def _determined(problem: Problem, theta: Array) -> Array:
    """Whether the cells of each study determine every parameter."""
    J = problem.model.at(theta).slopes().jacobian
    return np.array(
        [
            seen.sum() >= theta.size and np.linalg.matrix_rank(J[seen], tol=1e-8) == theta.size
            for seen in problem.cells.seen
        ]
    )
