"""What tells the effects of a study apart, where each has a row or a point of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from metaalliance.effects.effects import study_names
from metaalliance.plots.canvas.numbers import cell_text

#: Columns that tell effects of a study apart, in the order in which they are asked, with what
#: stands before their values.
TELLING = {
    "sample": "",
    "alliance_time": "",
    "alliance_subscale": "",
    "alliance_measure": "",
    "alliance_rater": "",
    "outcome_measure": "",
    "outcome_domain": "",
    "outcome_rater": "outcome by ",
    "outcome_time": "outcome at ",
}


def told_apart(labels: list[str], frame: pd.DataFrame) -> list[str]:
    """Return labels of effects, those that tie with what distinguishes them; else with a number.

    Parameters
    ----------
    labels : list of str
        One for each row.
    frame : DataFrame
        The columns of `TELLING` that there are, in the order of the labels.

    Examples
    --------
    >>> told_apart(["A", "A", "B"], pd.DataFrame({"alliance_time": ["early", "late", "late"]}))
    ['A, early', 'A, late', 'B']
    >>> told_apart(["A", "A"], pd.DataFrame({"alliance_time": ["early", "early"]}))
    ['A (1)', 'A (2)']
    """
    found = np.array(labels, dtype=object)
    for name, before in TELLING.items():
        if name not in frame:
            continue
        values = frame[name].to_numpy(dtype=object)
        for rows in _ties(found):
            told = {cell_text(values[i]) for i in rows}
            if len(told) > 1:
                for i in rows:
                    if not pd.isna(values[i]):
                        found[i] = f"{found[i]}, {before}{cell_text(values[i])}"
    for rows in _ties(found):
        for number, i in enumerate(rows, start=1):
            found[i] = f"{found[i]} ({number})"
    return [str(label) for label in found]


def _ties(labels: np.ndarray) -> list[list[int]]:
    """Return the rows of each label that several have."""
    members = pd.Series(labels).groupby(labels, sort=False).indices.values()
    return [list(rows) for rows in members if len(rows) > 1]


def names_of_effects(frame: pd.DataFrame) -> list[str]:
    """Return the study of each effect, with what tells it apart from others of the study."""
    return told_apart([str(name) for name in study_names(frame)], frame)
