"""The grid that fits this literature, as far as a sheet has something to decide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceError, OptionError, StudyDataError
from metaalliance.model import AGGREGATION_RHO, RHO
from metaalliance.options import Variances, option_values
from metaalliance.policy import Policy
from metaalliance.robustness.effect_sets import (
    FEWEST_STUDIES,
    USUAL_FILTERS,
    approximate_rows,
    kept_rows,
)
from metaalliance.robustness.policies import as_read, converted, uncorrected, with_policy
from metaalliance.robustness.specifications import EVERY, Filter, Grid
from metaalliance.sheet.studies import Studies
from metaalliance.wording.phrases import count_text

#: Assumed correlations within a study: .5 and .6 are the customs, .4 and .8 lie around them.
RHOS = (0.4, AGGREGATION_RHO, RHO, 0.8)
ESTIMATORS = ("REML", "ML", "DL", "PM")
TESTS = ("cr2", "knapp-hartung", "wald")


def default_grid(
    data: Studies | Effects, policy: Policy | None = None, usual: Effects | None = None
) -> Grid:
    """Return the default decisions for a sheet or for effects.

    Approximate conversions in or out; Fisher z or r; variances from group sizes and counts, or as
    for any r; "n.s." as zero or dropped; all effects, or
    only those of trials, published, rated by clients, or of the early alliance; outliers kept or
    removed; effects as they are or averaged within studies; every model; rho .4 to .8; REML, ML,
    DL and PM; cluster-robust, Knapp-Hartung and normal tests. A decision that makes no
    difference to these data has one option. What is no decision is that of `policy`; `usual` are
    the effects before any correction, where they are known already.

    Raises
    ------
    StudyDataError
        When the sheet has errors.
    """
    if isinstance(data, Effects):
        return _grid(data, (data.measure,), (Policy().variances,), "none", ("none",), data.overlap)
    policy = policy or as_read(data)
    policies = ("zero", "drop") if silent_rows(data) else (policy.nonsignificant,)
    effects = usual or usual_effects(data, policy)
    variances = option_values(Variances) if data.sized else (policy.variances,)
    return _grid(effects, ("z", "r"), variances, policy.attenuation, policies, policy.overlap)


def silent_rows(data: Studies | Effects) -> bool:
    """Whether results reported as "n.s." are among the rows of a sheet."""
    if isinstance(data, Effects):
        return False
    return any(row.included and row.number in data.nonsignificant_rows for row in data.rows)


def usual_effects(data: Studies | Effects, policy: Policy | None = None) -> Effects:
    """Return the effects before any correction, under the first policy for "n.s." that has some.

    Raises
    ------
    StudyDataError
        When the sheet has errors.
    """
    if isinstance(data, Effects):
        return data
    measure = "r" if data.reading.measure == "r" else "z"  # Fisher z has no variance for n = 3
    plain = uncorrected(policy or as_read(data), measure=measure)
    readable = with_policy(data, replace(plain, nonsignificant="drop"))
    if readable.errors:
        raise StudyDataError(
            f"{data.file} has {count_text(len(readable.errors), 'error')}; nothing is pooled.",
            readable.problems,
        )
    problem: MetaAllianceError | None = None
    for nonsignificant in dict.fromkeys((plain.nonsignificant, "zero", "drop")):
        try:
            return converted(data, replace(plain, nonsignificant=nonsignificant))
        except (EstimationError, StudyDataError) as error:
            problem = problem or error
    raise problem or StudyDataError(f"{data.file} has no effect to pool.")


def _grid(
    effects: Effects,
    measures: tuple[str, ...],
    variances: tuple[str, ...],
    attenuation: str,
    policies: tuple[str, ...],
    overlap: str,
) -> Grid:
    filters = _usual_filters(effects)
    approximate = approximate_rows(effects)
    exact_differs = bool(approximate.any() and not approximate.all())
    dependent = effects.dependent()
    independent = ("two-level", "common-effect")
    return Grid(
        options={
            "conversions": ("all", "exact") if exact_differs else ("all",),
            "measure": measures,
            "variances": variances,
            "attenuation": (attenuation,),
            "nonsignificant": policies,
            "include": (EVERY, *filters),
            "outliers": ("keep", "remove"),
            "aggregation": ("none", "mean") if dependent else ("none",),
            "model": ("che", "three-level", *independent) if dependent else independent,
            "rho": RHOS if dependent else (RHO,),
            "overlap": (overlap,),
            "tau2": ESTIMATORS,
            "test": TESTS,
            "selection": ("none",),
        },
        filters=filters,
    )


def _usual_filters(effects: Effects) -> dict[str, Filter]:
    """The filters that keep some effects of enough studies, and not all."""
    found: dict[str, Filter] = {}
    for name, kept in USUAL_FILTERS.items():
        try:
            keep = kept_rows(effects.frame, kept, name)
        except OptionError:  # the sheet has no such column
            continue
        studies = effects.frame["study"][keep].nunique()
        if studies >= FEWEST_STUDIES and not np.all(keep):
            found[name] = kept
    return found
