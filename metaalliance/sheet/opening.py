"""From a file to coded rows: its sheets, its coding scheme, its header, its cells."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import pandas as pd

from metaalliance.config import Config
from metaalliance.errors import OptionError
from metaalliance.messages import MESSAGES
from metaalliance.problems import Problem
from metaalliance.sheet.columns.codebook import find_codebook, read_codebook
from metaalliance.sheet.columns.correlations_sheet import find_correlations, read_correlations
from metaalliance.sheet.columns.header import (
    Header,
    problem_at,
    read_columns,
    read_header,
    without_years,
)
from metaalliance.sheet.columns.header_rows import SEARCH_ROWS, STACKED, find_header, header_text
from metaalliance.sheet.columns.labels import named_by_labels
from metaalliance.sheet.columns.scheme import Scheme, scheme_of
from metaalliance.sheet.columns.sheet_choice import choose_sheet
from metaalliance.sheet.columns.studies_sheet import find_studies_sheet, join_studies
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.fill import fill_down
from metaalliance.sheet.labels import with_labels
from metaalliance.sheet.read.grid import Grid
from metaalliance.sheet.read.source import parse_grids, read_source
from metaalliance.sheet.row_reading import read_rows
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.layout import layout_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedSheet:
    """The rows of a sheet as they were coded, before any rule looks at them.

    Attributes
    ----------
    file, sha256 : str
        What was read.
    grid : Grid
        The sheet with the effects, without its rows.
    header : Header
        Its columns.
    rows : list of Row
        Every row under the header that is not blank.
    problems : list of Problem
        Those of the file, the header, the layout and the cells.
    level_orders : dict of str to tuple of str
        Levels in the order of the data file, the codebook or the configuration.
    scheme : Scheme
        What it was read with.
    correlations : DataFrame or None
        The sheet `correlations`.
    """

    file: str
    sha256: str
    grid: Grid
    header: Header
    rows: list[Row] = field(repr=False)
    problems: list[Problem] = field(repr=False)
    level_orders: dict[str, tuple[str, ...]] = field(repr=False)
    scheme: Scheme = field(repr=False)
    correlations: pd.DataFrame | None = field(default=None, repr=False)


def open_sheet(path: str | Path, wanted: str | None, config: Config) -> CodedSheet:
    """Read the cells of a workbook or data file.

    Raises
    ------
    UnreadableFileError
        When the file cannot be read, or no sheet holds effects.
    OptionError
        When the configuration was written for other headers.
    """
    content, name = read_source(path)
    digest = hashlib.sha256(content).hexdigest()
    grids, found = parse_grids(content, name)
    del content
    codebook = find_codebook(grids)
    scheme, more = (Scheme(), []) if codebook is None else read_codebook(codebook, Scheme())
    found += more
    scheme = scheme_of(config, scheme)
    named = [named_by_labels(g, scheme) for g in grids]
    grids = [g for g, _ in named]
    _check_mapping(grids, config, name)
    grid = choose_sheet(grids, wanted or config.sheet, name, scheme)
    found += next(notes for g, notes in named if g is grid)
    extra = find_studies_sheet(grids, grid)
    study_header = extra and find_header(extra, scheme, statistic=False)
    supplied = read_columns(extra, *study_header, scheme) if extra and study_header else None
    header = read_header(grid, name, scheme, frozenset(supplied.columns if supplied else ()))
    if supplied is not None:
        header = replace(header, texts={**supplied.texts, **header.texts})
    grid, filled = fill_down(grid, header, scheme)
    rows, cell_problems = read_rows(grid, header, scheme)
    if extra is not None:
        rows, joined = _joined(rows, extra, supplied, header, scheme)
        found += joined
    beside = find_correlations(grids, grid)
    correlations, wrong = (None, []) if beside is None else read_correlations(beside)
    read = {"", *(g.name for g in (grid, extra, codebook, beside) if g is not None)}
    found = [p for p in found if p.sheet in read]  # not of other data frames of the file
    found += wrong
    found += [*header.problems, *layout_problems(grid, header, rows), *filled, *with_labels(rows)]
    in_file = {n: grid.orders[c] for n, c in header.extra.items() if c in grid.orders}
    return CodedSheet(
        file=name,
        sha256=digest,
        grid=replace(grid, rows=[]),
        header=header,
        rows=rows,
        problems=found + _of_cells(cell_problems, rows),
        level_orders={**in_file, **scheme.orders(rows[0].places if rows else ())},
        scheme=scheme,
        correlations=correlations,
    )


def _check_mapping(grids: list[Grid], config: Config, file: str) -> None:
    """Refuse a configuration that was written for the headers of another file.

    Raises
    ------
    OptionError
        When most of the headers that it names stand in no sheet.
    """
    top = [row for grid in grids for row in grid.rows[: SEARCH_ROWS + STACKED]]
    there = {key_of(header_text(v)) for row in top for v in row if isinstance(v, str)} - {""}
    lost = {c: h for c, h in config.columns.items() if not _is_there(key_of(h), there, STACKED)}
    if 2 * len(lost) <= len(config.columns):
        return
    where = config.path.name if config.path else "the configuration"
    some = f"{len(lost)} of the {len(config.columns)} headers"
    listed = ", ".join(f"{column} = {header!r}" for column, header in list(lost.items())[:6])
    own = f"{PurePath(file).stem}.toml"
    raise OptionError(
        f"{where} was written for other headers: {file} lacks {some} that its [columns] names "
        f"({listed}{' ...' if len(lost) > 6 else ''}). Correct [columns]; or write a configuration "
        f"for this file with metaalliance init {file} -o {own}, and give every command --config "
        f"{own}.",
        code="MA222",
    )


def _is_there(header: str, there: set[str], rows: int) -> bool:
    """Whether a folded header stands in a cell, or in those of rows that are one header."""
    return header in there or (
        rows > 1
        and any(header.startswith(h) and _is_there(header[len(h) :], there, rows - 1)
                for h in there)
    )  # fmt: skip


def _joined(
    rows: list[Row], extra: Grid, supplied: Header | None, header: Header, scheme: Scheme
) -> tuple[list[Row], list[Problem]]:
    """Complete the rows by the sheet of the studies."""
    if supplied is None:
        message, hint = "it has no header with 'study'; it is not joined", MESSAGES["MA214"].remedy
        return rows, [problem_at("MA214", extra, 1, 1, message, hint=hint)]
    return join_studies(
        rows, extra, supplied if header.identity.composed else without_years(supplied), scheme
    )


def _of_cells(problems: list[Problem], rows: list[Row]) -> list[Problem]:
    """Problems of cells whose row is included, under the label of the study."""
    wanted = {p.row for p in problems}
    told = [row for row in rows if row.number in wanted]
    included = {row.number for row in told if row.included}
    labels = {row.number: row.label for row in told}
    return [
        replace(p, study=labels.get(p.row or 0, p.study))
        for p in problems
        if p.row in included or p.column == "include" or p.code in {"MA418", "MA419"}
    ]
