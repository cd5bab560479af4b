"""Multilevel models of a mean: three-level, CHE, further levels, a crossed factor."""

from __future__ import annotations

from metaalliance.effects.effects import Effects
from metaalliance.model import Specification
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.two_level import ones
from metaalliance.models.working import fit_working


def fit_multilevel(effects: Effects, model: Specification) -> MultilevelFit:
    """Fit a mean of effects nested in studies.

    Parameters
    ----------
    effects : Effects
        Effects, several in some studies.
    model : Specification
        Three-level or che, resolved.

    Raises
    ------
    OptionError
        When a column does not exist.
    EstimationError
        When the levels are not nested, or cannot be told apart.

    References
    ----------
    Van den Noortgate et al. (2013); Pustejovsky and Tipton (2022).
    """
    work = fit_working(effects, ones(effects), model)
    return MultilevelFit.of(work, effects, model)
