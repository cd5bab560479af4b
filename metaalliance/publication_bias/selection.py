"""Step-function selection models: a weight for each interval of p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal, Unpack

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.inference.bootstrap_intervals import BootstrapInterval
from metaalliance.core.selection.optimum import Estimator
from metaalliance.core.selection.steps import StepWeights, Tail, p_groups
from metaalliance.effects.effects import Effects
from metaalliance.effects.fisher import critical_values
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.options import check_option
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.checks import (
    FEW_IN_INTERVAL,
    begin,
    chosen_direction,
    few_studies,
    refuse_absurd,
)
from metaalliance.publication_bias.design import Designs
from metaalliance.publication_bias.selection_bootstrap import REPLICATIONS, Bootstrap, Resampled
from metaalliance.publication_bias.selection_fit import highest, penalised
from metaalliance.publication_bias.selection_inference import inference, orient
from metaalliance.publication_bias.selection_result import (
    Penalised,
    SelectionResult,
    Way,
    weight_text,
)
from metaalliance.wording.numbers import number, p_text
from metaalliance.workers.workers import Jobs, Workers

Alternative = Literal["auto", "greater", "less", "two-sided"]
_METHOD = "The step-function selection model"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionModel(SelectionResult):
    """Mean (or coefficients) under selection by steps of p.

    Attributes
    ----------
    steps : tuple of float
        Cut points of the p-values.
    counts : tuple of int
        Effects in each interval.
    fixed : bool
        Whether the weights were given, not estimated.
    """

    method: ClassVar[str] = "selection_model"
    title: ClassVar[str] = "Step-function selection model (Vevea and Hedges)"

    steps: tuple[float, ...]
    counts: tuple[int, ...]
    fixed: bool

    def intervals(self) -> tuple[tuple[float, float], ...]:
        """Return the limits of each interval of p-values."""
        edges = (0.0, *self.steps, 1.0)
        return tuple(pairwise(edges))

    def weight_names(self) -> tuple[str, ...]:
        """Return the name of each weight but the first."""
        return weight_names(self.steps)

    def weight(self, p: Array) -> Array:
        """Return the weight at p-values, 1 up to the first step."""
        return np.asarray(self.weights[np.searchsorted(self.steps, p, side="left")])

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        # `SelectionResult.settings(self)` since slotted dataclasses break zero-argument super().
        steps = {"steps": list(self.steps), "fixed_weights": self.fixed}
        return {**SelectionResult.settings(self), **steps}

    def details(self) -> dict[str, Any]:
        """Return the weights by interval, tau² and the test of selection."""
        columns = (self.counts, self.weights, self.weights_se, self.weights_low, self.weights_high)
        rows = [
            {"p_low": low, "p_high": high, "n_effects": n, "weight": w, "se": se,
             "ci_low": below, "ci_high": above}
            for (low, high), n, w, se, below, above in zip(
                self.intervals(), *columns, strict=True
            )
        ]  # fmt: skip
        return {**SelectionResult.details(self), "weights": rows}

    def reading(self) -> str:
        """Return what the weights say."""
        if self.fixed:
            return "Weights as given: what the mean would be if selection were of this strength."
        last, interval = float(self.weights[-1]), self.intervals()[-1]
        return (
            f"A result with p above {number(interval[0], 3, correlation=True)} is estimated to "
            f"be {weight_text(last, 2)} times as "
            f"likely to be seen as one with p below "
            f"{number(self.steps[0], 3, correlation=True)}; test of no selection: "
            f"p {p_text(self.test_p_value)}.{self.how_text()}"
        )


def selection_model(
    effects: Effects | PooledFit,
    steps: Sequence[float] = (0.025,),
    *,
    alternative: Alternative = "auto",
    moderators: Sequence[str] = (),
    variance_moderators: Sequence[str] = (),
    selection_moderators: Sequence[str] = (),
    weights: Sequence[float] | None = None,
    estimator: Estimator = "cml",
    penalty: Penalised = "none",
    bootstrap: Bootstrap = "auto",
    interval: BootstrapInterval = "percentile",
    replications: int | None = None,
    seed: int | None = 1,
    jobs: Jobs = 1,
    **settings: Unpack[ModelSettings],
) -> SelectionModel:
    """Fit a random-effects model of effects that were selected by their p-values.

    By maximum likelihood. Effects of one study are not averaged, since selection works on
    p-values of effects: with dependent effects the likelihood is a composite one (each
    effect as if alone), which still estimates the same mean, and standard errors come from a
    cluster-robust sandwich.

    Parameters
    ----------
    effects : Effects or PooledFit
        What was seen.
    steps : sequence of float
        Cut points of the p-values, rising, between 0 and 1. One-sided p-values unless
        `alternative` is "two-sided": 0.025 is two-sided .05. Each effect has its p by the test
        of its report: t with its degrees of freedom, or a normal test for chi², z and 2×2
        tables, before a correction for unreliability; a test that is coded as one-tailed is
        significant at .05 where its one-sided p is .05. Precomputed effects have the normal test
        of their sampling variance.
    alternative : {"auto", "greater", "less", "two-sided"}
        Direction that selection favours; "auto" takes the sign of the pooled estimate, and a
        note says which.
    moderators : sequence of str
        Columns of the effects that the mean depends on.
    variance_moderators : sequence of str
        Columns that log tau² depends on; `tau2` is then that at their mean.
    selection_moderators : sequence of str
        Columns that the logarithm of every weight depends on; `weights` are then those at their
        mean.
    weights : sequence of float, optional
        Known weights of the intervals after the first, which has 1 (Vevea and Woods 2005); by
        default they are estimated.
    estimator : {"cml", "argl"}
        Composite maximum likelihood, or the estimating equations of the augmented and reweighted
        Gaussian likelihood, whose root is the one that the maximum leads to.
    penalty : {"none", "weak"}
        With "weak" log-densities are added to the likelihood that keep estimates finite (see
        `core.selection.penalty`); their unit is a standardised mean difference, and on Fisher z
        half of one.
    bootstrap : {"auto", "none", "two-stage", "multinomial", "exponential"}
        Where limits come from: the standard errors; or a cluster bootstrap that draws studies and
        then effects within them, studies with all their effects, or exponential weights of
        studies. "auto" takes two-stage samples where some study has several effects, else none.
    interval : {"percentile", "basic", "studentised", "bca"}
        Kind of interval of the bootstrap.
    replications : int, optional
        Bootstrap samples, by default 1,999.
    seed : int or None
        Seed of the bootstrap; None for another one each time.
    jobs : int, None or Workers
        Where the bootstrap is computed; the result does not depend on it.
    **settings
        The settings of `pool`, by default those of the fit. `level` is taken; the model has its
        own likelihood and errors, so that the others are named in `not_taken`.

    Raises
    ------
    OptionError
        For steps or weights that are not what they have to be.
    EstimationError
        When an interval holds no effect, or the effects do not determine the estimates.

    References
    ----------
    Vevea and Hedges (1995); Vevea and Woods (2005); Pustejovsky et al. (2025): composite likelihood
    with cluster-robust errors.

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.3, 0.15]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> fit = selection_model(Effects.from_arrays(yi, vi))
    >>> fit.counts, round(fit.estimate, 3), round(float(fit.weights[1]), 3)
    ((7, 5), 0.05, 0.04)
    """
    check_option("alternative", alternative, Alternative)
    check_option("estimator", estimator, Estimator)
    how = Resampled(
        bootstrap=bootstrap,
        interval=interval,
        replications=replications,
        seed=seed,
        workers=Workers.of(jobs),
    ).checked()
    cuts, fixed = checked_steps(steps), _checked_weights(weights, steps)
    start = begin(SelectionModel, effects, settings)
    chosen = start.effects
    if weights is not None and selection_moderators:
        raise OptionError("Known weights have no moderators of selection. Leave one of them out.")
    designs = Designs.build(chosen, moderators, variance_moderators, selection_moderators)
    way: Way = "two-sided"
    notices: tuple[Problem, ...] = ()
    if alternative != "two-sided":
        way, notices = chosen_direction(chosen, alternative)
    yi, vi = orient(chosen.yi, way), chosen.vi
    tail: Tail = "two-sided" if way == "two-sided" else "greater"
    critical = critical_values(chosen, cuts, "two-sided" if way == "two-sided" else "one-sided")
    groups = p_groups(yi / np.sqrt(vi), critical, tail)
    counts = np.bincount(groups, minlength=cuts.size + 1)
    if fixed is None:
        notices += _check_counts(counts, cuts, way)
    own, said = penalised(penalty, chosen)
    optimum = highest(
        _METHOD,
        yi,
        vi,
        designs.X,
        lambda y, v: StepWeights.build(y, v, cuts, tail, fixed, critical),
        U=designs.U,
        Z=designs.Z,
        penalty=own,
        estimator=estimator,
    )
    if len(designs.names) == 1:
        refuse_absurd(float(optimum.theta[0]), yi, _METHOD)
    labels = weight_names(cuts.tolist()) if fixed is None else ()
    found, extra = inference(
        start, optimum, designs, way, how, REPLICATIONS, given=fixed, weights=labels
    )
    return announced(
        SelectionModel(
            **found,
            steps=tuple(float(s) for s in cuts),
            counts=tuple(int(n) for n in counts),
            fixed=fixed is not None,
            notices=(*start.notices, *notices, *said, *extra, *few_studies(chosen, _METHOD)),
        )
    )


def weight_names(steps: Sequence[float]) -> tuple[str, ...]:
    """Return the name of the weight of each interval but the first."""
    return tuple(f"weight, p {low:g} to {high:g}" for low, high in pairwise((*steps, 1.0)))


def checked_steps(steps: Sequence[float]) -> Array:
    """Return cut points as an array, after a check that they rise between 0 and 1."""
    cuts = np.atleast_1d(np.asarray(steps, dtype=float))
    inside = cuts.size > 0 and ((cuts > 0) & (cuts < 1)).all()
    if not inside or not (np.diff(cuts) > 0).all():
        raise OptionError(
            f"steps={tuple(steps)!r} are not rising p-values between 0 and 1, such as (0.025, 0.5)."
        )
    return cuts


def _checked_weights(weights: Sequence[float] | None, steps: Sequence[float]) -> Array | None:
    """Known weights as an array; one for each interval after the first."""
    if weights is None:
        return None
    given = np.atleast_1d(np.asarray(weights, dtype=float))
    if given.size != len(steps) or not ((given > 0) & np.isfinite(given)).all():
        raise OptionError(
            f"weights={tuple(weights)!r} are not {len(steps)} positive numbers, one for each "
            "interval of p after the first (whose weight is 1)."
        )
    return given


def _check_counts(counts: IntArray, cuts: Array, way: str) -> tuple[Problem, ...]:
    """Refuse empty intervals; warn of intervals with few effects."""
    edges = (0.0, *cuts, 1.0)
    names = [f"{a:g} to {b:g}" for a, b in pairwise(edges)]
    sided = "two-sided" if way == "two-sided" else f"one-sided ({way})"
    empty = [name for name, n in zip(names, counts, strict=True) if n == 0]
    if empty:
        held = ", ".join(f"{name}: {n}" for name, n in zip(names, counts, strict=True))
        raise EstimationError(
            f"{_METHOD} was refused: no effect has a {sided} p from {' or '.join(empty)}, so that "
            f"nothing tells how likely such a result is to be seen (effects by p: {held}). "
            "Choose steps whose intervals all hold effects, or state the weights.",
            code="MA653",
        )
    few = [f"{name} ({n})" for name, n in zip(names, counts, strict=True) if n < FEW_IN_INTERVAL]
    if not few:
        return ()
    message = (
        f"Fewer than {FEW_IN_INTERVAL} effects have a {sided} p from {' or '.join(few)}: the "
        "weights and the adjusted estimate rest on them."
    )
    return (notice("MA656", message, "Use fewer steps, or read it as a sensitivity analysis."),)
