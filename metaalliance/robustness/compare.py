"""Compare two versions of a sheet, and say what each kind of change did to the pooled result."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from metaalliance.errors import EstimationError
from metaalliance.model import Model, ModelSettings
from metaalliance.options import SheetMeasure
from metaalliance.policy import Policy
from metaalliance.robustness.comparison import Comparison, RowEffect, Step
from metaalliance.robustness.intermediate import ORDER, States, pooled_r
from metaalliance.robustness.policies import as_read, refuse_intervals, with_policy
from metaalliance.robustness.sheet_changes import LoneRow, RowPair, SheetChanges, sheet_changes
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.study import label_key
from metaalliance.sheet.studies import Studies, load_studies

#: Rows beyond which their single effects on the result are not computed.
MOST_REFITS = 500


def compare(
    old: Studies | str | Path,
    new: Studies | str | Path,
    *,
    measure: SheetMeasure | None = None,
    policy: Policy | None = None,
    structure: Mapping[str, Any] | None = None,
    key: Sequence[str] | None = None,
    **settings: Unpack[ModelSettings],
) -> Comparison:
    """Compare two versions of a sheet.

    Rows are matched; each cell that differs is listed with its addresses; and the pooled result
    is taken from the old sheet to the new one in three steps: rows that were removed, then rows
    that were changed, then rows that were added. The steps sum to the whole difference; since
    their sizes depend on the order, the mean over all orders is given beside them.

    Parameters
    ----------
    old, new : Studies or path
        The two versions; a path is read as `load_studies` does.
    measure : {"z", "r", "r-unbiased"}, optional
        Scale of the analysis, over that of the policy.
    policy : Policy, optional
        What a row is worth in both; by default the policy with which the new sheet was read.
    structure : mapping, optional
        Further levels and correlations, as one mapping of settings.
    key : sequence of str, optional
        Columns that identify an effect within its study, such as ``["effect"]``.
    **settings
        The settings of `pool`, or a whole `Model` as `model`. Where a two-level model needs one
        effect per study, `rho` is that of `aggregate`.

    Returns
    -------
    Comparison
        Without a pooled result, and with the reason, when a sheet has errors.

    Raises
    ------
    OptionError
        For a setting that does not exist, or that the model does not have.
    """
    model = Model.of({**settings, **(structure or {})})
    first, second, policy = _read(old, new, policy)
    if measure is not None:
        policy = replace(policy, measure=measure)
    for sheet in (first, second):
        refuse_intervals(sheet, policy, "A comparison of two sheets")
    changes = sheet_changes(first, second, key=key)
    fields: dict[str, Any] = {
        "old": first, "new": second, "changes": changes, "model": model, "policy": policy,
        "steps": (), "old_fit": None, "new_fit": None,
    }  # fmt: skip
    broken = [sheet.file for sheet in (first, second) if sheet.errors]
    if broken:
        reason = f"{' and '.join(broken)} {'has' if len(broken) == 1 else 'have'} errors"
        return Comparison(**fields, rows=_rows(changes, None), reason=reason)
    states: States | None = None
    try:
        states = States(first, second, changes, model, policy)
        fields |= {"old_fit": states.fit(), "new_fit": states.fit(*ORDER)}
        fields["steps"] = _steps(states, changes)
    except EstimationError as error:
        return Comparison(**fields, rows=_rows(changes, states), reason=str(error))
    return Comparison(**fields, rows=_rows(changes, states), reason="")


def _read(
    old: Studies | str | Path, new: Studies | str | Path, policy: Policy | None
) -> tuple[Studies, Studies, Policy]:
    """Return both sheets under one policy."""
    given = policy or Policy()

    def sheet(source: Studies | str | Path) -> Studies:
        if isinstance(source, Studies):
            return source
        return load_studies(source, **given.reading)

    first, second = sheet(old), sheet(new)
    chosen = policy or as_read(second)
    return with_policy(first, chosen), with_policy(second, chosen), chosen


def _steps(states: States, changes: SheetChanges) -> tuple[Step, ...]:
    """Apply one kind after the other; also average over all orders."""
    gains = dict.fromkeys(ORDER, 0.0)
    orders = list(itertools.permutations(ORDER))
    for order in orders:
        for index, kind in enumerate(order):
            first, second = states.fit(*order[:index]), states.fit(*order[: index + 1])
            gains[kind] += (pooled_r(second) - pooled_r(first)) / len(orders)
    found = []
    for index, kind in enumerate(ORDER):
        before, after = (pooled_r(states.fit(*ORDER[:end])) for end in (index, index + 1))
        rows = _rows_of(changes, kind)
        found.append(
            Step(
                kind=kind,
                rows=len(rows),
                studies=len({label_key(row.study) for row in rows}),
                effects=states.effects_of(kind),
                before=before,
                after=after,
                change=after - before,
                average=gains[kind],
            )
        )
    return tuple(found)


def _rows_of(changes: SheetChanges, kind: str) -> list[Row]:
    if kind == "removed":
        return [lone.row for lone in changes.removed]
    if kind == "added":
        return [lone.row for lone in changes.added]
    return [pair.new for pair in changes.changed]


def _rows(changes: SheetChanges, states: States | None) -> tuple[RowEffect, ...]:
    """Removed, changed and added rows with what each does alone."""
    found = [
        *(_lone(row, "removed", states) for row in changes.removed),
        *(_changed(pair, states) for pair in changes.changed),
        *(_lone(row, "added", states) for row in changes.added),
    ]
    if states is None or len(found) > MOST_REFITS:
        return tuple(found)
    return tuple(_with_impact(row, states) for row in found)


def _lone(lone: LoneRow, kind: str, states: States | None) -> RowEffect:
    """A row that one sheet has."""
    row, removed = lone.row, kind == "removed"
    r = _row_r(states, row.number, old=removed)
    return RowEffect(
        kind=kind,
        study=row.label,
        old_row=row.number if removed else None,
        new_row=None if removed else row.number,
        old_r=r if removed else math.nan,
        new_r=math.nan if removed else r,
        ambiguous=lone.ambiguous,
        suggestion=lone.suggestion,
    )


def _changed(pair: RowPair, states: States | None) -> RowEffect:
    """A row that both sheets have."""
    return RowEffect(
        kind="changed",
        study=pair.new.label,
        old_row=pair.old.number,
        new_row=pair.new.number,
        old_r=_row_r(states, pair.old.number, old=True),
        new_r=_row_r(states, pair.new.number, old=False),
        columns=tuple(c.column for c in pair.cells if c.kind == "value"),
    )


def _row_r(states: States | None, row: int, *, old: bool) -> float:
    if states is None:
        return math.nan
    found = (states.old if old else states.new).get(row)
    return math.nan if found is None else float(found["r"])


def _with_impact(row: RowEffect, states: States) -> RowEffect:
    """Add what the row does alone."""
    alone = states.alone(row.kind, row.old_row, row.new_row)
    fields = {name: getattr(row, name) for name in RowEffect.__slots__}
    return RowEffect(**{**fields, "alone": alone})
