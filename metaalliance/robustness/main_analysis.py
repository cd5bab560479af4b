"""The main analysis of a multiverse: its option of each decision, and its place in the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import RHO, Model
from metaalliance.models.one_per_study import averaging_rho, fit_averaged, refuse_unused_rho
from metaalliance.options import DECISIONS
from metaalliance.policy import Policy
from metaalliance.robustness.choices import model_choice
from metaalliance.robustness.specifications import EVERY, Grid


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MainAnalysis:
    """What is done when no decision is varied.

    Attributes
    ----------
    model : Model
        What is fitted.
    policy : Policy or None
        What a row is worth; None for effects that are converted already.
    options : dict
        Its option of each decision; None where the decision has no meaning for it.
    absent : str
        Why a grid does not hold it, "" where it does.
    """

    model: Model
    policy: Policy | None
    options: Mapping[str, Any] = field(default_factory=dict)
    absent: str = ""

    def to_record(self) -> dict[str, Any]:
        """Return every setting by its name."""
        policy = {} if self.policy is None else self.policy.to_record()
        return {**policy, **self.model.to_record()}

    def rows(self, frame: pd.DataFrame) -> pd.Series:
        """Which specifications of a frame it is, shape (n,)."""
        found = pd.Series(not self.absent, index=frame.index)
        for name, own in self.options.items():
            if own is not None:
                found &= frame[name] == own
        return found


def place_main(
    grid: Grid,
    given: Mapping[str, Any],
    effects: Effects,
    model: Model,
    policy: Policy | None,
    reference: Mapping[str, Any],
    *,
    silent: bool,
) -> tuple[Grid, MainAnalysis]:
    """Find the options of the main analysis, and add those that a grid lacks.

    A decision that is given with one option is fixed: where that is another one than that of
    the main analysis, the grid does not hold it and stays as it is.

    Parameters
    ----------
    grid : Grid
        The decisions.
    given : mapping
        Decisions that were given by name.
    effects : Effects
        Effects before any correction, for their columns and their dependence.
    model, policy
        The main analysis; a policy of None is that of `effects`.
    reference : mapping
        Options over those of model and policy.
    silent : bool
        Whether results reported as "n.s." are among the rows.

    Raises
    ------
    OptionError
        For a setting that the main analysis does not have.
    """
    options = {**_effect_options(effects, policy, silent=silent), **_model_options(effects, model)}
    unknown = [name for name in reference if name not in DECISIONS]
    if unknown:
        raise OptionError(f"The reference has a decision {unknown[0]!r}; there is none.")
    options |= reference
    dependent = effects.dependent()
    choice = model_choice(options, dependent=dependent, main=model)
    if isinstance(choice, str):
        return grid, MainAnalysis(model=model, policy=policy, options=options, absent=choice)
    options |= choice.to_dict()
    if not dependent:
        options["aggregation"] = None
    absent = _absent(grid, given, options)
    found = MainAnalysis(model=model, policy=policy, options=options, absent=absent)
    return (grid if absent else grid.holding(options)), found


def _effect_options(effects: Effects, policy: Policy | None, *, silent: bool) -> dict[str, Any]:
    """Options of the decisions about the effects."""
    return {
        "conversions": "all",
        "measure": effects.measure if policy is None else policy.measure,
        "variances": Policy().variances if policy is None else policy.variances,
        "attenuation": "none" if policy is None else policy.attenuation,
        "nonsignificant": policy.nonsignificant if policy is not None and silent else None,
        "include": EVERY,
        "outliers": "keep",
    }


def _model_options(effects: Effects, model: Model) -> dict[str, Any]:
    """Options of the decisions about the model; refuse what `pool` would refuse."""
    chosen = model.resolved(dependent=effects.dependent())
    averaged = averaging_rho(effects, model)
    if averaged is None:
        refuse_unused_rho(model, chosen.kind)
    _refuse_columns(effects, model)
    rho = chosen.rho if chosen.kind == "che" else averaged
    return {
        "aggregation": "none" if averaged is None else "mean",
        "model": chosen.kind,
        "rho": RHO if rho is None else rho,
        "overlap": effects.overlap,
        "tau2": chosen.tau2,
        "test": chosen.test,
        "selection": "none",
    }


def _refuse_columns(effects: Effects, model: Model) -> None:
    """Refuse columns that there are not, or that hold no correlations."""
    if not model.columns:
        return
    try:
        fit_averaged(effects, model)
    except EstimationError:
        return  # a specification of its own, which says so in its row


def _absent(grid: Grid, given: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """Return which decisions keep the main analysis out of a grid."""
    reasons = []
    for name, own in options.items():
        if own is None or own in grid.options[name]:
            continue
        if own == "error" or (name in given and len(grid.options[name]) == 1):
            reasons.append(f"its {name} is {own}")
    return " and ".join(reasons)
