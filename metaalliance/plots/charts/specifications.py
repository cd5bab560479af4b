"""Specifications in the order of their estimates, as a curve is drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.errors import OptionError
from metaalliance.interchange import pandas_frame
from metaalliance.options import Measure
from metaalliance.robustness.results import Multiverse
from metaalliance.wording.numbers import number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """What is drawn, by rank of the estimate."""

    estimate: Array
    low: Array
    high: Array
    significant: BoolArray
    reference: BoolArray
    rows: tuple[tuple[str, str, BoolArray], ...]
    measure: Measure

    @property
    def n(self) -> int:
        """Number of specifications."""
        return self.estimate.size


def curve_of(
    result: Multiverse | pd.DataFrame, decisions: Sequence[str] | None, *, correlations: bool
) -> Curve:
    """Bring a result into drawing order; correlations become Fisher z."""
    frame, chosen, level = _frame(result, decisions)
    if isinstance(result, Multiverse):
        correlations = result.is_r
    lost = [c for c in ("estimate", "ci_low", "ci_high", *chosen) if c not in frame]
    if lost:
        raise OptionError(f"The frame of specifications has no column {lost[0]!r}.")
    frame = frame[np.isfinite(frame["estimate"].astype(float))]
    if frame.empty:
        raise OptionError("No specification has a result: there is nothing to draw.")
    frame = frame.sort_values("estimate", kind="stable")
    limits = [frame[c].to_numpy(dtype=float) for c in ("estimate", "ci_low", "ci_high")]
    if correlations:
        limits = [np.arctanh(np.clip(v, -1 + 1e-12, 1 - 1e-12)) for v in limits]
    if "significant" in frame:
        significant = frame["significant"].to_numpy(dtype=bool)
    else:
        significant = frame["p_value"].to_numpy(dtype=float) < 1 - level
    marked = frame["reference"] if "reference" in frame else pd.Series(False, index=frame.index)
    return Curve(
        estimate=limits[0],
        low=limits[1],
        high=limits[2],
        significant=significant,
        reference=np.asarray(marked, dtype=bool),
        rows=_rows(frame, chosen, result, decisions_given=decisions is not None),
        measure="z" if correlations else "generic",
    )


def _frame(
    result: Multiverse | pd.DataFrame, decisions: Sequence[str] | None
) -> tuple[pd.DataFrame, list[str], float]:
    """Return the specifications, the decisions in their order, and the level."""
    if isinstance(result, Multiverse):
        table = result.decision_table()
        order = [name for name in table["decision"] if name in result.decisions]
        return result.curve(), list(decisions or order), result.level
    known = {
        "specification", "rank", "estimate", "ci_low", "ci_high", "p_value", "significant",
        "reference",
    }  # fmt: skip
    frame = pandas_frame(result, "result")
    columns = [str(c) for c in frame.columns if c not in known]
    several = [c for c in columns if frame[c].nunique(dropna=True) > 1]
    return frame, list(decisions or several), 0.95


def _rows(
    frame: pd.DataFrame,
    decisions: Sequence[str],
    result: Multiverse | pd.DataFrame,
    *,
    decisions_given: bool,
) -> tuple[tuple[str, str, BoolArray], ...]:
    """Return decision, option and members of each row of the matrix.

    A decision of which one option is left is only drawn if it was asked for.
    """
    rows: list[tuple[str, str, BoolArray]] = []
    for name in decisions:
        column = frame[name]
        if isinstance(result, Multiverse):
            options: Sequence[Any] = result.grid.options[name]
        else:
            options = sorted(column.dropna().unique(), key=str)
        found = [(o, (column == o).to_numpy(dtype=bool)) for o in options]
        chosen = [(name, option_text(o), members) for o, members in found if members.any()]
        if len(chosen) > 1 or decisions_given:
            rows += chosen
    return tuple(rows)


def option_text(option: Any) -> str:
    """Return an option as text; correlations without a zero before the point.

    Examples
    --------
    >>> option_text(0.6), option_text("REML"), option_text(True)
    ('.60', 'REML', 'True')
    """
    if isinstance(option, float) and not float(option).is_integer():
        return number(float(option), 2, correlation=abs(option) < 1)
    return str(option)
