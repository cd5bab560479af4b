"""Read an extraction workbook: every problem at once, nothing dropped silently."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from metaalliance.config import Config, read_config
from metaalliance.errors import StudyDataError
from metaalliance.messages import MESSAGES
from metaalliance.options import (
    BetaPolicy,
    Nonsignificant,
    SheetMeasure,
    YiMeasure,
    check_option,
)
from metaalliance.problems import Problem
from metaalliance.sheet.columns.codebook import find_codebook, read_codebook
from metaalliance.sheet.columns.header import (
    Header,
    choose_sheet,
    find_header,
    problem_at,
    read_columns,
    read_header,
    without_years,
)
from metaalliance.sheet.columns.labels import named_by_labels
from metaalliance.sheet.columns.scheme import Scheme, scheme_of
from metaalliance.sheet.columns.studies_sheet import find_studies_sheet, join_studies
from metaalliance.sheet.fill import fill_down
from metaalliance.sheet.labels import with_labels
from metaalliance.sheet.read.grid import Grid
from metaalliance.sheet.read.source import parse_grids, read_source
from metaalliance.sheet.rows import Row, read_rows
from metaalliance.sheet.rules.across import statistic_problems
from metaalliance.sheet.rules.columns import once_per_column
from metaalliance.sheet.rules.layout import layout_problems
from metaalliance.sheet.rules.row import (
    identity_problems,
    nonsignificant_column,
    nonsignificant_problems,
    row_problems,
)
from metaalliance.sheet.rules.signs import sign_suspects
from metaalliance.sheet.rules.statistics import Choice, Reading, choose
from metaalliance.sheet.rules.study import study_problems


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Studies:
    """A sheet as it was read and checked.

    Attributes
    ----------
    file, sha256, sheet : str
        What was read.
    rows : tuple of Row
        Every row under the header that is not blank.
    choices : dict of int to Choice
        The statistic of each row that is used, by row number.
    nonsignificant_rows : frozenset of int
        Rows that report "n.s." and fall under the policy.
    problems : tuple of Problem
        Errors, warnings and notes in the order of the sheet.
    reading : Reading
        The settings that it was read with; `nonsignificant` and `beta` are among them.
    config : str or None
        The configuration file that was used.
    silenced : tuple of (Problem, str)
        Warnings and notes that the configuration silences, each with its reason.
    level_orders : dict of str to tuple of str
        Levels that the team has entered, by column, in its order.
    """

    file: str
    sha256: str
    sheet: str
    rows: tuple[Row, ...] = field(repr=False)
    choices: dict[int, Choice] = field(repr=False)
    nonsignificant_rows: frozenset[int] = field(repr=False)
    problems: tuple[Problem, ...] = field(repr=False)
    reading: Reading = Reading()
    config: str | None = None
    silenced: tuple[tuple[Problem, str], ...] = field(default=(), repr=False)
    level_orders: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def nonsignificant(self) -> Nonsignificant:
        """What a row is worth that reports "n.s."."""
        return self.reading.nonsignificant

    @property
    def beta(self) -> BetaPolicy:
        """Whether regression coefficients are converted by a formula."""
        return self.reading.beta

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that stop the analysis."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def excluded(self) -> tuple[tuple[Row, str], ...]:
        """Rows that are left out, each with its reason."""
        by_team = [
            (row, str(row.get("exclusion_reason") or "no reason given"))
            for row in self.rows
            if not row.included
        ]
        broken = self._in_error()
        dropped = [
            (row, "not significant, no value (policy: drop)")
            for row in self.rows
            if self.nonsignificant == "drop"
            and row.number in self.nonsignificant_rows
            and row.number not in broken
        ]
        return tuple(sorted(by_team + dropped, key=lambda pair: pair[0].number))

    @property
    def used(self) -> tuple[Row, ...]:
        """Rows that are pooled."""
        out = {row.number for row, _ in self.excluded}
        broken = self._in_error()
        return tuple(r for r in self.rows if r.number not in out and r.number not in broken)

    @property
    def in_error(self) -> tuple[Row, ...]:
        """Rows with an error."""
        broken = self._in_error()
        return tuple(row for row in self.rows if row.number in broken)

    def _in_error(self) -> set[int | None]:
        """Numbers of included rows with an error on the sheet of the effects."""
        included = {row.number for row in self.rows if row.included}
        return {p.row for p in self.errors if p.sheet == self.sheet and p.row in included}

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a table: `row`, then each column that has a value."""
        records: list[dict[str, Any]] = []
        for row in self.rows:
            records.append({"row": row.number, **{k: c.value for k, c in row.cells.items()}})
        return pd.DataFrame(records)


def read_studies(
    path: str | Path,
    *,
    sheet: str | None = None,
    nonsignificant: Nonsignificant = "error",
    beta: BetaPolicy = "peterson-brown",
    yi_measure: YiMeasure | None = None,
    measure: SheetMeasure = "z",
    config: Config | str | Path | None = None,
) -> Studies:
    """Read and validate an extraction workbook.

    Parameters
    ----------
    path : str or Path
        .xlsx, .xlsm, .xlsb, .ods, .csv, .tsv, .omv, .jasp, and with the extra `formats` .xls,
        .sav, .dta, .rds, .rda or .parquet; ``-`` reads standard input.
    sheet : str, optional
        The sheet, or the data frame of an .rda; by default ``effects``, or the only one with the
        needed columns.
    nonsignificant : {"error", "zero", "drop", "half-p"}
        What rows are worth that report "n.s." without a value.
    beta : {"peterson-brown", "refuse"}
        Whether standardised regression coefficients are converted (approximately).
    yi_measure : {"z", "r", "d", "g", "log_or"}, optional
        Scale of column `yi` in rows where no column `yi_measure` says it; by default what the
        configuration says. Without either, yi is Fisher z where its variance agrees with n.
    measure : {"z", "r", "r-unbiased"}
        What rows will be converted to: r allows samples of 3, Fisher z does not.
    config : Config or path, optional
        A configuration (``metaalliance.toml``) with the team's headers, levels and silenced
        rules. The command line looks for it beside the sheet; Python reads it when told to.

    Returns
    -------
    Studies
        The rows; warnings and notes are in `problems`.

    Raises
    ------
    UnreadableFileError
        When the file cannot be read, or is unsafe.
    StudyDataError
        When any row is in error; `problems` holds all of them.
    """
    studies = load_studies(
        path, sheet=sheet, nonsignificant=nonsignificant, beta=beta, yi_measure=yi_measure,
        measure=measure, config=config,
    )  # fmt: skip
    if studies.errors:
        count = len(studies.errors)
        first = studies.errors[0]
        raise StudyDataError(
            f"{count} error{'s' if count > 1 else ''} in {studies.file}; the first is "
            f"{first.place} ({first.code}): {first.message}. Nothing was dropped; correct the "
            "cells, or set include = no with a reason. All are in .problems.",
            studies.problems,
        )
    return studies


def load_studies(
    path: str | Path,
    *,
    sheet: str | None = None,
    nonsignificant: Nonsignificant = "error",
    beta: BetaPolicy = "peterson-brown",
    yi_measure: YiMeasure | None = None,
    measure: SheetMeasure = "z",
    config: Config | str | Path | None = None,
) -> Studies:
    """Read and validate like `read_studies`, but return a sheet with errors too."""
    check_option("nonsignificant", nonsignificant, Nonsignificant)
    check_option("beta", beta, BetaPolicy)
    check_option("measure", measure, SheetMeasure)
    settings = config if isinstance(config, Config) else _read_config(config)
    scale = settings.pool.get("yi_measure") if yi_measure is None else yi_measure
    if scale is not None:
        check_option("yi_measure", scale, YiMeasure)
    reading = Reading(measure=measure, nonsignificant=nonsignificant, beta=beta, yi_measure=scale)
    content, name = read_source(path)
    grids, found = parse_grids(content, name)
    scheme = Scheme()
    codebook = find_codebook(grids)
    if codebook is not None:
        scheme, more = read_codebook(codebook, scheme)
        found += more
    scheme = scheme_of(settings, scheme)
    named = [named_by_labels(g, scheme) for g in grids]
    grids = [g for g, _ in named]
    grid = choose_sheet(grids, sheet or settings.sheet, name, scheme)
    found += next(notes for g, notes in named if g is grid)
    extra = find_studies_sheet(grids, grid)
    study_header = extra and find_header(extra, scheme, statistic=False)
    supplied = read_columns(extra, *study_header, scheme) if extra and study_header else None
    header = read_header(grid, name, scheme, frozenset(supplied.columns if supplied else ()))
    if supplied is not None and not header.identity.composed:
        supplied = without_years(supplied)
    grid, filled = fill_down(grid, header, scheme)
    rows, cell_problems = read_rows(grid, header, scheme)
    if extra is not None and supplied is not None:
        rows, join_problems = join_studies(rows, extra, supplied, scheme)
        found += join_problems
    elif extra is not None:
        message, hint = "it has no header with 'study'; it is not joined", MESSAGES["MA214"].remedy
        found.append(problem_at("MA214", extra, 1, 1, message, hint=hint))
    included = {row.number for row in rows if row.included}
    read = {"", *(g.name for g in (grid, extra, codebook) if g is not None)}
    found = [p for p in found if p.sheet in read]  # not of other data frames of the file
    problems = [*found, *header.problems, *layout_problems(grid, header, rows), *filled]
    problems += with_labels(rows)
    labels = {row.number: row.label for row in rows}
    problems += [
        replace(p, study=labels.get(p.row or 0, p.study))
        for p in cell_problems
        if p.row in included or p.column == "include" or p.code == "MA418"
    ]
    bounds: set[tuple[int | None, str]] = set()  # p-values that the row does not need
    choices: dict[int, Choice] = {}
    silent: set[int] = set()
    for row in rows:
        problems += _check_row(row, reading, choices, silent)
        if row.number in choices and choices[row.number].statistic != "p":
            bounds.add((row.number, "p"))
    problems = [_without_harm(p) if (p.row, p.column) in bounds else p for p in problems]
    summaries = {p.row for p in problems if p.code == "MA410"}
    if nonsignificant == "drop":
        summaries |= silent
    studied = [r for r in rows if r.included and r.study and r.number not in summaries]
    problems += [*study_problems(studied), *sign_suspects(studied, choices)]
    problems += statistic_problems([(r, choices[r.number]) for r in studied if r.number in choices])
    names = {row.study: row.label for row in rows}
    kept, silenced = _silence(_in_order(once_per_column(problems)), settings, names)
    studies = Studies(
        file=name,
        sha256=hashlib.sha256(content).hexdigest(),
        sheet=grid.name,
        rows=tuple(rows),
        choices=choices,
        nonsignificant_rows=frozenset(silent),
        problems=tuple(kept),
        reading=reading,
        config=settings.path.name if settings.path else None,
        silenced=tuple(silenced),
        level_orders={
            **_file_orders(grid, header),
            **scheme.orders(rows[0].places if rows else ()),
        },
    )
    return _refuse_empty(studies, grid, header)


def _file_orders(grid: Grid, header: Header) -> dict[str, tuple[str, ...]]:
    """Levels of the team's own columns in the order of a data file."""
    return {n: grid.orders[c] for n, c in header.extra.items() if c in grid.orders}


def _read_config(path: str | Path | None) -> Config:
    return Config() if path is None else read_config(Path(path))


def _without_harm(p: Problem) -> Problem:
    """An inequality for a p-value beside another statistic is no error."""
    return replace(p, severity="note") if p.code == "MA309" else p


def _silence(
    problems: list[Problem], config: Config, names: dict[str, str]
) -> tuple[list[Problem], list[tuple[Problem, str]]]:
    """Part the problems that the configuration silences from the others."""
    kept, silenced = [], []
    for p in problems:
        reason = next(
            (
                i.reason
                for i in config.ignore
                if i.code == p.code and names.get(i.study, i.study) in {"", p.study}
            ),
            None,
        )
        if reason is None or p.severity == "error":
            kept.append(p)
        else:
            silenced.append((p, reason))
    return kept, silenced


def _check_row(
    row: Row, reading: Reading, choices: dict[int, Choice], silent: set[int]
) -> list[Problem]:
    """Check one row; enter its statistic, or that it reports "n.s."."""
    problems = identity_problems(row)
    if not row.included or problems:
        return problems
    column = nonsignificant_column(row)
    if column is not None:
        silent.add(row.number)
        return nonsignificant_problems(row, column, reading.nonsignificant)
    choice, found = choose(row, reading)
    if choice is None or found:
        return found
    choices[row.number] = choice
    return row_problems(row, choice)


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by row, whole-file problems first."""
    return sorted(problems, key=lambda p: (p.row is not None, p.row or 0))


def _refuse_empty(studies: Studies, grid: Grid, header: Header) -> Studies:
    """Add an error when no row is left."""
    if studies.used or studies.errors:
        return studies
    code, message = (
        ("MA505", "every row is excluded or dropped: nothing is left to pool")
        if studies.rows
        else ("MA208", "there is no row under the header")
    )
    empty = problem_at(code, grid, header.row, header.columns["study"], message)
    return replace(studies, problems=(*studies.problems, empty))
