"""The grid that fits this literature, as far as a sheet has something to decide."""

from __future__ import annotations

import numpy as np

from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceError, OptionError, StudyDataError
from metaalliance.robustness.effect_sets import (
    FEWEST_STUDIES,
    USUAL_FILTERS,
    approximate_rows,
    converted,
    kept_rows,
    with_policy,
)
from metaalliance.robustness.specifications import EVERY, Filter, Grid
from metaalliance.sheet.studies import Studies

#: Assumed correlations within a study: .5 and .6 are the customs, .4 and .8 lie around them.
RHOS = (0.4, 0.5, 0.6, 0.8)
ESTIMATORS = ("REML", "ML", "DL", "PM")
TESTS = ("cr2", "knapp-hartung", "wald")


def default_grid(data: Studies | Effects) -> Grid:
    """Return the default decisions for a sheet or for effects.

    Approximate conversions in or out; Fisher z or r; "n.s." as zero or dropped; all effects, or
    only those of trials, published, rated by clients, or of the early alliance; outliers kept or
    removed; effects as they are or averaged within studies; every model; rho .4 to .8; REML, ML,
    DL and PM; cluster-robust, Knapp-Hartung and normal tests. A decision that makes no
    difference to these data has one option.

    Raises
    ------
    StudyDataError
        When the sheet has errors.
    """
    if isinstance(data, Effects):
        return _grid(data, (data.measure,), ("none",))
    readable = with_policy(data, "drop")
    if readable.errors:
        raise StudyDataError(
            f"{data.file} has {len(readable.errors)} errors; nothing is pooled.", readable.problems
        )
    silent = any(row.included and row.number in data.nonsignificant_rows for row in data.rows)
    policies = ("zero", "drop") if silent else (data.nonsignificant,)
    effects = _first(data, policies)
    return _grid(effects, ("z", "r"), policies)


def _first(data: Studies, policies: tuple[str, ...]) -> Effects:
    """The effects under the first policy that gives some."""
    problem: MetaAllianceError | None = None
    for policy in policies:
        try:
            studies = with_policy(data, policy)
            if studies.used:
                return converted(studies, "z", "none")
        except MetaAllianceError as error:
            problem = problem or error
    raise problem or StudyDataError(f"{data.file} has no effect to pool.")


def _grid(effects: Effects, measures: tuple[str, ...], policies: tuple[str, ...]) -> Grid:
    filters = _usual_filters(effects)
    approximate = approximate_rows(effects)
    exact_differs = bool(approximate.any() and not approximate.all())
    dependent = effects.dependent()
    independent = ("two-level", "common-effect")
    return Grid(
        options={
            "conversions": ("all", "exact") if exact_differs else ("all",),
            "measure": measures,
            "attenuation": ("none",),
            "nonsignificant": policies,
            "include": (EVERY, *filters),
            "outliers": ("keep", "remove"),
            "aggregation": ("none", "mean") if dependent else ("none",),
            "model": ("che", "three-level", *independent) if dependent else independent,
            "rho": RHOS if dependent else (0.6,),
            "tau2": ESTIMATORS,
            "test": TESTS,
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
