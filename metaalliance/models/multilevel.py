"""Multilevel models of a mean: three-level, CHE, further levels, a crossed factor."""

from __future__ import annotations

from metaalliance.effects.effects import Effects
from metaalliance.model import Specification
from metaalliance.models.checks import dominance_notice
from metaalliance.models.doubts import negative_weights_notice, second_maximum_notice
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.prediction import prediction_interval
from metaalliance.models.structure import structure_notices
from metaalliance.models.two_level import mean_fields, ones
from metaalliance.models.working import fit_working


def fit_multilevel(effects: Effects, model: Specification) -> MultilevelFit:
    """Fit a mean of effects nested in studies.

    Parameters
    ----------
    effects : Effects
        Effects, several in some studies.
    model : Specification
        Three-level or che, resolved; the test "t" has k - 1 residual degrees of freedom as in
        metafor.

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
    fields = mean_fields(effects, work, model)
    fields["notices"] += dominance_notice(effects, fields["weights"])
    fields["notices"] += structure_notices(effects, model)
    fields["notices"] += negative_weights_notice(effects, fields["weights"], model)
    fields["notices"] += second_maximum_notice(work, model.level)
    m, tau2 = effects.n_studies, work.tau2
    pi = prediction_interval(
        model.prediction,
        fields["estimate"],
        fields["se"],
        tau2,
        df=fields["df"],
        units=m,
        riley=m - 2,
        level=model.level,
    )
    return MultilevelFit(
        **fields,
        pi_low=pi.low,
        pi_high=pi.high,
        **work.shares(),
        sigma2=work.sigma2,
        I2_levels=work.I2_levels,
        log_likelihood=work.point.log_likelihood,
        data=work.data,
        point=work.point,
    )
