"""Beta selection models: a weight that bends smoothly with p."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Unpack

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.selection.beta import SMALLEST_P, beta_selector
from metaalliance.core.selection.fit import maximise_selection
from metaalliance.effects.effects import Effects
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.options import check_option
from metaalliance.publication_bias.checks import (
    begin,
    chosen_direction,
    few_studies,
    need_studies,
    refuse_absurd,
)
from metaalliance.publication_bias.design import design
from metaalliance.publication_bias.selection_inference import inference, orient
from metaalliance.publication_bias.selection_result import SelectionResult
from metaalliance.wording.numbers import number, p_text

_METHOD = "The beta selection model"
#: Parameters beyond this factor of one have run away.
_FURTHEST = 1e3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BetaSelectionModel(SelectionResult):
    """Mean (or coefficients) under a selection weight ``p^(a - 1) (1 - p)^(b - 1)``.

    `weights` holds a and b; both are one without selection.
    """

    method: ClassVar[str] = "beta_selection_model"
    title: ClassVar[str] = "Beta selection model (Citkowicz and Vevea)"

    def weight_names(self) -> tuple[str, ...]:
        """Return "a" and "b"."""
        return ("a", "b")

    def weight(self, p: Array) -> Array:
        """Return the relative weight at one-sided p-values, 1 at p = .5."""
        a, b = (float(w) for w in self.weights)
        inside = np.clip(np.asarray(p, dtype=float), SMALLEST_P, 1 - SMALLEST_P)
        relative: Array = (2 * inside) ** (a - 1) * (2 * (1 - inside)) ** (b - 1)
        return relative

    def details(self) -> dict[str, Any]:
        """Return tau², the test and what the weights are at customary p-values."""
        at = np.array([0.001, 0.01, 0.025, 0.05, 0.1, 0.5])
        rows = [
            {"p": float(p), "weight": float(w)} for p, w in zip(at, self.weight(at), strict=True)
        ]
        a, b = (float(w) for w in self.weights)
        return {**SelectionResult.details(self), "a": a, "b": b, "relative_weights": rows}

    def reading(self) -> str:
        """Return the weight of a significant result beside one without effect."""
        ratio = float(self.weight(np.array([0.01]))[0])
        return (
            f"A one-sided p of .01 is estimated to be {number(ratio, 1)} times as likely to be "
            f"seen as one of .50; test of no selection: p {p_text(self.test_p_value)}."
        )


def beta_selection_model(
    effects: Effects | PooledFit,
    *,
    alternative: Literal["auto", "greater", "less"] = "auto",
    moderators: Sequence[str] = (),
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
    **settings
        The settings of `pool`, by default those of the fit. `level` is taken; the model has its
        own likelihood and errors, so that the others are named in `not_taken`.

    Raises
    ------
    EstimationError
        When the effects do not determine the estimates.

    References
    ----------
    Citkowicz and Vevea (2017).

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.6, 0.35]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> fit = beta_selection_model(Effects.from_arrays(yi, vi))
    >>> fit.test, fit.test_df
    ('likelihood-ratio', 2)
    """
    check_option("alternative", alternative, Literal["auto", "greater", "less"])
    start = begin(BetaSelectionModel, effects, settings)
    chosen = start.effects
    X, names = design(chosen, moderators)
    need_studies(chosen, 4 + X.shape[1], _METHOD)
    way, notices = chosen_direction(chosen, alternative)
    yi = orient(chosen.yi, way)
    optimum = maximise_selection(yi, chosen.vi, X, beta_selector, 2, _FURTHEST)
    if len(names) == 1:
        refuse_absurd(float(optimum.theta[0]), yi, _METHOD)
    found, extra = inference(start, optimum, names, way, reference=False)
    return announced(
        BetaSelectionModel(**found, notices=(*notices, *extra, *few_studies(chosen, _METHOD)))
    )
