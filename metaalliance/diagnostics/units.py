"""What can be left out: studies, or single effects."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from metaalliance.core.arrays import BoolArray
from metaalliance.effects.effects import Effects, study_names
from metaalliance.options import check_option
from metaalliance.problems import Problem, notice

Unit = Literal["study", "effect"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Omissions(ABC):
    """A fit without each study or effect in turn.

    Attributes
    ----------
    unit : {"study", "effect"}
        What is left out.
    frame : DataFrame
        One row per unit.
    notices : tuple of Problem
        Units without which the model cannot be fitted, and verdicts that turn on one unit.
    """

    unit: str
    frame: pd.DataFrame = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    @abstractmethod
    def changes(self) -> pd.Series[float]:
        """Size of what each unit changes; missing where the model cannot be fitted without it."""

    @property
    def failures(self) -> pd.DataFrame:
        """Units without which the model cannot be fitted, with the reason."""
        failed = self.frame[self.frame["reason"] != ""]
        return failed[["omitted", "study", "code", "reason"]].reset_index(drop=True)

    def most_influential(self, first: int | None = None) -> pd.DataFrame:
        """Return the rows by the size of what they change, largest first; refusals lead."""
        order = self.changes.fillna(math.inf).sort_values(ascending=False, kind="stable").index
        return self.frame.loc[order].head(len(self.frame) if first is None else first)


def unit_masks(effects: Effects, unit: str) -> BoolArray:
    """What is kept when each unit is left out, shape (units, k), rows as in the effects.

    Studies come in the order of their first effect, effects in their own order.
    """
    check_option("unit", unit, Unit)
    if unit == "effect":
        return ~np.eye(effects.n_effects, dtype=bool)
    codes, labels = pd.factorize(effects.frame["study"])
    return np.asarray(np.arange(len(labels))[:, None] != codes)


def unit_frame(effects: Effects, unit: str) -> pd.DataFrame:
    """Return one row per unit: `omitted` (its name), `study`, and `effect` or `k_omitted`."""
    frame = effects.frame
    if unit == "study":
        codes, labels = pd.factorize(frame["study"])
        studies = pd.Series(list(labels), dtype=frame["study"].dtype)
        names = study_names(frame).groupby(codes).first().reset_index(drop=True)
        sizes = np.bincount(codes, minlength=len(labels))
        return pd.DataFrame({"omitted": names.astype(str), "study": studies, "k_omitted": sizes})
    several = frame["study"].map(frame["study"].value_counts()) > 1
    names = study_names(frame).astype(str)
    named = names.where(~several, names + ", effect " + frame["effect"].astype(str))
    columns = {"omitted": named, "study": frame["study"], "effect": frame["effect"]}
    if "row" in frame:
        columns["row"] = frame["row"]
    return pd.DataFrame(columns).reset_index(drop=True)


def failure_notices(frame: pd.DataFrame, unit: str) -> tuple[Problem, ...]:
    """Say without which units the model cannot be fitted."""
    failed = frame[frame["reason"] != ""]
    if failed.empty:
        return ()
    first = failed.iloc[0]
    more = len(failed) - 1
    others = f", nor without {more:,} other{'' if more == 1 else 's'}" if more else ""
    message = (
        f"Without {unit} {first['omitted']} the model cannot be fitted{others}: {first['reason']}"
    )
    return (notice("MA662", message, "The rows stay in the table, with the reason."),)
