"""Three-level and correlated-and-hierarchical-effects models of a mean."""

from __future__ import annotations

from typing import Literal

import numpy as np

from metaalliance.core.frozen import FrozenDict
from metaalliance.effects.effects import Effects
from metaalliance.models.checks import dominance_notice, refuse_unidentified_split
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.prediction import prediction_interval
from metaalliance.models.two_level import mean_fields
from metaalliance.models.working import fit_working


def fit_nested(
    effects: Effects,
    model: str,
    tau2_method: Literal["ML", "REML"],
    test: str,
    rho: float,
    level: float,
    prediction: str,
) -> MultilevelFit:
    """Fit effects nested in studies.

    Parameters
    ----------
    effects : Effects
        Effects, several in some studies.
    model : {"three-level", "che"}
        Diagonal sampling covariance, or constant correlation `rho` within a study.
    tau2_method : {"REML", "ML"}
        Likelihood.
    test : {"cr2", "cr1s", "cr1", "cr0", "t", "wald"}
        Inference on the mean; "t" has k - 1 residual degrees of freedom as in metafor.

    References
    ----------
    Van den Noortgate W et al. (2013). Behavior Research Methods 45, 576-594.
    Pustejovsky JE, Tipton E (2022). Prevention Science 23, 425-438.
    """
    refuse_unidentified_split(effects, model)
    X = np.ones((effects.n_effects, 1))
    work = fit_working(effects, X, model=model, tau2_method=tau2_method, test=test, rho=rho)
    fields = mean_fields(effects, work, test, level, prediction)
    fields["notices"] += dominance_notice(effects, fields["weights"])
    m, tau2 = work.data.blocks.m, work.tau2
    pi = prediction_interval(
        prediction,
        fields["estimate"],
        fields["se"],
        tau2,
        df=fields["df"],
        units=m,
        riley=m - 2,
        level=level,
    )
    total = tau2 + work.q.typical_variance
    theta = work.point.theta
    sigma2 = FrozenDict(study=float(theta[0]), effect=float(theta[1]))
    return MultilevelFit(
        **fields,
        model=model,
        pi_low=pi.low,
        pi_high=pi.high,
        I2=work.q.I2(tau2),
        H2=work.q.H2(tau2),
        tau2_method=tau2_method,
        rho=work.data.rho,
        sigma2=sigma2,
        I2_levels=FrozenDict({name: value / total for name, value in sigma2.items()}),
        log_likelihood=work.point.log_likelihood,
        nested=work.data,
        optimum=work.point,
    )
