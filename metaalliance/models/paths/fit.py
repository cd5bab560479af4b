"""One-stage meta-analytic structural equation models of long tables of correlations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.paths.climb import Maximum, climb
from metaalliance.core.paths.likelihood import Cells, Problem
from metaalliance.effects.effects import Effects
from metaalliance.errors import ConvergenceError, EstimationError, OptionError
from metaalliance.interchange import FrameLike, pandas_frame
from metaalliance.models.paths.contradictions import NotPositiveDefinite
from metaalliance.models.paths.indices import path_fit
from metaalliance.models.paths.inference import Term
from metaalliance.models.paths.of_effects import correlations as table_of
from metaalliance.models.paths.parameters import (
    Moderators,
    defined_functions,
    design_of,
    independence_model,
    path_model,
    saturated_model,
    slopes_of,
)
from metaalliance.models.paths.result import Masem
from metaalliance.models.paths.syntax import PathSyntax, parse
from metaalliance.models.paths.table import correlation_table
from metaalliance.notices import announced
from metaalliance.options import check_level, check_option
from metaalliance.problems import Problem as Notice
from metaalliance.problems import notice
from metaalliance.wording.phrases import agreeing, count_text

Interval = Literal["likelihood", "wald"]
#: Assumed correlation of two measures of one variable.
MEASURES_R = 0.6
#: Studies of a pair of variables below which its variance between studies is warned of.
FEWEST = 3
_ONE = np.zeros(1, dtype=np.intp)


def masem(
    correlations: FrameLike | Effects,
    model: str,
    *,
    moderators: Moderators = (),
    level: float = 0.95,
    interval: Interval = "likelihood",
    measures_r: float = MEASURES_R,
    not_positive_definite: NotPositiveDefinite = "refuse",
) -> Masem:
    """Fit a path model to the correlations of many studies in one stage.

    The correlations of study i are ``N(rho(theta), V_i + diag(tau2))`` [1]_: rho are those that the
    paths imply, V_i follows from the weighted mean correlations and n [2]_, and every pair of
    variables has a variance between studies. Several correlations of one pair in a study are
    effects of the same cell: they share its random effect, and their sampling errors are
    correlated. Correlations that a study lacks are missing.

    Parameters
    ----------
    correlations : DataFrame, table of polars or pyarrow, or Effects
        One row per correlation: study, var1, var2, r, n. Further columns may be `sample`
        (independent samples of a study), `measure1`, `measure2`, `time1`, `time2` (what var1 and
        var2 were measured with, and when), `measures_r` (correlation of two measures of one
        variable) and moderators. Effects of a sheet are such rows where they name both of their
        variables in var1 and var2.
    model : str
        Paths in the syntax of lavaan [3]_, see `parse`.
    moderators : sequence of str, or mapping of str to str or sequence of str
        Columns that move every directed path, or those of each path by its label. Numbers are
        centred at their mean over studies, unless they are 0 and 1; paths are those there and,
        for text, of the first level.
    level : float
        Coverage of intervals.
    interval : {"likelihood", "wald"}
        Limits at which the likelihood, maximised over all else, has fallen by half the quantile of
        chi-squared [4]_, or estimate ± z × se; p-values are of the same kind.
    measures_r : float
        Correlation of two measures of one variable that is assumed where the table has none.
    not_positive_definite : {"refuse", "exclude"}
        What happens to studies whose correlations contradict each other.

    Returns
    -------
    Masem
        Maximum likelihood; all is standardised, as correlations are.

    Raises
    ------
    StudyDataError, EstimationError, OptionError
        For a table, a model or a moderator that cannot be used; a model that the table does not
        determine.

    References
    ----------
    .. [1] Jak and Cheung (2020).
    .. [2] Olkin and Siotani (1976).
    .. [3] Rosseel (2012).
    .. [4] Pritikin et al. (2017).

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     [
    ...         (f"S{i}", a, b, r + 0.02 * (i % 3 - 1), 80 + 10 * i)
    ...         for i in range(6)
    ...         for a, b, r in (
    ...             ("severity", "alliance", -0.2),
    ...             ("alliance", "outcome", 0.3),
    ...             ("severity", "outcome", -0.3),
    ...         )
    ...     ],
    ...     columns=["study", "var1", "var2", "r", "n"],
    ... )
    >>> found = masem(
    ...     table, "outcome ~ b*alliance + severity; alliance ~ a*severity; indirect := a*b"
    ... )
    >>> found.defined[["label", "estimate"]].round(4).values.tolist()
    [['indirect', -0.0501]]
    """
    check_level(level)
    check_option("interval", interval, Interval)
    check_option("not_positive_definite", not_positive_definite, NotPositiveDefinite)
    frame = (
        table_of(correlations) if isinstance(correlations, Effects) else pandas_frame(correlations)
    )
    syntax = parse(model)
    table = correlation_table(
        frame,
        syntax.variables,
        measures_r=measures_r,
        not_positive_definite=not_positive_definite,
        order=syntax.order,
    )
    slopes = slopes_of(syntax, moderators, frame, table.studies)
    functions = defined_functions(syntax, slopes)
    v = len(table.variables)
    paths = path_model(syntax, table.variables, table.pairs)
    problem = Problem(cells=table.cells, model=paths, design=design_of(syntax, slopes))
    plain = Problem(cells=table.cells, model=paths)
    _check_identified(problem)
    best = maximum(problem)
    _check_defined(syntax, functions, best.x)
    unmoderated = best if problem.design is None else maximum(plain)
    saturated = maximum(Problem(cells=table.cells, model=saturated_model(v, table.pairs)))
    independent = maximum(Problem(cells=table.cells, model=independence_model(v, table.pairs)))
    implied = paths.at(unmoderated.x[0, : paths.q])
    fit = path_fit(
        -2 * float(unmoderated.log_likelihood[0]),
        -2 * float(saturated.log_likelihood[0]),
        -2 * float(independent.log_likelihood[0]),
        parameters=paths.q,
        implied=implied.rho,
        mean=saturated.x[0, : len(table.pairs)],
        n=float(table.n.sum()),
    )
    return announced(
        Masem(
            syntax=syntax,
            table=table,
            slopes=slopes,
            level=level,
            interval=interval,
            measures_r=measures_r,
            not_positive_definite=not_positive_definite,
            minus_two_log_likelihood=-2 * float(best.log_likelihood[0]),
            minus_two_without_moderators=-2 * float(unmoderated.log_likelihood[0]),
            fit=fit,
            problem=problem,
            best=best.x[0],
            saturated=saturated.x[0, : len(table.pairs)],
            functions=functions,
            notices=(*table.notices, *_doubts(problem, best.x[0], syntax.variables)),
        )
    )


def maximum(problem: Problem) -> Maximum:
    """Return the highest maximum from several starts, as an array of one.

    Raises
    ------
    ConvergenceError
        When none is reached.
    """
    start = np.full((2, problem.Q + problem.p), 0.1)
    start[:, problem.Q :] = _between(problem.cells) * np.array([[1.0], [0.01]])
    if problem.design is not None:
        start[:, problem.model.q : problem.Q] = 0.0
    found = climb(problem, start, np.zeros(2, dtype=np.intp))
    value = np.where(found.converged, found.log_likelihood, -np.inf)
    if not np.isfinite(value).any():
        raise ConvergenceError("The path model did not converge.")
    top = [int(np.argmax(value))]
    return Maximum(
        x=found.x[top],
        log_likelihood=found.log_likelihood[top],
        multiplier=found.multiplier[top],
        converged=found.converged[top],
    )


def _between(cells: Cells) -> Array:
    """Spread of the correlations of each cell beyond their sampling errors, or a tenth of these."""
    count = np.maximum(cells.seen.sum(axis=0), 1)
    mean = cells.y.sum(axis=0) / count
    spread = (np.where(cells.seen, cells.y - mean, 0.0) ** 2).sum(axis=0) / count
    sampling = (np.diagonal(cells.V, axis1=1, axis2=2) * cells.seen).sum(axis=0) / count
    return np.asarray(np.maximum(spread - sampling, 0.1 * sampling), dtype=np.float64)


def _check_identified(problem: Problem) -> None:
    """Refuse a model whose parameters the cells do not determine, at values without a pattern."""
    x = np.r_[np.linspace(0.11, 0.29, problem.Q), _between(problem.cells)][None, :]
    information = problem.at(x, _ONE).slope()[2][0, : problem.Q, : problem.Q]
    root = np.sqrt(np.diag(information))
    if (root == 0).any() or np.linalg.eigvalsh(information / np.outer(root, root))[0] < 1e-9:
        raise EstimationError(
            f"The correlations do not determine the {problem.Q} parameters of the model: there "
            f"{agreeing(problem.p, 'is', 'are')} {count_text(problem.p, 'pair')} of variables. "
            "Leave out or fix paths.",
            code="MA727",
        )


def _check_defined(syntax: PathSyntax, functions: Mapping[str, Term], best: Array) -> None:
    """Refuse a defined parameter that has no value, or no slope, at the estimates."""
    for name, expression in syntax.defined:
        value, gradient, _ = functions[name][0](best)
        if not (np.isfinite(value).all() and np.isfinite(gradient).all()):
            raise OptionError(
                f"The model line '{name} := {expression.text}' is not taken: it has no value at "
                "the estimates of the paths (a division by zero, or the logarithm or root of a "
                "number that is not positive).",
                code="MA720",
            )


def _doubts(problem: Problem, best: Array, variables: Any) -> list[Notice]:
    """What the estimates themselves put in doubt."""
    residual = problem.model.at(best[: problem.model.q]).residual
    few = np.flatnonzero(problem.cells.seen.sum(axis=0) < FEWEST)
    pairs = problem.model.pairs[few]
    found = []
    if few.size:
        named = "; ".join(f"{variables[i]} with {variables[j]}" for i, j in pairs)
        found = [notice("MA729", f"Fewer than {FEWEST} studies correlate {named}.")]
    return found + [
        notice(
            "MA728",
            f"The paths that lead to {variables[i]} leave it a residual variance of "
            f"{residual[i]:.3f}: the model does not fit these correlations.",
        )
        for i in np.flatnonzero(residual < 0)
    ]
