"""Power of a planned review, as a result."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from metaalliance.models.scale import without_nan
from metaalliance.robustness.assumptions import Assumptions
from metaalliance.robustness.simulation import Simulated
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number

_QUESTIONS = {
    "mean": "the mean effect",
    "contrast": "the difference between groups",
    "egger": "Egger's test",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRow:
    """Power of one plan.

    Attributes
    ----------
    k, n_effects : int
        Studies and effects.
    groups : tuple of int
        Studies of each group.
    noncentrality, df : float
        Of the test; `df` is infinite for a normal or chi-squared test.
    power : float
        By formula; NaN where there is none.
    known : float
        As if the variances were known.
    simulated : Simulated or None
        By simulation.
    """

    k: int
    groups: tuple[int, ...]
    n_effects: int
    noncentrality: float
    df: float
    power: float
    known: float
    simulated: Simulated | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the row; missing is NaN."""
        found = self.simulated
        low, high = (math.nan, math.nan) if found is None else found.interval
        return {
            "k": self.k,
            "groups": list(self.groups),
            "n_effects": self.n_effects,
            "power": self.power,
            "known": self.known,
            "noncentrality": self.noncentrality,
            "df": self.df,
            "simulated": math.nan if found is None else found.power,
            "mc_se": math.nan if found is None else found.mc_se,
            "mc_low": low,
            "mc_high": high,
            "replications": 0 if found is None else found.replications,
            "failures": 0 if found is None else found.failures,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Power(InNotebook):
    """Power of a planned review.

    Attributes
    ----------
    question : {"mean", "contrast", "egger"}
        What is tested.
    rows : tuple of PowerRow
        One per plan.
    assumed : Assumptions
        What the studies are like, and the model.
    beta : tuple of float
        True mean, means of the groups, or intercept and slope, on the analysis scale.
    target : float or None
        Wanted power.
    needed : tuple of int or None
        The smallest number of studies (of each group) that has it; None where there is none.
    seed : int or None
        Of the simulation.
    """

    question: str
    rows: tuple[PowerRow, ...]
    assumed: Assumptions
    beta: tuple[float, ...] = field(repr=False)
    target: float | None = None
    needed: tuple[int, ...] | None = None
    seed: int | None = None

    @property
    def power(self) -> float:
        """Power of the first plan: by formula, or by simulation where there is no formula."""
        row = self.rows[0]
        if math.isnan(row.power) and row.simulated is not None:
            return row.simulated.power
        return row.power

    def to_frame(self) -> pd.DataFrame:
        """Return one row per plan."""
        rows = [{**row.to_dict(), "groups": " + ".join(map(str, row.groups))} for row in self.rows]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return assumptions and plans; missing is None."""
        content = {
            "question": self.question,
            "settings": {**self.assumed.to_dict(), "beta": list(self.beta), "seed": self.seed},
            "plans": [row.to_dict() for row in self.rows],
            "target": self.target,
            "needed": None if self.needed is None else list(self.needed),
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result in a few sentences."""
        lines = [f"Power of {_QUESTIONS[self.question]}: {assumption_text(self.assumed)}"]
        if self.target is not None:
            goal = number(self.target, 2, correlation=True)
            if self.needed is not None:
                studies = " + ".join(f"{k:,}" for k in self.needed)
                lines.append(f"A power of {goal} needs {studies} studies")
            else:
                lines.append(f"No number of studies that could be searched has a power of {goal}")
        return "\n".join(lines)


def assumption_text(assumed: Assumptions) -> str:
    """Return the assumptions as a phrase."""
    content = assumed.to_dict()
    parts = [
        f"model {assumed.model}, test {assumed.test}",
        f"tau = {number(content['tau'], 3)}",
    ]
    if content["mean_effects_per_study"] > 1:
        parts.append(
            f"{number(100 * assumed.between, 0)}% of tau² between studies, rho = "
            f"{number(assumed.rho, 2, correlation=True)}, "
            f"{content['mean_effects_per_study']:.3g} effects per study"
        )
    parts.append(f"mean sampling variance {content['mean_sampling_variance']:.3g}")
    return "; ".join(parts)
