"""Results of pooling: one class per model, one contract."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from metaalliance.core.arrays import Array
from metaalliance.core.generalized_q import generalized_q_interval
from metaalliance.core.intervals import Interval
from metaalliance.core.profile import two_level_interval
from metaalliance.core.transform import mean_correlation
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.models.prediction import Proportion, prediction_df, proportion_above
from metaalliance.models.scale import back_transform, fisher_z, without_nan
from metaalliance.models.tau2_engine import q_profile
from metaalliance.models.text import summary_text
from metaalliance.options import Measure, Scale, check_option
from metaalliance.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledFit:
    """What every pooled result holds; estimates are on the analysis scale.

    Attributes
    ----------
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

    effects: Effects = field(repr=False)
    model: str
    test: str
    level: float
    prediction: str
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
    def measure(self) -> Measure:
        """Analysis scale of the effects."""
        return self.effects.measure

    @property
    def tau(self) -> float:
        """Standard deviation of the true effects."""
        return math.sqrt(self.tau2)

    @property
    def n_effects(self) -> int:
        """Number of effects."""
        return self.effects.n_effects

    @property
    def n_studies(self) -> int:
        """Number of studies."""
        return self.effects.n_studies

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
        df = self.prediction_df
        tail = stats.norm.sf(standardized) if math.isinf(df) else stats.t.sf(standardized, df)
        return float(tail)

    @property
    def prediction_df(self) -> float:
        """Degrees of freedom of the prediction interval."""
        return self.df

    def proportion_above(self, value: float = 0.0, *, scale: Scale = "r") -> Proportion:
        """Estimate the share of true effects above `value`, with its interval.

        Unlike `probability_above` this describes the distribution of true effects itself and
        leaves the uncertainty of mean and tau to the interval (delta method).

        Parameters
        ----------
        value : float
            Threshold.
        scale : {"r", "analysis"}
            Scale of the threshold.

        Raises
        ------
        EstimationError
            For an estimator of tau² without a likelihood, which gives it no standard error.

        References
        ----------
        Mathur MB, VanderWeele TJ (2019). Statistics in Medicine 38, 1336-1342.
        """
        check_option("scale", scale, Scale)
        point = fisher_z(value) if scale == "r" and self.measure == "z" else value
        if math.isinf(point):
            return Proportion(float(point < 0), math.nan, math.nan)
        error = self._tau2_se() if self.tau2 > 0 else math.nan
        return proportion_above(point, self.estimate, self.se, self.tau2, error, self.level)

    def _tau2_se(self) -> float:
        """Standard error of tau² from the expected information."""
        raise EstimationError(f"The {self.model} model estimates no share of true effects.")

    def settings(self) -> dict[str, Any]:
        """Return the options that made this fit, as `pool` takes them."""
        return {
            "measure": self.measure,
            "model": self.model,
            "test": self.test,
            "level": self.level,
            "prediction": self.prediction,
        }

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
        values = {name: getattr(self, name) for name in _LIMITS}
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
        }

    def pooled(self) -> dict[str, Any]:
        """Return the mean, its test and its back-transformation."""
        limits = {name: getattr(self, name) for name in _LIMITS}
        rest = {"se": self.se, "statistic": self.statistic, "df": self.df}
        r = {k: back_transform(v, self.measure) for k, v in limits.items()}
        if self.measure == "z":
            r["mean"] = self.mean_r()
        is_r = self.measure != "generic"
        return {**limits, **rest, "p_value": self.p_value, "r": r if is_r else None}

    def to_dict(self) -> dict[str, Any]:
        """Return settings, counts, pooled mean and heterogeneity; missing is None."""
        counts = {
            "n_studies": self.n_studies,
            "n_effects": self.n_effects,
            "n_participants": self.n_participants,
        }
        content = {
            "settings": self.settings(),
            "counts": counts,
            "pooled": self.pooled(),
            "heterogeneity": self.heterogeneity(),
            "notices": [p.to_dict() for p in self.notices],
        }
        cleaned: dict[str, Any] = without_nan(content)
        return cleaned

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        return summary_text(self)

    def _repr_html_(self) -> str:
        return str(self.to_frame(scale="r").round(4).to_html(index=False))


_LIMITS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommonEffectFit(PooledFit):
    """One true effect behind all studies; a reference, not a belief."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoLevelFit(PooledFit):
    """Random-effects model with one variance between independent effects.

    Attributes
    ----------
    tau2_method : str
        Estimator of tau².
    guard_acted : bool
        Whether the ad hoc guard of Knapp and Hartung's variance widened the interval.
    """

    tau2_method: Literal["DL", "HE", "HS", "SJ", "EB", "PM", "PMM", "ML", "REML"]
    guard_acted: bool = False

    @property
    def prediction_df(self) -> float:
        """Degrees of freedom of the prediction interval."""
        return prediction_df(self.prediction, self.df, self.n_effects, self.n_effects - 2)

    def tau2_ci(self) -> Interval:
        """Q-profile interval of tau² [Viechtbauer 2007]; missing for one effect or study."""
        if math.isnan(self.tau2):
            return Interval(math.nan, math.nan)
        return q_profile(self.effects.yi, self.effects.vi, self.level)

    def tau2_profile_ci(self) -> Interval:
        """Profile-likelihood interval of tau², for ML and REML.

        Raises
        ------
        EstimationError
            For the other estimators, which maximise no likelihood.
        """
        if self.tau2_method not in {"ML", "REML"}:
            raise EstimationError(
                f"{self.tau2_method} maximises no likelihood, so that tau² has no profile: use "
                "tau2='REML' or 'ML', or the Q-profile interval (tau2_ci)."
            )
        if math.isnan(self.tau2):
            return Interval(math.nan, math.nan)
        X = np.ones((self.n_effects, 1))
        restricted = self.tau2_method != "ML"
        return two_level_interval(
            self.effects.yi, self.effects.vi, X, self.tau2, self.level, restricted=restricted
        )

    def tau2_generalized_q_ci(self) -> Interval:
        """Generalised Q interval of tau², with the weights of DerSimonian and Laird.

        References
        ----------
        Jackson D (2013). Research Synthesis Methods 4, 220-229.
        """
        if math.isnan(self.tau2):
            return Interval(math.nan, math.nan)
        yi, vi = self.effects.yi, self.effects.vi
        return generalized_q_interval(yi, vi, np.ones((yi.size, 1)), 1 / vi, self.level)

    def _tau2_se(self) -> float:
        """Standard error of tau² from the expected information of its likelihood."""
        if self.tau2_method not in {"ML", "REML"}:
            raise EstimationError(
                f"{self.tau2_method} has no likelihood, so that tau² has no standard error: use "
                "tau2='REML' or 'ML'."
            )
        wi = 1 / (self.effects.vi + self.tau2)
        traces = float(np.sum(wi**2))
        if self.tau2_method == "REML":
            total = float(wi.sum())
            traces += float(np.sum(wi**2) / total) ** 2 - 2 * float(np.sum(wi**3)) / total
        return math.sqrt(2 / traces)

    def settings(self) -> dict[str, Any]:
        """Return the options that made this fit."""
        # `PooledFit.settings(self)` because slotted dataclasses break zero-argument super().
        return {**PooledFit.settings(self), "tau2": self.tau2_method}
