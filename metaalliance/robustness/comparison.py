"""What two versions of a sheet differ in, and what that did to the pooled result."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from metaalliance.model import Model
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.policy import Policy
from metaalliance.robustness.intermediate import ORDER, pooled_r
from metaalliance.robustness.sheet_changes import SheetChanges
from metaalliance.sheet.studies import Studies
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one kind of change did to the result.

    Attributes
    ----------
    kind : {"removed", "changed", "added"}
        The change.
    rows, studies : int
        Rows of this kind, and their studies.
    effects : int
        Of these rows, those whose effect came, went or changed.
    before, after : float
        Pooled r before and after it (on the analysis scale for other measures).
    change : float
        `after` less `before`; the changes sum to the total.
    average : float
        Mean change over all orders of the kinds (Shapley value); these sum to the total too.
    """

    kind: str
    rows: int
    studies: int
    effects: int
    before: float
    after: float
    change: float
    average: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEffect:
    """What became of the effect of one row.

    Attributes
    ----------
    kind : {"removed", "changed", "added"}
        The change.
    study : str
        Label of the study.
    old_row, new_row : int or None
        Row number in each sheet.
    old_r, new_r : float
        Its correlation in each sheet; NaN where it has none or is not used.
    columns : tuple of str
        Columns that say something else.
    alone : float
        Change of the pooled r of the old sheet when nothing else is changed.
    ambiguous : bool
        Whether the match is open.
    suggestion : str
        What a lone row may be in the other sheet.
    """

    kind: str
    study: str
    old_row: int | None
    new_row: int | None
    old_r: float
    new_r: float
    columns: tuple[str, ...] = ()
    alone: float = math.nan
    ambiguous: bool = False
    suggestion: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the row as the JSON output prints it."""
        return {**{n: getattr(self, n) for n in RowEffect.__slots__}, "columns": list(self.columns)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison(InNotebook):
    """Two versions of a sheet.

    Attributes
    ----------
    old, new : Studies
        The sheets.
    changes : SheetChanges
        Rows and cells.
    rows : tuple of RowEffect
        Removed, changed and added rows with their effects.
    old_fit, new_fit : PooledFit or None
        The pooled results.
    steps : tuple of Step
        From the old result to the new one: removed, then changed, then added; empty where there
        is no result.
    reason : str
        Why there is no result.
    model : Model
        What was fitted to both.
    policy : Policy
        What a row is worth in both.
    """

    old: Studies = field(repr=False)
    new: Studies = field(repr=False)
    changes: SheetChanges = field(repr=False)
    rows: tuple[RowEffect, ...] = field(repr=False)
    old_fit: PooledFit | None
    new_fit: PooledFit | None
    steps: tuple[Step, ...]
    reason: str
    model: Model
    policy: Policy

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting by its name."""
        return {**self.policy.to_record(), **self.model.to_record()}

    @property
    def total(self) -> float:
        """New pooled r less the old one; NaN where there is no result."""
        if self.old_fit is None or self.new_fit is None:
            return math.nan
        return pooled_r(self.new_fit) - pooled_r(self.old_fit)

    def counts(self) -> dict[str, int]:
        """Return how many rows and cells changed."""
        cells = self.changes.cells
        return {
            "rows_old": len(self.old.rows),
            "rows_new": len(self.new.rows),
            "removed": len(self.changes.removed),
            "changed": len(self.changes.changed),
            "added": len(self.changes.added),
            "unchanged": len(self.changes.pairs) - len(self.changes.changed),
            "cells": sum(c.kind == "value" for c in cells),
            "respelled": sum(c.kind == "spelling" for c in cells),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per step from the old result to the new one."""
        return pd.DataFrame([{n: getattr(s, n) for n in Step.__slots__} for s in self.steps])

    def to_dict(self) -> dict[str, Any]:
        """Return counts, results, steps, rows and cells; missing is None."""
        fits = {"old": self.old_fit, "new": self.new_fit}
        content = {
            "settings": self.settings,
            "counts": self.counts(),
            "order": list(ORDER),
            "result": {
                **{name: None if fit is None else fit.to_dict() for name, fit in fits.items()},
                "total": self.total,
                "steps": self.to_frame().to_dict("records"),
                "reason": self.reason,
            },
            "rows": [row.to_dict() for row in self.rows],
            "cells": [cell.to_dict() for cell in self.changes.cells],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return what changed in a few sentences."""
        counts = self.counts()
        lines = [
            f"Rows: {counts['removed']:,} removed, {counts['changed']:,} changed "
            f"(cells: {counts['cells']:,}), {counts['added']:,} added, {counts['unchanged']:,} the "
            f"same. Cells that say the same in other characters: {counts['respelled']:,}"
        ]
        if self.old_fit is None or self.new_fit is None:
            return "\n".join([*lines, f"No result: {self.reason}"])
        is_r = self.new_fit.measure != "generic"
        before, after, total = (
            number(x, correlation=is_r)
            for x in (pooled_r(self.old_fit), pooled_r(self.new_fit), self.total)
        )
        lines.append(f"Pooled r {before} in the old sheet, {after} in the new one: {total}")
        return "\n".join(lines)
