"""Multilevel models of a mean: three-level, CHE, further levels, a crossed factor."""

from __future__ import annotations

from metaalliance.model import Specification
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.working import Estimates


def fit_multilevel(found: Estimates, model: Specification) -> MultilevelFit:
    """Fit a mean of effects nested in studies.

    Parameters
    ----------
    found : Estimates
        Effects, several in some studies, and a design of ones.
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
    return MultilevelFit.of(found.fit(model), found.effects, model)
