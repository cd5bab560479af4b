"""Meta-regression of effects on a design matrix: every model and test of a pooled mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.inference.robust import Saturation, saturation
from metaalliance.core.inference.wald import combination_df
from metaalliance.effects.effects import Effects
from metaalliance.frozen import FrozenDict
from metaalliance.model import Model, ModelSettings, Specification
from metaalliance.models.checks import reading_notices, refuse_false_independence
from metaalliance.models.design import checked_design, conditioned
from metaalliance.models.inference.coefficients import COLUMNS, NEGLIGIBLE, contrast_of
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.structure import structure_notices
from metaalliance.models.working import WorkingFit, fit_working
from metaalliance.notices import announced
from metaalliance.options import CLUSTER_TESTS
from metaalliance.problems import Problem, notice


def regress(
    effects: Effects, X: ArrayLike, names: Sequence[str], **settings: Unpack[ModelSettings]
) -> RegressionFit:
    """Regress effects on a design matrix.

    Parameters
    ----------
    effects : Effects
        What is explained.
    X : array_like, shape (k, p)
        Design matrix with its intercept, rows in the order of the effects.
    names : sequence of str
        Names of its columns.
    **settings
        The settings of `pool`, or a whole `Model` as `model`.

    Returns
    -------
    RegressionFit
        Its `notices` are also given as `MetaAllianceWarning`.

    Raises
    ------
    OptionError
        For a value that an option does not have, or a design of another shape.
    EstimationError
        When the design is collinear or has as many columns as effects, or when the model
        cannot be identified.

    References
    ----------
    Pustejovsky and Tipton (2022); Knapp and Hartung (2003).

    Examples
    --------
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.25, 0.4], [0.01, 0.02, 0.01, 0.03])
    >>> fit = regress(effects, [[1, 0], [1, 1], [1, 0], [1, 1]], ["mean", "b"], test="wald")
    >>> [round(float(b), 4) for b in fit.beta]
    [0.225, 0.115]
    """
    return announced(fit_regression(effects, X, names, Model.of(settings)))


def fit_regression(
    effects: Effects, X: ArrayLike, names: Sequence[str], model: Model
) -> RegressionFit:
    """Fit a meta-regression; what its reader has to know stands in its notices."""
    effects.refuse_intervals("A model of moderators", "only a mean is estimated from intervals")
    chosen = model.resolved(dependent=effects.dependent())
    design = checked_design(effects, X, names, chosen.kind)
    if not chosen.multilevel:
        refuse_false_independence(effects, chosen.kind, chosen.test)
    scaled, basis = conditioned(design)
    work = fit_working(effects, scaled, chosen, basis)
    return _fit(effects, design, tuple(names), work, basis, chosen)


def _fit(
    effects: Effects,
    X: Array,
    names: tuple[str, ...],
    work: WorkingFit,
    basis: Array,
    model: Specification,
) -> RegressionFit:
    """Bring the working model back to the columns of the design."""
    tau2 = work.tau2
    sigma2 = work.sigma2 if model.multilevel else FrozenDict(study=tau2)
    shares = work.I2_levels if model.multilevel else FrozenDict(study=work.q.I2(tau2))
    return RegressionFit(
        **coefficients(effects, names, work, basis, model),
        X=read_only(X),
        tau2=tau2,
        sigma2=sigma2,
        I2_levels=shares,
        I2=work.q.I2(tau2),
        H2=work.q.H2(tau2),
        QE=work.q.Q,
        QE_df=work.q.df,
        QE_p_value=work.q.p_value,
        log_likelihood=work.point.log_likelihood,
        guard_acted=work.guard_acted,
    )


def coefficients(
    effects: Effects,
    names: tuple[str, ...],
    work: WorkingFit,
    basis: Array,
    model: Specification,
) -> dict[str, Any]:
    """Return what `Coefficients` needs, by name, with notices: beta = basis @ work.point.beta."""
    beta, covariance = basis @ work.point.beta, _turned(work.covariance, basis)
    variance, alone = np.diag(covariance).copy(), None
    if model.robust:
        alone = saturation(work.data, work.point, basis)
        variance[alone.share > NEGLIGIBLE] = math.nan
    found = contrast_of(beta, variance, _coefficient_df(work, basis, model.test), model.level)
    notices = work.notices + reading_notices(effects, float(np.nanmin(found.df)), model.test)
    return {
        "effects": effects,
        "names": names,
        "specification": model,
        "beta": read_only(beta),
        "covariance": read_only(covariance),
        **{name: getattr(found, name) for name in COLUMNS[1:]},
        "notices": notices
        + structure_notices(effects, model)
        + _saturation_notice(effects, work, alone, model),
        "data": work.data,
        "point": work.point,
        "basis": read_only(basis),
        "scale": work.scale,
    }


def _turned(covariance: Array, basis: Array) -> Array:
    """Return basis @ covariance @ basis.T."""
    scale = np.diag(basis)
    if np.count_nonzero(basis) == np.count_nonzero(scale):
        return np.asarray(covariance * np.outer(scale, scale))
    return basis @ covariance @ basis.T


def _coefficient_df(work: WorkingFit, basis: Array, test: str) -> Array:
    if test not in CLUSTER_TESTS:
        return work.df
    return combination_df(work.data, work.point, basis, test)


def _saturation_notice(
    effects: Effects, work: WorkingFit, alone: Saturation | None, model: Specification
) -> tuple[Problem, ...]:
    """Say which clusters determine a combination of the coefficients alone."""
    if alone is None or not alone.studies.size:
        return ()
    count = alone.studies.size
    column = model.above[-1] if model.above else "study"
    one, several = ("study", "studies") if column == "study" else (column, f"groups of {column}")
    rows = work.data.order[work.data.blocks.starts[alone.studies]]
    labels = [str(label) for label in effects.frame[column].iloc[rows[:3]]]
    listed = ", ".join(labels) + (" and others" if count > 3 else "")
    message = (
        f"{count} {f'{one} determines' if count == 1 else f'{several} determine'} a "
        f"coefficient alone ({listed}): robust standard errors that rest on "
        f"{'it' if count == 1 else 'them'} are not defined."
    )
    hint = "Merge the level with another, or leave it out of the comparison."
    return (notice("MA642", message, hint),)
