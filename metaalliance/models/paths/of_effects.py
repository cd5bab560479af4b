"""The rows of a sheet as a table of correlations."""

from __future__ import annotations

from typing import Any

import pandas as pd

from metaalliance.effects.effects import Effects
from metaalliance.errors import StudyDataError
from metaalliance.models.checks import refuse_mixed_estimands

#: What stands for the time of a variable of that name, where the rows have no time1 and time2.
_TIMES = {"alliance": "alliance_time", "outcome": "outcome_time"}


def correlations(coded: Effects) -> pd.DataFrame:
    """Return the rows of a sheet as a table of correlations, which `masem` takes.

    The rows name both variables in columns var1 and var2. Every statistic that converts to a
    correlation is one. `time1` and `time2` say when var1 and var2 were measured; without them
    `alliance_time` and `outcome_time` do for variables of those names.

    Raises
    ------
    StudyDataError
        Where a row does not name two variables, or has no n.
    EstimationError
        Where rows answer different questions.
    """
    coded.refuse_intervals("A path model", "it needs a value for each correlation")
    refuse_mixed_estimands(coded)
    frame = coded.frame.copy()
    lacking = [c for c in ("var1", "var2", "r", "n") if c not in frame]
    if lacking:
        raise StudyDataError(
            f"The sheet has no column {' and '.join(lacking)}: a path model needs rows that name "
            "both of their variables, such as alliance and outcome. Add the columns; a row of "
            "'severity' and 'alliance' belongs there as well."
        )
    for name in ("var1", "var2", "n"):
        blank = frame[name].isna() | (frame[name].astype(str).str.strip() == "")
        if blank.any():
            place = frame["row"] if "row" in frame else frame.index.to_series()
            rows = ", ".join(str(r) for r in place[blank].head(8))
            raise StudyDataError(f"{name} is blank in row {rows} of the sheet.")
    for i in (1, 2):
        if f"time{i}" not in frame:
            frame[f"time{i}"] = _time(frame, f"var{i}")
    return frame


def _time(frame: pd.DataFrame, side: str) -> list[Any]:
    """When the variable of a side was measured, as the columns of the workbook say it."""
    found = []
    for row in frame.to_dict("records"):
        column = _TIMES.get(str(row[side]).strip().lower(), "")
        time = row.get(column)
        found.append(None if pd.isna(time) else time)
    return found
