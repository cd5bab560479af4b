"""Read the decisions of a conflicts workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaalliance.coding.conflicts import Conflict
from metaalliance.coding.consensus import DROP, KEEP, OTHER, Codings, Decision, RowDecision
from metaalliance.coding.values import Value
from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem
from metaalliance.report.workbooks.conflicts import (
    ABOUT,
    CODEBOOK,
    CODINGS,
    CONFLICTS,
    IDS,
    INPUTS,
    MATCHES,
    ROW_INPUTS,
    ROWS,
    VERSION,
)
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.read.grid import Grid, cell_name, is_blank
from metaalliance.sheet.read.missing import MISSING_TOKENS
from metaalliance.sheet.read.numbers import parse_number
from metaalliance.sheet.read.preflight import read_bytes, sniff
from metaalliance.sheet.read.xlsx import read_xlsx

_FIRST_FIELDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What a conflicts workbook holds.

    Attributes
    ----------
    codings : Codings
        What the coders have entered.
    conflicts : tuple of Conflict
        Their disagreements.
    decisions : dict of str to Decision
        What was decided, by the id of the conflict.
    rows : tuple of RowDecision
        What was decided about the rows of one coder only.
    problems : tuple of Problem
        What is undecided or cannot be used, with its cell in the conflicts workbook.
    codebook : tuple of tuple
        The codebook of the team, cell by cell; empty without one.
    """

    codings: Codings = field(repr=False)
    conflicts: tuple[Conflict, ...] = field(repr=False)
    decisions: Mapping[str, Decision] = field(repr=False)
    rows: tuple[RowDecision, ...] = field(repr=False)
    problems: tuple[Problem, ...]
    codebook: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)


def read_decisions(path: str | Path) -> Decisions:
    """Read a conflicts workbook with the decisions of the team, and what is wrong with them.

    Raises
    ------
    UnreadableFileError
        When the file cannot be read, or is no conflicts workbook.
    """
    file = Path(path)
    content = read_bytes(file)
    if sniff(content, file.name) != "xlsx":
        raise _foreign(file.name)
    grids = {grid.name: grid for grid in read_xlsx(content, file.name)[0]}
    if not {ABOUT, MATCHES, IDS, CONFLICTS, ROWS} <= set(grids):
        raise _foreign(file.name)
    try:
        codings = _codings(grids)
        conflicts, singles = _known(grids[IDS], codings)
    except (KeyError, ValueError, TypeError, IndexError):
        raise _foreign(file.name) from None
    problems: list[Problem] = []
    decided = {
        c.id: _decision(entry, c, codings, problems)
        for c, entry in _entries(grids[CONFLICTS], conflicts, INPUTS, problems)
    }
    rows = tuple(
        _row_decision(entry, row, problems)
        for row, entry in _entries(grids[ROWS], singles, ROW_INPUTS, problems)
    )
    book = grids.get(CODEBOOK)
    return Decisions(
        codings=codings,
        conflicts=tuple(conflicts),
        decisions=decided,
        rows=rows,
        problems=tuple(problems),
        codebook=tuple(map(tuple, book.rows)) if book else (),
    )


def _foreign(name: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{name} is not a conflicts workbook, or its hidden sheets are gone. Make it with "
        "metaalliance agree, and save it as .xlsx.",
        code="MA120",
    )


def _codings(grids: Mapping[str, Grid]) -> Codings:
    """Restore what the coders have entered from the hidden sheets.

    Raises
    ------
    KeyError, ValueError, TypeError, IndexError
        When they are not what `conflicts_workbook` wrote.
    """
    about = [list(row) for row in grids[ABOUT].rows if row]
    if about[0][:2] != ["metaalliance conflicts", VERSION]:
        raise ValueError(about[0])
    letters, files, hashes = zip(*(row[:3] for row in about[1:]), strict=True)
    tables = tuple(_table(grids[f"{CODINGS}{letter}"]) for letter in letters)
    matches: dict[int, tuple[int | None, ...]] = {}
    for row in grids[MATCHES].rows[1:]:
        cells = [*row, *[None] * (len(letters) + 1 - len(row))][: len(letters) + 1]
        matches[int(cells[0])] = tuple(None if c is None else int(c) for c in cells[1:])
    for rows in matches.values():
        known = [table[n] for table, n in zip(tables, rows, strict=True) if n is not None]
        if len(known) < 2:
            raise ValueError(rows)
    return Codings(coders=letters, files=files, sha256=hashes, tables=tables, matches=matches)


def _table(grid: Grid) -> dict[int, dict[str, Value]]:
    """Values by column, by row number."""
    columns = [str(c) for c in grid.rows[0][1:]]
    return {
        int(row[0]): {c: _value(v) for c, v in zip(columns, row[1:], strict=False) if v is not None}
        for row in grid.rows[1:]
        if row
    }


def _value(raw: Any) -> Value:
    """Numbers as floats; anything else as its text."""
    if raw is None or isinstance(raw, bool):
        return None if raw is None else str(raw)
    return float(raw) if isinstance(raw, int | float) else str(raw)


def _known(grid: Grid, codings: Codings) -> tuple[list[Conflict], list[tuple[str, RowDecision]]]:
    """Restore the conflicts, and the rows of one coder, each undecided."""
    count = len(codings.coders)
    conflicts: list[Conflict] = []
    singles: list[tuple[str, RowDecision]] = []
    for raw in grid.rows[1:]:
        row = [*raw, *[None] * (_FIRST_FIELDS + 2 * count + 1 - len(raw))]
        name, matches, study, variable = row[:_FIRST_FIELDS]
        cells = row[_FIRST_FIELDS : _FIRST_FIELDS + count]
        values = row[_FIRST_FIELDS + count : _FIRST_FIELDS + 2 * count]
        if variable == "(row)" and not matches:
            single = RowDecision(coder=int(cells[0]), row=int(cells[1]), keep=False)
            _ = codings.tables[single.coder][single.row]  # it is there
            singles.append((str(name), single))
            continue
        impact = row[_FIRST_FIELDS + 2 * count]
        if not {int(m) for m in str(matches).split(";")} <= set(codings.matches):
            raise ValueError(matches)
        conflicts.append(
            Conflict(
                id=str(name),
                matches=tuple(int(m) for m in str(matches).split(";")),
                study=str(study or ""),
                variable=str(variable),
                cells=tuple(str(c or "") for c in cells),
                values=tuple(_value(v) for v in values),
                impact=float("nan") if impact is None else float(impact),
                row_impact=float("nan"),
            )
        )
    return conflicts, singles


@dataclass(frozen=True, slots=True)
class _Entry:
    """The decision columns of one row, with their cells."""

    sheet: str
    row: int
    study: str
    values: Mapping[str, Any]
    columns: Mapping[str, int]

    def text(self, name: str) -> str:
        """A decision column as text."""
        value = self.values.get(name)
        return "" if is_blank(value) else " ".join(str(value).split())

    def problem(self, code: str, column: str, message: str, hint: str) -> Problem:
        """A problem that points at a cell of the conflicts workbook."""
        return Problem(
            code=code,
            severity="error",
            message=message,
            hint=hint,
            sheet=self.sheet,
            cell=cell_name(self.row, self.columns[column]),
            row=self.row,
            study=self.study,
            column=column,
            seen=self.text(column),
        )


def _entries(
    grid: Grid, known: Sequence[Any], inputs: Sequence[str], problems: list[Problem]
) -> list[tuple[Any, _Entry]]:
    """Find the row of each conflict, or of each single row, on its sheet."""
    header = [str(v) for v in grid.rows[0]] if grid.rows else []
    columns = {name: i for i, name in enumerate(header, start=1)}
    missing = [name for name in ("id", *inputs) if name not in columns]
    if missing:
        problems.append(_changed(grid.name, f"the column {missing[0]!r} is gone", "A1", 1))
        return []
    places: dict[str, list[int]] = {}
    for number, row in enumerate(grid.rows[1:], start=2):
        if len(row) >= columns["id"] and not is_blank(row[columns["id"] - 1]):
            places.setdefault(str(row[columns["id"] - 1]).strip(), []).append(number)
    found = []
    for item in known:
        name, target = (item.id, item) if isinstance(item, Conflict) else item
        rows = places.get(name, [])
        if len(rows) != 1:
            what = f"{name} stands there {len(rows)} times" if rows else f"{name} is gone"
            place = rows[-1] if rows else 1
            problems.append(_changed(grid.name, what, cell_name(place, columns["id"]), place))
            continue
        values = grid.rows[rows[0] - 1]
        picked = {n: values[columns[n] - 1] for n in inputs if columns[n] <= len(values)}
        study = str(values[columns["study"] - 1]) if "study" in columns else ""
        found.append((target, _Entry(grid.name, rows[0], study, picked, columns)))
    return found


def _changed(sheet: str, what: str, cell: str, row: int) -> Problem:
    return Problem(
        code="MA536",
        severity="error",
        message=what,
        hint="rows may be sorted, but not deleted or copied",
        sheet=sheet,
        cell=cell,
        row=row,
    )


def _decision(
    entry: _Entry, conflict: Conflict, codings: Codings, problems: list[Problem]
) -> Decision:
    """Read and check one decision."""
    choices = [c for c, cell in zip(codings.coders, conflict.cells, strict=True) if cell]
    choices.append(OTHER)
    chosen = entry.text("final")
    choice = next((c for c in choices if c.casefold() == chosen.casefold()), "")
    listed = ", ".join(choices)
    value: Value = None
    if not chosen:
        message = f"{conflict.id} ({conflict.variable}) is undecided"
        problems.append(entry.problem("MA530", "final", message, f"choose {listed}"))
    elif not choice:
        message = f"{conflict.id} has no such choice"
        problems.append(entry.problem("MA531", "final", message, f"choose {listed}"))
    elif choice == OTHER:
        value = _other(entry, conflict, problems)
    elif entry.text("value"):
        message = f"{conflict.id} takes {choice}'s value, but another one is entered"
        problems.append(entry.problem("MA533", "value", message, f"choose {OTHER}, or empty it"))
    return Decision(
        choice=choice, value=value, reason=entry.text("reason"), page=entry.text("page")
    )


def _other(entry: _Entry, conflict: Conflict, problems: list[Problem]) -> Value:
    """The value that the team has entered itself."""
    raw = entry.values.get("value")
    if is_blank(raw):
        message = f"{conflict.id} is decided as {OTHER}, but no value is entered"
        hint = "enter it; NR leaves the cell blank"
        problems.append(entry.problem("MA532", "value", message, hint))
        return None
    column = COLUMNS.get(conflict.variable)
    if column is None or column.kind not in {"number", "count"}:
        return _value(raw)
    if isinstance(raw, str) and raw.strip().lower() in MISSING_TOKENS:
        return None
    parsed = parse_number(raw, integer=column.kind == "count", percent=column.percent)
    if parsed.nonsignificant:
        return "n.s."
    if parsed.value is None:
        message = f"{conflict.variable} needs a number"
        problems.append(entry.problem("MA534", "value", message, "enter the number alone"))
    return parsed.value


def _row_decision(entry: _Entry, row: RowDecision, problems: list[Problem]) -> RowDecision:
    """Read and check the decision about a row of one coder."""
    chosen = entry.text("decision").casefold()
    if chosen not in {KEEP, DROP}:
        seen = "has no such choice" if chosen else "is undecided"
        message = f"the row of {entry.study or 'no study'} {seen}"
        problems.append(entry.problem("MA535", "decision", message, f"choose {KEEP} or {DROP}"))
    return RowDecision(
        coder=row.coder, row=row.row, keep=chosen == KEEP, reason=entry.text("reason")
    )
