"""Location-scale model: moderators of the mean and of the heterogeneity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import numpy as np
import pandas as pd
from scipy import stats

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import critical_value, two_sided_p
from metaalliance.core.variance.location_scale import LocationScalePoint, fit_location_scale
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import LIKELIHOOD, Model, ModelSettings, Specification, refuse
from metaalliance.models.of_effects import OfModel
from metaalliance.models.scale import without_nan
from metaalliance.models.working import WorkingFit, fit_working
from metaalliance.moderation.design import Design, build_design
from metaalliance.moderation.formula import parse_formula
from metaalliance.moderation.frames import records
from metaalliance.notices import announced
from metaalliance.problems import Problem, notice

_TESTS = ("wald", "t", "knapp-hartung")
_ONE_VARIANCE = "each study has one effect and one variance, which the scale moderators explain"
#: Why a setting has no meaning for a model of independent effects.
_REFUSED = {
    **dict.fromkeys(("rho", "rho_same", "same", "within", "above", "crossed"), _ONE_VARIANCE),
    "prediction": "each effect has its own heterogeneity, and no interval is predicted",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocationScale(OfModel):
    """A location-scale model of independent effects.

    Attributes
    ----------
    location, scale : DataFrame
        Coefficients of the mean (term, estimate, se, statistic, df, p_value, ci_low, ci_high), and
        of log tau²; a scale coefficient b multiplies tau² by exp(b) per unit.
    location_test, scale_test : dict
        Test that all coefficients but the intercept are zero: test, statistic, df1, df2, p_value.
    lrt : dict
        Likelihood-ratio test of the scale moderators against one tau²: statistic, df, p_value.
    tau2 : ndarray, shape (k,)
        Heterogeneity of each effect.
    log_likelihood : float
        Restricted for REML, else full.
    """

    effects: Effects = field(repr=False)
    formula: str
    scale_formula: str
    specification: Specification
    location: pd.DataFrame = field(repr=False)
    scale: pd.DataFrame = field(repr=False)
    location_test: dict[str, Any]
    scale_test: dict[str, Any]
    lrt: dict[str, Any]
    tau2: Array = field(repr=False)
    log_likelihood: float
    variables: tuple[dict[str, Any], ...] = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def tau2_method(self) -> str:
        """REML or ML."""
        return self.specification.tau2

    def to_frame(self) -> pd.DataFrame:
        """Return location, then scale coefficients."""
        parts = [self.location.assign(part="location"), self.scale.assign(part="scale")]
        return pd.concat(parts, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return settings, coefficients and tests; missing is None."""
        return without_nan(
            {
                "settings": {
                    "measure": self.effects.measure,
                    "formula": self.formula,
                    "scale": self.scale_formula,
                    "tau2": self.tau2_method,
                    "test": self.test,
                    "level": self.level,
                },
                "counts": {"n_effects": self.n_effects, "n_studies": self.effects.n_studies},
                "variables": list(self.variables),
                "location": records(self.location),
                "scale": records(self.scale),
                "location_test": self.location_test,
                "scale_test": self.scale_test,
                "likelihood_ratio": self.lrt,
                "log_likelihood": self.log_likelihood,
                "notices": [p.to_dict() for p in self.notices],
            }
        )

    def summary(self) -> str:
        """Return the coefficients as text for a terminal."""
        from metaalliance.wording.numbers import limits, number, p_text

        lines = [f"Location {self.formula}, scale {self.scale_formula}: {self.n_effects} effects"]
        for title, frame in (("Mean", self.location), ("log tau²", self.scale)):
            lines.append(title)
            for row in records(frame):
                ends = limits(row["ci_low"], row["ci_high"])
                lines.append(
                    f"  {row['term']}: {number(row['estimate'])} {ends}, p {p_text(row['p_value'])}"
                )
        lines.append(
            f"Heterogeneity differs: χ²({self.lrt['df']}) = {number(self.lrt['statistic'], 2)}, "
            f"p {p_text(self.lrt['p_value'])} (likelihood ratio, {self.tau2_method})"
        )
        for found in self.notices:
            lines += ["", found.text]
        return "\n".join(lines)


def location_scale(
    effects: Effects,
    formula: str,
    scale: str,
    *,
    reference: Mapping[str, str] | None = None,
    centre: Mapping[str, float] | None = None,
    units: Mapping[str, float] | None = None,
    min_studies: int = 3,
    **settings: Unpack[ModelSettings],
) -> LocationScale:
    """Ask what moderates the mean, and what moderates the heterogeneity.

    Parameters
    ----------
    effects : Effects
        One effect per study.
    formula, scale : str
        Moderators of the mean and of log tau²; "1" for none in the mean. See `meta_regression`.
    reference : mapping, optional
        Reference level by column.
    centre, units : mapping, optional
        Numbers enter as (x - centre) / unit; `units` is what `meta_regression` calls scale.
    min_studies : int
        Effects of levels with fewer studies are left out.
    **settings
        The settings of `pool` that this model has, or a whole `Model` as `model`: `tau2` is
        "REML" or "ML", the likelihood; `test` of the location coefficients is "wald" (what nothing
        said means here), "t" or "knapp-hartung" (what "auto" means), and scale coefficients have
        normal tests beside "wald", t with k - q beside the others; `level`.

    Raises
    ------
    OptionError
        For a setting that this model does not have.
    EstimationError
        For dependent effects (aggregate them first).

    References
    ----------
    Viechtbauer and López-López (2022).

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.1, 0.12, 0.08, 0.1, 0.5, -0.3, 0.4, -0.2], [0.01, 0.02] * 4,
    ...     moderators={"arm": list("aaaabbbb")},
    ... )
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     found = location_scale(effects, "1", "arm", reference={"arm": "a"})
    >>> found.scale["term"].tolist()
    ['intercept', 'arm[b]']
    """
    whole = isinstance(settings.get("model"), Model)
    model = _settled(Model.of(settings if whole else {"test": "wald", **settings}))
    if effects.dependent():
        raise EstimationError(
            "A location-scale model takes one effect per study: aggregate them first "
            "(aggregate(effects, rho=0.5)).",
            code="MA612",
        )
    given = {"reference": reference or {}, "centre": centre or {}, "scale": units or {}}
    mean, spread = _designs(effects, formula, scale, given, min_studies)
    used, Z = spread.used, spread.X
    X = np.ones((used.n_effects, 1)) if mean is None else mean.X
    if Z.shape[1] + X.shape[1] >= used.n_effects:
        raise EstimationError(
            f"{used.n_effects} effects cannot estimate {Z.shape[1] + X.shape[1]} coefficients.",
            code="MA641",
        )
    common = fit_working(used, X, model)
    restricted = model.tau2 == "REML"
    point = fit_location_scale(used.yi, used.vi, X, Z, common.tau2, restricted=restricted)
    found = _result(used, mean, spread, X, Z, point, common, model)
    return announced(found)


def _settled(model: Model) -> Specification:
    """Return the model with nothing left to choose; refuse what a location-scale model lacks."""
    refuse(model, "A location-scale model", _REFUSED)
    allowed = {"model": ("auto", "two-level"), "tau2": LIKELIHOOD, "test": ("auto", *_TESTS)}
    asked = {"model": model.kind, "tau2": model.tau2, "test": model.test}
    for name, values in allowed.items():
        if asked[name] not in values:
            raise OptionError(
                f"A location-scale model cannot obey {name}={asked[name]!r}: it has "
                f"{', '.join(repr(v) for v in values)}."
            )
    return replace(model, kind="two-level").resolved(dependent=False)


def _designs(
    effects: Effects,
    formula: str,
    scale: str,
    given: Mapping[str, Mapping[str, Any]],
    min_studies: int,
) -> tuple[Design | None, Design]:
    """Designs of the mean and of the heterogeneity, on the same effects."""
    if formula.strip().lstrip("~").strip() == "1":
        return None, build_design(effects, scale, **given, min_studies=min_studies)
    used, before = effects, -1
    while used.n_effects != before:  # what one formula leaves out the other has to leave out
        before = used.n_effects
        mean = build_design(used, formula, **_of(given, formula, effects), min_studies=min_studies)
        used = mean.used
        spread = build_design(used, scale, **_of(given, scale, effects), min_studies=min_studies)
        used = spread.used
    return mean, spread


def _of(
    given: Mapping[str, Mapping[str, Any]], formula: str, effects: Effects
) -> dict[str, Mapping[str, Any]]:
    """Settings of the variables that stand in a formula."""
    factors = parse_formula(formula, [*effects.moderators, "n"], effects.frame).factors
    names = {f.column for f in factors} | {f.name for f in factors}
    return {key: {k: v for k, v in one.items() if k in names} for key, one in given.items()}


def _result(
    used: Effects,
    mean: Design | None,
    spread: Design,
    X: Array,
    Z: Array,
    point: LocationScalePoint,
    common: WorkingFit,
    model: Specification,
) -> LocationScale:
    k, p, q = used.n_effects, X.shape[1], Z.shape[1]
    test, level = model.test, model.level
    factor = 1.0
    if test == "knapp-hartung":
        rss = float(np.sum((used.yi - X @ point.beta) ** 2 / (used.vi + point.tau2)))
        factor = rss / (k - p)
    df = math.inf if test == "wald" else float(k - p)
    scale_df = math.inf if test == "wald" else float(k - q)
    names = ("intercept",) if mean is None else mean.names
    designs = [spread] if mean is None else [mean, spread]
    variables = {v.name: v.to_dict() for d in designs for v in d.variables}
    notices = [n for d in designs for n in d.notices]
    if point.vanishing:
        message = (
            "The heterogeneity of some effects is estimated as zero, where its logarithm has no "
            "maximum: the scale coefficients are not to be used."
        )
        notices.append(notice("MA636", message))
    return LocationScale(
        effects=used,
        formula="1" if mean is None else mean.formula.text,
        scale_formula=spread.formula.text,
        specification=model,
        location=_frame(names, point.beta, factor * point.beta_covariance, df, level),
        scale=_frame(spread.names, point.alpha, point.alpha_covariance, scale_df, level),
        location_test=_joint(point.beta, factor * point.beta_covariance, df),
        scale_test=_joint(point.alpha, point.alpha_covariance, scale_df),
        lrt=_likelihood_ratio(common, point, q - 1),
        tau2=point.tau2,
        log_likelihood=point.log_likelihood,
        variables=tuple(variables.values()),
        notices=tuple(dict.fromkeys(notices)),
    )


def _frame(
    names: tuple[str, ...], estimate: Array, covariance: Array, df: float, level: float
) -> pd.DataFrame:
    se = np.sqrt(np.diag(covariance))
    statistic = estimate / se
    half = critical_value(level, df) * se
    return pd.DataFrame(
        {
            "term": names,
            "estimate": estimate,
            "se": se,
            "statistic": statistic,
            "df": df,
            "p_value": [two_sided_p(float(s), df) for s in statistic],
            "ci_low": estimate - half,
            "ci_high": estimate + half,
        }
    )


def _joint(estimate: Array, covariance: Array, df: float) -> dict[str, Any]:
    """Test that all coefficients but the first are zero."""
    b, V, q = estimate[1:], covariance[1:, 1:], estimate.size - 1
    if q == 0 or np.isnan(V).any():
        nothing = dict.fromkeys(("statistic", "df2", "p_value"), math.nan)
        return {"test": None, "df1": q, **nothing}
    Q = float(b @ np.linalg.solve(V, b))
    if math.isinf(df):
        p_value = float(stats.chi2.sf(Q, q))
        return {"test": "chi2", "statistic": Q, "df1": q, "df2": math.inf, "p_value": p_value}
    p_value = float(stats.f.sf(Q / q, q, df))
    return {"test": "f", "statistic": Q / q, "df1": q, "df2": df, "p_value": p_value}


def _likelihood_ratio(common: WorkingFit, point: LocationScalePoint, df: int) -> dict[str, Any]:
    """Compare with one tau² for all effects."""
    statistic = max(0.0, 2 * (point.log_likelihood - common.point.log_likelihood))
    return {"statistic": statistic, "df": df, "p_value": float(stats.chi2.sf(statistic, df))}
