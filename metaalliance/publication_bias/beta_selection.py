"""Beta selection models: a weight that bends smoothly with p."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Unpack

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.inference.bootstrap_intervals import BootstrapInterval
from metaalliance.core.inference.intervals import critical_value
from metaalliance.core.selection.beta import LEAST_ROOM, SMALLEST_P, BetaWeights, room
from metaalliance.core.selection.optimum import SelectionOptimum
from metaalliance.core.selection.penalty import Penalty
from metaalliance.core.selection.steps import normal_critical, p_groups
from metaalliance.effects.effects import Effects
from metaalliance.errors import ConvergenceError, EstimationError, OptionError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.options import check_option, check_truncation
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.checks import (
    FEW_IN_INTERVAL,
    begin,
    chosen_direction,
    few_studies,
    need_studies,
    refuse_absurd,
)
from metaalliance.publication_bias.design import Designs
from metaalliance.publication_bias.selection_bootstrap import (
    BETA_REPLICATIONS,
    Bootstrap,
    Resampled,
)
from metaalliance.publication_bias.selection_fit import highest, penalised
from metaalliance.publication_bias.selection_inference import flat_weights, inference, orient
from metaalliance.publication_bias.selection_result import Penalised, SelectionResult, weight_text
from metaalliance.wording.numbers import p_text
from metaalliance.workers.workers import Jobs, Workers

_METHOD = "The beta selection model"
#: Parameters beyond this factor of one have run away.
_FURTHEST = 1e3
#: P-values at which the weight function is told.
_CUSTOMARY = np.array([0.001, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BetaSelectionModel(SelectionResult):
    """Mean (or coefficients) under a selection weight ``p^(a - 1) (1 - p)^(b - 1)``.

    Attributes
    ----------
    weights : ndarray, shape (2,)
        a and b; both are one without selection.
    smallest_p : float
        P-values nearer to 0 or 1 than this count as this near; zero for no truncation.
    """

    method: ClassVar[str] = "beta_selection_model"
    title: ClassVar[str] = "Beta selection model (Citkowicz and Vevea)"

    smallest_p: float

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        return {**SelectionResult.settings(self), "smallest_p": self.smallest_p}

    def weight_names(self) -> tuple[str, ...]:
        """Return "a" and "b"."""
        return ("a", "b")

    def weight(self, p: Array) -> Array:
        """Return the relative weight at one-sided p-values, 1 at p = .5."""
        return np.asarray(np.exp(self._logs(p) @ (self.weights - 1)))

    def weight_limits(self, p: Array) -> Array:
        """Return pointwise limits of the relative weight at p-values (n,), shape (2, n).

        Percentiles of the bootstrap samples; without a bootstrap those of the standard errors
        of a and b, on the logarithmic scale. At p = .5 the weight is one.
        """
        logs, tail = self._logs(p), (1 - self.level) / 2
        if self.bootstrap is not None:
            a = self.bootstrap.names.index("a")
            drawn = (self.bootstrap.estimates[:, a : a + 2] - 1) @ logs.T
            return np.asarray(np.exp(np.quantile(drawn, (tail, 1 - tail), axis=0)))
        V = self.covariance[-2:, -2:]
        half = critical_value(self.level, self.df) * np.sqrt(
            np.maximum(np.einsum("ni,ij,nj->n", logs, V, logs), 0.0)
        )
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(logs @ (self.weights - 1) + np.array([-half, half])))

    def _logs(self, p: Array) -> Array:
        """Logarithms (n, 2) of 2 p and 2 (1 - p), p within the truncation."""
        ends = max(self.smallest_p, float(np.finfo(float).tiny))
        inside = np.clip(np.asarray(p, dtype=float), ends, 1 - self.smallest_p)
        return np.stack([np.log(2 * inside), np.log(2 * (1 - inside))], axis=-1)

    def weight_rows(self) -> list[dict[str, Any]]:
        """Return the weight function with its limits at customary p-values."""
        low, high = self.weight_limits(_CUSTOMARY)
        columns = (_CUSTOMARY, self.weight(_CUSTOMARY), low, high)
        return [
            {"p": float(p), "weight": float(w), "ci_low": float(a), "ci_high": float(b)}
            for p, w, a, b in zip(*columns, strict=True)
        ]

    def details(self) -> dict[str, Any]:
        """Return tau², the test and what the weights are at customary p-values."""
        a, b = (float(w) for w in self.weights)
        own = {"a": a, "b": b, "relative_weights": self.weight_rows()}
        return {**SelectionResult.details(self), **own}

    def reading(self) -> str:
        """Return the weight of a significant result beside one without effect."""
        ratio = float(self.weight(np.array([0.01]))[0])
        return (
            f"A one-sided p of .01 is estimated to be {weight_text(ratio, 1)} times as likely to "
            f"be seen as one of .50; test of no selection: p {p_text(self.test_p_value)}."
            f"{self.how_text()}"
        )


def beta_selection_model(
    effects: Effects | PooledFit,
    *,
    alternative: Literal["auto", "greater", "less"] = "auto",
    moderators: Sequence[str] = (),
    variance_moderators: Sequence[str] = (),
    selection_moderators: Sequence[str] = (),
    smallest_p: float = SMALLEST_P,
    penalty: Penalised = "none",
    bootstrap: Bootstrap = "auto",
    interval: BootstrapInterval = "percentile",
    replications: int | None = None,
    seed: int | None = 1,
    jobs: Jobs = 1,
    **settings: Unpack[ModelSettings],
) -> BetaSelectionModel:
    """Fit a random-effects model whose effects were selected by a beta weight of p.

    By maximum likelihood; dependent effects as in `selection_model`.

    Parameters
    ----------
    effects : Effects or PooledFit
        What was seen.
    alternative : {"auto", "greater", "less"}
        Direction that selection favours; "auto" takes the sign of the pooled estimate.
    moderators : sequence of str
        Columns of the effects that the mean depends on.
    variance_moderators : sequence of str
        Columns that log tau² depends on; `tau2` is then that at their mean.
    selection_moderators : sequence of str
        Columns that log a and log b depend on; `weights` are then those at their mean. They need p
        truncated at .025 or more.
    smallest_p : float
        P-values nearer to 0 or 1 than this count as this near, by default .025: the weight is
        constant among results that are significant in either direction. Zero is no truncation;
        the weight of a tiny p then has no bound, and none has a mean unless a and b are above
        ``tau² / (v + tau²)`` for every effect.
    penalty, bootstrap, interval, replications, seed, jobs
        As in `selection_model`; 399 bootstrap samples by default, since each takes longer.
    **settings
        The settings of `pool`, by default those of the fit. `level` is taken; the model has its
        own likelihood and errors, so that the others are named in `not_taken`.

    Raises
    ------
    OptionError
        For a `smallest_p` that is not from 0 up to .5.
    EstimationError
        When the effects do not determine the estimates, or the likelihood has no maximum.

    References
    ----------
    Citkowicz and Vevea (2017); Citkowicz et al. (2026): truncated p-values.

    Examples
    --------
    >>> yi = [0.3, 0.12, 0.25, 0.4, 0.05, 0.2, -0.05, 0.15, 0.35, 0.45, 0.28, 0.1]
    >>> vi = [0.02, 0.02, 0.015, 0.02, 0.03, 0.02, 0.02, 0.02, 0.02, 0.02, 0.03, 0.02]
    >>> fit = beta_selection_model(Effects.from_arrays(yi, vi))
    >>> fit.test, fit.test_df
    ('likelihood-ratio', 2)
    """
    check_option("alternative", alternative, Literal["auto", "greater", "less"])
    check_truncation(smallest_p, "smallest_p")
    how = Resampled(
        bootstrap=bootstrap,
        interval=interval,
        replications=replications,
        seed=seed,
        workers=Workers.of(jobs),
    ).checked()
    start = begin(BetaSelectionModel, effects, settings)
    chosen = start.effects
    if selection_moderators and smallest_p < SMALLEST_P:
        raise OptionError(
            f"Moderators of selection need smallest_p of {SMALLEST_P:g} or more: without "
            "truncation the range of a and b is another one for each effect."
        )
    designs = Designs.build(chosen, moderators, variance_moderators, selection_moderators)
    need_studies(chosen, 4 + designs.X.shape[1], _METHOD)
    way, notices = chosen_direction(chosen, alternative)
    yi = orient(chosen.yi, way)
    notices += _check_spread(yi, chosen.vi, smallest_p)
    own, said = penalised(penalty, chosen)
    optimum = _maximum(yi, chosen.vi, designs, smallest_p, own)
    if len(designs.names) == 1:
        refuse_absurd(float(optimum.theta[0]), yi, _METHOD)
    found, extra = inference(
        start, optimum, designs, way, how, BETA_REPLICATIONS, weights=("a", "b"), reference=False
    )
    notices = (
        *start.notices,
        *notices,
        *said,
        *extra,
        *_rests_on_the_ends(optimum, chosen.vi, smallest_p),
        *few_studies(chosen, _METHOD),
    )
    result = BetaSelectionModel(**found, smallest_p=smallest_p, notices=notices)
    weights = result.weight(_CUSTOMARY)
    ends = flat_weights(np.array([weights.min(), weights.max()]))
    return announced(replace(result, notices=(*notices, *ends)))


def _check_spread(yi: Array, vi: Array, smallest: float) -> tuple[Problem, ...]:
    """Refuse effects that are all significant: nothing tells of the weights of others."""
    critical = normal_critical(np.array([smallest]), "greater")
    others = int(p_groups(yi / np.sqrt(vi), critical, "greater").sum())
    if others >= FEW_IN_INTERVAL or smallest == 0:
        return ()
    if others == 0:
        raise EstimationError(
            f"{_METHOD} was refused: no effect has a one-sided p above {smallest:g}, so that "
            "nothing tells how likely such a result is to be seen.",
            code="MA653",
        )
    message = (
        f"Fewer than {FEW_IN_INTERVAL} effects have a one-sided p above {smallest:g} ({others}): "
        "the weights and the adjusted estimate rest on them."
    )
    return (notice("MA656", message, "Read it as a sensitivity analysis."),)


def _maximum(
    yi: Array, vi: Array, designs: Designs, smallest: float, penalty: Penalty | None
) -> SelectionOptimum:
    """Highest maximum; without truncation one well inside the range where the weight has a mean."""
    edge = EstimationError(
        f"{_METHOD} was refused: without truncation of p the weight has a mean only while a and b "
        "are above tau²/(v + tau²), and the likelihood has no maximum inside that range. Truncate "
        f"p (smallest_p={SMALLEST_P:g}).",
        code="MA654",
    )
    try:
        found = highest(
            _METHOD,
            yi,
            vi,
            designs.X,
            lambda y, v: BetaWeights.build(y, v, smallest),
            U=designs.U,
            Z=designs.Z,
            penalty=penalty,
            furthest=_FURTHEST,
        )
    except ConvergenceError:
        if smallest > 0:
            raise
        raise edge from None
    if smallest == 0 and _room(found, vi) < LEAST_ROOM:
        raise edge
    return found


def _room(optimum: SelectionOptimum, vi: Array) -> float:
    """How far the weight is from having no mean; infinite where it is bounded."""
    problem = optimum.problem
    delta = np.exp(optimum.theta[problem.selection])
    tau2 = float(problem.tau2(optimum.at[None]).max()) * optimum.scaling.unit**2
    return math.inf if (delta >= 1).all() else room(vi, tau2, delta)


def _rests_on_the_ends(
    optimum: SelectionOptimum, vi: Array, smallest: float
) -> tuple[Problem, ...]:
    """Warn of an optimum that moves with the truncation where it is meant to stand for none."""
    if smallest == 0 or smallest >= SMALLEST_P or _room(optimum, vi) > 0:
        return ()
    message = (
        f"The estimates rest on the truncation of p at {smallest:g}: without it the weight has no "
        "mean here, since a or b is not above tau²/(v + tau²), and the likelihood no value."
    )
    hint = f"Truncate p at {SMALLEST_P:g}, where results count as significant."
    return (notice("MA658", message, hint),)
