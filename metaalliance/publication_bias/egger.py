"""Egger's regression of effects on their standard errors, and its variants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Unpack

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import interval, two_sided_p
from metaalliance.core.variance.wls import weighted_fit
from metaalliance.effects.effects import Effects
from metaalliance.effects.fisher import effective_n, variance_of_effect
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Model
from metaalliance.models.checks import is_zero, refuse_false_independence, zero_spread_notice
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression import fit_regression
from metaalliance.notices import announced
from metaalliance.options import CLUSTER_TESTS, check_option
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.checks import (
    Start,
    Structure,
    begin,
    few_studies,
    left_out,
    need_spread,
    need_studies,
)
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.wording.numbers import p_text

Predictor = Literal["sei", "vi", "n", "1/n", "1/sqrt(n)", "1/effective n", "1/sqrt(effective n)"]
EggerModel = Literal["auto", "classical", "common-effect", "two-level", "three-level", "che"]
_METHOD = "Egger's test"
#: Why the classical regression does not take the settings of a model with random effects.
CLASSICAL = (
    "weighted least squares with weights 1/v and a dispersion factor have no τ², and t with k − 2 "
    "is their test"
)
_RANDOM = ("model", "tau2", "test")
_WORDS = {
    "sei": "the standard error",
    "vi": "the sampling variance",
    "n": "n",
    "1/n": "1/n",
    "1/sqrt(n)": "1/sqrt(n)",
    "1/effective n": "1/(effective n)",
    "1/sqrt(effective n)": "1/√(effective n)",
}
#: Predictors that stand for the standard error and the variance where these depend on the effect.
_BY_SIZE: dict[Predictor, Predictor] = {"sei": "1/sqrt(effective n)", "vi": "1/effective n"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Egger(BiasResult):
    """Slope of effects on a measure of study size, and the mean at its zero.

    Attributes
    ----------
    predictor, model, test, tau2_method : str
        What was regressed on, and how.
    slope, se, statistic, df, p_value, ci_low, ci_high : float
        Slope and its two-sided test; zero under symmetry.
    limit, limit_se, limit_statistic, limit_p_value, limit_ci_low, limit_ci_high : float
        Mean where the predictor is zero, a study without sampling error; NaN for the
        predictor n, whose zero is the other end.
    tau2 : float
        Residual heterogeneity; NaN for the classical model, which has a dispersion factor.
    rho : float or str
        Assumed correlation within studies, or the column that holds it; 0 where the model has
        none.
    structure : tuple of pairs
        Further levels and correlations of the model, by the names of `pool`.
    """

    method: ClassVar[str] = "egger"
    title: ClassVar[str] = "Regression test of funnel asymmetry (Egger)"
    takes: ClassVar[frozenset[str]] = frozenset(
        {"model", "tau2", "test", "df", "rho", "level"}
        | {"within", "above", "crossed", "rho_same", "same"}
    )
    because: ClassVar[str] = "a regression on the size of studies predicts no new study"
    fisher: ClassVar[bool] = False

    predictor: Predictor
    model: str
    test: str
    tau2_method: str
    rho: float | str
    structure: tuple[tuple[str, Any], ...] = ()
    slope: float
    se: float
    statistic: float
    df: float
    p_value: float
    ci_low: float
    ci_high: float
    limit: float
    limit_se: float
    limit_statistic: float
    limit_p_value: float
    limit_ci_low: float
    limit_ci_high: float
    limit_df: float
    tau2: float

    @property
    def by_size(self) -> bool:
        """Whether effective n stands for standard errors or variances that rest on the effects."""
        return self.predictor in _BY_SIZE.values()

    def limit_term(self, name: str) -> Term:
        """Return the mean at a predictor of zero under a name."""
        return Term(
            name=name,
            kind="effect",
            estimate=self.limit,
            se=self.limit_se,
            statistic=self.limit_statistic,
            df=self.limit_df,
            p_value=self.limit_p_value,
            ci_low=self.limit_ci_low,
            ci_high=self.limit_ci_high,
        )

    def terms(self) -> Sequence[Term]:
        """Return the slope, and the limit where there is one."""
        slope = Term(
            name=f"slope on {_WORDS[self.predictor]}",
            estimate=self.slope,
            se=self.se,
            statistic=self.statistic,
            df=self.df,
            p_value=self.p_value,
            ci_low=self.ci_low,
            ci_high=self.ci_high,
        )
        if math.isnan(self.limit):
            return (slope,)
        return slope, self.limit_term(f"mean where {_WORDS[self.predictor]} is 0")

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        own = {"predictor": self.predictor, "model": self.model, "test": self.test}
        rho = self.rho if self.model == "che" else None
        fitted = {"tau2": self.tau2_method, "rho": rho, **dict(self.structure)}
        return {**BiasResult.settings(self), **own, **fitted}

    def details(self) -> dict[str, Any]:
        """Return the residual heterogeneity."""
        return {"tau2": self.tau2}

    def reason(self) -> str:
        """Return why the settings in `not_taken` have no place in the regression."""
        return CLASSICAL if self.model == "classical" else self.because

    def reading(self) -> str:
        """Return model and meaning."""
        larger = self.slope > 0 if self.predictor != "n" else self.slope < 0
        robust = f", cluster-robust {self.test.upper()}" if self.test in CLUSTER_TESTS else ""
        by_size = f", on {_WORDS[self.predictor]}" if self.by_size else ""
        size = f"{'larger' if larger else 'smaller'} effects"
        reach = abs(self.slope) * float(np.ptp(_predictor(self.effects, self.predictor)))
        if reach <= 1e-10 * float(np.max(np.abs(self.effects.yi))):
            size = "neither larger nor smaller effects"
        return (
            f"{self.model} model{robust}{by_size}: small studies have {size} (p "
            f"{p_text(self.p_value)}). Asymmetry has other causes than publication bias."
        )


def egger(
    effects: Effects | PooledFit,
    predictor: Predictor | None = None,
    model: EggerModel | Model | None = None,
    test: str | None = None,
    rho: float | str | None = None,
    level: float | None = None,
    *,
    tau2: str | None = None,
    **structure: Unpack[Structure],
) -> Egger:
    """Test whether effects depend on the size of their studies.

    Parameters
    ----------
    effects : Effects or PooledFit
        What was seen. A fit carries all of its settings into the regression; what is stated
        beside it goes over them.
    predictor : {"sei", "vi", "n", "1/n", "1/sqrt(n)", "1/effective n", "1/sqrt(effective n)"}
        Measure of study size, by default the standard error. Where the variance of some effect
        depends on the effect (on the scale of r; on Fisher z by the delta method) the default is
        1/sqrt(effective n), and a note says so.
    model : {"auto", "classical", "common-effect", "two-level", "three-level", "che"}, optional
        "auto" takes the correlated-effects model ("che") where a study has several effects, so
        that they are not treated as independent, else the two-level mixed-effects model.
        "classical" is Egger's: weights 1/vi with a dispersion factor, t with k - 2; with a
        predictor of effective n weights are the effective n.
    test : str, optional
        As in `pool`: cluster-robust CR2 for the multilevel models, Knapp-Hartung for two-level.
    rho : float or str, optional
        Correlation of sampling errors within a study (model "che", by default .6), or the column
        that holds it.
    level : float, optional
        Coverage of the intervals, by default .95.
    tau2 : str, optional
        Estimator of the heterogeneity variance, by default REML.
    **structure
        Further levels and correlations, as in `pool`.

    Returns
    -------
    Egger
        Its warnings are also given as `MetaAllianceWarning`.

    Raises
    ------
    OptionError
        For a setting that the model does not have.
    EstimationError
        When the predictor is the same everywhere, n is missing, there are fewer than three
        studies, or dependent effects meet a model of independent ones.

    References
    ----------
    Egger et al. (1997); Sterne and Egger (2005): mixed-effects form; Rodgers and Pustejovsky
    (2021): dependent effects.

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.6, 0.35]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> found = egger(Effects.from_arrays(yi, vi), model="classical")
    >>> round(found.slope, 3), round(found.statistic, 3), found.df
    (3.804, 7.08, 10.0)
    """
    given = {"tau2": tau2, "rho": rho, "level": level, **structure}
    if model != "classical":
        start = begin(Egger, effects, {**given, "model": model, "test": test})
        return announced(fit_egger(start, predictor or measure_of_size(start.effects)))
    refuse_classical_test(test)
    start = of_classical(begin(Egger, effects, given), main=isinstance(effects, PooledFit))
    chosen = predictor or measure_of_size(start.effects)
    return announced(fit_egger(start, chosen, classical=True))


def measure_of_size(effects: Effects, plain: Literal["sei", "vi"] = "sei") -> Predictor:
    """Return the standard error or variance, or what stands for it where it rests on the effect."""
    return _BY_SIZE[plain] if variance_of_effect(effects).any() else plain


def refuse_classical_test(test: str | None) -> None:
    """Refuse a test that the classical regression does not have."""
    if test not in {None, "auto", "t"}:
        raise OptionError(f"test={test!r} does not exist for model='classical'; it has 't'.")


def of_classical(start: Start, *, main: bool) -> Start:
    """Return the start of a classical regression, which takes the level alone.

    Parameters
    ----------
    start : Start
        That of a regression in the model that was asked for.
    main : bool
        Whether there is a main model, whose random effects and test are then not taken.
    """
    named = (*(_RANDOM if main else ()), *left_out(start.model, frozenset({"level"})))
    return replace(start, not_taken=tuple(dict.fromkeys(named)))


def fit_egger(start: Start, predictor: Predictor, *, classical: bool = False) -> Egger:
    """Regress effects on the size of their studies in the model that was asked for."""
    check_option("predictor", predictor, Predictor)
    chosen = start.effects
    need_studies(chosen, 3, _METHOD)
    x = _predictor(chosen, predictor)
    need_spread(x, _WORDS[predictor], _METHOD)
    if classical:
        fields = _classical(chosen, x, _weights(chosen, predictor), start.model.level)
    else:
        fields = _regressed(chosen, x, predictor, start.model)
    if predictor == "n":
        fields |= {name: math.nan for name in fields if name.startswith("limit")}
    notices = (*_said(chosen, predictor), *fields.pop("notices"), *few_studies(chosen, _METHOD))
    return Egger(**start.fields(), predictor=predictor, notices=notices, **fields)


def _predictor(effects: Effects, name: str) -> Array:
    """The measure of study size; n has to be known for those of n."""
    if name == "sei":
        sei: Array = np.sqrt(effects.vi)
        return sei
    if name == "vi":
        return effects.vi
    if name in _BY_SIZE.values():
        return _by_size(effects, name)
    if "n" not in effects.frame or effects.frame["n"].isna().any():
        missing = effects.frame["n"].isna().sum() if "n" in effects.frame else effects.n_effects
        raise EstimationError(
            f"The predictor {name} needs n, which is missing for {missing} of "
            f"{effects.n_effects} effects. Use predictor='sei'."
        )
    n = effects.frame["n"].to_numpy(dtype=float)
    forms: dict[str, Array] = {"n": n, "1/n": 1 / n, "1/sqrt(n)": 1 / np.sqrt(n)}
    return forms[name]


def _by_size(effects: Effects, name: str) -> Array:
    """1/(effective n) or its root."""
    n = effective_n(effects)
    if n is None:
        raise EstimationError(
            f"The predictor {name} needs the n of every effect. Use predictor='sei'."
        )
    share: Array = 1 / n
    return share if name == "1/effective n" else np.sqrt(share)


def _weights(effects: Effects, predictor: Predictor) -> Array:
    """Weights of the classical regression: 1/vi, or what of it does not rest on the effect."""
    by_size = predictor in _BY_SIZE.values()
    return 1 / _by_size(effects, "1/effective n") if by_size else 1 / effects.vi


def _said(effects: Effects, predictor: Predictor) -> tuple[Problem, ...]:
    """Say that the size of studies is their effective n, or warn that it is not."""
    rests = int(variance_of_effect(effects).sum())
    if not rests or predictor in {"n", "1/n", "1/sqrt(n)"}:
        return ()
    whose = "every effect" if rests == effects.n_effects else f"{rests} of {effects.n_effects}"
    depends = f"the sampling variance of {whose} depends on the effect"
    if predictor in _BY_SIZE.values():
        message = (
            f"Regressions take 1/√(effective n) and 1/(effective n) as the size of studies, since "
            f"{depends}."
        )
        return (notice("MA661", message, severity="note"),)
    message = f"The slope on {_WORDS[predictor]} has a part without any bias: {depends}."
    return (notice("MA661", message, "Leave predictor out.", severity="warning"),)


def _classical(effects: Effects, x: Array, weights: Array, level: float) -> dict[str, Any]:
    """Weighted least squares with a dispersion factor; without any dispersion one of 1."""
    refuse_false_independence(effects, "classical", "t")
    X = np.column_stack([np.ones_like(x), x])
    fit, df = weighted_fit(effects.yi, X, weights), float(x.size - 2)
    dispersion, notices = fit.rss / df, tuple[Problem, ...]()
    if is_zero(fit.rss, float(weights @ effects.yi**2)):
        known = weighted_fit(effects.yi, X, 1 / effects.vi)
        fit, dispersion, notices = known, 1.0, (zero_spread_notice("classical"),)
    se = np.sqrt(np.diag(fit.bread) * dispersion)
    beta = fit.beta
    statistic = [float(b / s) if s > 0 else math.nan for b, s in zip(beta, se, strict=True)]
    ends = [interval(float(b), float(s), df, level) for b, s in zip(beta, se, strict=True)]
    columns = {
        "beta": beta,
        "se": se,
        "statistic": statistic,
        "df": [df, df],
        "p_value": [two_sided_p(t, df) for t in statistic],
        "ci_low": [e.low for e in ends],
        "ci_high": [e.high for e in ends],
    }
    same = {"model": "classical", "test": "t", "tau2_method": "none", "rho": 0.0}
    return {**same, **_coefficients(columns), "tau2": math.nan, "notices": notices}


def _regressed(effects: Effects, x: Array, name: str, model: Model) -> dict[str, Any]:
    """Mixed-effects regression by the shared engine."""
    fit = fit_regression(effects, np.column_stack([np.ones_like(x), x]), ("intercept", name), model)
    chosen = fit.specification
    names = ("beta", "se", "statistic", "df", "p_value", "ci_low", "ci_high")
    structure = ("df", "within", "above", "crossed", "rho_same", "same")
    kept = tuple((key, value) for key, value in chosen.to_dict().items() if key in structure)
    same = {
        "model": chosen.kind,
        "test": chosen.test,
        "tau2_method": "none" if chosen.kind == "common-effect" else chosen.tau2,
        "rho": 0.0 if chosen.rho is None else chosen.rho,
        "structure": kept,
        "tau2": fit.tau2,
        "notices": fit.notices,
    }
    return {**same, **_coefficients({key: getattr(fit, key) for key in names})}


def _coefficients(columns: dict[str, Any]) -> dict[str, float]:
    """Fields of slope and limit from columns with the intercept first."""
    fields: dict[str, float] = {}
    for key, (at_zero, slope) in columns.items():
        fields["slope" if key == "beta" else key] = float(slope)
        fields["limit" if key == "beta" else f"limit_{key}"] = float(at_zero)
    return fields
