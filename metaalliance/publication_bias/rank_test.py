"""Begg and Mazumdar's rank correlation of effects with their variances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Unpack

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.publication_bias.checks import (
    begin_averaged,
    few_studies,
    need_spread,
    need_studies,
)
from metaalliance.publication_bias.result import BiasResult, Term

#: Exact tail probabilities are computed up to this many effects.
EXACT_UP_TO = 170
#: Standardised effects closer than this, as a share of the largest, are tied.
_ROUNDING = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankTest(BiasResult):
    """Kendall's correlation of standardised effects with their variances.

    Attributes
    ----------
    tau : float
        Kendall's tau-b; positive when small studies have larger effects.
    p_value : float
        Two-sided.
    computation : {"exact", "normal"}
        Exact without ties and up to 170 studies, else the normal approximation with the
        variance corrected for ties.
    """

    method: ClassVar[str] = "rank_test"
    title: ClassVar[str] = "Rank correlation test of funnel asymmetry (Begg and Mazumdar)"
    takes: ClassVar[frozenset[str]] = frozenset({"rho"})
    because: ClassVar[str] = "ranks of one effect per study have neither a model nor an interval"

    tau: float
    p_value: float
    computation: Literal["exact", "normal"]

    def terms(self) -> Sequence[Term]:
        """Return Kendall's tau."""
        return (Term(name="Kendall's tau", estimate=self.tau, p_value=self.p_value),)

    def details(self) -> dict[str, Any]:
        """Return how the p-value was computed."""
        return {"computation": self.computation}

    def reading(self) -> str:
        """Return the meaning of the sign, and the low power."""
        way = "larger" if self.tau > 0 else "smaller"
        return (
            f"Small studies tend to have {way} effects (τ {'>' if self.tau > 0 else '<'} 0); "
            "the test has low power in small reviews."
            if self.tau != 0
            else "No rank correlation; the test has low power in small reviews."
        )


def rank_test(effects: Effects | PooledFit, **settings: Unpack[ModelSettings]) -> RankTest:
    """Test funnel asymmetry by rank correlation.

    Parameters
    ----------
    effects : Effects or PooledFit
        Effects; several of one study are averaged first, since ranks of dependent effects
        have no known distribution.
    **settings
        The settings of `pool`, by default those of the fit. `rho`, where it is a number, is the
        correlation of sampling errors within a study for the averaging (else .5). The others
        have no place in a test of ranks and are named in `not_taken`.

    Raises
    ------
    EstimationError
        For fewer than three studies, or when all variances or all effects are equal.

    References
    ----------
    Begg and Mazumdar (1994).

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.6, 0.35]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> effects = Effects.from_arrays(yi, vi)
    >>> found = rank_test(effects)
    >>> round(found.tau, 4), round(found.p_value, 6)
    (0.7337, 0.001503)
    """
    start = begin_averaged(RankTest, effects, settings, "The rank correlation test")
    chosen = start.effects
    need_studies(chosen, 3, "The rank correlation test")
    need_spread(chosen.vi, "the sampling variance", "The rank correlation test")
    x, vi = _standardised(chosen)
    if np.ptp(x) == 0:
        raise EstimationError(
            f"The rank correlation is undefined: all {x.size} effects are equal.", code="MA652"
        )
    tau, p_value, exact = _kendall(x, vi)
    return announced(
        RankTest(
            **start.fields(),
            tau=tau,
            p_value=p_value,
            computation="exact" if exact else "normal",
            notices=start.notices + few_studies(chosen, "The rank correlation test"),
        )
    )


def _standardised(effects: Effects) -> tuple[Array, Array]:
    """Ranks of deviations from the common-effect mean by their errors, and variances.

    Deviations that differ by rounding alone are tied.
    """
    yi, vi = effects.yi, effects.vi
    wi = 1 / vi
    mean, variance = float(wi @ yi / wi.sum()), 1 / float(wi.sum())
    error = np.sqrt(vi - variance)
    deviates = (yi - mean) / error
    order = np.argsort(deviates)
    apart = np.diff(deviates[order]) > _ROUNDING * float(np.max(np.abs(yi) / error))
    ranks = np.zeros(yi.size)
    ranks[order[1:]] = np.cumsum(apart)
    return ranks, vi


def _kendall(x: Array, y: Array) -> tuple[float, float, bool]:
    from scipy.stats import kendalltau

    ties = np.unique(x).size < x.size or np.unique(y).size < y.size
    exact = not ties and x.size <= EXACT_UP_TO
    found = kendalltau(x, y, method="exact" if exact else "asymptotic")
    p_value = float(found.pvalue)
    return float(found.statistic), min(1.0, p_value), exact
