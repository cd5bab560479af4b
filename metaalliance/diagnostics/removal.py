"""Rows of the comparison without outlying effects and without influential studies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.inference.diagnostics import hat_values
from metaalliance.diagnostics.diagnostics import deletions, flagged
from metaalliance.diagnostics.mean_subsets import removed_studies
from metaalliance.diagnostics.outliers import outlying
from metaalliance.diagnostics.subject import Subject, examine
from metaalliance.diagnostics.units import unit_masks
from metaalliance.models.comparison import Row, refit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.problems import Problem, notice

#: Variance components are estimated anew without each study up to this many studies times
#: effects, and held above it, where one study cannot move them by much.
REFITTED_CELLS = 1_000_000
#: The same with further levels or correlations, whose subsets are fitted one by one.
REFITTED_ALONE = 5_000


def removals(main: PooledFit) -> tuple[list[Row], list[Problem]]:
    """Return the rows without outliers and without influential studies, as far as there are any.

    Outliers are effects whose own interval lies wholly outside that of the mean, influential
    studies those that `influence` marks.

    Parameters
    ----------
    main : PooledFit
        The main model; with fewer than three studies there are no such rows.

    Returns
    -------
    list of Row
        The main model, to be fitted to what is left.
    list of Problem
        Notes: that there is nothing to remove, or that the variance components were held.
    """
    rows: list[Row] = []
    notes: list[Problem] = []
    if main.n_studies < 3:
        return rows, notes
    if main.effects.n_censored:
        message = "outliers removed, influential removed: some effects have no value."
        return rows, [notice("MA630", message, severity="note")]
    out = outlying(main, main.effects.yi, main.effects.vi)
    if out.any():
        rows.append(Row("outliers removed", _without(out)))
    else:
        notes.append(_nothing("outliers removed", "no effect's interval lies outside the mean's"))
    marks, held = influential(main)
    if held:
        message = "influential removed: judged with the variance components held."
        notes.append(notice("MA632", message, severity="note"))
    if marks.any():
        rows.append(Row("influential removed", _without(marks)))
    else:
        notes.append(_nothing("influential removed", "no study is influential"))
    return rows, notes


def influential(fit: PooledFit) -> tuple[BoolArray, bool]:
    """Return which effects belong to an influential study, and whether components were held.

    Parameters
    ----------
    fit : PooledFit
        Any model of a mean, of two or more studies.

    Returns
    -------
    ndarray of bool, shape (k,)
        Effects in their own order.
    bool
        Whether the studies are too many to estimate the variance components without each.
    """
    subject = examine(fit)
    cells = fit.n_studies * fit.n_effects
    held = cells > (REFITTED_ALONE if subject.structured else REFITTED_CELLS)
    table = held_deletions(subject) if held else _refitted_deletions(subject)
    marks = table["influential"].to_numpy(dtype=bool)
    found = np.empty(fit.n_effects, dtype=np.bool_)
    found[subject.order] = marks[subject.study]
    return found, held and fit.model != "common-effect"


def _refitted_deletions(subject: Subject) -> pd.DataFrame:
    """Diagnostics of each study, the variance components estimated without it."""
    present = unit_masks(subject.effects, "study")[:, subject.order]
    table = removed_studies(subject, present)
    if table is None:
        return deletions(subject, "study")
    table["hat"] = ~present @ hat_values(subject.data, subject.point)
    table["influential"] = flagged(table, 1, len(table))
    return table


def held_deletions(subject: Subject) -> pd.DataFrame:
    """Cook's distance, DFFITS, DFBETAS and hat of each study at the components of all.

    The diagnostics of `influence`, but for the variance components, which it estimates without
    each study. Studies only drop out of sums, unless levels above them or a crossed factor join
    them.
    """
    point, study = subject.point, subject.study
    model, bread = subject.fit.specification, float(subject.point.bread[0, 0])
    change, scale = _joined(subject) if model.above or model.crossed else _sums(subject)
    moved = np.zeros_like(change)
    np.divide(change, np.sqrt(scale * bread), out=moved, where=change != 0)
    table = pd.DataFrame({"cook": change**2 / (subject.scale * bread)})
    table["dffits"] = table["dfbetas"] = moved
    table["hat"] = np.bincount(study, hat_values(subject.data, point))
    table["influential"] = flagged(table, 1, len(table))
    return table


def _sums(subject: Subject) -> tuple[Array, Array]:
    """Changes of the mean without each study, and the factor of its variance, by sums."""
    data, point, study = subject.data, subject.point, subject.study
    residuals, test = data.yi - data.X @ point.beta, subject.fit.test
    own, first, second = (
        np.bincount(study, x)
        for x in (point.WX[:, 0], point.WX[:, 0] * residuals, residuals * point.u)
    )
    rest = own.sum() - own
    change = first / rest  # the weighted residuals of all sum to zero
    if not test.startswith("knapp-hartung"):
        return change, np.ones_like(change)
    rss = second.sum() - second - first**2 / rest
    factor = np.maximum(0.0, rss) / (study.size - 1 - np.bincount(study))
    return change, np.maximum(1.0, factor) if test.endswith("adhoc") else factor


def _joined(subject: Subject) -> tuple[Array, Array]:
    """The same where levels above studies or a crossed factor join them: case deletion.

    With P = W - W X G X'W the coefficients change by G X'W_J (P_JJ)^-1 (P y)_J.
    """
    point, study = subject.point, subject.study
    change = np.empty(int(study.max()) + 1)
    for j in range(change.size):
        rows = np.flatnonzero(study == j)
        columns = np.zeros((study.size, rows.size))
        columns[rows, np.arange(rows.size)] = 1.0
        A = point.WX[rows] @ point.bread
        P = point.covariance.solve(columns)[rows] - A @ point.WX[rows].T
        change[j] = float(A[:, 0] @ np.linalg.solve(P, point.u[rows]))
    return change, np.ones_like(change)


def _without(gone: BoolArray) -> Callable[[PooledFit], PooledFit]:
    return lambda main: refit(main, main.effects.subset(~gone))


def _nothing(row: str, reason: str) -> Problem:
    return notice("MA631", f"{row}: {reason}.", severity="note")
