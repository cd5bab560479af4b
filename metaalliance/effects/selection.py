"""One effect per study by choice: the lowest or the highest."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from metaalliance.effects.effects import Effects


def extreme_per_study(effects: Effects, which: Literal["lowest", "highest"]) -> Effects:
    """Keep the lowest or the highest effect of each study.

    The first in the sheet wins a tie.
    """
    grouped = effects.frame.groupby("study", sort=False)["yi"]
    rows = grouped.idxmin() if which == "lowest" else grouped.idxmax()
    return effects.subset(pd.Series(effects.frame.index).isin(rows).to_numpy())
