"""Fail-safe N: how many null results would undo a conclusion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Unpack

import numpy as np
from scipy.special import ndtri

from metaalliance.core.arrays import Array
from metaalliance.core.distributions import normal_sf
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.publication_bias.checks import begin_averaged
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.wording.numbers import number

_WARNING = (
    "Do not lean on fail-safe N: it assumes that missing studies average zero (not the opposite), "
    "ignores heterogeneity (Rosenthal's also the size of effects), says nothing about how likely "
    "the missing studies are, and the three versions answer different questions."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FailSafeN(BiasResult):
    """Rosenthal's, Orwin's and Rosenberg's numbers of missing null results.

    Attributes
    ----------
    rosenthal, rosenberg : int
        Null results that bring the combined p-value (Stouffer's, one-sided), or that of the
        common-effect mean (two-sided), to `p`.
    rosenthal_p_value, rosenberg_p_value : float
        These p-values now.
    orwin : int
        Null results that halve the unweighted mean, or bring it to `target`.
    mean, target : float
        Unweighted mean of the effects and the trivial value.
    p : float
        Level of significance.
    """

    method: ClassVar[str] = "fail_safe_n"
    title: ClassVar[str] = "Fail-safe N"
    takes: ClassVar[frozenset[str]] = frozenset({"rho"})
    because: ClassVar[str] = (
        "its three definitions are sums over studies without random effects or intervals"
    )

    rosenthal: int
    rosenthal_p_value: float
    orwin: int
    mean: float
    target: float
    rosenberg: int
    rosenberg_p_value: float
    p: float

    def terms(self) -> Sequence[Term]:
        """Return the three numbers."""
        half = "half the mean" if self.target == self.mean / 2 else number(self.target)
        rosenthal = Term(
            name="Rosenthal",
            kind="count",
            estimate=float(self.rosenthal),
            p_value=self.rosenthal_p_value,
        )
        orwin = Term(name=f"Orwin (to {half})", kind="count", estimate=float(self.orwin))
        rosenberg = Term(
            name="Rosenberg",
            kind="count",
            estimate=float(self.rosenberg),
            p_value=self.rosenberg_p_value,
        )
        return rosenthal, orwin, rosenberg

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        return {**BiasResult.settings(self), "p": self.p, "target": self.target}

    def details(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return {"rosenthal": self.rosenthal, "orwin": self.orwin, "rosenberg": self.rosenberg}

    def reading(self) -> str:
        """Return why not to lean on it."""
        return _WARNING


def fail_safe_n(
    effects: Effects | PooledFit,
    *,
    p: float = 0.05,
    target: float | None = None,
    **settings: Unpack[ModelSettings],
) -> FailSafeN:
    """Count the null results that would undo the result.

    Parameters
    ----------
    effects : Effects or PooledFit
        Effects; several of one study are averaged first.
    p : float
        Level of significance.
    target : float, optional
        Trivial mean for Orwin's number, on the analysis scale and on the side of the mean;
        half the mean by default.
    **settings
        The settings of `pool`, by default those of the fit. `rho`, where it is a number, is the
        correlation of sampling errors within a study for the averaging (else .5); the others
        are named in `not_taken`.

    Raises
    ------
    OptionError
        For a `p` outside (0, .5), or a target that the mean does not exceed.

    References
    ----------
    Rosenthal (1979); Orwin (1983); Rosenberg (2005).

    Examples
    --------
    >>> found = fail_safe_n(Effects.from_arrays([0.3, 0.4, 0.2], [0.01, 0.02, 0.01]))
    >>> found.rosenthal, found.orwin, found.rosenberg
    (20, 3, 13)
    """
    if not 0 < p < 0.5:
        raise OptionError(f"p={p!r} is not a level of significance between 0 and 0.5.")
    start = begin_averaged(FailSafeN, effects, settings, "Fail-safe N")
    yi, vi = start.effects.yi, start.effects.vi
    mean = float(yi.mean())
    goal = mean / 2 if target is None else target
    if not (goal * mean > 0 and abs(goal) < abs(mean)) and mean != 0:
        raise OptionError(f"target={goal:g} does not lie between zero and the mean, {mean:g}.")
    rosenthal, combined = _rosenthal(yi, vi, p)
    rosenberg, common = _rosenberg(yi, vi, p)
    return FailSafeN(
        **start.fields(),
        rosenthal=rosenthal,
        rosenthal_p_value=combined,
        orwin=_up(yi.size * (mean - goal) / goal) if mean != 0 else 0,
        mean=mean,
        target=goal,
        rosenberg=rosenberg,
        rosenberg_p_value=common,
        p=p,
        notices=start.notices,
    )


def _rosenthal(yi: Array, vi: Array, p: float) -> tuple[int, float]:
    """Null results until Stouffer's z is at its one-sided critical value."""
    total = abs(float(np.sum(yi / np.sqrt(vi))))
    critical = -float(ndtri(p))
    return _up((total / critical) ** 2 - yi.size), float(normal_sf(total / math.sqrt(yi.size)))


def _rosenberg(yi: Array, vi: Array, p: float) -> tuple[int, float]:
    """Null results of average weight until the common-effect mean is at its critical value."""
    wi = 1 / vi
    total, weight = abs(float(wi @ yi)), float(wi.sum())
    critical = -float(ndtri(p / 2))
    extra = (total / critical) ** 2 - weight
    return _up(yi.size * extra / weight), float(2 * normal_sf(total / math.sqrt(weight)))


def _up(value: float) -> int:
    """Round up, except for the rounding error of a whole number."""
    return max(0, math.ceil(value * (1 - 1e-12)))
