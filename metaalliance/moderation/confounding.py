"""Whether two moderators occur together: cross-table and measures of association."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.scale import without_nan
from metaalliance.moderation.frames import records
from metaalliance.moderation.grouping import column, is_number
from metaalliance.problems import Problem, notice
from metaalliance.wording.phrases import studies_text

#: Association from which two moderators count as confounded, and with fewer than FEW studies.
STRONG, NEARLY_ONE, FEW = 0.3, 0.7, 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confounding:
    """How two moderators go together.

    Attributes
    ----------
    first, second : str
        The moderators.
    table : DataFrame
        Studies by level of each (two categorical moderators), or the mean, standard deviation
        and number of studies of the numeric one by level. A study with effects in several cells
        counts in each.
    measure : {"cramer_v", "eta", "pearson"}
        Cramér's V, the correlation ratio, or the correlation, over pairs of study and
        values.
    association : float
        The measure, between 0 and 1, corrected for the bias that sparse tables give it (V and
        eta); the absolute value of a correlation.
    uncorrected : float
        The measure without correction.
    n_studies : int
        Studies that know both.
    """

    first: str
    second: str
    table: pd.DataFrame = field(repr=False)
    measure: str
    association: float
    uncorrected: float
    n_studies: int

    @property
    def strong(self) -> bool:
        """Whether the two count as confounded: an association of .3, of .7 in few studies."""
        return bool(self.association >= (STRONG if self.n_studies >= FEW else NEARLY_ONE))

    def notices(self) -> tuple[Problem, ...]:
        """Warn of a strong association."""
        if not self.strong:
            return ()
        names = {"cramer_v": "Cramér's V", "eta": "eta", "pearson": "|r|"}
        message = (
            f"{self.first} and {self.second} are confounded ({names[self.measure]} = "
            f"{self.association:.2f} over {studies_text(self.n_studies)}): a difference by one "
            "may be "
            "one by the other."
        )
        hint = f"Read their cross-table, and test {self.first} + {self.second} in one formula."
        return (notice("MA647", message, hint),)

    def to_dict(self) -> dict[str, Any]:
        """Return the association and its table; missing is None."""
        return without_nan(
            {
                "first": self.first,
                "second": self.second,
                "measure": self.measure,
                "association": self.association,
                "uncorrected": self.uncorrected,
                "n_studies": self.n_studies,
                "table": records(self.table.reset_index()),
            }
        )


def confounding(effects: Effects, first: str, second: str) -> Confounding:
    """Cross two moderators over studies and measure their association.

    Parameters
    ----------
    effects : Effects
        The effects.
    first, second : str
        Two different columns, categorical or numeric.

    References
    ----------
    Bergsma (2013): bias-corrected V; Kelley (1935): epsilon, the corrected correlation ratio.

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.1] * 4, [0.01] * 4, moderators={"a": list("xxyy"), "b": list("uuvv")}
    ... )
    >>> found = confounding(effects, "a", "b")
    >>> round(found.uncorrected, 3), found.measure
    (1.0, 'cramer_v')
    """
    if first == second:
        raise OptionError("A moderator is not confounded with itself: name two columns.")
    numeric = [is_number(column(effects, name)) for name in (first, second)]
    frame = pd.DataFrame(
        {name: column(effects, name).to_numpy() for name in (first, second)}
    ).assign(study_=effects.frame["study"].to_numpy())
    known = frame.dropna().drop_duplicates()
    if known.empty:
        raise OptionError(f"No effect has both {first} and {second}.", code="MA646")
    if all(numeric):
        table, measure, corrected, plain = _numbers(known, first, second)
    elif any(numeric):
        by, of = (second, first) if numeric[0] else (first, second)
        table, measure, corrected, plain = _ratio(known, by, of)
    else:
        table = pd.crosstab(known[first].astype(str), known[second].astype(str))
        measure, (corrected, plain) = "cramer_v", cramer_v(table.to_numpy(dtype=float))
    return Confounding(
        first=first,
        second=second,
        table=table,
        measure=measure,
        association=corrected,
        uncorrected=plain,
        n_studies=int(known["study_"].nunique()),
    )


def cramer_v(table: Array) -> tuple[float, float]:
    """Return Cramér's V of a table, corrected for bias and not; NaN for one row or column."""
    n, (r, c) = float(table.sum()), table.shape
    if min(r, c) < 2 or n < 2:
        return math.nan, math.nan
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi2 = float(np.sum((table - expected) ** 2 / expected)) / n
    plain = math.sqrt(phi2 / (min(r, c) - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    least = min(rows, columns) - 1
    unbiased = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    return (math.sqrt(unbiased / least) if least > 0 else math.nan), plain


_Measured = tuple[pd.DataFrame, str, float, float]


def _ratio(known: pd.DataFrame, by: str, of: str) -> _Measured:
    """Correlation ratio of a numeric moderator by levels."""
    x = known[of].astype(float)
    levels = known[by].astype(str)
    groups = x.groupby(levels)
    table = groups.agg(["count", "mean", "std"]).rename(columns={"count": "n"})
    table.columns = [f"{of}: {name}" for name in table.columns]
    total = float(((x - x.mean()) ** 2).sum())
    within = float(((x - groups.transform("mean")) ** 2).sum())
    n, g = len(x), table.shape[0]
    if x.nunique() < 2 or g < 2 or n <= g:
        return table, "eta", math.nan, math.nan
    epsilon = 1 - (within / (n - g)) / (total / (n - 1))
    return table, "eta", math.sqrt(max(0.0, epsilon)), math.sqrt(max(0.0, 1 - within / total))


def _numbers(known: pd.DataFrame, first: str, second: str) -> _Measured:
    """Correlation of two numeric moderators."""
    x, y = known[first].astype(float), known[second].astype(float)
    described = pd.DataFrame({first: x, second: y}).describe().loc[["count", "mean", "std"]]
    if len(x) < 3 or x.nunique() < 2 or y.nunique() < 2:
        return described, "pearson", math.nan, math.nan
    r = abs(float(np.corrcoef(x, y)[0, 1]))
    return described, "pearson", r, r
