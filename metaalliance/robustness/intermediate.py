"""The effects between two versions of a sheet, and their pooled results."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pandas as pd

from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.model import Model
from metaalliance.models.one_per_study import averaging_rho, fit_averaged, refuse_unused_rho
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.policy import Policy
from metaalliance.robustness.policies import converted
from metaalliance.robustness.sheet_changes import SheetChanges
from metaalliance.sheet.rules.study import label_key
from metaalliance.sheet.studies import Studies

#: Kinds of changes in the order in which they are applied.
ORDER = ("removed", "changed", "added")


class States:
    """The effects between the old and the new sheet, and their pooled results.

    Parameters
    ----------
    old, new : Studies
        The sheets, without errors.
    changes : SheetChanges
        Their rows, matched.
    model : Model
        What is fitted to each state.
    policy : Policy
        What a row is worth.

    Raises
    ------
    OptionError
        For a correlation that no state has a use for.
    """

    def __init__(
        self, old: Studies, new: Studies, changes: SheetChanges, model: Model, policy: Policy
    ) -> None:
        self.model, self.policy = model, policy
        self.old, self.new = (_effects(sheet, policy) for sheet in (old, new))
        _unify_labels(self.old, self.new)
        self._pairs = [(p.old.number, p.new.number) for p in changes.pairs]
        self._removed = [r.row.number for r in changes.removed]
        self._added = [r.row.number for r in changes.added]
        nested = ("n",) if policy.overlap == "nested" else ()
        self._columns = ("study", "sample", "yi", "vi", *nested, *model.columns)
        self._fits: dict[frozenset[str], PooledFit] = {}
        if model.rho is not None:
            self._refuse_unused_rho()

    def fit(self, *applied: str) -> PooledFit:
        """Pool the old sheet with some kinds of changes applied."""
        key = frozenset(applied) & self._kinds()
        if key not in self._fits:
            self._fits[key] = self._pool(self._chosen(key))
        return self._fits[key]

    def alone(self, kind: str, old_row: int | None, new_row: int | None) -> float:
        """Change of the pooled r of the old sheet by the change of one row."""
        before = self.old.get(old_row) if old_row is not None else None
        after = self.new.get(new_row) if new_row is not None and kind != "removed" else None
        if self._same_effect(before, after):
            return 0.0
        rows = self._chosen(frozenset())
        if before is not None:
            rows = [row for row in rows if row is not before]
        if after is not None:
            rows.append(after)
        try:
            return pooled_r(self._pool(rows)) - pooled_r(self.fit())
        except EstimationError:
            return math.nan

    def _same_effect(self, before: dict[str, Any] | None, after: dict[str, Any] | None) -> bool:
        """Whether two effects are the same to the model."""
        if before is None or after is None:
            return before is after
        return all(_equal(before.get(c), after.get(c)) for c in self._columns)

    def effects_of(self, kind: str) -> int:
        """Number of rows of a kind whose effect came, went or changed."""
        if kind == "removed":
            return sum(n in self.old for n in self._removed)
        if kind == "added":
            return sum(n in self.new for n in self._added)
        return sum(not self._same_effect(self.old.get(a), self.new.get(b)) for a, b in self._pairs)

    def _kinds(self) -> frozenset[str]:
        """Kinds that bear on the result."""
        return frozenset(kind for kind in ORDER if self.effects_of(kind))

    def _chosen(self, applied: frozenset[str]) -> list[dict[str, Any]]:
        """Effects with some kinds of changes applied, in an order that does not depend on them."""
        changed = "changed" in applied
        found = [self.new.get(b) if changed else self.old.get(a) for a, b in self._pairs]
        if "removed" not in applied:
            found += [self.old.get(n) for n in self._removed]
        if "added" in applied:
            found += [self.new.get(n) for n in self._added]
        return [row for row in found if row is not None]

    def _pool(self, rows: list[dict[str, Any]]) -> PooledFit:
        return fit_averaged(self._made(rows), self.model)

    def _made(self, rows: list[dict[str, Any]]) -> Effects:
        if not rows:
            raise EstimationError("No effect is left to pool.", code="MA602")
        policy: Any = self.policy
        frame = pd.DataFrame(rows)
        return Effects(frame=frame, measure=policy.measure, overlap=policy.overlap)

    def _refuse_unused_rho(self) -> None:
        """Refuse a correlation that neither sheet has a use for."""
        for rows in (self._chosen(frozenset()), self._chosen(frozenset(ORDER))):
            effects = self._made(rows)
            kind = self.model.resolved(dependent=effects.dependent()).kind
            if kind == "che" or averaging_rho(effects, self.model) is not None:
                return
        refuse_unused_rho(self.model, kind)


def _effects(sheet: Studies, policy: Policy) -> dict[int, dict[str, Any]]:
    """Effects of a sheet by row number."""
    if not sheet.used:
        return {}
    frame = converted(sheet, policy).frame
    rows = ({str(k): v for k, v in row.items()} for row in frame.to_dict("records"))
    return {int(row["row"]): {**row, "study": str(row["study"])} for row in rows}


def _unify_labels(old: dict[int, dict[str, Any]], new: dict[int, dict[str, Any]]) -> None:
    """Give studies of the old sheet the label that they have in the new one.

    Labels are compared without what a reader would not see. Where two labels of one sheet are
    alike in this way they are left alone, since they are two studies to the model.
    """
    alike = (_by_key(old), _by_key(new))
    for row in old.values():
        key = label_key(row["study"])
        if all(len(labels[key]) == 1 for labels in alike):
            row["study"] = next(iter(alike[1][key]))


def _by_key(rows: dict[int, dict[str, Any]]) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows.values():
        found[label_key(row["study"])].add(row["study"])
    return found


def _equal(first: Any, second: Any) -> bool:
    return bool(first == second) or bool(pd.isna(first) and pd.isna(second))


def pooled_r(fit: PooledFit) -> float:
    """Return the pooled correlation, or the estimate of another measure."""
    return back_transform(fit.estimate, fit.measure)
