"""Three-level and correlated-and-hierarchical-effects models of a mean."""

from __future__ import annotations

from metaalliance.effects.effects import Effects
from metaalliance.frozen import FrozenDict
from metaalliance.model import Specification
from metaalliance.models.checks import dominance_notice, refuse_unidentified_split
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.prediction import prediction_interval
from metaalliance.models.two_level import mean_fields, ones
from metaalliance.models.working import fit_working


def fit_nested(
    effects: Effects,
    model: Specification,
) -> MultilevelFit:
    """Fit effects nested in studies.

    Parameters
    ----------
    effects : Effects
        Effects, several in some studies.
    model : Specification
        Three-level or che, resolved; the test "t" has k - 1 residual degrees of freedom as in
        metafor.

    References
    ----------
    Van den Noortgate W et al. (2013). Behavior Research Methods 45, 576-594.
    Pustejovsky JE, Tipton E (2022). Prevention Science 23, 425-438.
    """
    refuse_unidentified_split(effects, model.kind)
    work = fit_working(effects, ones(effects), model)
    fields = mean_fields(effects, work, model)
    fields["notices"] += dominance_notice(effects, fields["weights"])
    m, tau2 = work.data.blocks.m, work.tau2
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
    total = tau2 + work.q.typical_variance
    theta = work.point.theta
    sigma2 = FrozenDict(study=float(theta[0]), effect=float(theta[1]))
    return MultilevelFit(
        **fields,
        pi_low=pi.low,
        pi_high=pi.high,
        I2=work.q.I2(tau2),
        H2=work.q.H2(tau2),
        sigma2=sigma2,
        I2_levels=FrozenDict({name: value / total for name, value in sigma2.items()}),
        log_likelihood=work.point.log_likelihood,
        nested=work.data,
        optimum=work.point,
    )
