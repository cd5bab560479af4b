"""Bayesian random-effects model of effects, by quadrature: no sampler and no seed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.bayesian.posterior import CredibleInterval, Posterior, credible_interval
from metaalliance.core.bayesian.priors import NormalPrior
from metaalliance.core.bayesian.quadrature import (
    BayesFit,
    fit_bayes,
    log_bayes_factor_mu,
    log_bayes_factor_tau,
)
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.further.priors import TauPriorName, prior_of_mean, prior_of_tau
from metaalliance.models.independence import independent_effects
from metaalliance.models.of_effects import OfEffects
from metaalliance.models.scale import back_transform, without_nan
from metaalliance.options import Scale, check_level, check_option
from metaalliance.problems import Problem
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number
from metaalliance.wording.phrases import share_text, studies_text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BayesianFit(OfEffects, InNotebook):
    """Posterior of the random-effects model, on the analysis scale.

    Attributes
    ----------
    mu, tau, new_effect : Posterior
        Mean of the true effects, their standard deviation, and the true effect of a new
        study, each with `mean`, `sd`, `median`, `low`, `high`.
    log_bf_mu : float
        Log Bayes factor for the prior of the mean against a mean of exactly `null`; NaN under
        a flat prior, which has none.
    log_bf_tau : float
        Log Bayes factor for the prior of tau against tau = 0; NaN when it is improper.
    null : float
        The mean of the null hypothesis.
    level, interval : float, {"shortest", "central"}
        The credible intervals.
    tau_prior, scale, mu_prior : str, float, tuple of float
        The priors; `mu_prior` is mean and standard deviation, infinite when flat.
    effects : Effects
        What was pooled: one effect per study.
    posterior : BayesFit
        The distributions behind, for densities and quantiles.
    notices : tuple of Problem
        What was done to get one effect per study.
    """

    mu: Posterior
    tau: Posterior
    new_effect: Posterior
    log_bf_mu: float
    log_bf_tau: float
    null: float
    level: float
    interval: CredibleInterval
    tau_prior: TauPriorName
    scale: float
    mu_prior: tuple[float, float]
    effects: Effects = field(repr=False)
    posterior: BayesFit = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def estimate(self) -> float:
        """Posterior median of the mean effect; it always exists."""
        return self.mu.median

    @property
    def bf_mu(self) -> float:
        """Bayes factor for a mean other than `null`; above 1 it speaks against the null."""
        return _exp(self.log_bf_mu)

    @property
    def bf_tau(self) -> float:
        """Bayes factor for heterogeneity, against tau = 0."""
        return _exp(self.log_bf_tau)

    def probability_above(self, value: float = 0.0, *, scale: Scale = "r") -> float:
        """Posterior probability that the mean effect exceeds `value`.

        Parameters
        ----------
        value : float
            Threshold.
        scale : {"r", "analysis"}
            Scale of the threshold; "r" is the correlation where there is one.
        """
        return self.posterior.mu_distribution.sf(self._point(value, scale))

    def probability_new_above(self, value: float = 0.0, *, scale: Scale = "r") -> float:
        """Posterior probability that the true effect of a new study exceeds `value`."""
        return self.posterior.new_effect_distribution.sf(self._point(value, scale))

    def _point(self, value: float, scale: Scale) -> float:
        check_option("scale", scale, Scale)
        if scale == "analysis" or self.measure != "z":
            return value
        return math.copysign(math.inf, value) if abs(value) >= 1 else math.atanh(value)

    def studies(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return the true effect of each study, shrunken towards the mean.

        One row per study: `study`, `yi`, `estimate` (posterior median), `mean`, `sd`, `low`,
        `high`. With ``scale="r"`` `mean` and `sd` are missing: they belong to the analysis
        scale.
        """
        found = self.posterior.study_distributions
        ends = [credible_interval(d, self.level, self.interval) for d in found]
        frame = pd.DataFrame(
            {
                "study": self.effects.frame["study"].to_numpy(),
                "yi": self.effects.yi,
                "estimate": [d.quantile(0.5) for d in found],
                "mean": self.posterior.study_means,
                "sd": self.posterior.study_sds,
                "low": [e.low for e in ends],
                "high": [e.high for e in ends],
            }
        )
        return self._back(frame, ["yi", "estimate", "low", "high"], scale)

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return mean, new effect and tau: posterior median, mean, sd and credible interval.

        With ``scale="r"`` median and limits of the first two are correlations, their `mean`
        and `sd` are missing, and tau stays on the analysis scale.
        """
        rows = {"mean": self.mu, "new effect": self.new_effect, "tau": self.tau}
        frame = pd.DataFrame(
            [
                {
                    "term": term,
                    "estimate": p.median,
                    "mean": p.mean,
                    "sd": p.sd,
                    "low": p.low,
                    "high": p.high,
                }
                for term, p in rows.items()
            ]
        )
        turned = self._back(frame.iloc[:2], ["estimate", "low", "high"], scale)
        return pd.concat([turned, frame.iloc[2:]], ignore_index=True)

    def _back(self, frame: pd.DataFrame, columns: list[str], scale: Scale) -> pd.DataFrame:
        check_option("scale", scale, Scale)
        if scale == "analysis" or self.measure != "z":
            return frame
        out = frame.copy()
        out[columns] = np.tanh(out[columns])
        out[["mean", "sd"]] = np.nan
        return out

    def settings(self) -> dict[str, Any]:
        """Return the options that made this fit."""
        return {
            "measure": self.measure,
            "tau_prior": self.tau_prior,
            "scale": self.scale,
            "mu_prior": list(self.mu_prior),
            "null": self.null,
            "level": self.level,
            "interval": self.interval,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON; missing and infinite are None."""
        unknowns = {"mean": self.mu, "new_effect": self.new_effect, "tau": self.tau}
        names = ("median", "mean", "sd", "low", "high")
        back = {
            name: {
                k: back_transform(getattr(p, k), self.measure) for k in ("median", "low", "high")
            }
            for name, p in unknowns.items()
            if name != "tau"
        }
        content = {
            "method": "bayes",
            "settings": self.settings(),
            "counts": {"n_studies": self.effects.n_studies, "n_effects": self.effects.n_effects},
            "posterior": {k: {n: getattr(p, n) for n in names} for k, p in unknowns.items()},
            "r": None if self.measure == "generic" else back,
            "probability_above_zero": self.probability_above(0.0),
            "log_bayes_factor_mean": self.log_bf_mu,
            "log_bayes_factor_tau": self.log_bf_tau,
            "log_marginal_likelihood": self.posterior.log_marginal_likelihood,
            "quadrature_error": self.posterior.quadrature_error,
            "studies": self.studies().to_dict("records"),
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        is_r = self.measure != "generic"
        name = "r" if is_r else "estimate"
        level = f"{100 * self.level:g}%"
        mean, sd = self.mu_prior
        flat = math.isinf(sd)
        above = share_text(self.probability_above(0.0))
        factors = [_factor_text("the mean", self.log_bf_mu), _factor_text("tau", self.log_bf_tau)]
        lines = [
            f"Bayesian random-effects model, {studies_text(self.effects.n_studies)}",
            f"Priors: tau {self.tau_prior}({self.scale:g}),"
            f" mean {'flat' if flat else f'normal({mean:g}, {sd:g})'}, scale: {self.measure}",
            f"Mean {name} = {self._text(self.mu.median)}, {level} credible interval"
            f" {self._ends(self.mu)}; {above} above 0",
            f"{level} prediction interval {self._ends(self.new_effect)}",
            f"tau = {number(self.tau.median)} {limits(self.tau.low, self.tau.high)}",
            *(text for text in factors if text),
        ]
        return "\n".join([*lines, *(p.text for p in self.notices)])

    def _text(self, value: float) -> str:
        return number(back_transform(value, self.measure), correlation=self.measure != "generic")

    def _ends(self, posterior: Posterior) -> str:
        low, high = (back_transform(v, self.measure) for v in (posterior.low, posterior.high))
        return limits(low, high, correlation=self.measure != "generic")


def bayes(
    effects: Effects,
    *,
    tau_prior: TauPriorName = "half-normal",
    scale: float | None = None,
    mu_prior: tuple[float, float] | NormalPrior | None = None,
    null: float = 0.0,
    level: float = 0.95,
    interval: CredibleInterval = "shortest",
    rho: float | None = None,
) -> BayesianFit:
    """Compute the posterior of the mean, tau, a new effect and the studies' effects.

    ``yi ~ N(theta_i, vi)``, ``theta_i ~ N(mu, tau²)``, with priors of mu and tau that are
    independent of each other.

    Parameters
    ----------
    effects : Effects
        One effect per study.
    tau_prior : {"half-normal", "half-cauchy", "uniform"}
        Prior of tau on the analysis scale.
    scale : float, optional
        Standard deviation of the normal behind the half-normal, median of the half-Cauchy,
        or upper end of the uniform. For correlations the first two have .25 unless given; a
        uniform prior without it has no end and is improper. Other metrics need it.
    mu_prior : (float, float), optional
        Mean and standard deviation of the normal prior of the mean, on the analysis scale;
        flat unless given.
    null : float
        Mean of the null hypothesis of the Bayes factor, on the analysis scale.
    level : float
        Probability of the credible intervals.
    interval : {"shortest", "central"}
        Their kind. A shortest interval of Fisher z is not exactly the shortest one of r.
    rho : float, optional
        Correlation of sampling errors with which several effects of a study are averaged
        first; without it dependent effects are refused.

    Raises
    ------
    OptionError
        For a prior that does not exist or whose scale is not positive.
    EstimationError
        For dependent effects without `rho`, or when the posterior cannot be normalised.

    References
    ----------
    Röver (2020).

    Examples
    --------
    >>> effects = Effects.from_arrays([0.1, 0.35, 0.6], [0.02, 0.01, 0.04], measure="z")
    >>> fit = bayes(effects, mu_prior=(0.0, 0.5))
    >>> round(fit.estimate, 3), round(fit.probability_above(0.1), 3)
    (0.303, 0.933)
    """
    check_option("tau_prior", tau_prior, TauPriorName)
    check_level(level)
    if not math.isfinite(null):
        raise OptionError(f"null={null!r} is not a number.")
    chosen, notices = independent_effects(effects, "The Bayesian model", rho)
    prior = prior_of_tau(tau_prior, scale, chosen.measure)
    mean = prior_of_mean(mu_prior)
    yi, vi = chosen.yi, chosen.vi
    fit = fit_bayes(yi, vi, prior, mean, level=level, interval=interval)
    proper = math.isfinite(prior.scale)
    return BayesianFit(
        mu=fit.mu,
        tau=fit.tau,
        new_effect=fit.new_effect,
        log_bf_mu=math.nan if mean.flat else log_bayes_factor_mu(yi, vi, prior, mean, null),
        log_bf_tau=log_bayes_factor_tau(yi, vi, prior, mean) if proper else math.nan,
        null=null,
        level=level,
        interval=interval,
        tau_prior=tau_prior,
        scale=prior.scale,
        mu_prior=(mean.mean, mean.sd),
        effects=chosen,
        posterior=fit,
        notices=notices,
    )


def _exp(value: float) -> float:
    """Exponential that is infinite beyond the range of floats."""
    return math.exp(value) if not value > 709 else math.inf


def _factor_text(name: str, log_bf: float) -> str:
    """One line for a Bayes factor; it is written as the larger side to one."""
    if math.isnan(log_bf):
        return ""
    size = _exp(abs(log_bf))
    odds = f"{size:.3g}" if size < 1e6 else f"e^{abs(log_bf):.1f}"
    zero = "tau = 0" if name == "tau" else "the null mean"
    side = f"against {zero}" if log_bf >= 0 else f"for {zero}"
    return f"Bayes factor of {name}: {odds} to 1 {side}"
