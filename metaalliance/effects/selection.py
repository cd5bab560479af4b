"""Other values and choices of effects: zero for unknown ones, one of each study."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from metaalliance.effects.effects import Effects


def extreme_per_study(effects: Effects, which: Literal["lowest", "highest"]) -> Effects:
    """Keep the lowest or the highest effect of each study.

    The first in the sheet wins a tie.
    """
    effects.refuse_intervals(f"The {which} effect of each study", "their order needs values")
    grouped = effects.frame.groupby("study", sort=False)["yi"]
    rows = grouped.idxmin() if which == "lowest" else grouped.idxmax()
    return effects.subset(pd.Series(effects.frame.index).isin(rows).to_numpy())


def as_zero(effects: Effects) -> Effects:
    """Return effects with zero for those that are known only as not significant."""
    frame = effects.frame.drop(columns=["lower", "upper"])
    names = [name for name in ("yi", "r") if name in frame]
    frame.loc[effects.censored, names] = 0.0
    return Effects(frame=frame, measure=effects.measure, ledger=effects.ledger)
