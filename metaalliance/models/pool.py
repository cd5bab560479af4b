"""Pool effects: the one entry to every model of a mean."""

from __future__ import annotations

from typing import Unpack

from metaalliance.effects.effects import Effects
from metaalliance.model import Model, ModelSettings
from metaalliance.models.censored import fit_censored
from metaalliance.models.multilevel import fit_multilevel
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.two_level import fit_common_effect, fit_two_level, ones
from metaalliance.models.working import Estimates
from metaalliance.notices import announced


def pool(effects: Effects, **settings: Unpack[ModelSettings]) -> PooledFit:
    """Estimate the mean effect and its heterogeneity.

    Parameters
    ----------
    effects : Effects
        What to pool.
    model : {"auto", "common-effect", "two-level", "three-level", "che"} or Model
        "auto" takes "che" when any study has several effects, else "two-level". A whole `Model`
        has all of the settings below.
    tau2 : str
        Estimator of the heterogeneity variance; the multilevel models have REML and ML.
    test : str
        "auto" takes Knapp and Hartung's test for "two-level", the cluster-robust CR2 test
        with Satterthwaite degrees of freedom for the multilevel models, and the normal
        test for "common-effect".
    df : {"satterthwaite", "contain"}
        Degrees of freedom of the test "t" in a multilevel model: Satterthwaite's, from the
        information of the variance components, or the rule of containment (metafor's
        ``dfs="contain"``).
    rho : float or str, optional
        Assumed correlation between sampling errors of effects of one study (model "che"; by
        default .6), or the column that holds it by study.
    level : float
        Coverage of the intervals.
    prediction : {"t", "normal", "riley", "simple"}
        Distribution of the prediction interval: t with the degrees of freedom of the test
        (k - 1 beside a normal test), normal, t with k - 2, or normal without the standard
        error of the mean ("simple").
    within, above : sequence of str
        Columns of further nested levels: inside studies from the coarsest (``("sample",)``),
        and holding studies from the finest (``("research_group",)``), which are then the
        clusters of the robust tests. Multilevel models only.
    crossed : str
        Column of a random factor that studies share, such as ``alliance_measure``; the test
        is then "t" or "wald".
    rho_same, same : float and str
        Correlation of the errors of effects that also share the column `same`, such as one
        outcome at several times; `rho` is then for the others.

    Returns
    -------
    CommonEffectFit, TwoLevelFit or MultilevelFit
        The fit. Its `notices` are also given as `MetaAllianceWarning`.

    Raises
    ------
    OptionError
        For a value that an option does not have.
    EstimationError
        When the model cannot be identified from these effects.

    Examples
    --------
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.25, 0.4], [0.01, 0.02, 0.01, 0.03])
    >>> fit = pool(effects, tau2="DL", test="wald")
    >>> round(fit.estimate, 4), round(fit.se, 4), fit.tau2
    (0.2588, 0.0594, 0.0)
    """
    return announced(fit_mean(effects, Model.of(settings)))


def fit_mean(effects: Effects, model: Model, known: Estimates | None = None) -> PooledFit:
    """Fit a model of a mean; what its reader has to know stands in its notices.

    Parameters
    ----------
    effects : Effects
        What to pool.
    model : Model
        The model.
    known : Estimates, optional
        What other models of the mean of these effects have found already.

    Raises
    ------
    OptionError
        For a setting that the model does not have.
    EstimationError
        When the model cannot be identified from these effects.
    """
    chosen = model.resolved(dependent=effects.dependent())
    if effects.n_censored:
        return fit_censored(effects, chosen)
    found = Estimates(effects, ones(effects)) if known is None else known
    if chosen.kind == "common-effect":
        return fit_common_effect(found, chosen)
    if chosen.kind == "two-level":
        return fit_two_level(found, chosen)
    return fit_multilevel(found, chosen)
