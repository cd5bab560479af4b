"""Location-scale model: moderators of the mean and of the heterogeneity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.arrays import read_only
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import LIKELIHOOD, Model, ModelSettings, Specification, refuse
from metaalliance.models.checks import refuse_false_independence
from metaalliance.models.design import checked_design, conditioned
from metaalliance.models.inference.coefficients import Coefficients
from metaalliance.models.regression import coefficients
from metaalliance.models.working import fit_working, infer_working
from metaalliance.moderation.result import wald_record
from metaalliance.moderation.scale.coefficients import (
    ScaleFit,
    fit_scale,
    joint_test,
    likelihood_ratios,
    scale_frame,
)
from metaalliance.moderation.scale.design import BETWEEN, Designs, build_designs, read_scale
from metaalliance.moderation.scale.result import LocationScale, component_text
from metaalliance.notices import announced
from metaalliance.options import CLUSTER_TESTS
from metaalliance.problems import Problem, notice

#: Why a setting has no meaning for independent effects.
_ONE_VARIANCE = dict.fromkeys(
    ("rho", "rho_same", "same", "within", "above", "crossed"),
    "each study has one effect and one variance, which the scale moderators explain",
)


def location_scale(
    effects: Effects,
    formula: str,
    scale: str | Mapping[str, str],
    *,
    reference: Mapping[str, str] | None = None,
    centre: Mapping[str, float] | None = None,
    units: Mapping[str, float] | None = None,
    min_studies: int = 3,
    **settings: Unpack[ModelSettings],
) -> LocationScale:
    """Ask what moderates the mean, and what moderates the heterogeneity.

    The logarithm of each moderated variance component is linear in columns of its groups; the
    other components are one variance each. Effects of a study stay as they are: the sampling
    errors, levels and tests are those of the model.

    Parameters
    ----------
    effects : Effects
        What is explained.
    formula : str
        Moderators of the mean; "1" for none. See `meta_regression`.
    scale : str or mapping
        Moderators of log tau² between studies, such as "year"; of another component by its name:
        "effect = outcome" for effects within studies, "year; effect = outcome" for both, or
        ``{"study": "year", "effect": "outcome"}``. Components are those of `sigma2`: "study",
        "effect", and the columns of further levels. Columns have to be constant in the groups of
        their component.
    reference : mapping, optional
        Reference level by column.
    centre, units : mapping, optional
        Numbers enter as (x - centre) / unit; `units` is what `meta_regression` calls scale.
    min_studies : int
        Effects of levels with fewer studies are left out.
    **settings
        The settings of `pool`, or a whole `Model` as `model`. `tau2` is "REML" or "ML", the
        likelihood. `test` is of the location coefficients, where nothing said means "wald" with
        one effect per study, and otherwise the test of the model. Wald tests of scale coefficients
        have k - q degrees of freedom beside "t" and Knapp-Hartung's, and are normal else.

    Raises
    ------
    OptionError
        For a setting that the model does not have, or a component that does not exist.
    EstimationError
        For dependent effects under "two-level" without a cluster-robust test, a column that
        differs within groups of its component, or too few groups.

    References
    ----------
    Viechtbauer and López-López (2022): one component of independent effects.

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.1, 0.12, 0.08, 0.1, 0.5, -0.3, 0.4, -0.2], [0.01, 0.02] * 4,
    ...     moderators={"arm": list("aaaabbbb")},
    ... )
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     found = location_scale(effects, "1", "arm", reference={"arm": "a"})
    >>> found.scale["term"].tolist()
    ['intercept', 'arm[b]']
    """
    whole = isinstance(settings.get("model"), Model)
    model = Model.of(settings)
    _refuse_without_likelihood(model)
    given = {"reference": reference or {}, "centre": centre or {}, "scale": units or {}}
    designs = build_designs(effects, formula, read_scale(scale), given, min_studies)
    chosen = _settled(model, designs.used, plain=not whole and "test" not in settings)
    return announced(_fitted(designs, chosen))


def _refuse_without_likelihood(model: Model) -> None:
    """Refuse estimators that maximise no likelihood, and a model without heterogeneity."""
    if model.tau2 not in LIKELIHOOD or model.kind == "common-effect":
        name = "tau2" if model.tau2 not in LIKELIHOOD else "model"
        asked = model.tau2 if name == "tau2" else model.kind
        allowed = LIKELIHOOD if name == "tau2" else ("auto", "two-level", "three-level", "che")
        raise OptionError(
            f"A location-scale model cannot obey {name}={asked!r}: it has "
            f"{', '.join(repr(v) for v in allowed)}."
        )


def _settled(model: Model, effects: Effects, *, plain: bool) -> Specification:
    """Return the model with nothing left to choose; refuse what a location-scale model lacks."""
    dependent = effects.dependent()
    if model.kind == "two-level" or (model.kind == "auto" and not dependent):
        refuse(model, "A location-scale model of independent effects", _ONE_VARIANCE)
    chosen = model.resolved(dependent=dependent)
    if plain and not chosen.multilevel:
        chosen = Model.of({**model.to_record(), "test": "wald"}).resolved(dependent=dependent)
    if not chosen.multilevel:
        refuse_false_independence(effects, chosen.kind, chosen.test)
    return chosen


def _fitted(designs: Designs, model: Specification) -> LocationScale:
    used, mean = designs.used, designs.mean
    X = np.ones((used.n_effects, 1)) if mean is None else mean.X
    names = ("intercept",) if mean is None else mean.names
    counts = X.shape[1] + sum(design.X.shape[1] for design in designs.scale.values())
    if counts >= used.n_effects:
        raise EstimationError(
            f"{used.n_effects} effects cannot estimate {counts} coefficients.", code="MA641"
        )
    scaled, basis = conditioned(checked_design(used, X, names, model.kind))
    common = fit_working(used, scaled, model)
    fit = fit_scale(
        common,
        designs.scale,
        _levels(designs, common.data.names, model),
        restricted=model.tau2 == "REML",
        absent=() if model.multilevel else ("study",),
    )
    work = infer_working(fit.data, fit.point, model, basis, common.q)
    location = Coefficients(**coefficients(used, names, work, basis, model))
    return _result(designs, fit, location, model)


def _levels(designs: Designs, components: tuple[str, ...], model: Specification) -> dict[str, int]:
    """Index of each moderated component in the structure."""
    allowed = components if model.multilevel else (BETWEEN,)
    for name in designs.scale:
        if name not in allowed:
            raise OptionError(
                f"There is no variance component {name!r} to moderate: the {model.kind} model has "
                f"{', '.join(repr(n) for n in allowed)}."
            )
    place = dict(zip(components, range(len(components)), strict=True))
    return {n: place[n if model.multilevel else "effect"] for n in designs.scale}


def _result(
    designs: Designs, fit: ScaleFit, location: Coefficients, model: Specification
) -> LocationScale:
    q = sum(design.X.shape[1] for design in designs.scale.values())
    normal = model.test == "wald" or model.test in CLUSTER_TESTS
    df = math.inf if normal else float(designs.used.n_effects - q)
    lrt, each = likelihood_ratios(fit)
    sigma2 = fit.variances()
    if not model.multilevel:
        sigma2 = {BETWEEN: sigma2["effect"]}
    variables = {v.name: v.to_dict() for design in designs.all for v in design.variables}
    return LocationScale(
        effects=designs.used,
        formula=designs.formula,
        scale_formula=designs.scale_formula,
        specification=model,
        mean=location,
        location=location.to_frame(),
        scale=scale_frame(fit, df, model.level),
        location_test=_location_test(location),
        scale_test=joint_test(fit, df),
        lrt=lrt,
        component_tests=each,
        sigma2=pd.DataFrame(sigma2),
        tau2=read_only(np.sum(list(sigma2.values()), axis=0)),
        log_likelihood=fit.point.log_likelihood,
        variables=tuple(variables.values()),
        notices=tuple(dict.fromkeys((*designs.notices, *location.notices, *_edge(fit, model)))),
        designs=designs,
        fit=fit,
    )


def _location_test(location: Coefficients) -> dict[str, Any]:
    """Test that all coefficients of the mean but the intercept are zero."""
    p = location.beta.size
    if p == 1:
        nothing = dict.fromkeys(("statistic", "df2", "p_value"), math.nan)
        return {"test": None, "df1": 0, **nothing}
    return wald_record(location.wald(np.eye(p)[1:]))


def _edge(fit: ScaleFit, model: Specification) -> list[Problem]:
    """Say which components vanish for some groups."""
    found = []
    for name, gone in fit.vanishing.items():
        if gone.any():
            message = (
                f"{component_text(name, model)} is estimated as zero for {int(gone.sum())} of "
                f"{gone.size} groups, where its logarithm has no maximum: coefficients that "
                "rest on them are infinite and have no standard error. Read their likelihood "
                "ratio and profile interval."
            )
            found.append(notice("MA636", message))
    return found
