"""What every pooled result holds, and its text for a terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.core.conversion.transform import mean_correlation
from metaalliance.core.distributions import t_sf
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.inference.wild_bootstrap import WildBootstrapTest
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.core.variance.relative import relative_record
from metaalliance.effects.effects import Effects
from metaalliance.model import Specification
from metaalliance.models.inference.bootstrap import BootstrapSettings, bootstrapped
from metaalliance.models.inference.prediction import Proportion, proportion_above
from metaalliance.models.of_effects import OfModel
from metaalliance.models.scale import LIMITS, back_transform, fisher_z, without_nan
from metaalliance.models.structure import working_data
from metaalliance.models.working import estimator_of
from metaalliance.options import Scale, check_option
from metaalliance.problems import Problem
from metaalliance.wording.estimands import estimand_name
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import (
    assumed_text,
    count_text,
    effects_text,
    level_text,
    model_line,
    percent_text,
    share_text,
    share_with_ci,
    studies_text,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledFit(OfModel, InNotebook):
    """What every pooled result holds; estimates are on the analysis scale.

    Attributes
    ----------
    specification : Specification
        The model and its options, with nothing left to choose.
    estimate, se, statistic, df, p_value : float
        The mean effect and its test; `df` is infinite for a normal test.
    ci_low, ci_high : float
        Confidence interval of the mean.
    pi_low, pi_high : float
        Prediction interval of a true effect; NaN where the model has none.
    Q, Q_df, Q_p_value : float
        Cochran's test of homogeneity.
    tau2 : float
        Total heterogeneity variance.
    I2, H2 : float
        I² as a fraction in [0, 1], H².
    weights : ndarray, shape (k,)
        Weight of each effect in the mean; they sum to one.
    notices : tuple of Problem
        What the reader has to know about this fit.
    """

    _title: ClassVar[str] = "Pooled mean"

    effects: Effects = field(repr=False)
    specification: Specification
    estimate: float
    se: float
    statistic: float
    df: float
    p_value: float
    ci_low: float
    ci_high: float
    pi_low: float
    pi_high: float
    Q: float
    Q_df: int
    Q_p_value: float
    tau2: float
    I2: float
    H2: float
    weights: Array = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def prediction(self) -> str:
        """Distribution of the prediction interval."""
        return self.specification.prediction

    @property
    def tau(self) -> float:
        """Standard deviation of the true effects."""
        return math.sqrt(self.tau2)

    @property
    def n_participants(self) -> int | None:
        """Number of participants, where every n is known."""
        return self.effects.n_participants

    def tau2_ci(self) -> Interval:
        """Confidence interval of `tau2`, computed on request."""
        return Interval(math.nan, math.nan)

    def probability_above(self, value: float = 0.0, *, scale: Scale = "r") -> float:
        """Probability that the true effect of a new study exceeds `value`.

        From the predictive distribution behind the prediction interval: t with its degrees
        of freedom, scale ``sqrt(se^2 + tau2)``.

        Parameters
        ----------
        value : float
            Threshold.
        scale : {"r", "analysis"}
            Scale of the threshold; "r" is the correlation where there is one. No Fisher z is
            beyond a correlation of 1 or -1, so that the probability is 0 or 1 from there on.
        """
        check_option("scale", scale, Scale)
        point = fisher_z(value) if scale == "r" and self.measure == "z" else value
        error = 0.0 if self.prediction == "simple" else self.se**2
        spread = math.sqrt(error + self.tau2)
        if not spread > 0:
            return math.nan if math.isnan(spread) else float(self.estimate > point)
        standardized = (point - self.estimate) / spread
        return float(t_sf(standardized, self.prediction_df))

    def wild_bootstrap(self, **settings: Unpack[BootstrapSettings]) -> WildBootstrapTest:
        """Test that the mean is zero by the cluster wild bootstrap, this null imposed.

        Parameters
        ----------
        **settings
            `components` ("re-estimated" or "held"), `replications`, `weights`, `seed`, `adjust`,
            `kind` and `test`; see `metaalliance.models.inference.bootstrap.BootstrapSettings`.

        References
        ----------
        Joshi et al. (2022).
        """
        return bootstrapped(*self._working(), [[1.0]], self.specification, **settings)

    def _working(self) -> tuple[MultilevelData, MultilevelPoint]:
        """The working model, fitted again where the result does not keep it."""
        data = working_data(self.effects, np.ones((self.n_effects, 1)), self.specification)
        return data, estimator_of(self.specification).fit(data)

    @property
    def prediction_df(self) -> float:
        """Degrees of freedom of the prediction interval."""
        return self.df

    def proportion_above(self, value: float = 0.0, *, scale: Scale = "r") -> Proportion:
        """Estimate the share of true effects above `value`, with its interval.

        Unlike `probability_above` this describes the distribution of true effects itself and
        leaves the uncertainty of mean and tau to the interval (delta method), which is missing
        where tau² is zero or has no standard error: its estimator maximises no likelihood.

        Parameters
        ----------
        value : float
            Threshold.
        scale : {"r", "analysis"}
            Scale of the threshold.

        References
        ----------
        Mathur and VanderWeele (2019).
        """
        check_option("scale", scale, Scale)
        point = fisher_z(value) if scale == "r" and self.measure == "z" else value
        if math.isinf(point):
            return Proportion(float(point < 0), math.nan, math.nan)
        error = self._tau2_se() if self.tau2 > 0 else math.nan
        return proportion_above(point, self.estimate, self.se, self.tau2, error, self.level)

    def _tau2_se(self) -> float:
        """Standard error of tau² from the expected information."""
        return math.nan

    def settings(self) -> dict[str, Any]:
        """Return the options that made this fit, as `pool` takes them."""
        shared = self.effects.sharing if self.specification.kind == "che" else {}
        return {"measure": self.measure, **self.specification.to_dict(), **shared}

    def mean_r(self) -> float:
        """Mean of the true correlations: the integral back-transformation of Fisher z.

        The tanh of the mean z (`to_frame(scale="r")`) is their median.
        """
        if self.measure != "z":
            return self.estimate
        return mean_correlation(self.estimate, self.tau2)

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row: term, estimate, se, interval, prediction interval, test, k, n.

        Parameters
        ----------
        scale : {"analysis", "r"}
            With "r" estimates and limits are correlations (tanh of Fisher z) and `se` is
            missing, since it belongs to the analysis scale.
        """
        check_option("scale", scale, Scale)
        values = {name: getattr(self, name) for name in LIMITS}
        if scale == "r":
            values = {k: back_transform(v, self.measure) for k, v in values.items()}
        se = self.se if scale == "analysis" or self.measure != "z" else math.nan
        row = {
            "term": "mean",
            "model": self.model,
            **values,
            "se": se,
            "statistic": self.statistic,
            "df": self.df,
            "p_value": self.p_value,
            "tau2": self.tau2,
            "I2": self.I2,
            "n_studies": self.n_studies,
            "n_effects": self.n_effects,
        }
        return pd.DataFrame([row])

    def heterogeneity(self) -> dict[str, Any]:
        """Return Q, tau², I² and their intervals."""
        ci = self.tau2_ci()
        return {
            "Q": self.Q,
            "df": self.Q_df,
            "p_value": self.Q_p_value,
            "tau2": self.tau2,
            "tau": self.tau,
            "tau2_ci_low": ci.low,
            "tau2_ci_high": ci.high,
            "I2": self.I2,
            "H2": self.H2,
            "sigma2": {"study": self.tau2},
            "I2_levels": {"study": self.I2},
            "relative": {"total": self.relative(self.tau2, ci)},
            **dict(zip(_ABOVE_ZERO, self.share_above_zero(), strict=True)),
        }

    def relative(self, variance: float, ci: Interval) -> dict[str, float]:
        """Return a variance with its interval relative to the mean: CVH and M."""
        mean = Interval(self.ci_low, self.ci_high)
        return relative_record(self.estimate, mean, variance, self.tau2, ci)

    def share_above_zero(self) -> Proportion:
        """The share of true effects above zero, missing where they do not differ."""
        return self.proportion_above() if self.tau2 > 0 else Proportion(*(math.nan,) * 3)

    def pooled(self) -> dict[str, Any]:
        """Return the mean, its test and its back-transformation."""
        limits = {name: getattr(self, name) for name in LIMITS}
        rest = {"se": self.se, "statistic": self.statistic, "df": self.df}
        r = {k: back_transform(v, self.measure) for k, v in limits.items()}
        if self.measure == "z":
            r["mean"] = self.mean_r()
        is_r = self.measure != "generic"
        return {**limits, **rest, "p_value": self.p_value, "r": r if is_r else None}

    def counts(self) -> dict[str, Any]:
        """Return how much there is."""
        return {n: getattr(self, n) for n in ("n_studies", "n_effects", "n_participants")}

    def to_dict(self) -> dict[str, Any]:
        """Return settings, counts, pooled mean and heterogeneity; missing is None."""
        content = {
            "settings": self.settings(),
            "counts": self.counts(),
            "pooled": self.pooled(),
            "heterogeneity": self.heterogeneity(),
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        return summary_text(self)


def summary_text(fit: PooledFit) -> str:
    """Return the fit as a block of lines below 80 columns."""
    lines = [_heading(fit), "", _mean_line(fit), *_scale_lines(fit), *_prediction_lines(fit)]
    lines += ["", *_heterogeneity_lines(fit)]
    for found in fit.notices:
        lines += ["", found.text]
    return "\n".join(lines)


def _heading(fit: PooledFit) -> str:
    people = f", {count_text(fit.n_participants, 'participant')}" if fit.n_participants else ""
    size = f"{studies_text(fit.n_studies)}, {effects_text(fit.n_effects)}{people}"
    name = estimand_name(fit.effects.frame.get("estimand", ()))
    question = f"Estimand: association {name}\n" if name else ""
    return f"{size}\n{question}{model_line(fit.settings())}"


def _mean_line(fit: PooledFit) -> str:
    is_r = fit.measure != "generic"
    name = "r" if is_r else "estimate"
    ends = limits(
        back_transform(fit.ci_low, fit.measure),
        back_transform(fit.ci_high, fit.measure),
        correlation=is_r,
    )
    shape = "z" if math.isinf(fit.df) else f"t({number(fit.df, 1)})"
    test = f"{shape} = {number(fit.statistic, 2)}, p {p_text(fit.p_value)}"
    mean = number(back_transform(fit.estimate, fit.measure), correlation=is_r)
    return f"Mean {name} = {mean}, {level_text(fit.level)} CI {ends}, {test}"


def _scale_lines(fit: PooledFit) -> list[str]:
    if fit.measure != "z":
        return [f"(scale: {fit.measure}; se = {number(fit.se, 4)})"]
    return [
        f"(tanh of the mean Fisher z = {number(fit.estimate, 4)}, se = {number(fit.se, 4)};"
        f" mean of the true r = {number(fit.mean_r(), 3, correlation=True)})"
    ]


def _prediction_lines(fit: PooledFit) -> list[str]:
    if math.isnan(fit.pi_low):
        return []
    is_r = fit.measure != "generic"
    ends = limits(
        back_transform(fit.pi_low, fit.measure),
        back_transform(fit.pi_high, fit.measure),
        correlation=is_r,
    )
    return [f"{level_text(fit.level)} prediction interval {ends}", *_share_lines(fit)]


def _share_lines(fit: PooledFit) -> list[str]:
    share = fit.share_above_zero()
    if math.isnan(share.estimate):
        return []
    return [f"True effects above 0: {share_with_ci(*share, fit.level)}"]


def _heterogeneity_lines(fit: PooledFit) -> list[str]:
    lines = [f"Heterogeneity: Q({fit.Q_df}) = {number(fit.Q, 2)}, p {p_text(fit.Q_p_value)}"]
    if math.isnan(fit.Q):
        lines = ["Heterogeneity (no Q, which needs a value for each effect)"]
    if math.isnan(fit.tau2):
        return lines
    content = fit.heterogeneity()
    spread = ""
    if not math.isnan(content["tau2_ci_low"]):
        spread = f" {limits(content['tau2_ci_low'], content['tau2_ci_high'], 4)}"
    lines.append(
        f"tau² = {number(fit.tau2, 4)}{spread}, tau = {number(fit.tau)},"
        f" I² = {percent_text(fit.I2, 1)}, H² = {number(fit.H2, 2)}"
    )
    cis = content.get("sigma2_ci", {})
    components = content["sigma2"] if len(content["sigma2"]) > 1 else {}
    for name, value in components.items():
        ends = f" {limits(cis[name][0], cis[name][1], 4)}" if name in cis else ""
        where = _LEVELS.get(name, f"between levels of {name}")
        share = percent_text(content["I2_levels"][name], 1)
        lines.append(f"  {where}: {number(value, 4)}{ends}, I² = {share}")
    return [*lines, *_relative_line(content), *_assumed_lines(fit, content)]


def _relative_line(content: dict[str, Any]) -> list[str]:
    """The heterogeneity relative to the mean; a common effect has none."""
    if "relative" not in content:
        return []
    found = content["relative"]["total"]
    parts = [
        f"{name} = {number(found[name], 2)} "
        f"{limits(found[f'{name}_ci_low'], found[f'{name}_ci_high'], 2)}"
        for name in ("CVH1", "M1")
    ]
    return [f"relative to the mean: {', '.join(parts)}"]


def _assumed_lines(fit: PooledFit, content: dict[str, Any]) -> list[str]:
    """What rests on the assumed correlation of the errors of a sample, at others."""
    lines = []
    back = partial(back_transform, measure=fit.measure)
    is_r = fit.measure != "generic"
    for row in content.get("sensitivity", ()):
        shown = assumed_text(fit.settings() if row["as_set"] else row)
        ends = limits(back(row["pi_low"]), back(row["pi_high"]), 2, correlation=is_r)
        lines.append(
            f"  {shown}{' as set' if row['as_set'] else ''}: Q {number(row['Q'], 1)}, "
            f"tau {number(row['tau'])}, I² {percent_text(row['I2'])}, "
            f"PI {ends}, above 0: {share_text(row['above_zero'])}"
        )
    head = "Q, tau, I², prediction interval and share above 0 rest on the assumed rho:"
    return [head, *lines] if lines else []


_ABOVE_ZERO = ("above_zero", "above_zero_ci_low", "above_zero_ci_high")
_LEVELS = {"study": "between studies", "effect": "within studies"}
