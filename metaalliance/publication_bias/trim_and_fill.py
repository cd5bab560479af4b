"""Trim and fill: the mean after missing effects of one side are filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Unpack

import numpy as np

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.selection.trim_fill import FillEstimator, Trimmed, trim
from metaalliance.core.variance.tau2 import estimate_tau2
from metaalliance.core.variance.wls import weighted_fit
from metaalliance.effects.effects import Effects
from metaalliance.model import Model, ModelSettings
from metaalliance.models.pool import fit_mean
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced, quiet
from metaalliance.options import check_option
from metaalliance.publication_bias.checks import (
    Start,
    begin_averaged,
    few_studies,
    need_spread,
    need_studies,
    random_effects_mean,
)
from metaalliance.publication_bias.result import BiasResult, Term, mean_term
from metaalliance.wording.numbers import number

Side = Literal["auto", "left", "right"]
_METHOD = "Trim and fill"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrimAndFill(BiasResult):
    """The mean of observed and filled effects.

    Attributes
    ----------
    estimator, side : str
        L0, R0 or Q0; the side on which effects are missing.
    k0, k0_se : int and float
        Number of filled effects and its standard error.
    k0_p_value : float
        Test that none is missing (R0 only, else NaN).
    filled_yi, filled_vi : ndarray, shape (k0,)
        The filled effects.
    center : float
        Mean around which they mirror the trimmed ones.
    fit : PooledFit
        Model of observed and filled effects.
    observed : PooledFit
        The same model of the observed effects.
    """

    method: ClassVar[str] = "trim_and_fill"
    title: ClassVar[str] = "Trim and fill (Duval and Tweedie)"
    takes: ClassVar[frozenset[str]] = frozenset({"rho", "tau2", "test", "level"})
    kinds: ClassVar[frozenset[str]] = frozenset({"two-level", "common-effect"})
    because: ClassVar[str] = (
        "the missing effects of a study cannot be counted, so that the mean is a two-level one "
        "of one effect per study"
    )

    estimator: FillEstimator
    side: Literal["left", "right"]
    k0: int
    k0_se: float
    k0_p_value: float
    center: float
    filled_yi: Array = field(repr=False)
    filled_vi: Array = field(repr=False)
    fit: PooledFit = field(repr=False)
    observed: PooledFit = field(repr=False)

    @property
    def estimate(self) -> float:
        """Mean of observed and filled effects."""
        return self.fit.estimate

    def adjusted(self) -> Term:
        """Return the mean of observed and filled effects."""
        return mean_term("mean with filled effects", self.fit)

    def terms(self) -> Sequence[Term]:
        """Return the filled mean, the observed one, and the number of filled effects."""
        missing = Term(
            name=f"effects filled on the {self.side}",
            kind="count",
            estimate=float(self.k0),
            se=self.k0_se,
            p_value=self.k0_p_value,
        )
        return self.adjusted(), mean_term("mean of observed effects", self.observed), missing

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result; None for a prediction, which it has not."""
        own = {"prediction": None, "estimator": self.estimator, "side": self.side}
        return {**self.fit.settings(), **BiasResult.settings(self), **own}

    def details(self) -> dict[str, Any]:
        """Return the filled effects and the heterogeneity with them."""
        return {
            "k0": self.k0,
            "center": self.center,
            "filled_yi": self.filled_yi.tolist(),
            "filled_vi": self.filled_vi.tolist(),
            "tau2": self.fit.tau2,
        }

    def reading(self) -> str:
        """Return what was done, and why it is no evidence of missing studies."""
        return (
            f"{self.estimator} filled {self.k0} on the {self.side} (standard error "
            f"{number(self.k0_se, 1)}). Filled effects are mirror images, not data; asymmetry can "
            "have other causes, and heterogeneity misleads the method. A sensitivity analysis."
        )


def trim_and_fill(
    effects: Effects | PooledFit,
    estimator: FillEstimator = "L0",
    side: Side = "auto",
    **settings: Unpack[ModelSettings],
) -> TrimAndFill:
    """Estimate how many effects are missing on one side of the funnel, and fill them in.

    Parameters
    ----------
    effects : Effects or PooledFit
        Effects; several of one study are averaged first (and a note says so), since the
        number of missing effects of a study cannot be known.
    estimator : {"L0", "R0", "Q0"}
        How the missing are counted.
    side : {"auto", "left", "right"}
        Where they are missing; "auto" takes the side that a regression of effects on
        standard errors points to.
    **settings
        The settings of `pool`, by default those of the fit. `model` is "two-level" (default, and
        beside a multilevel fit) or "common-effect", in trimming and at the end; `rho`, where it
        is a number, is the correlation of sampling errors within a study for the averaging (else
        .5). Further levels have no place and are named in `not_taken`.

    Raises
    ------
    EstimationError
        For fewer than three studies, or side="auto" when all standard errors are equal.

    References
    ----------
    Duval and Tweedie (2000).

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.6, 0.35]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> effects = Effects.from_arrays(yi, vi)
    >>> found = trim_and_fill(effects, model="common-effect")
    >>> found.side, found.k0, found.filled_yi.round(3).tolist()
    ('left', 5, [-0.105, -0.155, -0.205, -0.255, -0.305])
    """
    check_option("estimator", estimator, FillEstimator)
    check_option("side", side, Side)
    if isinstance(kind := settings.get("model"), str):
        check_option("model", kind, Literal["two-level", "common-effect"])
    start = begin_averaged(TrimAndFill, effects, settings, _METHOD)
    chosen, asked = start.effects, start.model
    need_studies(chosen, 3, _METHOD)
    model = asked.of_kind("common-effect" if asked.kind == "common-effect" else "two-level")
    unused = [name for name in model.not_taken(asked) if name in {"tau2", "test"}]
    start = replace(start, not_taken=(*start.not_taken, *unused))
    method = "FE" if model.kind == "common-effect" else model.tau2
    where = _side(chosen, method) if side == "auto" else side
    sign = 1.0 if where == "left" else -1.0
    found = trim(
        sign * chosen.yi,
        chosen.vi,
        lambda y, v: random_effects_mean(y, v, method)[0],
        estimator,
    )
    filled = sign * found.filled_yi
    return _result(start, model, found, filled, where, estimator)


def _result(
    start: Start,
    model: Model,
    found: Trimmed,
    filled: Array,
    side: Literal["left", "right"],
    estimator: FillEstimator,
) -> TrimAndFill:
    """Pool observed effects and both together."""
    chosen = start.effects
    both = Effects.from_arrays(
        np.concatenate([chosen.yi, filled]), np.concatenate([chosen.vi, found.filled_vi])
    )
    both = Effects(frame=both.frame, measure=chosen.measure)
    with quiet():
        fit, observed = fit_mean(both, model), fit_mean(chosen, model)
    return announced(
        TrimAndFill(
            **start.fields(),
            estimator=estimator,
            side=side,
            k0=found.k0,
            k0_se=found.k0_se,
            k0_p_value=found.p_value,
            center=found.center if side == "left" else -found.center,
            filled_yi=read_only(filled),
            filled_vi=read_only(found.filled_vi),
            fit=fit,
            observed=observed,
            notices=start.notices + few_studies(chosen, _METHOD),
        )
    )


def _side(effects: Effects, method: str) -> Literal["left", "right"]:
    """Side that small studies leave empty: left when effects rise with standard errors."""
    sei = np.sqrt(effects.vi)
    need_spread(sei, "the standard error", f"{_METHOD} with side='auto'")
    X = np.column_stack([np.ones_like(sei), sei])
    tau2 = 0.0 if method == "FE" else estimate_tau2(effects.yi, effects.vi, X, method)
    slope = float(weighted_fit(effects.yi, X, 1 / (effects.vi + tau2)).beta[1])
    return "right" if slope < 0 else "left"
