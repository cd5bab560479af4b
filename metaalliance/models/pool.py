"""Pool effects: the one entry to every model of a mean."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Literal

from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning, OptionError
from metaalliance.models.deep import DeepFit, Structure, fit_deep
from metaalliance.models.fits import CommonEffectFit, TwoLevelFit
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.nested import fit_nested
from metaalliance.models.two_level import fit_common_effect, fit_two_level
from metaalliance.options import (
    Model,
    Prediction,
    Tau2Estimator,
    Test,
    check_level,
    check_option,
    check_rho,
)

#: Tests that a model has; the first is its default.
TESTS: dict[str, tuple[str, ...]] = {
    "common-effect": ("wald", "t", "cr0", "cr1", "cr1s", "cr2"),
    "two-level": ("knapp-hartung", "knapp-hartung-adhoc", "wald", "t", "cr0", "cr1", "cr1s", "cr2"),
    "three-level": ("cr2", "cr1s", "cr1", "cr0", "wald", "t"),
    "che": ("cr2", "cr1s", "cr1", "cr0", "wald", "t"),
}


def pool(
    effects: Effects,
    *,
    model: Model = "auto",
    tau2: Tau2Estimator = "REML",
    test: Test = "auto",
    rho: float | str = 0.6,
    level: float = 0.95,
    prediction: Prediction = "t",
    within: Sequence[str] = (),
    above: Sequence[str] = (),
    crossed: str = "",
    rho_same: float | None = None,
    same: str = "",
) -> CommonEffectFit | TwoLevelFit | MultilevelFit | DeepFit:
    """Estimate the mean effect and its heterogeneity.

    Parameters
    ----------
    effects : Effects
        What to pool.
    model : {"auto", "common-effect", "two-level", "three-level", "che"}
        "auto" takes "che" when any study has several effects, else "two-level".
    tau2 : {"REML", "DL", "HE", "HS", "SJ", "EB", "PM", "PMM", "ML"}
        Estimator of the heterogeneity variance; the multilevel models have REML and ML.
    test : str
        "auto" takes Knapp and Hartung's test for "two-level", the cluster-robust CR2 test
        with Satterthwaite degrees of freedom for the multilevel models, and the normal
        test for "common-effect".
    rho : float or str
        Assumed correlation between sampling errors of effects of one study (model "che"), or
        the column that holds it by study.
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
    CommonEffectFit, TwoLevelFit, MultilevelFit or DeepFit
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
    check_option("model", model, Model)
    check_option("tau2", tau2, Tau2Estimator)
    check_option("prediction", prediction, Prediction)
    check_level(level)
    chosen = auto_model(effects) if model == "auto" else model
    check_test(chosen, test)
    chosen_test = TESTS[chosen][0] if test == "auto" else test
    structure = Structure(
        within=tuple(within),
        above=tuple(above),
        crossed=crossed,
        rho=rho if isinstance(rho, str) else check_rho(rho),
        rho_same=math.nan if rho_same is None else check_rho(rho_same),
        same=same,
    )
    if structure.columns and chosen not in {"three-level", "che"}:
        raise OptionError(f"The {chosen} model has no further levels or correlations.")
    if crossed and test == "auto":
        chosen_test = "t"
    fit: CommonEffectFit | TwoLevelFit | MultilevelFit | DeepFit
    if chosen == "common-effect":
        fit = fit_common_effect(effects, chosen_test, level, prediction)
    elif chosen == "two-level":
        fit = fit_two_level(effects, tau2, chosen_test, level, prediction)
    else:
        method = likelihood(chosen, tau2)
        if structure.columns:
            fit = fit_deep(effects, structure, chosen, method, chosen_test, level, prediction)
        else:
            constant = float(structure.rho)
            fit = fit_nested(effects, chosen, method, chosen_test, constant, level, prediction)
    for found in fit.notices:
        if found.severity == "warning":
            warnings.warn(f"{found.code} {found.message}", MetaAllianceWarning, stacklevel=2)
    return fit


def auto_model(effects: Effects) -> str:
    """Return "che" when any study has several effects, else "two-level"."""
    return "che" if effects.dependent() else "two-level"


def check_test(model: str, test: str) -> None:
    """Refuse a test that does not exist, or that the model does not have."""
    check_option("test", test, Test)
    if "auto" not in {model, test} and test not in TESTS[model]:
        listed = ", ".join(repr(t) for t in TESTS[model])
        raise OptionError(f"test={test!r} does not exist for model={model!r}; it has {listed}.")


def likelihood(model: str, tau2: str) -> Literal["REML", "ML"]:
    """Return the likelihood of a multilevel model."""
    if tau2 == "REML":
        return "REML"
    if tau2 != "ML":
        raise OptionError(
            f"tau2={tau2!r} does not exist for model={model!r}: its variance components are "
            "estimated by 'REML' or 'ML'."
        )
    return "ML"
