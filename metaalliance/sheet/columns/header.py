"""Find the sheet, its header row, and what each column is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise, zip_longest
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.columns.direction_words import direction_named, words_to_map
from metaalliance.sheet.columns.effect_words import effect_named
from metaalliance.sheet.columns.identity import STUDIES, Identity, find_identity
from metaalliance.sheet.columns.limits import find_interval, holds_limits
from metaalliance.sheet.columns.names import excludes
from metaalliance.sheet.columns.reading import column_values, fits, name_columns, row_numbers
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import (
    COLUMNS,
    STATISTICS,
    find_column,
    suggest_column,
)
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.columns.wide import EFFECTS, Wide, find_wide
from metaalliance.sheet.columns.words import beside, folded, interval, names
from metaalliance.sheet.read.grid import Grid, is_blank
from metaalliance.sheet.read.limits import MAX_COLUMNS
from metaalliance.sheet.read.numbers import parse_number
from metaalliance.sheet.read.xlsx_marks import merged_bounds

SEARCH_ROWS = 20
#: Most rows that a header is merged over.
STACKED = 3
#: Sheets that explain the coding and never hold it.
_ABOUT = names(
    """codebook readme lookup lookups list lists legend instructions manual codingmanual dictionary
    datadictionary datadict variables key keys dropdown dropdowns info about changelog log
    explanation explanations codes labels validation options anleitung legende erlauterung
    erlauterungen kodierbuch codebuch lisezmoi leyenda legenda"""
)
#: What stands beside an effect under the same title.
_SIZES = names("n ni df p se sei vi")
#: Headers of samples that may share people.
_ASKED = frozenset({"subsample", "cohort"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Where the columns of a sheet stand.

    Attributes
    ----------
    row : int
        Number of the header row, from 1.
    columns : dict of str to int
        Column number, from 1, by canonical name.
    extra : dict of str to int
        Columns that are not in the specification, by their header.
    named : frozenset of int
        Columns with any header.
    identity : Identity
        What makes the study and its label.
    turned : bool
        Whether the column `include` marks what is left out.
    texts : dict of str to str
        Headers of columns whose header is not their name.
    level : float or None
        Level of intervals in one cell, where the header says it.
    lost : frozenset of str
        Columns that the configuration maps to headers that the sheet does not have.
    problems : tuple of Problem
        Aliases, unknown and duplicate columns.
    """

    row: int
    columns: dict[str, int]
    extra: dict[str, int]
    named: frozenset[int] = frozenset()
    identity: Identity = field(default_factory=Identity)
    turned: bool = False
    texts: dict[str, str] = field(default_factory=dict, repr=False)
    level: float | None = None
    lost: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def interval(self) -> int | None:
        """Number of the column that holds both confidence limits in one cell."""
        low, high = self.columns.get("ci_low"), self.columns.get("ci_high")
        return low if low == high else None


def header_text(value: Any) -> str:
    """Return a header as text: blanks, line breaks and invisible characters folded."""
    text = str(value).replace("\ufeff", "").replace("\u200b", "")
    return " ".join(text.split())


def choose_sheet(grids: list[Grid], wanted: str | None, file: str, scheme: Scheme) -> Grid:
    """Return the sheet to read.

    The one that is asked for; else the visible sheet called ``effects``; else the only
    visible sheet with a study column and a statistic.

    Raises
    ------
    UnreadableFileError
        When it does not exist, or several or none qualify.
    """
    listed = ", ".join(repr(g.name) for g in grids)
    if wanted is not None:
        for grid in grids:
            if grid.name == wanted:
                return grid
        raise UnreadableFileError(f"{file} has no sheet {wanted!r}; it has {listed}.", code="MA203")
    if len(grids) == 1:
        return grids[0]
    named = [g for g in grids if g.visible and g.name.strip().lower() == "effects"]
    if named:
        return named[0]
    found = {g.name: g for g in grids if g.visible and not is_about(g) and find_header(g, scheme)}
    rows = {name: usable_rows(grid, scheme) for name, grid in found.items()}
    holding = [name for name in found if rows[name]] or list(found)
    if len(holding) == 1:
        return found[holding[0]]
    if not found:
        raise UnreadableFileError(
            f"No visible sheet of {file} has a header with 'study' and a statistic (r, t, n ...) "
            f"in its first {SEARCH_ROWS} rows; it has {listed}.",
            code="MA201",
        )
    shown = ", ".join(map(repr, holding))
    counts = " and ".join(str(rows[name]) for name in holding)
    raise UnreadableFileError(
        f"{file} has several sheets with effects: {shown} (with {counts} rows). Choose one with "
        "--sheet.",
        code="MA202",
    )


def is_about(grid: Grid) -> bool:
    """Whether a sheet by its name explains the coding (a codebook, lists for dropdowns)."""
    return folded(grid.name) in _ABOUT


def usable_rows(grid: Grid, scheme: Scheme) -> int:
    """Number of rows that have a study and a statistic, under the header that is found."""
    found = find_header(grid, scheme)
    if found is None:
        return 0
    named = name_columns(grid, found[0], [c.text for c in found[1]], scheme)
    study = [i for i, name in enumerate(named) if name == "study"]
    statistics = [i for i, name in enumerate(named) if name in STATISTICS]
    rows = grid.rows[found[0] :]
    return sum(_any_in(row, study) and _any_in(row, statistics) for row in rows)


def _any_in(values: list[Any], places: list[int]) -> bool:
    return any(i < len(values) and not is_blank(values[i]) for i in places)


@dataclass(frozen=True, slots=True)
class HeaderCell:
    """The header of one column.

    Attributes
    ----------
    text : str
        What it says; two rows are joined where only together they name a column.
    row : int
        Row in which it stands.
    """

    text: str
    row: int


def find_header(
    grid: Grid, scheme: Scheme, *, statistic: bool = True
) -> tuple[int, list[HeaderCell]] | None:
    """Return the number of the header row and its cells, or None.

    The row with `study` and (unless `statistic` is false) a statistic in which most headers
    are known, the first of equals. Rows that only together name the columns are taken together,
    up to three: titles of groups above, names below.
    """
    return best_header(grid, scheme, partial(_enough, statistic=statistic))


def best_header(
    grid: Grid, scheme: Scheme, enough: Callable[[set[str]], bool]
) -> tuple[int, list[HeaderCell]] | None:
    """Return the row in which most headers are known, if they are enough, with its cells.

    A header above numbers ends the search: what is below it are its rows, or a second table.
    """
    best: tuple[int, list[HeaderCell]] | None = None
    most = 0
    top = grid.rows[:SEARCH_ROWS]
    for depth in range(1, STACKED + 1):
        for first in range(len(top) - depth + 1):
            last = first + depth
            if any(map(holds_number, top[first:last])):
                continue
            named = partial(name_columns, grid, last, scheme=scheme)
            cells = _stacked(grid, first + 1, last, scheme)
            known = {name for name in named([c.text for c in cells]) if name is not None}
            if not enough(known):
                continue
            if len(known) > most:
                best, most = (last, cells), len(known)
            if last < len(grid.rows) and holds_number(grid.rows[last]):
                top = top[:last]
                break
    return best


def holds_number(values: list[Any]) -> bool:
    """Whether a row holds numbers: it is no row of headers."""
    return any(not is_blank(v) and parse_number(v).value is not None for v in values)


def titled_row(grid: Grid) -> tuple[int, list[HeaderCell]] | None:
    """The first row of texts above a row with numbers: a header of which nothing is known."""
    top = grid.rows[: SEARCH_ROWS + 1]
    for number, (values, below) in enumerate(pairwise(top), start=1):
        cells = [HeaderCell(_text_of(v), number) for v in values]
        texts = sum(bool(c.text) for c in cells) > 1 and not holds_number(values)
        if texts and (holds_number(below) or number == len(top) - 1):
            return number, cells
    return None


def _text_of(value: Any) -> str:
    """Text of a header cell; only text can be a header."""
    return header_text(value) if isinstance(value, str) and not is_blank(value) else ""


def _stacked(grid: Grid, first: int, last: int, scheme: Scheme) -> list[HeaderCell]:
    """Header rows as one: the lowest name, with the titles above where that names a column.

    Where several columns have one name, the titles tell them apart.
    """
    stacks = titled(grid, first, last)
    lowest_names = [parts[-1] for parts, _ in stacks]
    return [
        HeaderCell(_joined(parts, scheme, alone=lowest_names.count(parts[-1]) < 2), row)
        for parts, row in stacks
    ]


def titled(grid: Grid, first: int, last: int) -> list[tuple[list[str], int]]:
    """Return the texts of each column in header rows, outermost title first, name last.

    A title stands over the columns to its right until the next one, or as far as it is merged.

    Parameters
    ----------
    first, last : int
        Numbers of the first and the last header row.

    Returns
    -------
    list of tuple
        The texts of each column ("" alone where there is none), and the row of its name.
    """
    ends = {(r, c): end for c, r, end, _ in map(merged_bounds, grid.merged)}
    titles = [("", 0)] * (last - first)
    stacks: list[tuple[list[str], int]] = []
    for number, column in enumerate(zip_longest(*grid.rows[first - 1 : last]), start=1):
        texts = [_text_of(value) for value in column]
        for level, text in enumerate(texts[:-1]):
            if text:
                end = ends.get((first + level, number), MAX_COLUMNS)
                titles[level:] = [(text, end), *[("", 0)] * (len(titles) - level - 1)]
        lowest = max((i for i, text in enumerate(texts) if text), default=0)
        above = [t for t, end in titles[:lowest] if t and number <= end]
        stacks.append(([*above, texts[lowest]], first + lowest))
    return stacks


def header_below(grid: Grid, first: int) -> tuple[int, tuple[tuple[str, ...], ...]]:
    """Return the last row of a header that begins in a row, and the texts of its columns.

    Rows below belong to it that hold names only, and nothing where it names the study; so do
    those that name the study before its first title.
    """
    texts = [_text_of(v) for v in grid.rows[first - 1]]
    study = next((i for i, text in enumerate(texts) if text), 0)
    last = first
    for values in grid.rows[first : first + STACKED - 1]:
        below = [_text_of(v) for v in values]
        named = sum(bool(t) and not parse_number(t).missing for t in below)
        titled_only = any(below[:study]) and named > sum(map(bool, texts))
        beside = below[study : study + 1] == [""] or titled_only
        if named < 2 or holds_number(values) or not beside:
            break
        study = min(study, next((i for i, text in enumerate(below) if text), study))
        last += 1
    return last, _names_last([parts for parts, _ in titled(grid, first, last)])


def _names_last(levels: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    """Put the statistic of names such as ``r BDI`` below titles behind what it is of."""
    found = []
    heads = [parts[-1].split(" ", 1) for parts in levels]
    stems = EFFECTS.keys() | (_SIZES if any(folded(h[0]) in EFFECTS for h in heads) else set())
    for parts, head in zip(levels, heads, strict=True):
        if len(parts) > 1 and len(head) > 1 and folded(head[0]) in stems and folded(head[1]):
            found.append((*parts[:-1], head[1].strip("()[] "), head[0]))
        else:
            found.append(tuple(parts))
    return tuple(found)


def joined_titles(levels: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return one text for each column; a title over all names that is no statistic says nothing.

    Of one that names a statistic, such as ``Correlation with outcome``, the statistic stays.
    """
    titles = {parts[0] for parts in levels if len(parts) > 1}
    common = titles if len(titles) == 1 and not {folded(t) for t in titles} & EFFECTS.keys() else ()
    told = {t: [column] if (column := _statistic_of(t)) else [] for t in common}
    return tuple(
        " ".join([*told[p[0]], *p[1:]] if len(p) > 1 and p[0] in common else p) for p in levels
    )


def _statistic_of(title: str) -> str:
    """The statistic that a title names for certain, or ""."""
    found = effect_named(title)
    return found[0] if found and found[1] and found[0] in EFFECTS else ""


def _joined(parts: list[str], scheme: Scheme, *, alone: bool) -> str:
    """The name of a column with as many titles above it as name a column."""
    for start in range(len(parts) - 1):
        for chosen in (parts[start:], [parts[start], parts[-1]]):
            if scheme.column_of(" ".join(chosen)) is not None:
                return " ".join(chosen)
    return parts[-1] if alone else " ".join(parts)


def _enough(known: set[str], *, statistic: bool) -> bool:
    """Whether a row names a study, something else that is known, and a statistic if asked for."""
    enough = not statistic or bool(known & set(STATISTICS))
    return "study" in known and len(known) > 1 and enough


def read_header(
    grid: Grid, file: str, scheme: Scheme, elsewhere: frozenset[str] = frozenset()
) -> Header:
    """Map the columns of the sheet with the effects.

    Parameters
    ----------
    elsewhere : frozenset of str
        Columns that another sheet supplies.

    Raises
    ------
    UnreadableFileError
        When no row can be the header.
    """
    found = find_header(grid, scheme)
    if found is None:
        raise UnreadableFileError(
            f"The sheet {grid.name!r} of {file} has no header row with 'study' and a statistic "
            f"(r, t, F, d, p ...) in its first {SEARCH_ROWS} rows{_what_stands(grid, file)}",
            code="MA201",
        )
    header = read_columns(grid, *found, scheme)
    lost = sorted(set(scheme.taken) - set(header.columns) - elsewhere)
    problems = [
        problem_at("MA213", grid, header.row, 1, f"the configuration maps {column!r} to "
                   f"{scheme.taken[column]!r}, a header that the sheet does not have.")
        for column in lost
    ]  # fmt: skip
    known = {*header.columns, *header.extra, *elsewhere, "author"}
    problems += [
        problem_at("MA335", grid, header.row, 1, f"the configuration speaks of {name!r}, which the "
                   "sheet does not have.")
        for name in dict.fromkeys(scheme.named)
        if name not in known
    ]  # fmt: skip
    return replace(header, lost=frozenset(lost), problems=(*header.problems, *problems))


def read_columns(grid: Grid, row: int, cells: list[HeaderCell], scheme: Scheme) -> Header:
    """Map the columns of a header row; exact names come before aliases."""
    columns: dict[str, int] = {}
    extra: dict[str, int] = {}
    problems = []
    if row > 1:
        kind = "The header ends in row" if any(c.row < row for c in cells) else "The header is row"
        problems.append(problem_at("MA207", grid, row, 1, f"{kind} {row}."))
    texts = [c.text for c in cells]
    named = name_columns(grid, row, texts, scheme)
    known = {name for name in named if name}
    identity = identity_of(grid, row, texts, named, scheme)
    numbering = row_numbers(grid, row, texts)
    both = find_interval(grid, row, texts, named, scheme)
    for number, (cell, name) in enumerate(zip(cells, named, strict=True), start=1):
        if number in identity.own or (number == identity.author and not identity.named):
            problems += _identify(grid, number, cell, identity, columns, scheme)
        elif number == identity.numbered:
            extra[f"{cell.text} ({number})" if cell.text in COLUMNS else cell.text] = number
            told = "author and year are" if identity.author else f"{texts[identity.study - 1]!r} is"
            message = f"{cell.text!r} counts within reports and is no study: {told}"
            problems.append(problem_at("MA523", grid, cell.row, number, message, cell.text))
        elif number == both:
            columns["ci_low"] = columns["ci_high"] = number
            if not scheme.is_mapped(cell.text):
                message = f"{cell.text!r} is read as 'ci_low' and 'ci_high'."
                problems.append(problem_at("MA206", grid, cell.row, number, message, cell.text))
        elif number in numbering and name is None and not scheme.is_mapped(cell.text):
            message = f"{cell.text!r} holds" if cell.text else "The column without header holds"
            problems.append(problem_at("MA218", grid, cell.row, number, f"{message} row numbers."))
        elif cell.text:
            _place(grid, number, cell, name, columns, extra, problems, scheme, known)
    header = Header(
        row=row,
        columns=columns,
        extra=extra,
        named=frozenset((*(n for n, c in enumerate(cells, start=1) if c.text), *columns.values()))
        | numbering,
        identity=identity,
        turned="include" in columns and excludes(texts[columns["include"] - 1]),
        texts={c: texts[n - 1] for c, n in columns.items() if texts[n - 1] != c},
        level=found[1] if both and (found := interval(texts[both - 1])) else None,
        problems=tuple(problems),
    )
    problems = _of_wide(grid, problems)
    return replace(header, problems=(*problems, *_beside_others(grid, header, texts)))


def _of_wide(grid: Grid, problems: list[Problem]) -> list[Problem]:
    """Columns that stand twice under titles are further effects: none of them is to be deleted."""
    twice = [p for p in problems if p.code == "MA204"]
    below = wide_below_titles(grid) if twice else None
    wide = wide_of(grid, below[0], list(below[1])) if below else None
    if wide is None:
        return problems
    listed = ", ".join(wide.labels[:6])
    hint = f"the sheet is wide ({listed} side by side); metaalliance import makes a row of each"
    return [replace(p, hint=hint) if p in twice else p for p in problems]


def identity_of(
    grid: Grid, row: int, texts: Sequence[str], named: Sequence[str | None], scheme: Scheme
) -> Identity:
    """Return which columns are the study, under the names that the headers have."""
    known = {key_of(text): name for text, name in zip(texts, named, strict=True) if name}
    identity = find_identity(grid, row, texts, replace(scheme, headers={**known, **scheme.headers}))
    if not identity.study and "study" in named:
        return replace(identity, study=named.index("study") + 1)  # names of rows
    return identity


def _beside_others(grid: Grid, header: Header, texts: list[str]) -> list[Problem]:
    """Say that effects of a wide sheet stand beside the one that is read."""
    wide = wide_of(grid, header.row, texts)
    below = wide_below_titles(grid) if wide is None else None
    if below is not None and below[0] > header.row:
        wide, texts = wide_of(grid, below[0], list(below[1])), list(below[1])
    read = {number - 1 for number in header.columns.values()}
    lost = [] if wide is None else [
        part.columns[c] for part in wide.parts for c in part.columns
        if part.columns[c] not in read and c in STATISTICS
    ]  # fmt: skip
    if len(lost) < 2:
        return []
    listed = ", ".join(repr(texts[i]) for i in lost)
    message = f"{listed} look like further effects of the study; they are not read."
    return [problem_at("MA219", grid, header.row, lost[0] + 1, message, texts[lost[0]])]


def wide_below_titles(grid: Grid) -> tuple[int, tuple[str, ...]] | None:
    """Return the last row and the texts of a header of several rows with effects side by side."""
    for first in range(1, min(SEARCH_ROWS, len(grid.rows)) + 1):
        last, levels = header_below(grid, first)
        texts = joined_titles(levels)
        if last > first and wide_of(grid, last, list(texts)) is not None:
            return last, texts
    return None


def wide_of(grid: Grid, row: int, texts: list[str]) -> Wide | None:
    """Return the effects side by side in the columns of a sheet, if it is wide."""
    return find_wide(texts, [column_values(grid, row, i) for i in range(len(texts))])


def without_years(header: Header) -> Header:
    """Read authors as the study without their year, as the sheet with the effects has them."""
    if not header.identity.composed:
        return header
    return replace(header, identity=Identity(study=header.identity.study))


def _exact(text: str, name: str) -> bool:
    return key_of(text) == key_of(name)


def _what_stands(grid: Grid, file: str) -> str:
    """The first row with text, for the message that it is no header; or that the sheet is wide."""
    for first in range(1, min(SEARCH_ROWS, len(grid.rows)) + 1):
        number, levels = header_below(grid, first)
        texts = joined_titles(levels)
        shown = [t for t in texts if t]
        if shown:
            wide = wide_of(grid, number, list(texts))
            if wide is not None:
                return (
                    f". It is wide: {', '.join(wide.labels[:6])} stand side by side in columns. "
                    f"metaalliance import {file} -o effects.xlsx makes one row of each effect."
                )
            return "; it begins with " + ", ".join(repr(t[:30]) for t in shown[:6]) + "."
    return "."


def _identify(
    grid: Grid,
    number: int,
    cell: HeaderCell,
    identity: Identity,
    columns: dict[str, int],
    scheme: Scheme,
) -> list[Problem]:
    """Enter a header of the identity; say what the study and its label are."""
    name = identity.own.get(number)
    if name is not None:
        columns[name] = number
    if name == "effect" and identity.apart:
        message = (
            f"{cell.text!r} is read as 'effect', though it differs within one author and year: "
            "their rows count as one study."
        )
        return [problem_at("MA528", grid, cell.row, number, message, cell.text)]
    if number == identity.study and identity.composed:
        message = f"The study is {cell.text!r} with its year."
        if key_of(cell.text) in STUDIES:
            message = f"{cell.text!r} holds names in several years: each name and year is a study."
            return [problem_at("MA539", grid, cell.row, number, message, cell.text)]
    elif name is None:
        message = f"{cell.text!r} and the year are the label of the study."
    elif cell.text == name or scheme.is_mapped(cell.text):
        return []
    else:
        message = f"{cell.text!r}" if cell.text else "The column without header"
        message += f" is read as {name!r}."
    return [problem_at("MA206", grid, cell.row, number, message, cell.text)]


def _place(
    grid: Grid,
    number: int,
    cell: HeaderCell,
    name: str | None,
    columns: dict[str, int],
    extra: dict[str, int],
    problems: list[Problem],
    scheme: Scheme,
    known: set[str],
) -> None:
    """Enter one header into `columns` or `extra`, with its problem if any."""
    text, row = cell.text, cell.row
    if name == "study" and not ("study" in columns and _exact(text, name)):
        name = None  # authors or a reference beside the study
    if name is None:
        key = text if text not in extra and text not in COLUMNS else f"{text} ({number})"
        extra[key] = number
        if not scheme.is_mapped(text):
            code, message, hint = *_not_taken(text, scheme, {*columns, *known, *scheme.taken}), ""
            values = column_values(grid, row, number - 1)
            direction = direction_named(text, values)
            if code == "MA220" and len(text) == 1 and _holds_its_numbers(grid, row, number, text):
                code = "MA221"
                message = (
                    f"{text!r} contradicts r in most rows; it is kept as a column of your own."
                )
            elif holds_limits(grid, row, number, text):
                code, message = "MA220", f"{text!r} holds no limits of the effect that is read."
            elif direction and direction not in {*columns, *known, *scheme.taken}:
                code, message = "MA226", f"{text!r} looks like a direction and is not read"
                told = (f'[columns] {direction} = "{text}"', words_to_map(direction, text, values))
                hint = f"map it: {'; '.join(t for t in told if t)}"
            problems.append(problem_at(code, grid, row, number, message, text, hint))
    elif name in columns:
        message = f"{text!r} and {grid.place(row, columns[name])} both mean {name!r}."
        problems.append(problem_at("MA204", grid, row, number, message, text))
    else:
        columns[name] = number
        if name == "include" and excludes(text):
            message = f"{text!r} is read as 'include' turned round: what it marks is left out."
            problems.append(problem_at("MA538", grid, row, number, message, text))
        elif text != name and not scheme.is_mapped(text):
            message = f"{text!r} is read as {name!r}."
            problems.append(problem_at("MA206", grid, row, number, message, text))
        if key_of(text) in _ASKED and not scheme.is_mapped(text):
            message = f"{text!r} is read as sample: are its values different people?"
            problems.append(problem_at("MA519", grid, row, number, message, text))


def _holds_its_numbers(grid: Grid, row: int, number: int, text: str) -> bool:
    """Whether a column holds numbers that the statistic of its header could be."""
    name = find_column(text)
    values = column_values(grid, row, number - 1)
    return name in STATISTICS and fits(values, COLUMNS[name], grid)


def _not_taken(text: str, scheme: Scheme, placed: set[str]) -> tuple[str, str]:
    """Code and message for a header that is no column."""
    known = scheme.column_of(text)
    if known not in {None, "study"}:
        return "MA220", f"{text!r} holds no {known}; it is kept as a column of your own."
    near = suggest_column(text)
    if near is None or near in placed or (near in STATISTICS and beside(text)):
        return "MA205", f"{text!r} is not a known column; it is kept as a possible moderator."
    return "MA212", f"{text!r} is not used; did you mean {near!r}?"


def problem_at(
    code: str, grid: Grid, row: int, column: int, message: str, seen: str = "", hint: str = ""
) -> Problem:
    """Return a problem at a place of a sheet."""
    return Problem(
        code=code,
        severity=severity_of(code),
        message=message,
        hint=hint,
        sheet=grid.name,
        cell=grid.place(row, column),
        row=grid.number(row) or None,
        seen=seen,
    )
