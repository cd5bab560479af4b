"""Apply the decisions about conflicts: the sheet of the team, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metaalliance.coding.conflicts import Conflict
from metaalliance.coding.matching import Matching
from metaalliance.coding.values import Value, coded_value
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.read.missing import MISSING_WORDS
from metaalliance.sheet.rules.study import label_key
from metaalliance.sheet.studies import Studies

#: A decision for a value that neither coder has.
OTHER = "other"
KEEP, DROP = "keep", "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Codings:
    """What the coders have entered, as plain tables that a workbook can hold.

    Attributes
    ----------
    coders, files, sha256 : tuple of str
        Letters of the coders, their files and the hashes of these.
    tables : tuple of dict
        For each coder: values by column, by row number.
    matches : dict of int to tuple
        Row number of each coder (None where there is none) by number of the match.
    """

    coders: tuple[str, ...]
    files: tuple[str, ...]
    sha256: tuple[str, ...]
    tables: tuple[Mapping[int, Mapping[str, Value]], ...] = field(repr=False)
    matches: Mapping[int, tuple[int | None, ...]] = field(repr=False)

    @classmethod
    def of(cls, matching: Matching) -> Codings:
        """Take the codings out of matched sheets."""
        return cls(
            coders=matching.coders,
            files=tuple(s.file for s in matching.sheets),
            sha256=tuple(s.sha256 for s in matching.sheets),
            tables=tuple(_table(s) for s in matching.sheets),
            matches={
                m.number: tuple(None if r is None else r.number for r in m.rows)
                for m in matching.matched
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the team has decided about one conflict.

    Attributes
    ----------
    choice : str
        The letter of a coder, or "other".
    value : float, str or None
        The value for "other"; a token for "not reported" leaves the cell blank.
    reason, page : str
        Why, and where it stands in the report.
    """

    choice: str
    value: Value = None
    reason: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDecision:
    """What the team has decided about a row of one coder: keep it or drop it."""

    coder: int
    row: int
    keep: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consensus:
    """The sheet of the team.

    Attributes
    ----------
    columns : tuple of str
        Header, the known columns in the order of the specification first.
    rows : tuple of dict
        Values by column.
    audit : tuple of dict
        Every conflict and every single row with the codings, the decision, its reason and the
        final value.
    """

    columns: tuple[str, ...]
    rows: tuple[dict[str, Value], ...] = field(repr=False)
    audit: tuple[dict[str, Any], ...] = field(repr=False)


def consensus(
    codings: Codings,
    conflicts: Sequence[Conflict],
    decisions: Mapping[str, Decision],
    row_decisions: Sequence[RowDecision],
) -> Consensus:
    """Apply decisions: one row for each matched effect and each row that is kept.

    A cell without a conflict has the value of the first coder who has one, and so have
    remarks (page, quote, notes, reason of an exclusion).
    """
    rows = {number: _merged(codings, number) for number in codings.matches}
    for conflict in conflicts:
        value = final_value(conflict, decisions[conflict.id], codings.coders)
        for number in conflict.matches:
            rows[number][conflict.variable] = value
    ordered = [(_position(codings.matches[n]), row, n) for n, row in rows.items()]
    kept = [d for d in row_decisions if d.keep]
    ordered += [((d.coder, d.row), dict(codings.tables[d.coder][d.row]), 0) for d in kept]
    placed = _in_study_order(ordered)
    numbers = {n: i for i, (_, n) in enumerate(placed, start=2) if n}
    audit = [_audited(c, decisions[c.id], codings, numbers) for c in conflicts]
    audit += [_audited_row(d, codings) for d in row_decisions]
    final = tuple(row for row, _ in placed)
    return Consensus(columns=_columns(final), rows=final, audit=tuple(audit))


def final_value(conflict: Conflict, decision: Decision, coders: Sequence[str]) -> Value:
    """Return the value that a decision gives to a cell."""
    if decision.choice != OTHER:
        return conflict.values[list(coders).index(decision.choice)]
    value = decision.value
    if conflict.variable == "study":
        return None if value is None else str(value)  # a study may be called NA
    if isinstance(value, str) and value.strip().lower() in MISSING_WORDS:
        return None
    return value


def _table(sheet: Studies) -> dict[int, dict[str, Value]]:
    """Values by column, by row number."""
    return {
        row.number: {c: coded_value(row, c) for c in row.cells if coded_value(row, c) is not None}
        for row in sheet.rows
    }


def _merged(codings: Codings, number: int) -> dict[str, Value]:
    """One row from several coders: the first value of each column."""
    merged: dict[str, Value] = {}
    for table, row in zip(codings.tables, codings.matches[number], strict=True):
        for column, value in (table[row] if row is not None else {}).items():
            merged.setdefault(column, value)
    return merged


def _position(rows: tuple[int | None, ...]) -> tuple[int, int]:
    return next((i, row) for i, row in enumerate(rows) if row is not None)


def _in_study_order(
    rows: list[tuple[tuple[int, int], dict[str, Value], int]],
) -> list[tuple[dict[str, Value], int]]:
    """Sort by coder and row, the rows of a study together.

    Labels of matched rows are as decided; a row of one coder takes the label of the matched
    rows of its study, or of the first row, where these have one.
    """
    groups: dict[str, list[tuple[dict[str, Value], int]]] = {}
    for _, row, number in sorted(rows, key=lambda item: item[0]):
        groups.setdefault(label_key(str(row.get("study") or "")), []).append((row, number))
    ordered = []
    for group in groups.values():
        decided = {row.get("study") for row, number in group if number}
        labels = decided or {group[0][0].get("study")}
        one = next(iter(labels)) if len(labels) == 1 else None
        for row, number in group:
            ordered.append((row if number or one is None else {**row, "study": one}, number))
    return ordered


def _columns(rows: Sequence[Mapping[str, Value]]) -> tuple[str, ...]:
    used = {name for row in rows for name, value in row.items() if value is not None}
    known = [c for c in COLUMNS if c in used]
    extra = dict.fromkeys(n for row in rows for n in row if n in used and n not in COLUMNS)
    return (*known, *extra)


def _audited(
    conflict: Conflict, decision: Decision, codings: Codings, numbers: Mapping[int, int]
) -> dict[str, Any]:
    """One conflict with what became of it."""
    record: dict[str, Any] = {
        "id": conflict.id,
        "study": conflict.study,
        "variable": conflict.variable,
        "rows": ", ".join(str(numbers[n]) for n in conflict.matches),
    }
    for coder, cell, value in zip(codings.coders, conflict.cells, conflict.values, strict=True):
        record |= {f"cell_{coder}": cell, f"value_{coder}": value}
    return record | {
        "impact": conflict.impact,
        "decision": decision.choice,
        "final_value": final_value(conflict, decision, codings.coders),
        "reason": decision.reason,
        "page": decision.page,
    }


def _audited_row(decision: RowDecision, codings: Codings) -> dict[str, Any]:
    """One row of a single coder with what became of it."""
    coder = codings.coders[decision.coder]
    return {
        "id": f"{coder}{decision.row}",
        "study": codings.tables[decision.coder][decision.row].get("study"),
        "variable": "(row)",
        f"cell_{coder}": f"row {decision.row}",
        "decision": KEEP if decision.keep else DROP,
        "reason": decision.reason,
    }
