"""Ratings of the risk of bias: which columns have them, one rating for each study, their order."""

from __future__ import annotations

import re

import pandas as pd

from metaalliance.effects.effects import study_names
from metaalliance.effects.levels import MISSING, level_text, natural_key

_DOMAIN = re.compile(r"(risk_of_bias|rob)(?:[ _:.-]+(.+))?$", re.IGNORECASE)
_ORDER = (
    "low", "some concerns", "moderate", "unclear", "serious", "high", "critical", "no information",
)  # fmt: skip


def rating_columns(frame: pd.DataFrame) -> dict[str, str]:
    """Return the columns that rate the risk of bias, each with its heading; the overall last.

    Examples
    --------
    >>> rating_columns(pd.DataFrame({"risk_of_bias": ["low"], "rob_missing_data": ["high"]}))
    {'rob_missing_data': 'Missing data', 'risk_of_bias': 'Overall'}
    """
    found = {}
    for name in map(str, frame.columns):
        match = _DOMAIN.match(name)
        if match and frame[name].notna().any():
            domain = (match[2] or "overall").replace("_", " ").strip()
            found[name] = domain[:1].upper() + domain[1:]
    return dict(sorted(found.items(), key=lambda pair: pair[1] == "Overall"))


def study_ratings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per study and one column per domain; several ratings are joined."""
    columns = rating_columns(frame)
    table = frame.groupby("study", sort=False)[list(columns)].agg(_one)
    table.index = study_names(frame).groupby(frame["study"], sort=False).first()
    return table.rename(columns=columns)


def _one(values: pd.Series) -> str:
    found = [level_text(v) for v in values.dropna().unique()]
    return "; ".join(found) if found else MISSING


def rating_levels(table: pd.DataFrame) -> list[str]:
    """Return every rating, from low to high as far as the words are known, then the others."""
    values = {v for column in table for v in table[column]}
    rank = {name: i for i, name in enumerate(_ORDER)}
    return sorted(
        values, key=lambda v: (v == MISSING, rank.get(v.lower(), len(rank)), natural_key(v), v)
    )
